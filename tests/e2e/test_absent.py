# SPDX-License-Identifier: Apache-2.0
"""Headers that are not there say which component is missing and what to do; a project's own comes first."""

import re
import subprocess

import pytest

from conftest import ROOT

ABSENT = ROOT / "compat" / "absent"
HEADERS = sorted(str(path.relative_to(ABSENT)) for path in ABSENT.rglob("*.h"))


def compile_with(header, tmp_path, *folders):
    source = tmp_path / "main.c"
    source.write_text(f'#include "{header}"\nint main(void)\n{{\n    return 0;\n}}\n')
    options = [option for folder in folders for option in ("-I", folder)]
    return subprocess.run(["cc", "-fsyntax-only", *options, "-isystem", ROOT / "include" / "idf", "-isystem", ABSENT,
                           source], capture_output=True, text=True)


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_says_what_is_missing_and_what_to_do(header, tmp_path):
    done = compile_with(header, tmp_path)
    assert done.returncode != 0
    message = re.search(r'#error "(.*)"', done.stderr).group(1)
    assert message.startswith(f"{header} of the component ")
    assert " is not there: " in message
    assert not (ROOT / "include" / "idf" / header).exists(), "there is such a header: this one would hide it"


def test_a_header_of_the_project_comes_first(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "esp_spiffs.h").write_text("/* brought along */\n")
    assert compile_with("esp_spiffs.h", tmp_path, tmp_path / "own").returncode == 0
