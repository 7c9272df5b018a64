#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual and the completion of the shells, made of what `updraft --help` says, so that there is one text to keep.

    scripts/manual.py UPDRAFT OUT    writes OUT/man1/updraft.1, a page for each of its verbs (updraft-board.1, ...),
                                     OUT/updraft.bash and OUT/_updraft (zsh)

A help text is: lines of usage; paragraphs; rows of two columns (verbs or options, two spaces in front); and examples,
indented below a line "Example:". The text of a verb that has verbs of its own says VERB in its usage.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROW = re.compile(r"^  (\S.*?)(?: {2,}(\S.*))?$")
# A value that is no file; what is not listed is completed as one.
NO_FILES = {"N", "S", "US", "N.M", "ADDR", "SIZE", "HOST", "BYTES", "SECONDS", "REGEX", "V", "NAME", "'N:", "LABEL", "ID"}


class Command:
    """One verb: its path (["board", "run"]), its line in the overview above it, its help text, the verbs below it."""

    def __init__(self, updraft, path=(), brief=""):
        self.path, self.brief = list(path), brief
        done = subprocess.run([updraft, *path, "--help"], capture_output=True, text=True, timeout=60, check=True)
        head, _, body = done.stdout.partition("\n\n")
        if not head.startswith("Usage: "):  # `version` has nothing to explain
            head, body = f"Usage: {self.name}", ""
        self.usage = [line.strip() for line in head.removeprefix("Usage: ").splitlines()]
        self.blocks = list(blocks(body))
        self.verbs = []
        if self.usage[0] == f"{self.name} VERB [OPTIONS]":
            rows = [row for kind, row in self.blocks if kind == "row"]
            self.verbs = [Command(updraft, [*path, verb], text) for verb, text in rows]

    @property
    def name(self):
        return " ".join(["updraft", *self.path])

    def options(self):
        """{option: the word that stands for its value, or ""}, from rows and usage, in their order."""
        found = {}
        for text in [row[0] for kind, row in self.blocks if kind == "row" and row[0].startswith("-")] + self.usage:
            for option, value in re.findall(r"(?<![\w-])(-{1,2}[A-Za-z][\w-]*)(?:[ =](?!-)([^\s,\]|)][^\s\])]*))?", text):
                found.setdefault(option, value)
        return found

    def all(self):
        yield self
        for verb in self.verbs:
            yield from verb.all()


def blocks(body):
    """("text", paragraph), ("row", (left, right)) and ("verbatim", lines) one after the other."""
    paragraph, row, verbatim, example = [], None, [], False

    def flush():
        nonlocal paragraph, row, verbatim
        if paragraph:
            yield "text", " ".join(paragraph)
        if row:
            yield "row", (row[0], " ".join(row[1:]).strip())
        if verbatim:
            yield "verbatim", verbatim
        paragraph, row, verbatim = [], None, []

    for line in body.splitlines():
        found = ROW.match(line)
        if not line.strip():
            yield from flush()
            example = False
        elif not line.startswith(" "):
            if row or verbatim:
                yield from flush()
            paragraph.append(line)
            example = line.endswith(":")
        elif example and not line.startswith("  -"):
            if paragraph:
                yield from flush()
            verbatim.append(line[2:])
        elif found:
            yield from flush()
            row = [found[1], found[2] or ""]
        elif row:
            row.append(line.strip())
        else:
            if paragraph:
                yield from flush()
            verbatim.append(line[2:])
    yield from flush()


# ---- man pages -------------------------------------------------------------------------------------------------------

ESCAPES = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}


def roff(text):
    text = "".join(ESCAPES.get(c, c) for c in text)
    return "\\&" + text if text.startswith(".") else text


def body_of(command):
    """Below a heading, which begins a paragraph by itself."""
    for i, (kind, content) in enumerate(command.blocks):
        if kind == "text":
            yield (".PP\n" if i else "") + roff(content)
        elif kind == "row":
            yield f".TP\n.B {roff(content[0])}\n{roff(content[1])}"
        else:
            lines = "\n".join(map(roff, content))
            yield f".RS 4\n.EX\n{lines}\n.EE\n.RE"


def page(command, version, pages):
    title = "-".join(["updraft", *command.path])
    out = [f'.\\" Made from the text of {command.name} --help.', f'.TH {title.upper()} 1 "" "Updraft {version}" "Updraft"',
           ".nr HY 0", ".nh", ".ad l",  # names and options must not be cut
           ".SH NAME", f"{roff(title)} \\- {roff(command.brief)}", ".SH SYNOPSIS"]
    out.append("\n.br\n".join(f".B {roff(line)}" for line in command.usage))
    out += [".SH DESCRIPTION", *body_of(command)]
    if command.path and command.verbs:
        out.append(".SH COMMANDS")
        for verb in command.verbs:
            for below in verb.all():
                out += [f'.SS "{roff(" ".join(below.usage))}"', *body_of(below)]
    others = [p for p in pages if p != title]
    out += [".SH SEE ALSO", ",\n".join(f".BR {roff(p)} (1)" for p in others).replace(" (1),", " (1),")]
    return "\n".join(out) + "\n"


