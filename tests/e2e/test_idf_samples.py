# SPDX-License-Identifier: Apache-2.0
"""examples/idf_projects: each is built as it is, put on a board, and does its job over HTTPS."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT, UPDRAFT, run, script
from idf_project import build
from pki import Authority

SAMPLES = ROOT / "examples" / "idf_projects"


class Sample:
    """A copy of a sample that knows its server: only its CA and its options are the copy's."""

    def __init__(self, name, folder, images, server):
        self.name = name
        self.images = images
        self.folder = folder / name
        shutil.copytree(SAMPLES / name, self.folder, ignore=shutil.ignore_patterns("build"))
        shutil.copy(server.ca, self.folder / "server_certs" / "ca_cert.pem")
        self.options("ci", f'CONFIG_EXAMPLE_FIRMWARE_UPGRADE_URL="{server.url("firmware.bin")}"')

    def options(self, name, *lines):
        (self.folder / f"sdkconfig.{name}").write_text("".join(f"{line}\n" for line in lines))

    def defines(self, *layers, **defines):
        names = ";".join(["sdkconfig.defaults", "sdkconfig.ci", *(f"sdkconfig.{layer}" for layer in layers)])
        return [f"SDKCONFIG_DEFAULTS={names}", *(f"{name}={value}" for name, value in defines.items())]

    def offer(self, version, *layers, **defines):
        """Build that version, and have the server offer it."""
        folder = self.folder / f"build-{version}"
        arguments = self.defines(*layers, PROJECT_VER=version, **defines)
        build(self.folder, "-B", folder, *(word for item in arguments for word in ("-D", item)))
        shutil.copy(folder / f"{self.name}.bin", self.images / "firmware.bin")

    def run(self, until, *layers, **defines):
        """Run version 1.0.0 or what the board was updated to."""
        arguments = (word for item in self.defines(*layers, **defines) for word in ("--define", item))
        return run("board", "run", "--project", self.folder, *arguments, "--until", until, "--timeout", 60,
                   "--max-boots", 9, timeout=120)

    @property
    def board(self):
        return self.folder / "build" / "board.flash"


@pytest.fixture
def sample(tmp_path, images, serve):
    return lambda name: Sample(name, tmp_path, images, serve(images))


BUILD_TYPES = [pytest.param({}, id="default"), pytest.param({"CMAKE_BUILD_TYPE": "Release"}, id="release")]


@pytest.mark.parametrize("how", BUILD_TYPES)
def test_one_shot(sample, how):
    one_shot = sample("one_shot")
    one_shot.options("stay", "CONFIG_EXAMPLE_STAY=y")
    one_shot.offer("2.0.0", "stay", **how)
    ran = one_shot.run("staying", **how)
    assert "version 1.0.0 runs from ota_0" in ran.stdout and "update done, restarting" in ran.stdout
    assert "version 2.0.0 runs from ota_1" in ran.stdout


@pytest.mark.parametrize("how", BUILD_TYPES)
def test_advanced_updates_confirms_and_is_content(sample, how):
    advanced = sample("advanced")
    advanced.offer("2.0.0", **how)
    ran = advanced.run("idle", **how)
    for line in ("version 1.0.0 runs, 2.0.0 is offered", "event: started", "event: chip id -1", "event: finished",
                 "version 2.0.0 confirmed in ota_1", "the same version: nothing to do", "event: aborted"):
        assert line in ran.stdout or line.replace("-1", "65535") in ran.stdout, line


def test_advanced_is_rolled_back_when_it_crashes_and_refuses_what_failed(sample):
    advanced = sample("advanced")
    advanced.options("crash", "CONFIG_EXAMPLE_CRASH_BEFORE_CONFIRM=y")
    advanced.offer("3.0.0", "crash")
    ran = advanced.run("idle")
    assert "something is wrong with this version" in ran.stdout
    assert "version 3.0.0 has failed before" in ran.stdout
    assert "ota_0" in run("board", "why", advanced.board).stdout


def test_advanced_several_updates_in_a_row(sample):
    advanced = sample("advanced")
    for version in ("2.0.0", "3.0.0", "4.0.0"):
        advanced.offer(version)
        ran = advanced.run("idle")
        assert f"version {version} confirmed" in ran.stdout


