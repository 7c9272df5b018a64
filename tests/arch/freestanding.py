# SPDX-License-Identifier: Apache-2.0
"""Freestanding: the cores, compiled without a hosted C library and linked together, need four memory functions and the
compiler's own arithmetic helpers, and hold no writable data.

    freestanding.py ROOT [COMPILER]
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

from house import CORES, c_files

ALLOWED = {"memcpy", "memmove", "memset", "memcmp"}
# What gcc and clang call for arithmetic that the processor lacks (64-bit division, shifts, bit counts, …).
HELPER = re.compile(r"^__(u?(div|mod|divmod)[sdt]i[34]|mul[sdt]i3|(ash|lsh)[lr]?[sdt]i3|(clz|ctz|popcount|bswap|ffs|parity)[sdt]i2)$")
FLAGS = ["-std=c11", "-ffreestanding", "-Os", "-fno-pic", "-fno-pie", "-fno-common", "-fno-stack-protector", "-Wall",
         "-Werror"]


def compile_one(root, compiler, source, target):
    run = subprocess.run([*compiler, *FLAGS, "-I", os.path.join(root, "include"), "-c", os.path.join(root, source), "-o",
                          target], capture_output=True, text=True)
    return f"{source}: does not compile freestanding:\n{run.stderr}" if run.returncode else None


def symbols(linked):
    for line in subprocess.run(["nm", linked], capture_output=True, text=True, check=True).stdout.splitlines():
        kind, name = line.split()[-2:]
        yield kind, name


def check(root, compiler=("gcc",)):
    sources = [path for path in c_files(root, *(f"src/{room}" for room in CORES)) if path.endswith(".c")]
    if not sources:
        yield "there are no cores: is this the root of the tree?"
        return
    with tempfile.TemporaryDirectory() as scratch:
        objects = [os.path.join(scratch, source.replace("/", "-") + ".o") for source in sources]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            failures = [f for f in pool.map(lambda job: compile_one(root, compiler, *job), zip(sources, objects)) if f]
        if failures:
            yield from failures
            return
        linked = os.path.join(scratch, "cores.o")
        run = subprocess.run(["ld", "-r", "-o", linked, *objects], capture_output=True, text=True)
        if run.returncode:
            yield f"the cores do not link together:\n{run.stderr}"
            return
        for kind, name in symbols(linked):
            if kind == "U" and name not in ALLOWED and not HELPER.match(name):
                yield f"the cores need {name}, which a bare machine has not"
            elif kind in "BbDdCGgSs":
                yield f"{name} is writable data: a core keeps its state in contexts (a table is static const)"


if __name__ == "__main__":
    cc = sys.argv[2:] or ["gcc"]
    ccache = shutil.which("ccache")
    found = list(check(sys.argv[1], ([ccache] if ccache else []) + cc))
    print("\n".join(found) or "freestanding: the cores need " + ", ".join(sorted(ALLOWED)) + " at most")
    sys.exit(bool(found))
