# SPDX-License-Identifier: Apache-2.0
"""`updraft ota`: an update acts as the application of the slot that would boot. Servers: our own, and nginx."""

import json
import os
import subprocess
import time

import pytest

from conftest import UPDRAFT, VECTORS, run, script
from pki import Authority, pki  # noqa: F401 (fixture)
from webserver import nginx  # noqa: F401 (fixture)


def make_image(path, version, size=200_000, seed=1):
    raw = path.with_suffix(".raw")
    raw.write_bytes(bytes((i * 2654435761 >> 13) * seed & 0xFF for i in range(size)))
    run("image", "create", "--out", path, "--raw", raw, "--chip", "esp32c3", "--project", "e2e", "--version", version)
    return path


@pytest.fixture
def board(tmp_path):
    """A C3 that runs nothing, with 1.0.0 in ota_0."""
    flash = tmp_path / "b.flash"
    run("board", "create", flash, "--chip", "esp32c3", "--app", make_image(tmp_path / "one.bin", "1.0.0", seed=3))
    return flash


@pytest.fixture
def fw(images):
    return make_image(images / "fw.bin", "2.0.0")


def next_boot(board):
    shown = json.loads(run("board", "map", board, "--json").stdout)
    slot = next(p for p in shown["partitions"] if p["label"] == shown["boots_next"])
    return slot["label"], slot["version"]


def assert_unchanged(board):
    assert next_boot(board) == ("ota_0", "1.0.0")


def test_update_from_a_file(board, fw):
    run("ota", board, fw)
    assert next_boot(board) == ("ota_1", "2.0.0")


def test_update_from_our_server(board, fw, serve, images):
    server = serve(images)
    run("ota", board, server.url("fw.bin"), "--ca", server.ca)
    assert next_boot(board) == ("ota_1", "2.0.0")


def test_update_is_confirmed_on_a_board_that_runs_nothing(board, fw, serve, images):
    server = serve(images)
    run("ota", board, server.url("fw.bin"), "--ca", server.ca)
    run("board", "boot", board)
    run("board", "confirm", board)
    assert next_boot(board) == ("ota_1", "2.0.0")


def test_update_from_nginx_with_an_intermediate_ca(board, fw, images, nginx, pki):
    root, _, (chain, key) = pki
    run("ota", board, nginx(images, chain, key).url("fw.bin"), "--ca", root.cert)
    assert next_boot(board) == ("ota_1", "2.0.0")


def test_redirect_to_another_host_name_with_another_ca(board, fw, images, nginx, pki, tmp_path):
    root, _, (chain, key) = pki
    other_pki = tmp_path / "other"
    other_pki.mkdir()
    other = Authority(other_pki, "other")
    target = nginx(images, *other.leaf("target"))
    first = nginx(images, chain, key, f"location = /go {{ return 302 {target.url('fw.bin', host='127.0.0.1')}; }}")
    both = tmp_path / "both.pem"
    both.write_text(root.cert.read_text() + other.cert.read_text())
    assert run("ota", board, first.url("go"), "--ca", root.cert, check=1).stderr
    assert_unchanged(board)
    run("ota", board, first.url("go"), "--ca", both)
    assert next_boot(board) == ("ota_1", "2.0.0")


def test_chunked_from_nginx(board, fw, images, nginx, pki, serve, tmp_path):
    root, _, (chain, key) = pki
    plan = script(tmp_path / "plan.json", {"/fw.bin": [
        [{"send": "HTTP/1.0 200 OK\r\n\r\n"}, {"file": "fw.bin"}, {"close": True}]]})
    behind = serve(images, "--plain", "--script", plan)
    front = nginx(images, chain, key,
                  f"location / {{ proxy_http_version 1.1; proxy_pass http://127.0.0.1:{behind.port}; }}")
    run("ota", board, front.url("fw.bin"), "--ca", root.cert)
    assert next_boot(board) == ("ota_1", "2.0.0")


