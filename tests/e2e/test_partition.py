# SPDX-License-Identifier: Apache-2.0
"""Partition tables at the command line: encodings and variables of CSV, what check finds, what diff says."""

import json
import os

import pytest

from conftest import VECTORS, run

SLOTS = "nvs,data,nvs,,16K\notadata,data,ota,,8K\n"
A_TABLE = SLOTS + "ota_0,app,ota_0,,1M\nota_1,app,ota_1,,1M\n"


@pytest.fixture
def table(tmp_path):
    """table(text or bytes, name) writes a file and gives its path."""

    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def labels(path, **kwargs):
    shown = json.loads(run("partition", "show", path, "--json", **kwargs).stdout)
    return [p["label"] for p in shown["partitions"]]


def findings(path, *args, check=0):
    shown = json.loads(run("partition", "check", path, "--json", *args, check=check).stdout)
    assert shown["good"] is (check == 0)
    return [(f["severity"], f["rule"]) for f in shown["findings"]], " ".join(f["text"] for f in shown["findings"])


# ---- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-be"])
def test_csv_in_other_encodings(table, encoding):
    text = A_TABLE.replace("nvs,data", "раздел😀,data")
    mark = "\ufeff" if encoding == "utf-32-be" else ""
    assert labels(table((mark + text).encode(encoding)))[0] == "раздел😀"


def test_bytes_that_do_not_decode_are_named_by_their_line(table):
    assert "line 3" in run("partition", "show", table(b"# a\n\n# \xff\n"), check=1).stderr
    assert "UTF-32" in run("partition", "show", table(A_TABLE.encode("utf-32")), check=1).stderr
    odd = A_TABLE.encode("utf-16") + b"x"
    assert f"line {A_TABLE.count(chr(10)) + 1}" in run("partition", "show", table(odd), check=1).stderr


def test_environment_variables(table):
    path = table("$FIRST\n" + A_TABLE.replace("16K", "${UD_SIZE}").replace("ota_1,app", " $UD_NAME,app"))
    env = dict(os.environ, FIRST="# a comment, $UD_NAME", UD_SIZE="0x4000", UD_NAME="second")
    assert labels(path, env=env) == ["nvs", "otadata", "ota_0", "second"]
    assert "line 1" in run("partition", "show", path, check=1, env=dict(env, FIRST="$UD_NAME")).stderr
    del env["FIRST"]
    done = run("partition", "show", path, check=1, env=env)
    assert "line 1" in done.stderr and "FIRST" in done.stderr and "not set" in done.stderr
    # Elsewhere in a line an unset name is text: a name, but no size.
    env = dict(env, FIRST="")
    del env["UD_NAME"]
    assert labels(path, env=env)[-1] == "$UD_NAME"
    del env["UD_SIZE"]
    assert "line 2" in run("partition", "show", path, check=1, env=env).stderr
    big = dict(env, FIRST="# " + "x" * 100000, UD_SIZE="16K", UD_NAME="n")
    assert labels(path, env=big)[-1] == "n"


def test_a_dump_holds_a_table(table):
    binary = (VECTORS / "ptable-a_two_ota.bin").read_bytes()
    dump = bytearray(b"\xff" * 0x20000)
    dump[0x8000:0x8C00] = binary
    assert labels(table(dump, "d")) == ["nvs", "otadata", "phy_init", "factory", "ota_0", "ota_1"]
    moved = bytearray(b"\xff" * 0x20000)
    moved[0x10000:0x10C00] = binary
    path = table(moved, "m")
    assert "--offset" in run("partition", "show", path, check=1).stderr
    assert run("partition", "show", path, "--offset", "0x10000").stdout
    assert "same" in run("partition", "diff", table(dump, "d"), path, "--new-offset", "0x10000").stdout


