# SPDX-License-Identifier: Apache-2.0
"""`updraft image compare|edit-desc|extract|merge` and `create --parts`: round trips, and what each refuses."""

import hashlib
import json
import shutil
import struct
import sys

import pytest

from conftest import ROOT, VECTORS, run

sys.path.insert(0, str(ROOT / "tests" / "support"))

from elfmaker import Section, app_desc, esp32c3_app, make_elf, pattern  # noqa: E402

C3 = VECTORS / "esp32c3-app.bin"
SIGNED = VECTORS / "esp32c3-app-signed-rsa3072.bin"
APPS = sorted(path.name for path in VECTORS.glob("esp32*-app*.bin") if path.read_bytes()[0] == 0xE9 and path.read_bytes()[1] > 0)


def info(path):
    return json.loads(run("image", "info", path, "--json").stdout)


@pytest.fixture
def host_image(tmp_path):
    """An image of some executable of this machine, and the executable."""
    program, out = shutil.which("true"), tmp_path / "host.bin"
    run("image", "create", "--out", out, "--elf", program, "--version", "1.2.3", "--project", "trip",
        env={"SOURCE_DATE_EPOCH": "1700000000"})
    return out, program


# ---- round trips -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", APPS)
def test_an_image_comes_out_of_its_parts_again(tmp_path, name):
    image, parts, again = VECTORS / name, tmp_path / "parts", tmp_path / "again.bin"
    run("image", "extract", image, "--parts", parts)
    run("image", "create", "--parts", parts / "image.json", "--out", again)
    assert again.read_bytes() == image.read_bytes()[:info(image)["size"]]
    run("image", "extract", image, "--out", tmp_path / "cut.bin")
    assert run("image", "compare", again, tmp_path / "cut.bin").stdout == "the same\n"


def test_a_firmware_with_padding_comes_out_of_its_parts_again(tmp_path):
    (tmp_path / "app.elf").write_bytes(esp32c3_app("4.5.6", "firmware"))
    image, again = tmp_path / "app.bin", tmp_path / "again.bin"
    run("image", "create", "--elf", tmp_path / "app.elf", "--chip", "esp32c3", "--secure-pad-v2", "--out", image)
    run("image", "extract", image, "--parts", tmp_path / "parts")
    listed = json.loads((tmp_path / "parts" / "image.json").read_text())["segments"]
    assert any("zeros" in s for s in listed) and any("file" in s for s in listed)
    run("image", "create", "--parts", tmp_path / "parts" / "image.json", "--out", again)
    assert again.read_bytes() == image.read_bytes() and len(image.read_bytes()) % 0x10000 == 0


