# SPDX-License-Identifier: Apache-2.0
"""A debugger that follows a board over resets, and the backtrace of a crash."""

import ctypes
import json
import re
import shutil
import signal
import subprocess
import time

import pytest

from conftest import BUILD, ROOT, UPDRAFT, run

EXAMPLES = BUILD / "examples"
TABLE = ROOT / "examples" / "partitions_example.csv"
LONG = 120  # seconds, for a machine with much to do
PTRACE_SEIZE = 0x4206


def may_trace():
    """May one process of ours trace another here? Containers can forbid it."""
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        return ctypes.CDLL(None, use_errno=True).ptrace(PTRACE_SEIZE, sleeper.pid, None, None) == 0
    finally:
        sleeper.kill()
        sleeper.wait()


debugs = pytest.mark.skipif(not shutil.which("gdb") or not may_trace(), reason="no gdb, or this system forbids ptrace")


def has_sanitizers():
    return b"__asan_init" in (EXAMPLES / "hello.elf").read_bytes()


@pytest.fixture
def board(tmp_path):
    """board(firmware, cfg): a board with it, in a folder without any ELF."""

    def make(firmware, cfg=None):
        path, options = tmp_path / "b.flash", []
        if cfg:
            (tmp_path / "cfg.txt").write_text(cfg)
            options = ["--partition", f"cfg={tmp_path / 'cfg.txt'}"]
        run("board", "create", path, "--table", TABLE, "--app", EXAMPLES / f"{firmware}.bin", *options)
        return path

    return make


class Power:
    """`updraft board run`, in the background."""

    def __init__(self, path, *args):
        self.log = open(path.parent / "run.log", "w+")
        self.process = subprocess.Popen([UPDRAFT, "board", "run", str(path), "--timeout", str(LONG), *map(str, args)],
                                        stdout=self.log, stderr=subprocess.STDOUT, cwd=path.parent)

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def read_until(self, text):
        deadline = time.monotonic() + LONG
        while text not in self.output():
            assert self.process.poll() is None and time.monotonic() < deadline, self.output()
            time.sleep(0.02)

    def end(self):
        code = self.process.wait(timeout=LONG)
        return code, self.output()

    def off(self):
        self.process.send_signal(signal.SIGTERM)
        return self.end()


@pytest.fixture
def power():
    started = []

    def start(path, *args):
        started.append(Power(path, *args))
        return started[-1]

    yield start
    for p in started:
        if p.process.poll() is None:
            p.process.kill()
            p.process.wait()
        p.log.close()


def gdb(path, *commands):
    """Run `updraft board gdb` to its end; what it printed."""
    options = [word for command in commands for word in ("-ex", command)]
    done = subprocess.run([UPDRAFT, "board", "gdb", path, "-nx", "-batch", *options], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=LONG)
    return done.stdout


@debugs
def test_a_breakpoint_holds_over_a_reset_and_the_board_goes_on(board, power):
    path = board("restarts")
    p = power(path, "--gdb", "--elf", EXAMPLES, "--until", "back again")
    said = gdb(path, "break app_main", "updraft-continue", "bt 1", "updraft-continue", "bt 1", "updraft-continue")
    assert len(re.findall(r"hit Breakpoint 1, app_main \(\) at .*restarts\.c", said)) == 2, said
    assert "updraft: boot 2, process" in said and "the board is off" in said
    code, out = p.end()
    assert code == 0, out
    assert out.count("a debugger has attached") == 2
    assert "reset (software), boot 2" in out and "back again" in out
    assert not path.with_name("b.flash.gdb").exists()


@debugs
def test_nothing_of_app_main_runs_before_the_debugger_is_there(board, power):
    path = board("hello")
    p = power(path, "--gdb", "--elf", EXAMPLES / "hello.elf", "--until", "hello version")
    p.read_until("waiting for a debugger")
    announced = json.loads(path.with_name("b.flash.gdb").read_text())
    assert announced["supervisor"] == p.process.pid and announced["boot"] == 1
    assert announced["elf"] == str((EXAMPLES / "hello.elf").resolve())
    time.sleep(0.3)
    assert "hello version" not in p.output()
    gdb(path, "updraft-continue")
    code, out = p.end()
    assert code == 0, out


