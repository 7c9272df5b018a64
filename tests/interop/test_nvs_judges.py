# SPDX-License-Identifier: Apache-2.0
"""Partitions of keys and values, judged by ESP-IDF's own generator and by a second reading of the format.

UD_NVS_LIVES says how many random lives with power cuts are lived in all (1,000), UD_SEED where they begin.
"""

import os
import pathlib
import random
import subprocess
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from nvs_reading import CHUNK, NAMES, SCALARS, STRING, Reading  # noqa: E402

DRIVER = pathlib.Path(os.environ.get("UD_BUILD", ROOT / "build" / "dev")) / "tests" / "nvs_driver"
SEED = int(os.environ.get("UD_SEED", "1"))
LIVES = int(os.environ.get("UD_NVS_LIVES", "1000"))
PARTS = 10
CALLS = 12
INTEGERS = [kind for kind in SCALARS if NAMES[kind] not in ("float", "double")] # that the generator knows


def driver(*args, **kwargs):
    done = subprocess.run([DRIVER, *map(str, args)], capture_output=True, text=True, timeout=170, **kwargs)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_keys(text):
    """The lines of nvs_driver."""
    keys = {}
    for line in text.splitlines():
        ns, key, kind, value = line.split(" ")
        keys[ns, key] = (int(kind, 16), b"" if value == "-" else bytes.fromhex(value))
    return keys


def write_keys(keys):
    return "".join(f"{ns} {key} {kind:02x} {value.hex() or '-'}\n" for (ns, key), (kind, value) in keys.items())


def dump(image):
    """(keys, how often init wrote) by our own reading."""
    lines = driver("dump", image).splitlines()
    return read_keys("\n".join(lines[:-1])), int(lines[-1].removeprefix("writes "))


# ---- lives -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("part", range(PARTS))
def test_lives_with_power_cuts_leave_what_another_reader_reads(part, tmp_path):
    count = max(1, LIVES // PARTS)
    first = SEED + part * count
    driver("life", first, count, CALLS, tmp_path)
    some = 0
    for seed in range(first, first + count):
        reading = Reading((tmp_path / f"{seed}.bin").read_bytes())
        assert reading.faults == [], seed
        assert reading.blank >= 1, seed
        assert reading.keys == read_keys((tmp_path / f"{seed}.txt").read_text()), seed
        some += len(reading.keys)
    assert some > 3 * count


# ---- ESP-IDF's generator ---------------------------------------------------------------------------------------------

def generate(folder, name, rows, size, version=2):
    """Rows (namespace, key, type, value) by esp-idf-nvs-partition-gen."""
    lines, last = ["key,type,encoding,value"], None
    for ns, key, kind, value in rows:
        if ns != last:
            lines.append(f"{ns},namespace,,")
            last = ns
        if kind in SCALARS:
            signed = kind & 0x10 != 0
            lines.append(f"{key},data,{NAMES[kind]},{int.from_bytes(value, 'little', signed=signed)}")
        elif kind == STRING:
            lines.append(f"{key},data,string,{value[:-1].decode()}")
        else:
            lines.append(f"{key},data,hex2bin,{value.hex()}")
    table, image = folder / f"{name}.csv", folder / f"{name}.bin"
    table.write_text("\n".join(lines) + "\n")
    from esp_idf_nvs_partition_gen import nvs_partition_gen  # heavy, and only needed here
    nvs_partition_gen.generate(types.SimpleNamespace(input=str(table), output=str(image), size=hex(size),
                                                     version=version, outdir=str(folder)))
    return image


def random_rows(r, budget, longest, strings_to=1984):
    """Keys that take about `budget` entries, in namespaces one after the other."""
    rows, used = [], 0
    for ns in ("wifi", "app_settings_15", "ota")[:r.randint(1, 3)]:
        used += 1
        for i in range(r.randint(1, 12)):
            kind = r.choice([*INTEGERS, STRING, STRING, CHUNK, CHUNK])
            if kind in SCALARS:
                value = r.randbytes(SCALARS[kind])
            elif kind == STRING:
                length = r.choice([0, 1, 30, 31, 32, 100, strings_to - 1])
                value = "".join(r.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length)).encode() + b"\0"
            else:
                value = r.randbytes(r.choice([1, 31, 32, 33, 400, longest]))
            cost = 1 if kind in SCALARS else 3 + len(value) // 32
            if used + cost > budget:
                continue
            used += cost
            rows.append((ns, f"key_{i}", kind, value))
    return rows or [("wifi", "only", 0x01, b"\x07")]


