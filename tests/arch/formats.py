# SPDX-License-Identifier: Apache-2.0
"""docs/formats says every byte: tables of bytes have no gap and no overlap; a table of a C struct (the line "C: `type`
of `header.h`, N bytes." in front of it) names each member at its offset, as a compiler sees it; each struct that its
header calls "as on flash" has such a table; a board's settings have a row for each key, the message BOOT one for each
field. The index lists the pages; a page says its code and its source; paths and fuzz targets that are named exist.

    formats.py ROOT [COMPILER]
"""
import os
import re
import subprocess
import sys
import tempfile

from house import read

FOLDER = "docs/formats"
INDEX = f"{FOLDER}/README.md"
MESSAGES = ("docs/formats/messages.md", "src/board/msg.c")
SETTINGS = ("docs/formats/board-files.md", "src/lab/settings.c")
STRUCT = re.compile(r"^C: `(\w+)` of `([\w/]+\.h)`, (\d+) bytes\.$", re.M)
ON_FLASH = re.compile(r'_Static_assert\(sizeof\((\w+)\) == (\d+), "as on flash"\);')
PATH = re.compile(r"`((?:src|include|port|compat|tests|docs|scripts|cmake)/[\w./*-]+)`")


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def tables(text):
    """(line number of the head, text above it since the table before, head, rows)."""
    lines = text.split("\n")
    above, at = [], 0
    while at < len(lines):
        if not lines[at].startswith("|"):
            above.append(lines[at])
            at += 1
            continue
        end = at
        while end < len(lines) and lines[end].startswith("|"):
            end += 1
        yield at + 1, "\n".join(above), cells(lines[at]), [cells(line) for line in lines[at + 2:end]]
        above, at = [], end


def runs(head, rows):
    """(first byte, one past the last) of each row of a table of bytes; None for another table."""
    if head[0] in ("off", "offset") and head[1:2] == ["size"]:
        return [(int(row[0]), int(row[0]) + int(row[1])) for row in rows]
    if head[0] == "bytes":
        return [(int(first), int(last) + 1) for first, last in (row[0].split(" to ") for row in rows)]
    return None


def gaps(page, number, head, rows):
    try:
        bytes_of = runs(head, rows)
    except ValueError:
        yield f"{page}:{number}: a place in this table is no number"
        return
    for i in range(1, len(bytes_of or [])):
        before, here = bytes_of[i - 1][1], bytes_of[i][0]
        if before != here:
            what = "bytes without a row before" if before < here else "overlaps what is before"
            yield f"{page}:{number + 2 + i}: {what} offset {here}"


def struct_tables(page, text):
    for number, above, head, rows in tables(text):
        found = STRUCT.search(above.rstrip().split("\n")[-1])
        if found:
            yield number, found.group(1), found.group(2), int(found.group(3)), rows


