# SPDX-License-Identifier: Apache-2.0
"""The report of `updraft powercut` in a browser: wide and narrow, light and dark, by pointer and by keyboard."""

import os
import pathlib
import re
import subprocess

import pytest

import chromium

ROOT = pathlib.Path(__file__).resolve().parents[2]
UPDRAFT = os.environ.get("UPDRAFT", str(ROOT / "build" / "dev" / "bin" / "updraft"))
SCREENS = [(width, dark) for width in (390, 1280) for dark in (False, True)]

# Every text that is shown, with the colour behind it. Ratio: WCAG 2, relative luminance.
CONTRAST = r"""
(() => {
  const rgb = text => { const n = text.match(/[\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
  const light = c => { const v = c.slice(0, 3).map(x => x / 255)
      .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
      if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const bad = []; let seen = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) {
    const e = n.parentElement;
    if (!n.data.trim() || e.closest('script,style,.skip') || !e.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen++;
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)}: ${n.data.trim().slice(0, 40)}`);
  }
  return { seen, bad };
})()
"""

# What reaches beyond the screen or out of its card.
OVERFLOW = r"""
(() => {
  const width = document.documentElement.clientWidth, out = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.checkVisibility() || e.closest('.skip,thead,svg')) continue;
    const box = e.getBoundingClientRect();
    if (box.width && (box.right > width + 1 || box.left < -1)) out.push(e.outerHTML.slice(0, 80));
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth && getComputedStyle(e).display !== 'inline')
      out.push('inside: ' + e.outerHTML.slice(0, 80));
  }
  return { page: document.documentElement.scrollWidth - width, out };
})()
"""

