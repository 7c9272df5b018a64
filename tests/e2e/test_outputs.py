# SPDX-License-Identifier: Apache-2.0
"""Where output goes: what a verb may replace, what it writes into, and that an output which is lost is no success."""

import os
import shutil
import stat
import subprocess

import pytest

from conftest import UPDRAFT, VECTORS, run

C3 = VECTORS / "esp32c3-app.bin"


@pytest.fixture
def raw(tmp_path):
    path = tmp_path / "raw"
    path.write_bytes(bytes(range(256)) * 8)
    return path


@pytest.fixture
def board(tmp_path):
    path = tmp_path / "b.flash"
    run("board", "create", path, "--chip", "esp32c3", "--runs", "none")
    return path


# ---- files -----------------------------------------------------------------------------------------------------------


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe, straight = tmp_path / "pipe", tmp_path / "table.bin"
    os.mkfifo(pipe)
    run("partition", "build", "two_ota", straight)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        run("partition", "build", "two_ota", pipe)
        assert reader.communicate(timeout=20)[0] == straight.read_bytes()
    assert stat.S_ISFIFO(pipe.stat().st_mode) and not list(tmp_path.glob("pipe.*"))


def test_a_device_that_is_full_is_named_and_stays(tmp_path):
    link = tmp_path / "full"
    link.symlink_to("/dev/full")
    done = run("partition", "build", "two_ota", link, check=1)
    assert str(link) in done.stderr and "No space left" in done.stderr
    assert link.is_symlink() and stat.S_ISCHR(link.stat().st_mode)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "table.bin", tmp_path / "link.bin"
    target.write_bytes(b"old")
    link.symlink_to("far/table.bin")
    run("partition", "build", "two_ota", link)
    assert link.is_symlink() and len(target.read_bytes()) == 0xC00
    assert sorted(p.name for p in tmp_path.iterdir()) == ["far", "link.bin"]


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_new_files_have_the_permissions_of_the_umask(tmp_path, raw, mask, mode):
    run("image", "create", "--raw", raw, "--out", tmp_path / "x.bin", umask=mask)
    run("board", "create", tmp_path / "x.flash", umask=mask)
    for path in (tmp_path / "x.bin", tmp_path / "x.flash", tmp_path / "x.flash.json", tmp_path / "x.flash.efuse"):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    out = tmp_path / "table.bin"
    out.write_bytes(b"old")
    out.chmod(0o640)
    run("partition", "build", "two_ota", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o640 and len(out.read_bytes()) == 0xC00


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any file")
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path):
    out = tmp_path / "table.bin"
    out.write_bytes(b"old")
    out.chmod(0o444)
    assert "Permission denied" in run("partition", "build", "two_ota", out, check=1).stderr
    assert out.read_bytes() == b"old"


# ---- no verb eats what it was given ------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [
    ["image", "create", "--raw", "{}", "--out", "{}"],
    ["image", "create", "--raw", "{}", "--out", "{link}"],
    ["image", "extract", "{}", "--desc", "--out", "{}"],
    ["image", "merge", "--out", "{}", "0x1000", "{}"],
    ["partition", "build", "{}", "{}"],
], ids=lambda args: " ".join(args[:2]))
def test_the_input_is_no_output(tmp_path, args):
    file, link = tmp_path / "file", tmp_path / "link"
    shutil.copy(C3, file)
    os.link(file, link)
    done = run(*(a.format(file, link=link) for a in args), check=1)
    assert "choose another name" in done.stderr
    assert file.read_bytes() == C3.read_bytes()


@pytest.mark.parametrize("suffix", ["", ".json", ".efuse"])
def test_a_board_is_not_read_into_itself(board, suffix):
    before = [(board.parent / f"b.flash{s}").read_bytes() for s in ("", ".json", ".efuse")]
    done = run("board", "read", board, "nvs", "-o", f"{board}{suffix}", check=1)
    assert f"b.flash{suffix} is what is read" in done.stderr
    assert before == [(board.parent / f"b.flash{s}").read_bytes() for s in ("", ".json", ".efuse")]


@pytest.mark.parametrize("suffix", ["", ".json", ".efuse"])
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_board_takes_the_place_of_files_only(tmp_path, kind, suffix):
    there = tmp_path / f"b.flash{suffix}"
    there.mkdir() if kind == "folder" else os.mkfifo(there)
    assert f"b.flash{suffix}" in run("board", "create", tmp_path / "b.flash", "--force", check=1).stderr
    assert list(tmp_path.iterdir()) == [there]


# ---- standard output ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["partition", "show", "two_ota", "--csv"],
                                  ["image", "info", C3, "--json"], ["image", "info", C3], ["board", "create", "--help"]],
                         ids=lambda args: " ".join(map(str, args))[:20])
def test_output_that_is_lost_is_a_failure(args):
    with open("/dev/full", "w") as full:
        done = subprocess.run([UPDRAFT, *map(str, args)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr == "updraft: standard output could not be written: No space left on device\n"


def test_who_closes_the_pipe_hears_nothing_of_it():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([UPDRAFT, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=30)
    os.close(writer)
    assert done.returncode == 1 and done.stderr == ""
