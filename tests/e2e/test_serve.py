# SPDX-License-Identifier: Apache-2.0
"""The server against outsiders: curl, openssl and Python's own HTTP client."""

import http.client
import os
import socket
import ssl
import stat
import subprocess
import time

import pytest

from conftest import run, script
from pki import pki  # noqa: F401 (fixture)


@pytest.fixture
def payload(images):
    data = bytes(range(256)) * 300
    (images / "fw.bin").write_bytes(data)
    return data


def connect(server):
    context = ssl.create_default_context(cafile=server.ca)
    return http.client.HTTPSConnection("localhost", server.port, context=context, timeout=20)


def get(server, path, method="GET", **headers):
    connection = connect(server)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_curl_downloads_the_file_over_verified_tls(serve, images, payload, tmp_path):
    server = serve(images)
    out = tmp_path / "out.bin"
    subprocess.run(["curl", "-sS", "--fail", "--cacert", server.ca, server.url("fw.bin"), "-o", out], check=True,
                   timeout=30)
    assert out.read_bytes() == payload
    assert "GET /fw.bin -> 200" in server.output()


def test_curl_without_the_ca_refuses(serve, images, payload):
    server = serve(images)
    done = subprocess.run(["curl", "-sS", server.url("fw.bin")], capture_output=True, timeout=30)
    assert done.returncode == 60


