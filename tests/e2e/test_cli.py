# SPDX-License-Identifier: Apache-2.0
"""The command line as a person meets it: help with an example, exit codes, errors that name the thing."""

import json
import os
import re

import pytest

from conftest import ROOT, VECTORS, run

VERBS = [
    ["image", "create"], ["image", "info"], ["image", "verify"], ["image", "compare"], ["image", "edit-desc"],
    ["image", "extract"], ["image", "merge"],
    ["partition", "build"], ["partition", "show"], ["partition", "check"], ["partition", "diff"],
    ["board", "create"], ["board", "run"], ["board", "boot"], ["board", "confirm"], ["board", "reject"],
    ["board", "map"], ["board", "why"], ["board", "info"], ["board", "set-partition"],
    ["board", "import"], ["board", "set-boot"], ["board", "erase-otadata"], ["board", "read"], ["board", "write"],
    ["board", "erase"], ["board", "diff"], ["board", "efuse", "show"],
    ["ota"], ["serve"],
]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_each_verb_has_help_with_an_example(verb):
    text = run(*verb, "--help").stdout
    assert text.startswith("Usage: updraft " + " ".join(verb))
    assert "Example" in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_an_unknown_option_is_exit_2_and_points_to_help(verb):
    done = run(*verb, "--no-such-option", check=2)
    assert done.stdout == ""
    assert f"updraft {' '.join(verb)} --help" in done.stderr


@pytest.mark.parametrize("verb", [["image", "create"], ["board", "efuse", "show"], ["serve"]], ids=" ".join)
def test_what_is_wrong_with_an_option_begins_with_the_verb(verb):
    first = run(*verb, "--no-such-option", check=2).stderr.splitlines()[0]
    assert first == f"updraft {' '.join(verb)}: unrecognized option '--no-such-option'"


@pytest.mark.parametrize("verb", [[], ["image"], ["board", "efuse"]], ids=lambda verb: " ".join(verb) or "updraft")
def test_an_unknown_verb_points_to_the_list(verb):
    command = " ".join(["updraft", *verb])
    assert run(*verb, "nonsense", check=2).stderr == (
        f"updraft: 'nonsense' is not a verb of '{command}'\nTry '{command} --help'.\n")


@pytest.mark.parametrize("args", [
    ["image", "create", "--out", "x", "--raw", "x", "--secure-version", "4294967296"],
    ["image", "create", "--out", "x", "--raw", "x", "--load-addr", "-1"],
    ["image", "verify", "x", "--addr", "0x100000000"],
    ["partition", "build", "two_ota", "x", "--flash-size", "9999G"],
    ["partition", "show", "two_ota", "--offset", "-4096"],
], ids=lambda args: args[-2])
def test_a_number_out_of_range_hears_the_range(args):
    done = run(*args, check=2)
    assert f"{args[-2]} '{args[-1]}' is not a number from 0 to 0xFFFFFFFF" in done.stderr


def test_an_empty_file_clears_no_partition(tmp_path):
    board, empty = tmp_path / "b.flash", tmp_path / "empty"
    empty.touch()
    run("board", "create", board, "--partition", f"nvs={VECTORS / 'README.md'}")
    before = board.read_bytes()
    for verb in ("write", "set-partition"):
        done = run("board", verb, board, "nvs", empty, check=1)
        assert f"{empty} is empty" in done.stderr and f"updraft board erase {board} nvs" in done.stderr
    assert board.read_bytes() == before


@pytest.mark.parametrize("suffix, words", [("", "its settings say 4194304: set"), (".efuse", "a board's has 256: make")])
def test_a_board_file_of_another_size_is_explained(tmp_path, suffix, words):
    board = tmp_path / "b.flash"
    run("board", "create", board)
    os.truncate(f"{board}{suffix}", 5)
    done = run("board", "info", board, check=1)
    assert f"{board}{suffix} has 5 bytes" in done.stderr and words in done.stderr


