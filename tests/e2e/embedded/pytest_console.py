# SPDX-License-Identifier: Apache-2.0
"""A suite as teams write them for hardware; it knows nothing of boards. test_embedded.py runs it with --updraft."""

import http.server
import os
import pathlib
import ssl
import threading

import pytest
from pytest_embedded import Dut
from pytest_embedded_idf.utils import idf_parametrize


@pytest.fixture
def server(dut):
    """Offers the folder of the other version, over HTTPS, on a port of its own."""
    folder = os.environ["NEXT_VERSION"]

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["SERVER_CERT"], os.environ["SERVER_KEY"])
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"https://localhost:{httpd.server_address[1]}"
    httpd.shutdown()
    thread.join()


@idf_parametrize("target", ["esp32c3"], indirect=["target"])
def test_what_is_typed_arrives(dut: Dut) -> None:
    dut.expect("Loaded app from partition at offset 0x20000", timeout=30)
    dut.expect(r"console version (\d+)\.0\.0 in (\w+)")
    dut.expect_exact("command> ")
    dut.write("hello over there")
    assert dut.expect(r"typed: (.+?)\r?\n")[1].decode().strip() == "hello over there"
    dut.expect_exact("command> ")
    dut.write(b"as bytes\n")
    dut.expect_exact(b"typed: as bytes")


@pytest.mark.parametrize("target", ["esp32c3"], indirect=True)
def test_three_updates_in_a_row(dut: Dut, server) -> None:
    dut.serial.write_flash(0x379000, os.environ["TRUST"])
    for slot in "ota_1", "ota_0", "ota_1":
        dut.expect_exact("command> ")
        dut.write(f"update {server}/{pathlib.Path(os.environ['NEXT_BIN']).name}")
        dut.expect("Starting OTA...", timeout=30)
        dut.expect(f"console version 2.0.0 in {slot}", timeout=60)


@pytest.mark.parametrize("target", ["esp32c3"], indirect=True)
def test_resets_and_flash(dut: Dut) -> None:
    dut.expect_exact("command> ")
    dut.write("write it stays")
    dut.expect("console: kept")
    dut.serial.hard_reset()
    dut.expect(r"reset \(power-on\)")
    dut.expect_exact("command> ")
    dut.write("read")
    dut.expect_exact("nvs holds it stays")
    dut.write("crash")
    dut.expect(r"reset \(panic\)", timeout=20)
    dut.expect_exact("command> ")
    assert dut.serial.dump_flash(partition="nvs").startswith(b"it stays\0")
    dut.serial.erase_partition("nvs")
    dut.expect_exact("command> ")
    dut.write("read")
    dut.expect_exact("nvs holds nothing")
    dut.serial.erase_flash()
    dut.expect("nothing bootable|no bootable|table", timeout=20)
    dut.serial.flash()
    dut.expect(r"console version 1\.0\.0 in ota_0")


@pytest.mark.parametrize("target", ["esp32c3"], indirect=True)
def test_what_the_build_folder_says(dut: Dut) -> None:
    assert dut.app.target == dut.target == "esp32c3"
    assert dut.app.sdkconfig.get("BOOTLOADER_APP_ROLLBACK_ENABLE") is True
    assert os.path.basename(dut.app.bin_file) == "console.bin"
    assert os.path.basename(dut.app.elf_file) == "console.elf"
    assert os.path.isdir(dut.app.binary_path) and os.path.isdir(dut.app.app_path)
    assert dut.app.partition_table["ota_1"]["offset"] == 0x1D0000
    assert dut.app.partition_table["cfg"] == {"type": "data", "subtype": "64", "offset": 0x379000, "size": 16384,
                                              "flags": ""}
    assert len(dut.app.flash_files) == 3
    dut.expect(["command> ", "console version"], expect_all=True)
    assert dut.serial.is_target_flashed_same_elf()