@pytest.mark.parametrize("version", [1, 2])
def test_partitions_of_the_generator_are_read_without_a_write(version, tmp_path):
    r = random.Random(SEED)
    for n in range(40):
        pages = r.randint(3, 8)
        rows = random_rows(r, (pages - 2) * 126, 1984 if version == 1 else 6000)
        image = generate(tmp_path, f"{version}-{n}", rows, pages * 4096, version)
        expected = {(ns, key): (kind, value) for ns, key, kind, value in rows}
        reading = Reading(image.read_bytes())
        assert (reading.faults, reading.keys) == ([], expected), n
        keys, writes = dump(image)
        assert writes == 0, n
        if version == 1: # as with ESP-IDF, a walk does not meet blobs of version 1
            expected = {k: v for k, v in expected.items() if v[0] != CHUNK}
        assert keys == expected, n


def test_values_on_one_page_are_the_generators_bytes(tmp_path):
    r = random.Random(SEED)
    for n in range(40):
        rows = random_rows(r, 120, 400, strings_to=101)
        image = generate(tmp_path, str(n), rows, 3 * 4096)
        blank = tmp_path / "blank.bin"
        blank.write_bytes(b"\xff" * 3 * 4096)
        ours = tmp_path / "ours.bin"
        driver("apply", blank, ours, input=write_keys({(ns, key): (kind, value) for ns, key, kind, value in rows}))
        assert ours.read_bytes() == image.read_bytes(), n


@pytest.mark.parametrize("version", [1, 2])
def test_what_we_change_in_a_generated_partition_is_read_by_others(version, tmp_path):
    r = random.Random(SEED + version)
    for n in range(30):
        rows = random_rows(r, 200, 1984)
        image = generate(tmp_path, f"{version}-{n}", rows, 6 * 4096, version)
        keys = {(ns, key): (kind, value) for ns, key, kind, value in rows}
        commands = ""
        for ns, key, kind, value in random_rows(r, 200, 3000) + random_rows(r, 60, 33):
            keys[ns, key] = (kind, value)
            commands += write_keys({(ns, key): (kind, value)})
        for ns, key in r.sample(sorted(keys), min(4, len(keys))):
            del keys[ns, key]
            commands += f"{ns} {key} erase -\n"
        ours = tmp_path / "ours.bin"
        driver("apply", image, ours, input=commands)
        reading = Reading(ours.read_bytes())
        assert (reading.faults, reading.keys) == ([], keys), n


def test_read_only_partitions_of_one_and_two_pages_are_read(tmp_path):
    rows = [("storage", "answer", 0x04, (42).to_bytes(4, "little")), ("storage", "text", STRING, b"so small\0")]
    for pages in (1, 2):
        image = generate(tmp_path, str(pages), rows, pages * 4096)
        keys, writes = dump(image)
        assert writes == 0
        assert keys == {(ns, key): (kind, value) for ns, key, kind, value in rows}


# ---- the second reading, judged itself -------------------------------------------------------------------------------

def test_the_second_reading_finds_faults(tmp_path):
    rows = [("storage", "answer", 0x04, (42).to_bytes(4, "little")), ("storage", "text", STRING, b"some text\0"),
            ("storage", "blob", CHUNK, bytes(100))]
    good = generate(tmp_path, "good", rows, 3 * 4096).read_bytes()
    assert Reading(good).faults == []
    missed = []
    for at in [*range(0, 36), *range(64, 64 + 32 * 10)]: # header, the states in use, entries
        for bit in range(8):
            bad = bytearray(good)
            bad[at] ^= 1 << bit
            if not Reading(bytes(bad)).faults and at >= 4:
                missed.append((at, bit))
    # A state that turns into "erased" is what erasing does: the item is gone, or has an entry missing.
    assert all(32 <= at < 36 for at, _ in missed), missed
