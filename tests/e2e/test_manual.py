# SPDX-License-Identifier: Apache-2.0
"""The manual and the completion of the shells say what --help says."""

import re
import shlex
import subprocess
import sys

import pytest

from conftest import ROOT, UPDRAFT, run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("manual")
    subprocess.run([sys.executable, ROOT / "scripts" / "manual.py", UPDRAFT, out], check=True, timeout=120)
    return out


def verbs_of(*path):
    """The verbs below one, from the first column of its overview; none if it has none."""
    text = run(*path, "--help").stdout
    name = " ".join(["updraft", *path])
    return re.findall(r"^  ([a-z][\w-]*)  ", text, re.M) if text.startswith(f"Usage: {name} VERB ") else []


def leaves(path=()):
    below = verbs_of(*path)
    return [leaf for verb in below for leaf in leaves((*path, verb))] if below else [path]


LEAVES = [leaf for leaf in leaves() if leaf != ("version",)]


def rendered(page):
    done = subprocess.run(["man", "--warnings=w", "-Tutf8", "-l", page], capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "200", "GROFF_NO_SGR": "1"})
    assert done.returncode == 0 and done.stderr == ""
    return re.sub(".\x08", "", re.sub(r"\x1b\[\d+m", "", done.stdout))


def words(text):
    """Its words, as they are, wherever lines were broken."""
    return re.sub(r"\s+", " ", text)


def test_there_is_a_page_for_each_group(made):
    groups = {"updraft.1"} | {f"updraft-{leaf[0]}.1" for leaf in LEAVES}
    assert {page.name for page in (made / "man1").iterdir()} == groups
    for page in groups:
        text = rendered(made / "man1" / page)
        for other in groups - {page}:
            assert f"{other[:-2]}(1)" in words(text)


@pytest.mark.parametrize("leaf", LEAVES, ids=" ".join)
def test_a_page_has_every_line_of_the_help_of_its_verbs(made, leaf):
    text = words(rendered(made / "man1" / f"updraft-{leaf[0]}.1"))
    for line in run(*leaf, "--help").stdout.replace("Usage: ", "").splitlines():
        for column in re.split(r" {2,}", line.strip()):
            assert words(column) in text, f"'{column}' is missing"


def complete_bash(made, line):
    """What is offered behind `line`, whose last word is being typed."""
    typed = line.split(" ")
    script = f"""source {shlex.quote(str(made / "updraft.bash"))}
COMP_WORDS=({" ".join(map(shlex.quote, typed))}); COMP_CWORD={len(typed) - 1}
_updraft; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20, cwd=ROOT)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return set(done.stdout.split())


def complete_zsh(made, line):
    """The same by zsh: its functions that take the offers are replaced by ones that print them."""
    typed = line.split(" ")
    script = f"""_describe() {{ local name=$argv[-1]; print -l -- ${{(P)name}}; }}
compadd() {{ print -l -- $@; }}
_files() {{ print -l -- files $@; }}
words=({" ".join(map(shlex.quote, typed))}); CURRENT={len(typed)}
source {shlex.quote(str(made / "_updraft"))}"""
    done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, timeout=20, cwd=ROOT)
    assert done.stderr == "", done.stderr
    return {offer.split(":")[0] for offer in done.stdout.splitlines()}


@pytest.mark.parametrize("complete", [complete_bash, complete_zsh], ids=["bash", "zsh"])
def test_completion_offers_the_verbs(made, complete):
    assert set(verbs_of()) <= complete(made, "updraft ")
    for group in {leaf[0] for leaf in LEAVES if len(leaf) > 1}:
        assert set(verbs_of(group)) <= complete(made, f"updraft {group} ")


@pytest.mark.parametrize("complete", [complete_bash, complete_zsh], ids=["bash", "zsh"])
@pytest.mark.parametrize("leaf", LEAVES, ids=" ".join)
def test_completion_offers_exactly_the_options_of_the_help(made, complete, leaf):
    text = run(*leaf, "--help").stdout
    usage, _, body = text.partition("\n\n")
    columns = re.findall(r"^  (-.*?)(?: {2,}|$)", body, re.M)
    wanted = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", " ".join([usage, *columns]))) | {"--help"}
    offered = complete(made, f"updraft {' '.join(leaf)} --")
    assert {offer for offer in offered if offer.startswith("--")} == wanted


@pytest.mark.parametrize("complete", [complete_bash, complete_zsh], ids=["bash", "zsh"])
def test_completion_knows_what_an_option_takes(made, complete):
    assert {"host", "none"} <= complete(made, "updraft board create b --runs ")
    assert not {"README.md", "files"} & complete(made, "updraft board run b --timeout ")
    assert {"README.md", "files"} & complete(made, "updraft board create b --app ")
    assert {"README.md", "files"} & complete(made, "updraft board run ")
    folders = complete(made, "updraft serve d --tls-dir ")
    assert "README.md" not in folders and folders & {"docs", "-/"}


def test_completion_takes_what_was_begun(made):
    assert complete_bash(made, "updraft bo") == {"board"}
    assert complete_bash(made, "updraft board run --ti") == {"--timeout"}
    assert complete_bash(made, "updraft board run READ") == {"README.md"}
