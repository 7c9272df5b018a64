# SPDX-License-Identifier: Apache-2.0
"""Dumps of a real chip's flash, piece by piece, so that tests can make any odd one.

    dump = Dump(4 << 20)
    dump.put(0x8000, table)
    dump.entry(0xD000, 0, seq=2, state=NEW)
    dump.save(path)
"""

import hashlib
import struct
import zlib

NEW, PENDING_VERIFY, VALID, INVALID, ABORTED, UNDEFINED = 0, 1, 2, 3, 4, 0xFFFFFFFF
SECTOR = 0x1000


def otadata_crc(seq):
    """CRC-32 of the four bytes, started at all ones, as the chips' ROM computes it."""
    return zlib.crc32(struct.pack("<I", seq), 0xFFFFFFFF)


class Dump:
    def __init__(self, size):
        self.data = bytearray(b"\xff" * size)

    def put(self, addr, content):
        assert addr + len(content) <= len(self.data)
        self.data[addr:addr + len(content)] = content
        return self

    def entry(self, otadata, index, seq, state=UNDEFINED, crc=None):
        """One entry of otadata; `crc` None: the right one."""
        crc = otadata_crc(seq) if crc is None else crc
        return self.put(otadata + index * SECTOR, struct.pack("<I20sII", seq, b"\xff" * 20, state, crc))

    def save(self, path):
        path.write_bytes(self.data)
        return path


def table(rows):
    """A binary table with its MD5, whatever the generator's rules: (label, type, subtype, address, size) each."""
    entries = b"".join(struct.pack("<HBBII16sI", 0x50AA, kind, sub, addr, size, label.encode(), 0)
                       for label, kind, sub, addr, size in rows)
    md5 = b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()
    return (entries + md5).ljust(0xC00, b"\xff")
