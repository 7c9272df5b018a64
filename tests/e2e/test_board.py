# SPDX-License-Identifier: Apache-2.0
"""`updraft board`: what each verb says and does, on boards that execute and on boards that hold a real chip's images."""

import json
import os
import signal
import subprocess
import time

import pytest

from conftest import BUILD, ROOT, UPDRAFT, run

HELLO = BUILD / "examples" / "hello.bin"
OVERFLOW = BUILD / "examples" / "overflow.bin"
TABLE = ROOT / "examples" / "partitions_example.csv"


@pytest.fixture
def host(tmp_path):
    """A board that executes, with `hello` on it."""
    run("board", "create", tmp_path / "b.flash", "--table", TABLE, "--app", HELLO)
    return tmp_path / "b.flash"


@pytest.fixture
def c3_image(tmp_path):
    """c3_image(version): an image for a real C3, of 40 KB."""
    payload = tmp_path / "payload"
    payload.write_bytes(bytes(range(256)) * 160)

    def make(version):
        out = tmp_path / f"c3-{version}.bin"
        run("image", "create", "--raw", payload, "--chip", "esp32c3", "--project", "lamp", "--version", version,
            "--out", out)
        return out

    return make


@pytest.fixture
def c3(tmp_path, c3_image):
    """A board that executes nothing, whose boot loader rolls back."""
    run("board", "create", tmp_path / "c3.flash", "--app", c3_image("1.0.0"), "--rollback")
    return tmp_path / "c3.flash"


def look(verb, board):
    return json.loads(run("board", verb, board, "--json").stdout)


def slot(board, label):
    return next(p for p in look("map", board)["partitions"] if p["label"] == label)


def test_a_new_board_boots_its_app_and_says_why(host):
    done = run("board", "run", host, "--until", "hello version 1.0.0", "--timeout", 20)
    assert "board: reset (power-on), boot 1" in done.stderr
    assert "board: booting ota_0 (hello 1.0.0)" in done.stderr
    assert "hello version 1.0.0" in done.stdout and "board:" not in done.stdout
    assert look("map", host)["boots_next"] == "ota_0"
    assert slot(host, "ota_0")["state"] == "VALID"
    why = run("board", "why", host).stdout
    assert "entry 0  seq 1 names ota_0, VALID, CRC correct: usable" in why
    assert "So ota_0 (hello 1.0.0) boots." in why


def test_quiet_leaves_only_what_the_firmware_says(host):
    assert run("board", "run", host, "--until", "done", "--timeout", 20, "--quiet").stderr == ""