@pytest.mark.parametrize("what, why", [("missing", "No such file"), ("file", "Not a directory")])
def test_only_a_folder_can_be_served(tmp_path, what, why):
    (tmp_path / "file").touch()
    assert f"{tmp_path / what} cannot be served: {why}" in run("serve", tmp_path / what, check=1).stderr


@pytest.mark.parametrize("verb", [v for v in VERBS if v != ["board", "create"]], ids=" ".join)
def test_missing_arguments_are_exit_2(verb):
    assert run(*verb, check=2).stderr


@pytest.mark.parametrize("group", [[], ["image"], ["partition"], ["board"]])
def test_overviews_list_all_verbs(group):
    text = run(*group, "--help").stdout
    for verb in VERBS:
        if verb[:len(group)] == group and len(verb) > len(group):
            assert re.search(rf"^  {verb[len(group)]}\b", text, re.M), verb
    assert run(*group, "nonsense", check=2).stderr.startswith("updraft: 'nonsense'")


def test_version():
    assert re.fullmatch(r"updraft \d+\.\d+\.\d+\n", run("--version").stdout)


# ---- image -----------------------------------------------------------------------------------------------------------


def test_image_info_of_a_real_chips_image():
    shown = json.loads(run("image", "info", "--json", VECTORS / "esp32c3-app.bin").stdout)
    assert shown["chip"] == "esp32c3" and shown["valid"] is True
    assert shown["desc"]["version"] == "1.2.3-rc1" and shown["desc"]["secure_version"] == 2
    assert shown["digest"] == "93900f35fb56ff175c38a741bb17b8611dd51ee4eec5d382d127f069729aebdc"
    text = run("image", "info", VECTORS / "esp32c3-app.bin").stdout
    assert "ESP32-C3" in text and "1.2.3-rc1" in text and "good" in text


def test_image_info_shows_a_damaged_image_and_exits_1(tmp_path):
    data = bytearray((VECTORS / "esp32-app.bin").read_bytes())
    data[0x60] ^= 1
    (tmp_path / "bad.bin").write_bytes(data)
    done = run("image", "info", tmp_path / "bad.bin", check=1)
    assert "wrong" in done.stdout and "SHA-256" in done.stdout
    shown = json.loads(run("image", "info", "--json", tmp_path / "bad.bin", check=1).stdout)
    assert shown["valid"] is False and shown["checksum_ok"] is False and shown["digest_ok"] is False