def test_two_rules_for_binary_tables(table):
    """The boot loader does not judge overlap, the generator does; the generator takes a second MD5 entry."""
    binary = bytearray((VECTORS / "ptable-a_two_ota.bin").read_bytes())
    no_md5 = binary[:0xC0] + b"\xff" * (0xC00 - 0xC0)
    no_md5[0xA4:0xA8] = no_md5[0x84:0x88]
    overlap = table(no_md5, "overlap")
    run("partition", "show", overlap)
    assert "overlaps" in run("partition", "show", overlap, "--rules", "generator", check=1).stderr
    assert "overlaps" in run("partition", "build", overlap, overlap.with_suffix(".out"), check=1).stderr
    binary[0xE0:0x100] = binary[0xC0:0xE0]
    twice = table(binary, "twice")
    assert "second MD5" in run("partition", "show", twice, check=1).stderr
    run("partition", "show", twice, "--rules", "generator")
    run("partition", "build", twice, twice.with_suffix(".out"))
    assert twice.with_suffix(".out").read_bytes() == (VECTORS / "ptable-a_two_ota.bin").read_bytes()
    run("partition", "show", twice, "--rules", "mine", check=2)


# ---- check -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["single_app", "two_ota", "two_ota_large", VECTORS / "ptable-b_flags_mixed.bin"])
def test_good_tables_pass(name):
    options = ["--primary-bootloader-offset", "0x1000"]
    assert findings(name, "--strict", *options) == ([], "")
    assert "nothing is wrong" in run("partition", "check", name, *options).stdout


SIXTEEN = SLOTS + "".join(f"s{i},app,ota_{i},,64K\n" for i in range(16))


@pytest.mark.parametrize("csv,rule,words", [
    (SLOTS + "a,app,ota_0,,1M\nb,app,ota_2,,1M\n", "gapped-slots", "counts 2 OTA slots, the app 1"),
    (SLOTS + "f,app,factory,,1M\nb,app,ota_1,,1M\n", "gapped-slots", "counts 1 OTA slots, the app 0"),
    (SIXTEEN + "t,app,test,,64K\n", "sixteen-slots-and-test", "16"),
    ("a,app,ota_0,,1M\nb,app,ota_1,,1M\n", "no-otadata", "otadata"),
    (SLOTS + "a,app,factory,,1M\n", "otadata-without-slots", "no OTA slot"),
    (SLOTS + "a,app,ota_0,,1M\n", "one-slot", "only OTA slot"),
    ("a,app,factory,,1M\nb,app,factory,,1M\n", "twice", "the app takes the first"),
    (SLOTS + "a,app,ota_0,,1M\nb,app,ota_1,,2M\n", "slot-sizes", "1M to 2M"),
    ("a,app,factory,,1M\nb,data,fat,,0x1001\n", "part-of-a-sector", "0x1001"),
    ("a,app,factory,,1M\nb,data,fat,,0\n", "empty", "no size"),
    ("a,app,factory,,1M\nnvs,data,fat,,4K\n", "misleading-name", "line 2"),
])
def test_doubtful_tables_are_warned_about(table, csv, rule, words):
    path = table(csv)
    found, text = findings(path)
    assert ("warning", rule) in found and words in text
    assert all(severity == "warning" for severity, _ in found)
    findings(path, "--strict", check=1)
    assert words in run("partition", "check", path).stdout


@pytest.mark.parametrize("csv,rule,words", [
    ("a,app,factory,,1M\nb,app,ota_0,0x11000,1M\n", "below-previous-end", "line 2"),
    ("a,app,factory,,zebra\n", "bad-number", "zebra"),
    ("a,data,fat,,1M\n", "no-app", "nothing to boot"),
    ("", "no-app", "nothing to boot"),
    ("abcdefghijklmnopX,app,ota_0,,1M\nabcdefghijklmnopY,app,ota_1,,1M\n", "duplicate-name", "back"),
])
def test_bad_tables_are_errors(table, csv, rule, words):
    found, text = findings(table(csv), check=1)
    assert ("error", rule) in found and words in text


