# SPDX-License-Identifier: Apache-2.0
"""`updraft image create --elf` against `esptool elf2image`, and `image merge` against `merge-bin`: the same bytes.

The programs are made here, over all chips both sides know: with sections that join or do not, gaps that RAM fills or
padding does, pages of all sizes, secure padding, and at random. esptool runs inside the test's process.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import struct
import subprocess
import sys

import esptool
import esptool.cmds
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from elfmaker import EM_RISCV, EM_XTENSA, Section, app_desc, make_elf, pattern  # noqa: E402

UPDRAFT = os.environ.get("UPDRAFT", str(ROOT / "build" / "dev" / "bin" / "updraft"))
VECTORS = ROOT / "tests" / "vectors"
NOBITS, INIT_ARRAY, FINI_ARRAY, PREINIT_ARRAY = 8, 14, 15, 16

# drom, irom, ram (data), iram, machine, clocks, pages (log2): addresses that esptool and the boot loader call mapped.
CHIPS = {
    "esp32": (0x3F400000, 0x400D0000, 0x3FFB0000, 0x40080000, EM_XTENSA, (80, 40, 26, 20), ()),
    "esp32s2": (0x3F000000, 0x40080000, 0x3FFC0000, 0x40024000, EM_XTENSA, (80, 40, 26, 20), ()),
    "esp32s3": (0x3C000000, 0x42000000, 0x3FC90000, 0x40374000, EM_XTENSA, (80, 40, 26, 20), ()),
    "esp32c2": (0x3C000000, 0x42000000, 0x3FCA0000, 0x40380000, EM_RISCV, (60, 30, 20, 15), (14, 15, 16)),
    "esp32c3": (0x3C000000, 0x42000000, 0x3FC90000, 0x40380000, EM_RISCV, (80, 40, 26, 20), ()),
    "esp32c5": (0x42100000, 0x42000000, 0x40810000, 0x40800000, EM_RISCV, (80, 40, 20), ()),
    "esp32c6": (0x42100000, 0x42000000, 0x40810000, 0x40800000, EM_RISCV, (80, 40, 20), (13, 14, 15, 16)),
    "esp32c61": (0x42100000, 0x42000000, 0x40810000, 0x40800000, EM_RISCV, (80, 40, 20), (13, 14, 15, 16)),
    "esp32h2": (0x42100000, 0x42000000, 0x40810000, 0x40800000, EM_RISCV, (48, 24, 16, 12), (13, 14, 15, 16)),
    "esp32h21": (0x42100000, 0x42000000, 0x40810000, 0x40800000, EM_RISCV, (48, 24), (13, 14, 15, 16)),
    "esp32h4": (0x42100000, 0x42000000, 0x40820000, 0x40810000, EM_RISCV, (48, 24), (13, 14, 15, 16)),
    "esp32p4": (0x40800000, 0x40000000, 0x4FF40000, 0x4FF00000, EM_RISCV, (80, 40, 26, 20), ()),
    "esp32s31": (0x40800000, 0x40000000, 0x2F040000, 0x2F000000, EM_RISCV, (80, 40, 20), (15, 16, 17, 18)),
}


def updraft(*args, rc=0):
    done = subprocess.run([UPDRAFT, *map(str, args)], capture_output=True, text=True, timeout=60)
    assert done.returncode == rc, f"updraft {args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def elf2image(path, chip, **options):
    """The image that esptool makes; None if it refuses, empty if it trips over itself."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            return esptool.cmds.elf2image(str(path), chip, None, **options)
        except esptool.FatalError:
            return None
        except AssertionError:
            return b""


def arguments(options):
    """elf2image's options as ours: keywords become long options, True a bare one."""
    words = []
    for name, value in options.items():
        if name == "append_digest":
            words += [] if value else ["--dont-append-digest"]
        else:
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return words


def create(path, out, chip, options, rc=0):
    return updraft("image", "create", "--out", out, "--elf", path, "--chip", chip, *arguments(options), rc=rc)


def assert_same_image(tmp_path, chip, elf, **options):
    path, out = tmp_path / "app.elf", tmp_path / "app.bin"
    path.write_bytes(elf)
    theirs = elf2image(path, chip, **options)
    assert theirs, "esptool refuses this program"
    create(path, out, chip, options)
    ours = out.read_bytes()
    first = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    assert ours == theirs, f"lengths {len(ours)}, {len(theirs)}; first difference at 0x{first:x}"
    return ours


