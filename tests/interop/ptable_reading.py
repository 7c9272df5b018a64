# SPDX-License-Identifier: Apache-2.0
"""A second reading of ESP-IDF's partition tables: what the generator makes of a CSV file or of a binary table.

Written from the description of the format, as plainly as Python allows, sharing nothing with src/partition: where both
agree on random tables, neither has a slip of its own.
"""

import hashlib
import re
import struct

TYPES = {"app": 0, "data": 1, "bootloader": 2, "partition_table": 3}
SUBTYPES = {
    0: {"factory": 0x00, "test": 0x20, "tee_0": 0x30, "tee_1": 0x31, **{f"ota_{i}": 0x10 + i for i in range(16)}},
    1: {"ota": 0, "phy": 1, "nvs": 2, "coredump": 3, "nvs_keys": 4, "efuse": 5, "undefined": 6, "esphttpd": 0x80,
        "fat": 0x81, "spiffs": 0x82, "littlefs": 0x83, "tee_ota": 0x90},
    2: {"primary": 0, "ota": 1, "recovery": 2},
    3: {"primary": 0, "ota": 1},
}
ENCRYPTED, READONLY = 1, 2
MD5_HEAD = b"\xeb\xeb" + b"\xff" * 14
END = b"\xff" * 32


class Refused(Exception):
    """`kind` is the first rule that is broken; `line` where the generator names one."""

    def __init__(self, kind, line=None):
        super().__init__(kind)
        self.kind, self.line = kind, line


class Row:
    def __init__(self, name, line=None):
        self.name, self.line = name, line
        self.type = self.subtype = self.size = self.flags = 0
        self.offset = None

    def is_primary(self):
        return self.type in (2, 3) and self.subtype == 0

    def alignment(self):
        return 0x10000 if self.type == 0 else 0x1000

    def end(self):
        return self.offset + self.size

    def misleads(self):
        if self.name in TYPES:
            return TYPES[self.name] != self.type
        meanings = [(t, names[self.name]) for t, names in SUBTYPES.items() if self.name in names]
        return bool(meanings) and (self.type, self.subtype) not in meanings


# ---- CSV -------------------------------------------------------------------------------------------------------------


def value(text, words=()):
    try:
        return int(text, 0)
    except ValueError:
        pass
    if text.lower() in words:
        return words[text.lower()]
    if text and text[-1] in "kKmM":
        return value(text[:-1], words) * (1024 if text[-1] in "kK" else 1024 * 1024)
    raise ValueError(text)


def text_of(data):
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
                           (b"\0\0\xfe\xff", "utf-32-be")):
        if data.startswith(mark):
            break
    else:
        mark, encoding = b"", "utf-8"
    try:
        return data[len(mark):].decode(encoding)
    except UnicodeDecodeError:
        raise Refused("bad-encoding") from None


def expand(line, env):
    def put_in(match):
        name = match.group(1)
        return env.get(name[1:-1] if name.startswith("{") else name, match.group(0))

    return re.sub(r"\$(\w+|\{[^}]*\})", put_in, line, flags=re.ASCII)


def offset_of(row, cell, opts):
    if (row.type, row.subtype) == (3, 0):
        return opts["offset"]
    for subtype, option, kind in ((0, "primary_bootloader_offset", "no-bootloader-offset"),
                                  (2, "recovery_bootloader_offset", "no-recovery-offset")):
        if (row.type, row.subtype) == (2, subtype):
            if opts.get(option) is None:
                raise Refused(kind, row.line)
            return opts[option]
    try:
        return value(cell) if cell else None
    except ValueError:
        raise Refused("bad-number", row.line) from None


def size_of(row, cell, opts):
    if row.type == 2:
        if opts.get("primary_bootloader_offset") is None:
            raise Refused("no-bootloader-offset", row.line)
        return opts["offset"] - opts["primary_bootloader_offset"]
    if row.type == 3:
        return 0x1000
    if not cell:
        raise Refused("size-empty", row.line)
    try:
        return value(cell)
    except ValueError:
        raise Refused("bad-number", row.line) from None


def row_of(text, line, opts):
    cells = [cell.strip() for cell in text.split(",")] + [""] * 6
    row = Row(cells[0], line)
    if not cells[1]:
        raise Refused("type-empty", line)
    try:
        row.type = value(cells[1], TYPES)
    except ValueError:
        raise Refused("bad-type", line) from None
    if not cells[2] and row.type == 0:
        raise Refused("app-subtype-empty", line)
    try:
        row.subtype = value(cells[2], SUBTYPES.get(row.type, {})) if cells[2] else 6
    except ValueError:
        raise Refused("bad-subtype" if row.type in SUBTYPES else "bad-number", line) from None
    row.offset = offset_of(row, cells[3], opts)
    row.size = size_of(row, cells[4], opts)
    for flag in filter(None, cells[5].split(":")):
        if flag not in ("encrypted", "readonly"):
            raise Refused("bad-flag", line)
        row.flags |= ENCRYPTED if flag == "encrypted" else READONLY
    return row


