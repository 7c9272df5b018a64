# SPDX-License-Identifier: Apache-2.0
"""Partition tables against recorded verdicts of ESP-IDF's generator (tests/vectors/oracle).

Every row that does not hang on odd syntax must agree: verdict, line of the error, binary, CSV printed back. UPDRAFT
names the command under test; it defaults to the development build.
"""

import base64
import gzip
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORACLE = ROOT / "tests" / "vectors" / "oracle"
UPDRAFT = os.environ.get("UPDRAFT", str(ROOT / "build" / "dev" / "bin" / "updraft"))

# Read by the generator, refused by the boot loader and by us: a second MD5 entry, an end beyond 0xC00 bytes.
BOOT_LOADER_REFUSES = {"two_md5", "md5_mid", "no_term_full"}


def rows(name):
    with gzip.open(ORACLE / name, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def options(opts):
    args = []
    for key, value in opts.items():
        args.append("--" + key.replace("_", "-"))
        if value is not True:
            args.append(str(value))
    return args


def updraft(*args):
    return subprocess.run([UPDRAFT, *map(str, args)], capture_output=True, text=True, timeout=60)


def csv_bytes(row):
    return row["csv"].encode() if "csv" in row else base64.b64decode(row["csv_b64"])


def is_binary(data):
    """Only these are taken for a binary table by the command."""
    return data[:2] in (b"\xaaP", b"\xeb\xeb")


CSV_ROWS = [r for r in rows("partition-csv.jsonl.gz") if r["plain"]]


def test_the_sample_is_there():
    assert len(CSV_ROWS) > 300


@pytest.mark.parametrize("part", range(8))
def test_csv_rows_agree(tmp_path, part):
    wrong = []
    for row in CSV_ROWS[part::8]:
        source, out = tmp_path / "t.csv", tmp_path / "t.bin"
        source.write_bytes(csv_bytes(row))
        out.unlink(missing_ok=True)
        done = updraft("partition", "build", source, out, *options(row["opts"]))
        if row["verdict"] == "error":
            if done.returncode != 1 or out.exists():
                wrong.append(f"{row['id']}: accepted, expected {row['class']}")
            elif "line" in row and f"line {row['line']}" not in done.stderr:
                wrong.append(f"{row['id']}: line {row['line']} not named: {done.stderr}")
            continue
        expected = base64.b64decode(row["bin_b64"]).ljust(0xC00, b"\xff")
        if done.returncode != 0:
            wrong.append(f"{row['id']}: refused: {done.stderr}")
        elif out.read_bytes() != expected:
            wrong.append(f"{row['id']}: another binary")
    assert not wrong, "\n".join(wrong)


def test_csv_printed_back_agrees(tmp_path):
    wrong = []
    for row in CSV_ROWS:
        expected = row.get("back", {}).get("rows")
        if not expected:
            continue
        source = tmp_path / "t.bin"
        source.write_bytes(base64.b64decode(row["bin_b64"]).ljust(0xC00, b"\xff"))
        done = updraft("partition", "show", source, "--csv")
        printed = [line.split(",") for line in done.stdout.splitlines() if not line.startswith("#")]
        if printed != expected:
            wrong.append(f"{row['id']}: {printed} instead of {expected} {done.stderr}")
    assert not wrong, "\n".join(wrong)


def test_good_binary_tables_are_read(tmp_path):
    """What the generator reads, we read, with the same rows; what is damaged, we refuse."""
    wrong, seen = [], 0
    for row in rows("partition-binary.jsonl.gz"):
        data = base64.b64decode(row["bin_b64"]) + b"\xff" * row["ff"]
        if row["read_as"] != "binary" or not is_binary(data):
            continue
        damaged = row.get("class") in {"md5-mismatch", "no-terminator", "bad-magic"}
        refused = damaged or row["tag"] in BOOT_LOADER_REFUSES
        if row["verdict"] != "ok" and not damaged:
            continue
        source = tmp_path / "t.bin"
        source.write_bytes(data)
        done = updraft("partition", "show", source, "--csv")
        printed = [line.split(",") for line in done.stdout.splitlines() if not line.startswith("#")]
        seen += 1
        if refused and done.returncode != 1:
            wrong.append(f"{row['id']} {row['tag']}: accepted")
        if not refused and printed != row["rows"]:
            wrong.append(f"{row['id']} {row['tag']}: {printed} {done.stderr}")
    assert seen > 20
    assert not wrong, "\n".join(wrong)
