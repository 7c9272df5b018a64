# SPDX-License-Identifier: Apache-2.0
"""`updraft board map --svg`: a picture that stands alone and says what the text says."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

from conftest import UPDRAFT, run

SVG = "{http://www.w3.org/2000/svg}"


def make(folder, project="lamp", version="1.0.0"):
    """A board with an app of that name (bytes as they come) in ota_0, made for C3, and a damaged one in ota_1."""
    (folder / "payload").write_bytes(bytes(range(256)) * 60)
    subprocess.run([UPDRAFT, "image", "create", "--raw", folder / "payload", "--chip", "esp32c3", "--project", project,
                    "--version", version, "--out", folder / "app.bin"], check=True, timeout=20, capture_output=True)
    data = bytearray((folder / "app.bin").read_bytes())
    data[5000] ^= 1
    (folder / "bad.bin").write_bytes(data)
    run("board", "create", folder / "c3.flash", "--app", folder / "app.bin", "--partition",
        f"ota_1={folder / 'bad.bin'}", "--rollback")
    run("board", "set-boot", folder / "c3.flash", "ota_0")
    return folder / "c3.flash"


def svg(board, **env):
    done = subprocess.run([UPDRAFT, "board", "map", board, "--svg"], capture_output=True, timeout=20, check=True,
                          env={**os.environ, **env})
    return done.stdout.decode()


def texts(picture):
    return [e.text for e in ET.fromstring(picture).iter(f"{SVG}text")]


def test_it_says_what_the_map_says(tmp_path):
    board = make(tmp_path)
    said = texts(svg(board))
    shown = json.loads(run("board", "map", board, "--json").stdout)
    for p in shown["partitions"]:
        assert p["label"] in said and f"{p['address']:#08x}" in said
    assert {"c3.flash", "lamp 1.0.0", "NEW", "refused: checksum differs", "boots next: ota_0 (lamp 1.0.0)"} <= set(said)
    assert "ESP32-C3 v0.4 · 4 MB flash · runs nothing · rollback on" in said
    run("board", "erase", board, "ota_0")
    assert "nothing boots" in texts(svg(board))


def test_it_needs_nothing_from_elsewhere_and_follows_dark_mode(tmp_path):
    picture = svg(make(tmp_path))
    root = ET.fromstring(picture)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "title", "style", "rect", "g", "text", "path", "circle"}
    assert re.findall(r"(?:href|src|url|import|font-face|http)\b[^\s>]*", picture) == ['http://www.w3.org/2000/svg"']
    assert "prefers-color-scheme:dark" in picture
    styled = set(re.findall(r"\.([a-z0-9-]+)\{", picture))
    used = {c for e in root.iter() for c in e.get("class", "").split()}
    assert used <= styled, "each class has its colours"
    light, dark = picture.split("@media")
    for name in re.findall(r"\.([a-z0-9-]+)\{(?:fill|stroke):(?!none)", light):
        assert f".{name}{{" in dark, f"{name} has no colour for the dark"


def test_everything_lies_inside_the_picture(tmp_path):
    root = ET.fromstring(svg(make(tmp_path, "a-project-name-of-31-characters", "v10.20.30-rc1-gdeadbee-dirty-12")))
    _, _, width, height = map(int, root.get("viewBox").split())
    for e in root.iter():
        if e.tag == f"{SVG}rect":
            assert int(e.get("x")) >= 0 and int(e.get("x")) + int(e.get("width")) <= width
            assert int(e.get("y")) + int(e.get("height")) <= height and int(e.get("width")) > 0
        if e.tag == f"{SVG}text" and "mono" in e.get("class") and e.get("x") == "388":
            assert len(e.text) * 7.9 < 644 - 388, e.text


@pytest.mark.parametrize("project", [b"<b>&\"'", b"\x1b[2J\n", b"\xff\xfe\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80",
                                     b"\xc2\x85\xef\xbf\xbf", "Lämpchen".encode()])
def test_names_out_of_an_image_cannot_break_it(tmp_path, project):
    board = make(tmp_path, project)
    said = texts(svg(board))
    for verb in ("map", "why"):
        json.loads(run("board", verb, board, "--json").stdout)
    shown = next(t for t in said if t.endswith(" 1.0.0"))
    assert all(c >= " " and c not in "\x7f\x85\uffff" for c in shown)
    if project[0] not in b"\x1b\xff\xed\xf5\xc2":
        assert shown == f"{project.decode()} 1.0.0"
    else:
        assert "?" in shown


def test_the_locale_changes_nothing(tmp_path):
    board = make(tmp_path)
    assert svg(board, LC_ALL="C") == svg(board, LC_ALL="C.UTF-8")


def test_only_map_draws_and_only_one_thing(tmp_path):
    board = make(tmp_path)
    assert "exclude each other" in run("board", "map", board, "--svg", "--json", check=2).stderr
    assert "--svg is not an option" in run("board", "why", board, "--svg", check=2).stderr
