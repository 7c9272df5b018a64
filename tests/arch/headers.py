# SPDX-License-Identifier: Apache-2.0
"""Public headers: each compiles by itself, twice in one file, from C11 and from C++17, without a warning.

    headers.py ROOT [C-COMPILER C++-COMPILER]
"""
import concurrent.futures
import os
import subprocess
import sys

from house import c_files

WARNINGS = ["-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only"]
LANGUAGES = (["-x", "c", "-std=c11", "-Wstrict-prototypes"], ["-x", "c++", "-std=c++17"])


def includes(root):
    for path in c_files(root, "include"):
        if path.endswith(".h"):
            folder = "include/idf" if path.startswith("include/idf/") else "include"
            yield os.path.relpath(path, folder)


def compile_one(root, compiler, language, name):
    command = [compiler, *language, *WARNINGS, "-I", os.path.join(root, "include"), "-I",
               os.path.join(root, "include/idf"), "-"]
    # As in ESP-IDF, the other headers of FreeRTOS ask for this one first.
    first = '#include "freertos/FreeRTOS.h"\n' if name.startswith("freertos/") else ""
    text = first + f'#include "{name}"\n#include "{name}"\nint main(void);\nint main(void)\n{{\n    return 0;\n}}\n'
    run = subprocess.run(command, input=text, capture_output=True, text=True)
    return f"{name}: does not compile by itself ({language[2]}):\n{run.stderr}" if run.returncode else None


def check(root, compilers=("gcc", "g++")):
    jobs = [(compiler, language, name) for name in includes(root) for compiler, language in zip(compilers, LANGUAGES)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from (found for found in pool.map(lambda job: compile_one(root, *job), jobs) if found)


if __name__ == "__main__":
    found = list(check(sys.argv[1], sys.argv[2:4] or ("gcc", "g++")))
    print("\n".join(found) or "headers: each compiles by itself, from C and from C++")
    sys.exit(bool(found))
