# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/porting.md that make a table and an image for a chip of one's own."""

import json
import re
import subprocess

from conftest import ROOT, UPDRAFT

DOCUMENT = (ROOT / "docs" / "porting.md").read_text()


def block(language, holds):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", DOCUMENT, re.M | re.S)
    found = [text for kind, text in fenced if kind == language and holds in text]
    assert len(found) == 1
    return found[0]


def test_the_commands_make_what_the_port_takes(tmp_path):
    (tmp_path / "table.csv").write_text(block("", "slot_a"))
    (tmp_path / "image.json").write_text(block("json", "chip_id"))
    (tmp_path / "program.bin").write_bytes(bytes(range(256)) * 40)
    commands = block("sh", "partition build").replace("updraft ", f"{UPDRAFT} ")
    done = subprocess.run(["sh", "-ec", commands], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "id 0x7001" in done.stdout and "Verdict        good" in done.stdout
    assert len((tmp_path / "table.bin").read_bytes()) == 0xC00
    image = (tmp_path / "1.0.bin").read_bytes()
    source = (ROOT / "examples" / "port" / "port.c").read_text()
    assert ".id = 0x7001" in source and int.from_bytes(image[12:14], "little") == 0x7001
    ram = int(re.search(r"CHIP_RAM_ADDR\s+(0x\w+)u", (ROOT / "examples" / "port" / "chip.h").read_text()).group(1), 16)
    header = json.loads(block("json", "chip_id"))
    assert header["segments"][0]["load_addr"] == ram and header["header"]["entry_addr"] == ram + 256
