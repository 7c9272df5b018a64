# SPDX-License-Identifier: Apache-2.0
"""`updraft powercut --report`: pages that a parser of HTML finds whole, that load nothing, whose commands work."""

import html.parser
import os
import re
import shlex
import subprocess

import pytest

from conftest import BUILD, UPDRAFT, VECTORS, run

VOID = {"meta", "br", "hr", "img", "input", "link"}
KNOWN = {"html", "head", "title", "style", "script", "body", "header", "main", "footer", "section", "div", "span", "p",
         "a", "b", "i", "h1", "h2", "h3", "h4", "strong", "code", "kbd", "ul", "li", "dl", "dt", "dd", "table",
         "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "svg", "rect", "meta"}
LOADS = {"src", "srcset", "poster", "data", "action", "formaction", "background", "xlink:href", "ping"}


class Page(html.parser.HTMLParser):
    """Every element is known and closed in order, every id is there once, every link leads to one of them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.words, self.commands, self.attributes = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        assert tag in KNOWN, f"<{tag}> at {self.getpos()}"
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice at {self.getpos()}: {names}"
        for name, value in attrs:
            assert re.fullmatch(r"[a-zA-Z][a-zA-Z-]*", name), f"attribute {name!r} at {self.getpos()}"
            assert name not in LOADS and not name.startswith("on"), f"attribute {name} at {self.getpos()}"
            self.attributes.append(value or "")
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name == "href"]
        if tag == "code":
            self.commands.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> at {self.getpos()} closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style", "script"):
            return
        if "code" in self.open:
            self.commands[-1] += data
        self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))


def check(path):
    """Read a page and hold it against what every page has to be."""
    raw = path.read_bytes()
    text = raw.decode()  # UTF-8 throughout
    assert text.startswith("<!DOCTYPE html>\n<html lang=\"en\">")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    page = Page(text)
    assert len(page.ids) == len(set(page.ids)), "an id is there twice"
    assert all(link[0] == "#" and link[1:] in page.ids for link in page.links), page.links
    assert "://" not in text and "url(" not in text and "@import" not in text
    assert "default-src 'none'" in text
    assert text.count("<style>") == text.count("<script>") == 1
    return page


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Pages of results made by hand, as the unit test writes them."""
    folder = tmp_path_factory.mktemp("pages")
    subprocess.run([BUILD / "tests" / "unit-lab-powercut_report"], check=True, capture_output=True, timeout=60,
                   env={**os.environ, "UD_PAGES": str(folder)})
    return folder


@pytest.mark.parametrize("name", ["holds", "fails", "cases", "hostile", "long", "empty", "bare", "window", "two",
                                  "large", "many"])
def test_pages_of_results_made_by_hand_are_whole(pages, name):
    check(pages / f"{name}.html")


def test_what_comes_from_a_board_stays_text(pages):
    page = check(pages / "hostile.html")
    assert "<script>alert(1)</script>" in page.text
    assert "</script><i>&'\"" in page.text
    assert shlex.split(page.commands[0])[-2:] == ["--image", "$(reboot);.bin"]
    assert any('"onload="x' in value for value in page.attributes)


def test_a_long_name_can_be_pasted_into_a_shell(pages):
    page = check(pages / "long.html")
    name = "".join("'x" if i % 6 == 0 else "ä" for i in range(0, 700, 2))
    assert shlex.split(page.commands[0])[4:6] == ["--board", name]


def test_a_page_cannot_be_read_as_another_when_it_is_spoilt(pages, tmp_path):
    """The parser of these tests notices what it is there for."""
    text = (pages / "fails.html").read_text()
    spoilt = tmp_path / "spoilt.html"
    for old, new in (("</summary>", ""), ("<b>bits</b>", "<b>bits</i>"), ('id="rows1"', 'id="flow1"'),
                     ('href="#flows"', 'href="#none"'), ("<body>", '<body onload="x">'),
                     ("<main>", '<main><img src="x.png">')):
        assert old in text
        spoilt.write_text(text.replace(old, new, 1))
        with pytest.raises(AssertionError):
            check(spoilt)


def test_the_report_of_all_flows(tmp_path):
    out = tmp_path / "all.html"
    done = run("powercut", "--image-size", "8K", "--report", out)
    page = check(out)
    names = [line.split()[0] for line in run("powercut", "--flow", "list").stdout.splitlines() if line[0] != " "]
    assert len(names) >= 20 and [f"#flow{i + 1}" for i in range(len(names))] == page.links[1:1 + len(names)]
    cases = re.search(r"^(\d+) cases, 0 violations$", done.stdout, re.M).group(1)
    assert f"No violation in {int(cases):,} cases" in page.text


def test_equal_runs_make_equal_pages(tmp_path):
    for name, jobs in (("a", 1), ("b", 3)):
        run("powercut", "--flow", "update", "--image-size", "8K", "--jobs", jobs, "--report", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_commands_of_a_failing_run_show_the_failure_again(tmp_path):
    out = tmp_path / "failing.html"
    run("powercut", "--mutant", "wrong-sector", "--image-size", "8K", "--report", out, check=1)
    page = check(out)
    assert "violations in" in page.text and len(page.commands) >= 3
    for command in page.commands[:3]:
        words = shlex.split(command)
        assert words[:3] == ["updraft", "powercut", "--replay"]
        done = subprocess.run([UPDRAFT, *words[1:]], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "is violated" in done.stdout


def test_a_failing_case_of_a_board_names_its_files(tmp_path):
    board, out = tmp_path / "it's mine.flash", tmp_path / "board.html"
    image = tmp_path / "new one.bin"
    app = VECTORS / "esp32c3-app.bin"
    payload = tmp_path / "payload"
    payload.write_bytes(bytes(range(256)) * 32)
    run("board", "create", board, "--app", app)
    run("image", "create", "--raw", payload, "--chip", "esp32c3", "--version", "9", "--out", image)
    options = ("--board", board, "--image", image)
    run("powercut", *options, "--flow", "update", "--mutant", "too-far", "--report", out, check=1)
    words = shlex.split(check(out).commands[0])
    assert words[4:] == ["--board", str(board), "--image", str(image)]
    assert subprocess.run([UPDRAFT, *words[1:], "--report", out], capture_output=True, timeout=60).returncode == 2


def test_a_report_is_written_whole_or_not_at_all(tmp_path):
    out = tmp_path / "none" / "out.html"
    done = run("powercut", "--flow", "confirm", "--image-size", "8K", "--report", out, check=1)
    assert str(out) in done.stderr
    out = tmp_path / "out.html"
    out.write_text("old")
    flow = ("powercut", "--flow", "confirm", "--image-size", "8K", "--report")
    run(*flow, out)
    check(out)
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]
    assert "0 violations" not in run(*flow, "/dev/full", check=1).stdout


def test_a_report_does_not_replace_what_it_is_about(tmp_path):
    board = tmp_path / "b.flash"
    run("board", "create", board, "--app", VECTORS / "esp32c3-app.bin")
    before = board.read_bytes()
    run("powercut", "--board", board, "--image", VECTORS / "esp32c3-app.bin", "--report", board, check=1)
    assert board.read_bytes() == before


@pytest.mark.parametrize("other", [("--replay", "update@8192:1:bits"), ("--mutant", "all")])
def test_reports_are_of_runs_over_flows(tmp_path, other):
    done = run("powercut", *other, "--report", tmp_path / "out.html", check=2)
    assert other[0] in done.stderr