def test_a_host_image_comes_out_of_its_program_again(tmp_path, host_image):
    image, program = host_image
    elf, again = tmp_path / "program", tmp_path / "again.bin"
    run("image", "extract", image, "--elf", "--out", elf)
    assert elf.read_bytes().rstrip(b"\0") == open(program, "rb").read().rstrip(b"\0")
    run("image", "create", "--out", again, "--elf", elf, "--elf-sha-of", program, "--version", "1.2.3",
        "--project", "trip", env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert again.read_bytes() == image.read_bytes()


def test_a_changed_part_gives_a_good_image(tmp_path):
    parts, out = tmp_path / "parts", tmp_path / "out.bin"
    run("image", "extract", C3, "--parts", parts)
    listed = json.loads((parts / "image.json").read_text())
    listed["header"]["entry_addr"] = 0x40380010
    (parts / "image.json").write_text(json.dumps(listed))
    ram = parts / listed["segments"][1]["file"]
    ram.write_bytes(ram.read_bytes() + b"more")
    run("image", "create", "--parts", parts / "image.json", "--out", out)
    assert info(out)["valid"] and info(out)["entry"] == 0x40380010
    assert info(out)["segments"][1]["len"] == info(C3)["segments"][1]["len"] + 4
    run("image", "create", "--parts", parts / "image.json", "--out", out, "--no-digest")
    assert info(out)["digest"] is None


@pytest.mark.parametrize("change", [
    {"header": None}, {"header": {"chip_id": -1}}, {"header": {"chip_id": 65536}}, {"header": {"chip_id": 1.5}},
    {"header": {"spi_pin_drv": [0, 0]}}, {"header": {"spi_pin_drv": [0, 0, 256]}}, {"segments": []},
    {"segments": [{"load_addr": 0, "zeros": 4}] * 17}, {"segments": [{"load_addr": 0}]},
    {"segments": [{"zeros": 4}]}, {"segments": [{"load_addr": 0, "file": "../x"}]},
    {"segments": [{"load_addr": 0, "file": "absent"}]}, {"segments": [{"load_addr": 0, "zeros": 4294967295}]},
], ids=json.dumps)
def test_a_broken_list_of_parts_is_refused(tmp_path, change):
    run("image", "extract", C3, "--parts", tmp_path / "p")
    path = tmp_path / "p" / "image.json"
    listed = json.loads(path.read_text())
    if isinstance(change.get("header"), dict):
        listed["header"].update(change["header"])
    else:
        listed.update(change)
    path.write_text(json.dumps(listed))
    assert run("image", "create", "--parts", path, "--out", tmp_path / "x.bin", check=1).stderr
    assert not (tmp_path / "x.bin").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff" * 20])
def test_what_is_no_list_of_parts_is_named(tmp_path, content):
    (tmp_path / "image.json").write_bytes(content)
    done = run("image", "create", "--parts", tmp_path / "image.json", "--out", tmp_path / "x.bin", check=1)
    assert str(tmp_path / "image.json") in done.stderr


# ---- create ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args,words", [
    (["--flash-mode", "fast"], "qio"), (["--flash-freq", "33m"], "80m, 40m, 26m, 20m"), (["--flash-freq", "m"], "40m"),
    (["--flash-size", "3MB"], "128MB"), (["--flash-size", "256MB"], "128MB"), (["--min-rev", "256"], "255"),
    (["--min-rev-full", "65536"], "major"), (["--max-rev-full", "x"], "major"), (["--secure-pad"], "secure-pad-v2"),
    (["--secure-pad-v2", "--no-digest"], "SHA-256"), (["--version", "2"], "edit-desc"),
    (["--load-addr", "4"], "load-addr"), (["--flash-mmu-page-size", "x"], "number"), (["--raw", "y"], "one of"),
])
def test_create_names_the_option_that_is_wrong(tmp_path, args, words):
    (tmp_path / "app.elf").write_bytes(esp32c3_app())
    done = run("image", "create", "--out", tmp_path / "x.bin", "--elf", tmp_path / "app.elf", "--chip", "esp32c3",
               *args, check=2)
    assert words in done.stderr and not (tmp_path / "x.bin").exists()


@pytest.mark.parametrize("args", [["--raw", "x", "--secure-pad-v2"], ["--elf", "x", "--flash-mmu-page-size", "8KB"],
                                  ["--parts", "x", "--chip", "esp32"], ["--parts", "x", "--flash-mode", "dio"],
                                  ["--parts", "x", "--project", "p"]])
def test_create_refuses_what_does_not_go_together(tmp_path, args):
    run("image", "create", "--out", tmp_path / "x.bin", *args, check=2)


def test_a_page_that_the_chip_has_not_is_refused(tmp_path):
    (tmp_path / "app.elf").write_bytes(esp32c3_app())
    for chip, size in (("esp32c3", "32KB"), ("esp32c6", "128KB"), ("esp32c6", "12KB")):
        done = run("image", "create", "--out", tmp_path / "x.bin", "--elf", tmp_path / "app.elf", "--chip", chip,
                   "--flash-mmu-page-size", size, check=1)
        assert "MMU page" in done.stderr


