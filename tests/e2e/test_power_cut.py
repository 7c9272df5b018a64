# SPDX-License-Identifier: Apache-2.0
"""`board run --cut-at` and `--flash-part` with real firmware: it updates itself, loses its power, and tries again."""

import pytest

from conftest import copy_board, run

CUT = 5
OPTIONS = ("--timeout", 60, "--max-boots", 6)


@pytest.fixture
def board(updating_board, tmp_path):
    """board(): the same board each time, which will update itself from version 1.0.0 to 2.0.0."""
    return lambda: copy_board(updating_board, tmp_path / "b.flash")


@pytest.mark.parametrize("cut", ["1,before", "2,weak", "5,bits", "60,prefix", "61,unacknowledged", "700,after"])
def test_a_board_survives_a_cut_and_the_update_ends_well(board, cut):
    path = board()
    done = run("board", "run", path, "--cut-at", cut, *OPTIONS, check=CUT)
    number, how = cut.split(",")
    assert f"power was cut at flash operation {number} ({how})" in done.stderr
    log = run("board", "run", path, "--until", "idle", *OPTIONS).stdout
    assert "version 2.0.0" in log and "confirmed" in log


def test_the_same_cut_leaves_the_same_bytes(board):
    left = []
    for _ in range(2):
        path = board()
        run("board", "run", path, "--cut-at", 40, *OPTIONS, check=CUT)
        left.append(path.read_bytes())
    assert left[0] == left[1]


def test_operations_are_counted_over_resets(board):
    """A cut beyond the first boot's operations comes in a later boot; one beyond all of them never comes."""
    path = board()
    done = run("board", "run", path, "--until", "idle", "--cut-at", 1000000, *OPTIONS)
    assert "boot 2" in done.stderr and "power was cut" not in done.stderr
    low, high = 1, 20000  # the first operation that boot 1 does not reach
    while low < high:
        middle = (low + high) // 2
        done = run("board", "run", board(), "--until", "confirmed", "--cut-at", middle, *OPTIONS, check=None)
        if f"power was cut at flash operation {middle} (bits), boot 1," in done.stderr:
            low = middle + 1
        else:
            high = middle
    done = run("board", "run", board(), "--cut-at", low, *OPTIONS, check=CUT)
    assert f"flash operation {low} (bits), boot 2, in the boot loader" in done.stderr


def test_a_part_takes_its_time_and_the_same_road(board):
    log = run("board", "run", board(), "--until", "idle", "--flash-part", "ideal", *OPTIONS).stdout
    assert "confirmed" in log


@pytest.mark.parametrize("option", [("--cut-at", "0"), ("--cut-at", "5,half"), ("--cut-at", ",bits"),
                                    ("--flash-part", "W25Q")])
def test_what_is_not_known_is_refused(tmp_path, option):
    done = run("board", "run", tmp_path / "none.flash", *option, check=2)
    assert option[0] in done.stderr and f"'{option[1]}'" in done.stderr
