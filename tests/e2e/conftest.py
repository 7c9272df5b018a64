# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: the built command, servers on free loopback ports, boards in a folder of their own.

UPDRAFT names the command under test and UD_BUILD its build folder; both default to the development build.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("UD_BUILD", ROOT / "build" / "dev")).resolve()
UPDRAFT = str(pathlib.Path(os.environ.get("UPDRAFT", BUILD / "bin" / "updraft")).resolve())
VECTORS = ROOT / "tests" / "vectors"


def run(*args, check=0, timeout=60, **kwargs):
    """Run `updraft ARGS`; assert its exit code (None: any) and return the completed process."""
    done = subprocess.run([UPDRAFT, *map(str, args)], capture_output=True, text=True, timeout=timeout, **kwargs)
    if check is not None:
        assert done.returncode == check, f"updraft {args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


class Server:
    """One `updraft serve` process; ends with the test."""

    def __init__(self, folder, *args, tls_dir=None):
        self.folder = pathlib.Path(folder)
        self.ready = self.folder.parent / f"ready-{id(self)}"
        self.tls_dir = pathlib.Path(tls_dir) if tls_dir else self.folder / ".updraft"
        self.log = open(self.folder.parent / f"serve-{id(self)}.log", "w+")
        command = [UPDRAFT, "serve", folder, "--ready", self.ready, "--tls-dir", self.tls_dir, *args]
        self.process = subprocess.Popen(list(map(str, command)), stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while not self.ready.exists():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.01)
        self.port = int(self.ready.read_text())
        self.scheme = "http" if "--plain" in args else "https"

    def url(self, name, host="localhost"):
        return f"{self.scheme}://{host}:{self.port}/{name}"

    @property
    def ca(self):
        return self.tls_dir / "ca.pem"

    def output(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout=20)
        self.log.close()
        return code


@pytest.fixture
def serve(tmp_path):
    """serve(folder, *options) starts a server."""
    started = []

    def start(folder, *args, **kwargs):
        server = Server(folder, *args, **kwargs)
        started.append(server)
        return server

    yield start
    for server in started:
        assert server.stop() == 0, "the server did not end cleanly"


@pytest.fixture
def images(tmp_path):
    """An empty folder to be served."""
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


@pytest.fixture
def lamp(tmp_path):
    """lamp(version): an image of 15 KB for a real chip, whose program means nothing."""
    payload = tmp_path / "payload"
    payload.write_bytes(bytes(range(256)) * 60)

    def make(version, chip="esp32c3"):
        out = tmp_path / f"{chip}-{version}.bin"
        run("image", "create", "--raw", payload, "--chip", chip, "--project", "lamp", "--version", version, "--out", out)
        return out

    return make


@pytest.fixture
def lamp_board(tmp_path, lamp):
    """A board with factory 1.0.0 and ota_0 2.0.0 of the lamp, rollback on."""
    path = tmp_path / "c3.flash"
    run("board", "create", path, "--table", "two_ota", "--app", lamp("1.0.0"), "--partition", f"ota_0={lamp('2.0.0')}",
        "--rollback")
    return path


@pytest.fixture
def updating_board(tmp_path, serve, images):
    """A board that will update itself from version 1.0.0 to 2.0.0 of advanced_ota."""
    shutil.copy(BUILD / "examples" / "advanced_ota_2.0.0.bin", images / "firmware.bin")
    server = serve(images)
    cfg = tmp_path / "cfg.txt"
    cfg.write_text(f"{server.url('firmware.bin')}\n{server.ca.read_text()}")
    made = tmp_path / "made.flash"
    run("board", "create", made, "--table", ROOT / "examples" / "partitions_example.csv", "--partition", f"cfg={cfg}",
        "--app", BUILD / "examples" / "advanced_ota_1.0.0.bin")
    return made


def copy_board(made, path):
    for end in ("", ".json", ".efuse"):
        shutil.copy(f"{made}{end}", f"{path}{end}")
    return path


def script(path, content):
    path.write_text(json.dumps(content))
    return path
