# SPDX-License-Identifier: Apache-2.0
"""Suites written for hardware (pytest-embedded) on virtual boards, and what --updraft says when it cannot.

The build folder of the suite is made here, as ESP-IDF lays it out; test_idf_*.py have those of whole projects.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import BUILD, ROOT, UPDRAFT, run
from pki import Authority

SUITE = ROOT / "tests" / "e2e" / "embedded" / "pytest_console.py"
EXAMPLES = BUILD / "examples"
SERVICES = ["--embedded-services", "esp,idf"]


def build_folder(folder, version="1.0.0", chip="esp32c3"):
    """What a build leaves, as far as pytest-embedded reads it."""
    table = folder / "partition_table" / "partition-table.bin"
    for part in table.parent, folder / "config", folder / "bootloader":
        part.mkdir(parents=True)
    (folder.parent / "CMakeLists.txt").touch()
    (folder / "project_description.json").write_text(json.dumps({"app_bin": "console.bin"}))
    (folder / "bootloader" / "bootloader.bin").write_bytes(b"\xe9")
    for suffix in "bin", "elf":
        shutil.copyfile(EXAMPLES / f"console_{version}.{suffix}", folder / f"console.{suffix}")
    run("partition", "build", ROOT / "examples" / "partitions_example.csv", table)
    (folder / "ota_data_initial.bin").write_bytes(b"\xff" * 0x2000)
    (folder / "config" / "sdkconfig.json").write_text(
        json.dumps({"IDF_TARGET": chip, "ESPTOOLPY_FLASHSIZE": "4MB", "PARTITION_TABLE_OFFSET": 0x8000,
                    "BOOTLOADER_APP_ROLLBACK_ENABLE": True}))
    files = {"0x8000": "partition_table/partition-table.bin", "0xf000": "ota_data_initial.bin", "0x20000": "console.bin"}
    flash = {"flash_mode": "dio", "flash_size": "4MB", "flash_freq": "80m"}
    (folder / "flasher_args.json").write_text(json.dumps({
        "write_flash_args": ["--flash_mode", "dio", "--flash_size", "4MB", "--flash_freq", "80m"],
        "flash_settings": flash, "flash_files": files,
        "partition-table": {"offset": "0x8000", "file": files["0x8000"], "encrypted": "false"},
        "otadata": {"offset": "0xf000", "file": files["0xf000"], "encrypted": "false"},
        "app": {"offset": "0x20000", "file": "console.bin", "encrypted": "false"},
        "extra_esptool_args": {"after": "hard_reset", "before": "default_reset", "stub": True, "chip": chip}}))
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project that is built, with a suite beside it."""
    root = tmp_path_factory.mktemp("project")
    build_folder(root / "build")
    shutil.copyfile(SUITE, root / SUITE.name)
    return root