def test_check_of_binaries_asks_both_readers(table):
    binary = bytearray((VECTORS / "ptable-a_two_ota.bin").read_bytes())
    assert findings(table(binary, "ok.bin"), "--flash-size", "4MB") == ([], "")
    found, text = findings(table(binary, "ok.bin"), "--flash-size", "1MB", check=1)
    assert found == [("error", "boot-loader"), ("error", "flash-size")]
    assert "the boot loader: entry at byte 0x60" in text and "the generator" in text
    found, _ = findings(table(binary[:0xC0] + b"\xff" * 64, "no_md5.bin"))
    assert found == [("warning", "no-md5")]
    flagged = bytearray(binary[:0xC0] + b"\xff" * 64)
    flagged[0x3C] = 4
    assert findings(table(flagged, "flag.bin"))[0] == [("warning", "unknown-flags"), ("warning", "no-md5")]
    binary[0xD5] ^= 1
    assert [rule for _, rule in findings(table(binary, "bad.bin"), check=1)[0]] == ["boot-loader", "md5-mismatch"]
    short = bytearray(b"\xff" * 0x9000)
    short[0x8000:0x8C00] = (VECTORS / "ptable-a_two_ota.bin").read_bytes()
    assert {rule for _, rule in findings(table(short, "short"))[0]} == {"beyond-the-dump"}


def test_check_of_a_missing_file_is_exit_1(tmp_path):
    assert "no-such" in run("partition", "check", tmp_path / "no-such", check=1).stderr


# ---- diff ------------------------------------------------------------------------------------------------------------


def changes(old, new, *args, check=1):
    shown = json.loads(run("partition", "diff", old, new, "--json", *args, check=check).stdout)
    assert shown["same"] is (check == 0)
    return [(c["label"], c["change"]) for c in shown["changes"]]


def test_equal_tables_are_the_same_whatever_their_form(table):
    path = table(A_TABLE)
    run("partition", "build", path, path.with_suffix(".bin"))
    assert changes(path, path.with_suffix(".bin"), check=0) == []
    assert run("partition", "diff", path, path.with_suffix(".bin")).stdout == "The tables are the same.\n"


@pytest.mark.parametrize("new,expected,words", [
    (A_TABLE + "fs,data,fat,,64K\n", [("fs", "added")], "fs: added (data/fat, 64K at 0x210000)"),
    (A_TABLE.replace("ota_1,app,ota_1,,1M\n", ""), [("ota_1", "removed")], "ota_1: removed (app/ota_1, 1M at 0x110000)"),
    (A_TABLE.replace("ota_1,,1M", "ota_1,,1536K"), [("ota_1", "resized")], "resized from 1M to 1536K (512K larger)"),
    (A_TABLE.replace("ota_1,,1M", "ota_1,0x200000,1M"), [("ota_1", "moved")], "moved from 0x110000 to 0x200000"),
    (A_TABLE.replace("ota_1,app", "second,app"), [("ota_1", "renamed")], "ota_1: renamed to second"),
    (A_TABLE.replace("nvs,data,nvs", "nvs,data,fat"), [("nvs", "type")], "nvs: changed from data/nvs to data/fat"),
    (A_TABLE.replace("16K", "16K,encrypted"), [("nvs", "flags")], "nvs: is now encrypted"),
    (A_TABLE.replace("16K", "16K,readonly:encrypted"), [("nvs", "flags")] * 2, "nvs: is now readonly"),
], ids=["added", "removed", "resized", "moved", "renamed", "type", "flag", "flags"])
def test_changes_in_words(table, new, expected, words):
    old, new = table(A_TABLE, "old.csv"), table(new, "new.csv")
    assert changes(old, new) == expected
    assert words in run("partition", "diff", old, new, check=1).stdout
    assert len(changes(new, old)) == len(expected)


def test_order_and_md5_are_compared(table):
    binary = (VECTORS / "ptable-a_two_ota.bin").read_bytes()
    swapped = table(binary[32:64] + binary[:32] + binary[64:0xC0] + b"\xff" * 64, "swapped")
    assert changes(VECTORS / "ptable-a_two_ota.bin", swapped) == [("", "order"), ("", "md5")]


def test_a_table_that_cannot_be_read_is_exit_2(table):
    good, bad = table(A_TABLE), table("nonsense", "bad.csv")
    assert "bad.csv" in run("partition", "diff", good, bad, check=2).stderr
    assert "bad.csv" in run("partition", "diff", bad, good, check=2).stderr
    run("partition", "diff", good, check=2)
