# SPDX-License-Identifier: Apache-2.0
"""A small writer of 32-bit little-endian ELF executables, so that esptool can be given a firmware without a cross
compiler, and of the 256-byte application description that stands in its first mapped section.

    elf = make_elf([Section(".flash.appdesc", 0x3C000020, app_desc(version="1.0.0"))], entry=0x42000020)
"""

import struct
from dataclasses import dataclass

EM_XTENSA = 94
EM_RISCV = 243

_EHDR = struct.Struct("<16sHHIIIIIHHHHHH")
_PHDR = struct.Struct("<8I")
_SHDR = struct.Struct("<10I")
_STRTAB = 3
_ALLOC, _EXEC = 2, 4


@dataclass
class Section:
    name: str
    addr: int
    data: bytes
    executable: bool = False
    type: int = 1  # SHT_PROGBITS


def app_desc(version="1.0.0", project="made", secure_version=0, time="12:34:56", date="Jan  2 2025",
             idf_ver="v5.5-made", mmu_page_log2=16, efuse=(0, 199), spi_mode=3):
    """The description as a linker would place it: the SHA-256 of the ELF is left zero, for esptool to fill in."""
    def text(value, size):
        raw = value.encode()
        assert len(raw) <= size
        return raw.ljust(size, b"\0")

    desc = struct.pack("<II8x", 0xABCD5432, secure_version)
    desc += text(version, 32) + text(project, 32) + text(time, 16) + text(date, 16) + text(idf_ver, 32)
    desc += bytes(32) + struct.pack("<HHBB2x", efuse[0], efuse[1], mmu_page_log2, spi_mode) + bytes(72)
    assert len(desc) == 256
    return desc


def pattern(size, seed=1):
    """`size` bytes that no two sections share and that do not compress."""
    state, out = seed or 1, bytearray()
    while len(out) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out += struct.pack("<Q", state ^ state >> 29)
    return bytes(out[:size])


def make_elf(sections, entry, machine=EM_RISCV):
    """An executable with one section and one program header for each of `sections`, in that order."""
    names = b"\0" + b"".join(s.name.encode() + b"\0" for s in sections) + b".shstrtab\0"
    body = bytearray(_EHDR.size + _PHDR.size * len(sections))
    program, table = b"", _SHDR.pack(*[0] * 10)
    name_at = 1
    for s in sections:
        body += bytes(-len(body) % 16)
        flags = _ALLOC | (_EXEC if s.executable else 0)
        program += _PHDR.pack(1, len(body), s.addr, s.addr, len(s.data), len(s.data), 5 if s.executable else 6, 16)
        table += _SHDR.pack(name_at, s.type, flags, s.addr, len(body), len(s.data), 0, 0, 16, 0)
        body += s.data
        name_at += len(s.name) + 1
    table += _SHDR.pack(name_at, _STRTAB, 0, 0, len(body), len(names), 0, 0, 1, 0)
    body += names
    body += bytes(-len(body) % 16)
    ident = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    head = _EHDR.pack(ident, 2, machine, 1, entry, _EHDR.size, len(body), 0, _EHDR.size, _PHDR.size, len(sections),
                      _SHDR.size, len(sections) + 2, len(sections) + 1)
    body[:len(head) + len(program)] = head + program
    return bytes(body + table)


def esp32c3_app(version="1.0.0", project="made", text_size=0x14000, rodata_size=0x4000, secure_version=0):
    """The ELF of an ESP32-C3 application: mapped read-only data and code (64 KiB and more), two RAM segments."""
    desc = app_desc(version, project, secure_version)
    return make_elf([
        Section(".flash.appdesc", 0x3C020020, desc),
        Section(".flash.rodata", 0x3C020120, pattern(rodata_size, 2)),
        Section(".flash.text", 0x42000020, pattern(text_size, 3), executable=True),
        Section(".dram0.data", 0x3FC8A000, pattern(0x900, 4)),
        Section(".iram0.text", 0x40380000, pattern(0x2340, 5), executable=True),
    ], entry=0x40380004)
