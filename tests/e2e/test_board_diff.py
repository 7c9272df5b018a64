# SPDX-License-Identifier: Apache-2.0
"""`updraft board diff`: two boards held against each other, part by part."""

import json
import os
import shutil

import pytest

from conftest import run


@pytest.fixture
def image(tmp_path):
    payload = tmp_path / "payload"
    payload.write_bytes(bytes(range(256)) * 60)

    def make(version):
        out = tmp_path / f"{version}.bin"
        run("image", "create", "--raw", payload, "--chip", "esp32c3", "--project", "lamp", "--version", version,
            "--out", out)
        return out

    return make


@pytest.fixture
def boards(tmp_path, image):
    """Two that are the same."""
    a, b = tmp_path / "a.flash", tmp_path / "b.flash"
    run("board", "create", a, "--table", "two_ota", "--app", image("1.0.0"), "--rollback")
    for suffix in ("", ".json", ".efuse"):
        shutil.copy(f"{a}{suffix}", f"{b}{suffix}")
    return a, b


def diff(a, b, check=1):
    return json.loads(run("board", "diff", a, b, "--json", check=check).stdout)


def test_the_same_boards_are_exit_0(boards):
    assert run("board", "diff", *boards).stdout == f"{boards[0]} and {boards[1]} are the same\n"
    shown = diff(*boards, check=0)
    assert shown["same"] is True
    assert (shown["settings"], shown["outside"], shown["partitions"], shown["efuse"]["bytes"]) == ([], [], [], 0)


def test_an_update_shows_as_a_version_and_an_entry(boards, image):
    a, b = boards
    run("board", "write", b, "ota_0", image("2.0.0"))
    run("board", "set-boot", b, "ota_0")
    text = run("board", "diff", a, b, check=1, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
    assert "  ota_0            empty → lamp 2.0.0\n" in text
    assert "entry 0  blank\n          → seq 1 names ota_0, NEW" in text
    assert text.endswith("Boots next: factory (lamp 1.0.0) → ota_0 (lamp 2.0.0)\n")
    changed = {p["label"]: p for p in diff(a, b)["partitions"]}
    assert set(changed) == {"otadata", "ota_0"}
    assert changed["ota_0"]["a"]["image"] == "empty" and changed["ota_0"]["b"]["version"] == "2.0.0"
    assert changed["otadata"]["a"]["entries"][0]["blank"] is True
    assert (changed["otadata"]["b"]["entries"][0]["slot"], changed["otadata"]["first"]) == (0, 0)
    assert run("board", "diff", b, a, check=1, env={**os.environ, "LC_ALL": "C"}).stdout.isascii()


@pytest.mark.parametrize("addr,length,where", [(0x100, 3, "boot loader"), (0x8C00, 2, "partition table"),
                                               (0x310FFF, 2, "free flash")])
def test_what_lies_outside_partitions_counts(boards, addr, length, where):
    with open(boards[1], "r+b") as flash:
        flash.seek(addr)
        flash.write(bytes(length))
    sectors = 2 if addr % 0x1000 == 0xFFF else 1
    assert diff(*boards)["outside"] == [{"area": where, "bytes": length, "sectors": sectors, "first": addr}]
    assert where in run("board", "diff", *boards, check=1).stdout


def test_a_damaged_image_of_the_same_version_is_told_apart(boards):
    with open(boards[1], "r+b") as flash:
        flash.seek(0x10000 + 5000)
        flash.write(b"\x55")
    assert "refused: checksum differs" in run("board", "diff", *boards, check=1).stdout
    (change,) = diff(*boards)["partitions"]
    assert (change["bytes"], change["sectors"], change["first"]) == (1, 1, 5000)


def test_data_is_compared_byte_by_byte(boards, tmp_path):
    for i, board in enumerate(boards):
        (tmp_path / "x").write_bytes(bytes([i]) * 4097)
        run("board", "write", board, "nvs", tmp_path / "x")
    assert "nvs              4097 bytes in 2 sectors differ, the first at 0x0" in run("board", "diff", *boards,
                                                                                   check=1).stdout


def test_settings_and_efuses_are_compared(boards):
    a, b = boards
    settings = json.loads(b.with_name("b.flash.json").read_text())
    settings["revision"] = "1.1"
    settings["bootloader"]["rollback"] = False
    settings["inputs"] = {"9": 1}
    b.with_name("b.flash.json").write_text(json.dumps(settings))
    b.with_name("b.flash.efuse").write_bytes(b"\x03" + bytes(255))
    shown = diff(a, b)
    assert {s["key"]: (s["a"], s["b"]) for s in shown["settings"]} == {
        "revision": ("0.4", "1.1"), "bootloader.rollback": (True, False), "inputs.9": (None, 1)}
    assert shown["efuse"] == {"bytes": 1, "secure_version_a": 0, "secure_version_b": 2}
    text = run("board", "diff", a, b, check=1).stdout
    assert "secure version 0" in text and "revision" in text


def test_partitions_that_move_come_and_go(boards, tmp_path):
    a, b = boards
    run("board", "create", b, "--table", "single_app", "--force")
    changed = {p["label"]: p["change"] for p in diff(a, b)["partitions"]}
    assert (changed["otadata"], changed["ota_0"], changed["nvs"]) == ("only_in_a", "only_in_a", "moved")
    assert "only in" in run("board", "diff", b, a, check=1).stdout
    assert {p["label"]: p["change"] for p in diff(b, a)["partitions"]}["otadata"] == "only_in_b"


def test_what_is_no_board_is_named(boards, tmp_path):
    assert "nope" in run("board", "diff", boards[0], tmp_path / "nope", check=2).stderr
    run("board", "diff", boards[0], check=2)
    run("board", "diff", *boards, "third", check=2)
