# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin under python/: boards and their consoles, and what it says when something is wrong."""

import os
import re
import subprocess
import sys
import threading
import time

import pytest

from conftest import BUILD, ROOT, UPDRAFT

sys.path.insert(0, str(ROOT / "python"))
from pytest_updraft import (Board, BoardDefect, BoardEnded, CommandFailed, ExpectTimeout,  # noqa: E402
                            UpdateRefused, Updraft)
from pytest_updraft.board import Console  # noqa: E402

EXAMPLES = BUILD / "examples"
TABLE = ROOT / "examples" / "partitions_example.csv"


@pytest.fixture
def make(tmp_path):
    """make(example, ...): a board that holds it."""
    made = []

    def create(example, **kwargs):
        board = Board.create(Updraft(UPDRAFT), tmp_path / f"b{len(made)}.flash", EXAMPLES / f"{example}.bin",
                             table=TABLE, **kwargs)
        made.append(board)
        return board

    yield create
    for board in made:
        board.stop()


# ---- the console -----------------------------------------------------------------------------------------------------


class Wire:
    """Stands for `updraft board run`, the test being what prints."""

    def __init__(self):
        read, self._write = os.pipe()
        self.stdout = os.fdopen(read, "rb")
        self.code = None

    def say(self, data):
        os.write(self._write, data)

    def end(self, code):
        self.code = code
        os.close(self._write)

    def poll(self):
        return self.code

    wait = poll


@pytest.fixture
def wired(tmp_path):
    board, wire = Board(Updraft(UPDRAFT), tmp_path / "none.flash"), Wire()
    board._console = Console(wire)
    yield board, wire
    if wire.code is None:
        wire.end(0)
    board._console.join(10)


def test_a_match_takes_the_whole_line_however_it_arrives(wired, monkeypatch):
    board, wire = wired
    monkeypatch.setattr("pytest_updraft.board.PAUSE", 30)
    later = threading.Timer(0.05, wire.say, [b"2.3\r\nmore"])
    wire.say(b"version 1.")
    later.start()
    assert board.expect(r"version (\S+)")[1] == "1.2.3"
    later.join()


def test_a_prompt_without_an_end_of_line_is_found(wired):
    board, wire = wired
    wire.say(b"ssid and password: ")
    assert board.expect("password: $")


def test_a_match_begins_behind_the_one_before(wired):
    board, wire = wired
    wire.say(b"a1\na2\na3\n")
    assert [board.expect(r"^a(\d)$")[1] for _ in range(3)] == ["1", "2", "3"]
    with pytest.raises(ExpectTimeout):
        board.expect("a", timeout=0.05)


def test_of_several_patterns_the_first_in_the_output_counts_or_all(wired):
    board, wire = wired
    wire.say(b"one\ntwo\nthree (3)\n")
    assert board.expect(["two", "one"])[0] == "one"
    assert [m[0] for m in board.expect(["three", "two"], expect_all=True)] == ["three", "two"]
    assert board.expect_exact(" (3)")
    with pytest.raises(ExpectTimeout, match="'one', 'four'"):
        board.expect(["one", "four"], timeout=0.05)


def test_patterns_may_be_bytes_or_compiled(wired):
    board, wire = wired
    wire.say(b"one\ntwo\nTHREE\nfour (4)\n")
    assert board.expect(b"^one$")[0] == "one"
    assert board.expect(re.compile(rb"T(w)o", re.IGNORECASE))[1] == "w"
    assert board.expect(re.compile("three", re.IGNORECASE))
    assert board.expect_exact(b"(4)")


def test_broken_and_cut_utf8_does_no_harm(wired):
    board, wire = wired
    wire.say("Grüße".encode()[:3])
    wire.say("Grüße".encode()[3:] + b" \xff\n")
    assert board.expect("Grüße .$")


def test_a_timeout_shows_what_was_waited_for_and_the_last_lines(wired):
    board, wire = wired
    wire.say(b"".join(b"line %d\n" % i for i in range(100)))
    board.expect("line 99")
    begin = time.monotonic()
    with pytest.raises(ExpectTimeout) as error:
        board.expect("up to date", timeout=0.3)
    assert time.monotonic() - begin < 5
    text = str(error.value)
    assert text.startswith("'up to date' did not come within 0.3 s; the last 30 of 100 lines:\n  | line 70\n")
    assert text.endswith("  | line 99")


@pytest.mark.parametrize("code,words", [(1, "nothing can be booted"), (3, "its time ran out"), (-9, "it was killed")])
def test_a_board_that_has_ended_is_not_waited_for(wired, code, words):
    board, wire = wired
    wire.say(b"last words")
    wire.end(code)
    assert board.expect("last words")
    with pytest.raises(BoardEnded, match=f"(?s)'more' can not come.*{words}.*last words"):
        board.expect("more", timeout=60)