def test_header_options_apply_to_host_images_and_raw_payloads_too(tmp_path, host_image):
    out = tmp_path / "out.bin"
    (tmp_path / "raw").write_bytes(b"payload")
    run("image", "create", "--out", out, "--raw", tmp_path / "raw", "--chip", "esp32h2", "--flash-freq", "12m",
        "--flash-mode", "slow_read", "--flash-size", "16MB", "--min-rev-full", "102", "--max-rev-full", "299")
    shown = info(out)
    assert (shown["spi_mode"], shown["spi_speed"], shown["spi_size"]) == (5, 2, 4)
    assert (shown["min_chip_rev_full"], shown["max_chip_rev_full"]) == (102, 299)
    text = run("image", "info", out).stdout
    assert "SLOW_READ, 16 MB, 12 MHz" in text and "from 1.2 to 2.99" in text
    assert "DIO, 4 MB" in run("image", "info", host_image[0]).stdout


# ---- edit-desc -------------------------------------------------------------------------------------------------------


def test_edited_fields_are_in_the_image_and_nothing_else_changes(tmp_path):
    out = tmp_path / "out.bin"
    done = run("image", "edit-desc", C3, "--out", out, "--version", "9.9.9-rc1", "--project", "other",
               "--secure-version", "0x11", "--date", "Feb  3 2026", "--time", "01:02:03", "--idf-ver", "v6",
               "--min-efuse-blk-rev", "1", "--max-efuse-blk-rev", "199")
    assert done.stderr == ""
    before, after = info(C3), info(out)
    assert after["valid"] and after["size"] == before["size"]
    desc = after["desc"]
    assert [desc[k] for k in ("version", "project_name", "secure_version", "date", "time", "idf_ver")] == [
        "9.9.9-rc1", "other", 17, "Feb  3 2026", "01:02:03", "v6"]
    a, b = C3.read_bytes(), out.read_bytes()
    assert b[32 + 176:32 + 180] == struct.pack("<HH", 1, 199)
    assert b[-32:] == hashlib.sha256(b[:-32]).digest()
    changed = [i for i, (x, y) in enumerate(zip(a, b)) if x != y and not 32 + 4 <= i < 32 + 180]
    assert changed and min(changed) == len(a) - 33  # the checksum, then the digest


def test_an_image_without_digest_stays_without(tmp_path):
    out = tmp_path / "out.bin"
    run("image", "edit-desc", VECTORS / "esp32-app-nohash.bin", "--out", out, "--version", "2")
    assert info(out)["digest"] is None and info(out)["valid"] and info(out)["desc"]["version"] == "2"


def test_a_void_signature_is_left_out_and_said(tmp_path):
    out = tmp_path / "out.bin"
    for signed in (SIGNED, VECTORS / "esp32-app-signed-v1.bin"):
        done = run("image", "edit-desc", signed, "--out", out, "--version", "2")
        assert "sign the result again" in done.stderr
        assert out.stat().st_size == info(signed)["size"] < signed.stat().st_size and info(out)["valid"]
    (tmp_path / "tail.bin").write_bytes(C3.read_bytes() + b"tail")
    assert "4 bytes behind" in run("image", "edit-desc", tmp_path / "tail.bin", "--version", "2").stderr
    assert (tmp_path / "tail.bin").stat().st_size == C3.stat().st_size
    (tmp_path / "erased.bin").write_bytes(C3.read_bytes() + b"\xff" * 5000)
    assert run("image", "edit-desc", tmp_path / "erased.bin", "--version", "2").stderr == ""


@pytest.mark.parametrize("args,words", [
    (["--version", "v" * 32], "31"), (["--time", "t" * 16], "15"), (["--secure-version", "-1"], "number"),
    (["--max-efuse-blk-rev", "65536"], "65535"), ([], "nothing to change"), (["--version", "2", "extra"], "one image"),
])
def test_edit_desc_names_what_is_wrong(tmp_path, args, words):
    copy = tmp_path / "copy.bin"
    shutil.copy(C3, copy)
    assert words in run("image", "edit-desc", copy, *args, check=2).stderr
    assert copy.read_bytes() == C3.read_bytes()