def segments(image):
    """Load address and length of each segment."""
    found, at = [], 24
    for _ in range(image[1]):
        found.append(struct.unpack_from("<II", image, at))
        at += 8 + found[-1][1]
    return found


def program(chip, rodata=3000, text=9000, data=700, iram=500, page=16, desc=True, **desc_options):
    drom, irom, ram, fast, machine, _, pages = CHIPS[chip]
    sections = [Section(".iram0.text", fast, pattern(iram, 5), executable=True),
                Section(".dram0.data", ram, pattern(data, 4)),
                Section(".flash.rodata", drom + 0x120, pattern(rodata, 2)),
                Section(".flash.text", irom + 0x20 + (((rodata + 0x120) >> page) + 1 << page), pattern(text, 3),
                        executable=True)]
    if desc:
        head = app_desc("7.1", chip, mmu_page_log2=page if pages else 16, **desc_options)
        sections.insert(2, Section(".flash.appdesc", drom + 0x20, head))
    return make_elf([s for s in sections if s.data], entry=fast + 4, machine=machine)


# ---- the recorded images ----------------------------------------------------------------------------------------------

def recorded():
    with gzip.open(VECTORS / "oracle" / "image-bases.jsonl.gz", "rt") as rows:
        return [json.loads(row) for row in rows]


def reseal(image, has_digest):
    """Checksum and digest of an edited image."""
    image, at, checksum = bytearray(image), 24, 0xEF
    for _, length in segments(image):
        for byte in image[at + 8:at + 8 + length]:
            checksum ^= byte
        at += 8 + length
    end = at // 16 * 16 + 16
    image[end - 1] = checksum
    if has_digest:
        image[end:end + 32] = hashlib.sha256(image[:end]).digest()
    return bytes(image)


def sections_of(row, image):
    """The sections of a recorded program with their data, which the image holds (the ELF's own SHA-256 zeroed)."""
    data, at = {}, 24
    for load_addr, length in segments(image):
        data[load_addr] = bytearray(image[at + 8:at + 8 + length])
        at += 8 + length
    if row["elf_sections"][0][0] == ".flash.appdesc":
        data[row["elf_sections"][0][1]][0x90:0xB0] = bytes(32)
    return [Section(name, addr, bytes(data[addr][:length])) for name, addr, length in row["elf_sections"]]


@pytest.mark.parametrize("row", recorded(), ids=lambda row: f"{row['id']}-{row['chip']}")
def test_recorded_images_come_out_again(tmp_path, row):
    import base64
    image = base64.b64decode(row["image_b64"])
    machine = CHIPS[row["chip"]][4]
    path, out = tmp_path / "app.elf", tmp_path / "app.bin"
    path.write_bytes(make_elf(sections_of(row, image), entry=struct.unpack_from("<I", image, 4)[0], machine=machine))
    create(path, out, row["chip"], row["elf2image"])
    ours = bytearray(out.read_bytes())
    if row["elf_sections"][0][0] == ".flash.appdesc":  # the recorded ELF had other bytes, so another SHA-256
        ours[0xB0:0xD0] = image[0xB0:0xD0]
    assert reseal(ours, row["elf2image"].get("append_digest", True)) == image


# ---- fresh programs ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("chip", CHIPS)
def test_a_program_of_each_chip(tmp_path, chip):
    image = assert_same_image(tmp_path, chip, program(chip), flash_mode="dio", flash_size="4MB",
                              flash_freq=f"{CHIPS[chip][5][0]}m", min_rev_full=3, max_rev_full=199)
    elf = (tmp_path / "app.elf").read_bytes()
    assert image[0xB0:0xD0] == hashlib.sha256(elf).digest()
    shown = json.loads(updraft("image", "info", tmp_path / "app.bin", "--json").stdout)
    assert shown["desc"]["project_name"] == chip and shown["desc"]["elf_sha256"] == image[0xB0:0xD0].hex()
    updraft("image", "verify", tmp_path / "app.bin", "--chip", chip, "--revision", "0.3", "--require-digest")
    updraft("image", "verify", tmp_path / "app.bin", "--chip", chip, "--revision", "0.3", "--addr", "0x11000", rc=1)


