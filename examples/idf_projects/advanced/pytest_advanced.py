# SPDX-License-Identifier: Apache-2.0
"""A suite for hardware, which runs on virtual boards as well:

    updraft idf build -D SDKCONFIG_DEFAULTS="sdkconfig.defaults;sdkconfig.ci"
    pytest --embedded-services esp,idf --updraft

It offers the firmware that is built; server_certs/server.pem is the certificate of the server, and its key.
"""

import http.server
import os
import pathlib
import ssl
import threading

import pytest
from pytest_embedded import Dut

CERTS = pathlib.Path(__file__).parent / "server_certs"


class Server:
    """The folder `build` over HTTPS; a path that begins with /slow is sent in small pieces, until it is let go."""

    def __init__(self, folder):
        self.enough = threading.Event()
        outer = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=folder)

            def translate_path(self, path):
                return super().translate_path(path.removeprefix("/slow"))

            def copyfile(self, source, outputfile):
                if not self.path.startswith("/slow"):
                    return super().copyfile(source, outputfile)
                outputfile.write(source.read(100000))
                outer.enough.wait(60)

            def log_message(self, *_):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTS / "server.pem")
        self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.httpd.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"https://localhost:{self.httpd.server_address[1]}"

    def stop(self):
        self.enough.set()
        self.httpd.shutdown()
        self.thread.join()


@pytest.fixture
def server(dut):
    server = Server(dut.app.binary_path)
    yield server
    server.stop()


def image(dut):
    return os.path.basename(dut.app.bin_file)


def test_three_updates_in_a_row(dut: Dut, server) -> None:
    dut.expect("Loaded app from partition at offset 0x20000", timeout=30)
    for slot in "ota_1", "ota_0", "ota_1":
        dut.expect("Firmware URL: ", timeout=30)
        dut.write(f"{server.url}/{image(dut)}")
        dut.expect("event: finished", timeout=60)
        dut.expect(f"version .* confirmed in {slot}", timeout=60)


def test_a_reset_in_mid_download_keeps_the_old_version(dut: Dut, server) -> None:
    dut.expect("Firmware URL: ", timeout=30)
    dut.write(f"{server.url}/slow/{image(dut)}")
    dut.expect("event: connected", timeout=30)
    dut.serial.hard_reset()
    dut.expect("version .* runs from ota_0", timeout=30)
    dut.expect("Firmware URL: ", timeout=30)
    dut.write(f"{server.url}/{image(dut)}")
    dut.expect("version .* confirmed in ota_1", timeout=60)


def test_what_is_not_there_is_no_update(dut: Dut, server) -> None:
    dut.expect("Firmware URL: ", timeout=30)
    dut.write(f"{server.url}/nothing.bin")
    dut.expect("no update: ", timeout=30)
    dut.expect("idle", timeout=30)
