#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands where ESP-IDF has its idf.py: hands what `updraft idf` does to it, and says what to type for the rest."""

import os
import pathlib
import shutil
import sys

VERBS = ("build", "app", "menuconfig", "size", "fullclean", "reconfigure", "run")
INSTEAD = {
    "flash": "a virtual board is not flashed: 'updraft board create --project {dir}' makes one, "
             "'updraft idf run {dir}' builds and runs",
    "monitor": "a virtual board has no port: 'updraft idf run {dir}' runs it and shows its output",
    "set-target": "the chip is said when a build folder is made: 'updraft idf fullclean {dir}', then "
                  "'updraft idf build {dir} -D IDF_TARGET=CHIP'",
    "erase-flash": "'updraft board create --project {dir} --force' makes a board whose flash is erased",
    "clean": "'updraft idf fullclean {dir}' removes the build folder",
}


def command():
    """$UPDRAFT, the one of this installation or build tree, or the one on PATH."""
    beside = pathlib.Path(__file__).parent.absolute().parent.parent.parent / "bin" / "updraft"
    idf_path = os.environ.get("IDF_PATH", "")
    by_path = pathlib.Path(idf_path).parent.parent.parent / "bin" / "updraft"
    for candidate in (os.environ.get("UPDRAFT"), beside, by_path if idf_path else None):
        if candidate and os.access(candidate, os.X_OK):
            return str(candidate)
    return shutil.which("updraft")


def main():
    folder, build, defines, verbs = ".", None, [], []
    words = sys.argv[1:]
    while words:
        word = words.pop(0)
        if word in ("-C", "--project-dir") and words:
            folder = words.pop(0)
        elif word in ("-B", "--build-dir") and words:
            build = words.pop(0)
        elif word == "-D" and words:
            defines += ["-D", words.pop(0)]
        elif word.startswith("-D"):
            defines += ["-D", word[2:]]
        else:
            verbs.append(word)
    updraft = command()
    if not updraft:
        sys.exit("idf.py: the command 'updraft' was not found; put it on PATH, or name it in UPDRAFT")
    for verb in verbs or ["build"]:
        if verb not in VERBS:
            hint = INSTEAD.get(verb, "'updraft idf --help' lists what there is for virtual boards")
            print(f"idf.py: {verb}: {hint.format(dir=folder)}", file=sys.stderr)
            return 2
    code = 0
    for verb in verbs or ["build"]:
        verb = {"app": "build", "reconfigure": "build"}.get(verb, verb)
        args = [updraft, "idf", verb, folder, *defines, *(["-B", build] if build else [])]
        sys.stdout.flush()
        code = os.spawnv(os.P_WAIT, updraft, args)
        if code:
            break
    return code


if __name__ == "__main__":
    sys.exit(main())