@pytest.mark.parametrize("chip", CHIPS)
def test_a_boot_loader_of_each_chip(tmp_path, chip):
    """RAM only; the boot loader's description comes first, whatever its address."""
    _, _, ram, fast, machine, clocks, _ = CHIPS[chip]
    low, high = sorted((ram, fast))
    elf = make_elf([Section(".iram.text", low, pattern(1001, 1), executable=True),
                    Section(".dram0.bootdesc", high + 0x200, bytes([0x50]) + pattern(79, 2)),
                    Section(".dram0.data", high + 0x250, pattern(77, 3))], entry=low, machine=machine)
    image = assert_same_image(tmp_path, chip, elf, flash_freq=f"{clocks[-1]}m")
    assert segments(image)[0] == (high + 0x200, 160)


@pytest.mark.parametrize("chip,option", [(chip, option) for chip in CHIPS for option in
                                         ("secure_pad", "secure_pad_v2") if option != "secure_pad" or chip == "esp32"])
@pytest.mark.parametrize("rodata", [100, 0x8000, 0xFE50, 0xFE90, 0xFEB0])
def test_secure_padding(tmp_path, chip, option, rodata):
    image = assert_same_image(tmp_path, chip, program(chip, rodata=rodata, text=0), **{option: True})
    assert (len(image) + (80 if option == "secure_pad" else 0)) % 0x10000 == 0


@pytest.mark.parametrize("chip,log2", [(chip, log2) for chip in CHIPS for log2 in CHIPS[chip][6]])
def test_pages_of_the_description_and_of_the_option(tmp_path, chip, log2):
    elf = program(chip, rodata=20000, text=40000, page=log2)
    assert_same_image(tmp_path, chip, elf)
    updraft("image", "verify", tmp_path / "app.bin", "--chip", chip, "--addr", hex(0x100000 + (1 << log2)))
    if log2 <= 16:  # what --flash-mmu-page-size offers
        image = assert_same_image(tmp_path, chip, program(chip, page=16, desc=False),
                                  flash_mmu_page_size=f"{1 << log2 - 10}KB")
        assert len(image) > 9000


@pytest.mark.parametrize("chip", CHIPS)
def test_each_clock_mode_and_size(tmp_path, chip):
    elf = make_elf([Section(".iram.text", CHIPS[chip][3], pattern(5), executable=True)], entry=1,
                   machine=CHIPS[chip][4])
    for mhz in CHIPS[chip][5]:
        assert_same_image(tmp_path, chip, elf, flash_freq=f"{mhz}m")
    refused = create(tmp_path / "app.elf", tmp_path / "x.bin", chip, {"flash_freq": "33m"}, rc=2)
    assert f"{CHIPS[chip][5][0]}m" in refused.stderr
    for i, mode in enumerate(("qio", "qout", "dio", "dout")):
        image = assert_same_image(tmp_path, chip, elf, flash_mode=mode, flash_size=f"{2 << 2 * i - i}MB", min_rev=i)
        assert image[2] == i and image[14] == i


def test_no_digest(tmp_path):
    image = assert_same_image(tmp_path, "esp32c3", program("esp32c3"), append_digest=False)
    assert image[23] == 0


@pytest.mark.parametrize("text", [0x10000 - 0x20 + d for d in range(-12, 0x2C, 4)])
def test_an_esp32_segment_ends_well_beyond_a_page(tmp_path, text):
    elf = make_elf([Section(".flash.appdesc", 0x3F400020, app_desc() + pattern(text - 256)),
                    Section(".flash.text", 0x400D0020, pattern(text, 3), executable=True)], 0, EM_XTENSA)
    image = assert_same_image(tmp_path, "esp32", elf)
    assert all((addr + length) % 0x10000 >= 0x24 for addr, length in segments(image) if addr)


# Not 4 bytes in a gap of 12: one header is left of it, which esptool trips over; see the next test.
@pytest.mark.parametrize("gap,ram", [(gap, ram) for gap in (12, 16, 400, 700, 0x400, 0x3000, 0xF000)
                                     for ram in (0, 4, 100, 700, 0x3000) if (gap, ram) != (12, 4)])
