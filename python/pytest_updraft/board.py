# SPDX-License-Identifier: Apache-2.0
"""A virtual board in a test: switched on and off, updated, and its console waited upon.

The console is all that `updraft board run` prints, the firmware's lines and the board's ("board: ...") in one order.
expect() reads it like a script: each match begins behind the one before.
"""

import codecs
import json
import pathlib
import re
import subprocess
import tempfile
import threading
import time

from .tool import CommandFailed, end_process

LAST_LINES = 30
PAUSE = 0.2  # seconds without news after which a line counts as it is
RESET = re.compile(r"board: reset \(([^)]+)\), boot (\d+)")
# Exit codes of `updraft board run`.
ENDS = {0: "the power was switched off", 1: "nothing can be booted, or the board could not be run",
        2: "its command line was wrong", 3: "its time ran out",
        4: "a sanitizer reported a defect of the firmware"}
DEFECT = 4


class ExpectTimeout(AssertionError):
    """What expect() waited for did not come in time."""


class BoardEnded(AssertionError):
    """What expect() waits for cannot come any more: the board has ended."""


class BoardDefect(BoardEnded):
    """The board was stopped because a sanitizer reported a defect of the firmware."""


class UpdateRefused(AssertionError):
    """`updraft ota` refused an update, or it failed; the board boots what it booted before."""


def last_lines(text, count=LAST_LINES):
    lines = text.splitlines()
    if not lines:
        return "the board has printed nothing"
    head = f"the last {count} of {len(lines)} lines:" if len(lines) > count else "all lines:"
    return "\n".join([head, *("  | " + line for line in lines[-count:])])


def as_regex(pattern):
    """Of text; suites for hardware, whose consoles are bytes, may have theirs in bytes."""
    flags = re.MULTILINE
    if isinstance(pattern, re.Pattern):
        if isinstance(pattern.pattern, str):
            return pattern
        pattern, flags = pattern.pattern, pattern.flags
    return re.compile(pattern.decode() if isinstance(pattern, bytes) else pattern, flags)


class Console:
    """What a process prints, collected by a thread."""

    def __init__(self, process):
        self.process = process
        self.text = ""
        self.ended = False
        self.changed = threading.Condition()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        data = b"..."
        while data:
            data = self.process.stdout.read1(65536)
            with self.changed:
                self.text += decoder.decode(data, final=not data).replace("\r\n", "\n")
                self.ended = not data
                self.changed.notify_all()

    def join(self, timeout):
        self._thread.join(timeout)
        if not self._thread.is_alive():
            self.process.stdout.close()


