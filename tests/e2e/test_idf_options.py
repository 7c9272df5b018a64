# SPDX-License-Identifier: Apache-2.0
"""The options of ESP-IDF projects: layers, defaults, chips, and what is said about options without effect."""

import pytest

from idf_project import TOP, build, header, idf, project, refuse, words

# Options and defaults of ESP-IDF that projects test. None: n, no line in sdkconfig.h.
DEFAULTS = {
    "IDF_TARGET": '"esp32"', "IDF_TARGET_ESP32": "1", "IDF_TARGET_ESP32C3": None, "IDF_FIRMWARE_CHIP_ID": "0x0000",
    "ESPTOOLPY_FLASHSIZE": '"2MB"', "ESPTOOLPY_FLASHMODE": '"dio"', "PARTITION_TABLE_SINGLE_APP": "1",
    "PARTITION_TABLE_FILENAME": '"partitions_singleapp.csv"', "PARTITION_TABLE_OFFSET": "0x8000",
    "PARTITION_TABLE_MD5": "1", "PARTITION_TABLE_CUSTOM_FILENAME": '"partitions.csv"',
    "BOOTLOADER_OFFSET_IN_FLASH": "0x1000", "BOOTLOADER_APP_ROLLBACK_ENABLE": None,
        "BOOTLOADER_APP_ANTI_ROLLBACK": None,
    "BOOTLOADER_APP_SEC_VER_SIZE_EFUSE_FIELD": "32", "BOOTLOADER_WDT_ENABLE": "1", "BOOTLOADER_WDT_TIME_MS": "9000",
    "BOOTLOADER_FACTORY_RESET": None, "BOOTLOADER_APP_TEST": None, "SECURE_BOOT": None,
        "SECURE_FLASH_ENC_ENABLED": None,
    "SECURE_SIGNED_APPS_NO_SECURE_BOOT": None, "NVS_ENCRYPTION": None, "ESP_HTTPS_OTA_ALLOW_HTTP": None,
    "ESP_HTTPS_OTA_EVENT_POST_TIMEOUT": "2000", "ESP_HTTPS_OTA_VERIFY_SPI_MODE": "1",
    "ESP_HTTPS_OTA_ENABLE_PARTIAL_DOWNLOAD": None, "ESP_HTTP_CLIENT_ENABLE_HTTPS": "1",
    "ESP_HTTP_CLIENT_ENABLE_BASIC_AUTH": None, "ESP_HTTP_CLIENT_EVENT_POST_TIMEOUT": "2000",
    "ESP_TLS_CLIENT_SESSION_TICKETS": None, "MBEDTLS_CERTIFICATE_BUNDLE": "1",
    "MBEDTLS_CERTIFICATE_BUNDLE_DEFAULT_FULL": "1", "MBEDTLS_CUSTOM_CERTIFICATE_BUNDLE": None,
    "MBEDTLS_SSL_IN_CONTENT_LEN": "16384", "MBEDTLS_DYNAMIC_BUFFER": None, "MBEDTLS_SSL_PROTO_TLS1_2": "1",
    "APP_PROJECT_VER_FROM_CONFIG": None, "APP_COMPILE_TIME_DATE": "1", "APP_REPRODUCIBLE_BUILD": None,
    "APP_RETRIEVE_LEN_ELF_SHA": "9", "LOG_DEFAULT_LEVEL": "3", "LOG_MAXIMUM_LEVEL": "3", "FREERTOS_HZ": "100",
    "FREERTOS_NUMBER_OF_CORES": "2", "ESP_ERR_TO_NAME_LOOKUP": "1", "ESP_SYSTEM_EVENT_QUEUE_SIZE": "32",
    "ESP_MAIN_TASK_STACK_SIZE": "3584", "COMPILER_OPTIMIZATION_DEBUG": "1",
}


