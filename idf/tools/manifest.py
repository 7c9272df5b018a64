# SPDX-License-Identifier: Apache-2.0
"""Follow the idf_component.yml of a project's components to their end, and say what was found as calls for CMake.

manifest.py --target CHIP --project DIR --out FILE NAME=DIR...
"""

import argparse
import os
import pathlib
import re
import sys

import yaml

IDF_VERSION = (6, 2, 0)


class Bad(Exception):
    """A manifest that cannot be followed; the text names the file."""


def numbers(text):
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3]) + (0,) * (3 - len(re.findall(r"\d+", text)[:3]))


COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


def clause(text, target):
    """One comparison of a rule: `idf_version >= 5.0`, `target in [esp32, esp32c3]`."""
    found = re.fullmatch(r"\s*idf_version\s*(==|!=|>=|<=|>|<)\s*\"?v?([\d.]+)\"?\s*", text)
    if found:
        return COMPARE[found[1]](IDF_VERSION, numbers(found[2]))
    found = re.fullmatch(r"\s*target\s*(==|!=)\s*\"?(\w+)\"?\s*", text)
    if found:
        return (target == found[2]) == (found[1] == "==")
    found = re.fullmatch(r"\s*target\s+(not\s+)?in\s+\[(.*)\]\s*", text)
    if found:
        names = [name.strip(" \"'") for name in found[2].split(",")]
        return (target in names) != bool(found[1])
    raise Bad(f"the rule '{text.strip()}' is not understood; known are idf_version and target, joined by && and ||")


def rule(text, target):
    text = str(text)
    return any(all(clause(part, target) for part in half.split("&&")) for half in text.split("||"))


def wanted(entry, target):
    """Is a dependency in force? `rules` and `matches` each hold a list of `if`."""
    rules = entry.get("rules") or []
    matches = entry.get("matches") or []
    if rules and not all(rule(item["if"], target) for item in rules):
        return False
    return not matches or any(rule(item["if"], target) for item in matches)


def expand(text, manifest):
    """$NAME and ${NAME} are environment variables."""

    def value(found):
        name = found[1] or found[2]
        if name not in os.environ:
            raise Bad(f"the path '{text}' names ${name}, which is not set")
        return os.environ[name]

    return (manifest.parent / re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, text)).resolve()


def locate(name, entry, manifest, project):
    """Name and folder of the component that a dependency means."""
    path = entry.get("override_path") or entry.get("path")
    if path:
        folder = expand(path, manifest)
        if not (folder / "CMakeLists.txt").exists():
            raise Bad(f"'{name}' should be in {folder}, and there is no CMakeLists.txt in it")
        return folder.name, folder
    full = name if "/" in name else f"espressif/{name}"
    folder = project / "managed_components" / full.replace("/", "__")
    if not (folder / "CMakeLists.txt").exists():
        raise Bad(f"'{name}' comes from a registry, and {folder} is not there; nothing is downloaded here: fetch it "
                  "with ESP-IDF's component manager, or put a copy there")
    return folder.name, folder


def dependencies(folder, target, project):
    """What the manifest in a component's folder adds: [(name, folder)]; None without a manifest."""
    manifest = folder / "idf_component.yml"
    if not manifest.exists():
        return None
    try:
        try:
            content = yaml.safe_load(manifest.read_text()) or {}
        except yaml.YAMLError as err:
            raise Bad("not YAML: " + " ".join(str(err).split())) from err
        listed = content.get("dependencies") if isinstance(content, dict) else None
        if listed is None:
            return []
        if not isinstance(listed, dict):
            raise Bad("'dependencies' is not a map")
        found = []
        for name, entry in listed.items():
            entry = entry if isinstance(entry, dict) else {"version": entry}
            if name != "idf" and wanted(entry, target):
                found.append(locate(name, entry, manifest, project))
        return found
    except Bad as err:
        raise Bad(f"{manifest}: {err}") from err


def quoted(text):
    return f"[===[{text}]===]"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True)
    parser.add_argument("--project", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("components", nargs="+")
    args = parser.parse_args()
    known = {}
    queue = []
    for item in args.components:
        name, folder = item.split("=", 1)
        known[name] = pathlib.Path(folder)
        queue.append(name)
    lines = ["# What the manifests of the components say; generated."]
    while queue:
        owner = queue.pop(0)
        found = dependencies(known[owner], args.target, args.project)
        if found is None:
            continue
        lines.append(f"ud_manifest_read({quoted(known[owner] / 'idf_component.yml')})")
        for name, folder in found:
            if name not in known:
                known[name] = folder
                queue.append(name)
                lines.append(f"ud_manifest_component({quoted(name)} {quoted(folder)})")
            lines.append(f"ud_manifest_requires({quoted(owner)} {quoted(name)})")
    text = "\n".join(lines) + "\n"
    if not args.out.exists() or args.out.read_text() != text:
        args.out.write_text(text)


if __name__ == "__main__":
    try:
        main()
    except Bad as err:
        sys.exit(str(err))