def test_a_damaged_image_is_not_made_good(tmp_path):
    data = bytearray(C3.read_bytes())
    data[300] ^= 1
    (tmp_path / "bad.bin").write_bytes(data)
    assert "damaged" in run("image", "edit-desc", tmp_path / "bad.bin", "--version", "2", check=1).stderr
    assert (tmp_path / "bad.bin").read_bytes() == data


def test_an_image_without_a_description_cannot_be_edited(tmp_path):
    run("image", "extract", C3, "--parts", tmp_path / "p")
    listed = json.loads((tmp_path / "p" / "image.json").read_text())
    first = tmp_path / "p" / listed["segments"][0]["file"]
    first.write_bytes(bytes(first.stat().st_size))
    run("image", "create", "--parts", tmp_path / "p" / "image.json", "--out", tmp_path / "x.bin")
    for verb in (["edit-desc", tmp_path / "x.bin", "--version", "2"],
                 ["extract", tmp_path / "x.bin", "--desc", "--out", tmp_path / "d"]):
        assert "no application description" in run("image", *verb, check=1).stderr


# ---- compare ---------------------------------------------------------------------------------------------------------


def differences(a, b):
    return {d["what"]: (d["a"], d["b"]) for d in
            json.loads(run("image", "compare", a, b, "--json", check=1).stdout)["differences"]}


def test_an_image_is_the_same_as_itself():
    assert run("image", "compare", C3, C3).stdout == "the same\n"
    assert json.loads(run("image", "compare", C3, C3, "--json").stdout) == {"differences": [], "same": True}


def test_compare_tells_fields_segments_and_tails_apart(tmp_path):
    b = tmp_path / "b.bin"
    run("image", "edit-desc", C3, "--out", b, "--version", "2")
    found = differences(C3, b)
    assert found["version"] == ("1.2.3-rc1", "2") and set(found) == {"version", "checksum", "SHA-256"}
    text = run("image", "compare", C3, b, check=1).stdout
    assert "version: 1.2.3-rc1 -> 2\n" in text and str(b) in text

    found = differences(VECTORS / "esp32-app.bin", C3)
    assert found["chip"] == ("ESP32 (0x0000)", "ESP32-C3 (0x0005)")
    assert found["segment 0 address"][1].startswith("0x3c")
    assert "digest" in differences(VECTORS / "esp32-app.bin", VECTORS / "esp32-app-nohash.bin")
    assert set(differences(C3, SIGNED)) >= {"behind the image"}

    b.write_bytes(C3.read_bytes() + b"abc")
    assert differences(C3, b) == {"behind the image": ("0 bytes", "3 bytes")}
    data = bytearray(C3.read_bytes())
    data[-60] ^= 1
    b.write_bytes(data)
    found = differences(C3, b)
    assert any(what.endswith("data") and "1 of" in words[1] for what, words in found.items())
    data = bytearray(C3.read_bytes())
    data[20] ^= 1  # reserved
    b.write_bytes(data)
    assert differences(C3, b) == {"reserved bytes": ("", "differ")}


@pytest.mark.parametrize("cuts", [(10, 10), (10, 20), (31, 0)], ids=str)
def test_compare_and_extract_stay_within_an_image_whose_digest_is_cut(tmp_path, cuts):
    files = [tmp_path / "a.bin", tmp_path / "b.bin"]
    for path, cut, flip in zip(files, cuts, (1, 2)):
        data = bytearray(C3.read_bytes())
        data[0x60] ^= flip
        path.write_bytes(data[:len(data) - cut])
    text = run("image", "compare", *files, check=1).stdout
    sizes = [path.stat().st_size for path in files]
    assert "1844" not in text and ("file length" in text) == (sizes[0] != sizes[1])

    done = run("image", "extract", files[0], "--out", tmp_path / "out.bin")
    assert "damaged" in done.stderr
    assert (tmp_path / "out.bin").read_bytes() == files[0].read_bytes()


def test_what_cannot_be_compared_is_exit_2(tmp_path):
    (tmp_path / "x").write_bytes(b"hello")
    for pair in ([C3, tmp_path / "x"], [tmp_path / "x", C3], [C3, tmp_path / "absent"]):
        assert run("image", "compare", *pair, check=2).stderr


