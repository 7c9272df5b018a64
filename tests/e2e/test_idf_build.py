# SPDX-License-Identifier: Apache-2.0
"""`updraft idf`: what the front door does with projects, build folders and boards."""

import json
import os
import shutil
import subprocess
import time

import pytest

from conftest import UPDRAFT, run
from idf_project import build, header, idf, project, refuse, words

HELLO = """#include <stdio.h>
#include "esp_app_desc.h"
#include "esp_ota_ops.h"
#include "sdkconfig.h"
void app_main(void)
{
    const esp_app_desc_t *desc = esp_app_get_description();
    printf("%s %s on %s in %s\\n", desc->project_name, desc->version, CONFIG_IDF_TARGET,
           esp_ota_get_running_partition()->label);
}
"""


@pytest.fixture
def hello(tmp_path):
    return project(tmp_path / "hello", {
        "main/main.c": HELLO,
        "version.txt": "1.2.3\n",
        "sdkconfig.defaults": "CONFIG_PARTITION_TABLE_TWO_OTA=y\nCONFIG_ESPTOOLPY_FLASHSIZE_4MB=y\n"
                              "CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE=y\n",
    })


def test_a_project_is_built_and_runs_on_its_board(hello):
    started = time.monotonic()
    build(hello)
    fresh = time.monotonic() - started
    started = time.monotonic()
    again = build(hello)
    print(f"fresh configure and build {fresh:.2f} s, nothing to do {time.monotonic() - started:.2f} s")
    assert "configured in" not in again
    outputs = ["tiny.elf", "tiny.bin", "bootloader/bootloader.bin", "partition_table/partition-table.bin",
               "ota_data_initial.bin", "flasher_args.json", "project_description.json", "config/sdkconfig.h",
               "config/sdkconfig.cmake", "config/sdkconfig.json"]
    for name in outputs:
        assert (hello / "build" / name).exists(), name
    args = json.loads((hello / "build" / "flasher_args.json").read_text())
    assert args["flash_files"] == {"0x1000": "bootloader/bootloader.bin", "0x8000":
        "partition_table/partition-table.bin",
                                   "0xd000": "ota_data_initial.bin", "0x10000": "tiny.bin"}
    assert (hello / "build" / "ota_data_initial.bin").read_bytes() == b"\xff" * 8192
    created = run("board", "create", "--project", hello)
    assert "ESP32 revision" in created.stdout and "rollback on" in created.stdout
    ran = run("board", "run", "--project", hello, "--until", "tiny 1.2.3 on esp32 in factory", "--timeout", 20)
    assert "Calling app_main" in ran.stdout


def test_a_new_app_is_put_on_the_board_and_data_stays(hello):
    board = hello / "build" / "board.flash"
    run("board", "run", "--project", hello, "--until", "tiny 1.2.3", "--timeout", 20)
    nvs = hello.parent / "nvs.bin"
    nvs.write_bytes(b"kept")
    run("board", "write", board, "nvs", nvs)
    (hello / "version.txt").write_text("1.2.4\n")
    ran = run("board", "run", "--project", hello, "--until", "tiny 1.2.4", "--timeout", 20)
    assert "the app has changed: it is put on" in ran.stderr
    run("board", "read", board, "nvs", "--out", nvs)
    assert nvs.read_bytes()[:4] == b"kept"
    (hello / "sdkconfig.defaults").write_text("CONFIG_PARTITION_TABLE_TWO_OTA_LARGE=y\n"
                                              "CONFIG_ESPTOOLPY_FLASHSIZE_4MB=y\n")
    ran = run("board", "run", "--project", hello, "--until", "tiny 1.2.4 on esp32 in ota_0", "--timeout", 20)
    assert "is made anew" in ran.stderr


def test_idf_run_takes_options_of_board_run(hello):
    done = idf("run", hello, "--", "--until", "tiny 1.2.3", "--timeout", 20)
    assert done.returncode == 0 and "tiny 1.2.3 on esp32" in done.stdout
    done = idf("run", hello, "--", "--until", "never", "--timeout", "1")
    assert done.returncode == 3


def test_settings_of_the_board_are_those_of_the_options(tmp_path):
    folder = project(tmp_path / "p", {"sdkconfig.defaults": """CONFIG_IDF_TARGET="esp32c3"
CONFIG_ESPTOOLPY_FLASHSIZE_8MB=y
CONFIG_PARTITION_TABLE_OFFSET=0x10000
CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE=y
CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK=y
CONFIG_BOOTLOADER_APP_SECURE_VERSION=3
CONFIG_BOOTLOADER_FACTORY_RESET=y
CONFIG_BOOTLOADER_NUM_PIN_FACTORY_RESET=9
CONFIG_BOOTLOADER_DATA_FACTORY_RESET="nvs"
"""})
    run("board", "create", "--project", folder)
    settings = json.loads((folder / "build" / "board.flash.json").read_text())
    assert settings["chip"] == "esp32c3"
    assert settings["flash_size"] == "8MB" and settings["partition_table_offset"] == "0x10000"
    assert settings["bootloader"]["rollback"] and settings["bootloader"]["anti_rollback"]
    assert settings["bootloader"]["factory_reset_pin"] == 9 and settings["bootloader"]["pin_level"] == 0
    assert settings["app"] == {"rollback": True, "anti_rollback": True}
    flash = (folder / "build" / "board.flash").read_bytes()
    assert len(flash) == 8 << 20
    assert flash[0x10000:0x10002] == b"\xaa\x50"
    bootloader = (folder / "build" / "bootloader" / "bootloader.bin").read_bytes()
    assert flash[:len(bootloader)] == bootloader and bootloader[12:14] == b"\x05\x00"


