# SPDX-License-Identifier: Apache-2.0
"""Firmware that updates itself: the examples on virtual boards, against our own server."""

import json
import shutil

import pytest

from conftest import BUILD, ROOT, run

TABLE = ROOT / "examples" / "partitions_example.csv"
IDLE = "(advanced_ota|simple_ota): idle"


def image(name):
    return BUILD / "examples" / f"{name}.bin"


@pytest.fixture
def board(tmp_path):
    """board(app, cfg text or None): a board with that example."""
    def create(app, cfg=None):
        path = tmp_path / "b.flash"
        content = []
        if cfg is not None:
            (tmp_path / "cfg.txt").write_text(cfg)
            content = ["--partition", f"cfg={tmp_path / 'cfg.txt'}"]
        run("board", "create", path, "--table", TABLE, "--app", image(app), *content)
        return path
    return create


@pytest.fixture
def offer(serve, images):
    """offer(example): what the server has as firmware.bin; returns the text for cfg."""
    def put(app):
        shutil.copy(image(app), images / "firmware.bin")
        server = serve(images)
        return f"{server.url('firmware.bin')}\n{server.ca.read_text()}"
    return put


def power_on(path, until=IDLE, *options):
    done = run("board", "run", path, "--until", until, "--timeout", 60, "--max-boots", 6, *options)
    return done.stdout + done.stderr


def slots(path):
    info = json.loads(run("board", "map", path, "--json").stdout)
    return info["boots_next"], {p["label"]: p for p in info["partitions"]}


def test_the_four_steps_lead_into_the_new_version_which_confirms_itself(board, offer):
    path = board("advanced_ota_1.0.0", offer("advanced_ota_2.0.0"))
    log = power_on(path)
    steps = ["advanced_ota version 1.0.0 in ota_0, after a reset (power-on)", "1 acquire: https://localhost:",
             "version 2.0.0 is new: accepted", "2 write: ", "3 verify: the image is whole",
             "4 switch: ota_1 boots next, restarting", "advanced_ota version 2.0.0 in ota_1, after a reset (software)",
             "self-test passed: confirmed", "version 2.0.0 is what runs already: refused", "idle: no update"]
    found = [log.find(step) for step in steps]
    assert -1 not in found and found == sorted(found), log
    boots, slot = slots(path)
    assert boots == "ota_1" and slot["ota_1"]["state"] == "VALID" and slot["ota_1"]["version"] == "2.0.0"


def test_slow_flash_takes_the_same_road(board, offer):
    path = board("advanced_ota_1.0.0", offer("advanced_ota_2.0.0"))
    assert "confirmed" in power_on(path, IDLE, "--slow-flash", 100)


def test_a_version_that_crashed_is_rolled_back_and_refused_from_then_on(board, offer):
    path = board("advanced_ota_1.0.0", offer("advanced_ota_3.0.0"))
    log = power_on(path)
    assert "crashes before it confirms" in log
    assert "advanced_ota version 1.0.0 in ota_0, after a reset (panic)" in log
    assert "version 3.0.0 failed before and was marked invalid: refused" in log
    again = power_on(path)
    assert "3.0.0 failed before" in again and "2 write" not in again
    boots, slot = slots(path)
    assert boots == "ota_0" and slot["ota_1"]["state"] == "ABORTED"


def test_the_same_version_is_refused_before_anything_is_written(board, offer):
    path = board("advanced_ota_1.0.0", offer("advanced_ota_1.0.0"))
    power_on(path)
    first = path.read_bytes()
    assert "version 1.0.0 is what runs already: refused" in power_on(path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("example", ["advanced_ota_1.0.0", "simple_ota"])
def test_without_an_address_there_is_no_update(board, example):
    log = power_on(board(example))
    assert "idle" in log and "ota_1" not in log.split("Calling app_main()")[1]


@pytest.mark.parametrize("example", ["advanced_ota_1.0.0", "simple_ota"])
def test_without_a_certificate_the_server_is_not_even_asked(board, example):
    log = power_on(board(example, "https://localhost:1/firmware.bin\n"))
    assert "ESP_ERR_INVALID_ARG" in log


def test_an_image_that_is_not_there_is_an_error_and_no_reset(board, serve, images):
    server = serve(images)
    path = board("advanced_ota_1.0.0", f"{server.url('none.bin')}\n{server.ca.read_text()}")
    log = power_on(path)
    assert "update failed: " in log and log.count("board: reset") == 1


def test_simple_ota_installs_what_is_there_and_restarts_into_it(board, offer):
    path = board("simple_ota", offer("hello"))
    log = power_on(path, "hello: done")
    assert "simple_ota: updated, restarting" in log
    assert "hello version 1.0.0 in ota_1, after a reset (software)" in log


def test_simple_ota_updates_once_a_power_on(board, offer):
    path = board("simple_ota", offer("simple_ota"))
    log = power_on(path)
    assert log.count("updating from") == 1 and "this is not a power-on" in log