def test_defaults_are_those_of_esp_idf(tmp_path):
    folder = project(tmp_path / "p")
    build(folder)
    said = header(folder)
    wrong = {name: said.get(f"CONFIG_{name}") for name,
        value in DEFAULTS.items() if said.get(f"CONFIG_{name}") != value}
    assert not wrong


@pytest.mark.parametrize("chip, chip_id, offset, width, cores", [
    ("esp32", "0x0", "0x1000", "32", "2"), ("esp32s2", "0x2", "0x1000", "16", "1"), ("esp32c3", "0x5", "0x0", "16",
        "1"),
    ("esp32s3", "0x9", "0x0", "16", "2"), ("esp32c2", "0xc", "0x0", "4", "1"), ("esp32c5", "0x17", "0x2000", "9", "1"),
    ("esp32p4", "0x12", "0x2000", "16", "2"),
])
def test_what_follows_from_the_chip(tmp_path, chip, chip_id, offset, width, cores):
    folder = project(tmp_path / "p", {"sdkconfig.defaults": f'CONFIG_IDF_TARGET="{chip}"\n'})
    build(folder)
    said = header(folder)
    assert said["CONFIG_IDF_TARGET"] == f'"{chip}"' and said[f"CONFIG_IDF_TARGET_{chip.upper()}"] == "1"
    assert int(said["CONFIG_IDF_FIRMWARE_CHIP_ID"], 16) == int(chip_id, 16)
    assert int(said["CONFIG_BOOTLOADER_OFFSET_IN_FLASH"], 16) == int(offset, 16)
    assert said["CONFIG_BOOTLOADER_APP_SEC_VER_SIZE_EFUSE_FIELD"] == width
    assert said["CONFIG_FREERTOS_NUMBER_OF_CORES"] == cores


TARGETS = [
    ("environment_over_sdkconfig", {"sdkconfig": 'CONFIG_IDF_TARGET="esp32c3"\n'}, {"IDF_TARGET": "esp32c6"},
        "esp32c6"),
    ("sdkconfig_over_defaults", {"sdkconfig": 'CONFIG_IDF_TARGET="esp32c3"\n',
                                 "sdkconfig.defaults": 'CONFIG_IDF_TARGET="esp32s3"\n'}, {}, "esp32c3"),
    ("defaults", {"sdkconfig.defaults": "CONFIG_IDF_TARGET=\"esp32s3\"\r\n"}, {}, "esp32s3"),
    ("else_esp32", {}, {}, "esp32"),
]


@pytest.mark.parametrize("files, env, chip", [row[1:] for row in TARGETS], ids=[row[0] for row in TARGETS])
def test_the_chip(tmp_path, files, env, chip):
    folder = project(tmp_path / "p", files)
    build(folder, env=env)
    assert header(folder)["CONFIG_IDF_TARGET"] == f'"{chip}"'


def test_linux_is_no_chip(tmp_path):
    said = refuse(project(tmp_path / "p"), "-D", "IDF_TARGET=linux")
    assert "IDF_TARGET is 'linux', which is not a chip that a board can be; there are esp32, esp32s2" in said


def test_layers_in_their_order(tmp_path):
    folder = project(tmp_path / "p", {
        "sdkconfig.defaults": "CONFIG_FREERTOS_HZ=200\nCONFIG_ESP_MAIN_TASK_STACK_SIZE=4000\nCONFIG_LOG_COLORS=y\n",
        "sdkconfig.defaults.esp32": "CONFIG_FREERTOS_HZ=300\nCONFIG_ESP_MAIN_TASK_STACK_SIZE=5000\n",
        "sdkconfig.defaults.esp32c3": "CONFIG_FREERTOS_HZ=400\n",
        "sdkconfig": "CONFIG_FREERTOS_HZ=500\n# CONFIG_LOG_COLORS is not set\n"})
    own = (folder / "sdkconfig").read_bytes(), (folder / "sdkconfig").stat().st_mtime_ns
    build(folder)
    said = header(folder)
    assert (said["CONFIG_FREERTOS_HZ"], said["CONFIG_ESP_MAIN_TASK_STACK_SIZE"]) == ("500", "5000")
    assert "CONFIG_LOG_COLORS" not in said
    assert ((folder / "sdkconfig").read_bytes(), (folder / "sdkconfig").stat().st_mtime_ns) == own


