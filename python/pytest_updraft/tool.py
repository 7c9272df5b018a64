# SPDX-License-Identifier: Apache-2.0
"""The `updraft` command: where it is, and one run of it."""

import os
import pathlib
import shutil
import subprocess


class CommandNotFound(Exception):
    """There is no `updraft` to be run."""


class CommandFailed(AssertionError):
    """A run of `updraft` ended with another exit code than 0; `code`, `stderr`."""

    def __init__(self, command, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr
        super().__init__(f"{' '.join(command)}\nended with {code}:\n{stderr or stdout}")


class Updraft:
    """The command at `path`; without one, the one that $UPDRAFT names, else the one on PATH."""

    def __init__(self, path=None):
        self.path = str(path) if path else find()

    def __call__(self, *args, timeout=60):
        """Run `updraft ARGS` to its end; its standard output. CommandFailed if the exit code is not 0."""
        command = [self.path, *map(str, args)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as late:
            raise CommandFailed(command, None, "", f"no end within {timeout} s; it was ended") from late
        if done.returncode != 0:
            raise CommandFailed(command, done.returncode, done.stdout, done.stderr)
        return done.stdout


def end_process(process, timeout=20):
    """Ask a process to end, and end it if it does not; returns when it is gone."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def find():
    named = os.environ.get("UPDRAFT")
    if named:
        path = pathlib.Path(named).absolute()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise CommandNotFound(f"the environment has UPDRAFT={named}, but that is no program that can be run")
        return str(path)
    found = shutil.which("updraft")
    if not found:
        raise CommandNotFound("the command 'updraft' was not found: it is not on PATH, and UPDRAFT is not set. "
                              "'make install' in a checkout of Updraft installs it; UPDRAFT=/path/to/updraft names one")
    return found
