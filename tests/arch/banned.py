# SPDX-License-Identifier: Apache-2.0
"""What our files do not contain: calls that cannot be used safely, conditionals in cores, files without a licence
line, notes to ourselves, and paths out of the project."""
import os
import re
import sys

from house import CORES, c_files, read, without_comments

BOUNDED = "snprintf with the size of the buffer, or ud_strcopy"
PARSE = "a checked parse (ud_* helpers, or strtoull with errno, end pointer and range in one wrapper)"
CALLS = {
    "strcpy": BOUNDED, "strcat": BOUNDED, "stpcpy": BOUNDED, "strncat": BOUNDED,
    "strncpy": "ud_strcopy or memcpy with a checked length: strncpy may leave no terminator",
    "sprintf": "snprintf", "vsprintf": "vsnprintf",
    "gets": "fgets or getline", "scanf": PARSE, "sscanf": PARSE, "fscanf": PARSE,
    "atoi": PARSE, "atol": PARSE, "atoll": PARSE, "atof": PARSE,
    "strtok": "strchr or strcspn over the text: strtok keeps hidden state",
    "alloca": "a buffer of the caller with a stated size",
    "tmpnam": "mkstemp", "tempnam": "mkstemp", "mktemp": "mkstemp",
    "system": "posix_spawn with an argument vector", "popen": "posix_spawn with an argument vector",
    "rand": "ud_entropy", "srand": "ud_entropy",
    "localtime": "localtime_r", "gmtime": "gmtime_r", "ctime": "strftime", "asctime": "strftime",
}
# These parse numbers, with an end pointer that must be looked at: strtol(text, NULL, …) cannot tell 0 from rubbish.
BARE = re.compile(r"\b(strtol|strtoul|strtoll|strtoull)\s*\([^;]*?,\s*(?:NULL|0)\s*,")
CALL = re.compile(r"(?<![\w.>])(" + "|".join(CALLS) + r")\s*\(")
CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else)\b[ \t]*(.*)$", re.M)
OUTSIDE = re.compile(r"\.\./" r"shared\b|(?<![\w.])/(work|root|home)/\w")
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def calls(root):
    for path in c_files(root, "src", "port", "compat", "include", "examples", "bench"):
        code = without_comments(read(root, path))
        for pattern, advice in ((CALL, CALLS), (BARE, None)):
            for match in pattern.finditer(code):
                # A prototype or definition has its type before the name; a call has not.
                before = code[:match.start()].rsplit("\n", 1)[-1]
                if re.search(r"[\w*]\s+\**$", before) and not re.search(r"\b(return|else|do)\s+$", before):
                    continue
                line = code.count("\n", 0, match.start()) + 1
                name = match.group(1)
                yield f"{path}:{line}: {name}: use {advice[name] if advice else PARSE}"


def conditionals(root):
    """Cores choose by pointer or by linking. Left: include guards, and what C++ needs in public headers."""
    folders = [f"src/{room}" for room in CORES] + ["include/updraft"]
    for path in c_files(root, *folders):
        code = without_comments(read(root, path))
        guard = path.endswith(".h")
        for match in CONDITIONAL.finditer(code):
            if guard and match.group(1) == "ifndef" and match.group(2).strip().endswith("_H"):
                guard = False
                continue
            if path.startswith("include/") and match.group(1) in ("ifdef", "ifndef") and \
                    match.group(2).strip() == "__cplusplus":
                continue
            if path.startswith("include/") and match.group(1) == "else":
                continue
            line = code.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: #{match.group(1)} {match.group(2)}: choose by pointer or by linking another file"


def licences(root):
    for path in c_files(root, "src", "port", "compat", "include", "examples", "bench", "tests"):
        if not read(root, path).startswith("/* SPDX-License-Identifier: Apache-2.0 */\n"):
            yield f"{path}:1: begin with /* SPDX-License-Identifier: Apache-2.0 */"


def left_overs(root):
    for path in c_files(root, "src", "port", "compat", "include", "examples", "bench", "tests"):
        for number, line in enumerate(read(root, path).splitlines(), 1):
            if LEFT_OVER.search(line):
                yield f"{path}:{number}: {LEFT_OVER.search(line).group(1)}: finish it, or file it where work is planned"


def readmes(root):
    for room in sorted(os.listdir(os.path.join(root, "src"))):
        folder = os.path.join(root, "src", room)
        has_code = os.path.isdir(folder) and any(name.endswith(".c") for name in os.listdir(folder))
        if has_code and not os.path.exists(os.path.join(folder, "README.md")):
            yield f"src/{room}: has no README.md (purpose, entry header, invariants, its tests)"


def outside(root):
    """The project stands alone: nothing in it names a folder outside, nor the machine it was written on."""
    folders = ("src", "port", "compat", "include", "examples", "bench", "tests", "scripts", "cmake", "docs", ".ci")
    for folder in folders:
        for where, below, names in os.walk(os.path.join(root, folder)):
            below[:] = sorted(name for name in below if name not in ("vectors", "corpus", "__pycache__"))
            for name in sorted(names):
                path = os.path.relpath(os.path.join(where, name), root)
                with open(os.path.join(where, name), encoding="utf-8", errors="replace") as f:
                    for number, line in enumerate(f, 1):
                        if OUTSIDE.search(line):
                            yield f"{path}:{number}: {OUTSIDE.search(line).group(0)}: reaches out of the project"


def check(root):
    for part in (calls, conditionals, licences, left_overs, readmes, outside):
        yield from part(root)


if __name__ == "__main__":
    found = list(check(sys.argv[1]))
    print("\n".join(found) or "banned: nothing found")
    sys.exit(bool(found))