def test_defaults_files_can_be_named(tmp_path):
    folder = project(tmp_path / "p", {"sdkconfig.defaults": "CONFIG_FREERTOS_HZ=200\n",
                                      "sdkconfig.ci": "CONFIG_ESP_MAIN_TASK_STACK_SIZE=4096\n",
                                      "sdkconfig.ci.esp32": "CONFIG_LOG_COLORS=y\n"})
    build(folder, "-D", "SDKCONFIG_DEFAULTS=sdkconfig.defaults;sdkconfig.ci")
    said = header(folder)
    assert said["CONFIG_FREERTOS_HZ"] == "200" and said["CONFIG_ESP_MAIN_TASK_STACK_SIZE"] == "4096"
    assert said["CONFIG_LOG_COLORS"] == "1"
    assert "SDKCONFIG_DEFAULTS names sdkconfig.not, and there is no file" in refuse(
        folder, "-B", tmp_path / "b", "-D", "SDKCONFIG_DEFAULTS=sdkconfig.not")


def test_a_new_or_changed_layer_is_noticed(tmp_path):
    folder = project(tmp_path / "p")
    build(folder)
    (folder / "sdkconfig.defaults").write_text("CONFIG_FREERTOS_HZ=250\n")
    build(folder)
    assert header(folder)["CONFIG_FREERTOS_HZ"] == "250"
    (folder / "sdkconfig.defaults").write_text("CONFIG_FREERTOS_HZ=500\n")
    build(folder)
    assert header(folder)["CONFIG_FREERTOS_HZ"] == "500"
    (folder / "sdkconfig.defaults").unlink()
    build(folder)
    assert header(folder)["CONFIG_FREERTOS_HZ"] == "100"


def test_options_of_components_and_of_the_project(tmp_path):
    folder = project(tmp_path / "p", {
        "main/Kconfig.projbuild": """menu "Example"
    config EXAMPLE_URL
        string "URL"
        default "FROM_STDIN"
    config EXAMPLE_URL_FROM_STDIN
        bool
        default y if EXAMPLE_URL = "FROM_STDIN"
    config EXAMPLE_SIZE
        int "Size"
        default MBEDTLS_SSL_IN_CONTENT_LEN
    orsource "$IDF_PATH/examples/common_components/env_caps/$IDF_TARGET/Kconfig.env_caps"
    config EXAMPLE_PIN
        int "Pin"
        range ENV_GPIO_RANGE_MIN ENV_GPIO_IN_RANGE_MAX
        default 4
endmenu
""",
        "components/a/CMakeLists.txt": 'idf_component_register(KCONFIG "Options.kc" KCONFIG_PROJBUILD Build.kc)\n',
        "components/a/Options.kc": "config A_OPTION\n    int \"a\"\n    default 5\n",
        "components/a/Build.kc": "config A_BUILD\n    int \"a\"\n    default 6\n",
        "components/b/CMakeLists.txt": "idf_component_register()\n",
        "components/b/Kconfig": "config B_NEW\n    int \"b\"\n    default 1\n",
        "components/b/sdkconfig.rename": "CONFIG_B_OLD CONFIG_B_NEW\n",
        "sdkconfig.defaults": "CONFIG_B_OLD=9\nCONFIG_OTA_ALLOW_HTTP=y\n"})
    build(folder)
    said = header(folder)
    assert said["CONFIG_EXAMPLE_URL_FROM_STDIN"] == "1" and said["CONFIG_EXAMPLE_SIZE"] == "16384"
    assert said["CONFIG_EXAMPLE_PIN"] == "4"
    assert (said["CONFIG_A_OPTION"], said["CONFIG_A_BUILD"], said["CONFIG_B_NEW"]) == ("5", "6", "9")
    assert said["CONFIG_ESP_HTTPS_OTA_ALLOW_HTTP"] == "1"
    assert said["CONFIG_OTA_ALLOW_HTTP"] == "CONFIG_ESP_HTTPS_OTA_ALLOW_HTTP"


