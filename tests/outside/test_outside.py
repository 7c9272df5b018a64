# SPDX-License-Identifier: Apache-2.0
"""What arrives by `make install`, used as one would who has only that: by a firmware project with its pytest suite, by
programs that link a room, by package managers that install below a DESTDIR, and removed again.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREFIX = "/usr"  # where Debian has libraries in a folder for each processor


def run(*command, check=0, **kwargs):
    done = subprocess.run(list(map(str, command)), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    assert check is None or done.returncode == check, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def make(target, prefix, destdir, **kwargs):
    return run("make", "--no-print-directory", "-C", ROOT, target, f"PREFIX={prefix}", f"DESTDIR={destdir}", **kwargs)


def files_under(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The release as it is installed, and moved to another place than the one it was configured for."""
    root = tmp_path_factory.mktemp("root")
    make("install", PREFIX, root)
    moved = tmp_path_factory.mktemp("moved") / "updraft"
    shutil.move(f"{root}{PREFIX}", moved)
    return moved


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The folder that pip has installed the plugin into, from a copy: pip leaves files beside what it builds."""
    scratch = tmp_path_factory.mktemp("plugin")
    shutil.copytree(ROOT / "python", scratch / "python", ignore=shutil.ignore_patterns("build", "*.egg-info", "__*__"))
    run(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-build-isolation",
        "--no-deps", "--target", scratch / "site", scratch / "python")
    return scratch / "site"


def cmake(prefix, source, text=None, check=0):
    if text is not None:
        (source / "CMakeLists.txt").write_text(f"cmake_minimum_required(VERSION 3.25)\nproject(user C)\n{text}\n")
    return run("cmake", "-S", source, "-B", source / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", check=check)


def test_a_firmware_project_and_its_tests(prefix, plugin, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(ROOT / "examples" / "outside", project, ignore=shutil.ignore_patterns("build", "__pycache__"))
    cmake(prefix, project)
    run("cmake", "--build", project / "build")
    path = f"{prefix / 'bin'}:{os.environ['PATH']}"
    said = run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", cwd=project,
               env={**os.environ, "PATH": path, "PYTHONPATH": str(plugin), "PYTHONDONTWRITEBYTECODE": "1"})
    print(said)
    assert re.search(r"\b5 passed\b", said) and "skipped" not in said
    assert "test_a_version_that_crashes_is_rolled_back" in said


def test_an_esp_idf_project(prefix, tmp_path):
    """Kconfig is read by the Python that runs this test."""
    project = tmp_path / "a project"
    shutil.copytree(ROOT / "examples" / "idf_projects" / "one_shot", project, ignore=shutil.ignore_patterns("build"))
    updraft = prefix / "bin" / "updraft"
    env = {**os.environ, "UPDRAFT_PYTHON": sys.executable}
    print(run(updraft, "idf", "build", project, env=env))
    said = run(updraft, "board", "run", "--project", project, "--until", "version 1.0.0 runs from ota_0", "--timeout",
               60, env=env)
    assert "Calling app_main" in said
    assert run(updraft, "idf-path").strip() == str(prefix / "share" / "updraft" / "idf")


USER = """\
#include <stdio.h>
#include "updraft/base.h"
#include "updraft/update.h"

int main(void)
{
    uint32_t crc = ud_crc32(0, "123456789", 9);
    printf("%08x\\n", (unsigned)crc);
    return crc == 0xcbf43926u ? 0 : 1;
}
"""


@pytest.mark.parametrize("name", ["Updraft", "updraft"])
def test_a_program_links_a_room_by_cmake(prefix, tmp_path, name):
    (tmp_path / "user.c").write_text(USER)
    cmake(prefix, tmp_path, f"find_package({name} 0.1 REQUIRED)\nadd_executable(user user.c)\n"
                            "target_link_libraries(user updraft::ud_update updraft::ud_port_linux)")
    run("cmake", "--build", tmp_path / "build")
    assert run(tmp_path / "build" / "user") == "cbf43926\n"


IDF_USER = """\
#include <stdio.h>
#include <string.h>
#include "esp_err.h"
#include "esp_https_ota.h"
#include "updraft/port_linux.h"

int main(void)
{
    esp_https_ota_handle_t handle = NULL;
    puts(esp_err_to_name(esp_https_ota_begin(NULL, &handle)));
    return 0;
}
"""


@pytest.mark.parametrize("package,source,says", [("updraft", USER, "cbf43926\n"),
                                                 ("updraft-idf", IDF_USER, "ESP_ERR_INVALID_ARG\n")])
def test_a_program_links_by_pkg_config(prefix, tmp_path, package, source, says):
    (tmp_path / "user.c").write_text(source)
    folder = next(prefix.rglob("pkgconfig"))
    flags = run("pkg-config", "--cflags", "--libs", package, env={**os.environ, "PKG_CONFIG_PATH": str(folder)}).split()
    run("cc", "-o", tmp_path / "user", tmp_path / "user.c", *flags)
    assert says in run(tmp_path / "user")


@pytest.mark.parametrize("version", ["0.2", "1.0", "0.1.9"])
def test_another_version_is_refused_and_said(prefix, tmp_path, version):
    said = " ".join(cmake(prefix, tmp_path, f"find_package(Updraft {version} REQUIRED)", check=1).split())
    assert f'compatible with requested version "{version}"' in said
    assert "updraft-config.cmake, version: 0.1.0" in said


DEFECT = """\
#include <stdlib.h>

