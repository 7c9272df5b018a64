# SPDX-License-Identifier: Apache-2.0
"""Random tables, CSV and binary, read here by ptable_reading.py and there by src/partition: the same verdict, class and
line of the first error, binary, and CSV printed back. The runner of the recorded tables (tests/agree) compares.

UD_SEED changes the tables, UD_TABLES their number.
"""

import base64
import gzip
import json
import os
import pathlib
import random
import re
import subprocess

import ptable_reading as reading

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("UD_BUILD", ROOT / "build" / "dev"))
RUNNER = BUILD / "tests" / "agree-partition_oracle"
SEED = int(os.environ.get("UD_SEED", "20260724"))
TABLES = int(os.environ.get("UD_TABLES", "4000"))

NAMES = ["nvs", "otadata", "phy_init", "factory", "ota_0", "ota_1", "storage", "fs", "", "data", "app", "test", "#x",
         "a b", "раздел", "ключевой_раздел", "分区", "😀" * 5, "n" * 15, "n" * 16, "n" * 17, "q\"uote", "pay$", "x$A",
         "$B"]
SPACE = ["", "", "", " ", "  ", "\t", "\u00a0", "\u3000", " \u2003"]
ENDS = ["\n"] * 12 + ["\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
WRONG = ["", "x", "0x", "1.5", "08", "- 1", "1__0", "_1", "1_", "0b2", "0o8", "K", "1 K K", "12k 3", "é", "--1", "+-1",
         "factory", "nvs", "app", "0xg", "k9", "$SIZE", "${}", "\ufeff", "1 2"]
VARIABLES = {"A": "1", "SIZE": "0x4000", "TYPE": "data", "ROW": "env,data,fat,,4K", "NOTE": "# note", "E": ""}


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, percent):
        return self.random.random() * 100 < percent

    def pick(self, items):
        return self.random.choice(items)

    def pad(self, text):
        return self.pick(SPACE) + text + self.pick(SPACE)

    def any_case(self, text):
        return "".join(c.upper() if self.some(50) else c for c in text) if self.some(15) else text

    def number(self, n):
        if self.some(2):
            return self.pick(WRONG)
        sign, n = ("-" if n < 0 else "+" if self.some(3) else ""), abs(n)
        suffix = ""
        if n and n % 1024 == 0 and self.some(50):
            n, suffix = n // 1024, self.pick("kK")
            if n % 1024 == 0 and self.some(50):
                n, suffix = n // 1024, self.pick(["m", "M", "KK", "kK"])
            elif self.some(5):
                suffix = " " + suffix
        text = self.pick([str(n), f"{n:#x}", f"{n:#X}", f"{n:#o}", f"{n:#b}", f"{n:#x}", str(n)])
        if self.some(3) and len(text) > 3:
            at = self.random.randrange(1, len(text))
            text = text[:at] + "_" + text[at:]
        if n == 0 and self.some(10):
            text = "00"
        return sign + text + suffix

    def kind(self):
        if self.some(8):
            type_ = self.pick([2, 3, 0x40, 0xFE, 0xFF, 0x100, -1, 4])
        else:
            type_ = self.pick([0, 1, 1, 1])
        names = reading.SUBTYPES.get(type_, {})
        if names and self.some(85):
            name = self.pick(sorted(names))
            subtype = self.any_case(name) if self.some(70) else self.number(names[name])
        elif self.some(15):
            subtype = ""
        else:
            subtype = self.number(self.pick([0, 1, 2, 6, 0x80, 0xFF, 0x100, -1]))
        words = {number: word for word, number in reading.TYPES.items()}
        word = self.any_case(words[type_]) if type_ in words and self.some(80) else self.number(type_)
        return type_, word, subtype

    def row(self, place):
        """One line, and where the next partition may begin."""
        type_, word, subtype = self.kind()
        unit = 0x10000 if type_ == 0 else 0x1000
        start = -(-place // unit) * unit
        size = self.pick([0x1000, 0x2000, 0x2000, 0x3000, 0x4000, 0x6000, 0x10000, 0x100000, 0x180000])
        if type_ == 0:
            size = self.pick([0x10000, 0x100000, 0x1000])
        if subtype.lower() in ("ota", "tee_ota") and type_ == 1 and self.some(85):
            size = 0x2000
        if self.some(3):
            size += self.pick([1, 0x800, -0x1000, 1 << 31, 1 << 32])
        offset = "" if self.some(70) else self.number(start + (self.pick([1, 0x800, -0x1000, 0x10000, 1 << 32])
                                                                if self.some(8) else 0))
        shown = self.number(-(start + size)) if self.some(6) else self.number(size)
        flags = self.pick([""] * 12 + ["encrypted", "readonly", "encrypted:readonly", ":", "readonly::readonly",
                                       "Encrypted", "encrypted :readonly", "secret"])
        name = self.pick(NAMES) if self.some(60) else f"p{self.random.randrange(40)}"
        cells = [name, word, subtype, offset, shown, flags]
        while cells[-1] == "" and self.some(50):
            cells.pop()
        if self.some(2):
            cells += ["more", "than", "six"][:self.random.randrange(4)]
        if self.some(1):
            cells = cells[:self.random.randrange(1, 5)]
        return ",".join(map(self.pad, cells)), start + max(size, 0)

    def options(self):
        opts = {}
        if self.some(25):
            opts["offset"] = self.pick([0x9000, 0x10000, 0x20000, 0x8001])
        if self.some(50):
            opts["primary_bootloader_offset"] = self.pick([0, 0x1000, 0x2000, 0x1000, 0x8000, 0x7000])
        if self.some(30):
            opts["recovery_bootloader_offset"] = self.pick([0x3F0000, 0x200000, 0x10000])
        if self.some(30):
            opts["flash_size"] = self.pick(["1MB", "2MB", "4MB", "8MB", "16MB"])
        if self.some(30):
            opts["secure"] = self.pick(["v1", "v2"])
        if self.some(20):
            opts["disable_md5sum"] = True
        return opts

    def lines(self, opts):
        place = opts.get("offset", 0x8000) + 0x1000
        count = self.pick([0, 1, 2, 3, 3, 4, 4, 5, 6, 8]) if not self.some(1) else self.random.randrange(93, 99)
        for i in range(count):
            if self.some(15):
                yield self.pick(["# comment, with, cells", "", "  ", "\t# x", "# $A $NONE", "$NOTE", "$E"])
            if count > 90:
                yield f"p{i},data,fat,,4K"
                continue
            text, place = self.row(place)
            if self.some(1):
                text = self.pick(["$ROW", "v,$TYPE,fat,,${SIZE}", "$NONE,data,fat,,4K", "${NONE},data,fat,,4K",
                                  "v,data,fat,,$NONE", "$A,data,nvs,,${SIZE}", " $NONE,data,fat,,4K"])
            yield text

    def encode(self, text):
        how = self.random.randrange(100)
        if how < 86:
            data = text.encode()
        elif how < 90:
            data = b"\xef\xbb\xbf" + text.encode()
        else:
            data = {0: b"\xff\xfe" + text.encode("utf-16-le"), 1: b"\xfe\xff" + text.encode("utf-16-be"),
                    2: b"\0\0\xfe\xff" + text.encode("utf-32-be")}[how % 3]
        if self.some(3) and data:
            data = bytearray(data)
            data[self.random.randrange(len(data))] = self.random.randrange(256)
            data = bytes(data)
        return data[:self.random.randrange(len(data) + 1)] if self.some(2) else data

    def csv(self):
        opts = self.options()
        end = self.pick(ENDS)
        text = "".join(line + (self.pick(ENDS) if self.some(5) else end) for line in self.lines(opts))
        return self.encode(text.rstrip(end) if self.some(20) else text), opts

    def damage(self, data):
        """A binary table, more or less broken; it still begins with a partition."""
        data = bytearray(data)
        entries = [bytes(data[at:at + 32]) for at in range(0, len(data), 32)]
        what = self.random.randrange(10)
        if what == 0:
            return data[:self.random.randrange(2, len(data) + 1)]
        if what == 1:
            return data + bytes(self.random.randrange(256) for _ in range(self.random.randrange(70)))
        if what in (2, 3):
            at = self.random.randrange(2, len(data))
            data[at] ^= 1 << self.random.randrange(8)
            return data
        if what == 4:
            at = self.random.randrange(len(entries))
            return b"".join(entries[:at] + entries[at:at + 1] + entries[at:])
        if what == 5:
            self.random.shuffle(entries)
            return b"".join(entries)
        if what == 6:
            return data[:-32]
        rows = [entry for entry in entries if entry[:1] == b"\xaa"]
        if what == 7:
            self.random.shuffle(rows)
        if what == 8:
            row = bytearray(self.pick(rows))
            row[self.random.randrange(2, 32)] = self.random.randrange(256)
            rows[self.random.randrange(len(rows))] = bytes(row)
        table = b"".join(rows)
        return table + reading.MD5_HEAD + reading.hashlib.md5(table).digest() + reading.END


def refused(row, why, data, opts):
    row.update(verdict="error", **{"class": why.kind})
    if why.line:
        row["line"] = why.line


def csv_row(maker, number):
    data, opts = maker.csv()
    row = {"id": f"csv-{number}", "tag": "random", "opts": opts, "env": VARIABLES, "plain": True,
           "csv_b64": base64.b64encode(data).decode()}
    try:
        rows = reading.read_csv(data, opts, VARIABLES)
    except reading.Refused as why:
        refused(row, why, data, opts)
        return row, None
    binary = reading.to_binary(rows, opts)
    row.update(verdict="ok", bin_b64=base64.b64encode(binary).decode(), warnings=sum(r.misleads() for r in rows))
    if rows:
        row["back"] = {"verdict": "ok"}
        try:
            row["back"]["rows"] = [reading.printed(r) for r in reading.read_binary(binary, opts)]
        except reading.Refused as why:
            row["back"] = {"verdict": "error", "class": why.kind}
    return row, (binary if rows else None)


def binary_row(maker, number, binary):
    data, opts = bytes(maker.damage(binary)), maker.options()
    if data[:2] != b"\xaaP" or len(data) > 0xC00:
        return None
    row = {"id": f"bin-{number}", "tag": "random", "opts": opts, "read_as": "binary", "ff": 0, "len": len(data),
           "bin_b64": base64.b64encode(data).decode()}
    try:
        rows = reading.read_binary(data, opts)
    except reading.Refused as why:
        refused(row, why, data, opts)
        return row
    row.update(verdict="ok", rows=[reading.printed(r) for r in rows], warn_flags=sum(r.flags > 3 for r in rows))
    return row


def utf32le(row):
    """Named as such by us, taken for UTF-16 by the generator: a listed difference of recorded rows."""
    return base64.b64decode(row["csv_b64"]).startswith(b"\xff\xfe\0\0")


def unprintable(row):
    """Has a label that would not come back from CSV: we do not print such a table."""
    names = [cells[0] for cells in row.get("rows") or row.get("back", {}).get("rows") or []]
    return any(re.search(r"\$[\w{]|^#|,", name, re.ASCII) or name != name.strip() or len(name.splitlines()) > 1
               for name in names)


def compare(path, rows):
    with gzip.open(path, "wt", encoding="ascii") as f:
        for row in rows:
            f.write(json.dumps(row, separators=(",", ":")) + "\n")
    done = subprocess.run([RUNNER, path], capture_output=True, text=True, timeout=150)
    print(done.stdout)
    assert done.returncode == 0, f"seed {SEED}: {done.stdout}\n{done.stderr}"
    listed = sum(unprintable(row) for row in rows)
    assert f"agreed {len(rows) - listed} / listed {listed} / total {len(rows)}" in done.stdout


def test_random_tables(tmp_path):
    print("seed", SEED)
    maker = Maker(SEED)
    csv, binary = [], []
    for number in range(TABLES):
        row, built = csv_row(maker, number)
        if not utf32le(row):
            csv.append(row)
        if built:
            binary.append(binary_row(maker, number, built))
    binary = [row for row in binary if row]
    # The sample must be worth something: each kind of error, and a fair share of good tables.
    kinds = {row["class"] for row in csv if row["verdict"] == "error"}
    good = sum(row["verdict"] == "ok" for row in csv)
    assert good > len(csv) // 8 and len(kinds) >= 20 if TABLES >= 3000 else good, (good, kinds)
    compare(tmp_path / "csv.jsonl.gz", csv)
    compare(tmp_path / "binary.jsonl.gz", binary)


def test_a_runner_that_is_told_wrong_says_so(tmp_path):
    """The comparison itself can fail: another verdict, class, line, binary, row."""
    maker = Maker(1)
    rows = [csv_row(maker, number)[0] for number in range(400)]
    bad = next(dict(r) for r in rows if "line" in r and not utf32le(r))
    good = next(dict(r) for r in rows if r.get("back", {}).get("rows"))
    lies = [dict(bad, verdict="ok", bin_b64=""), dict(bad, **{"class": "overlap"}), dict(bad, line=bad["line"] + 1),
            dict(good, verdict="error", **{"class": "overlap"}), dict(good, bin_b64="AAAA"),
            dict(good, back={"verdict": "ok", "rows": good["back"]["rows"][1:]}), dict(good, warnings=99)]
    for number, lie in enumerate(lies):
        path = tmp_path / f"{number}.gz"
        with gzip.open(path, "wt", encoding="ascii") as f:
            f.write(json.dumps(lie, separators=(",", ":")) + "\n")
        done = subprocess.run([RUNNER, path], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "agreed 0" in done.stdout, (lie, done.stdout)
