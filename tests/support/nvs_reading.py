# SPDX-License-Identifier: Apache-2.0
"""A second reading of NVS partitions, written from docs/formats/nvs.md alone and shared with nothing.

    Reading(bytes).keys      {(namespace, key): (type, value)}, strings with their NUL, numbers as on flash
    Reading(bytes).faults    all that a sound partition has not: what init of a device would have to mend
"""

import collections
import dataclasses
import struct
import zlib

PAGE, ENTRIES, ENTRY = 4096, 126, 32
BLANK, ACTIVE, FULL, FREEING = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8
EMPTY, WRITTEN, ERASED = 3, 2, 0
SCALARS = {0x01: 1, 0x11: 1, 0x02: 2, 0x12: 2, 0x04: 4, 0x14: 4, 0x08: 8, 0x18: 8, 0x24: 4, 0x28: 8}
STRING, BLOB_1, CHUNK, INDEX = 0x21, 0x41, 0x42, 0x48
NAMES = {0x01: "u8", 0x11: "i8", 0x02: "u16", 0x12: "i16", 0x04: "u32", 0x14: "i32", 0x08: "u64", 0x18: "i64",
         0x24: "float", 0x28: "double", STRING: "string", CHUNK: "blob"}


def crc(data):
    return zlib.crc32(data, 0xFFFFFFFF)


@dataclasses.dataclass
class Item:
    ns: int
    type: int
    span: int
    chunk: int
    key: str
    value: bytes
    data: bytes
    place: str


class Reading:
    def __init__(self, image):
        self.faults, self.keys, self.items = [], {}, []
        self.blank = 0
        pages = []
        for number in range(len(image) // PAGE):
            page = image[number * PAGE:(number + 1) * PAGE]
            state, seq = struct.unpack_from("<II", page)
            if state == BLANK:
                self.blank += 1
                if page != b"\xff" * PAGE:
                    self.faults.append(f"page {number}: says that it is blank")
            elif crc(page[4:28]) != struct.unpack_from("<I", page, 28)[0]:
                self.faults.append(f"page {number}: CRC of the header")
            elif state not in (ACTIVE, FULL, FREEING) or page[8] not in (0xFE, 0xFF) or page[9:28] != b"\xff" * 19:
                self.faults.append(f"page {number}: header")
            else:
                if state == FREEING:
                    self.faults.append(f"page {number}: was being copied")
                pages.append((seq, number, state, page))
        pages.sort(key=lambda p: p[0])
        if len({p[0] for p in pages}) != len(pages):
            self.faults.append("two pages of one sequence")
        if any(state == ACTIVE for _, _, state, _ in pages[:-1]):
            self.faults.append("a page before the last one is active")
        for _, number, state, page in pages:
            self.read_page(number, state, page)
        self.collect()

    def read_page(self, number, state, page):
        states = [page[32 + i // 4] >> i % 4 * 2 & 3 for i in range(ENTRIES)]
        if page[63] >> 4 != 0xF:
            self.faults.append(f"page {number}: the last bits of the map")
        at = 0
        while at < ENTRIES:
            place = f"page {number}, entry {at}"
            entry = page[64 + ENTRY * at:64 + ENTRY * (at + 1)]
            if states[at] == EMPTY and (entry != b"\xff" * ENTRY or any(s != EMPTY for s in states[at:])):
                self.faults.append(f"{place}: is empty, but written to, or before one that is not")
            if states[at] not in (EMPTY, WRITTEN, ERASED):
                self.faults.append(f"{place}: state 1")
            if states[at] != WRITTEN:
                at += 1
                continue
            item = self.read_item(page, at, place)
            if item is None or any(s != WRITTEN for s in states[at:at + item.span]):
                self.faults.append(f"{place}: no sound item")
                at += 1
                continue
            self.items.append(item)
            at += item.span

    def read_item(self, page, at, place):
        entry = page[64 + ENTRY * at:64 + ENTRY * (at + 1)]
        ns, kind, span, chunk, sum_ = struct.unpack_from("<BBBBI", entry)
        if crc(entry[:4] + entry[8:]) != sum_:
            return None
        key = entry[8:24].split(b"\0")[0].decode()
        if entry[8 + len(key):24] != b"\0" * (16 - len(key)) or len(key) > 15:
            self.faults.append(f"{place}: key")
        value, data = entry[24:], b""
        if kind in SCALARS:
            if span != 1 or chunk != 0xFF or value[SCALARS[kind]:] != b"\xff" * (8 - SCALARS[kind]):
                return None
            value = value[:SCALARS[kind]]
        elif kind == INDEX:
            if span != 1 or chunk != 0xFF or value[6:] != b"\xff\xff":
                return None
        elif kind in (STRING, BLOB_1, CHUNK):
            length, filler, data_crc = struct.unpack("<HHI", value)
            if span != 1 + (length + 31) // 32 or at + span > ENTRIES or filler != 0xFFFF:
                return None
            if (chunk != 0xFF) != (kind == CHUNK):
                return None
            rest = page[64 + ENTRY * (at + 1):64 + ENTRY * (at + span)]
            data = rest[:length]
            if crc(data) != data_crc or rest[length:] != b"\xff" * (len(rest) - length):
                self.faults.append(f"{place}: data")
        else:
            return None
        return Item(ns, kind, span, chunk, key, value, data, place)

    def collect(self):
        names = {i.value[0]: i.key for i in self.items if i.ns == 0}
        if len(set(names.values())) != len([i for i in self.items if i.ns == 0]):
            self.faults.append("a namespace is there twice")
        chunks = collections.defaultdict(dict)
        for item in self.items:
            if item.type == CHUNK:
                if item.chunk in chunks[item.ns, item.key]:
                    self.faults.append(f"{item.place}: a chunk is there twice")
                chunks[item.ns, item.key][item.chunk] = item.data
        for item in self.items:
            if item.ns == 0 or item.type == CHUNK:
                continue
            where = (names.get(item.ns, f"?{item.ns}"), item.key)
            if item.ns not in names:
                self.faults.append(f"{item.place}: in no namespace")
            if where in self.keys:
                self.faults.append(f"{item.place}: {where} is there twice")
            self.keys[where] = self.read_value(item, chunks)
        for (ns, key), left in chunks.items():
            if left:
                self.faults.append(f"chunks of {ns}/{key} without an index: {sorted(left)}")

    def read_value(self, item, chunks):
        if item.type in SCALARS:
            return item.type, item.value
        if item.type in (STRING, BLOB_1):
            return (STRING if item.type == STRING else CHUNK), item.data
        size, count, start = struct.unpack_from("<IBB", item.value)
        mine = chunks[item.ns, item.key]
        data = b""
        for i in range(start, start + count):
            if i not in mine:
                self.faults.append(f"{item.place}: chunk {i} is missing")
            data += mine.pop(i, b"")
        if len(data) != size or start not in (0, 0x80):
            self.faults.append(f"{item.place}: index")
        return CHUNK, data