def test_options_that_a_project_says_are_not_said_again(hello):
    done = run("board", "create", "--project", hello, "--chip", "esp32c3", check=2)
    assert "--chip and --project exclude each other" in done.stderr
    done = run("board", "run", "b.flash", "--build-dir", "x", check=2)
    assert "go with --project" in done.stderr
    done = run("board", "create", "b.flash", "--no-build", check=2)
    assert "--no-build goes with --project" in done.stderr


def test_a_board_of_what_an_earlier_build_has_left(hello, tmp_path):
    """Not built: what is not there is named; what is there is taken, though the sources have changed."""
    folder = tmp_path / "other"
    folder.mkdir()
    done = run("board", "create", tmp_path / "b.flash", "--project", hello, "--build-dir", folder, "--no-build", check=1)
    assert f"{folder}/project_description.json: No such file" in done.stderr and not (tmp_path / "b.flash").exists()
    run("idf", "build", hello, "-B", folder)
    source = next((hello / "main").glob("*.c"))
    source.write_text(source.read_text() + "\n#error not compiled\n")
    run("board", "create", tmp_path / "b.flash", "--project", hello, "--build-dir", folder, "--no-build")
    parts = json.loads(run("board", "map", tmp_path / "b.flash", "--json").stdout)["partitions"]
    assert next(p["version"] for p in parts if p["label"] == "factory") == "1.2.3"


def test_a_board_that_no_project_made_is_left_alone(hello):
    board = hello.parent / "b.flash"
    run("board", "create", board)
    done = run("board", "run", "--project", hello, board, check=1)
    assert "was not made of a project" in done.stderr


