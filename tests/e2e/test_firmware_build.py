# SPDX-License-Identifier: Apache-2.0
"""What updraft_add_firmware makes of its arguments: sdkconfig.h, app_config.c, and mistakes that stop the build."""

import re
import subprocess

import pytest

from conftest import ROOT, run

MODULE = ROOT / "cmake" / "updraft-firmware.cmake"


def configure(tmp_path, *config, chip="esp32c3"):
    """Run the function that writes a firmware's two files, without a project; the CompletedProcess of cmake."""
    quoted = " ".join(f"[[{item}]]" for item in config)
    script = tmp_path / "configure.cmake"
    script.write_text(f'include({MODULE})\nud_write_firmware_config("fw" "{tmp_path}/out" {chip} {quoted})\n')
    return subprocess.run(["cmake", "-P", script], capture_output=True, text=True)


def defines(tmp_path):
    text = (tmp_path / "out" / "sdkconfig.h").read_text()
    return dict(re.findall(r"^#define CONFIG_(\w+) (.*)$", text, re.M))


def members(tmp_path):
    text = (tmp_path / "out" / "app_config.c").read_text()
    return dict(re.findall(r"^    \.(\w+) = (.*),$", text, re.M))


def test_without_options_the_defaults_are_esp_idfs(tmp_path):
    assert configure(tmp_path).returncode == 0
    header = defines(tmp_path)
    assert header["IDF_TARGET"] == '"esp32c3"'
    assert header["IDF_TARGET_ESP32C3"] == "1"
    assert int(header["IDF_FIRMWARE_CHIP_ID"], 16) == 5
    assert int(header["BOOTLOADER_OFFSET_IN_FLASH"], 16) == 0
    assert int(header["PARTITION_TABLE_OFFSET"], 16) == 0x8000
    assert (header["FREERTOS_HZ"], header["LOG_DEFAULT_LEVEL"], header["LOG_MAXIMUM_LEVEL"]) == ("100", "3", "3")
    assert (header["ESP_ERR_TO_NAME_LOOKUP"], header["PARTITION_TABLE_MD5"]) == ("1", "1")
    for off in "BOOTLOADER_APP_ROLLBACK_ENABLE", "BOOTLOADER_APP_ANTI_ROLLBACK", "ESP_HTTPS_OTA_ALLOW_HTTP":
        assert off not in header
    config = members(tmp_path)
    assert (config["app_rollback"], config["app_anti_rollback"], config["https_ota_allow_http"]) == ("false",) * 3
    assert (config["err_to_name_lookup"], config["partition_table_md5"]) == ("true", "true")
    assert (config["freertos_hz"], config["event_queue_size"], config["main_task_stack"]) == ("100", "32", "3584")
    assert (config["https_ota_post_timeout_ms"], config["http_client_post_timeout_ms"]) == ("2000", "2000")


def test_options_reach_both_files(tmp_path):
    options = ["BOOTLOADER_APP_ROLLBACK_ENABLE=y", "CONFIG_LOG_DEFAULT_LEVEL=4", "FREERTOS_HZ=1000", "LOG_COLORS=n",
               "ESP_HTTPS_OTA_EVENT_POST_TIMEOUT=-1", "PARTITION_TABLE_OFFSET=0x10000"]
    assert configure(tmp_path, *options).returncode == 0
    header, config = defines(tmp_path), members(tmp_path)
    assert (header["BOOTLOADER_APP_ROLLBACK_ENABLE"], config["app_rollback"]) == ("1", "true")
    assert (header["LOG_MAXIMUM_LEVEL"], header["LOG_DEFAULT_LEVEL_DEBUG"]) == ("4", "1")
    assert (config["log_default_level"], config["freertos_hz"]) == ("4", "1000")
    assert (config["https_ota_post_timeout_ms"], header["PARTITION_TABLE_OFFSET"]) == ("-1", "0x10000")
    assert "LOG_COLORS" not in header and config["log_colors"] == "false"


def test_options_of_the_application_are_typed_by_their_value(tmp_path):
    result = configure(tmp_path, "EXAMPLE_A=y", "EXAMPLE_B=n", "EXAMPLE_N=-7", "EXAMPLE_H=0x1F",
                       'EXAMPLE_URL=https://h/a"b\\c?x=1&y=2')
    assert result.returncode == 0, result.stderr
    header = defines(tmp_path)
    assert (header["EXAMPLE_A"], header["EXAMPLE_N"], header["EXAMPLE_H"]) == ("1", "-7", "0x1F")
    assert "EXAMPLE_B" not in header
    assert header["EXAMPLE_URL"] == r'"https://h/a\"b\\c?x=1&y=2"'


def rows_of_the_library():
    """Name, id and boot loader offset of each real chip in the library's own table."""
    rows = re.split(r"^    \{ ", (ROOT / "src" / "image" / "chips.c").read_text(), flags=re.M)[1:]
    for row in rows:
        number = re.match(r"\.id = (0x\w+)", row)
        if number:
            offset = re.search(r"\.bootloader_offset = (0x\w+)", row)
            yield re.search(r'\.name = "(\w+)"', row)[1], int(number[1], 16), int(offset[1], 16) if offset else 0