void *volatile block;

void __attribute__((noinline)) write_behind(int at)
{
    char *bytes = block;
    bytes[at] = 1;
}

void app_main(void)
{
    block = malloc(10);
    write_behind(10);
}
"""


def test_firmware_is_built_with_sanitizers_on_demand_and_a_defect_stops_the_board(prefix, tmp_path):
    (tmp_path / "main.c").write_text(DEFECT)
    cmake(prefix, tmp_path, "set(UPDRAFT_SANITIZE ON)\nfind_package(Updraft REQUIRED)\n"
                            "updraft_add_firmware(fw VERSION 1 SOURCES main.c)")
    run("cmake", "--build", tmp_path / "build")
    updraft = prefix / "bin" / "updraft"
    run(updraft, "board", "create", tmp_path / "b.flash", "--app", tmp_path / "build" / "fw.bin")
    said = run(updraft, "board", "run", tmp_path / "b.flash", "--timeout", "30", check=4)
    assert "heap-buffer-overflow" in said and "in write_behind" in said and said.count("board: booting") == 1


def test_a_mistake_in_a_firmware_is_named_with_the_installed_package_too(prefix, tmp_path):
    (tmp_path / "main.c").write_text("void app_main(void) {}\n")
    said = cmake(prefix, tmp_path, "find_package(Updraft REQUIRED)\nupdraft_add_firmware(fw SOURCES main.c)", check=1)
    assert "updraft_add_firmware(fw): VERSION is needed" in said


def test_the_manual_and_the_completion_arrive(prefix):
    found = files_under(prefix)
    assert {"bin/updraft", "share/man/man1/updraft.1", "share/man/man1/updraft-board.1",
            "share/bash-completion/completions/updraft", "share/zsh/site-functions/_updraft"} <= found
    assert "board" in run("man", "-l", prefix / "share/man/man1/updraft-board.1", env={**os.environ, "PAGER": "cat"})


def test_no_path_of_this_machine_is_in_the_package(prefix):
    for path in [*prefix.rglob("*.cmake"), *prefix.rglob("*.pc"), *prefix.rglob("*.1")]:
        assert str(ROOT) not in path.read_text(), path


def test_uninstall_removes_what_install_brought_and_nothing_else(tmp_path):
    make("install", "/opt/updraft", tmp_path)
    installed = tmp_path / "opt" / "updraft"
    before = files_under(installed)
    manifest = installed / "share" / "updraft" / "installed-files"
    assert {str(installed / name) for name in before if name != "share/updraft/installed-files"} \
        == {f"{tmp_path}{line}" for line in manifest.read_text().split()}
    mine = installed / "bin" / "mine"
    mine.write_text("not of the package")
    assert f"removed {len(before)} files" in make("uninstall", "/opt/updraft", tmp_path)
    assert files_under(installed) == {"bin/mine"}
    assert [p for p in installed.rglob("*") if p.is_dir()] == [installed / "bin"]
    assert "nothing is installed" in make("uninstall", "/opt/updraft", tmp_path, check=2)


def test_a_newer_installation_removes_what_it_does_not_have_any_more(tmp_path):
    make("install", "/opt/updraft", tmp_path)
    manifest = tmp_path / "opt/updraft/share/updraft/installed-files"
    old = tmp_path / "opt/updraft/include/updraft/of_an_older_version.h"
    old.write_text("")
    manifest.write_text(manifest.read_text() + "/opt/updraft/include/updraft/of_an_older_version.h\n")
    make("install", "/opt/updraft", tmp_path)
    assert not old.exists() and "of_an_older" not in manifest.read_text()


@pytest.mark.parametrize("line", ["/etc/passwd", "/opt/updraft/../../etc/passwd",
                                  "/opt/updraft/../passwd", "/opt/updraft/..", "relative"])
def test_a_list_that_names_strange_files_is_not_followed(tmp_path, line):
    manifest = tmp_path / "opt/updraft/share/updraft/installed-files"
    manifest.parent.mkdir(parents=True)
    victim = tmp_path / "etc" / "passwd"
    victim.parent.mkdir()
    victim.write_text("precious")
    manifest.write_text(line + "\n")
    assert "none of ours" in make("uninstall", "/opt/updraft", tmp_path, check=2)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("prefix", ["relative/path", "/", ""])
def test_a_prefix_that_is_no_place_is_refused(tmp_path, prefix):
    for target in "install", "uninstall":
        assert "not an absolute path" in make(target, prefix, tmp_path, check=2)


def test_the_plugin_has_the_version_of_the_package():
    version = re.search(r"^project\(updraft VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
    assert f'\nversion = "{version}"\n' in (ROOT / "python" / "pyproject.toml").read_text()