@pytest.mark.parametrize("content", [b"", b"\xe9", b"hello", bytes(100)])
def test_what_is_no_image_is_named(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert str(tmp_path / "x") in run("image", "info", tmp_path / "x", check=1).stderr
    assert run("image", "verify", tmp_path / "x", check=1).stderr


def test_image_verify_by_chip_and_address():
    c6 = VECTORS / "esp32c6-app-mmu8k.bin"
    assert "good" in run("image", "verify", c6, "--chip", "esp32c6").stdout
    assert "good" in run("image", "verify", c6, "--chip", "esp32c6", "--addr", "0x12000").stdout
    assert run("image", "verify", c6, "--chip", "esp32c6", "--addr", "0x11000", check=1).stderr
    assert "chip" in run("image", "verify", c6, "--chip", "esp32c3", check=1).stderr
    assert "SHA-256" in run("image", "verify", VECTORS / "esp32-app-nohash.bin", "--require-digest", check=1).stderr
    run("image", "verify", VECTORS / "esp32-app-nohash.bin")


def test_every_flipped_bit_is_refused_but_the_one_that_removes_the_digest(tmp_path):
    """The exception is of the format: bit 0 of byte 23 says that a digest follows. (Every bit: tests/unit/image.)"""
    data = (VECTORS / "esp32c3-app.bin").read_bytes()
    path = tmp_path / "flipped.bin"
    accepted = []
    for bit in list(range(8 * 24)) + list(range(8 * 24, 8 * len(data), 61)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        if run("image", "verify", path, "--chip", "esp32c3", "--revision", "0.3", check=None).returncode == 0:
            accepted.append(bit)
    assert accepted == [8 * 23]
    flipped = bytearray(data)
    flipped[23] ^= 1
    path.write_bytes(flipped)
    run("image", "verify", path, "--require-digest", check=1)


def test_an_image_that_does_not_fit_is_not_written(tmp_path):
    (tmp_path / "raw").write_bytes(bytes(1800 * 1024))
    done = run("image", "create", "--out", tmp_path / "x.bin", "--raw", tmp_path / "raw", "--fit-table",
               "two_ota_large", check=1)
    assert "exceeds the smallest OTA slot" in done.stderr
    assert not (tmp_path / "x.bin").exists()


@pytest.mark.parametrize("args", [["--version", "v" * 32], ["--project", "p" * 32], ["--chip", "esp99"], ["extra"]])
def test_image_create_names_what_is_wrong(tmp_path, args):
    (tmp_path / "raw").write_bytes(b"x")
    run("image", "create", "--out", tmp_path / "x", "--raw", tmp_path / "raw", *args, check=2)


def test_image_create_refuses_what_is_no_elf(tmp_path):
    (tmp_path / "raw").write_bytes(b"x" * 100)
    assert "ELF" in run("image", "create", "--out", tmp_path / "x", "--elf", tmp_path / "raw", check=1).stderr


def test_a_full_disk_leaves_no_half_image(tmp_path):
    (tmp_path / "raw").write_bytes(b"x" * 100)
    assert run("image", "create", "--out", "/dev/full/x", "--raw", tmp_path / "raw", check=1).stderr


# ---- partition ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a_two_ota", "b_flags_mixed", "c_fill_neg"])
def test_partition_build_equals_the_generators_output(tmp_path, name):
    out = tmp_path / "out.bin"
    run("partition", "build", VECTORS / f"ptable-{name}.csv", out, "--primary-bootloader-offset", "0x1000")
    assert out.read_bytes() == (VECTORS / f"ptable-{name}.bin").read_bytes()


def test_partition_show_prints_csv_that_builds_the_same_table(tmp_path):
    binary = VECTORS / "ptable-a_two_ota.bin"
    (tmp_path / "back.csv").write_text(run("partition", "show", binary, "--csv").stdout)
    run("partition", "build", tmp_path / "back.csv", tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == binary.read_bytes()
    shown = json.loads(run("partition", "show", binary, "--json").stdout)
    assert [p["label"] for p in shown["partitions"]] == ["nvs", "otadata", "phy_init", "factory", "ota_0", "ota_1"]


@pytest.mark.parametrize("csv,line,words", [
    ("nvs,data,nvs,0x9000,0x4000\napp,app,factory,0x11000,1M\n", 2, "0x10000"),
    ("nvs,data,nvs,0x9000,0x4000\nx,data,bogus,,0x1000\n", 2, "bogus"),
    ("nvs,data,nvs,0x9000,zebra\n", 1, "zebra"),
    ("a,app,ota_0,0x10000,1M\nb,app,ota_1,0x20000,1M\n", 2, ""),
    ("nvs,data,nvs,,0x4000,secret\n", 1, "secret"),
])
def test_partition_errors_name_the_line(tmp_path, csv, line, words):
    (tmp_path / "t.csv").write_text(csv)
    done = run("partition", "build", tmp_path / "t.csv", tmp_path / "out", check=1)
    assert f"line {line}" in done.stderr and words in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_projects_own_tables_are_good():
    for table in ("single_app", "two_ota", "two_ota_large", ROOT / "examples" / "partitions_example.csv"):
        assert "otadata" in run("partition", "show", table).stdout or table == "single_app"


def test_a_build_time_that_is_none_makes_no_image(tmp_path):
    (tmp_path / "raw").write_bytes(bytes(100))
    done = run("image", "create", "--raw", tmp_path / "raw", "--out", tmp_path / "x.bin", check=1,
               env={"SOURCE_DATE_EPOCH": "yesterday"})
    assert "'yesterday'" in done.stderr and not (tmp_path / "x.bin").exists()
