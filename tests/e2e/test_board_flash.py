# SPDX-License-Identifier: Apache-2.0
"""Verbs that change or show a board from outside: set-boot, erase-otadata, read, write, erase, efuse show."""

import json
import signal
import subprocess
import sys
import time

import pytest

from conftest import BUILD, ROOT, UPDRAFT, run

sys.path.insert(0, str(ROOT / "tests" / "support"))
from dumps import VALID, Dump, table  # noqa: E402

TABLE = ROOT / "examples" / "partitions_example.csv"


def look(verb, lamp_board):
    return json.loads(run("board", verb, lamp_board, "--json").stdout)


def test_set_boot_selects_a_slot_as_new(lamp_board):
    said = run("board", "set-boot", lamp_board, "ota_0").stdout
    assert said == "Wrote otadata entry 0: seq 1, NEW. ota_0 (lamp 2.0.0) boots next.\n"
    assert look("boot", lamp_board)["slot"] == "ota_0"
    assert next(p for p in look("map", lamp_board)["partitions"] if p["label"] == "ota_0")["state"] == "PENDING_VERIFY"


def test_set_boot_of_the_factory_app_and_erase_otadata_forget_the_slots(lamp_board):
    for args in (["set-boot", lamp_board, "factory"], ["erase-otadata", lamp_board]):
        run("board", "set-boot", lamp_board, "ota_0")
        assert run("board", *args).stdout == "Erased otadata. factory (lamp 1.0.0) boots next.\n"
        assert lamp_board.read_bytes()[0xD000:0xF000] == b"\xff" * 0x2000


def test_set_boot_refuses_what_would_not_boot(lamp_board, lamp):
    before = lamp_board.read_bytes()
    assert "ota_1 holds no image" in run("board", "set-boot", lamp_board, "ota_1", check=1).stderr
    assert "no partition 'nope'" in run("board", "set-boot", lamp_board, "nope", check=1).stderr
    assert "nvs is neither" in run("board", "set-boot", lamp_board, "nvs", check=1).stderr
    assert lamp_board.read_bytes() == before
    run("board", "write", lamp_board, "ota_1", lamp("9", "esp32s3"))
    assert "(made for ESP32-S3)" in run("board", "set-boot", lamp_board, "ota_1", check=1).stderr
    said = run("board", "set-boot", lamp_board, "ota_1", "--no-verify").stdout
    assert said.startswith("Wrote otadata entry 0: seq 2, NEW.") and "ota_0 (lamp 2.0.0) boots next" in said


def test_boards_without_otadata_are_told_so(tmp_path, lamp):
    board = tmp_path / "s.flash"
    run("board", "create", board, "--table", "single_app", "--app", lamp("1.0.0"))
    assert "no otadata" in run("board", "erase-otadata", board, check=1).stderr


