# SPDX-License-Identifier: Apache-2.0
"""Random states of a board, decided by boot_model.py and by src/boot: the same slot, order, writes and eFuses.

UD_SEED changes the states, UD_STATES their number.
"""

import collections
import os
import pathlib
import random
import subprocess

from boot_model import ABSENT, BLANK, FACTORY, PRESENT, SHORT, TEST, Boot, Entry, State, crc

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = pathlib.Path(os.environ.get("UD_BUILD", ROOT / "build" / "dev")) / "tests" / "boot_driver"
SEED = int(os.environ.get("UD_SEED", "20260724"))
STATES = int(os.environ.get("UD_STATES", "100000"))


def random_entry(r):
    kind = r.random()
    if kind < 0.2:
        return Entry()
    seq = r.choice([0, 1, 2, 3, 4, 5, 7, 16, 17, 31, 255, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFD, 0xFFFFFFFE, BLANK,
                    r.randrange(1, 40), r.getrandbits(32)])
    state = r.choice([0, 0, 1, 1, 2, 2, 3, 4, BLANK, BLANK, 5, r.getrandbits(32)])
    return Entry(seq, state, r.choice([crc(seq)] * 6 + [BLANK, crc(seq) ^ 1 << r.randrange(32)]))


def random_slots(r):
    """What the table holds: mostly ota_0, ota_1, …; also gaps, empty slots and doubles."""
    kind = r.random()
    if kind < 0.6:
        n = r.choice([0, 1, 2, 2, 2, 3, 4, 8, 15, 16])
        return (1 << n) - 1, n
    mask = r.getrandbits(16) & (r.getrandbits(16) if kind < 0.8 else 0xFFFF)
    count = mask.bit_count()
    # With bits but no number of entries the bits are counted; a table without bits may yet have empty slots.
    return mask, min(16, count + r.choice([0, 0, 1, 2]))


def random_state(r):
    slots, n = random_slots(r)
    first = random_entry(r)
    second = random_entry(r) if r.random() < 0.9 else Entry(first.seq, r.choice([0, 1, 2, 3, BLANK]), first.crc)
    bits = r.choice([4, 9, 16, 32])
    level = r.choice([0, 0, 1, 2, bits])
    factory, test = r.random() < 0.5, r.random() < 0.3
    there = [i for i in range(16) if slots >> i & 1] + [FACTORY] * factory + [TEST] * test
    app = dict.fromkeys([*range(16), FACTORY, TEST])  # what is not there has no description either
    app.update({i: None if r.random() < 0.15 else r.choice([0, 1, 2, 2, 3, level, bits, bits + 1]) for i in there})
    return State(rollback=r.random() < 0.6, slots=slots, n=n, factory=factory, test=test,
                 otadata=r.choice([PRESENT] * 18 + [ABSENT, SHORT]), entry=[first, second],
                 deep_sleep=r.random() < 0.1, reset_pin=r.random() < 0.15, test_pin=r.random() < 0.15,
                 reset_erases_otadata=r.random() < 0.5, anti_rollback=r.random() < 0.35, bits=bits, level=level,
                 app=app)


def decide(states):
    done = subprocess.run([DRIVER], input="".join(state.line() + "\n" for state in states), capture_output=True,
                          text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_random_states():
    print("seed", SEED)
    r = random.Random(SEED)
    states = [random_state(r) for _ in range(STATES)]
    answers = decide(states)
    assert len(answers) == len(states)
    wrong, kinds = [], collections.Counter()
    for state, answer in zip(states, answers):
        model = Boot(state).outcome()
        kinds[model.split("start=")[0]] += 1
        if model != answer:
            wrong.append(f"{state}\n  model {model}\n  here  {answer}")
    assert len(kinds) > 50 and kinds.most_common(1)[0][1] < 0.9 * STATES, "the sample is too uniform"
    assert not wrong, f"seed {SEED}: {len(wrong)} of {STATES} differ\n" + "\n".join(wrong[:5])


def test_a_state_by_hand():
    """Two slots, entry 1 NEW with seq 2: ota_1 first, its entry PENDING_VERIFY before the image is looked at."""
    state = State(True, 3, 2, True, False, PRESENT, [Entry(1, 2, crc(1)), Entry(2, 0, crc(2))], False, False, False,
                  False, False, 16, 0, {i: 0 for i in [*range(16), FACTORY, TEST]})
    expected = f"try write=1:2:1:{crc(2)} raise= erase=0,0 start=1 after=0,0 candidates=1,0,-1"
    assert decide([state]) == [Boot(state).outcome()] == [expected]
    assert crc(2) == 0x55F63774