# ---- boards ----------------------------------------------------------------------------------------------------------


def test_reset_reasons_follow_what_was_matched(make):
    board = make("restarts").run()
    assert board.reset_reason == "power-on"
    board.expect("shutting down")
    assert board.reset_reason == "power-on"
    board.expect("back again")
    assert board.reset_reason == "software"


def test_an_update_that_panics_is_rolled_back(make):
    board = make("advanced_ota_1.0.0")
    done = board.update(EXAMPLES / "advanced_ota_3.0.0.bin")
    assert (done["version"], done["boots_next"]) == ("3.0.0", "ota_1")
    board.expect("crashes before it confirms")
    board.expect(r"version 1\.0\.0 in ota_0")
    assert board.reset_reason == "panic"
    assert board.boots_next["version"] == "1.0.0" and "ABORTED" in board.why()


def test_an_update_switches_a_running_board_off_and_on(make):
    board = make("advanced_ota_1.0.0").run()
    board.expect("idle")
    board.update(EXAMPLES / "advanced_ota_2.0.0.bin")
    board.expect("confirmed")
    assert "version 1.0.0" not in board.output


def test_a_refused_update_says_why_and_leaves_a_running_board_running(make, tmp_path):
    damaged = bytearray((EXAMPLES / "advanced_ota_2.0.0.bin").read_bytes())
    damaged[5000] ^= 1
    (tmp_path / "damaged.bin").write_bytes(damaged)
    board = make("advanced_ota_1.0.0").run()
    with pytest.raises(UpdateRefused, match="updraft: "):
        board.update(tmp_path / "damaged.bin")
    board.expect(r"version 1\.0\.0 in ota_0")


def test_partitions_are_written_and_erased_while_the_board_is_off(make):
    board = make("obeys_y", partitions={"cfg": "power-on=stay"}).run()
    with pytest.raises(RuntimeError, match="stop.. it before its partitions"):
        board.erase_partition("cfg")
    board.expect("at rest")
    board.stop()
    board.write_partition("cfg", "power-on=crash")
    board.run()
    board.expect("board: reset .panic., boot 2")
    board.stop()
    board.erase_partition("ota_0")
    board.run()
    with pytest.raises(BoardEnded, match="nothing can be booted"):
        board.expect("at rest")


def test_a_hard_reset_is_a_power_on(make):
    board = make("obeys_y", partitions={"cfg": "power-on=stay"}).run()
    board.expect("at rest")
    board.hard_reset().expect("at rest")
    assert board.reset_reason == "power-on" and board.output.count("at rest") == 1


def test_the_power_goes_off_by_itself_after_the_longest_time(make):
    board = make("obeys_y", partitions={"cfg": "power-on=stay"}).run(timeout=1)
    with pytest.raises(BoardEnded, match="its time ran out"):
        board.expect("never")


def test_stop_ends_the_firmware_and_may_be_repeated(make):
    board = make("hello").run()
    board.expect("hello, 1")
    board.stop()
    board.stop()
    assert not board.running and board.map()["running"] is False


def test_wrong_uses_are_said(make):
    board = make("hello")
    with pytest.raises(RuntimeError, match="never switched on"):
        board.expect("hello")
    board.run()
    with pytest.raises(RuntimeError, match="runs already"):
        board.run()
    board.stop()
    with pytest.raises(CommandFailed, match="none"):
        board.write_partition("none", b"")


def test_a_sanitizers_report_is_told_once_by_whatever_comes_first(make):
    if b"__asan_init" not in (EXAMPLES / "overflow.elf").read_bytes():
        pytest.skip("built without sanitizers")
    board = make("overflow").run()
    with pytest.raises(BoardDefect, match="(?s)sanitizer reported a defect.*heap-buffer-overflow"):
        board.expect("never")
    board.stop()


# ---- under pytest ----------------------------------------------------------------------------------------------------


@pytest.fixture
def suite(tmp_path):
    """suite(tests, options..., env): run a file of tests with the plugin; (exit code, what pytest said)."""
    def run(text, *options, **env):
        (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
        (tmp_path / "test_it.py").write_text("import pytest\n" + text)
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "UPDRAFT": UPDRAFT, **env}
        environment = {k: v for k, v in environment.items() if v is not None}
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "pytest_updraft.plugin", "-p", "no:cacheprovider",
                               "-p", "no:pytest_embedded",
                               "-p", "no:timeout", "-rA", *map(str, options), "test_it.py"], cwd=tmp_path,
                              env=environment, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr
    return run


HELLO = "def test(board):\n    board.run().expect('hello: done')\n"


