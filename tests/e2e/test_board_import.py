# SPDX-License-Identifier: Apache-2.0
"""`updraft board import`: the dump of a real chip becomes a board; what is guessed, on what ground, and what is refused.
The dumps are put together by esptool, which also made the images."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT, run

sys.path.insert(0, str(ROOT / "tests" / "support"))
from dumps import ABORTED, NEW, VALID, Dump  # noqa: E402
from elfmaker import Section, esp32c3_app, make_elf, pattern  # noqa: E402

MB = 1 << 20


def esptool(*args):
    subprocess.run([sys.executable, "-m", "esptool", *map(str, args)], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """What a build of ESP-IDF leaves: boot loader, table, two versions of an app."""
    folder = tmp_path_factory.mktemp("parts")

    def image(name, elf, *options):
        (folder / f"{name}.elf").write_bytes(elf)
        esptool("--chip", "esp32c3", "elf2image", "--flash-mode", "dio", "--flash-size", "4MB", *options,
                "-o", folder / f"{name}.bin", folder / f"{name}.elf")

    image("boot", make_elf([Section(".iram_loader.text", 0x403CC710, pattern(9000), True)], 0x403CC710))
    image("one", esp32c3_app("1.0.0", "lamp"), "--elf-sha256-offset", "0xb0")
    image("two", esp32c3_app("2.0.0", "lamp"), "--elf-sha256-offset", "0xb0")
    run("partition", "build", "two_ota", folder / "table.bin")
    run("partition", "build", "two_ota", folder / "table9.bin", "--offset", "0x9000")
    return folder


@pytest.fixture
def dump(tmp_path, parts):
    """dump(*esptool_options, **file_by_address): a dump by `esptool merge-bin`."""
    def make(*options, files=((0, "boot"), (0x8000, "table"), (0x10000, "one"), (0x110000, "two"))):
        path = tmp_path / "chip.bin"
        args = [x for addr, name in files for x in (hex(addr), parts / f"{name}.bin")]
        esptool("--chip", "esp32c3", "merge-bin", "-o", path, *options, *args)
        return path
    return make


def guess(path, *options):
    return json.loads(run("board", "import", path, "--dry-run", "--json", *options).stdout)


def test_a_whole_dump_is_imported_mapped_and_read_back(dump, parts, tmp_path):
    path = dump("--pad-to-size", "4MB")
    said = run("board", "import", path).stdout
    assert "ESP32-C3" in said and "the boot loader's image at 0x0 is for it" in said
    board = tmp_path / "chip.flash"
    assert board.read_bytes() == path.read_bytes(), "a dump is kept byte by byte"
    shown = json.loads(run("board", "map", board, "--json").stdout)
    assert (shown["chip"], shown["flash_size"], shown["runs"], shown["boots_next"]) == ("esp32c3", 4 * MB, "none",
                                                                                       "factory")
    held = {p["label"]: p.get("version") for p in shown["partitions"]}
    assert (held["factory"], held["ota_0"], held["ota_1"]) == ("1.0.0", "2.0.0", None)
    for label, name in (("factory", "one"), ("ota_0", "two")):
        run("board", "read", board, label, "--image", "-o", tmp_path / "out.bin")
        assert (tmp_path / "out.bin").read_bytes() == (parts / f"{name}.bin").read_bytes()


def test_a_board_that_was_imported_and_dumped_again_is_the_same_board(dump, tmp_path):
    run("board", "import", dump("--pad-to-size", "4MB"))
    (tmp_path / "again.bin").write_bytes((tmp_path / "chip.flash").read_bytes())
    run("board", "import", tmp_path / "again.bin")
    assert json.loads((tmp_path / "again.flash.json").read_text()) == json.loads(
        (tmp_path / "chip.flash.json").read_text())
    maps = [run("board", "map", tmp_path / name, "--json").stdout for name in ("chip.flash", "again.flash")]
    assert maps[0].replace("chip.flash", "X") == maps[1].replace("again.flash", "X")


def test_a_short_dump_takes_the_size_from_the_boot_loader(dump):
    shown = guess(dump())
    assert shown["flash_size"] == 4 * MB and shown["because"]["flash_size"] == "the boot loader's header says so"
    assert "taken for erased" in shown["notes"][0]


def test_a_table_elsewhere_is_searched(dump):
    path = dump("--pad-to-size", "4MB", files=((0, "boot"), (0x9000, "table9"), (0x20000, "one")))
    shown = guess(path)
    assert shown["table_offset"] == 0x9000 and "only sector" in shown["because"]["table"]
    assert guess(path, "--table-offset", "0x9000")["because"]["table"] == "given"


def test_an_update_that_was_being_tried_tells_of_rollback(parts, tmp_path):
    def with_entry(state, index=0):
        d = Dump(4 * MB).put(0, (parts / "boot.bin").read_bytes()).put(0x8000, (parts / "table.bin").read_bytes())
        return d.entry(0xD000, index, seq=1, state=state).save(tmp_path / "d.bin")

    for state, index, rollback in ((NEW, 0, True), (ABORTED, 1, True), (VALID, 1, True), (VALID, 0, False),
                                   (0xFFFFFFFF, 0, False)):
        assert guess(with_entry(state, index))["rollback"] is rollback, (state, index)
    assert guess(with_entry(NEW), "--no-rollback")["rollback"] is False


def test_without_a_boot_loader_the_apps_name_the_chip(dump):
    shown = guess(dump("--pad-to-size", "4MB", files=((0x8000, "table"), (0x110000, "two"))))
    assert shown["chip"] == "esp32c3" and "app in ota_0" in shown["because"]["chip"]


def test_an_image_of_another_chip_is_remarked_on(parts, dump, tmp_path):
    run("image", "create", "--raw", parts / "table.bin", "--chip", "esp32s3", "--out", tmp_path / "s3.bin")
    path = dump("--pad-to-size", "4MB")
    data = bytearray(path.read_bytes())
    data[0x210000:0x210000 + 2000] = (tmp_path / "s3.bin").read_bytes()[:2000]
    path.write_bytes(data)
    assert guess(path)["notes"] == ["the image in ota_1 is for ESP32-S3: this board refuses it"]


def test_options_override_what_would_be_guessed(dump, tmp_path):
    path = dump("--pad-to-size", "4MB")
    shown = guess(path, "--chip", "esp32s3", "--revision", "0.1", "--flash-size", "8MB", "--rollback")
    assert (shown["chip"], shown["revision"], shown["flash_size"], shown["rollback"]) == ("esp32s3", "0.1", 8 * MB, True)
    assert all(shown["because"][k] == "given" for k in ("chip", "revision", "flash_size", "rollback"))
    assert not list(tmp_path.glob("chip.flash*")), "a dry run makes nothing"
    shown = guess(path, "--anti-rollback")
    assert shown["rollback"] is True and shown["anti_rollback"] is True


# ---- what cannot be told -------------------------------------------------------------------------------------------------


@pytest.fixture
def table(parts):
    return (parts / "table.bin").read_bytes()


@pytest.fixture
def s3_image(parts, tmp_path):
    run("image", "create", "--raw", parts / "table.bin", "--chip", "esp32s3", "--out", tmp_path / "s3.bin")
    return (tmp_path / "s3.bin").read_bytes()


def refused(path, *options):
    done = run("board", "import", path, *options, check=1)
    assert done.stdout == "" and not list(path.parent.glob("*.flash*"))
    return done.stderr


def test_an_empty_chip_needs_its_name(tmp_path, table):
    path = Dump(4 * MB).put(0x8000, table).save(tmp_path / "d.bin")
    assert "with --chip" in refused(path)
    assert guess(path, "--chip", "esp32c6")["chip"] == "esp32c6"


def test_apps_that_disagree_need_the_name(tmp_path, table, parts, s3_image):
    path = Dump(4 * MB).put(0x8000, table).put(0x10000, (parts / "one.bin").read_bytes()).put(0x110000, s3_image).save(
        tmp_path / "d.bin")
    said = refused(path)
    assert "factory is for ESP32-C3 and ota_0 for ESP32-S3" in said and "--chip" in said


def test_two_boot_loaders_need_the_name(tmp_path, table, parts):
    loaders = {}
    for chip in ("esp32s3", "esp32"):
        run("image", "create", "--raw", parts / "table.bin", "--chip", chip, "--out", tmp_path / "x.bin")
        loaders[chip] = (tmp_path / "x.bin").read_bytes()
    path = Dump(4 * MB).put(0, loaders["esp32s3"][:0x1000]).put(0x1000, loaders["esp32"]).put(0x8000, table)
    path = path.save(tmp_path / "d.bin")
    said = refused(path)
    assert "ESP32-S3 at 0x0" in said and "ESP32 at 0x1000" in said and "--chip" in said
    assert guess(path, "--chip", "esp32")["chip"] == "esp32"


def test_no_table_or_a_damaged_one_is_refused_with_what_helps(tmp_path, table, parts):
    assert "encrypted" in refused(Dump(4 * MB).save(tmp_path / "d.bin"))
    damaged = bytearray(table)
    damaged[5] ^= 1
    path = Dump(4 * MB).put(0, (parts / "boot.bin").read_bytes()).put(0x8000, damaged).save(tmp_path / "d.bin")
    said = refused(path)
    assert "at 0x8000 cannot be used" in said and "--table" in said
    assert "no partition table at 0xa000" in refused(path, "--table-offset", "0xa000")
    run("board", "import", path, "--table", parts / "table.bin")
    assert (tmp_path / "d.flash").read_bytes()[0x8000:0x8000 + len(table)] == table


def test_two_tables_elsewhere_are_refused(tmp_path, table, parts):
    path = Dump(4 * MB).put(0x5000, table).put(0x6000, table).save(tmp_path / "d.bin")
    assert "0x5000 and 0x6000" in refused(path)
    assert guess(path, "--table-offset", "0x6000", "--chip", "esp32c3")["table_offset"] == 0x6000


def test_a_length_that_tells_nothing_needs_the_size(tmp_path, table, parts):
    d = Dump(3 * MB).put(0x8000, table).put(0x10000, (parts / "one.bin").read_bytes())
    path = d.save(tmp_path / "d.bin")
    assert "--flash-size" in refused(path)
    assert "larger --flash-size" in refused(path, "--flash-size", "2MB")
    assert guess(path, "--flash-size", "4MB")["flash_size"] == 4 * MB


@pytest.mark.parametrize("content", [b"", b"\xe9" * 100, bytes(5000)])
def test_what_is_no_dump_is_refused(tmp_path, content):
    (tmp_path / "d.bin").write_bytes(content)
    assert "d.bin" in refused(tmp_path / "d.bin")


def test_nothing_is_overwritten(dump, tmp_path):
    path = dump("--pad-to-size", "4MB")
    run("board", "import", path)
    assert "exists already" in run("board", "import", path, check=1).stderr
    run("board", "import", path, "--force")
    assert "is the dump itself" in run("board", "import", path, path, check=1).stderr
    assert "name a file for the board" in run("board", "import", tmp_path / "chip.flash", check=1).stderr
    assert "no-such" in run("board", "import", tmp_path / "no-such.bin", check=1).stderr


@pytest.mark.parametrize("options", [["--chip", "z80"], ["--chip", "host"], ["--flash-size", "big"],
                                     ["--table-offset", "0x8001"], ["--runs", "wild"], ["--revision", "new"],
                                     ["--anti-rollback", "--no-rollback"], ["b", "c"]])
def test_a_wrong_command_line_is_exit_2(dump, options):
    run("board", "import", dump("--pad-to-size", "4MB"), *options, check=2)