# ---- merge and extract from dumps ------------------------------------------------------------------------------------


@pytest.fixture
def dump(tmp_path):
    """A flash dump of 4 MB with table, otadata of no consequence and two apps."""
    out = tmp_path / "flash.bin"
    table = VECTORS / "ptable-a_two_ota.bin"
    run("image", "merge", "--out", out, "--flash-size", "4MB", "--table", table, "ota_1", SIGNED, "0x8000", table,
        "factory", C3)
    return out


def test_an_image_comes_out_of_a_dump_by_label_and_by_address(tmp_path, dump):
    assert dump.stat().st_size == 4 << 20
    shown = json.loads(run("partition", "show", VECTORS / "ptable-a_two_ota.bin", "--json").stdout)
    at = {p["label"]: p["address"] for p in shown["partitions"]}
    out = tmp_path / "out.bin"
    for where in (["--partition", "factory"], ["--at", at["factory"]]):
        run("image", "extract", dump, *where, "--out", out)
        assert out.read_bytes() == C3.read_bytes()
    run("image", "extract", dump, "--partition", "ota_1", "--out", out)
    assert out.read_bytes() == SIGNED.read_bytes()[:info(SIGNED)["size"]]
    run("image", "extract", dump, "--partition", "factory", "--desc", "--out", out)
    assert out.read_bytes() == C3.read_bytes()[32:288]
    run("image", "extract", dump, "--partition", "factory", "--segment", 1, "--out", out)
    assert len(out.read_bytes()) == info(C3)["segments"][1]["len"]


@pytest.mark.parametrize("args,words", [
    (["--partition", "ota_0", "--out", "x"], "no ESP image"), (["--partition", "nope", "--out", "x"], "no partition 'nope'"),
    (["--partition", "factory", "--table-offset", "0x9000", "--out", "x"], "no partition table"),
    (["--partition", "factory", "--table-offset", "8MB", "--out", "x"], "ends before"),
    (["--at", "8MB", "--out", "x"], "ends before"), (["--out", "x"], "no ESP image"),
    (["--partition", "factory", "--elf", "--out", "x"], "no host image"),
    (["--partition", "factory", "--segment", "9", "--out", "x"], "no segment 9"),
    (["--partition", "factory", "--out", "/dev/null/x"], "/dev/null/x"),
    (["--partition", "factory", "--parts", "/dev/null/x"], "/dev/null/x"),
])
def test_extract_names_what_is_missing(tmp_path, dump, args, words):
    assert words in run("image", "extract", dump, *args, check=1, cwd=tmp_path).stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("args", [[], ["--elf"], ["--out", "x", "--parts", "y"], ["--out", "x", "--elf", "--desc"],
                                  ["--parts", "x", "--elf"], ["--out", "x", "--at", "z"], ["--out", "x", "--segment", "z"],
                                  ["--out", "x", "--at", "0", "--partition", "a"], ["--out", "x", "--table-offset", "z"]])
def test_extract_asks_for_one_thing(args):
    run("image", "extract", C3, *args, check=2)


def test_merge_fills_with_ff_and_says_what_lies_where(tmp_path):
    (tmp_path / "a").write_bytes(pattern(100))
    (tmp_path / "b").write_bytes(pattern(10, 2))
    out = tmp_path / "out"
    done = run("image", "merge", "--out", out, "0x200", tmp_path / "b", "0x10", tmp_path / "a", "--json")
    assert out.read_bytes() == b"\xff" * 16 + pattern(100) + b"\xff" * (0x200 - 116) + pattern(10, 2)
    assert [(f["at"], f["len"]) for f in json.loads(done.stdout)["files"]] == [(0x10, 100), (0x200, 10)]