def test_gaps_take_ram_or_padding(tmp_path, gap, ram):
    """The first mapped segment ends so that `gap` bytes of data fit in front of the second."""
    first = 0x10000 - 0x20 - 8 - gap - 8
    sections = [Section(".flash.appdesc", 0x3C000020, app_desc() + pattern(first - 256)),
                Section(".flash.text", 0x42010000, pattern(100, 3), executable=True)]
    if ram:
        sections += [Section(".dram0.data", 0x3FC90000, pattern(ram, 4)),
                     Section(".iram0.text", 0x40380000, pattern(ram, 5), executable=True)]
    assert_same_image(tmp_path, "esp32c3", make_elf(sections, 0))


def test_a_gap_of_one_header_is_an_empty_segment(tmp_path):
    """esptool asserts here; the boot loader takes an empty segment."""
    path, out = tmp_path / "app.elf", tmp_path / "app.bin"
    first = 0x10000 - 0x20 - 16
    path.write_bytes(make_elf([Section(".flash.appdesc", 0x3C000020, app_desc() + pattern(first - 256)),
                               Section(".flash.text", 0x42010000, pattern(100, 3), executable=True)], 0))
    assert elf2image(path, "esp32c3") == b""
    create(path, out, "esp32c3", {})
    assert segments(out.read_bytes()) == [(0x3C000020, first), (0, 0), (0x42010000, 100)]
    updraft("image", "verify", out, "--chip", "esp32c3")


def test_what_joins_and_what_does_not(tmp_path):
    base = 0x3FC90000
    for second, kind in [(16, 1), (16, INIT_ARRAY), (16, FINI_ARRAY), (16, PREINIT_ARRAY), (20, 1), (13, 1)]:
        elf = make_elf([Section(".a", base, pattern(13)), Section(".b", base + second, pattern(30, 2), type=kind),
                        Section(".bss", base + 0x100, b"", type=NOBITS), Section(".debug", 0, pattern(99)),
                        Section(".c", base - 0x100, pattern(7))], 0)
        image = assert_same_image(tmp_path, "esp32c3", elf)
        assert len(segments(image)) == (2 if second == 16 else 3)
    # addresses that touch across a border of memories
    elf = make_elf([Section(".a", 0x3FFDFF00, pattern(256)), Section(".b", 0x3FFE0000, pattern(30, 2))], 0, EM_XTENSA)
    assert len(segments(assert_same_image(tmp_path, "esp32", elf))) == 2