@pytest.mark.parametrize("chip, chip_id, bootloader", list(rows_of_the_library()))
def test_every_chip_has_its_id_and_offset_as_in_the_library(tmp_path, chip, chip_id, bootloader):
    assert configure(tmp_path, chip=chip).returncode == 0
    header = defines(tmp_path)
    assert header["IDF_TARGET"] == f'"{chip}"' and f"IDF_TARGET_{chip.upper()}" in header
    assert int(header["IDF_FIRMWARE_CHIP_ID"], 16) == chip_id
    assert int(header["BOOTLOADER_OFFSET_IN_FLASH"], 16) == bootloader


@pytest.mark.parametrize("chip, cores", [("esp32", 2), ("esp32s3", 2), ("esp32c3", 1), ("esp32c6", 1)])
def test_the_chip_decides_how_many_cores_there_are(tmp_path, chip, cores):
    assert configure(tmp_path, chip=chip).returncode == 0
    header = defines(tmp_path)
    assert int(header["FREERTOS_NUMBER_OF_CORES"]) == cores
    assert ("FREERTOS_UNICORE" in header) == (cores == 1)


@pytest.mark.parametrize("config, complaint", [
    ("BOOTLOADER_APP_ROLLBACK_ENABLE", "not of the form NAME=value"),
    ("freertos_hz=100", "not of the form NAME=value"),
    ("BOOTLOADER_APP_ROLLBACK_ENABLE=1", "should be y or n"),
    ("ESP_MAIN_TASK_STACK_SIZE=big", "is a number"),
    ("PARTITION_TABLE_OFFSET=32768", "should begin with 0x"),
    ("LOG_DEFAULT_LEVEL=6", "from 0"),
    ("FREERTOS_HZ=0", "from 1 to 1000"),
    ("BOOTLOADER_APP_ANTI_ROLLBACK=y", "needs BOOTLOADER_APP_ROLLBACK_ENABLE"),
    ("IDF_TARGET=esp32", "follows from CHIP"),
    ("SECURE_BOOT=y", "not to be had on a virtual board"),
])
def test_a_mistake_in_config_stops_configuration_and_is_named(tmp_path, config, complaint):
    result = configure(tmp_path, config)
    assert result.returncode != 0
    message = re.sub(r"\s+", " ", result.stderr)
    assert complaint in message and "fw:" in message and config.split("=")[0] in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("chip, bits", [("esp32", 32), ("esp32c2", 4), ("esp32c5", 9), ("esp32c3", 16),
                                       ("esp32c61", 16)])
def test_the_chip_decides_how_wide_the_secure_version_is(tmp_path, chip, bits):
    assert configure(tmp_path, chip=chip).returncode == 0
    assert defines(tmp_path)["BOOTLOADER_APP_SEC_VER_SIZE_EFUSE_FIELD"] == str(bits)
    assert configure(tmp_path, "BOOTLOADER_APP_SEC_VER_SIZE_EFUSE_FIELD=3", chip=chip).returncode != 0


def test_an_unknown_chip_stops_configuration(tmp_path):
    result = configure(tmp_path, chip="esp33")
    assert result.returncode != 0 and "CHIP 'esp33' is not known" in result.stderr


def project(tmp_path, arguments):
    """Configure a project without languages around a call that must fail before it makes a target."""
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES NONE)\nadd_library(ud_firmware INTERFACE)\n"
        f"include({MODULE})\nupdraft_add_firmware({arguments})\n")
    result = subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "b"], capture_output=True, text=True)
    return result.returncode, re.sub(r"\s+", " ", result.stderr)


@pytest.mark.parametrize("arguments, complaint", [
    ("fw VERSION 1.0.0", "SOURCES are needed"),
    ("fw SOURCES main.c", "VERSION is needed"),
    (f"fw VERSION {'1' * 32} SOURCES main.c", "has 32 characters; an image has room for 31"),
    (f"{'n' * 32} VERSION 1 SOURCES main.c", "an image has room for 31"),
    ("fw VERSION 1 SOURCES main.c TABLE none.csv", "there is no TABLE"),
    ("fw VERSION 1 SOURCES main.c EMBED_TXTFILES none.pem", "there is no file"),
    ("fw VERSION 1 SORCES main.c", "is no argument of it"),
])
def test_a_mistake_in_the_arguments_stops_configuration(tmp_path, arguments, complaint):
    code, message = project(tmp_path, arguments)
    assert code != 0 and complaint in message


def test_an_image_that_does_not_fit_the_smallest_slot_stops_the_build(tmp_path):
    table = tmp_path / "small.csv"
    table.write_text("otadata,data,ota,,0x2000\nota_0,app,ota_0,,128K\nota_1,app,ota_1,,64K\n")
    raw = tmp_path / "raw"
    command = ["image", "create", "--chip", "esp32c3", "--project", "p", "--version", "1", "--fit-table", table,
               "--raw", raw, "--out"]
    raw.write_bytes(bytes(60 * 1024))
    run(*command, tmp_path / "fits.bin")
    raw.write_bytes(bytes(70 * 1024))  # fits the larger slot only
    refused = run(*command, tmp_path / "refused.bin", check=1)
    assert "exceeds the smallest OTA slot" in refused.stderr
    assert not (tmp_path / "refused.bin").exists()