def test_the_options_of_a_replaced_component_are_its_own(tmp_path):
    folder = project(tmp_path / "p", {
        "components/esp_http_client/CMakeLists.txt": "idf_component_register(SRCS c.c)\n",
        "components/esp_http_client/c.c": "int mine;\n",
        "components/esp_http_client/Kconfig": "config ESP_HTTP_CLIENT_ENABLE_BASIC_AUTH\n    int \"mine\"\n"
                                              "    default 3\n"})
    build(folder)
    said = header(folder)
    assert said["CONFIG_ESP_HTTP_CLIENT_ENABLE_BASIC_AUTH"] == "3"
    assert "CONFIG_ESP_HTTP_CLIENT_ENABLE_HTTPS" not in said and "CONFIG_ESP_HTTPS_OTA_VERIFY_SPI_MODE" in said


def test_options_without_effect_are_named_in_one_line(tmp_path):
    many = "".join(f"CONFIG_OTHER_{i}=y\n" for i in range(9))
    folder = project(tmp_path / "p", {"sdkconfig.defaults": f"CONFIG_LWIP_DHCP_GET_NTP_SRV=y\n{many}"})
    said = build(folder)
    lines = [line for line in said.splitlines() if "without effect" in line]
    assert lines == ["updraft: options without effect on a virtual board: LWIP_DHCP_GET_NTP_SRV, OTHER_0, OTHER_1, "
                     "OTHER_2, OTHER_3, OTHER_4 and 4 more (config/report.json)"]


STOPS = [
    ("SECURE_BOOT=y", "asks for secure boot, which a virtual board does not have"),
    ("SECURE_FLASH_ENC_ENABLED=y", "asks for flash encryption, which a virtual board does not have"),
    ("NVS_ENCRYPTION=y", "asks for encrypted NVS"),
    ("SECURE_SIGNED_APPS_NO_SECURE_BOOT=y", "asks for signed images"),
    ("BOOTLOADER_SKIP_VALIDATE_ALWAYS=y", "asks for a boot loader that does not validate"),
    ("PARTITION_TABLE_TWO_OTA_ENCRYPTED_NVS=y", "asks for encrypted NVS"),
    ("MBEDTLS_CUSTOM_CERTIFICATE_BUNDLE=y", "asks for a certificate bundle of the project's"),
    ("BT_ENABLED=y", "asks for Bluetooth"),
    ("SECURE_UNHEARD_OF=y", "is about security, and is not known here"),
    ("BOOTLOADER_UNHEARD_OF=5", "is about the boot loader, and is not known here"),
    ("PARTITION_TABLE_UNHEARD_OF=y", "is about the layout of the flash, and is not known here"),
    ("ESP_HTTP_UNHEARD_OF=y", "is about HTTP and updates, and is not known here"),
    ('APP_UNHEARD_OF="x;y"', "is about the image, and is not known here"),
    ("EFUSE_UNHEARD_OF=y", "is about eFuses, and is not known here"),
]


@pytest.mark.parametrize("line, said", STOPS, ids=[row[0] for row in STOPS])
def test_an_option_that_promises_something_stops_the_build(tmp_path, line, said):
    option = line.split("=")[0]
    folder = project(tmp_path / "p", {"sdkconfig.defaults": f"CONFIG_{line}\n"})
    text = refuse(folder)
    assert f"CONFIG_{option}" in text and said in text and f"-DUPDRAFT_IGNORE={option}" in text