@pytest.mark.parametrize("chip", CHIPS)
def test_random_programs(tmp_path, chip):
    """Whatever esptool lays out so that a boot loader can load it, we lay out alike; what it refuses, we refuse."""
    drom, irom, ram, fast, machine, clocks, pages = CHIPS[chip]
    rng = random.Random(chip)
    both = 0
    for _ in range(25):
        page = 1 << rng.choice(pages or (16,))
        at = {"rom": drom + 0x20, "text": irom + 0x20, "ram": ram, "iram": fast}
        if rng.random() < 0.7:
            desc = app_desc(project=chip, mmu_page_log2=page.bit_length() - 1)
            sections = [Section(".flash.appdesc", at["rom"], desc)]
            at["rom"] += 256
        else:
            sections = []
        for i in range(rng.randrange(1, 9)):
            kind = rng.choice(list(at))
            size = rng.choice([1, 3, 4, 16, 250, 1000, page // 4, page - 0x48, page])
            if rng.random() < 0.4:
                at[kind] += rng.choice([4, 32, 256]) if kind in ("ram", "iram") else page
            sections.append(Section(f".{kind}{i}", at[kind], pattern(size, i + 1), executable=kind in ("text", "iram")))
            at[kind] += size + -size % 4
        options = {"flash_freq": f"{rng.choice(clocks)}m", "append_digest": rng.random() < 0.8}
        if options["append_digest"] and rng.random() < 0.3:
            options["secure_pad_v2"] = True
        path, out = tmp_path / "app.elf", tmp_path / "app.bin"
        path.write_bytes(make_elf(sections, entry=fast, machine=machine))
        theirs = elf2image(path, chip, **options)
        if theirs is None or theirs[1:2] > b"\x10":
            create(path, out, chip, options, rc=1)
            continue
        create(path, out, chip, options)
        if not theirs:
            updraft("image", "verify", out, "--chip", chip)
            continue
        assert out.read_bytes() == theirs, [(s.name, hex(s.addr), len(s.data)) for s in sections]
        both += 1
    assert both >= 10


# ---- what is refused --------------------------------------------------------------------------------------------------

def refusal(tmp_path, elf, chip="esp32c3"):
    path, out = tmp_path / "app.elf", tmp_path / "app.bin"
    path.write_bytes(elf)
    words = create(path, out, chip, {}, rc=1).stderr
    assert not out.exists() and str(path) in words
    return words


def test_programs_that_make_no_image(tmp_path):
    text = Section(".flash.text", 0x42000020, pattern(100), executable=True)
    assert "one MMU page" in refusal(tmp_path, make_elf([text, Section(".x", 0x42000220, pattern(9))], 0))
    assert "not aligned" in refusal(tmp_path, make_elf([Section(".x", 0x42000022, pattern(9))], 0))
    assert "more than 16" in refusal(tmp_path, make_elf(
        [Section(f".{i}", 0x3FC90000 + 64 * i, pattern(9)) for i in range(17)], 0))
    assert "those of padding" in refusal(tmp_path, make_elf(
        [Section(".t", 0x42000120, pattern(9))] + [Section(f".{i}", 0x3FC90000 + 64 * i, pattern(9)) for i in range(15)],
        0))
    assert "no section" in refusal(tmp_path, make_elf([Section(".debug", 0, pattern(9))], 0))
    assert "Xtensa" in refusal(tmp_path, make_elf([text], 0, machine=40))
    taken = app_desc()[:144] + bytes([1]) + app_desc()[145:]
    assert "not zero" in refusal(tmp_path, make_elf([Section(".flash.appdesc", 0x3C000020, taken)], 0))
    assert ".flash.appdesc" in refusal(tmp_path, make_elf([Section(".flash.appdesc", 0x3C000020, app_desc()[:200])], 0))
    assert ".flash.appdesc" in refusal(tmp_path, make_elf([Section(".flash.appdesc", 0x3C000220, app_desc())], 0))
    assert "MMU pages" in refusal(tmp_path, make_elf(
        [Section(".flash.appdesc", 0x42800020, app_desc(mmu_page_log2=12))], 0), "esp32c6")
    assert "32-bit" in refusal(tmp_path, b"\x7fELF" + bytes(100))
    assert "leave the file" in refusal(tmp_path, make_elf([text], 0).replace(
        struct.pack("<II", 0x42000020, 0x60), struct.pack("<II", 0x42000020, 0x7FFFFF00)))


# ---- merge ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("options,ours", [({}, []), ({"pad_to_size": "1MB"}, ["--flash-size", "1MB"]),
                                          ({"target_offset": 0x1000}, ["--target-offset", "0x1000"]),
                                          ({"target_offset": 0x1000, "pad_to_size": "4MB"},
                                           ["--target-offset", "0x1000", "--pad-to-size", "4MB"])])
def test_merge_equals_merge_bin(tmp_path, options, ours):
    files = [(0x8000, VECTORS / "ptable-a_two_ota.bin"), (0x1000, VECTORS / "esp32-app-nohash.bin"),
             (0x20000, VECTORS / "esp32-app.bin")]
    out, theirs = tmp_path / "ours.bin", tmp_path / "theirs.bin"
    with contextlib.redirect_stdout(io.StringIO()):
        esptool.cmds.merge_bin([(at, str(path)) for at, path in files], "esp32", str(theirs), **options)
    updraft("image", "merge", "--out", out, *ours, *[word for at, path in files for word in (hex(at), path)])
    assert out.read_bytes() == theirs.read_bytes()


# ---- where esptool's windows are not the boot loader's -----------------------------------------------------------------

@pytest.mark.parametrize("chip,addr", [("esp32s2", 0x3F400020), ("esp32c61", 0x43000020)])
def test_what_the_boot_loader_maps_is_mapped(tmp_path, chip, addr):
    """esptool takes these addresses for RAM and places the segment anywhere; the boot loader would not run that."""
    path, out, theirs = tmp_path / "app.elf", tmp_path / "app.bin", tmp_path / "theirs.bin"
    drom, _, _, _, machine, _, _ = CHIPS[chip]
    path.write_bytes(make_elf([Section(".flash.appdesc", drom + 0x20, app_desc()),
                               Section(".flash.more", addr, pattern(100))], 0, machine))
    create(path, out, chip, {})
    updraft("image", "verify", out, "--chip", chip)
    theirs.write_bytes(elf2image(path, chip))
    assert "map" in updraft("image", "verify", theirs, "--chip", chip, rc=1).stderr