@pytest.mark.parametrize("args,words", [
    (["0", "a", "50", "b"], "overlaps"), (["0x100000", "a", "--flash-size", "1MB"], "beyond the flash"),
    (["0x10", "a", "--target-offset", "0x20"], "before the target offset"), (["0", "absent"], "absent"),
    (["0xFFFFFFFF", "a"], "256 MB"), (["nvs", "big", "--table", "two_ota"], "exceeds the partition nvs"),
    (["0", "a", "--table", "absent"], "absent"),
])
def test_merge_refuses_what_does_not_fit(tmp_path, args, words):
    for name, size in (("a", 100), ("b", 10), ("big", 1 << 20)):
        (tmp_path / name).write_bytes(bytes(size))
    assert words in run("image", "merge", "--out", "out", *args, check=1, cwd=tmp_path).stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("args", [["0"], ["x", "a"], ["0", "a", "--flash-size", "0"], ["0", "a", "--flash-size", "1GB"],
                                  ["0", "a", "--target-offset", "z"], ["nvs", "a"]])
def test_merge_asks_for_pairs(tmp_path, args):
    (tmp_path / "a").write_bytes(b"a")
    run("image", "merge", "--out", "out", *args, check=2, cwd=tmp_path)


# ---- boot loaders, and what a chip's boot loader asks for ------------------------------------------------------------


def test_info_and_verify_know_a_boot_loader(tmp_path):
    desc = struct.pack("<BxxBI32s24s16x", 0x50, 3, 7, b"v6.1", b"Nov 24 2026 01:02:03")
    sections = [Section(".iram", 0x40800000, pattern(100), executable=True), Section(".dram0.bootdesc", 0x40810000, desc)]
    elf, out = tmp_path / "bootloader.elf", tmp_path / "bootloader.bin"
    elf.write_bytes(make_elf(sections, entry=0x40800000))
    run("image", "create", "--elf", elf, "--chip", "esp32c6", "--out", out)
    text = run("image", "info", out).stdout
    assert "boot loader, version 7" in text and "Nov 24 2026 01:02:03 with v6.1" in text and "good" in text
    assert info(out)["bootloader"] == {"version": 7, "secure_version": 3, "idf_ver": "v6.1",
                                       "date_time": "Nov 24 2026 01:02:03"}
    assert run("image", "verify", out, "--chip", "esp32c6", "--bootloader").stderr == ""
    run("image", "verify", out, "--chip", "esp32c6", check=1)

    damaged = bytearray(out.read_bytes())
    damaged[-1] ^= 1
    out.write_bytes(damaged)
    assert "SHA-256" in run("image", "info", out, check=1).stdout

    elf.write_bytes(make_elf(sections[:1], entry=0x40800000))
    run("image", "create", "--elf", elf, "--chip", "esp32c6", "--out", out)
    assert "nothing is mapped" in run("image", "info", out).stdout and info(out)["bootloader"] == {}
    assert "bootloader" not in info(C3)


@pytest.mark.parametrize("mapped", [1, 2, 3])
def test_verify_warns_of_mapped_segments_that_share_their_addresses(tmp_path, mapped):
    sections = [Section(".flash.appdesc", 0x42000020, app_desc())]
    sections += [Section(f".{i}", 0x42000020 + 0x10000 * i, pattern(50)) for i in range(1, mapped)]
    elf, out = tmp_path / "app.elf", tmp_path / "app.bin"
    elf.write_bytes(make_elf(sections, entry=0))
    for chip in ("esp32c6", "esp32c5"):
        run("image", "create", "--elf", elf, "--chip", chip, "--out", out)
        warning = run("image", "verify", out, "--chip", chip).stderr
        assert (f"this one has {mapped}" in warning) == (mapped != 2)
    assert run("image", "verify", C3).stderr == ""


def test_what_an_image_says_does_nothing_to_a_terminal(tmp_path):
    out = tmp_path / "out.bin"
    run("image", "edit-desc", C3, "--out", out, "--version", "1\x1b[31m", "--project", "a\nb", "--date", "\x07")
    for args in (["info", out], ["verify", out]):
        text = run("image", *args).stdout
        assert "\x1b" not in text and "\x07" not in text and "a\nb" not in text
    assert "\x1b" not in run("image", "compare", C3, out, check=1).stdout
    assert info(out)["desc"]["version"] == "1\x1b[31m"
