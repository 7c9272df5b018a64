# SPDX-License-Identifier: Apache-2.0
"""Who rolls back what: the boot loader's option and the app's, crashes before the confirmation, power cuts, and what is
never a reason to roll back. The firmware is tests/e2e/firmware/obeys.c: it does what the partition `cfg` tells it."""

import json
import shutil
import signal
import subprocess
import time

import pytest

from conftest import BUILD, ROOT, UPDRAFT, run

TABLE = ROOT / "examples" / "partitions_example.csv"
OTADATA = slice(0xF000, 0x11000)  # of that table
REST = "at rest"


@pytest.fixture
def board(tmp_path):
    """board(orders, boot loader rolls back, app rolls back): ota_0 holds `obeys`; nothing has been booted yet."""
    def create(orders, loader=True, app=True):
        path = tmp_path / "b.flash"
        (tmp_path / "orders").write_text(orders)
        run("board", "create", path, "--table", TABLE, "--app", BUILD / "examples" / f"obeys_{'y' if app else 'n'}.bin",
            "--rollback" if loader else "--no-rollback", "--partition", f"cfg={tmp_path / 'orders'}")
        return path
    return create


def order(path, orders):
    (path.parent / "orders").write_text(orders)
    run("board", "set-partition", path, "cfg", path.parent / "orders")


def power_on(path, *options, until=REST, check=0):
    return run("board", "run", path, "--timeout", 60, "--max-boots", 6,
               *(["--until", until] if until else []), *options, check=check)


def look(path):
    shown = json.loads(run("board", "map", path, "--json").stdout)
    return shown["boots_next"], {p["label"]: p.get("state") for p in shown["partitions"] if p["type"] == "app"}


def in_order(text, *parts):
    at = [text.find(part) for part in parts]
    assert -1 not in at and at == sorted(at), f"{parts} at {at} in:\n{text}"


# ---- the boot loader's option and the app's -------------------------------------------------------------------------


@pytest.mark.parametrize("loader,app,first_state,crashed,next_slot", [
    (True, True, "PENDING_VERIFY", "ABORTED", "ota_0"),
    (True, False, "UNDEFINED", "UNDEFINED", "ota_1"),
    (False, True, "NEW", "NEW", "ota_1"),
    (False, False, "UNDEFINED", "UNDEFINED", "ota_1"),
], ids=["both", "boot loader only", "app only", "neither"])
def test_only_where_both_agree_does_a_crash_bring_the_old_version_back(board, loader, app, first_state, crashed,
                                                                       next_slot):
    path = board("power-on=clone software=crash panic=stay", loader, app)
    done = power_on(path)
    in_order(done.stdout, "in ota_0, after a reset (power-on)", "in ota_1, after a reset (software)",
             f"state {first_state}", "order: crash", f"in {next_slot}, after a reset (panic)")
    assert "reset (panic)" in done.stderr
    boots, states = look(path)
    assert boots == next_slot and states["ota_1"] == crashed


@pytest.mark.parametrize("loader,app", [(True, True), (True, False), (False, True), (False, False)],
                         ids=["both", "boot loader only", "app only", "neither"])
def test_a_confirmed_version_stays_whoever_rolls_back(board, loader, app):
    path = board("power-on=clone software=confirm panic=stay", loader, app)
    power_on(path)
    order(path, "power-on=crash panic=stay")
    done = power_on(path)
    in_order(done.stdout, "in ota_1, after a reset (power-on)", "state VALID", "in ota_1, after a reset (panic)")
    assert look(path)[0] == "ota_1"


@pytest.mark.parametrize("loader,app,state,next_slot", [
    (True, True, "ABORTED", "ota_0"), (True, False, "UNDEFINED", "ota_1"), (False, True, "NEW", "ota_1"),
    (False, False, "UNDEFINED", "ota_1")], ids=["both", "boot loader only", "app only", "neither"])