def test_log_lines_are_coloured_on_a_terminal_only(host):
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        power = subprocess.Popen([UPDRAFT, "board", "run", str(host), "--timeout", "20"], stdout=theirs,
                                 stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        os.close(theirs)
        shown = b""
        while b"hello: done" not in shown:
            shown += terminal.read(4096)
        power.send_signal(signal.SIGTERM)
        power.communicate(timeout=20)
    assert b"\033[0;32mI (" in shown and b"\033[0m" in shown
    assert "\033" not in run("board", "run", host, "--until", "hello: done", "--timeout", 20).stdout


@pytest.mark.parametrize("options", [["--timeout", "0.3"], ["--until", "never said", "--timeout", "0.3"]])
def test_time_that_runs_out_is_exit_3(host, options):
    assert "0.3 seconds have passed" in run("board", "run", host, *options, check=3).stderr


def test_a_sanitizer_report_is_exit_4_and_no_reset(tmp_path):
    board = tmp_path / "o.flash"
    run("board", "create", board, "--table", TABLE, "--app", OVERFLOW)
    done = run("board", "run", board, "--timeout", 30, "--max-boots", 3, check=None)
    if "AddressSanitizer" not in done.stderr:
        pytest.skip("this build has no sanitizers")
    assert done.returncode == 4
    assert "heap-buffer-overflow" in done.stderr and "defect" in done.stderr
    assert "boot 2" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_running_board_is_shown_locked_and_switched_off_by_a_signal(host, number):
    power = subprocess.Popen([UPDRAFT, "board", "run", str(host)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
    try:
        deadline = time.monotonic() + 20
        while look("map", host)["runs_now"] != "ota_0":
            assert time.monotonic() < deadline and power.poll() is None
        assert look("info", host)["pid"] == power.pid
        verb = "boot" if number == signal.SIGINT else "run"
        assert f"in use by process {power.pid}" in run("board", verb, host, check=1).stderr
        text = run("board", "map", host).stdout
        assert f"runs now: ota_0 (process {power.pid})" in text
    finally:
        power.send_signal(number)
        out, err = power.communicate(timeout=20)
    assert power.returncode == 0 and "board: power off" in err
    assert look("map", host)["running"] is False


def test_a_board_that_executes_nothing_is_booted_and_spoken_for(c3, c3_image):
    assert "updraft board boot" in run("board", "run", c3, check=1).stderr
    run("board", "boot", c3)
    run("ota", c3, c3_image("2.0.0"))
    assert slot(c3, "ota_1")["state"] == "NEW"
    assert "has not been booted yet" in run("board", "confirm", c3, check=1).stderr
    booted = look("boot", c3)
    assert (booted["slot"], booted["version"]) == ("ota_1", "2.0.0")
    assert booted["written"] == [{"entry": 1, "seq": 2, "state": "PENDING_VERIFY", "ok": True}]
    assert "ota_1 (lamp 2.0.0) is now VALID" in run("board", "confirm", c3).stdout
    assert slot(c3, "ota_1")["state"] == "VALID"


def test_an_update_that_is_not_confirmed_goes_back_at_the_next_boot(c3, c3_image):
    run("board", "boot", c3)
    run("ota", c3, c3_image("2.0.0"))
    run("board", "boot", c3)
    rules = [r["rule"] for r in look("why", c3)["rules"]]
    assert rules == ["pending_aborted", "active"]
    assert look("map", c3)["boots_next"] == "ota_0"
    assert slot(c3, "ota_1")["state"] == "PENDING_VERIFY", "asking changes nothing"
    assert look("boot", c3)["slot"] == "ota_0"
    assert slot(c3, "ota_1")["state"] == "ABORTED"


def test_a_rejected_update_goes_back(c3, c3_image):
    run("board", "boot", c3)
    run("ota", c3, c3_image("2.0.0"))
    run("board", "boot", c3)
    assert "is now INVALID" in run("board", "reject", c3).stdout
    assert look("boot", c3)["slot"] == "ota_0"
    assert "no other slot" in run("board", "reject", c3, check=1).stderr


def test_a_damaged_slot_is_refused_by_name(c3):
    with open(c3, "r+b") as flash:
        flash.seek(0x20000 + 5000)
        flash.write(b"\x55\xAA")
    shown = slot(c3, "ota_0")
    assert shown["image"] == "refused" and shown["problem"] and shown["version"] == "1.0.0"
    first, second = look("why", c3)["candidates"]
    assert (first["verdict"], second["verdict"]) == ("refused", "refused")
    assert second["problem"] == "empty"
    assert "nothing boots" in run("board", "map", c3).stdout
    assert "nothing that can boot" in run("board", "boot", c3, check=1).stderr


def test_the_map_fits_the_terminal_and_the_locale(host):
    for columns in (40, 60, 80, 130):
        env = {**os.environ, "COLUMNS": str(columns), "LC_ALL": "C.UTF-8"}
        lines = run("board", "map", host, env=env).stdout.splitlines()
        table = lines[2:lines.index("", 5)]  # between the line above and the sentence below, which may be longer
        assert table and all(len(line) <= columns for line in table), columns
    plain = run("board", "map", host, env={**os.environ, "LC_ALL": "C"}).stdout
    assert plain.isascii() and "\x1b" not in plain


def test_an_image_cannot_move_the_terminals_cursor(tmp_path):
    payload = tmp_path / "payload"
    payload.write_bytes(bytes(4096))
    run("image", "create", "--raw", payload, "--chip", "esp32c3", "--project", "\x1b[2J", "--version", "1\n2",
        "--out", tmp_path / "a.bin")
    run("board", "create", tmp_path / "c3.flash", "--app", tmp_path / "a.bin")
    for verb in ("map", "why", "boot"):
        out = run("board", verb, tmp_path / "c3.flash").stdout
        assert "\x1b" not in out and "1?2" in out


@pytest.mark.parametrize("options,says", [
    (["--chip", "z80"], "--chip 'z80'"),
    (["--revision", "three"], "--revision 'three'"),
    (["--flash-size", "big"], "--flash-size 'big'"),
    (["--runs", "wild"], "--runs 'wild'"),
    (["--partition", "cfg"], "is not LABEL=FILE"),
])
def test_a_wrong_command_line_is_exit_2(tmp_path, options, says):
    assert says in run("board", "create", tmp_path / "b.flash", *options, check=2).stderr
    assert not list(tmp_path.iterdir())


def test_create_refuses_what_would_not_work(tmp_path, c3_image):
    board = tmp_path / "b.flash"
    c3_app = c3_image("1.0.0")
    assert "use --chip esp32c3" in run("board", "create", board, "--chip", "esp32s3", "--app", c3_app, check=1).stderr
    assert "--runs host" in run("board", "create", board, "--app", HELLO, "--runs", "none", check=1).stderr
    assert "--runs none" in run("board", "create", board, "--app", c3_app, "--runs", "host", check=1).stderr
    run("board", "create", board, "--flash-size", "1MB", "--table", "two_ota_large", check=1)
    assert not list(tmp_path.glob("b.flash*"))
    run("board", "create", board)
    assert "exists already" in run("board", "create", board, check=1).stderr
    run("board", "create", board, "--force")


def test_content_goes_into_partitions(host, tmp_path):
    text = tmp_path / "cfg.txt"
    text.write_text("https://example.com/")
    run("board", "set-partition", host, "cfg", text)
    assert b"https://example.com/\xff" in host.read_bytes()
    assert "no partition 'nope'" in run("board", "set-partition", host, "nope", text, check=1).stderr
