# SPDX-License-Identifier: Apache-2.0
"""What pytest sees: the fixtures `board`, `make_board`, `ota_server` and `updraft`, their marks and options.

    @pytest.mark.board(app="app_1.0.0.bin", table="partitions.csv", rollback=True, partitions={"cfg": b"..."})
    @pytest.mark.ota_server("--rate", "100K")

Names of files are looked up in the build folder (--updraft-build-dir), beside the test, and in pytest's root folder.
"""

import os
import pathlib

import pytest

from .board import Board, last_lines
from .server import OtaServer
from .tool import CommandNotFound, Updraft


def pytest_addoption(parser):
    group = parser.getgroup("updraft", "virtual boards")
    group.addoption("--updraft-build-dir", metavar="DIR", help="where images are (default: $UPDRAFT_BUILD_DIR)")
    group.addoption("--updraft-app", metavar="IMAGE", help="what boards run that no mark names an app for")
    group.addoption("--updraft-table", metavar="TABLE", help="their partition table")
    group.addoption("--updraft", action="store_true", help="run suites written for hardware (pytest-embedded, "
                    "--embedded-services esp,idf) on virtual boards")
    parser.addini("updraft_build_dir", "where images are", default="")
    parser.addini("updraft_app", "what boards run that no mark names an app for", default="")
    parser.addini("updraft_table", "their partition table", default="")


def pytest_configure(config):
    config.addinivalue_line("markers", "board(app, table, chip, flash_size, rollback, partitions, options): "
                                       "what the fixture `board` makes (updraft board create)")
    config.addinivalue_line("markers", "ota_server(*options): options of `updraft serve` for the fixture `ota_server`")
    if config.getoption("--updraft"):
        run_embedded_suites_on_boards(config)


def run_embedded_suites_on_boards(config):
    """embedded.py joins only now: it imports pytest-embedded, which pytest-updraft does without."""
    if not config.pluginmanager.has_plugin("pytest_embedded"):
        raise pytest.UsageError("--updraft runs suites of pytest-embedded, and that is not installed here (or switched "
                                "off): pip install pytest-embedded-idf pytest-embedded-serial-esp")
    try:
        from . import embedded
    except ModuleNotFoundError as missing:
        raise pytest.UsageError(f"--updraft needs pytest-embedded's services esp and idf ({missing}): "
                                "pip install pytest-embedded-idf pytest-embedded-serial-esp") from missing
    config.pluginmanager.register(embedded, "pytest_updraft.embedded")


def setting(config, name):
    return config.getoption(f"--updraft-{name.replace('_', '-')}") or config.getini(f"updraft_{name}")


def finder(request):
    """find(name): the file of that name; FileNotFoundError says where was looked."""
    config = request.config
    build = setting(config, "build_dir") or os.environ.get("UPDRAFT_BUILD_DIR")
    folders = [request.node.path.parent, config.rootpath, config.invocation_params.dir]
    if build:
        folders.insert(0, config.invocation_params.dir / build)

    def find(name):
        candidates = list(dict.fromkeys((pathlib.Path(folder) / name) for folder in folders))
        for path in candidates:
            if path.exists():
                return path
        raise FileNotFoundError(f"there is no {name}: looked for {', '.join(map(str, candidates))}"
                                + ("" if build else "; --updraft-build-dir names the folder that images are built in"))
    return find


@pytest.fixture(scope="session")
def updraft():
    """The command: updraft("image", "info", path) runs it; its standard output."""
    try:
        return Updraft()
    except CommandNotFound as error:
        pytest.fail(f"pytest-updraft: {error}", pytrace=False)


@pytest.fixture(scope="session")
def ota_tls_dir(tmp_path_factory):
    """One certificate authority for all servers of a session."""
    return tmp_path_factory.mktemp("updraft-tls")


@pytest.fixture
def make_board(request, updraft, ota_tls_dir, tmp_path):
    """make_board(app, table=..., ...) for tests with several boards; all are switched off in the end."""
    made = []

    def make(app=None, **kwargs):
        kwargs.setdefault("table", setting(request.config, "table") or None)
        flash = tmp_path / ("board.flash" if not made else f"board{len(made) + 1}.flash")
        board = Board.create(updraft, flash, app, ca=ota_tls_dir / "ca.pem", find=finder(request), **kwargs)
        made.append(board)
        return board

    request.node.updraft_boards = made
    yield make
    errors = []
    for board in made:
        try:
            board.stop()
        except AssertionError as error:
            errors.append(str(error))
    if errors:
        pytest.fail("\n".join(errors), pytrace=False)


@pytest.fixture
def board(request, make_board):
    """A board, still off, as the mark `board` says."""
    mark = request.node.get_closest_marker("board")
    kwargs = dict(mark.kwargs) if mark else {}
    app = kwargs.pop("app", None) or (mark.args[0] if mark and mark.args else None) or setting(request.config, "app")
    if not app:
        pytest.fail("pytest-updraft: which firmware should the board run? Say @pytest.mark.board(app=\"app.bin\"), "
                    "or --updraft-app, or updraft_app in pytest.ini", pytrace=False)
    return make_board(app, **kwargs)


@pytest.fixture
def ota_server(request, updraft, ota_tls_dir, tmp_path):
    """A server to update from: ota_server.offer(image) is a URL, ota_server.ca the certificate to trust."""
    mark = request.node.get_closest_marker("ota_server")
    server = OtaServer(updraft, tmp_path / "ota_server", ota_tls_dir, *(mark.args if mark else ()),
                       find=finder(request))
    yield server
    server.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """The report of a failed test shows the consoles of its boards."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for made in getattr(item, "updraft_boards", ()):
            if made.output:
                report.sections.append((f"console of {made.flash.name}", last_lines(made.output, 100)))
