# SPDX-License-Identifier: Apache-2.0
"""Disks that fail: the right exit code, an error that names the thing, no half files, and a board that still boots.

Calls are made to fail by tests/support/preload/fail_io.c. A sweep repeats a command with its 1st, 2nd, 3rd … such call
failing until there is none left to fail. What runs here is the command itself, with the cores in its own process: a
firmware's process takes no LD_PRELOAD along.
"""

import errno
import json
import os
import resource
import shutil
import subprocess

import pytest

from conftest import BUILD, UPDRAFT, run
from test_ota import make_image

SUFFIXES = ("", ".json", ".efuse")
REASONS = {errno.EIO: "Input/output error", errno.ENOSPC: "No space left on device", errno.EROFS: "Read-only file"}
LIBRARY = BUILD / "tests" / "fail_io.so"


def run_failing(log, plan, *args, **kwargs):
    """Run `updraft ARGS` with calls failing as planned; returns the process, and what was made to fail."""
    log.unlink(missing_ok=True)
    asan = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
    env = {**os.environ, "LD_PRELOAD": str(LIBRARY), "ASAN_OPTIONS": asan, "UD_FAIL_IO": plan, "UD_FAIL_LOG": str(log)}
    done = run(*args, check=None, env=env, **kwargs)
    assert "Sanitizer" not in done.stderr
    return done, log.read_text() if log.exists() else ""


def sweep(log, call, how, path, *args, before=lambda: None):
    """Yields (nth, process) for each call that can fail; at the end the command has run with none failing."""
    for nth in range(1, 2000):
        before()
        done, failed = run_failing(log, f"{call} {how} {nth} {path}", *args)
        if not failed:
            assert nth > 1, f"'updraft {args}' never calls {call} on {path}"
            assert done.returncode == 0, done.stderr
            return
        yield nth, done


def copy(board, to):
    for suffix in SUFFIXES:
        shutil.copy(f"{board}{suffix}", f"{to}{suffix}")


def boots_next(board):
    shown = json.loads(run("board", "map", board, "--json").stdout)
    slot = next(p for p in shown["partitions"] if p["label"] == shown["boots_next"])
    assert slot["image"] == "good"
    return slot["label"], slot["version"]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "failed.log"


@pytest.fixture
def images_here(tmp_path):
    """Two versions, small enough that each of their flash operations can fail once."""
    return [make_image(tmp_path / f"{v}.bin", f"{v}.0.0", size=24_000, seed=v) for v in (1, 2)]


@pytest.fixture
def board(tmp_path, images_here):
    """A C3 that runs nothing, with 1.0.0 in ota_0; in a folder of its own."""
    path = tmp_path / "home" / "b.flash"
    path.parent.mkdir()
    run("board", "create", path, "--chip", "esp32c3", "--app", images_here[0])
    return path


# ---- files that are made whole or not at all ------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("call", ["open", "write", "rename"])
def test_a_board_is_created_whole_or_not_at_all(tmp_path, log, images_here, call, code):
    home = tmp_path / "home"

    def empty():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()

    args = ["board", "create", home / "b.flash", "--chip", "esp32c3", "--app", images_here[0]]
    for nth, done in sweep(log, call, code, home, *args, before=empty):
        if done.returncode == 0:  # it asked whether there is an old board
            assert boots_next(home / "b.flash") == ("ota_0", "1.0.0"), (nth, log.read_text())
            continue
        assert done.returncode == 1 and str(home / "b.flash") in done.stderr and REASONS[code] in done.stderr
        assert list(home.iterdir()) == [], (nth, log.read_text())


@pytest.mark.parametrize("call", ["open", "write", "rename"])
def test_a_board_is_replaced_whole_or_not_at_all(tmp_path, log, board, images_here, call):
    spare = tmp_path / "spare.flash"
    copy(board, spare)
    before = [(board.parent / f"b.flash{s}").read_bytes() for s in SUFFIXES]
    args = ["board", "create", board, "--chip", "esp32s3", "--flash-size", "8MB", "--runs", "none", "--force"]
    for nth, done in sweep(log, call, errno.EIO, board.parent, *args, before=lambda: copy(spare, board)):
        if done.returncode == 0:
            continue
        assert done.returncode == 1 and str(board) in done.stderr and REASONS[errno.EIO] in done.stderr
        assert [(board.parent / f"b.flash{s}").read_bytes() for s in SUFFIXES] == before, (nth, log.read_text())
        assert len(list(board.parent.iterdir())) == len(SUFFIXES)


@pytest.mark.parametrize("call", ["open", "write", "rename"])
def test_an_image_is_made_whole_or_not_at_all(tmp_path, log, call):
    raw, home = tmp_path / "raw", tmp_path / "home"
    raw.write_bytes(bytes(5000))
    home.mkdir()
    out = home / "x.bin"
    out.write_text("what was there")
    for _nth, done in sweep(log, call, errno.ENOSPC, home, "image", "create", "--raw", raw, "--out", out):
        assert done.returncode == 1 and str(out) in done.stderr and REASONS[errno.ENOSPC] in done.stderr
        assert out.read_text() == "what was there" and list(home.iterdir()) == [out]


