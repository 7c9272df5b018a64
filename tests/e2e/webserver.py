# SPDX-License-Identifier: Apache-2.0
"""nginx as the judge of normal HTTPS behaviour: one instance a test, on free loopback ports, ended by pid."""

import shutil
import socket
import subprocess
import time

import pytest

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Nginx:
    """Serves `root`; `locations` is put into the server block as it is."""

    def __init__(self, folder, root, chain, key, locations=""):
        assert NGINX, "nginx is missing; run scripts/setup"
        self.folder = folder
        folder.mkdir()
        self.port = free_port()
        (folder / "nginx.conf").write_text(f"""
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{self.port} ssl;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        root {root};
        {locations}
    }}
}}
""")
        self.process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")],
                                        stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            assert self.process.poll() is None, (folder / "error.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "nginx does not come up"
                time.sleep(0.02)

    def url(self, name, host="localhost"):
        return f"https://{host}:{self.port}/{name}"

    def requests(self):
        return (self.folder / "access.log").read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


@pytest.fixture
def nginx(tmp_path):
    started = []

    def start(root, chain, key, locations=""):
        server = Nginx(tmp_path / f"nginx-{len(started)}", root, chain, key, locations)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()
