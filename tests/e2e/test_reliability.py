# SPDX-License-Identifier: Apache-2.0
"""docs/reliability.md: its recipes are run as they are printed, its tables hold what the explorer says."""

import os
import pathlib
import re
import subprocess

from conftest import BUILD, ROOT, UPDRAFT, run

DOCUMENT = (ROOT / "docs" / "reliability.md").read_text()
PATH = {**os.environ, "PATH": f"{pathlib.Path(UPDRAFT).parent}:{os.environ['PATH']}"}
ROOMS = ("lab", "idf", "update", "http", "ota", "board", "boot", "nvs", "image", "partition", "flash", "crypto", "base",
         "port_linux")


def block(language, holds):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", DOCUMENT, re.M | re.S)
    found = [text for kind, text in fenced if kind == language and holds in text]
    assert len(found) == 1
    return found[0]


def image(folder, name, version):
    payload = folder / "payload"
    payload.write_bytes((version.encode() * 4096)[:12000])
    run("image", "create", "--raw", payload, "--chip", "esp32c3", "--version", version, "--out", folder / name)


def test_the_recipe_in_memory(tmp_path):
    image(tmp_path, "lamp-1.bin", "1")
    image(tmp_path, "lamp-2.bin", "2")
    done = subprocess.run(["sh", "-ec", block("sh", "lamp-2.bin")], cwd=tmp_path, env=PATH, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert ", 0 violations" in done.stdout and "lamp.flash" in (tmp_path / "cuts.html").read_text()


def compile_and_run(folder, source):
    (folder / "own_update.c").write_text(source)
    libraries = [BUILD / f"libud_{room}.a" for room in ROOMS]
    sanitize = [] if "release" in str(BUILD) else ["-fsanitize=address,undefined"]
    subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", *sanitize, "-I", ROOT / "include", "own_update.c",
                    "-o", "own", "-Wl,--start-group", *libraries, "-Wl,--end-group", "-lcurl", "-lssl", "-lcrypto",
                    "-lcjson", "-lpthread"], cwd=folder, check=True, timeout=120)
    return subprocess.run(["./own"], cwd=folder, capture_output=True, text=True, timeout=120)


def test_the_recipe_in_c(tmp_path):
    done = compile_and_run(tmp_path, block("c", "own_update.c"))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[1-9]\d{2,} cases, 0 violations\n", done.stdout)
    assert "No violation in" in (tmp_path / "own.html").read_text()


def test_the_recipe_in_c_finds_a_mistake(tmp_path):
    source = block("c", "own_update.c")
    switch = "        err = ud_ota_set_boot(ota, slot);\n"
    assert source.count(switch) == 1
    done = compile_and_run(tmp_path, source.replace(switch, "        err = ESP_OK;\n"))
    assert done.returncode == 1 and not done.stdout.endswith(" 0 violations\n")
    assert "<h3 id=\"cases1\">Failing cases</h3>" in (tmp_path / "own.html").read_text()


def sweep(folder, *args, seconds=60):
    script = block("sh", "sweep.sh").replace("--timeout 60", f"--timeout {seconds}")
    (folder / "sweep.sh").write_text(script)
    return subprocess.run(["sh", "sweep.sh", *map(str, args)], cwd=folder, env=PATH, capture_output=True, text=True,
                          timeout=170)


def test_the_recipe_for_ci(tmp_path, updating_board):
    done = sweep(tmp_path, updating_board, "version 2.0.0 is what runs already", 1997)
    assert done.returncode == 0, done.stderr
    assert int(re.fullmatch(r"(\d+) cuts, 0 bricks\n", done.stdout).group(1)) >= 2
    assert "version 2.0.0" in (tmp_path / "after.log").read_text()


def test_the_recipe_for_ci_sees_a_board_that_does_not_come_back(tmp_path, updating_board):
    done = sweep(tmp_path, updating_board, "version 3", 1, seconds=5)
    assert done.returncode == 1 and "operation 1: the board does not recover" in done.stderr
    updating_board.with_name("made.flash.json").write_text("{")
    done = sweep(tmp_path, updating_board, "version 2", 1)
    assert done.returncode == 1 and "operation 1: the run before the cut ended with" in done.stderr


def test_the_invariants_are_those_of_the_command():
    text = " ".join(run("powercut", "--help").stdout.split())
    rows = re.findall(r"^\| (O\d) \| ([^|]+) \|", DOCUMENT, re.M)
    assert [name for name, _ in rows] == [f"O{i}" for i in range(1, 8)]
    for name, sentence in rows:
        assert f"{name} {sentence.strip()}" in text


def test_the_windows_are_those_that_are_found():
    rows = re.findall(r"^  \| `([\w-]+)` \| (\d+) \| (\d+) to (\d+) \|$", DOCUMENT, re.M)
    listed = run("powercut", "--flow", "list").stdout
    unsafe = re.findall(r"^(\S+) .*\n +cannot be safe", listed, re.M)
    assert [row[0] for row in rows] == unsafe
    for flow, count, first, last in rows:
        out = run("powercut", "--flow", flow, "--image-size", "16K").stdout
        assert f"window: operations {first} to {last} of {count}: nothing boots" in out


def test_a_picture_of_the_report_is_there():
    picture = (ROOT / "docs" / "powercut-report.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n" and len(picture) < 300_000
