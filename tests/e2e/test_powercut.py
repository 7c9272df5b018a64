# SPDX-License-Identifier: Apache-2.0
"""`updraft powercut`: flows, mutants and replay from the command line, and an update of somebody's own board."""

import json
import re

import pytest

from conftest import run

SMALL = ["--image-size", "4K", "--jobs", "2"]


def explore(*args, check=0):
    return json.loads(run("powercut", *SMALL, *args, "--json", check=check, timeout=120).stdout)


def test_lists_name_every_flow_and_mutant():
    flows, mutants = run("powercut", "--flow", "list").stdout, run("powercut", "--mutant", "list").stdout
    for name in ["first", "factory", "update", "update-near", "set-boot", "confirm", "reject", "boot-new", "boot-pending",
                 "secure-confirm", "data", "bootloader", "table", "table-in-place"]:
        assert re.search(rf"^{name} +\S", flows, re.M)
    assert flows.count("cannot be safe: ") == 4
    assert len(mutants.splitlines()) >= 12


def test_a_flow_is_told_as_a_row_and_as_json():
    text = run("powercut", *SMALL, "--flow", "set-boot").stdout
    assert re.search(r"^set-boot +2 +77 +76 +1 +0 +0 +0$", text, re.M)
    assert text.endswith("77 cases, 0 violations\n")
    [row] = explore("--flow", "set-boot")
    assert (row["flow"], row["cases"], row["violation_count"]) == ("set-boot", 77, 0)
    assert [(op["kind"], op["partition"], op["step"]) for op in row["operations"]] == [
        ("erase", "otadata", "select"), ("program", "otadata", "select")]
    assert row["operations"][1]["outcome"] == {"before": "old", "prefix": "old", "bits": "old", "weak": "old",
                                               "unacknowledged": "new"}


def test_a_flow_that_cannot_be_safe_says_so_with_its_window():
    text = run("powercut", *SMALL, "--flow", "table").stdout
    assert "cannot be safe: the boot loader knows one place for the table" in text
    assert re.search(r"window: operations \d+ to \d+ of \d+: nothing boots", text)
    [row] = explore("--flow", "table")
    assert row["windows"][0]["bricks"] and row["violation_count"] == 0 and row["in_window"] > 0


def test_a_mutant_is_found_and_replayed_to_the_same_bytes():
    [row] = explore("--mutant", "wrong-sector", check=1)
    found = row["violations"][0]
    assert row["mutant"] == "wrong-sector" and found["invariant"] == "O4"
    told = [run("powercut", "--replay", found["replay"], check=1).stdout for _ in range(2)]
    assert told[0] == told[1]
    assert told[0].endswith(f"O4 is violated: {found['what']}\n")
    shown = re.findall(r"^  [0-9a-f]{8} (.*)$", told[0], re.M)
    digits = re.sub(r"[^0-9a-f]", "", "".join(shown))
    length = len(found["before"]) if len(found["before"]) < 128 else 128
    assert digits == found["before"][:length] + found["after"][:length]


def test_all_mutants_are_caught():
    text = run("powercut", *SMALL, "--mutant", "all", timeout=170).stdout
    count = len(run("powercut", "--mutant", "list").stdout.splitlines())
    assert text.endswith(f"{count} of {count} mutants caught\n") and "NOT CAUGHT" not in text


def test_a_second_cut_can_be_replayed_too():
    [row] = explore("--flow", "set-boot", "--depth", "2", "--sample", "3")
    assert row["cases_with_two_cuts"] > 0 and row["violation_count"] == 0
    text = run("powercut", "--replay", "set-boot@4096:1:bits:1:prefix").stdout
    assert "the device recovers, and power goes at operation 1 of that: prefix" in text
    assert text.endswith("all invariants hold\n")


def test_the_rate_is_held_against_a_bare_loop():
    text = run("powercut", *SMALL, "--flow", "update", "--rate").stdout
    assert re.search(r"rate: \d+ cycles of cut, boot, retry, boot per second \(2 jobs", text)
    assert re.search(r"ratio: [01]\.\d\d of a loop that only copies", text)


