# SPDX-License-Identifier: Apache-2.0
"""Tiny ESP-IDF projects for tests: files as a dictionary, the build, and what it answered."""

import os
import subprocess

from conftest import UPDRAFT

TOP = """cmake_minimum_required(VERSION 3.16)
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
project(tiny)
"""
MAIN = 'idf_component_register(SRCS "main.c")\n'
APP = 'void app_main(void) {}\n'


def project(folder, files=None):
    """Write a project: CMakeLists.txt, main/, and `files` over them (None as text: the file is left out)."""
    content = {"CMakeLists.txt": TOP, "main/CMakeLists.txt": MAIN, "main/main.c": APP}
    content.update(files or {})
    for name, text in content.items():
        if text is None:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
    return folder


def idf(*args, env=None, timeout=120):
    """Run `updraft idf ARGS`: the completed process, output and errors in one text."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("IDF_", "SDKCONFIG"))}
    return subprocess.run([UPDRAFT, "idf", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
                          timeout=timeout, env={**clean, **(env or {})})


def words(text):
    """CMake folds its messages: one line again."""
    return " ".join(text.split())


def build(folder, *args, env=None):
    """Build; it must succeed."""
    done = idf("build", folder, *args, env=env)
    assert done.returncode == 0, done.stdout
    return done.stdout


def refuse(folder, *args, env=None):
    """Build; it must fail: what was said, as one line."""
    done = idf("build", folder, *args, env=env)
    assert done.returncode == 1, done.stdout
    return words(done.stdout)


def header(folder, build_dir="build"):
    """sdkconfig.h as {name: value}."""
    lines = (folder / build_dir / "config" / "sdkconfig.h").read_text().splitlines()
    return dict((line.split(maxsplit=2)[1:] + [""])[:2] for line in lines if line.startswith("#define CONFIG_"))