def test_slow_nginx(board, fw, images, nginx, pki):
    root, _, (chain, key) = pki
    server = nginx(images, chain, key, "limit_rate 100k;")
    start = time.monotonic()
    run("ota", board, server.url("fw.bin"), "--ca", root.cert)
    assert time.monotonic() - start > 1
    assert next_boot(board) == ("ota_1", "2.0.0")


@pytest.mark.parametrize("name,steps", [
    ("cut in the middle", [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 200320\r\n\r\n"},
                           {"file": "fw.bin", "to": 90000}, {"cut": True}]),
    ("reset in the middle", [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 200320\r\n\r\n"},
                             {"file": "fw.bin", "to": 90000}, {"wait_ms": 100}, {"reset": True}]),
    ("length too large", [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"}, {"file": "fw.bin"},
                          {"close": True}]),
    ("length too small", [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"}, {"file": "fw.bin"},
                          {"close": True}]),
    ("two lengths", [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"}, {"close": True}]),
    ("chunks cut", [{"send": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
                    {"file": "fw.bin", "to": 50000, "chunk": 5000}, {"close": True}]),
    ("not HTTP", [{"send": "220 ready for mail\r\n"}, {"close": True}]),
    ("nothing", [{"close": True}]),
    ("404", [{"send": "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}]),
    ("500", [{"send": "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"}]),
    ("an endless redirect", [{"send": "HTTP/1.1 302 Found\r\nLocation: /fw.bin\r\nContent-Length: 0\r\n\r\n"}]),
    ("redirect to plain HTTP", [{"send": "HTTP/1.1 302 Found\r\nLocation: http://localhost/fw.bin\r\n"
                                         "Content-Length: 0\r\n\r\n"}]),
    ("less than a header", [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"}, {"file": "fw.bin", "to": 500}]),
])
def test_a_bad_server_leaves_the_board_as_it_was(board, fw, images, serve, tmp_path, name, steps):
    server = serve(images, "--script", script(tmp_path / "plan.json", {"/fw.bin": [steps]}))
    done = run("ota", board, server.url("fw.bin"), "--ca", server.ca, check=1)
    assert done.stderr.startswith("updraft: ")
    assert_unchanged(board)
    assert server.stop() == 0
    again = serve(images)
    run("ota", board, again.url("fw.bin"), "--ca", again.ca)
    assert next_boot(board) == ("ota_1", "2.0.0")


@pytest.mark.parametrize("case,words", [("wrong ca", "CA"), ("wrong name", "name"), ("expired", "expired")])
def test_tls_refusals_have_their_own_words(board, fw, images, nginx, pki, tmp_path, case, words):
    root, middle, (chain, key) = pki
    if case == "wrong name":
        chain, key = middle.leaf("elsewhere", names="DNS:elsewhere.example")
    elif case == "expired":
        chain, key = middle.leaf("old", expired=True)
    ca = root.cert
    if case == "wrong ca":
        folder = tmp_path / "stranger"
        folder.mkdir()
        ca = Authority(folder, "stranger").cert
    server = nginx(images, chain, key)
    done = run("ota", board, server.url("fw.bin"), "--ca", ca, check=1)
    assert words in done.stderr
    assert server.requests() == ""
    assert_unchanged(board)


def test_plain_http_is_refused(board, fw, images, serve):
    server = serve(images, "--plain")
    done = run("ota", board, server.url("fw.bin"), check=1)
    assert "http://" in done.stderr
    assert_unchanged(board)


def test_an_image_of_another_chip_is_refused_before_anything_is_written(board, images, serve):
    (images / "c6.bin").write_bytes((VECTORS / "esp32c6-app-mmu8k.bin").read_bytes())
    before = board.read_bytes()
    server = serve(images)
    done = run("ota", board, server.url("c6.bin"), "--ca", server.ca, check=1)
    assert "chip" in done.stderr
    assert board.read_bytes() == before


def test_an_image_without_digest_is_refused(board, images, tmp_path):
    raw = tmp_path / "raw"
    raw.write_bytes(os.urandom(5000))
    run("image", "create", "--out", images / "bare.bin", "--raw", raw, "--chip", "esp32c3", "--no-digest")
    assert "SHA-256" in run("ota", board, images / "bare.bin", check=1).stderr
    assert_unchanged(board)


def test_an_image_larger_than_the_slot_is_refused(board, images):
    make_image(images / "large.bin", "9.0.0", size=1800 * 1024)
    run("ota", board, images / "large.bin", check=1)
    assert_unchanged(board)


def test_a_flipped_bit_is_refused(board, fw):
    data = bytearray(fw.read_bytes())
    data[100_000] ^= 4
    fw.write_bytes(data)
    run("ota", board, fw, check=1)
    assert_unchanged(board)


@pytest.mark.parametrize("args", [[], ["b"], ["b", "u", "x"], ["b", "u", "--bogus"]])
def test_a_wrong_command_line_is_exit_2(args):
    run("ota", *args, check=2)


def test_a_missing_board_or_file_is_named(tmp_path, board):
    assert "none.flash" in run("ota", tmp_path / "none.flash", "x.bin", check=1).stderr
    assert "none.bin" in run("ota", board, tmp_path / "none.bin", check=1).stderr


def test_passwords_in_an_address_are_not_shown(board, images, serve):
    server = serve(images)
    for url, says in ((f"https://me:hunter2@localhost:{server.port}/none.bin", f"https://localhost:{server.port}/none.bin"),
                      ("http://me:hunter2@localhost/x", "http://localhost/x"), ("x://me:hunter2@y", "x://y"),
                      ("https://me:hunter2@local host/", "local host")):
        done = run("ota", board, url, "--ca", server.ca, check=1)
        assert "hunter2" not in done.stderr + done.stdout and says in done.stderr


def test_nothing_new_is_no_error(board, fw, images, serve, tmp_path):
    server = serve(images, "--script", script(tmp_path / "plan.json", {
        "/fw.bin": [[{"send": "HTTP/1.1 304 Not Modified\r\n\r\n"}]]}))
    done = run("ota", board, server.url("fw.bin"), "--ca", server.ca)
    assert done.stdout == "nothing new\n" and done.stderr == ""
    assert_unchanged(board)


def test_a_server_that_does_not_answer_is_said_to(board, fw, images, serve, tmp_path):
    server = serve(images, "--script", script(tmp_path / "plan.json", {"/fw.bin": [[{"silence": True}]]}))
    done = run("ota", board, server.url("fw.bin"), "--ca", server.ca, "--timeout", 1, check=1)
    assert "no answer within 1 s" in done.stderr and "--timeout" in done.stderr


def test_a_header_that_cannot_be_sent_is_named(board, fw, images, serve):
    server = serve(images)
    done = run("ota", board, server.url("fw.bin"), "--ca", server.ca, "--header", "X-Bad: a\nb: c", check=1)
    assert "'X-Bad'" in done.stderr


def test_texts_of_an_image_do_nothing_to_a_terminal(board, images):
    make_image(images / "odd.bin", "2\x1b[31m")
    done = run("ota", board, images / "odd.bin")
    assert "\x1b" not in done.stdout and "2?[31m" in done.stdout


def test_the_bar_of_a_failed_download_is_shown_once(board, fw, images, serve, tmp_path):
    server = serve(images, "--script", script(tmp_path / "plan.json", {"/fw.bin": [[
        {"send": "HTTP/1.1 200 OK\r\nContent-Length: 200320\r\n\r\n"}, {"file": "fw.bin", "to": 90000},
        {"cut": True}]]}))
    ours, theirs = os.openpty()
    shown = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.Popen([UPDRAFT, "ota", str(board), server.url("fw.bin"), "--ca", str(server.ca)],
                                stdout=theirs, stderr=theirs)
        os.close(theirs)
        try:
            while piece := terminal.read(4096):
                shown += piece
        except OSError:
            pass  # the other side is closed
        assert done.wait(timeout=20) == 1
    before, _, after = shown.decode().partition("updraft: ")
    assert "%" in before and before.endswith("\n")
    assert "%" not in after