def test_advanced_goes_on_with_an_update_that_was_cut_off(tmp_path, images, serve):
    cut = script(tmp_path / "script", {"/firmware.bin": [
        [{"send": "HTTP/1.1 206 Partial Content\r\nContent-Length: 1200000\r\n"
                  "Content-Range: bytes 0-1199999/1200000\r\n\r\n"},
         {"file": "firmware.bin", "to": 300000}, {"close": True}],
        [{"honest": True}]]})
    server = serve(images, "--script", cut)
    advanced = Sample("advanced", tmp_path, images, server)
    advanced.options("resume", "CONFIG_EXAMPLE_ENABLE_OTA_RESUMPTION=y")
    advanced.offer("2.0.0", "resume")
    assert "no update: " in advanced.run("idle", "resume").stdout
    assert "version 2.0.0 confirmed" in advanced.run("version 2.0.0 confirmed", "resume").stdout
    assert re.search(r"GET /firmware\.bin bytes=[1-9]\d+-", server.output()), server.output()


def test_advanced_with_anti_rollback(sample):
    advanced = sample("advanced")
    for name, level in (("low", 1), ("high", 2)):
        advanced.options(name, "CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK=y", f"CONFIG_BOOTLOADER_APP_SECURE_VERSION={level}")
    advanced.offer("2.0.0", "high")
    assert "version 2.0.0 confirmed" in advanced.run("idle", "low").stdout
    advanced.offer("3.0.0", "low")
    assert "its secure version is below that of the eFuses" in advanced.run("idle", "low").stdout


@pytest.mark.parametrize("how", BUILD_TYPES)
def test_native(sample, how):
    native = sample("native")
    native.offer("2.0.0", **how)
    ran = native.run("the same version: nothing to do", **how)
    assert "version 1.0.0 runs from ota_0, ota_0 boots" in ran.stdout
    assert "writing to ota_1 at 0x1d0000" in ran.stdout
    assert "version 2.0.0 confirmed" in ran.stdout


@pytest.mark.parametrize("damage, said", [
    (lambda image: image[:-1000], "no update: "),
    (lambda image: image[:5000] + b"\x55" + image[5001:], "the image is damaged"),
    (lambda image: b"random" * 3000, "no update: "),
], ids=["truncated", "changed", "random"])
def test_native_refuses_what_is_not_right(sample, damage, said):
    native = sample("native")
    native.offer("2.0.0")
    image = native.images / "firmware.bin"
    image.write_bytes(damage(image.read_bytes()))
    ran = native.run("no update: ")
    assert said in ran.stdout
    assert "version 1.0.0 runs from ota_0" in native.run("version .* runs").stdout


def test_staging(sample):
    staging = sample("staging")
    (staging.images / "firmware.bin").write_bytes(b"the new data" + bytes(4084))
    ran = staging.run("staging: ota_0 boots next")
    assert "update: ESP_OK" in ran.stdout and "after: the new data" in ran.stdout
    assert "ota_0 boots next" in ran.stdout


@pytest.mark.parametrize("how", BUILD_TYPES)
def test_cxx(sample, how):
    cxx = sample("cxx")
    cxx.offer("2.0.0", **how)
    ran = cxx.run("version 2.0.0 runs already", **how)
    assert "version 2.0.0 confirmed" in ran.stdout


def test_otadata_is_controlled_from_the_host(sample):
    """As otatool does for a chip on a port."""
    native = sample("native")
    native.offer("2.0.0")
    native.run("the same version: nothing to do")
    run("board", "set-boot", native.board, "ota_0")
    assert "version 1.0.0 runs from ota_0, ota_0 boots" in native.run("version .* runs").stdout
    run("board", "erase-otadata", native.board)
    assert "version 1.0.0 runs from ota_0" in native.run("version .* runs").stdout


def test_a_suite_for_hardware_of_a_sample(tmp_path):
    """examples/idf_projects/advanced/pytest_advanced.py, as pytest-embedded runs it, with --updraft."""
    folder = tmp_path / "advanced"
    shutil.copytree(SAMPLES / "advanced", folder, ignore=shutil.ignore_patterns("build"))
    root = Authority(tmp_path, "root")
    root.leaf("server")
    certs = folder / "server_certs"
    shutil.copy(root.cert, certs / "ca_cert.pem")
    (certs / "server.pem").write_text((tmp_path / "server.chain").read_text() + (tmp_path / "server.key").read_text())
    build(folder, "-D", "SDKCONFIG_DEFAULTS=sdkconfig.defaults;sdkconfig.ci")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "pytest_updraft.plugin", "-c",
               os.devnull, "--rootdir", folder, "--embedded-services", "esp,idf", "--updraft", "--target", "esp32",
               "pytest_advanced.py"]
    env = {**os.environ, "UPDRAFT": UPDRAFT, "PYTHONPATH": str(ROOT / "python"), "PYTEST_ADDOPTS": "",
           "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(list(map(str, command)), cwd=folder, env=env, text=True, timeout=170,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout)
    assert done.returncode == 0 and "3 passed" in done.stdout