def test_an_update_of_a_board_is_explored_and_leaves_it_alone(lamp_board, lamp):
    files = {path: path.read_bytes() for path in lamp_board.parent.iterdir()}
    args = ["--board", lamp_board, "--image", lamp("3.0.0")]
    text = run("powercut", *args).stdout
    assert re.search(r"^update-whole +\d+ +\d+ ", text, re.M) and text.endswith(" 0 violations\n")
    [row] = json.loads(run("powercut", *args, "--flow", "update", "--json").stdout)
    assert row["board"] == str(lamp_board) and row["booted_old"] > 0
    assert {op["partition"] for op in row["operations"]} == {"otadata", "ota_0"}
    assert run("powercut", *args, "--replay", "update@board:3:bits").stdout.endswith("all invariants hold\n")
    assert {path: path.read_bytes() for path in files} == files
    run("board", "set-boot", lamp_board, "ota_0")
    run("board", "boot", lamp_board)
    run("board", "confirm", lamp_board)
    assert run("powercut", *args, "--flow", "update").stdout.endswith(" 0 violations\n")


@pytest.mark.parametrize("args, code, said", [
    (["--flow", "none"], 2, "there is no flow 'none'; '--flow list' prints them"),
    (["--mutant", "none"], 2, "there is no mutant 'none'; '--mutant list' prints them"),
    (["--image-size", "5000"], 2, "--image-size '5000' is not a multiple of 16 from 4K to 4M"),
    (["--image-size", "8M"], 2, "is not a multiple of 16 from 4K to 4M"),
    (["--jobs", "0"], 2, "--jobs '0' is not a number from 1 to 64"),
    (["--depth", "3"], 2, "--depth '3' is not a number from 1 to 2"),
    (["--sample", "some"], 2, "--sample 'some' is not a number from 1 to 1000"),
    (["--board", "b.flash"], 2, "--board and --image go together"),
    (["--replay", "update@65536:1:torn"], 2, "is not FLOW@SIZE[+MUTANT]:OPERATION:VARIANT"),
    (["--replay", "upgrade@65536:1:bits"], 2, "there is no such flow or mutant"),
    (["--replay", "update@board:1:bits"], 2, "this ID is of a board, which is given by --board and --image"),
    (["--replay", "set-boot@4096:9:bits"], 3, "the flow has 2 operations"),
    (["--replay", "set-boot@4096:1:after"], 3, "operation 1 has no such variant or trial"),
    (["--replay", "set-boot@4095:1:bits"], 3, "images of 4095 bytes are not from 4096 to 4194304 in steps of 16"),
    (["--replay", "set-boot@4096:1:bits", "--json"], 2, "--replay takes flow and mutant from its ID, and prints text"),
    (["--mutant", "all", "--flow", "update"], 2, "--mutant all tries each on its own flow"),
    (["extra"], 2, "'extra' is not an option"),
])
def test_what_is_not_possible_is_refused(args, code, said):
    assert said in run("powercut", *args, check=code).stderr


def test_boards_and_images_that_do_not_fit_are_refused(lamp_board, lamp, tmp_path):
    def refused(*args):
        return run("powercut", *args, check=3).stderr

    new, running = lamp("3.0.0"), tmp_path / "esp32c3-1.0.0.bin"
    assert "not an image that" in refused("--board", lamp_board, "--image", lamp("3.0.0", "esp32s3"))
    assert "gone.flash" in refused("--board", tmp_path / "gone.flash", "--image", new)
    assert "gone.bin" in refused("--board", lamp_board, "--image", tmp_path / "gone.bin")
    assert "runs on the explorer's own device only" in refused("--board", lamp_board, "--image", new, "--flow", "first")
    assert "is the one that runs on" in refused("--board", lamp_board, "--image", running)
    assert "begins with an app in an OTA slot" in refused("--board", lamp_board, "--image", new, "--flow", "confirm")
    run("board", "erase", lamp_board, "factory")
    run("board", "erase", lamp_board, "ota_0")
    assert "nothing boots to begin with" in refused("--board", lamp_board, "--image", new)
