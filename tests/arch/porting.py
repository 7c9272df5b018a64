# SPDX-License-Identifier: Apache-2.0
"""The worked port: the C of docs/porting.md, block by block, is all of examples/port/port.c; and the port leans on
nothing but the cores, the chip's SDK and four memory functions.

    porting.py ROOT [COMPILER]
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

from freestanding import ALLOWED, HELPER, compile_one
from house import read

DOCUMENT = "docs/porting.md"
SOURCE = "examples/port/port.c"
SOURCES = (SOURCE, "examples/port/hash.c")
OURS = re.compile(r"(ud|chip|soft)_\w+$")


def same_text(root):
    """Blocks follow one another as in the file; a block begins behind a blank line of it."""
    blocks = re.findall(r"^```c\n(.*?)^```$", read(root, DOCUMENT), re.M | re.S)
    shown = "\n".join(blocks).splitlines()
    there = read(root, SOURCE).splitlines()
    if not blocks:
        yield f"{DOCUMENT}: shows no C"
    elif shown != there:
        difference = list(difflib.unified_diff(shown, there, DOCUMENT, SOURCE, lineterm="", n=1))
        yield f"{DOCUMENT} and {SOURCE} differ:\n" + "\n".join(difference[:20])


def leans_on(root, compiler):
    with tempfile.TemporaryDirectory() as scratch:
        for source in SOURCES:
            made = os.path.join(scratch, "made.o")
            fault = compile_one(root, compiler, source, made)
            if fault:
                yield fault
                continue
            undefined = subprocess.run(["nm", "-u", made], capture_output=True, text=True, check=True).stdout
            for name in re.findall(r"\bU (\S+)", undefined):
                if name not in ALLOWED and not HELPER.match(name) and not OURS.match(name):
                    yield f"{source}: needs {name}, which a bare machine has not"


def check(root, compiler=("gcc",)):
    yield from same_text(root)
    yield from leans_on(root, compiler)


if __name__ == "__main__":
    cc = sys.argv[2:] or ["gcc"]
    ccache = shutil.which("ccache")
    found = list(check(sys.argv[1], ([ccache] if ccache else []) + cc))
    print("\n".join(found) or f"porting: {DOCUMENT} shows {SOURCE}, which stands on the cores alone")
    sys.exit(bool(found))
