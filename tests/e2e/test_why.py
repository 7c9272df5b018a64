# SPDX-License-Identifier: Apache-2.0
"""`updraft board why` on odd dumps of real chips: each is made here, imported, and explained; what is said must be what
tests/e2e/why/NAME.txt holds, which was read by a person once. After a change that is meant:

    python tests/e2e/test_why.py        # writes them anew; then read the difference
"""

import pathlib
import sys
import tempfile

import pytest

from conftest import ROOT, VECTORS, run

sys.path.insert(0, str(ROOT / "tests" / "support"))
from dumps import ABORTED, INVALID, NEW, PENDING_VERIFY, UNDEFINED, VALID, Dump, table  # noqa: E402

STORED = ROOT / "tests" / "e2e" / "why"
APP, DATA = 0, 1
FACTORY, OTA, TEST = 0x00, 0x10, 0x20
OTADATA = 0xD000
GOOD = (VECTORS / "esp32c3-app.bin").read_bytes()
OTHER_CHIP = (VECTORS / "esp32-app.bin").read_bytes()
SLOT = 0x20000


def slots(*numbers, factory=False, test=False, otadata=0x2000):
    """A table: otadata, then app partitions of 128 KB from 0x10000 on."""
    rows = [("nvs", DATA, 2, 0x9000, 0x4000)]
    if otadata:
        rows.append(("otadata", DATA, 0, OTADATA, otadata))
    apps = [("factory", FACTORY)] * factory + [(f"ota_{n}", OTA + n) for n in numbers] + [("test", TEST)] * test
    return table(rows + [(label, APP, sub, 0x10000 + i * SLOT, SLOT) for i, (label, sub) in enumerate(apps)])


def chip(partitions, *held, size=4 << 20):
    """A dump with that table; `held`: the images of its app partitions in turn, None for an empty one."""
    dump = Dump(size).put(0x8000, partitions)
    for i, image in enumerate(held):
        if image:
            dump.put(0x10000 + i * SLOT, image)
    return dump


def damaged(image):
    return image[:300] + bytes([image[300] ^ 0x40]) + image[301:]