class Board:
    """A board in the file `flash`. It is off until run() or update(); leaving a `with` block switches it off."""

    def __init__(self, updraft, flash, ca=None, find=pathlib.Path):
        self.flash = pathlib.Path(flash)
        self._updraft, self._ca, self._find = updraft, ca, find
        self._console = None
        self._at = 0  # the console before this has been matched
        self._defect_told = False

    @classmethod
    def create(cls, updraft, flash, app=None, *, table=None, chip=None, flash_size=None, rollback=None, partitions=None,
               options=(), ca=None, find=pathlib.Path):
        """Make a board (`updraft board create`). `partitions` maps labels to files, or to bytes or str of content."""
        board = cls(updraft, flash, ca, find)
        args = ["board", "create", flash, "--force"]
        if app is not None:
            args += ["--app", find(app)]
        if table is not None:
            known = str(table) in ("single_app", "two_ota", "two_ota_large")
            args += ["--table", table if known else find(table)]
        for option, value in ("--chip", chip), ("--flash-size", flash_size):
            if value is not None:
                args += [option, value]
        if rollback is not None:
            args.append("--rollback" if rollback else "--no-rollback")
        with tempfile.TemporaryDirectory() as folder:
            for label, content in (partitions or {}).items():
                args += ["--partition", f"{label}={board._file_of(content, folder)}"]
            updraft(*args, *options)
        return board

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # ---- power -----------------------------------------------------------------------------------------------------

    @property
    def running(self):
        return self._console is not None and self._console.process.poll() is None

    def run(self, *options, timeout=600):
        """Switch the power on, with further options of `updraft board run`. After `timeout` seconds it goes off by
        itself, whatever happens to the test."""
        if self.running:
            raise RuntimeError(f"{self.flash} runs already; stop() it first, or hard_reset() it")
        command = [self._updraft.path, "board", "run", self.flash, "--timeout", timeout, *options]
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        self._console, self._at, self._defect_told = Console(process), 0, False
        return self

    def stop(self):
        """Switch the power off; BoardDefect if a sanitizer's report had ended the board before."""
        if self._console is None:
            return
        end_process(self._console.process)
        self._console.join(10)
        self._tell_defect()

    def hard_reset(self):
        """Power off and on again, at whatever moment this is."""
        self.stop()
        return self.run()

    # ---- the console -----------------------------------------------------------------------------------------------

    @property
    def output(self):
        """All that the console has shown since the power was switched on."""
        return self._console.text if self._console else ""

    def expect(self, pattern, timeout=30, expect_all=False):
        """Wait for a line, or part of one, that `pattern` matches (text or a compiled regular expression; ^ and $ are
        ends of lines); the match. Of a list of patterns the one that matches first, or with `expect_all` each of them,
        in whatever order, as a list of matches."""
        patterns = list(pattern) if isinstance(pattern, (list, tuple)) else [pattern]
        regexes = [as_regex(p) for p in patterns]
        if not expect_all:
            return self._await(lambda text, at: self._first(regexes, text, at), timeout, patterns)

        def every(text, at):
            matches = [r.search(text, at) for r in regexes]
            return matches if all(matches) else None
        return self._await(every, timeout, patterns)

    def expect_exact(self, text, timeout=30, expect_all=False):
        """expect() for the text itself, without regular expressions."""
        if isinstance(text, (list, tuple)):
            return self.expect([re.escape(t) for t in text], timeout, expect_all)
        return self.expect(re.escape(text), timeout, expect_all)

    @staticmethod
    def _first(regexes, text, at):
        matches = [m for m in (r.search(text, at) for r in regexes) if m]
        return min(matches, key=lambda m: m.start()) if matches else None

    # A line is looked at when it is complete, so that a match never depends on how the output arrived; a last line
    # without an end (a prompt) when nothing follows for a moment.
    def _await(self, look, timeout, what, advance=True):
        if self._console is None:
            raise RuntimeError(f"{self.flash} was never switched on: call run() or update() before")
        console, deadline = self._console, time.monotonic() + timeout
        wanted = ", ".join(repr(getattr(w, "pattern", w)) for w in what)
        with console.changed:
            news = True
            while True:
                ended = console.ended
                found = look(console.text[:console.text.rfind("\n") + 1], self._at)
                if not found and (ended or not news):
                    found = look(console.text, self._at)
                if found:
                    if advance:
                        self._at = max(m.end() for m in found) if isinstance(found, list) else found.end()
                    return found
                if ended:
                    break
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ExpectTimeout(f"{wanted} did not come within {timeout:g} s; {last_lines(console.text)}")
                news = console.changed.wait(min(left, PAUSE))
        code = console.process.wait()
        self._tell_defect()
        raise BoardEnded(f"{wanted} can not come any more: the board has ended with {code} "
                         f"({ENDS.get(code, 'it was killed')}); {last_lines(console.text)}")

    def _tell_defect(self):
        if self._console.process.poll() == DEFECT and not self._defect_told:
            self._defect_told = True
            raise BoardDefect(f"{ENDS[DEFECT]}; {last_lines(self._console.text, 60)}")

    @property
    def reset_reason(self):
        """Why the boot began in which the last match of expect() lies: "power-on", "software", "panic", ..., as the
        board prints it. Before the first expect(), of the first boot."""
        resets = [m for m in RESET.finditer(self.output) if m.start() <= self._at]
        if resets:
            return resets[-1][1]
        return self._await(lambda text, at: RESET.search(text), 10, [RESET], advance=False)[1]

    # ---- what is on flash ------------------------------------------------------------------------------------------

    def update(self, url, ca=None, options=(), timeout=120):
        """Update from `url` (or a file) as the application of the board would, then switch the power on. A board that
        runs is switched off for it. `ca` is a file of certificates to trust; by default those of the fixture
        `ota_server`. What was done, as a dict; UpdateRefused if it was not."""
        was_running = self.running
        self.stop()
        ca = ca or self._ca
        trust = ["--ca", ca] if ca and pathlib.Path(ca).exists() and str(url).startswith("https:") else []
        source = url if re.match(r"[a-z]+://", str(url)) else self._find(url)
        try:
            result = json.loads(self._updraft("ota", self.flash, source, "--quiet", "--json", *trust, *options,
                                              timeout=timeout))
        except CommandFailed as failed:
            if was_running:
                self.run()
            raise UpdateRefused(failed.stderr.strip() or str(failed)) from failed
        self.run()
        return result

    def map(self):
        """What is in flash, as `updraft board map --json` has it; also while the board runs."""
        return json.loads(self._updraft("board", "map", self.flash, "--json"))

    @property
    def boots_next(self):
        """The partition that the next reset boots, a dict with label, version, state, ..."""
        found = self.map()
        return next((p for p in found["partitions"] if p["label"] == found["boots_next"]), None)

    def why(self):
        """The rules by which the next slot is chosen, in words."""
        return self._updraft("board", "why", self.flash)

    def write_partition(self, label, content):
        """Replace what a partition holds, by a file (a path) or by bytes or str. The board must be off."""
        self._must_be_off()
        with tempfile.TemporaryDirectory() as folder:
            self._updraft("board", "set-partition", self.flash, label, self._file_of(content, folder))

    def erase_partition(self, label):
        """Every byte FF. The board must be off."""
        self._must_be_off()
        self._updraft("board", "erase", self.flash, label)

    def _must_be_off(self):
        if self.running:
            raise RuntimeError(f"{self.flash} runs; stop() it before its partitions are written")

    def _file_of(self, content, folder):
        if isinstance(content, pathlib.Path):
            return self._find(content)
        file = tempfile.NamedTemporaryFile(dir=folder, delete=False)
        with file:
            file.write(content.encode() if isinstance(content, str) else content)
        return file.name
