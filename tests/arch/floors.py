# SPDX-License-Identifier: Apache-2.0
"""Floors: who may include what.

A room of src/ includes public headers of lower rooms, its own, and private headers of its own folder. Cores take five
standard headers, idf and compat the C library, lab and cli any system header. Nothing under src/ includes compat, and
port/linux only the cores; its firmware_main.c (with firmware.h) alone may include idf.
"""
import os
import re
import sys

from house import C_LIBRARY_HEADERS, CORES, FLOORS, FREESTANDING_HEADERS, c_files, read, without_comments, room_of_header

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
CORE_TOP = max(FLOORS[room] for room in CORES)
# What is linked into a host image beside the libraries, and the header that it shares with generated files.
STARTUP = ("port/linux/firmware_main.c", "port/linux/firmware.h")
PORT_HEADERS = ("port",)  # updraft/port*.h: what a platform supplies; for whoever puts a process together


class Place:
    """What the files of one place may include."""

    def __init__(self, name, below, own=(), system=frozenset(), idf=False, port=False):
        self.name, self.below, self.own, self.system, self.idf, self.port = name, below, own, system, idf, port


def place_of(path):
    parts = path.split("/")
    if parts[0] == "src":
        room = parts[1]
        if room not in FLOORS:
            return None
        floor = FLOORS[room]
        system = FREESTANDING_HEADERS if room in CORES else C_LIBRARY_HEADERS if room == "idf" else None
        return Place(room, floor, (room,), system, idf=floor >= FLOORS["idf"], port=floor > FLOORS["idf"])
    if path in STARTUP:
        return Place("the start-up of firmware", FLOORS["lab"], (), None, idf=True, port=True)
    if parts[0] == "port":
        return Place("port", CORE_TOP + 1, (), None, port=True)
    if parts[0] == "compat":
        return Place("compat", FLOORS["lab"], (), C_LIBRARY_HEADERS, idf=True)
    if parts[:2] == ["include", "idf"]:
        return Place("the headers of ESP-IDF", FLOORS["lab"], (), None, idf=True)
    if parts[:2] == ["include", "updraft"]:
        room = room_of_header("/".join(parts[2:]))
        if room in PORT_HEADERS:
            return Place("port", CORE_TOP + 1, (), FREESTANDING_HEADERS, port=True)
        if room not in FLOORS:
            return None
        system = FREESTANDING_HEADERS if room in CORES else C_LIBRARY_HEADERS if room == "idf" else None
        return Place(room, FLOORS[room], (room,), system, idf=FLOORS[room] >= FLOORS["idf"],
                     port=FLOORS[room] > FLOORS["idf"])
    return None


def judge(root, path, place, name):
    """Why this include is wrong, or None."""
    if ".." in name.split("/") or name.startswith("/"):
        return "reaches out of its folder"
    if name == "firmware.h" and path.startswith("port/") and path not in STARTUP:
        return "only firmware_main.c stands on idf"
    if "compat/" in name and path.startswith("src/"):
        return "compat stands on idf; nothing under src includes it"
    if name.startswith("updraft/"):
        room = room_of_header(name[len("updraft/"):])
        if room in PORT_HEADERS:
            return None if place.port else f"{place.name} does not know a platform"
        if room not in FLOORS:
            return f"updraft/{room}… is no room's header: name it after its room"
        if room in place.own or FLOORS[room] < place.below:
            return None
        return f"{room} (floor {FLOORS[room]}) is not below {place.name}"
    # ESP-IDF's own include tree before the private headers: esp_system.h there is not a private file.
    if os.path.exists(os.path.join(root, "include/idf", name)):
        return None if place.idf else f"{name} is a header of ESP-IDF, which {place.name} does not know"
    if os.path.exists(os.path.join(root, os.path.dirname(path), name)):
        return None
    if place.name == "compat" and any(os.path.exists(os.path.join(root, where, name)) for where in compat_folders(root)):
        return None
    if place.system is None or name in place.system:
        return None
    return f"<{name}> is not among the system headers that {place.name} may use"


def compat_folders(root):
    return sorted({os.path.dirname(path) for path in c_files(root, "compat")})


def check(root):
    for path in c_files(root, "src", "port", "compat", "include"):
        place = place_of(path)
        if place is None:
            yield f"{path}: belongs to no room of the house (tests/arch/house.py)"
            continue
        text = read(root, path)
        code = without_comments(text).splitlines()
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if "#" not in code[line - 1]:
                continue  # an example within a comment
            why = judge(root, path, place, match.group(2))
            if why:
                yield f"{path}:{line}: {why}"


if __name__ == "__main__":
    found = list(check(sys.argv[1]))
    print("\n".join(found) or "floors: every include goes down the stairs")
    sys.exit(bool(found))