def test_a_version_that_never_confirms_has_one_power_on(board, loader, app, state, next_slot):
    path = board("power-on=clone", loader, app)
    assert "in ota_1" in power_on(path).stdout
    order(path, "power-on=stay")
    assert f"in {next_slot}, after a reset (power-on)" in power_on(path).stdout
    boots, states = look(path)
    assert boots == next_slot and states["ota_1"] == state


def test_why_tells_what_the_boot_loader_did_with_a_version_that_crashed(board):
    path = board("power-on=clone software=crash panic=stay")
    power_on(path)
    why = run("board", "why", path).stdout
    assert "ABORTED" in why and "So ota_0 (obeys 1.0.0) boots." in why


def test_firmware_that_rejects_itself_goes_back_and_is_invalid(board):
    path = board("power-on=clone software=reject")
    # The reset that brings ota_0 back is by software, so ota_0 is told the same; it is alone and cannot go back.
    done = power_on(path)
    in_order(done.stdout, "in ota_1, after a reset (software)", "order: reject", "in ota_0, after a reset (software)",
             "cannot go back: ESP_ERR_OTA_ROLLBACK_FAILED")
    boots, states = look(path)
    assert boots == "ota_0" and states["ota_1"] == "INVALID"


def test_an_exit_is_no_restart_but_a_panic(board):
    path = board("power-on=clone software=leave panic=stay")
    done = power_on(path)
    assert "exit code 0 instead of a restart" in done.stderr
    assert look(path)[0] == "ota_0"


# ---- power ----------------------------------------------------------------------------------------------------------


def wait_for_line(process, text):
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the board ended before it said {text!r}")


@pytest.mark.parametrize("state", ["confirmed", "unconfirmed"])
def test_sigkill_of_the_supervisor_is_a_power_cut(board, state):
    path = board("power-on=clone software=" + ("confirm" if state == "confirmed" else "stay"))
    power = subprocess.Popen([UPDRAFT, "board", "run", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             text=True)
    try:
        wait_for_line(power, "in ota_1, after a reset (software)")
        wait_for_line(power, REST)
    finally:
        power.send_signal(signal.SIGKILL)
        power.wait(timeout=30)
        power.stdout.close()
    order(path, "power-on=stay")  # waits until the firmware has died as well
    done = power_on(path)
    assert "reset (power-on), boot 1" in done.stderr
    assert f"in {'ota_1' if state == 'confirmed' else 'ota_0'}, after a reset (power-on)" in done.stdout


def test_the_second_supervisor_names_the_first(board):
    path = board("power-on=stay")
    power = subprocess.Popen([UPDRAFT, "board", "run", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             text=True)
    try:
        wait_for_line(power, REST)
        before = path.read_bytes()
        assert f"in use by process {power.pid}" in power_on(path, check=1).stderr
        assert f"process {power.pid}" in run("board", "map", path).stdout
        shown = json.loads(run("board", "map", path, "--json").stdout)
        assert shown["running"] is True and shown["runs_now"] == "ota_0"
        assert path.read_bytes() == before
    finally:
        power.terminate()
        assert power.wait(timeout=30) == 0
        power.stdout.close()


# ---- ends of a run --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options,code,says", [
    (["--until", "after a reset \\(software\\)"], 0, ""),
    (["--until", "never said", "--max-boots", "2"], 3, "2 boots"),
    (["--max-boots", "1"], 3, "1 boot"),
    (["--until", "never said", "--timeout", "0.5"], 3, "0.5 seconds"),
    (["--until", "("], 1, "regular expression"),
    (["--timeout", "soon"], 2, "soon"),
    (["--max-boots", "0"], 2, "0"),
])
def test_each_end_of_a_run_has_its_exit_code(board, options, code, says):
    path = board("power-on=clone software=crash panic=crash")
    assert says in run("board", "run", path, *options, check=code).stderr


def test_a_version_that_always_crashes_ends_at_the_limit_of_boots(board):
    done = run("board", "run", board("power-on=crash panic=crash"), "--max-boots", 4, check=3)
    assert done.stdout.count("order: crash") == 4 and done.stderr.count("reset (panic)") == 3