@pytest.mark.parametrize("call", ["write", "read"])
def test_short_writes_and_reads_are_continued(tmp_path, log, monkeypatch, call):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    straight = tmp_path / "straight.bin"
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(range(256)) * 20)
    args = ["image", "create", "--raw", raw, "--chip", "esp32c3"]
    run(*args, "--out", straight)
    where = raw if call == "read" else "out.bin"
    done, failed = run_failing(log, f"{call} short 1+ {where}", *args, "--out", tmp_path / "out.bin")
    assert failed.count("\n") > 1 and done.returncode == 0
    assert (tmp_path / "out.bin").read_bytes() == straight.read_bytes()


# ---- flash that cannot be read or written -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_an_update_whose_flash_fails_leaves_a_board_that_boots_and_takes_it_again(tmp_path, log, board, images_here,
                                                                                 code):
    trial = tmp_path / "trial.flash"
    said = set()
    for nth, done in sweep(log, "pwrite", code, trial, "ota", trial, images_here[1], before=lambda: copy(board, trial)):
        assert done.returncode == 1 and REASONS[code] in done.stderr, (nth, done.stderr)
        said.add(done.stderr)
        assert boots_next(trial) in [("ota_0", "1.0.0"), ("ota_1", "2.0.0")]
        run("ota", trial, images_here[1])
        assert boots_next(trial) == ("ota_1", "2.0.0")
    assert len(said) > 5  # it says where


def test_an_update_whose_flash_cannot_be_read_leaves_a_board_that_boots(tmp_path, log, board, images_here):
    trial = tmp_path / "trial.flash"
    for nth, done in sweep(log, "pread", errno.EIO, trial, "ota", trial, images_here[1],
                           before=lambda: copy(board, trial)):
        assert done.returncode in (0, 1), (nth, done.stderr)
        if done.returncode == 1:
            assert REASONS[errno.EIO] in done.stderr, (nth, done.stderr)
        assert boots_next(trial) in [("ota_0", "1.0.0"), ("ota_1", "2.0.0")]
        run("ota", trial, images_here[1])
        assert boots_next(trial)[1] == "2.0.0"


@pytest.mark.parametrize("call", ["pread", "pwrite"])
def test_short_operations_on_the_flash_file_are_continued(tmp_path, log, board, images_here, call):
    trial = tmp_path / "trial.flash"
    copy(board, trial)
    run("ota", board, images_here[1])
    done, failed = run_failing(log, f"{call} short 1+ {trial}", "ota", trial, images_here[1])
    assert done.returncode == 0 and failed.count("\n") > 10
    assert trial.read_bytes() == board.read_bytes()


@pytest.mark.parametrize("args", [["write", "ota_1", "IMAGE"], ["set-partition", "ota_1", "IMAGE"], ["erase", "ota_1"],
                                  ["set-boot", "ota_0"], ["confirm"], ["reject"]])
def test_verbs_that_write_name_what_failed(tmp_path, log, board, images_here, args):
    start = tmp_path / "start.flash"
    copy(board, start)
    if args[0] in ("confirm", "reject"):
        run("ota", start, images_here[1])
        run("board", "boot", start)
        run("board", "confirm", start)
        run("ota", start, images_here[0])
        run("board", "boot", start)
    trial = tmp_path / "trial.flash"
    command = ["board", args[0], trial, *(images_here[1] if a == "IMAGE" else a for a in args[1:])]
    for nth, done in sweep(log, "pwrite", errno.EIO, trial, *command, before=lambda: copy(start, trial)):
        assert done.returncode == 1 and REASONS[errno.EIO] in done.stderr, (nth, done.stderr)
        assert boots_next(trial)
        if nth == 12:  # an erase of a whole slot has hundreds
            break


@pytest.mark.parametrize("verb", ["map", "why", "boot"])
def test_a_look_at_flash_that_cannot_be_read_says_so(log, board, verb):
    done, failed = run_failing(log, f"pread {errno.EIO} 1+ {board}", "board", verb, board)
    assert failed and done.returncode == 1 and str(board) in done.stderr and REASONS[errno.EIO] in done.stderr
    assert "write one" not in done.stderr  # a new table would be no remedy


# ---- files that are not as they were left ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_files_that_cannot_be_opened_are_named(log, board, images_here, suffix, code):
    before = [(board.parent / f"b.flash{s}").read_bytes() for s in SUFFIXES]
    done, failed = run_failing(log, f"open {code} 1+ b.flash{suffix or ' '}".strip(), "ota", board, images_here[1])
    assert failed and done.returncode == 1
    assert f"{board}{suffix}" in done.stderr and os.strerror(code) in done.stderr
    assert [(board.parent / f"b.flash{s}").read_bytes() for s in SUFFIXES] == before


