# SPDX-License-Identifier: Apache-2.0
"""A second implementation of the boot loader's decision, written from the description of its rules alone.

State and outcome are as plain as can be; tests/agree/boot_driver.c prints the same lines for src/boot.
"""

import dataclasses
import zlib

NEW, PENDING_VERIFY, VALID, INVALID, ABORTED = range(5)
BLANK = 0xFFFFFFFF
FACTORY, TEST = -1, -2
ABSENT, PRESENT, SHORT = range(3)


def crc(seq):
    return zlib.crc32(seq.to_bytes(4, "little"), 0xFFFFFFFF)


@dataclasses.dataclass
class Entry:
    seq: int = BLANK
    state: int = BLANK
    crc: int = BLANK

    def is_blank(self):
        return self.seq == BLANK

    def has_crc(self):
        return self.crc == crc(self.seq)

    def is_invalid(self):
        return self.is_blank() or self.state in (INVALID, ABORTED)

    def is_valid(self):
        return not self.is_invalid() and self.has_crc()


@dataclasses.dataclass
class State:
    rollback: bool
    slots: int  # bit i: ota_i is there, and not empty
    n: int  # OTA entries of the table
    factory: bool
    test: bool
    otadata: int
    entry: list
    deep_sleep: bool
    reset_pin: bool
    test_pin: bool
    reset_erases_otadata: bool
    anti_rollback: bool
    bits: int
    level: int
    app: dict  # index: secure version, None if the description cannot be read

    def line(self):
        numbers = [self.rollback, self.slots, self.n, self.factory, self.test, self.otadata]
        for entry in self.entry:
            numbers += [entry.seq, entry.state, entry.crc]
        numbers += [self.deep_sleep, self.reset_pin, self.test_pin, self.reset_erases_otadata, self.anti_rollback,
                    self.bits, self.level]
        for index in [*range(16), FACTORY, TEST]:
            version = self.app[index]
            numbers += [version is not None, version or 0]
        return " ".join(str(int(number)) for number in numbers)

    def exists(self, index):
        if index >= 0:
            return bool(self.slots >> index & 1)
        return self.factory if index == FACTORY else self.test


class Reset(Exception):
    """Nothing is started."""


class Boot:
    def __init__(self, state):
        self.s = dataclasses.replace(state, entry=[dataclasses.replace(e) for e in state.entry])
        self.writes, self.raises = [], []
        self.data_erased = self.otadata_erased = False
        self.initial = False

    def rewrite(self, i, state):
        self.s.entry[i].state = state
        entry = self.s.entry[i]
        self.writes.append(f"{i}:{entry.seq}:{entry.state}:{entry.crc}")

    def recent_enough(self, index):
        version = self.s.app[index] if self.s.exists(index) else None
        return version is not None and version >= self.s.level

    def slot(self, entry):
        return (entry.seq - 1) % (1 << 32) % self.s.n

    def counts(self, entry):
        """Is it valid, also by anti-rollback?"""
        if not entry.is_valid() or self.s.n == 0:
            return False
        return not self.s.anti_rollback or self.recent_enough(self.slot(entry))

    def active(self):
        valid = [i for i in (0, 1) if self.counts(self.s.entry[i])]
        return max(valid, key=lambda i: (self.s.entry[i].seq, -i)) if valid else None

    def select(self):
        s = self.s
        self.initial = False
        if s.otadata == ABSENT:
            return FACTORY
        if s.otadata == SHORT:
            raise Reset
        if s.rollback:
            for i in (0, 1):
                if s.entry[i].state == PENDING_VERIFY:
                    self.rewrite(i, ABORTED)
        untouched = all(e.is_blank() or not e.has_crc() for e in s.entry)
        if s.anti_rollback and untouched:
            self.initial = True
            return FACTORY
        if not s.anti_rollback and (s.n == 0 or all(e.is_invalid() for e in s.entry)):
            if s.factory:
                return FACTORY
            self.initial = untouched
            return 0
        i = self.active()
        if i is None:
            return FACTORY
        start = self.slot(s.entry[i])
        if s.anti_rollback and s.entry[i].state == VALID and s.level < s.app[start] <= s.bits:
            s.level = s.app[start]
            self.raises.append(str(s.level))
        if s.rollback and s.entry[i].state == NEW:
            self.rewrite(i, PENDING_VERIFY)
        return start

    def start(self):
        s = self.s
        start = self.select()
        if s.deep_sleep:
            return start
        if s.reset_pin:
            self.data_erased = True
            if s.reset_erases_otadata and s.otadata == PRESENT:
                self.otadata_erased = True
                s.entry = [Entry(), Entry()]
            return self.select()
        if s.test_pin:
            if not s.test:
                raise Reset
            return TEST
        return start

    def candidates(self, start):
        order = [TEST]
        if start != TEST:
            order = [*range(start, -1, -1), FACTORY, *range(start + 1, self.s.n), TEST]
        return [i for i in order if self.s.exists(i) and (not self.s.anti_rollback or self.recent_enough(i))]

    def outcome(self):
        tail = ""
        try:
            start = self.start()
            candidates = self.candidates(start)
            if candidates:
                writes = self.initial and any(index >= 0 for index in candidates)  # once an OTA slot has loaded
                raises = writes and self.s.anti_rollback
                tail = f" start={start} after={writes:d},{raises:d} candidates={','.join(map(str, candidates))}"
        except Reset:
            pass
        return (f"{'try' if tail else 'reset'} write={','.join(self.writes)} raise={','.join(self.raises)} "
                f"erase={self.data_erased:d},{self.otadata_erased:d}{tail}")