def suite(folder, *args, updraft=UPDRAFT, env=()):
    """The exit code and the output of pytest in `folder`."""
    python_path = os.pathsep.join([str(ROOT / "python"), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "pytest_updraft.plugin", "-c", os.devnull,
               "--rootdir", folder, *args]
    done = subprocess.run(list(map(str, command)), cwd=folder, text=True, timeout=150, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          env={**os.environ, "UPDRAFT": updraft, "PYTHONPATH": python_path, "PYTEST_ADDOPTS": "",
                               "PYTHONDONTWRITEBYTECODE": "1", **dict(env)})
    print(done.stdout)
    return done.returncode, done.stdout


def written(folder, text):
    (folder / "test_it.py").write_text(text)
    return "test_it.py"


def test_a_suite_for_hardware_runs_unmodified(project, tmp_path):
    root = Authority(tmp_path, "root")
    _, chain, key = (tmp_path / f"server.{end}" for end in ("crt", "chain", "key"))
    root.leaf("server")
    (tmp_path / "trust").write_text("https://unused\n" + root.cert.read_text())
    shutil.copyfile(EXAMPLES / "console_2.0.0.bin", tmp_path / "console_2.0.0.bin")
    code, said = suite(project, *SERVICES, "--updraft", SUITE.name, "-rA", env={
        "NEXT_VERSION": str(tmp_path), "NEXT_BIN": "console_2.0.0.bin", "TRUST": str(tmp_path / "trust"),
        "SERVER_CERT": str(chain), "SERVER_KEY": str(key)}.items())
    assert code == 0 and re.search(r"\b4 passed\b", said)


def test_a_failure_shows_the_console_and_why_the_board_boots_what_it_boots(project):
    code, said = suite(project, *SERVICES, "--updraft", written(project, """
def test_it(dut):
    dut.expect("console: version 9", timeout=2)
"""))
    assert code == 1
    assert "Not found" in said and "console version 1.0.0 in ota_0" in said
    assert "updraft board why board.flash" in said and "So ota_0 (console 1.0.0) boots" in said


def test_typing_at_a_board_that_is_off(project):
    code, said = suite(project, *SERVICES, "--updraft", written(project, """
def test_it(dut):
    dut.serial.erase_flash()
    dut.serial._process.wait(20)
    dut.write("anybody there?")
"""))
    assert code == 1 and "cannot be typed: the board is off" in said


@pytest.mark.parametrize("body, error", [
    ("dut.serial.erase_partition('nothere')", "nothere"),
    ("dut.serial.dump_flash()", "You must specify"),
    ("dut.serial.esp.run_stub()", "is not there on a virtual board"),
    ("dut.serial.load_ram()", "boards boot from flash"),
    ("dut.serial.write_flash(0x123, __file__)", "4 KB"),
])
def test_what_a_board_cannot_do_is_told(project, body, error):
    code, said = suite(project, *SERVICES, "--updraft", written(project, f"def test_it(dut):\n    {body}\n"))
    assert code == 1 and error in said


def test_two_boards_at_once(project):
    code, said = suite(project, *SERVICES, "--updraft", "--count", "2", written(project, """
def test_it(dut):
    for n, each in enumerate(dut):
        each.expect_exact("command> ")
        each.write(f"I am {n}")
        each.expect_exact(f"typed: I am {n}")
    assert dut[0].serial.port != dut[1].serial.port
"""))
    assert code == 0 and "1 passed" in said


def test_services_that_boards_do_not_have(project):
    code, said = suite(project, *SERVICES, "--updraft", written(project, """
import pytest
@pytest.mark.parametrize("embedded_services", ["esp,idf,jtag"], indirect=True)
def test_it(dut):
    pass
"""))
    assert code == 1 and "the service 'jtag' is not offered on virtual boards" in said and "updraft board gdb" in said


def test_other_chip_than_the_suite_is_for(project):
    code, said = suite(project, *SERVICES, "--updraft", "--target", "esp32s3",
                       written(project, "def test_it(dut):\n    pass\n"))
    assert code == 1 and "App target: esp32c3, Cmd target: esp32s3" in said


def test_no_build_folder(tmp_path):
    code, said = suite(tmp_path, *SERVICES, "--updraft", written(tmp_path, "def test_it(dut):\n    pass\n"))
    assert code == 1 and "has no build folder; build the project first" in said


def test_the_command_is_not_there(project):
    code, said = suite(project, *SERVICES, "--updraft", written(project, "def test_it(dut):\n    pass\n"),
                       updraft="/nowhere/updraft")
    assert code == 4 and "/nowhere/updraft" in said


def test_other_services_than_esp_idf(project):
    code, said = suite(project, "--embedded-services", "serial", "--updraft",
                       written(project, "def test_it(dut):\n    pass\n"))
    assert code == 4 and "runs suites of --embedded-services esp,idf" in said


def test_pytest_embedded_is_switched_off(project):
    code, said = suite(project, "-p", "no:pytest_embedded", "--updraft", written(project, "def test_it():\n    pass\n"))
    assert code == 4 and "pip install pytest-embedded-idf" in said


def test_a_session_on_boards_leaves_no_process_and_no_flash(project, tmp_path):
    code, _ = suite(project, *SERVICES, "--updraft", "--root-logdir", tmp_path, written(project, """
def test_it(dut):
    dut.expect_exact("command> ")
"""))
    assert code == 0
    assert list(tmp_path.rglob("dut.log")) and not list(tmp_path.rglob("*.flash"))
    assert str(tmp_path) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