def put_in_order(rows, opts):
    end = opts["offset"] + 0x1000
    for i, row in enumerate(rows):
        if row.is_primary():
            continue
        if row.offset is None:
            row.offset = -(-end // row.alignment()) * row.alignment()
        elif row.offset < end:
            raise Refused("below-previous-end" if i else "below-table-end", row.line)
        if row.size < 0:
            row.size = -row.size - row.offset
        end = row.end()


# ---- the whole table -------------------------------------------------------------------------------------------------


def check_options(opts):
    if opts.get("primary_bootloader_offset") is not None and opts["primary_bootloader_offset"] >= opts["offset"]:
        raise Refused("bootloader-not-below-table")


def check(rows, opts):
    for row in rows:
        if row.offset % row.alignment():
            raise Refused("offset-misaligned")
        if row.type == 0 and row.size % (0x10000 if opts.get("secure") == "v1" else 0x1000):
            raise Refused("size-misaligned")
        readonly = row.flags & READONLY
        if readonly and (row.type, row.subtype) in ((1, 0), (1, 3)):
            raise Refused("readonly-forbidden")
        if not readonly and (row.type, row.subtype) == (1, 2) and row.size < 0x3000:
            raise Refused("nvs-too-small")
    if len({row.name for row in rows}) < len(rows):
        raise Refused("duplicate-name")
    before = None
    for row in sorted(rows, key=lambda r: r.offset):
        if row.offset < opts["offset"] + 0x1000 and not row.is_primary():
            raise Refused("below-table-end-verify")
        if before and row.offset < before.end():
            raise Refused("overlap")
        before = row
    for subtype, name in ((0, "otadata"), (0x90, "teeotadata")):
        found = [row for row in rows if (row.type, row.subtype) == (1, subtype)]
        if len(found) > 1:
            raise Refused("many-" + name)
        if found and found[0].size != 0x2000:
            raise Refused(name + "-size")
    if opts.get("flash_size") and rows:
        if max(rows, key=lambda r: r.offset).end() > int(opts["flash_size"][:-2]) << 20:
            raise Refused("flash-size")


def check_fields(rows, opts):
    for row in rows:
        if not (0 <= row.type < 256 and 0 <= row.subtype < 256):
            raise Refused("out-of-range")
        if not (0 <= row.offset < 1 << 32 and 0 <= row.size < 1 << 32):
            raise Refused("out-of-range")
    if 32 * (len(rows) + (not opts.get("disable_md5sum"))) >= 0xC00:
        raise Refused("table-too-long")


def with_defaults(opts):
    return {"offset": 0x8000, **opts}


def read_csv(data, opts, env):
    """Rows of a CSV file; Refused."""
    opts = with_defaults(opts)
    check_options(opts)
    rows = []
    for number, line in enumerate(text_of(data).splitlines(), 1):
        line = expand(line, env)
        if re.match(r"\$[A-Za-z_]", line):
            raise Refused("unset-variable", number)
        line = line.strip()
        if line and not line.startswith("#"):
            rows.append(row_of(line, number, opts))
    put_in_order(rows, opts)
    check(rows, opts)
    check_fields(rows, opts)
    return rows


def to_binary(rows, opts):
    """Entries, MD5 entry, terminator."""
    out = b"".join(struct.pack("<BBBBII16sI", 0xAA, 0x50, r.type, r.subtype, r.offset, r.size,
                               r.name.encode()[:16], r.flags) for r in rows)
    md5 = b"" if opts.get("disable_md5sum") else MD5_HEAD + hashlib.md5(out).digest()
    return out + md5 + END


def read_binary(data, opts):
    """Rows of a binary table, as a file; Refused."""
    opts = with_defaults(opts)
    check_options(opts)
    rows, entries = [], b""
    for at in range(0, len(data), 32):
        entry = data[at:at + 32]
        if len(entry) < 32:
            raise Refused("bad-length")
        if entry == END:
            break
        if entry[:2] == MD5_HEAD[:2] and not opts.get("disable_md5sum"):
            if entry[16:] != hashlib.md5(entries).digest():
                raise Refused("md5-mismatch")
            continue
        entries += entry
        try:
            row = Row(entry[12:28].split(b"\0")[0].decode())
        except UnicodeDecodeError:
            raise Refused("bad-encoding") from None
        if entry[:2] != b"\xaaP":
            raise Refused("bad-magic")
        row.type, row.subtype, row.offset, row.size = struct.unpack("<BBII", entry[2:12])
        row.flags = struct.unpack("<I", entry[28:])[0]
        rows.append(row)
    else:
        raise Refused("no-terminator")
    check(rows, opts)
    return rows


def printed(row):
    """The cells of a row as the generator prints them."""
    names = {number: name for name, number in SUBTYPES.get(row.type, {}).items()}
    kinds = {number: name for name, number in TYPES.items()}
    size = f"{row.size:#x}"
    for factor, letter in ((1 << 10, "K"), (1 << 20, "M")):
        if row.size % factor == 0:
            size = f"{row.size // factor}{letter}"
    flags = [word for bit, word in ((ENCRYPTED, "encrypted"), (READONLY, "readonly")) if row.flags & bit]
    return [row.name, kinds.get(row.type, str(row.type)), names.get(row.subtype, str(row.subtype)),
            f"{row.offset:#x}", size, ":".join(flags)]
