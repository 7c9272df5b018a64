# SPDX-License-Identifier: Apache-2.0
"""Start-up of a host image, seen from the supervisor's end of the socket: the test is the supervisor."""

import fcntl
import os
import signal
import socket
import struct
import subprocess

import pytest

from conftest import BUILD, ROOT, run

HELLO, BOOT, RESTART, PANIC = 1, 2, 3, 4
ESP32C3 = 5
OTA_0 = 0x20000  # of examples/partitions_example.csv
FLASH_SIZE = 4 * 1024 * 1024
POWER_ON, SOFTWARE = 1, 3


def message(kind, body=b"", version=1):
    return (struct.pack("<HH", version, kind) + body).ljust(256, b"\0")


def boot(reason=POWER_ON, running=OTA_0, chip=ESP32C3, slow_us=0, cut_at=0):
    return message(BOOT, struct.pack("<BBBxHHIIIIIII8x", reason, 1, 1, chip, 3, running, 1, FLASH_SIZE, 0x8000, slow_us,
                                     cut_at, 0))


def start(firmware, supervisor=None, flash=None, efuse=None):
    """Execute the ELF of an example; given the three descriptors, hand them over as 3, 4 and 5."""
    given = [supervisor, flash, efuse] if supervisor is not None else []

    def place():  # out of the way first, since one may be where another belongs
        parked = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in given]
        for target, fd in enumerate(parked, 3):
            os.dup2(fd, target)

    sanitizers = {name: "exitcode=86" for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
    return subprocess.Popen([BUILD / "examples" / f"{firmware}.elf"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, pass_fds=(3, 4, 5) if given else (), preexec_fn=place,
                            env={**os.environ, **sanitizers})


def has_leak_check():
    return b"__asan_init" in (BUILD / "examples" / "leaks.elf").read_bytes()


class Board:
    """A board's files and the supervisor's end of the socket."""

    def __init__(self, tmp_path, firmware):
        self.path = tmp_path / "b.flash"
        run("board", "create", self.path, "--table", ROOT / "examples" / "partitions_example.csv",
            "--app", BUILD / "examples" / f"{firmware}.bin")
        self.flash = os.open(self.path, os.O_RDWR)
        self.efuse = os.open(f"{self.path}.efuse", os.O_RDWR)
        self.line, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.line.settimeout(30)
        self.process = start(firmware, child.fileno(), self.flash, self.efuse)
        child.close()

    def hear(self):
        """The kind and text of the next message; (None, "") when the firmware has closed the line."""
        packet = self.line.recv(512)
        if not packet:
            return None, ""
        assert len(packet) == 256
        version, kind = struct.unpack_from("<HH", packet)
        assert version == 1
        return kind, packet[4:132].split(b"\0")[0].decode()

    def read_until(self, text):
        """Lines of standard output up to the one with `text`."""
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if text in line:
                return "".join(lines)
        pytest.fail(f"the firmware ended before it said {text!r}:\n{''.join(lines)}\n{self.process.stderr.read()}")

    def end(self, timeout=30):
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, err

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.line.close()
        os.close(self.flash)
        os.close(self.efuse)


@pytest.fixture
def board(tmp_path):
    boards = []

    def make(firmware="hello"):
        boards.append(Board(tmp_path, firmware))
        return boards[-1]

    yield make
    for b in boards:
        b.close()


def test_without_a_supervisor_it_says_in_a_sentence_where_it_runs():
    process = start("hello")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "runs on a virtual board" in err and "updraft board run" in err
    assert out == ""


def test_it_says_hello_waits_for_boot_and_lives_on_after_app_main(board):
    b = board()
    assert b.hear() == (HELLO, "")
    b.line.send(boot(reason=SOFTWARE))
    log = b.read_until("Returned from app_main()")
    assert "hello version 1.0.0 in ota_0, after a reset (software)" in log
    assert "hello: done" in log
    assert b.process.poll() is None
    b.process.terminate()
    assert b.end()[0] == -signal.SIGTERM


def test_slow_flash_changes_nothing_but_time(board):
    b = board()
    assert b.hear()[0] == HELLO
    b.line.send(boot(slow_us=50))
    assert "in ota_0" in b.read_until("hello: done")


@pytest.mark.parametrize("answer", [
    message(BOOT, version=2), message(HELLO), message(99), b"short", None], ids=[
    "another version", "not a BOOT", "unknown type", "short packet", "closed line"])
def test_it_does_not_start_on_an_answer_that_it_does_not_understand(board, answer):
    b = board()
    assert b.hear()[0] == HELLO
    if answer is None:
        b.line.shutdown(socket.SHUT_RDWR)
    else:
        b.line.send(answer)
    code, out, err = b.end()
    assert code == 2 and "supervisor" in err and "app_main" not in out


@pytest.mark.parametrize("packet, why", [
    (boot(running=0x3F0000), "partition table"), (boot(chip=0x77), "chip")], ids=[
    "no partition there", "unknown chip"])
def test_a_board_that_cannot_be_built_is_a_panic_with_its_reason(board, packet, why):
    b = board()
    assert b.hear()[0] == HELLO
    b.line.send(packet)
    kind, text = b.hear()
    assert kind == PANIC and why in text
    code, _, err = b.end()
    assert code == -signal.SIGABRT and text[:40] in err


def test_a_firmware_that_updates_itself_sends_restart_last_and_ends(board):
    b = board("restarts")
    assert b.hear()[0] == HELLO
    b.line.send(boot())
    assert b.hear() == (RESTART, "")
    code, out, _ = b.end()
    assert code == 0
    assert "restarting" in out and "shutting down" in out  # written out, though the line had no end
    assert b.hear()[0] is None


def test_a_leak_is_reported_before_the_restart(board):
    if not has_leak_check():
        pytest.skip("this build is without AddressSanitizer")
    b = board("leaks")
    assert b.hear()[0] == HELLO
    b.line.send(boot())
    code, _, err = b.end()
    assert code == 86 and "LeakSanitizer" in err
    assert b.hear()[0] is None  # no RESTART