def test_idf_path_serves_those_who_call_cmake(hello, tmp_path):
    path = run("idf-path").stdout.strip()
    env = {**os.environ, "IDF_PATH": path}
    subprocess.run(["cmake", "-G", "Unix Makefiles", "-S", hello, "-B", tmp_path / "b"], check=True, env=env,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", tmp_path / "b"], check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "b" / "tiny.bin").exists()


def test_the_source_of_the_folder_says_that_it_is_not_the_folder(hello, tmp_path):
    path = os.path.realpath(run("idf-path").stdout.strip())
    done = subprocess.run(["cmake", "-S", hello, "-B", tmp_path / "b"], env={**os.environ, "IDF_PATH": path}, text=True,
                          capture_output=True)
    assert done.returncode != 0 and "'updraft idf-path' prints where that is" in words(done.stderr)


def test_a_build_folder_of_another_build_system_stays(hello):
    (hello / "build").mkdir()
    (hello / "build" / "CMakeCache.txt").write_text("CMAKE_GENERATOR:INTERNAL=Ninja\n")
    assert "made by another build system, and stays as it is" in refuse(hello)
    done = idf("fullclean", hello)
    assert done.returncode == 1 and "stays as it is" in done.stdout
    assert (hello / "build" / "CMakeCache.txt").exists()
    build(hello, "-B", hello / "other")
    assert idf("fullclean", hello, "-B", hello / "other").returncode == 0
    assert not (hello / "other").exists()


def test_a_build_folder_of_another_idf_path_is_refused(hello):
    build(hello)
    cache = hello / "build" / "CMakeCache.txt"
    path = run("idf-path").stdout.strip()
    cache.write_text(cache.read_text().replace(f"UPDRAFT_IDF_PATH:INTERNAL={path}",
        "UPDRAFT_IDF_PATH:INTERNAL=/elsewhere"))
    assert "was made with /elsewhere" in refuse(hello)


def test_the_chip_of_a_build_folder_does_not_change(hello):
    build(hello, "-D", "IDF_TARGET=esp32s3")
    assert header(hello)["CONFIG_IDF_TARGET"] == '"esp32s3"'
    said = refuse(hello, "-D", "IDF_TARGET=esp32c3")
    assert "was made for esp32s3, and IDF_TARGET is esp32c3 now" in said


def test_blanks_and_quotes_in_paths(tmp_path):
    folder = project(tmp_path / "my project's dir", {"main/main.c": HELLO, "main/a text.txt": "x",
        "main/CMakeLists.txt":
                     'idf_component_register(SRCS "main.c" EMBED_TXTFILES "a text.txt")\n'})
    build(folder)
    run("board", "run", "--project", folder, "--until", "on esp32 in factory", "--timeout", 20)


@pytest.mark.parametrize("args, said", [
    (["build", "/nowhere"], "/nowhere: No such file or directory"),
    (["build", "/"], "/ is no ESP-IDF project: it has no CMakeLists.txt"),
])
def test_what_is_no_project_is_named(args, said):
    done = idf(*args)
    assert done.returncode == 1 and said in done.stdout


@pytest.mark.parametrize("args, said", [
    (["frobnicate"], "'frobnicate' is not a verb"),
    (["build", "-D", "X"], "-D X is not NAME=VALUE"),
    (["build", "a", "b"], "'b' is one argument too many"),
])
def test_a_wrong_command_line_is_exit_2(args, said):
    done = idf(*args)
    assert done.returncode == 2 and said in done.stdout


def test_without_a_python_that_has_kconfgen_the_command_is_named(hello, tmp_path):
    kit = tmp_path / "share" / "updraft"
    kit.mkdir(parents=True)
    source = os.path.dirname(run("idf-path").stdout.strip())
    text = open(os.path.join(source, "kit.cmake")).read()
    kit.joinpath("kit.cmake").write_text("\n".join(line for line in text.splitlines() if "UD_KIT_PYTHON" not in line))
    kit.joinpath("idf").symlink_to(os.path.realpath(os.path.join(source, "idf")))
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("cmake", "ninja", "cc", "c++", "gcc", "g++", "git", "ar", "as", "ld", "nm", "ranlib", "strip"):
        bare.joinpath(tool).symlink_to(shutil.which(tool))
    bare.joinpath("python3").write_text("#!/bin/sh\nexit 1\n")
    bare.joinpath("python3").chmod(0o755)
    env = {"PATH": str(bare), "HOME": str(tmp_path), "IDF_PATH": str(kit / "idf")}
    done = subprocess.run(["cmake", "-G", "Ninja", "-S", hello, "-B", tmp_path / "b"], env=env, capture_output=True,
        text=True)
    assert done.returncode != 0
    assert "no Python with the packages esp-idf-kconfig and PyYAML was found" in words(done.stderr)
    assert f"python3 -m venv '{tmp_path}/.local/share/updraft/venv'" in words(done.stderr)


def test_idf_py_does_the_same_or_says_what_to_type(hello):
    path = run("idf-path").stdout.strip()
    for name in ("idf.py", "tools/idf.py"):
        done = subprocess.run([os.path.join(path, name), "-C", hello, "build"], capture_output=True, text=True,
                              env={**os.environ, "UPDRAFT": UPDRAFT})
        assert done.returncode == 0, done.stderr
        assert "tiny.bin" in done.stdout
    done = subprocess.run([os.path.join(path, "idf.py"), "-C", hello, "monitor"], capture_output=True, text=True,
                          env={**os.environ, "UPDRAFT": UPDRAFT})
    assert done.returncode == 2 and "updraft idf run" in done.stderr


def test_what_menuconfig_changes_is_shown_and_kept(hello):
    build(hello)
    script = hello.parent / "menu.py"  # in place of the menu: changes one option, as saving does
    script.write_text("""import os, sys
path = os.environ["KCONFIG_CONFIG"]
text = open(path).read()
assert "CONFIG_FREERTOS_HZ=100\\n" in text and os.environ["IDF_TARGET"] == "esp32"
assert sys.argv[1:3] == ["-m", "menuconfig"]
open(path, "w").write(text.replace("CONFIG_FREERTOS_HZ=100\\n", "CONFIG_FREERTOS_HZ=1000\\n"))
""")
    python = hello.parent / "python"
    python.write_text(f"#!/bin/sh\nexec python3 '{script}' \"$@\"\n")
    python.chmod(0o755)
    description = hello / "build" / "project_description.json"
    said = json.loads(description.read_text())
    said["updraft"]["python"] = str(python)
    description.write_text(json.dumps(said))
    done = idf("menuconfig", hello)
    assert done.returncode == 0 and "  CONFIG_FREERTOS_HZ=1000\n" in done.stdout, done.stdout
    build(hello)
    assert header(hello)["CONFIG_FREERTOS_HZ"] == "1000"
    (hello / "sdkconfig.defaults").write_text("CONFIG_LOG_DEFAULT_LEVEL_DEBUG=y\n")
    build(hello)
    assert header(hello)["CONFIG_FREERTOS_HZ"] == "1000" and header(hello)["CONFIG_LOG_DEFAULT_LEVEL"] == "4"
    assert not (hello / "sdkconfig").exists()


def test_the_menu_itself_starts_and_saves(hello):
    build(hello)
    done = idf("menuconfig", hello, env={"MENUCONFIG_HEADLESS": "1"})
    assert done.returncode == 0, done.stdout