def test_without_the_command_it_says_how_to_get_one(suite):
    code, said = suite(HELLO, UPDRAFT=None, PATH="/usr/bin:/bin")
    assert code == 1 and "'updraft' was not found: it is not on PATH, and UPDRAFT is not set" in said
    assert "make install" in said and "Traceback" not in said


def test_a_wrong_updraft_variable_is_named(suite):
    code, said = suite(HELLO, UPDRAFT="/nowhere/updraft")
    assert code == 1 and "UPDRAFT=/nowhere/updraft, but that is no program that can be run" in said


def test_a_board_without_firmware_says_where_to_name_it(suite):
    code, said = suite(HELLO)
    assert code == 1 and "which firmware should the board run?" in said and "--updraft-app" in said


@pytest.mark.parametrize("how", ["mark", "option", "ini", "environment"])
def test_firmware_is_named_by_mark_option_or_ini_and_found_in_the_build_folder(suite, how):
    if how == "mark":
        code, said = suite(f"@pytest.mark.board(app='{EXAMPLES}/hello.bin', table='two_ota_large')\n{HELLO}")
    elif how == "option":
        code, said = suite(HELLO, "--updraft-app", "hello.bin", "--updraft-build-dir", EXAMPLES)
    elif how == "ini":
        code, said = suite(HELLO, "-o", "updraft_app=hello.bin", "-o", f"updraft_build_dir={EXAMPLES}")
    else:
        code, said = suite("@pytest.mark.board(app='hello.bin')\n" + HELLO, UPDRAFT_BUILD_DIR=str(EXAMPLES))
    assert code == 0 and "1 passed" in said, said


def test_a_missing_image_says_where_was_looked(suite):
    code, said = suite(HELLO, "--updraft-app", "gone.bin")
    assert code == 1 and "there is no gone.bin: looked for" in said and "--updraft-build-dir names" in said


def test_a_wrong_table_shows_what_the_command_said(suite):
    code, said = suite(f"@pytest.mark.board(app='{EXAMPLES}/hello.bin', chip='esp33')\n{HELLO}")
    assert code == 1 and "esp33" in said and "ended with" in said


def test_a_failed_test_shows_the_console_of_its_boards(suite):
    code, said = suite("def test(board):\n    board.run().expect('hello, 2')\n    assert 1 == 2\n",
                       "--updraft-app", EXAMPLES / "hello.bin")
    assert code == 1 and "console of board.flash" in said
    assert re.search(r"\| I \(\d+\) hello: hello, 1", said)


def test_a_timeout_of_expect_shows_the_last_lines_in_the_report(suite):
    code, said = suite("def test(board):\n    board.run().expect('hello: done')\n"
                       "    board.expect('never said', timeout=0.5)\n", "--updraft-app", EXAMPLES / "hello.bin")
    assert code == 1 and "'never said' did not come within 0.5 s; all lines:" in said


def test_a_defect_fails_a_test_that_did_not_look(suite):
    if b"__asan_init" not in (EXAMPLES / "overflow.elf").read_bytes():
        pytest.skip("built without sanitizers")
    code, said = suite("def test(board):\n    board.run()\n    board._console.process.wait(60)\n",
                       "--updraft-app", EXAMPLES / "overflow.bin")
    assert code == 1 and "1 error" in said and "a sanitizer reported a defect" in said


def test_servers_take_options_and_share_one_authority(suite):
    code, said = suite("""
from pytest_updraft import UpdateRefused

@pytest.mark.ota_server("--rate", "64M")
def test_one(board, ota_server):
    assert board.update(ota_server.offer("advanced_ota_2.0.0.bin", name="sub/fw.bin"))["result"] == "updated"
    board.expect("confirmed")
    assert "/sub/fw.bin" in ota_server.log
    test_one.ca = ota_server.ca.read_text()

def test_two(board, ota_server):
    assert ota_server.ca.read_text() == test_one.ca
    with pytest.raises(UpdateRefused, match="404"):
        board.update(ota_server.url("none.bin"))

@pytest.mark.ota_server("--bogus")
def test_three(ota_server):
    pass

@pytest.mark.ota_server("--plain")
def test_four(board, ota_server):
    url = ota_server.offer("advanced_ota_2.0.0.bin")
    assert url.startswith("http://")
    with pytest.raises(UpdateRefused):
        board.update(url)
    board.update(url, options=["--allow-http"])

def test_several_boards(make_board, ota_server):
    first, second = make_board("hello.bin"), make_board("advanced_ota_1.0.0.bin")
    second.run()
    first.run().expect("hello: done")
    second.expect("idle")
    assert first.flash != second.flash
""", "--updraft-app", "advanced_ota_1.0.0.bin", "--updraft-table", TABLE, "--updraft-build-dir", EXAMPLES)
    assert code == 1 and "4 passed, 1 error" in said, said
    assert "the server did not come up" in said and "bogus" in said
