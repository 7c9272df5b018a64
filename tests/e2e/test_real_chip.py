# SPDX-License-Identifier: Apache-2.0
"""An image for a real ESP32-C3, made by esptool from an ELF with mapped segments, goes over HTTPS to a board that
executes nothing; what the application would do there is done by `board boot`, `confirm` and `reject`."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT, run

sys.path.insert(0, str(ROOT / "tests" / "support"))
from elfmaker import esp32c3_app  # noqa: E402


@pytest.fixture
def esptool_image(tmp_path):
    """esptool_image(version, path): what a build of ESP-IDF would hand to the server."""
    def make(version, path):
        elf = tmp_path / f"{version}.elf"
        elf.write_bytes(esp32c3_app(version, "lamp"))
        subprocess.run([sys.executable, "-m", "esptool", "--chip", "esp32c3", "elf2image", "--flash-mode", "dio",
                        "--flash-size", "4MB", "--elf-sha256-offset", "0xb0", "-o", path, elf], check=True,
                       capture_output=True, timeout=60)
        return path
    return make


@pytest.fixture
def board(tmp_path, esptool_image):
    """A C3 with lamp 1.0.0, whose boot loader and app roll back, booted once."""
    path = tmp_path / "c3.flash"
    run("board", "create", path, "--chip", "esp32c3", "--app", esptool_image("1.0.0", tmp_path / "one.bin"), "--rollback")
    run("board", "boot", path)
    return path


def slot(board, label):
    shown = json.loads(run("board", "map", board, "--json").stdout)
    return next(p for p in shown["partitions"] if p["label"] == label)


def update(board, esptool_image, serve, images):
    image = esptool_image("2.0.0", images / "lamp.bin")
    assert image.stat().st_size >= 64 * 1024
    shown = json.loads(run("image", "info", image, "--json").stdout)
    mapped = [s for s in shown["segments"] if s["load_addr"] >> 24 in (0x3C, 0x42)]
    assert len(mapped) >= 2 and all((s["off"] - s["load_addr"]) % 0x10000 == 0 for s in mapped)
    server = serve(images)
    run("ota", board, server.url("lamp.bin"), "--ca", server.ca)
    return image


def boot(board):
    return json.loads(run("board", "boot", board, "--json").stdout)["slot"]


def test_it_is_written_switched_to_booted_and_confirmed(board, esptool_image, serve, images):
    image = update(board, esptool_image, serve, images)
    new = slot(board, "ota_1")
    assert (new["version"], new["state"]) == ("2.0.0", "NEW")
    data = image.read_bytes()
    assert board.read_bytes()[new["address"]:new["address"] + len(data)] == data, "byte for byte what esptool made"
    assert boot(board) == "ota_1" and slot(board, "ota_1")["state"] == "PENDING_VERIFY"
    run("board", "confirm", board)
    assert slot(board, "ota_1")["state"] == "VALID"
    assert boot(board) == "ota_1" and boot(board) == "ota_1"


def test_rejected_it_is_rolled_back(board, esptool_image, serve, images):
    update(board, esptool_image, serve, images)
    assert boot(board) == "ota_1"
    run("board", "reject", board)
    assert slot(board, "ota_1")["state"] == "INVALID"
    assert boot(board) == "ota_0"
    assert slot(board, "ota_0")["version"] == "1.0.0"


def test_neither_confirmed_nor_rejected_it_is_rolled_back_by_the_next_boot(board, esptool_image, serve, images):
    update(board, esptool_image, serve, images)
    assert boot(board) == "ota_1" and boot(board) == "ota_0"
    assert slot(board, "ota_1")["state"] == "ABORTED"
    assert "ABORTED" in run("board", "why", board).stdout


def test_the_next_update_after_one_that_failed_takes_its_slot_again(board, esptool_image, serve, images):
    """Nobody has confirmed ota_1: the boot that `ota` acts on would go back to ota_0, which updates ota_1."""
    update(board, esptool_image, serve, images)
    assert boot(board) == "ota_1"
    run("ota", board, esptool_image("3.0.0", images / "next.bin"))
    assert (slot(board, "ota_1")["version"], slot(board, "ota_1")["state"]) == ("3.0.0", "NEW")
    assert boot(board) == "ota_1"
    run("board", "confirm", board)
    assert boot(board) == "ota_1"