FOCUS = """
(() => { const e = document.activeElement; if (e === document.body) return '';
  const s = getComputedStyle(e);
  return [e.tagName.toLowerCase(), (e.getAttribute('aria-label') || e.textContent).trim().slice(0, 40),
          s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2].join('|'); })()
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    assert chromium.PROGRAM, "no Chromium is installed (Debian: apt-get install chromium)"
    with chromium.chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def report(path, code, *options):
    command = [UPDRAFT, "powercut", *options, "--report", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return path


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {
        "all": report(folder / "all.html", 0, "--image-size", "8K"),
        "failing": report(folder / "failing.html", 1, "--mutant", "wrong-sector", "--image-size", "8K"),
        "long": report(folder / "long.html", 0, "--flow", "update", "--image-size", "96K"),
        "window": report(folder / "window.html", 0, "--flow", "bootloader", "--image-size", "8K"),
    }


def unfold(page):
    page.js("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.mark.parametrize("width,dark", SCREENS)
@pytest.mark.parametrize("name", ["all", "failing", "long", "window"])
def test_it_fits_is_legible_and_needs_nothing(page, reports, name, width, dark):
    page.show(reports[name], width, dark)
    unfold(page)
    assert page.js("matchMedia('(prefers-color-scheme: dark)').matches") == dark
    assert page.js(OVERFLOW) == {"page": 0, "out": []}
    contrast = page.js(CONTRAST)
    assert contrast["seen"] > 50 and contrast["bad"] == []
    assert page.requests == [f"file://{reports[name]}"]
    assert page.problems == []


def test_what_judges_it_can_tell(page, tmp_path, reports):
    """Pale text, a wide element, a picture from elsewhere: each is noticed."""
    text = reports["failing"].read_text()
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(text.replace("--mut:#59636e", "--mut:#aab0b6").replace(
        "<main>", '<main><div style="width:500px">wide</div><img src="https://example.invalid/x.png">'))
    page.show(spoilt, 390, False)
    assert page.js(CONTRAST)["bad"]
    assert page.js(OVERFLOW)["page"] > 0
    assert any("Content Security Policy" in str(problem) for problem in page.problems)


def tab(page):
    page.key("Tab", 9)
    return page.js(FOCUS).split("|")


@pytest.mark.parametrize("width,dark", [(390, True), (1280, False)])
def test_the_keyboard_reaches_everything_in_order(page, reports, width, dark):
    page.show(reports["failing"], width, dark)
    order = [tab(page) for _ in range(8)]
    assert all(seen == "true" for _, _, seen in order), order
    assert [f"{kind}: {name}" for kind, name, _ in order[:4]] == [
        "a: Skip to the results", "a: To the failing cases", f"summary: {order[2][1]}",
        "div: Timeline of operations of update"]
    assert [kind for kind, _, _ in order[4:8]] == ["summary", "button", "summary", "button"]
    assert order[2][1].startswith("update") and order[5][1] == "Copy the replay command"


def test_the_skip_link_leads_to_the_results(page, reports):
    page.show(reports["all"], 1280, False)
    tab(page)
    assert page.js("document.activeElement.getBoundingClientRect().left") > 0
    page.key("Enter", 13)
    assert page.js("location.hash") == "#flows"


def test_the_timeline_is_walked_with_the_keys(page, reports):
    page.show(reports["failing"], 1280, False)
    page.js("document.querySelector('.plot').focus()")
    now = "document.querySelector('.plot').getAttribute('aria-valuenow')"
    said = "document.querySelector('.say').textContent"
    last = page.js("document.querySelector('.plot').dataset.n")
    assert page.js(now) == "1"
    for key, code, wanted in (("ArrowRight", 39, "2"), ("End", 35, last), ("ArrowRight", 39, last), ("Home", 36, "1"),
                              ("ArrowLeft", 37, "1"), ("ArrowUp", 38, "2"), ("ArrowDown", 40, "1")):
        page.key(key, code)
        assert page.js(now) == wanted, key
    page.key("End", 35)
    text = page.js(said)
    assert re.match(rf"Operation {last} of {last}: program of 32 bytes at 0xd000, select in otadata", text), text
    assert "unacknowledged new" in text and "bits violated" in text
    page.key("Enter", 13)
    assert page.js("document.querySelector('tr.here').dataset.b") == last


def test_the_timeline_follows_the_pointer(page, reports):
    page.show(reports["long"], 390, True)
    box = page.js("(e => { e.scrollIntoView({block: 'center', behavior: 'instant'});"
                  " const b = e.getBoundingClientRect();"
                  " return [b.left, b.top, b.width, b.height]; })(document.querySelector('.plot'))")
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + box[2] * 0.5, y=box[1] + box[3] / 2)
    n, now = page.js("(p => [+p.dataset.n, +p.getAttribute('aria-valuenow')])(document.querySelector('.plot'))")
    assert n > 400 and abs(now - n / 2) < n * 0.02
    assert page.js("document.querySelector('.say').textContent").startswith(f"Operation {now} of {n}")


def test_a_command_is_copied(page, reports):
    page.show(reports["failing"], 1280, False)
    page.js("document.querySelector('.cmd button').focus()")
    page.key(" ", 32)
    page.js("document.querySelector('.cmd button').click()")
    page.js("new Promise(done => setTimeout(done, 100))")
    assert page.js("document.querySelector('.cmd button').textContent") in ("Copied", "Selected")
    page.js("(t => { document.body.append(t); t.id = 'paste'; t.focus(); })(document.createElement('textarea'))")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="v", code="KeyV", modifiers=2, commands=["paste"])
    copied = page.js("document.getElementById('paste').value")
    assert copied == page.js("document.querySelector('.cmd code').textContent")
    assert copied.startswith("updraft powercut --replay update@8192+wrong-sector:")


def test_a_link_to_a_closed_flow_opens_it(page, reports):
    page.show(reports["all"], 1280, False)
    assert not page.js("document.getElementById('flow3').open")
    page.js("document.querySelector('a[href=\"#flow3\"]').click()")
    page.js("new Promise(done => setTimeout(done, 100))")
    assert page.js("document.getElementById('flow3').open")


def test_it_is_read_without_its_script(page, reports):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.show(reports["failing"], 390, False)
        tree = page.call("Accessibility.getFullAXTree")["nodes"]
        names = [node["name"].get("value", "") for node in tree if "name" in node and not node.get("ignored")]
        assert any("updraft powercut --replay" in name for name in names)
        assert "Timeline of operations of update" in names and "Copy" not in names
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)