@debugs
def test_symbols_change_with_the_image_that_boots(board, power):
    """An update that crashes and is rolled back: each boot has an app_main of its own, somewhere else."""
    path = board("hello", "abort")
    run("ota", path, EXAMPLES / "crashes.bin")
    p = power(path, "--gdb", "--elf", EXAMPLES, "--until", "hello version")
    said = gdb(path, "break app_main", "updraft-continue", "updraft-continue", "bt", "updraft-continue",
               "updraft-continue")
    places = re.findall(r"hit Breakpoint 1, app_main \(\) at .*/(\w+/\w+\.c)", said)
    assert places == ["firmware/crashes.c", "hello/main.c"], said
    assert "received signal SIGABRT" in said and "innermost" in said
    code, out = p.end()
    assert code == 0 and "reset (panic), boot 2: Aborted" in out, out


@debugs
def test_a_firmware_that_stands_in_the_debugger_is_switched_off(board, power):
    path = board("restarts")
    p = power(path, "--gdb", "--elf", EXAMPLES)
    debugger = subprocess.Popen([UPDRAFT, "board", "gdb", path, "-nx", "-ex", "break app_main", "-ex", "updraft-continue",
                                 "-ex", "echo it stands\\n"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
    try:
        for line in debugger.stdout:
            if "it stands" in line:
                break
        code, out = p.off()
        assert code == 0 and "power off" in out
    finally:
        debugger.kill()
        debugger.communicate()


@debugs
def test_the_commands_for_vs_code_attach_and_stop_at_a_breakpoint(board, power, tmp_path):
    """docs/vscode/launch.json, played as the debug adapter of C/C++ does: over gdb's machine interface."""
    path = board("hello")
    script = tmp_path / "updraft-gdb.py"
    script.write_text(run("board", "gdb", "--print-script").stdout)
    text = (ROOT / "docs" / "vscode" / "launch.json").read_text()
    config = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))["configurations"][0]
    assert config["launchCompleteCommand"] == "exec-continue"
    lines = []
    for command in config["customLaunchSetupCommands"]:
        command = command["text"].replace("${workspaceFolder}/.vscode/updraft-gdb.py", str(script))
        command = command.replace("${workspaceFolder}/b.flash", str(path))
        assert "${" not in command
        lines.append(f"-interpreter-exec console {json.dumps(command)}")
    lines += ["-break-insert app_main", "-exec-continue"]
    p = power(path, "--gdb", "--elf", EXAMPLES)
    debugger = subprocess.Popen(["gdb", "-nx", "-q", "-interpreter=mi"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
    try:
        debugger.stdin.write("\n".join(lines) + "\n")
        debugger.stdin.flush()
        seen = ""
        for line in debugger.stdout:
            seen += line
            assert "^error" not in line, seen
            if "*stopped" in line and "breakpoint-hit" in line:
                assert 'func="app_main"' in line
                break
        else:
            pytest.fail(seen)
    finally:
        debugger.kill()
        debugger.communicate()
    p.off()


def test_waiting_for_a_debugger_ends_with_the_timeout(board):
    path = board("hello")
    done = run("board", "run", path, "--gdb", "--elf", EXAMPLES, "--timeout", 0.5, check=3)
    assert "waiting for a debugger" in done.stderr and f"updraft board gdb {path}" in done.stderr
    assert "no debugger has attached to boot 1" in done.stderr
    assert not path.with_name("b.flash.gdb").exists()


def test_a_folder_where_no_debugger_can_be_told_is_said(board):
    path = board("hello")
    path.with_name("b.flash.gdb").mkdir()
    done = run("board", "run", path, "--gdb", "--timeout", LONG, check=1)
    assert "b.flash.gdb cannot be written" in done.stderr


CALLS = ["innermost", "in_between", "app_main"]


def crash(board, how, *options, cwd=None):
    path = board("crashes", how)
    return run("board", "run", path, "--max-boots", 2, "--until", "back again", "--timeout", LONG, *options, cwd=cwd,
               timeout=LONG + 30)


def test_a_crash_is_told_by_functions_and_lines(board, tmp_path):
    done = crash(board, "abort", "--elf", EXAMPLES, cwd=tmp_path)
    assert re.search(r"^abort\(\) was called at PC 0x[0-9a-f]+$", done.stderr, re.M)
    frames = re.findall(r"^board:   0x[0-9a-f]+: (\w+) at (\S+)", done.stderr, re.M)
    assert [name for name, _ in frames[:3]] == CALLS, done.stderr
    assert all(re.search(r"/crashes\.c:\d+$", where) for _, where in frames[:3])
    source = (ROOT / "tests" / "e2e" / "firmware" / "crashes.c").read_text().splitlines()
    assert "abort();" in source[int(frames[0][1].split(":")[-1]) - 1]
    assert "board: reset (panic), boot 2: Aborted" in done.stderr


def test_without_its_elf_a_crash_is_told_by_addresses(board, tmp_path):
    done = crash(board, "abort", cwd=tmp_path)
    raw = re.search(r"^Backtrace:((?: 0x[0-9a-f]+)+)$", done.stderr, re.M)
    assert raw and f"board:  {raw[1]}\n" in done.stderr, done.stderr
    assert "--elf FILE|FOLDER" in done.stderr and "innermost" not in done.stderr
    named = subprocess.run(["addr2line", "-f", "-e", EXAMPLES / "crashes.elf", *raw[1].split()], capture_output=True,
                           text=True, timeout=60, check=True).stdout.splitlines()
    assert named[0:6:2] == CALLS


def test_another_elf_of_that_name_is_not_taken(board, tmp_path):
    shutil.copy(EXAMPLES / "hello.elf", tmp_path / "crashes.elf")
    done = crash(board, "abort", cwd=tmp_path)
    assert "--elf FILE|FOLDER" in done.stderr


def test_the_elf_is_found_below_the_current_folder(board, tmp_path):
    (tmp_path / "out" / "deep").mkdir(parents=True)
    shutil.copy(EXAMPLES / "crashes.elf", tmp_path / "out" / "deep" / "any.elf")
    assert ": innermost at" in crash(board, "abort", cwd=tmp_path).stderr


@pytest.mark.parametrize("how, first", [("fault", "innermost"), ("overflow", "eat_the_stack")])
def test_faults_and_stack_overflows_are_told_too(board, tmp_path, how, first):
    if has_sanitizers():  # which report them better: the firmware's own report must not be in their way
        path = board("crashes", how)
        done = run("board", "run", path, "--max-boots", 2, "--timeout", LONG, check=4, timeout=LONG + 30)
        assert "AddressSanitizer" in done.stderr or "runtime error: store to null pointer" in done.stderr
        assert "Guru Meditation" not in done.stderr
        return
    done = crash(board, how, "--elf", EXAMPLES, cwd=tmp_path)
    assert "Guru Meditation Error: panic'ed (segmentation fault) at PC 0x" in done.stderr
    assert re.search(rf"^board:   0x[0-9a-f]+: {first} at", done.stderr, re.M)
    assert "board: reset (panic), boot 2: Segmentation fault" in done.stderr


def test_wrong_command_lines_are_said(tmp_path):
    assert "which board" in run("board", "gdb", check=2).stderr
    assert "board comes first" in run("board", "gdb", "-batch", check=2).stderr
    assert "No such file" in run("board", "gdb", tmp_path / "none.flash", check=1).stderr
    assert "No such file" in run("board", "run", "b.flash", "--elf", tmp_path / "none", check=2).stderr


def test_a_gdb_that_is_not_there_is_said(board, monkeypatch):
    monkeypatch.setenv("UPDRAFT_GDB", "no-such-gdb")
    assert "install gdb" in run("board", "gdb", board("hello"), check=1).stderr