def test_what_is_written_is_read_back(lamp_board, lamp, tmp_path):
    new = lamp("3.0.0")
    run("board", "write", lamp_board, "ota_1", new)
    run("board", "read", lamp_board, "ota_1", "--image", "-o", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == new.read_bytes()
    run("board", "read", lamp_board, "ota_1", "-o", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == new.read_bytes().ljust(0x100000, b"\xff")
    done = subprocess.run([UPDRAFT, "board", "read", lamp_board, "0x8000:32"], capture_output=True, timeout=20)
    assert done.returncode == 0 and done.stdout == lamp_board.read_bytes()[0x8000:0x8020]
    run("board", "read", lamp_board, "0xa000", "-o", tmp_path / "out")
    assert (tmp_path / "out").stat().st_size == 0xD000 - 0xA000, "to the end of nvs"


def test_writing_at_an_address_erases_whole_sectors_and_no_more(lamp_board, tmp_path):
    (tmp_path / "zeros").write_bytes(bytes(3 * 0x1000))
    (tmp_path / "short").write_bytes(b"hello")
    run("board", "write", lamp_board, "0x9000", tmp_path / "zeros")
    run("board", "write", lamp_board, "0xa000", tmp_path / "short")
    assert lamp_board.read_bytes()[0x9000:0xC000] == bytes(0x1000) + b"hello".ljust(0x1000, b"\xff") + bytes(0x1000)
    run("board", "write", lamp_board, "0x9000:0x2000", tmp_path / "short")
    assert lamp_board.read_bytes()[0x9000:0xC000] == b"hello".ljust(0x2000, b"\xff") + bytes(0x1000)
    run("board", "erase", lamp_board, "0xb000:0x1000")
    assert lamp_board.read_bytes()[0xB000:0xC000] == b"\xff" * 0x1000
    run("board", "erase", lamp_board, "factory")
    assert lamp_board.read_bytes()[0x10000:0x110000] == b"\xff" * 0x100000
    assert look("map", lamp_board)["boots_next"] == "ota_0"


def test_a_table_can_be_erased_and_put_back(lamp_board, tmp_path):
    run("board", "read", lamp_board, "0x8000:0xc00", "-o", tmp_path / "table")
    run("board", "erase", lamp_board, "0x8000:0x1000")
    assert "no partition table" in run("board", "map", lamp_board, check=1).stderr
    assert "no partition table" in run("board", "read", lamp_board, "nvs", check=1).stderr
    run("board", "write", lamp_board, "0x8000", tmp_path / "table")
    assert look("map", lamp_board)["boots_next"] == "factory"


@pytest.mark.parametrize("args,says", [
    (["erase", "0x8100:0x1000"], "by 4 KB"),
    (["erase", "0x8000:10"], "by 4 KB"),
    (["erase", "0x3ff000:0x2000"], "not inside the flash"),
    (["erase", "0x400000:0x1000"], "not inside the flash"),
    (["erase", "0xfffff000:0x2000"], "not inside the flash"),
    (["erase", "nope"], "no partition 'nope'"),
    (["read", "nope"], "no partition 'nope'"),
    (["read", "0x400000"], "not inside the flash"),
    (["read", "nvs", "--image"], "is not for apps"),
    (["read", "ota_1", "--image"], "holds no image"),
    (["read", "0x0:16", "-o", "/no/such/folder/x"], "/no/such/folder/x"),
    (["write", "nope", "FILE"], "no partition 'nope'"),
    (["write", "phy_init", "FILE"], "has 4096"),
    (["write", "0x9001", "FILE"], "by 4 KB"),
    (["write", "0x3ff000", "FILE"], "not inside the flash"),
    (["write", "0x9000:0x1000", "FILE"], "has 4096"),
    (["write", "0x9000", "/no/such/file"], "/no/such/file"),
])
def test_what_cannot_be_done_is_named_and_changes_nothing(lamp_board, tmp_path, args, says):
    (tmp_path / "big").write_bytes(bytes(5000))
    before = lamp_board.read_bytes()
    verb, *rest = [tmp_path / "big" if a == "FILE" else a for a in args]
    assert says in run("board", verb, lamp_board, *rest, check=1).stderr
    assert lamp_board.read_bytes() == before


@pytest.mark.parametrize("args", [["erase", "0x8000"], ["read", "0x8000:16", "--image"], ["read"], ["write", "nvs"],
                                  ["set-boot"], ["erase-otadata", "x"], ["efuse"], ["efuse", "burn"]])
def test_a_wrong_command_line_is_exit_2(lamp_board, args):
    verb, *rest = args
    if verb == "efuse":
        run("board", "efuse", *rest, check=2)
    else:
        run("board", verb, lamp_board, *rest, check=2)


def test_whatever_writes_waits_for_the_lock_and_readers_do_not(tmp_path):
    board = tmp_path / "b.flash"
    run("board", "create", board, "--table", TABLE, "--app", BUILD / "examples" / "hello.bin")
    (tmp_path / "x").write_bytes(b"x")
    power = subprocess.Popen([UPDRAFT, "board", "run", board, "--quiet"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while look("map", board)["runs_now"] != "ota_0":
            assert time.monotonic() < deadline and power.poll() is None
        run("board", "read", board, "0x8000:16", "-o", tmp_path / "y")
        run("board", "efuse", "show", board)
        for args in (["write", board, "nvs", tmp_path / "x"], ["erase", board, "nvs"], ["erase-otadata", board],
                     ["set-boot", board, "ota_0"]):
            assert f"in use by process {power.pid}" in run("board", *args, check=1).stderr
    finally:
        power.send_signal(signal.SIGTERM)
        power.wait(timeout=20)


def test_efuses_are_shown(lamp_board):
    text = run("board", "efuse", "show", lamp_board).stdout
    assert "Secure version   0 of 16" in text and "0x00" not in text
    fuses = bytearray(256)
    fuses[0], fuses[2], fuses[0x21] = 0b111, 0xFF, 0x80
    (lamp_board.parent / "c3.flash.efuse").write_bytes(fuses)
    shown = json.loads(run("board", "efuse", "show", lamp_board, "--json").stdout)
    assert (shown["secure_version"], shown["secure_version_bits"], shown["burnt_bits"]) == (3, 16, 12)
    assert bytes.fromhex(shown["bytes"]) == bytes(fuses)
    text = run("board", "efuse", "show", lamp_board).stdout
    assert "Secure version   3 of 16" in text and "0x20  00 80" in text and "0x10" not in text
    (lamp_board.parent / "c3.flash.efuse").write_bytes(b"short")
    assert "c3.flash.efuse" in run("board", "efuse", "show", lamp_board, check=1).stderr


def test_slots_behind_a_gap_and_used_up_numbers_cannot_be_selected(tmp_path, lamp):
    """What esp_ota_set_boot_partition refuses, or would write as blank, is told with what helps."""
    good = lamp("1.0.0").read_bytes()
    rows = [("otadata", 1, 0, 0xD000, 0x2000), ("ota_0", 0, 0x10, 0x10000, 0x10000), ("ota_2", 0, 0x12, 0x20000, 0x10000)]
    Dump(1 << 20).put(0x8000, table(rows)).put(0x10000, good).put(0x20000, good).save(tmp_path / "gap.bin")
    run("board", "import", tmp_path / "gap.bin")
    assert "end before it" in run("board", "set-boot", tmp_path / "gap.flash", "ota_2", check=1).stderr
    rows[2] = ("ota_1", 0, 0x11, 0x20000, 0x10000)
    dump = Dump(1 << 20).put(0x8000, table(rows)).put(0x10000, good).put(0x20000, good)
    dump.entry(0xD000, 0, 0xFFFFFFFE, VALID).save(tmp_path / "end.bin")
    board = tmp_path / "end.flash"
    run("board", "import", tmp_path / "end.bin")
    assert look("why", board)["boots_next"] == "ota_1"
    said = run("board", "set-boot", board, "ota_0", check=1).stderr
    assert "used up" in said and f"updraft board erase-otadata {board}" in said
    run("board", "erase-otadata", board)
    assert "seq 2" in run("board", "set-boot", board, "ota_1").stdout


def test_an_app_that_anti_rollback_keeps_out_is_refused_and_stays(tmp_path, lamp):
    board = tmp_path / "c3.flash"
    run("board", "create", board, "--table", "two_ota", "--anti-rollback", "--app", lamp("1.0.0"), "--partition",
        f"ota_0={lamp('2.0.0')}")
    (tmp_path / "c3.flash.efuse").write_bytes(b"\x01" + bytes(255))
    before = board.read_bytes()
    said = run("board", "set-boot", board, "ota_0", check=1).stderr
    assert "ota_0 has secure version 0, below the 1 of the eFuses" in said
    assert board.read_bytes() == before
    run("board", "set-boot", board, "ota_0", "--no-verify")
    assert look("why", board)["boots_next"] is None
    (tmp_path / "c3.flash.efuse").write_bytes(bytes(256))
    run("board", "set-boot", board, "ota_0")


def test_otadata_that_is_too_small_is_named(tmp_path, lamp):
    rows = [("otadata", 1, 0, 0xD000, 0x1000), ("ota_0", 0, 0x10, 0x10000, 0x10000)]
    Dump(1 << 20).put(0x8000, table(rows)).put(0x10000, lamp("1").read_bytes()).save(tmp_path / "short.bin")
    run("board", "import", tmp_path / "short.bin")
    assert "otadata" in run("board", "set-boot", tmp_path / "short.flash", "ota_0", check=1).stderr
    assert "Nothing boots" in run("board", "erase-otadata", tmp_path / "short.flash").stdout
