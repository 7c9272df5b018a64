# SPDX-License-Identifier: Apache-2.0
"""Suites that are written for hardware with pytest-embedded, on virtual boards.

    pytest --embedded-services esp,idf --updraft

pytest-embedded creates whatever class its package `idf` has for a serial port and for an app; with --updraft these are
BoardSerial, whose port is the console of a board, and BoardApp, which needs no ESP-IDF to read a partition table. `dut`
stays pytest-embedded's own: expect() and its log files are the same. plugin.py registers this module when --updraft is
given; nothing here is imported without.

A board lasts as long as its `dut`: each test begins with a chip that was erased and flashed with the app.
"""

import contextlib
import json
import logging
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

import pytest
import pytest_embedded_idf
from pytest_embedded_idf.app import IdfApp
from pytest_embedded_idf.serial import IdfSerial

from .tool import CommandFailed, CommandNotFound, Updraft, end_process

NOT_OFFERED = {
    "jtag": "dut.gdb and dut.openocd; 'updraft board gdb' debugs a board",
    "qemu": "the board takes QEMU's place",
    "espemu": "the board takes the emulator's place",
    "wokwi": "the board takes the simulator's place",
    "arduino": "boards run ESP-IDF's applications",
    "nuttx": "boards run ESP-IDF's applications",
}


class NotOnABoard(AssertionError):
    """The suite asks for something that a virtual board does not have."""


class NoSuchThing:
    """Stands where hardware has something that a board has not; any use says so."""

    def __init__(self, what, instead):
        object.__setattr__(self, "_said", f"{what} is not there on a virtual board; {instead}")

    def __getattr__(self, name):
        raise NotOnABoard(f"{self._said} (the suite used .{name})")

    def __setattr__(self, name, value):
        raise NotOnABoard(f"{self._said} (the suite set .{name})")


class BoardApp(IdfApp):
    """What a build folder holds."""

    updraft = None  # the command; set by the session

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.binary_path:
            raise ValueError(f"{self.app_path} has no build folder; build the project first (updraft idf build), or "
                             "name the folder with --build-dir")

    def part(self, name):
        """The file of one part of flasher_args.json ("app", "partition-table", ...), or None."""
        entry = self.flash_args.get(name) or self.flash_args.get(name.replace("-", "_"))
        return os.path.join(self.binary_path, entry["file"]) if entry else None

    def _get_bin_file(self):
        """The app's, where pytest-embedded takes any of the folder: ota_data_initial.bin lies there as well."""
        found = [f for f in sorted(os.listdir(self.binary_path)) if f.endswith(".bin")]
        elf = os.path.splitext(os.path.basename(self.elf_file))[0] + ".bin" if self.elf_file else None
        name = elf if elf in found else next((f for f in found if f != "ota_data_initial.bin"), None)
        return os.path.realpath(os.path.join(self.binary_path, name)) if name else None

    @property
    def partition_table(self):
        if self._partition_table is None:
            table = self.part("partition-table")
            rows = json.loads(self.updraft("partition", "show", table, "--json"))["partitions"] if table else []
            self._partition_table = {
                row["label"]: {"type": row["type"], "subtype": row["subtype"], "offset": row["address"],
                               "size": row["size"], "flags": ":".join(f for f in ("encrypted", "readonly") if row[f])}
                for row in rows}
        return self._partition_table


class BoardConsole:
    """What pytest-embedded takes for a port: bytes written here are the console's input."""

    def __init__(self):
        self._process = None

    def connect(self, process):
        self._process = process

    def write(self, data):
        if self._process is None or self._process.poll() is not None:
            raise NotOnABoard(f"{data!r} cannot be typed: the board is off. Its console says why it went off")
        self._process.stdin.write(data)
        self._process.stdin.flush()
        return len(data)

    def flush(self):
        pass

    def close(self):
        self._process = None


