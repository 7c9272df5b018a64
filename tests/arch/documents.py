# SPDX-License-Identifier: Apache-2.0
"""Documents: relative links lead to files, and to headings that are there; lines end within 120 columns, tables apart;
a room's README.md fits a screen."""
import os
import re
import sys

from house import read

LEAVE_OUT = {"build", ".git", "vectors", "corpus", "__pycache__", "node_modules"}  # vectors: recorded elsewhere
COLUMNS = 120
SCREEN = 56
LINK = re.compile(r"\]\(([^)\s]+)\)")


def documents(root):
    for where, below, names in os.walk(root):
        below[:] = sorted(name for name in below if name not in LEAVE_OUT)
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(where, name), root)


def without_code(text):
    return re.sub(r"`[^`\n]*`", "``", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def anchors(text):
    """As hosts of repositories make them of headings."""
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links(root, path, text):
    for target in LINK.findall(without_code(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if not os.path.exists(os.path.join(root, file)):
            yield f"{path}: {target}: leads nowhere"
        elif anchor and file.endswith(".md") and anchor not in anchors(read(root, file)):
            yield f"{path}: {target}: no such heading"


def check(root):
    found = 0
    for path in documents(root):
        text = read(root, path)
        found += 1
        yield from links(root, path, text)
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > COLUMNS and not line.startswith("|"):
                yield f"{path}:{number}: {len(line)} columns; {COLUMNS} are the limit"
        rooms = re.match(r"(src/\w+|compat|port/\w+|python|examples/\w+)/README\.md$", path)
        if rooms and text.count("\n") > SCREEN:
            yield f"{path}: {text.count(chr(10))} lines; a screen has {SCREEN}"
    if not found:
        yield "there are no documents: is this the root of the tree?"


if __name__ == "__main__":
    found = list(check(sys.argv[1]))
    print("\n".join(found) or "documents: links lead somewhere, lines end in time, rooms fit a screen")
    sys.exit(bool(found))
