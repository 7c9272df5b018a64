# SPDX-License-Identifier: Apache-2.0
"""esptool is the independent judge of every image: it reads ours and sees the same fields, and ours reads its.

UPDRAFT names the command under test; it defaults to the development build.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from elfmaker import EM_XTENSA, Section, app_desc, esp32c3_app, make_elf, pattern  # noqa: E402

UPDRAFT = os.environ.get("UPDRAFT", str(ROOT / "build" / "dev" / "bin" / "updraft"))
CHIP_ID = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c2": 12, "esp32c6": 13, "esp32h2": 16,
           "esp32p4": 18, "esp32c5": 23, "host": 0xFFFF}
MODES = ["QIO", "QOUT", "DIO", "DOUT", "FAST_READ", "SLOW_READ"]


def updraft(*args, rc=0):
    done = subprocess.run([UPDRAFT, *map(str, args)], capture_output=True, text=True, timeout=60)
    assert done.returncode == rc, f"updraft {args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def info(path, rc=0):
    return json.loads(updraft("image", "info", path, "--json", rc=rc).stdout)


def esptool(*args):
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-m", "esptool", *map(str, args)], capture_output=True, text=True,
                          timeout=60, env=env)
    assert done.returncode == 0, f"esptool {args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def image_info(chip, path):
    """What `esptool image-info` prints: the `key: value` lines and the segment table."""
    text = esptool("--chip", chip, "image-info", path)
    fields = dict(re.findall(r"^([A-Z][\w\- ]+): +(.*?)\s*$", text, re.M))
    rows = re.findall(r"^ +\d+ +0x([0-9a-f]+) +0x([0-9a-f]+) +0x([0-9a-f]+)", text, re.M)
    fields["segments"] = [tuple(int(x, 16) for x in row) for row in rows]
    return fields


def assert_same(theirs, ours, desc=True):
    """The fields that esptool printed are the ones that `image info --json` gives."""
    assert theirs["segments"] == [(s["len"], s["load_addr"], s["off"] - 8) for s in ours["segments"]]
    assert int(theirs.get("Entry point", "0"), 16) == ours["entry"]  # not printed when 0
    assert theirs["Flash mode"] == MODES[ours["spi_mode"]]
    assert theirs["Checksum"].startswith(f"0x{ours['checksum']:02x} ({'valid' if ours['checksum_ok'] else 'invalid'}")
    if ours["digest"] is None:
        assert not any(key.startswith("Validation hash") for key in theirs)
    else:
        assert theirs["Validation hash"].endswith("(valid)" if ours["digest_ok"] else "(invalid)")
        assert theirs["Validation hash"].startswith(ours["digest"]) == ours["digest_ok"]  # prints the one it computed
    assert int(theirs["Chip ID"].split()[0]) == ours["chip_id"]
    if desc:
        want = ours["desc"]
        assert theirs["Project name"] == want["project_name"]
        assert theirs["App version"] == want["version"]
        assert theirs["Compile time"] == f"{want['date']} {want['time']}"
        assert theirs["ESP-IDF"] == want["idf_ver"]
        assert theirs["ELF file SHA256"] == want["elf_sha256"]
        assert int(theirs["Secure version"]) == want["secure_version"]


# ---- ours, read by esptool --------------------------------------------------------------------------------------------

@pytest.fixture
def program():
    """Some executable of this machine."""
    path = shutil.which("true")
    assert path, "no executable called true"
    return path


def test_esptool_reads_a_host_image(tmp_path, program):
    out = tmp_path / "app.bin"
    updraft("image", "create", "--out", out, "--elf", program, "--version", "1.2.3-rc1", "--project", "interop",
            "--secure-version", 7)
    ours, theirs = info(out), image_info("esp32c3", out)
    assert_same(theirs, ours)
    assert "invalid" not in theirs["Checksum"] + theirs["Validation hash"]
    assert (ours["chip"], ours["chip_id"], ours["valid"]) == ("host", 0xFFFF, True)
    assert ours["desc"]["version"] == "1.2.3-rc1" and ours["desc"]["project_name"] == "interop"
    assert ours["desc"]["secure_version"] == 7
    elf = pathlib.Path(program).read_bytes()
    assert ours["desc"]["elf_sha256"] == hashlib.sha256(elf).hexdigest()
    assert [(s["load_addr"], s["len"]) for s in ours["segments"]] == [(0x3C000020, 256), (0, len(elf) + -len(elf) % 4)]
    at = ours["segments"][1]["off"]
    assert out.read_bytes()[at:at + len(elf)] == elf
    updraft("image", "verify", out, "--chip", "host", "--require-digest")
    updraft("image", "verify", out, "--chip", "esp32c3", rc=1)


def test_no_chip_takes_a_host_image(tmp_path, program):
    out = tmp_path / "app.bin"
    updraft("image", "create", "--out", out, "--elf", program)
    for chip in ["esp32", "esp32c3", "esp32s3", "esp32c6"]:
        updraft("image", "verify", out, "--chip", chip, rc=1)


@pytest.mark.parametrize("chip", [c for c in CHIP_ID if c != "host"])
@pytest.mark.parametrize("digest", [True, False])
def test_esptool_reads_an_image_for_its_chip(tmp_path, chip, digest):
    raw, out = tmp_path / "payload", tmp_path / "app.bin"
    raw.write_bytes(pattern(5001, CHIP_ID[chip] + 1))
    updraft("image", "create", "--out", out, "--raw", raw, "--chip", chip, "--version", "2.0", "--project", "raw",
            *([] if digest else ["--no-digest"]))
    ours, theirs = info(out), image_info(chip, out)
    described = chip not in ("esp32c6", "esp32h2")  # esptool looks for it at other addresses there
    assert_same(theirs, ours, desc=described)
    assert (ours["chip"], ours["chip_id"]) == (chip, CHIP_ID[chip])
    assert (ours["digest"] is not None) == digest
    assert ours["valid"] and ours["segments"][-1]["len"] == 5004
    updraft("image", "verify", out, "--chip", chip)
    updraft("image", "verify", out, "--chip", chip, "--require-digest", rc=0 if digest else 1)


def test_a_mapped_payload_is_placed_where_it_can_be_mapped(tmp_path):
    raw, out = tmp_path / "payload", tmp_path / "app.bin"
    raw.write_bytes(pattern(70000))
    updraft("image", "create", "--out", out, "--raw", raw, "--chip", "esp32c3", "--load-addr", "0x42010020")
    ours = info(out)
    assert_same(image_info("esp32c3", out), ours)
    assert ours["segments"][-1]["load_addr"] == 0x42010020
    updraft("image", "verify", out, "--chip", "esp32c3", "--addr", "0x110000")
    updraft("image", "verify", out, "--chip", "esp32c3", "--addr", "0x111000", rc=1)


# ---- esptool's, read by ours ------------------------------------------------------------------------------------------

def elf2image(tmp_path, chip, elf, *args):
    elf_path, out = tmp_path / f"{chip}.elf", tmp_path / f"{chip}.bin"
    elf_path.write_bytes(elf)
    esptool("--chip", chip, "elf2image", "--flash-mode", "dio", "--flash-size", "4MB", "--elf-sha256-offset", "0xb0",
            *args, "--output", out, elf_path)
    return elf_path, out


def test_an_esp32c3_firmware_of_esptool_verifies(tmp_path):
    elf, out = elf2image(tmp_path, "esp32c3", esp32c3_app("4.5.6", "firmware", secure_version=3), "--flash-freq", "80m",
                         "--min-rev-full", "3", "--max-rev-full", "199")
    ours = info(out)
    assert out.stat().st_size >= 65536 and ours["size"] == out.stat().st_size
    assert_same(image_info("esp32c3", out), ours)
    assert ours["desc"]["elf_sha256"] == hashlib.sha256(elf.read_bytes()).hexdigest()
    assert ours["desc"]["version"] == "4.5.6" and ours["desc"]["secure_version"] == 3
    mapped = [s for s in ours["segments"] if s["load_addr"] >> 24 in (0x3C, 0x42)]
    assert len(mapped) == 2 and all((s["off"] - s["load_addr"]) % 0x10000 == 0 for s in mapped)

    verify = ["image", "verify", out, "--chip", "esp32c3", "--require-digest"]
    updraft(*verify, "--addr", "0x10000", "--revision", "0.3")
    updraft(*verify, "--addr", "0x1f0000", "--revision", "1.99")
    refused = updraft(*verify, "--addr", "0x11000", "--revision", "0.3", rc=1)
    assert "map" in refused.stderr
    updraft(*verify, "--revision", "0.2", rc=1)
    updraft(*verify, "--revision", "2.0", rc=1)
    updraft("image", "verify", out, "--chip", "esp32s3", rc=1)


def mapped_app(chip):
    """Description, read-only data and code in the chip's windows, one RAM segment; names as ESP-IDF's linker gives."""
    drom, irom, ram, machine = {
        "esp32": (0x3F400020, 0x400D0020, 0x3FFB0000, EM_XTENSA),
        "esp32s2": (0x3F000020, 0x40080020, 0x3FFC0000, EM_XTENSA),
        "esp32s3": (0x3C020020, 0x42000020, 0x3FC90000, EM_XTENSA),
        "esp32c2": (0x3C020020, 0x42000020, 0x3FCA0000, 243),
    }[chip]
    return make_elf([Section(".flash.appdesc", drom, app_desc("7.0", chip)),
                     Section(".flash.rodata", drom + 256, pattern(3000, 2)),
                     Section(".flash.text", irom, pattern(9000, 3), executable=True),
                     Section(".dram0.data", ram, pattern(700, 4))], entry=irom, machine=machine)


@pytest.mark.parametrize("chip", ["esp32", "esp32s2", "esp32s3", "esp32c2"])
def test_mapped_firmware_of_other_chips_verifies(tmp_path, chip):
    _, out = elf2image(tmp_path, chip, mapped_app(chip))
    ours = info(out)
    assert_same(image_info(chip, out), ours)
    assert ours["desc"]["project_name"] == chip
    updraft("image", "verify", out, "--chip", chip, "--addr", "0x110000")
    updraft("image", "verify", out, "--chip", chip, "--addr", "0x118000", rc=1)


@pytest.mark.parametrize("log2,size,step", [(13, "8KB", 0x2000), (14, "16KB", 0x4000), (15, "32KB", 0x8000),
                                            (16, "64KB", 0x10000)])
def test_page_size_of_the_description_is_the_one_that_counts(tmp_path, log2, size, step):
    elf = make_elf([Section(".flash.appdesc", 0x42800020, app_desc("1", "pages", mmu_page_log2=log2)),
                    Section(".flash.text", 0x42000020 + 3 * step, pattern(6000), executable=True)],
                   entry=0x42000020)
    _, out = elf2image(tmp_path, "esp32c6", elf, "--flash-mmu-page-size", size)
    assert_same(image_info("esp32c6", out), info(out))
    updraft("image", "verify", out, "--chip", "esp32c6", "--addr", hex(0x100000 + step))
    updraft("image", "verify", out, "--chip", "esp32c6", "--addr", hex(0x100000 + step // 2), rc=1)


@pytest.mark.parametrize("where,checksum_ok", [("data", False), ("digest", True), ("entry", True)])
def test_damage_is_seen_by_both(tmp_path, where, checksum_ok):
    _, out = elf2image(tmp_path, "esp32c3", esp32c3_app(text_size=0x10000))
    image = bytearray(out.read_bytes())
    at = {"data": 0x12345, "digest": len(image) - 1, "entry": 5}[where]
    image[at] ^= 0x10
    out.write_bytes(image)
    ours = info(out, rc=1)
    assert_same(image_info("esp32c3", out), ours)
    assert (ours["checksum_ok"], ours["digest_ok"], ours["valid"]) == (checksum_ok, False, False)
    updraft("image", "verify", out, rc=1)