def test_an_option_can_be_let_pass(tmp_path):
    lines = "".join(f"CONFIG_{line}\n" for line, _ in STOPS if not line.startswith("PARTITION_TABLE_TWO_OTA"))
    folder = project(tmp_path / "p", {"sdkconfig.defaults": lines})
    assert "asks for secure boot" in refuse(folder)
    assert "asks for flash encryption" in refuse(folder, "-D", "UPDRAFT_IGNORE=SECURE_BOOT")
    assert "options without effect" in build(folder, "-D", "UPDRAFT_IGNORE=ALL")


def test_n_of_an_unknown_option_promises_nothing(tmp_path):
    folder = project(tmp_path / "p", {"sdkconfig.defaults": "CONFIG_SECURE_UNHEARD_OF=n\n# CONFIG_BT_ENABLED is "
        "not set\n"})
    build(folder)


def test_a_whole_sdkconfig_of_esp_idf_is_taken_as_it_is(tmp_path):
    lines = "".join(f"CONFIG_{name}=y\n" for name in ("BOOTLOADER_FLASH_XMC_SUPPORT", "SECURE_ROM_DL_MODE_ENABLED",
                                                      "APP_BUILD_GENERATE_BINARIES", "EFUSE_MAX_BLK_LEN"))
    many = "".join(f"CONFIG_UNKNOWN_{i}={i}\n" for i in range(4000))
    folder = project(tmp_path / "p", {"sdkconfig": f"{lines}{many}CONFIG_FREERTOS_HZ=1000\n# CONFIG_BT_ENABLED is "
                                                   f"not set\n"})
    own = (folder / "sdkconfig").read_bytes()
    build(folder)
    assert header(folder)["CONFIG_FREERTOS_HZ"] == "1000"
    assert (folder / "sdkconfig").read_bytes() == own
    (folder / "sdkconfig").write_text("CONFIG_BT_ENABLED=y\n")
    assert "asks for Bluetooth" in refuse(folder)


@pytest.mark.parametrize("files, said", [
    ({"main/Kconfig.projbuild": "config X\n    nonsense\n"}, "Kconfig.projbuild:2"),
    ({"main/Kconfig.projbuild": 'source "nowhere"\n'}, "nowhere"),
], ids=["syntax", "missing_source"])
def test_a_kconfig_that_cannot_be_read_is_named(tmp_path, files, said):
    text = refuse(project(tmp_path / "p", files))
    assert "the options of the project (Kconfig, sdkconfig) cannot be read" in text and said in text


def test_values_that_do_not_fit_are_said(tmp_path):
    folder = project(tmp_path / "p", {"sdkconfig.defaults": "CONFIG_FREERTOS_HZ=abc\nCONFIG_LOG_COLORS=5\n"})
    said = words(build(folder))
    assert "'abc' is invalid for FREERTOS_HZ" in said
    assert "'5' is not a valid value for the bool symbol LOG_COLORS" in said


def test_forms_of_lines(tmp_path):
    folder = project(tmp_path / "p", {"sdkconfig.defaults":
                                      b"CONFIG_LOG_COLORS=y  # why\r\nCONFIG_FREERTOS_HZ=200 \r\n"
                                      b"CONFIG_FREERTOS_HZ=300\n"})
    build(folder)
    said = header(folder)
    assert said["CONFIG_LOG_COLORS"] == "1" and said["CONFIG_FREERTOS_HZ"] == "300"


def test_the_level_of_optimization(tmp_path):
    for option, flag in (("DEBUG", "-Og"), ("SIZE", "-Os"), ("PERF", "-O2"), ("NONE", "-O0")):
        folder = project(tmp_path / option, {"sdkconfig.defaults": f"CONFIG_COMPILER_OPTIMIZATION_{option}=y\n",
                                             "CMakeLists.txt": TOP + "set(CMAKE_EXPORT_COMPILE_COMMANDS ON)\n"})
        done = idf("build", folder, "-v")
        assert done.returncode == 0 and f" {flag} " in done.stdout, done.stdout