# ---- completion ------------------------------------------------------------------------------------------------------

def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def values_of(value):
    """What completes a value: ("files", ""), ("folders", ""), ("words", "host none") or ("nothing", "")."""
    if re.fullmatch(r"[a-z0-9]\w*(\|\w+)+", value):
        return "words", value.replace("|", " ")
    if value == "DIR":
        return "folders", ""
    return ("nothing", "") if value in NO_FILES else ("files", "")


def cases(command, render):
    """The arms of a `case` over the word before: one for each option that takes a value."""
    arms = {}
    for option, value in command.options().items():
        if value:
            arms.setdefault(values_of(value), []).append(option)
    return [f"        {'|'.join(options)}) {render(*kind)} ;;" for kind, options in arms.items()]


BASH = """\
# SPDX-License-Identifier: Apache-2.0
# Completion of `updraft` for bash; made from its --help.
_updraft() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at='' i words=''
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${COMP_WORDS[i]}" in
@paths@) at+=" ${COMP_WORDS[i]}" ;;
        *) break ;;
        esac
    done
    COMPREPLY=()
    case "$at" in
@arms@
    esac
    if [[ $words && ( $cur == -* || $words != -* ) ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -F _updraft updraft
"""

ZSH = """\
#compdef updraft
# SPDX-License-Identifier: Apache-2.0
# Completion of `updraft` for zsh; made from its --help.
_updraft() {
    local at='' i
    local -a list
    for ((i = 2; i < CURRENT; i++)); do
        case "$at ${words[i]}" in
@paths@) at+=" ${words[i]}" ;;
        *) break ;;
        esac
    done
    case "$at" in
@arms@
    esac
}
_updraft "$@"
"""


def filled(template, commands, arm):
    paths = "|\\\n".join("        " + quoted("".join(" " + p for p in c.path)) for c in commands if c.path)
    return template.replace("@paths@", paths).replace("@arms@", "\n".join(arm(c) for c in commands))


def bash_arm(command):
    head = "    " + quoted("".join(" " + p for p in command.path)) + ")"
    if command.verbs:
        extra = "--help" if command.path else "--help --version"
        return f"{head} words='{' '.join(v.path[-1] for v in command.verbs)} {extra}' ;;"

    def render(kind, words):
        return {
            "words": f"mapfile -t COMPREPLY < <(compgen -W '{words}' -- \"$cur\"); return",
            "folders": 'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return',
            "files": 'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return',
            "nothing": "return",
        }[kind]

    options = [*command.options(), "--help"]
    return "\n".join([head, f"        words='{' '.join(dict.fromkeys(options))}'", '        case "$prev" in',
                      *cases(command, render), "        esac", "        ;;"])


def zsh_arm(command):
    head = "    " + quoted("".join(" " + p for p in command.path)) + ")"
    if command.verbs:
        verbs = " ".join(quoted(f"{v.path[-1]}:{v.brief}") for v in command.verbs)
        return f"{head}\n        list=({verbs})\n        _describe verb list\n        ;;"

    def render(kind, words):
        return {"words": f"compadd {words}; return", "folders": "_files -/; return", "files": "_files; return",
                "nothing": "return"}[kind]

    described = {}
    for kind, row in command.blocks:
        if kind == "row":
            for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", row[0]):
                described[option] = row[1]
    options = {o: described.get(o, "") for o in command.options()} | {"--help": "tell what there is"}
    rows = " ".join(quoted(f"{o}:{text}" if text else o) for o, text in options.items())
    return "\n".join([head, '        case "${words[CURRENT-1]}" in', *cases(command, render), "        esac",
                      f"        list=({rows})", '        if [[ "${words[CURRENT]}" == -* ]]; then',
                      "            _describe -o option list", "        else", "            _files", "        fi",
                      "        ;;"])


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: manual.py UPDRAFT OUT")
    updraft, out = sys.argv[1], pathlib.Path(sys.argv[2])
    root = Command(updraft, brief="the ESP-IDF over-the-air update stack, off the chip")
    version = subprocess.run([updraft, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    documented = [root] + [c for c in root.verbs if c.blocks]
    pages = ["-".join(["updraft", *c.path]) for c in documented]
    shutil.rmtree(out / "man1", ignore_errors=True)  # pages of verbs that are gone
    (out / "man1").mkdir(parents=True)
    for command, name in zip(documented, pages):
        (out / "man1" / f"{name}.1").write_text(page(command, version, pages))
    commands = list(root.all())
    (out / "updraft.bash").write_text(filled(BASH, commands, bash_arm))
    (out / "_updraft").write_text(filled(ZSH, commands, zsh_arm))


if __name__ == "__main__":
    main()