def compiled(root, compiler, page, structs):
    """Let the compiler compare each row with the struct."""
    lines, origin = ["#include <stddef.h>"], {}
    for number, name, header, size, rows in structs:
        lines.append(f'#include "{header}"')
    for number, name, header, size, rows in structs:
        end = int(rows[-1][0]) + int(rows[-1][1])
        facts = [(number, f"sizeof({name}) == {size}"), (number, f"{end} == {size}")]
        for i, (off, length, field, *_) in enumerate(rows):
            if "," in field:  # bit fields, which have no offset
                facts += [(number + 2 + i, f"sizeof((({name}){{ .{bits} = 1 }}).{bits} + 0) > 0")
                          for bits in field.replace(" ", "").split(",")]
            else:
                facts.append((number + 2 + i, f"offsetof({name}, {field}) == {off}"))
                facts.append((number + 2 + i, f"sizeof((({name} *)0)->{field}) == {length}"))
        for at, fact in facts:
            lines.append(f'_Static_assert({fact}, "");')
            origin[len(lines)] = (at, fact, name)
    with tempfile.TemporaryDirectory() as scratch:
        source = os.path.join(scratch, "facts.c")
        with open(source, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        run = subprocess.run([*compiler, "-std=c11", "-fsyntax-only", "-I", os.path.join(root, "include"), "-I",
                              os.path.join(root, "include/idf"), source], capture_output=True, text=True,
                             env={**os.environ, "LC_ALL": "C"})
    wrong = sorted({int(n) for n in re.findall(r"facts\.c:(\d+):\d+: error", run.stderr)})
    for line in wrong:
        at, fact, name = origin.get(line, (0, run.stderr, ""))
        yield f"{page}:{at}: {name}: not so: {fact}"
    if run.returncode and not wrong:
        yield f"{page}: cannot be compared: {run.stderr}"


def on_flash(root):
    top = os.path.join(root, "include/idf")
    for where, below, names in os.walk(top):
        below.sort()
        for name in sorted(names):
            text = read(where, name)
            for found in ON_FLASH.finditer(text):
                if "enum" not in declaration(text, found.group(1)):
                    yield os.path.relpath(os.path.join(where, name), top), found.group(1)


def declaration(text, name):
    end = re.search(rf"\}}[^;}}]*\b{name};", text)
    return text[text.rindex("typedef", 0, end.start()):end.start()] if end else ""


def settings(root):
    document, code = read(root, SETTINGS[0]), code_alone(read(root, SETTINGS[1]))
    keys = re.findall(r'^\s*\{ (NULL|"\w+"), "(\w+)", KIND_', code, re.M)
    if not keys:
        yield f"{SETTINGS[1]}: no keys found"
    for section, key in keys:
        name = key if section == "NULL" else section.strip('"') + "." + key
        if f"\n| `{name}` |" not in document:
            yield f"{SETTINGS[0]}: the setting {name} has no row"


def code_alone(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def messages(root):
    """The body of BOOT has a row for each field of the codec, and no other."""
    page, source = MESSAGES
    code = dict(re.findall(r"\b(OFF_\w+) = OFF_BODY(?: \+ (\d+))?,", code_alone(read(root, source))))
    in_code = {4 + int(off or 0) for name, off in code.items() if name not in ("OFF_BODY", "OFF_TEXT")}
    in_rows = {int(row[0]) for _, above, head, rows in tables(read(root, page)) for row in rows
               if "Body of BOOT" in above and head[:1] == ["off"] and not row[2].startswith("not used")}
    for off in sorted(in_code ^ in_rows):
        yield f"{page}: the field of BOOT at {off} is " + ("missing" if off in in_code else f"not in {source}")


def pages(root):
    names = sorted(n for n in os.listdir(os.path.join(root, FOLDER)) if n.endswith(".md") and n != "README.md")
    index = read(root, INDEX)
    if not names:
        yield f"{FOLDER}: no pages"
    for name in names:
        text = read(root, f"{FOLDER}/{name}")
        if f"[{name}]({name})" not in index:
            yield f"{INDEX}: does not list {name}"
        if not re.search(r"`src/\w+", text):
            yield f"{FOLDER}/{name}: does not say which code reads and writes it (`src/...`)"
        if "Source" not in text:
            yield f"{FOLDER}/{name}: does not say where it is from (\"Source\")"
    for name in [*names, "README.md"]:
        text = read(root, f"{FOLDER}/{name}")
        for path in PATH.findall(text):
            if "*" not in path and not os.path.exists(os.path.join(root, path)):
                yield f"{FOLDER}/{name}: {path} is not there"
        for target in re.findall(r"`(fuzz_\w+)`", text):
            if not os.path.exists(os.path.join(root, f"tests/fuzz/{target}.c")):
                yield f"{FOLDER}/{name}: {target}: no such fuzz target"


def check(root, compiler=("gcc",)):
    described = set()
    for name in sorted(os.listdir(os.path.join(root, FOLDER))):
        page = f"{FOLDER}/{name}"
        text = read(root, page)
        found = []
        for number, _, head, rows in tables(text):
            found += gaps(page, number, head, rows)
        structs = list(struct_tables(page, text))
        described |= {(header, struct) for _, struct, header, _, _ in structs}
        yield from found
        if structs and not found:
            yield from compiled(root, compiler, page, structs)
    for header, struct in on_flash(root):
        if (header, struct) not in described:
            yield f"{FOLDER}: {struct} of {header} lies on flash and has no table"
    yield from settings(root)
    yield from messages(root)
    yield from pages(root)


if __name__ == "__main__":
    found = list(check(sys.argv[1], sys.argv[2:] or ["gcc"]))
    print("\n".join(found) or "formats: every byte has its row")
    sys.exit(bool(found))
