# SPDX-License-Identifier: Apache-2.0
"""Firmware that updates itself over roads good and bad: behind nginx with an intermediate CA, over a redirect, in
chunks, slowly; and from servers that break off, lie about the length or are not to be trusted. After the bad ones it
lives on, in the slot in which it was."""

import json
import shutil
import subprocess

import pytest

from conftest import BUILD, ROOT, UPDRAFT, Server, run, script
from pki import Authority, pki  # noqa: F401 (fixture)
from webserver import nginx  # noqa: F401 (fixture)

TABLE = ROOT / "examples" / "partitions_example.csv"
EXAMPLES = BUILD / "examples"
NEW = EXAMPLES / "advanced_ota_2.0.0.bin"
SIZE = NEW.stat().st_size if NEW.exists() else 0
IDLE = "ota: idle"


@pytest.fixture(params=["advanced_ota", "simple_ota"])
def example(request):
    return request.param


@pytest.fixture
def firmware(images):
    """The new version, ready to be served as /fw.bin."""
    shutil.copy(NEW, images / "fw.bin")
    return images / "fw.bin"


@pytest.fixture
def board(tmp_path, example):
    """board(url, ca): a board with 1.0.0 of the example, told where its update is."""
    def create(url, *cas):
        path = tmp_path / "b.flash"
        run("board", "create", path, "--table", TABLE, "--app",
            EXAMPLES / ("simple_ota.bin" if example == "simple_ota" else "advanced_ota_1.0.0.bin"), "--force",
            "--partition", f"cfg={cfg(tmp_path, url, *cas)}")
        return path
    return create


@pytest.fixture(scope="module", autouse=True)
def patient_boards(tmp_path_factory):
    """Loop and one-shot, both in the middle of an update from a server that has fallen silent. They have to sit it out
    for a minute: the other tests of this file run meanwhile."""
    folder = tmp_path_factory.mktemp("patience")
    (folder / "images").mkdir()
    shutil.copy(NEW, folder / "images" / "fw.bin")
    server = Server(folder / "images", "--script", script(folder / "plan.json", {"/fw.bin": [
        [answer(SIZE), {"file": "fw.bin", "to": 600_000}, {"silence": True}]]}))
    boards = []
    try:
        for name in ("simple_ota", "advanced_ota_1.0.0"):
            path = folder / f"{name}.flash"
            run("board", "create", path, "--table", TABLE, "--app", EXAMPLES / f"{name}.bin", "--partition",
                f"cfg={cfg(folder, server.url('fw.bin'), server.ca)}")
            boards.append((path, subprocess.Popen([UPDRAFT, "board", "run", path, "--until", IDLE, "--timeout", "200"],
                                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)))
        yield boards
    finally:
        for _, process in boards:
            process.kill()
            process.communicate()
        server.stop()


def cfg(folder, url, *cas):
    (folder / "cfg.txt").write_text(url + "\n" + "".join(ca.read_text() for ca in cas))
    return folder / "cfg.txt"


def power_on(path, until=IDLE):
    """One power-on, until the firmware rests; all it said. A reset beyond the one of an update fails the test."""
    done = run("board", "run", path, "--until", until, "--timeout", 90, "--max-boots", 3, timeout=120)
    return done.stdout + done.stderr


def look(path):
    shown = json.loads(run("board", "map", path, "--json").stdout)
    slot = next(p for p in shown["partitions"] if p["label"] == shown["boots_next"])
    return slot["label"], slot["version"]


def assert_updates(path):
    """In the new version, which is advanced_ota 2.0.0 whichever example fetched it."""
    log = power_on(path)
    assert "advanced_ota version 2.0.0 in ota_1, after a reset (software)" in log, log
    assert log.count("board: reset") == 2, log
    assert look(path) == ("ota_1", "2.0.0")


def assert_survives(path):
    log = power_on(path)
    assert log.count("board: reset") == 1, log
    assert "update failed: " in log or "no update: " in log, log
    assert look(path) == ("ota_0", "1.0.0")
    return log


def test_nginx_with_an_intermediate_ca(board, firmware, images, nginx, pki):
    root, _, (chain, key) = pki
    assert_updates(board(nginx(images, chain, key).url("fw.bin"), root.cert))


def test_redirect_to_another_host_name_under_another_ca(board, firmware, images, nginx, pki, tmp_path):
    root, _, (chain, key) = pki
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "other")
    target = nginx(images, *other.leaf("target", names="IP:127.0.0.1"))
    first = nginx(images, chain, key, f"location = /go {{ return 302 {target.url('fw.bin', host='127.0.0.1')}; }}")
    path = board(first.url("go"), root.cert)
    assert_survives(path)
    assert target.requests() == "", "the second server is not trusted, hence not asked"
    run("board", "set-partition", path, "cfg", cfg(tmp_path, first.url("go"), root.cert, other.cert))
    assert_updates(path)


def test_chunked_by_nginx(board, firmware, images, nginx, pki, serve, tmp_path):
    root, _, (chain, key) = pki
    plan = script(tmp_path / "plan.json", {"/fw.bin": [
        [{"send": "HTTP/1.0 200 OK\r\n\r\n"}, {"file": "fw.bin"}, {"close": True}]]})
    behind = serve(images, "--plain", "--script", plan)
    front = nginx(images, chain, key,
                  f"location / {{ proxy_http_version 1.1; proxy_pass http://127.0.0.1:{behind.port}; }}")
    assert_updates(board(front.url("fw.bin"), root.cert))