def test_a_damaged_slot_is_passed_over_and_a_board_without_any_good_one_says_so(board):
    path = board("power-on=clone software=confirm")
    power_on(path)
    order(path, "power-on=stay")
    damage(path, 0x20000 + 1700 * 1024 + 70_000)  # ota_1, which is the confirmed one
    done = power_on(path)
    assert "in ota_0, after a reset (power-on)" in done.stdout
    assert "ota_1" in done.stderr
    damage(path, 0x20000 + 70_000)
    assert "nothing that can boot" in power_on(path, check=1).stderr


def damage(path, at):
    with open(path, "r+b") as flash:
        flash.seek(at)
        byte = flash.read(1)[0]
        flash.seek(at)
        flash.write(bytes([byte ^ 0x40]))


# ---- a defect is no crash -------------------------------------------------------------------------------------------


def test_a_sanitizer_report_before_the_confirmation_stops_the_board_and_rolls_nothing_back(serve, images, tmp_path):
    """The new version has a heap overflow: exit 4 with the report, and not a bit of otadata changes after its boot."""
    shutil.copy(BUILD / "examples" / "overflow.bin", images / "firmware.bin")
    server = serve(images)
    (tmp_path / "cfg").write_text(f"{server.url('firmware.bin')}\n{server.ca.read_text()}")
    path = tmp_path / "b.flash"
    run("board", "create", path, "--table", TABLE, "--app", BUILD / "examples" / "advanced_ota_2.0.0.bin",
        "--partition", f"cfg={tmp_path / 'cfg'}")
    done = power_on(path, until=None, check=None)
    if "AddressSanitizer" not in done.stderr:
        pytest.skip("this build has no sanitizers")
    assert done.returncode == 4
    in_order(done.stderr, "booting ota_1 (overflow 1.0.0)", "heap-buffer-overflow", "defect")
    assert done.stderr.count("board: reset") == 2, "power-on, and the restart into the new version"
    shown = json.loads(run("board", "map", path, "--json").stdout)
    assert next(p for p in shown["partitions"] if p["label"] == "ota_1")["state"] == "PENDING_VERIFY"
    assert "power-on" in run("board", "run", path, "--until", "advanced_ota version 2.0.0 in ota_0", "--timeout",
                             60).stdout, "the next power-on goes back, as on a chip"


# ---- boards that hold a real chip's firmware ------------------------------------------------------------------------


@pytest.mark.parametrize("rollback,state,after_no_confirm", [
    ("--rollback", "PENDING_VERIFY", "ota_0"), ("--no-rollback", "UNDEFINED", "ota_1")])
def test_a_board_of_a_real_chip_rolls_back_as_it_was_created(tmp_path, rollback, state, after_no_confirm):
    (tmp_path / "raw").write_bytes(bytes(range(256)) * 300)
    for version in ("1", "2"):
        run("image", "create", "--raw", tmp_path / "raw", "--chip", "esp32c3", "--version", version, "--out",
            tmp_path / f"{version}.bin")
    path = tmp_path / "c3.flash"
    run("board", "create", path, "--app", tmp_path / "1.bin", rollback)
    run("ota", path, tmp_path / "2.bin")
    assert json.loads(run("board", "boot", path, "--json").stdout)["slot"] == "ota_1"
    assert look(path)[1]["ota_1"] == state
    otadata = path.read_bytes()[OTADATA]
    assert json.loads(run("board", "boot", path, "--json").stdout)["slot"] == after_no_confirm
    assert (path.read_bytes()[OTADATA] == otadata) == (rollback == "--no-rollback")


def test_what_a_firmware_says_of_its_panic_does_nothing_to_a_terminal(board):
    said = power_on(board("power-on=rude panic=stay")).stderr
    assert "board: reset (panic), boot 2: ?[2J?board: booting ota_1\n" in said
    assert said.isprintable() or set(c for c in said if not c.isprintable()) == {"\n"}