class BoardSerial(IdfSerial):
    """A virtual board in place of a port. Of pytest-embedded's arguments those that speak of a cable (port, baud, ...)
    are accepted and mean nothing; `target` must be the app's chip."""

    updraft = None  # the command; set by the session, before the first board
    run_options = ()
    time_limit = 600  # seconds after which a board goes off by itself, whatever happens to the test

    def __init__(self, msg_queue, app, target=None, meta=None, skip_autoflash=False, stop_after_init=False, baud=None,
                 **cable):
        self.app, self.baud = app, baud
        self.target = target if target and target != "auto" else app.target
        self.skip_autoflash = skip_autoflash
        self.erase_nvs = cable.get("erase_nvs", False)
        self.erase_all = cable.get("erase_all", False)
        self._q, self._meta = msg_queue, meta
        self._process = self._reader = None
        if self.target != app.target:
            raise ValueError(f"Targets do not match. App target: {app.target}, Cmd target: {target}.")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="board-", dir=meta.logdir if meta else None))
        self.flash_file = self.folder / "board.flash"
        self.port = str(self.flash_file)
        self.proc = BoardConsole()
        self.esp = NoSuchThing("esptool's connection (dut.serial.esp)", "dut.serial has flash(), erase_flash(), "
                               "erase_partition(), dump_flash() and hard_reset()")
        try:
            self._create(app)
            if skip_autoflash:
                self._erase()
            if not stop_after_init:
                self._power_on()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    # ---- power -----------------------------------------------------------------------------------------------------

    def _power_on(self):
        command = [self.updraft.path, "board", "run", self.flash_file, "--timeout", self.time_limit, *self.run_options]
        if self.app.elf_file:
            command += ["--elf", self.app.elf_file]
        self._process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT)
        self.proc.connect(self._process)
        self._reader = threading.Thread(target=self._forward, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _forward(self, output):
        while data := output.read1(65536):
            self._q.put(data)

    def _power_off(self):
        """Whether the board was on."""
        process, self._process = self._process, None
        if process is None:
            return False
        end_process(process)
        self._reader.join(10)
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):  # input that nobody has read
            process.stdin.close()
        return True

    def hard_reset(self):
        """What the reset pin does, at whatever moment this is: the next boot's reset reason is "power-on"."""
        self._power_off()
        self._power_on()

    @contextlib.contextmanager
    def disable_redirect_thread(self, kill_port=False):
        """The board is off inside, as a chip is held in reset while esptool has its port; then it boots."""
        was_on = self._power_off()
        try:
            yield was_on
        finally:
            if was_on:
                self._power_on()

    def start_redirect_thread(self):
        if self._process is None:
            self._power_on()

    def stop_redirect_thread(self):
        return self._power_off()

    def close(self):
        self._power_off()
        self.proc.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- flash -----------------------------------------------------------------------------------------------------

    def _board(self, *args):
        return self.updraft("board", *args)

    def _create(self, app):
        """What an erased chip is after flashing: the project's own settings are the board's."""
        self._board("create", self.flash_file, "--project", app.app_path, "--build-dir", app.binary_path, "--no-build")

    def _write(self, app):
        if self.erase_nvs and self._has_partition("nvs"):
            self._board("erase", self.flash_file, "nvs")
        for file in app.flash_files:
            if file.encrypted:
                raise NotOnABoard(f"{file.file_path} is to be flashed encrypted; boards have no flash encryption")
            logging.info("writing %s at 0x%x", file.file_path, file.offset)
            self._board("write", self.flash_file, hex(file.offset), file.file_path)

    def _erase(self):
        self._board("erase", self.flash_file, f"0:{self.flash_file.stat().st_size}")

    def _has_partition(self, label):
        return any(p["label"] == label for p in self.board_map()["partitions"])

    def flash(self, app=None):
        """Write the files of a build, as `idf.py flash` does: what they do not touch stays. Then the board boots."""
        with self.disable_redirect_thread() as was_on:
            self._write(app or self.app)
        if not was_on:
            self._power_on()

    def erase_flash(self, force=False):
        """Every byte FF. The board boots, and finds nothing until flash()."""
        with self.disable_redirect_thread():
            self._erase()

    def erase_partition(self, partition_name):
        with self.disable_redirect_thread():
            try:
                self._board("erase", self.flash_file, partition_name)
            except CommandFailed as failed:
                raise ValueError(failed.stderr.strip()) from failed

    def write_flash(self, address, path):
        """Write a file at an address of the flash (a multiple of 4 KB); the sectors that it touches are erased."""
        with self.disable_redirect_thread():
            self._board("write", self.flash_file, address if isinstance(address, str) else hex(address), path)

    def dump_flash(self, partition=None, address=None, size=None, output=None):
        """The bytes of a partition, or `size` bytes at `address`; into the file `output` if there is one."""
        if not partition and (address is None or not size):
            raise ValueError('You must specify "partition" or ("address" and "size") to dump flash')
        with tempfile.TemporaryDirectory() as folder:
            dump = pathlib.Path(folder) / "dump"
            self._board("read", self.flash_file, partition or f"{address}:{size}", "--out", dump)
            content = dump.read_bytes()
        if output is None:
            return content
        if hasattr(output, "write"):
            output.write(content)
        else:
            pathlib.Path(output).write_bytes(content)
        return None

    def read_flash_elf_sha256(self):
        offset = next((f.offset for f in self.app.flash_files if f.file_path == self.app.bin_file), None)
        if offset is None:
            raise ValueError(f"{self.app.bin_file} is not among the flash files of {self.app.binary_path}")
        return self.dump_flash(address=offset + self.DEFAULT_SHA256_OFFSET, size=32)

    def load_ram(self):
        raise NotOnABoard("an application for RAM only (APP_BUILD_TYPE_RAM) cannot be loaded: boards boot from flash")

    # ---- what the board knows -----------------------------------------------------------------------------------------

    def board_map(self):
        """What is in flash, as `updraft board map --json` has it."""
        return json.loads(self._board("map", self.flash_file, "--json"))

    def board_why(self):
        """The rules by which the next slot is chosen, in words."""
        return self._board("why", self.flash_file)


def pytest_sessionstart(session):
    services = session.config.getoption("--embedded-services") or ""
    if services and not {"esp", "idf"} <= {s.strip() for s in services.split("|")[0].split(",")}:
        raise pytest.UsageError(f"--updraft runs suites of --embedded-services esp,idf, not of {services}")
    try:
        BoardSerial.updraft = Updraft()
    except CommandNotFound as error:
        raise pytest.UsageError(f"pytest-updraft: {error}") from error
    BoardApp.updraft = BoardSerial.updraft
    pytest_embedded_idf.IdfApp, pytest_embedded_idf.IdfSerial = BoardApp, BoardSerial


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Services that a board does not have are told before pytest-embedded looks for their packages and programs."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    wanted = params.get("embedded_services") or item.config.getoption("--embedded-services") or ""
    for service in NOT_OFFERED.keys() & {s.strip() for s in re.split("[,|]", wanted)}:
        pytest.fail(f"--updraft: the service '{service}' is not offered on virtual boards: {NOT_OFFERED[service]}",
                    pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """The report of a failed test says what its boards would boot next, and why."""
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    found = item.funcargs.get("serial")
    for serial in found if isinstance(found, (list, tuple)) else [found]:
        if isinstance(serial, BoardSerial):
            try:
                report.sections.append((f"updraft board why {serial.flash_file.name}", serial.board_why()))
            except CommandFailed as failed:  # exit 1: nothing can be booted, which is what the reader must know
                report.sections.append((f"updraft board why {serial.flash_file.name}", failed.stdout or failed.stderr))