def test_slow_nginx(board, firmware, images, nginx, pki):
    root, _, (chain, key) = pki
    assert_updates(board(nginx(images, chain, key, "limit_rate 1000k;").url("fw.bin"), root.cert))


def answer(length):
    return {"send": f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"}


@pytest.mark.parametrize("length,end", [(SIZE, 600_000), (SIZE + 1000, SIZE), (SIZE - 1000, SIZE)],
                         ids=["cut in the middle", "length too large", "length too small"])
def test_nginx_passing_on_a_broken_answer(board, firmware, images, nginx, pki, serve, tmp_path, length, end):
    root, _, (chain, key) = pki
    plan = script(tmp_path / "plan.json", {"/fw.bin": [
        [answer(length), {"file": "fw.bin", "to": end}, {"cut": True}]]})
    behind = serve(images, "--plain", "--script", plan)
    front = nginx(images, chain, key, f"location / {{ proxy_pass http://127.0.0.1:{behind.port}; }}")
    assert_survives(board(front.url("fw.bin"), root.cert))
    assert front.requests().count("GET /fw.bin") == 1


@pytest.mark.parametrize("steps", [
    pytest.param([answer(SIZE), {"file": "fw.bin", "to": 600_000}, {"cut": True}], id="cut in the middle"),
    pytest.param([answer(SIZE), {"file": "fw.bin", "to": 600_000}, {"wait_ms": 100}, {"reset": True}],
                 id="reset in the middle"),
    pytest.param([answer(SIZE + 1000), {"file": "fw.bin"}, {"close": True}], id="length too large"),
    pytest.param([answer(SIZE - 1000), {"file": "fw.bin"}, {"close": True}], id="length too small"),
    pytest.param([{"send": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
                  {"file": "fw.bin", "to": 500_000, "chunk": 16_000}, {"close": True}], id="chunks cut"),
    pytest.param([answer(300), {"file": "fw.bin", "to": 300}], id="less than a header"),
    pytest.param([{"send": "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"}], id="503"),
    pytest.param([{"close": True}], id="nothing"),
])
def test_a_bad_server_is_survived_and_a_good_one_used_afterwards(board, firmware, images, serve, tmp_path, steps):
    server = serve(images, "--script", script(tmp_path / "plan.json", {"/fw.bin": [steps]}))
    path = board(server.url("fw.bin"), server.ca)
    assert_survives(path)
    good = serve(images)
    run("board", "set-partition", path, "cfg", cfg(tmp_path, good.url("fw.bin"), good.ca))
    assert_updates(path)


def test_power_switched_off_while_the_server_is_silent_leaves_the_old_version(board, firmware, images, serve, tmp_path):
    """A read that times out is no failure: the update waits on. Here somebody loses patience; the next power-on finds
    the old version, and a server that has come round."""
    server = serve(images, "--script", script(tmp_path / "plan.json", {"/fw.bin": [
        [answer(SIZE), {"file": "fw.bin", "to": 600_000}, {"silence": True}], [{"honest": True}]]}))
    path = board(server.url("fw.bin"), server.ca)
    run("board", "run", path, "--until", "Writing to|2 write", "--timeout", 60)
    assert look(path) == ("ota_0", "1.0.0")
    assert_updates(path)


@pytest.mark.parametrize("case", ["wrong ca", "wrong name", "expired"])
def test_a_server_that_is_not_to_be_trusted_is_not_asked(board, firmware, images, nginx, pki, tmp_path, case):
    root, middle, (chain, key) = pki
    ca = root.cert
    if case == "wrong name":
        chain, key = middle.leaf("elsewhere", names="DNS:elsewhere.example")
    elif case == "expired":
        chain, key = middle.leaf("old", expired=True)
    else:
        (tmp_path / "stranger").mkdir()
        ca = Authority(tmp_path / "stranger", "stranger").cert
    server = nginx(images, chain, key)
    assert "ESP_ERR_HTTP_CONNECT" in assert_survives(board(server.url("fw.bin"), ca))
    assert server.requests() == ""


def test_a_flipped_bit_is_found_by_the_firmware(board, firmware, images, serve):
    data = bytearray(firmware.read_bytes())
    data[1_000_003] ^= 0x08
    firmware.write_bytes(data)
    server = serve(images)
    assert "ESP_ERR_OTA_VALIDATE_FAILED" in assert_survives(board(server.url("fw.bin"), server.ca))


def test_an_image_of_a_real_chip_is_refused_before_anything_is_written(board, images, serve):
    shutil.copy(ROOT / "tests" / "vectors" / "esp32c3-app.bin", images / "fw.bin")
    server = serve(images)
    path = board(server.url("fw.bin"), server.ca)
    assert_survives(path)  # the first power-on of all writes otadata
    before = path.read_bytes()
    assert_survives(path)
    assert path.read_bytes() == before


@pytest.mark.timeout(300)
def test_a_server_that_stays_silent_is_given_up_after_a_minute(patient_boards):
    for path, process in patient_boards:
        log, _ = process.communicate(timeout=250)
        assert process.returncode == 0 and "ESP_ERR_TIMEOUT" in log, log
        assert look(path) == ("ota_0", "1.0.0")
