# SPDX-License-Identifier: Apache-2.0
"""What an application meets beside its update: resets of all kinds and what outlives them, pins, addresses, network."""

import json
import re

import pytest

from conftest import BUILD, ROOT, run


@pytest.fixture
def board(tmp_path):
    """board(firmware) makes a board that runs it; its path."""
    def make(firmware, name="b"):
        path = tmp_path / f"{name}.flash"
        run("board", "create", path, "--table", ROOT / "examples" / "partitions_example.csv", "--app",
            BUILD / "examples" / f"{firmware}.bin")
        return path

    return make


def lives(path):
    done = run("board", "run", path, "--until", "at rest", "--timeout", "30")
    return done.stdout + done.stderr


def test_deep_sleep_is_a_reset_with_a_cause(board):
    output = lives(board("neighbours"))
    told = re.findall(r"reason (\d+) cause (\d+) data (\d+) kept (\d+)", output)
    garbage = str(0xA5A5A5A5)
    # Power-on, deep sleep (woken by the timer, both kept), restart, task watchdog and panic (the second kind kept).
    assert told == [("1", "0", "1", garbage), ("8", "4", "2", "100"), ("3", "0", "1", "101"), ("6", "0", "1", "102"),
                    ("4", "0", "1", "103")]


def test_shutdown_handlers_run_at_a_restart_only(board):
    output = lives(board("neighbours"))
    assert output.count("shutting down") == 1
    assert output.index("reason 8") < output.index("shutting down") < output.index("reason 3")


def test_a_task_that_does_not_reset_its_watchdog_is_named(board):
    output = lives(board("neighbours"))
    assert "did not reset the watchdog in time" in output
    assert "not reset by sleepyhead" in output
    assert "out of luck" in output


def test_pins_address_and_network_are_the_boards(board):
    path = board("neighbours")
    settings = json.loads(path.with_suffix(".flash.json").read_text())
    settings["inputs"] = {"9": 0}
    path.with_suffix(".flash.json").write_text(json.dumps(settings))
    first, other = lives(path), lives(board("neighbours", "other"))
    assert "timer: 1" in first
    assert "pins: 1 0" in first and "pins: 1 1" in other
    macs = [re.search(r"mac: (02(?::[0-9a-f]{2}){5})", text).group(1) for text in (first, other)]
    assert macs[0] != macs[1]
    assert re.search(r"IPv4 address: \d+\.\d+\.\d+\.\d+", first)


def test_a_sleep_that_nothing_ends_is_an_error(board):
    done = run("board", "run", board("sleeps"), "--timeout", "30", check=None)
    assert done.returncode not in (0, 86)
    assert "sleeps for ever" in done.stderr and "esp_sleep_enable_timer_wakeup" in done.stderr
