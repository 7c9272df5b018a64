# SPDX-License-Identifier: Apache-2.0
"""What the firmware does on a board, and over updates, good and bad."""

import pytest
from pytest_updraft import UpdateRefused


def test_it_blinks(board):
    board.run()
    board.expect(r"blink: version 1\.0\.0 in ota_0")
    board.expect("blink: idle")
    assert board.reset_reason == "power-on"


def test_an_update_runs_and_confirms_itself(board, ota_server):
    board.update(ota_server.offer("blink_2.0.0.bin"))
    board.expect(r"blink: version 2\.0\.0 in ota_1")
    board.expect("blink: confirmed")
    assert board.boots_next["state"] == "VALID"


def test_it_updates_itself(board, ota_server):
    url = ota_server.offer("blink_2.0.0.bin")
    board.write_partition("cfg", f"{url}\n{ota_server.ca.read_text()}")
    board.run()
    board.expect("blink: updating from https://")
    board.expect(r"blink: version 2\.0\.0 in ota_1")
    assert board.reset_reason == "software"
    board.expect("blink: confirmed")
    assert "GET /blink_2.0.0.bin" in ota_server.log


def test_a_version_that_crashes_is_rolled_back(board, ota_server):
    board.update(ota_server.offer("blink_3.0.0.bin"))
    board.expect("the light does not come on")
    board.expect(r"blink: version 1\.0\.0 in ota_0")
    assert board.reset_reason == "panic"
    assert board.boots_next["label"] == "ota_0"
    assert "ABORTED" in board.why()


def test_a_damaged_image_is_refused(board, ota_server):
    url = ota_server.offer("blink_2.0.0.bin")
    image = ota_server.folder / "blink_2.0.0.bin"
    data = bytearray(image.read_bytes())
    data[5000] ^= 1
    image.write_bytes(data)
    with pytest.raises(UpdateRefused):
        board.update(url)
    board.run()
    board.expect(r"blink: version 1\.0\.0 in ota_0")