# name: (dump, options of the import, bytes of the flash, or of the eFuses, that change behind it)
CASES = {
    "both-entries-rejected": (chip(slots(0, 1, factory=True), GOOD, GOOD, GOOD)
                              .entry(OTADATA, 0, 1, INVALID).entry(OTADATA, 1, 2, ABORTED), ["--rollback"]),
    "blank-and-bad-crc": (chip(slots(0, 1), GOOD, GOOD).entry(OTADATA, 1, 2, VALID, crc=0x12345678), []),
    "blank-and-bad-crc-with-factory": (chip(slots(0, 1, factory=True), GOOD, GOOD, GOOD)
                                       .entry(OTADATA, 1, 2, VALID, crc=0x12345678), []),
    "never-recorded": (chip(slots(0, 1), GOOD, GOOD), []),
    "seq-zero": (chip(slots(0, 1, 2), GOOD, GOOD, GOOD).entry(OTADATA, 0, 0, VALID), []),
    "seq-at-the-end": (chip(slots(0, 1, 2), GOOD, GOOD, GOOD)
                       .entry(OTADATA, 0, 0xFFFFFFFD, VALID).entry(OTADATA, 1, 0xFFFFFFFE, VALID), []),
    "same-seq-twice": (chip(slots(0, 1), GOOD, GOOD).entry(OTADATA, 0, 2, UNDEFINED).entry(OTADATA, 1, 2, VALID), []),
    "new": (chip(slots(0, 1), GOOD, GOOD).entry(OTADATA, 0, 1, VALID).entry(OTADATA, 1, 2, NEW), []),
    "new-and-damaged": (chip(slots(0, 1), GOOD, damaged(GOOD)).entry(OTADATA, 0, 1, VALID).entry(OTADATA, 1, 2, NEW), []),
    "pending": (chip(slots(0, 1), GOOD, GOOD).entry(OTADATA, 0, 1, VALID).entry(OTADATA, 1, 2, PENDING_VERIFY), []),
    "pending-without-rollback": (chip(slots(0, 1), GOOD, GOOD).entry(OTADATA, 0, 1, VALID)
                                 .entry(OTADATA, 1, 2, PENDING_VERIFY), ["--no-rollback"]),
    "pending-and-nothing-else": (chip(slots(0, 1), GOOD, GOOD).entry(OTADATA, 0, 1, PENDING_VERIFY), []),
    "aborted": (chip(slots(0, 1), GOOD, GOOD).entry(OTADATA, 0, 1, VALID).entry(OTADATA, 1, 2, ABORTED), []),
    "state-of-no-meaning": (chip(slots(0, 1), GOOD, GOOD).entry(OTADATA, 0, 1, 0x55), []),
    "gap-in-slots": (chip(slots(0, 2, 3), GOOD, GOOD, GOOD).entry(OTADATA, 0, 2, VALID), []),
    "sixteen-slots-and-test": (chip(slots(*range(16), test=True), *[None] * 9, GOOD, *[None] * 6, GOOD)
                               .entry(OTADATA, 0, 16, VALID), ["--chip", "esp32c3"]),
    "no-otadata": (chip(slots(0, 1, factory=True, otadata=0), None, GOOD), []),
    "short-otadata": (chip(slots(0, 1, otadata=0x1000), GOOD, GOOD), []),
    "no-slots": (chip(slots(factory=True), GOOD).entry(OTADATA, 0, 1, VALID), []),
    "image-of-another-chip": (chip(slots(0, 1), OTHER_CHIP, GOOD).entry(OTADATA, 0, 1, VALID), ["--chip", "esp32c3"]),
    "nothing-boots": (chip(slots(0, 1), damaged(GOOD), GOOD[:310]).entry(OTADATA, 0, 2, VALID), []),
    "too-old": (chip(slots(0, 1), GOOD, GOOD).entry(OTADATA, 0, 1, VALID), ["--anti-rollback"], ("efuse", b"\x07")),
    "no-table": (Dump(4 << 20).put(0x10000, GOOD), []),
    "damaged-table": (chip(slots(0, 1), GOOD, GOOD).put(0x8004, b"\0\x91"), []),
    "table-lost-later": (chip(slots(0, 1), GOOD, GOOD), [], (0x8024, b"\0\xd1")),
}


def explain(name, folder):
    """What `import` and `why` say of it, with their exit codes; the dump's name alone, not its folder."""
    dump, options, *later = CASES[name]
    dump.save(folder / f"{name}.bin")
    done = run("board", "import", f"{name}.bin", *options, check=None, cwd=folder)
    said = f"$ updraft board import {' '.join([f'{name}.bin', *options])}\n{done.stdout}{done.stderr}"
    if done.returncode:
        return f"{said}exit {done.returncode}\n"
    for addr, content in later:
        if addr == "efuse":
            (folder / f"{name}.flash.efuse").write_bytes(content.ljust(256, b"\0"))
            said += f"# then eFuses are burnt: {content.hex()}\n"
            continue
        data = bytearray((folder / f"{name}.flash").read_bytes())
        data[addr:addr + len(content)] = content
        (folder / f"{name}.flash").write_bytes(data)
        said += f"# then the bytes at {addr:#x} change\n"
    done = run("board", "why", f"{name}.flash", check=None, cwd=folder)
    said += f"\n$ updraft board why {name}.flash\n{done.stdout}{done.stderr}"
    return said + (f"exit {done.returncode}\n" if done.returncode else "")


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_of_an_odd_flash_is_what_was_approved(name, tmp_path):
    assert explain(name, tmp_path) == (STORED / f"{name}.txt").read_text()


def test_nothing_is_stored_that_is_not_made():
    assert {p.stem for p in STORED.glob("*.txt")} == set(CASES)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        for case in CASES:
            (STORED / f"{case}.txt").write_text(explain(case, pathlib.Path(made)))
