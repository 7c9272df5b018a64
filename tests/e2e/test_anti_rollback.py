# SPDX-License-Identifier: Apache-2.0
"""Anti-rollback on a board that executes nothing: confirming raises the eFuses, and older apps are kept out."""

import json

import pytest

from conftest import BUILD, ROOT, run

TABLE = "two_ota_large"


@pytest.fixture
def image(tmp_path):
    """image(version, secure_version): for a real C3."""
    payload = tmp_path / "payload"
    payload.write_bytes(bytes(range(256)) * 160)

    def make(version, secure_version):
        out = tmp_path / f"{version}.bin"
        run("image", "create", "--raw", payload, "--chip", "esp32c3", "--project", "lamp", "--version", version,
            "--secure-version", secure_version, "--out", out)
        return out

    return make


@pytest.fixture
def board(tmp_path, image):
    path = tmp_path / "c3.flash"
    run("board", "create", path, "--app", image("1.0.0", 1), "--table", TABLE, "--anti-rollback")
    return path


def look(verb, board):
    return json.loads(run("board", verb, board, "--json").stdout)


def level(board):
    return look("why", board)["secure_level"]


def test_the_first_boot_takes_the_efuses_along(board):
    assert level(board) == 0
    booted = look("boot", board)
    assert (booted["slot"], booted["secure_level_raised_to"]) == ("ota_0", 1)
    assert level(board) == 1
    assert "secure_level_raised_to" not in look("boot", board)
    assert (board.parent / (board.name + ".efuse")).read_bytes()[:4] == b"\x01\0\0\0"


def test_confirming_raises_them_and_older_apps_stay_out(board, image):
    look("boot", board)
    run("ota", board, image("2.0.0", 3))
    assert look("boot", board)["slot"] == "ota_1"
    assert level(board) == 1
    run("board", "confirm", board)
    assert level(board) == 3

    rules = [rule["rule"] for rule in look("why", board)["rules"]]
    assert "entry_too_old" in rules
    refused = run("ota", board, image("1.1.0", 2), check=1)
    assert "ESP_ERR_OTA_SMALL_SEC_VER" in refused.stderr
    assert look("boot", board)["slot"] == "ota_1"


def test_an_unconfirmed_app_of_a_higher_version_still_goes_back(board, image):
    look("boot", board)
    run("ota", board, image("2.0.0", 3))
    look("boot", board)
    assert look("boot", board)["slot"] == "ota_0"
    assert level(board) == 1


def test_it_cannot_be_had_without_rollback(tmp_path, image):
    out = run("board", "create", tmp_path / "b.flash", "--app", image("1.0.0", 0), "--no-rollback", "--anti-rollback",
              check=2)
    assert "--anti-rollback needs --rollback" in out.stderr


def test_a_version_wider_than_the_field_is_confirmed_but_not_burnt(board, image):
    look("boot", board)
    run("ota", board, image("2.0.0", 17))
    look("boot", board)
    out = run("board", "confirm", board, check=1)
    assert "is VALID, but its secure version 17 could not be taken to the eFuses: ESP_ERR_INVALID_ARG" in out.stderr
    assert level(board) == 1


def test_firmware_that_runs_raises_them_when_it_confirms_itself(tmp_path):
    path = tmp_path / "b.flash"
    orders = tmp_path / "orders"
    orders.write_text("power-on=clone software=confirm")
    run("board", "create", path, "--table", ROOT / "examples" / "partitions_example.csv", "--app",
        BUILD / "examples" / "obeys_secure.bin", "--anti-rollback", "--partition", f"cfg={orders}")
    efuse = tmp_path / "b.flash.efuse"
    assert efuse.read_bytes()[0] == 0
    run("board", "run", path, "--until", "at rest", "--timeout", 60, "--max-boots", 4)
    assert efuse.read_bytes()[:4] == b"\x03\0\0\0"
    refused = run("ota", path, BUILD / "examples" / "obeys_y.bin", check=1)  # secure version 0
    assert "ESP_ERR_OTA_SMALL_SEC_VER" in refused.stderr
    assert look("why", path)["boots_next"] == "ota_1"
