# SPDX-License-Identifier: Apache-2.0
"""A partition of keys and values that ESP-IDF's generator has made, read and changed by firmware on a board, over
resets and power cuts, and read back by a reader of its own."""

import sys
import types

import pytest

from conftest import BUILD, ROOT, copy_board, run

sys.path.insert(0, str(ROOT / "tests" / "support"))
from nvs_reading import Reading  # noqa: E402

CUT = 5
OPTIONS = ("--timeout", 60, "--max-boots", 8)
CALIBRATION = bytes(i * 7 % 251 for i in range(300))
FACTORY = {("factory", "serial"): (0x21, b"SN-0042\0"), ("factory", "calibration"): (0x42, CALIBRATION),
           ("factory", "mode"): (0x01, b"\x03")}
SAID = f"serial SN-0042, 300 bytes of calibration, sum {sum(CALIBRATION)}, mode 3"


def app_keys(starts):
    journal = f"start {starts} of this board, and all before it are remembered too\0".encode()
    return {("app", "starts"): (0x04, starts.to_bytes(4, "little")), ("app", "journal"): (0x21, journal),
            ("app", "history"): (0x42, bytes([starts]) * 1000)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A board whose nvs was made in the factory."""
    from esp_idf_nvs_partition_gen import nvs_partition_gen  # heavy, and only needed here
    folder = tmp_path_factory.mktemp("factory")
    table = folder / "factory.csv"
    table.write_text("key,type,encoding,value\nfactory,namespace,,\nserial,data,string,SN-0042\n"
                     f"calibration,data,hex2bin,{CALIBRATION.hex()}\nmode,data,u8,3\n")
    nvs_partition_gen.generate(types.SimpleNamespace(input=str(table), output=str(folder / "factory.bin"),
                                                     size="0x6000", version=2, outdir=str(folder)))
    path = folder / "made.flash"
    run("board", "create", path, "--table", ROOT / "examples" / "partitions_example.csv", "--app",
        BUILD / "examples" / "keeps.bin", "--partition", f"nvs={folder / 'factory.bin'}")
    return path


@pytest.fixture
def board(made, tmp_path):
    """board(): the same board each time."""
    return lambda: copy_board(made, tmp_path / "b.flash")


def reading(path):
    out = path.with_suffix(".nvs")
    run("board", "read", path, "nvs", "-o", out)
    return Reading(out.read_bytes())


def rest(path):
    """Run until the firmware rests; what it said."""
    return run("board", "run", path, "--until", "keeps: idle", *OPTIONS).stdout


def test_factory_values_are_read_and_changes_survive_resets(board):
    path = board()
    log = rest(path)
    assert log.count(SAID) == 3
    assert [f"keeps: start {n}\n" in log.replace("\r", "") for n in (1, 2, 3)] == [True] * 3
    found = reading(path)
    assert (found.faults, found.keys) == ([], FACTORY | app_keys(3))
    assert "keeps: start 4" in rest(path)  # after power was switched off, too
    found = reading(path)
    assert (found.faults, found.keys) == ([], FACTORY | app_keys(4))


@pytest.mark.parametrize("how", ["before", "prefix", "bits", "unacknowledged", "after"])
def test_power_cuts_leave_old_or_new_values(board, how):
    first = 1
    while True:  # each flash operation of the first start, and beyond
        path = board()
        done = run("board", "run", path, "--until", "keeps: start 1", "--cut-at", f"{first},{how}", *OPTIONS,
                   check=None)
        if done.returncode == 0:
            break
        assert done.returncode == CUT, done.stderr
        log = rest(path)
        assert SAID in log and "erasing" not in log
        found = reading(path)
        assert found.faults == [], first
        assert FACTORY.items() <= found.keys.items(), first
        starts = int.from_bytes(found.keys["app", "starts"][1], "little")
        assert starts == 3 and found.keys == FACTORY | app_keys(3), first
        first += 3
    assert first > 15


def test_a_board_without_values_begins_anew(tmp_path):
    path = tmp_path / "b.flash"
    run("board", "create", path, "--table", ROOT / "examples" / "partitions_example.csv", "--app",
        BUILD / "examples" / "keeps.bin")
    log = rest(path)
    assert "nothing from the factory" in log
    found = reading(path)
    assert (found.faults, found.keys) == ([], app_keys(3))


def test_a_spoilt_partition_is_said_and_erased_by_the_application(board):
    """No page is blank: the application's usual answer makes a fresh start."""
    path = board()
    run("board", "run", path, "--until", "keeps: start 1", *OPTIONS)
    out = path.with_suffix(".nvs")
    run("board", "read", path, "nvs", "-o", out)
    page = bytearray(out.read_bytes()[:4096])
    page[0] = 0xFC  # full, and so are all others: the same page six times
    out.write_bytes(page * 6)
    run("board", "write", path, "nvs", out)
    log = rest(path)
    assert "no page is blank" in log and "erasing: ESP_ERR_NVS_NO_FREE_PAGES" in log
    assert "nothing from the factory" in log
    assert reading(path).keys == app_keys(3)