def test_openssl_accepts_the_chain(serve, images):
    server = serve(images)
    done = subprocess.run(["openssl", "verify", "-CAfile", server.ca, server.tls_dir / "server.pem"],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_keys_are_private_and_kept_over_a_restart(serve, images):
    first = serve(images)
    before = first.ca.read_bytes()
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE(os.stat(first.tls_dir / name).st_mode) == 0o600
    serve(images)
    assert first.ca.read_bytes() == before


def test_a_further_name_remakes_the_leaf_under_the_same_ca(serve, images):
    first = serve(images)
    before = (first.ca.read_bytes(), (first.tls_dir / "server.pem").read_bytes())
    serve(images, "--name", "updates.example")
    assert first.ca.read_bytes() == before[0]
    assert (first.tls_dir / "server.pem").read_bytes() != before[1]


@pytest.mark.parametrize("header,status,start,end", [
    ("bytes=0-99", 206, 0, 100),
    ("bytes=100-", 206, 100, 76800),
    ("bytes=-10", 206, 76790, 76800),
    ("bytes=76799-99999999", 206, 76799, 76800),
    ("bytes=0-0,5-6", 200, 0, 76800),
    ("bytes=9-3", 200, 0, 76800),
    ("lines=1-2", 200, 0, 76800),
])
def test_ranges(serve, images, payload, header, status, start, end):
    answer, body = get(serve(images), "/fw.bin", Range=header)
    assert answer.status == status
    assert body == payload[start:end]
    if status == 206:
        assert answer.getheader("Content-Range") == f"bytes {start}-{end - 1}/{len(payload)}"


def test_range_beyond_the_end_is_416(serve, images, payload):
    answer, _ = get(serve(images), "/fw.bin", Range="bytes=76800-")
    assert answer.status == 416
    assert answer.getheader("Content-Range") == "bytes */76800"


def test_head_etag_and_not_modified(serve, images, payload):
    server = serve(images)
    answer, body = get(server, "/fw.bin", method="HEAD")
    assert (answer.status, body, answer.getheader("Content-Length")) == (200, b"", "76800")
    etag = answer.getheader("ETag")
    assert get(server, "/fw.bin", **{"If-None-Match": etag})[0].status == 304
    assert get(server, "/fw.bin", **{"Range": "bytes=0-9", "If-Range": '"other"'})[0].status == 200
    assert get(server, "/fw.bin", **{"Range": "bytes=0-9", "If-Range": etag})[0].status == 206


def test_a_connection_serves_many_requests(serve, images, payload):
    server = serve(images)
    connection = connect(server)
    for _ in range(5):
        connection.request("GET", "/fw.bin")
        assert connection.getresponse().read() == payload
    connection.close()


@pytest.mark.parametrize("path", ["/../secret", "/%2e%2e/secret", "/.updraft/ca.key", "/sub/../../secret", "/link",
                                  "/", "/none.bin", "/%zz", "/sub"])
def test_nothing_outside_the_folder_is_served(serve, images, tmp_path, path):
    (tmp_path / "secret").write_text("secret")
    (images / "sub").mkdir()
    (images / "link").symlink_to(tmp_path / "secret")
    answer, body = get(serve(images), path)
    assert answer.status == 404
    assert b"secret" not in body


def test_other_methods_are_refused(serve, images, payload):
    assert get(serve(images), "/fw.bin", method="DELETE")[0].status == 405


def test_rate_is_kept(serve, images, payload):
    server = serve(images, "--rate", "200K")
    start = time.monotonic()
    assert get(server, "/fw.bin")[1] == payload
    assert time.monotonic() - start > 0.2


def test_scripted_responses_follow_each_other(serve, images, payload, tmp_path):
    plan = script(tmp_path / "plan.json", {"/fw.bin": [
        [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"}, {"file": "fw.bin", "to": 4}, {"cut": True}],
        [{"send": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}, {"file": "fw.bin", "chunk": 1000},
         {"send": "0\r\n\r\n"}],
        [{"honest": True}],
    ]})
    server = serve(images, "--script", plan)
    with pytest.raises(http.client.IncompleteRead):
        get(server, "/fw.bin")
    answer, body = get(server, "/fw.bin")
    assert answer.getheader("Transfer-Encoding") == "chunked" and body == payload
    for _ in range(2):
        assert get(server, "/fw.bin")[1] == payload


def test_stop_ends_silent_connections_at_once(serve, images, tmp_path):
    plan = script(tmp_path / "plan.json", {"*": [[{"silence": True}]]})
    server = serve(images, "--script", plan)
    connection = connect(server)
    connection.request("GET", "/fw.bin")
    start = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - start < 10
    connection.close()


@pytest.mark.parametrize("args,words", [
    (["/nonexistent"], "cannot be served"),
    (["{dir}", "--listen", "nonsense"], "not an IP address"),
    (["{dir}", "--plain", "--script", "/nonexistent.json"], "cannot be read"),
    (["{dir}", "--cert", "/nonexistent", "--key", "/nonexistent"], "cannot be used"),
])
def test_a_server_that_cannot_start_says_why(images, args, words):
    done = run("serve", *[a.format(dir=images) for a in args], "--tls-dir", images.parent / "tls", check=1)
    assert words in done.stderr


def test_a_folder_of_keys_is_not_served(images, pki):
    for tls_dir in (images / "tls", images):
        assert "private key" in run("serve", images, "--tls-dir", tls_dir, check=1).stderr
    assert not list(images.glob("**/*.key"))
    chain, key = pki[2]
    inside = images / "site.key"
    inside.write_bytes(key.read_bytes())
    assert "site.key lies in" in run("serve", images, "--cert", chain, "--key", inside, check=1).stderr


def test_an_address_is_shown_and_certified(serve, images, payload):
    server = serve(images, "--listen", "127.0.0.2")
    assert f"https://127.0.0.2:{server.port}/" in server.output()
    certificate = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in",
                                  server.tls_dir / "server.pem"], capture_output=True, text=True, timeout=30).stdout
    assert "127.0.0.2" in certificate


def test_the_log_does_nothing_to_a_terminal(serve, images):
    server = serve(images, "--plain")
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"GET /\x1b[2J\x07 HTTP/1.1\r\nRange: \x1b[31m\r\nConnection: close\r\n\r\n")
        while client.recv(4096):
            pass
    log = server.output()
    assert "GET /?[2J? ?[31m -> 404" in log and "\x1b" not in log


@pytest.mark.parametrize("args", [[], ["a", "b"], ["a", "--port", "70000"], ["a", "--rate", "x"], ["a", "--cert", "x"],
                                  ["a", "--bogus"]])
def test_a_wrong_command_line_is_exit_2(args):
    done = run("serve", *args, check=2)
    assert "updraft serve --help" in done.stderr