@pytest.mark.parametrize("verb", [["board", "run"], ["board", "map"], ["board", "boot"]])
@pytest.mark.parametrize("size", [0, 4095, 4 * 1024 * 1024 - 1, 4 * 1024 * 1024 + 4096])
def test_flash_that_was_cut_or_grown_is_refused_by_size(board, verb, size):
    os.truncate(board, size)
    said = run(*verb, board, check=1).stderr
    assert str(board) in said and str(size) in said and str(4 * 1024 * 1024) in said
    assert board.stat().st_size == size


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"chip": "esp99"}', "\0\0\0", "x" * 70000])
def test_settings_that_are_gone_or_garbled_are_named(board, content):
    settings = board.parent / "b.flash.json"
    settings.unlink()
    if content is not None:
        settings.write_text(content)
    flash = board.read_bytes()
    for verb in (["board", "run"], ["board", "map"], ["ota", board, board]):
        said = run(*verb, *([board] if verb[0] == "board" else []), check=1).stderr
        assert str(settings) in said and len(said.splitlines()) == 1
    assert board.read_bytes() == flash and settings.exists() == (content is not None)


@pytest.mark.parametrize("size", [None, 0, 3])
def test_efuses_that_are_gone_or_short_are_named(board, size):
    efuse = board.parent / "b.flash.efuse"
    efuse.unlink() if size is None else os.truncate(efuse, size)
    for verb in ("run", "map", "boot"):
        assert str(efuse) in run("board", verb, board, check=1).stderr
    assert efuse.exists() == (size is not None)


# ---- full disks -------------------------------------------------------------------------------------------------------


def limited(args, size):
    """With a limit on the size of files, which also meets what libc and OpenSSL write."""
    return run(*args, check=None,
               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY)))


def test_files_over_the_limit_leave_nothing_half(tmp_path, images_here):
    home = tmp_path / "home"
    home.mkdir()
    done = limited(["board", "create", home / "b.flash", "--app", images_here[0]], 100_000)
    assert done.returncode == 1 and str(home / "b.flash") in done.stderr and "too large" in done.stderr
    done = limited(["image", "create", "--raw", images_here[0], "--out", home / "x.bin"], 10_000)
    assert done.returncode == 1 and str(home / "x.bin") in done.stderr and "too large" in done.stderr
    assert list(home.iterdir()) == []


def test_an_update_over_the_limit_leaves_the_old_one(board, images_here):
    done = limited(["ota", board, images_here[1]], 0x160000)
    assert done.returncode == 1 and "too large" in done.stderr
    assert boots_next(board) == ("ota_0", "1.0.0")


def test_a_server_without_room_for_its_certificates_says_so_and_can_be_started_later(tmp_path, serve):
    folder = tmp_path / "images"
    folder.mkdir()
    done = limited(["serve", folder], 100)
    assert done.returncode == 1 and str(folder) in done.stderr
    assert serve(folder).ca.read_text().startswith("-----BEGIN")


@pytest.mark.parametrize("call", ["open", "write", "rename"])
def test_a_server_that_cannot_tell_that_it_is_ready_ends(tmp_path, log, call):
    folder = tmp_path / "images"
    folder.mkdir()
    ready = tmp_path / "ready.port"
    done, failed = run_failing(log, f"{call} {errno.ENOSPC} 1 {ready}", "serve", folder, "--plain", "--ready", ready)
    assert failed and done.returncode == 1 and str(ready) in done.stderr and REASONS[errno.ENOSPC] in done.stderr
    assert not list(tmp_path.glob("ready.port*"))


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EPERM])
def test_a_server_that_could_not_keep_to_its_folder_does_not_start(tmp_path, log, code):
    done, failed = run_failing(log, f"openat2 {code} 1+ .", "serve", tmp_path, "--plain")
    assert failed and done.returncode == 1
    assert str(tmp_path) in done.stderr and "openat2" in done.stderr and os.strerror(code) in done.stderr


# ---- two at once --------------------------------------------------------------------------------------------------------


def test_of_two_supervisors_one_runs_and_the_other_names_it(tmp_path):
    path = tmp_path / "b.flash"
    run("board", "create", path, "--app", BUILD / "examples" / "hello.bin")
    commands = [[UPDRAFT, "board", "run", str(path), "--timeout", "4"] for _ in range(2)]
    both = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
    said = [p.communicate(timeout=30)[1] for p in both]
    loser = min(range(2), key=lambda i: both[i].returncode)
    assert (both[loser].returncode, both[1 - loser].returncode) == (1, 3)
    assert f"{path} is in use by process {both[1 - loser].pid}" in said[loser]
    assert "board: boot" not in said[loser]
