# SPDX-License-Identifier: Apache-2.0
"""The plan of the house, for the checks in this folder: which rooms there are, on which floor, and where files live.

A check is a function that takes the root of a tree and yields one message a violation, so that the self-test can plant
violations in trees of its own.
"""
import os
import re

# docs/architecture.md has the same table. A room includes lower floors only, never its own.
FLOORS = {
    "base": 0, "crypto": 1, "flash": 1, "partition": 2, "image": 2, "nvs": 3, "boot": 3, "board": 4, "ota": 5,
    "http": 5, "update": 6, "idf": 7, "lab": 8, "cli": 9,
}
CORES = ("base", "crypto", "flash", "partition", "image", "nvs", "boot", "board", "ota", "http", "update")
FREESTANDING_HEADERS = {"stdint.h", "stddef.h", "stdbool.h", "limits.h", "stdarg.h"}
C_LIBRARY_HEADERS = FREESTANDING_HEADERS | {
    "assert.h", "ctype.h", "errno.h", "inttypes.h", "math.h", "setjmp.h", "signal.h", "stdio.h", "stdlib.h",
    "stdatomic.h", "string.h", "strings.h", "sys/types.h", "time.h",
}


def c_files(root, *folders):
    """Paths, relative to root and sorted, of the .c and .h files below the folders."""
    for folder in folders:
        for where, below, names in os.walk(os.path.join(root, folder)):
            below.sort()
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(where, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def without_comments(text):
    """The text with comments and the insides of strings blanked, line numbers kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] + found[0]
        return "\n" * found.count("\n") or " "

    return pattern.sub(blank, text)


def room_of_header(name):
    """The room of a public header "updraft/<name>": its file name up to the first underscore, err.h being base's."""
    stem = name.split("/")[0].split(".")[0].split("_")[0]
    return "base" if stem == "err" else stem
