# SPDX-License-Identifier: Apache-2.0
"""What the CMake files of ESP-IDF projects may say: one tiny project a rule, its expected line or its error."""

import os

import pytest

from conftest import run
from idf_project import build, idf, project, refuse, words

PRINTS = '#include <stdio.h>\n%s\nvoid app_main(void) { %s }\n'


def prints(value, declarations="", form="%s"):
    """main.c that prints `value`."""
    return PRINTS % (declarations, f'printf("says {form}\\n", {value});')


def top(before="", after="", name="tiny", arguments=""):
    return (f"cmake_minimum_required(VERSION 3.16)\n{before}\ninclude($ENV{{IDF_PATH}}/tools/cmake/project.cmake)\n"
            f"project({name} {arguments})\n{after}\n")


def component(name, source=None, register=None):
    """A component with a function of its name that gives 42, and a header."""
    return {
        f"components/{name}/CMakeLists.txt": register or
        f'idf_component_register(SRCS "{name}.c" INCLUDE_DIRS "include")\n',
        f"components/{name}/include/{name}.h": f'#ifdef __cplusplus\nextern "C"\n#endif\nint {name}(void);\n',
        f"components/{name}/{name}.c": source or f'#include "{name}.h"\nint {name}(void) {{ return 42; }}\n',
    }


USES_A = prints("a()", '#include "a.h"', "%d")
DEFINED = prints("WORD", "", "%s")

# name, files, what the firmware says
BUILDS = [
    ("main_without_requires_sees_every_component", {**component("a"), "main/main.c": USES_A}, "says 42"),
    ("components_may_require_each_other", {
        **component("a", '#include "a.h"\n#include "b.h"\nint a(void) { return b() + 1; }\nint a_too(void) { '
                         'return 1; }\n',
                    'idf_component_register(SRCS a.c INCLUDE_DIRS include REQUIRES b)\n'),
        **component("b", '#include "b.h"\n#include "a.h"\nint a_too(void);\nint b(void) { return a_too(); }\n',
                    'idf_component_register(SRCS b.c INCLUDE_DIRS include REQUIRES a)\n'),
        "main/main.c": USES_A}, "says 2"),
    ("a_component_may_return_early", {
        **component("a", register="return()\nidf_component_register(SRCS a.c)\n"),
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c REQUIRES a)\n",
        "main/main.c": prints('"early"')}, "says early"),
    ("components_of_other_worlds_may_be_required", {
        "main/CMakeLists.txt":
        "idf_component_register(SRCS main.c REQUIRES bt protocomm esp_psram esp_driver_gpio esp_hal_uart freertos)\n",
        "main/main.c": prints('"accepted"')}, "says accepted"),
    ("extra_component_dirs_name_a_component_or_a_folder_of_them", {
        "CMakeLists.txt": top("set(EXTRA_COMPONENT_DIRS ${CMAKE_CURRENT_LIST_DIR}/one more)"),
        "one/CMakeLists.txt": "idf_component_register(SRCS one.c INCLUDE_DIRS .)\n",
        "one/one.h": "int one(void);\n", "one/one.c": '#include "one.h"\nint one(void) { return 1; }\n',
        "more/two/CMakeLists.txt": "idf_component_register(SRCS two.c INCLUDE_DIRS .)\n",
        "more/two/two.h": "int two(void);\n", "more/two/two.c": '#include "two.h"\nint two(void) { return 2; }\n',
        "main/main.c": prints("one() * 10 + two()", '#include "one.h"\n#include "two.h"', "%d")}, "says 12"),
    ("a_component_of_the_stack_is_replaced_by_one_of_its_name", {
        "components/esp_event/CMakeLists.txt": "idf_component_register(SRCS e.c INCLUDE_DIRS . REQUIRES log)\n",
        "components/esp_event/Kconfig": "config ESP_EVENT_MINE\n    bool\n    default y\n",
        "components/esp_event/esp_event.h": "#pragma once\n#define MINE 7\nint esp_event_loop_create_default(void);\n",
        "components/esp_event/e.c": '#include "esp_event.h"\nint esp_event_loop_create_default(void) { return '
                                    'MINE; }\n',
        "main/main.c": prints("esp_event_loop_create_default() + CONFIG_ESP_EVENT_MINE",
                              '#include "esp_event.h"\n#include "sdkconfig.h"', "%d")}, "says 8"),
    ("manifests_are_followed_to_their_end", {
        "main/idf_component.yml": "dependencies:\n  idf: '>=5.0'\n  near:\n    path: ../near\n"
                                  "  never:\n    path: ../nowhere\n    rules:\n      - if: target in [esp32h2, "
                                  "esp32p4]\n",
        "near/CMakeLists.txt": "idf_component_register(SRCS near.c INCLUDE_DIRS .)\n",
        "near/idf_component.yml": "dependencies:\n  far:\n    path: ${FAR_AWAY}/far\n    version: '*'\n",
        "near/near.h": "int near(void);\n",
        "near/near.c": '#include "near.h"\n#include "far.h"\nint near(void) { return far() + 1; }\n',
        "else/far/CMakeLists.txt": "idf_component_register(SRCS far.c INCLUDE_DIRS .)\n",
        "else/far/far.h": "int far(void);\n", "else/far/far.c": '#include "far.h"\nint far(void) { return 5; }\n',
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c PRIV_REQUIRES log)\n",
        "main/main.c": prints("near()", '#include "near.h"', "%d")}, "says 6"),
    ("what_is_taken_out_of_esp_idf_replaces_nothing", {
        "main/idf_component.yml":
        "dependencies:\n  protocol_examples_common:\n"
        "    path: ${IDF_PATH}/examples/common_components/protocol_examples_common\n",
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c PRIV_REQUIRES log)\n",
        "main/main.c": prints("CONFIG_EXAMPLE_WIFI_SSID", '#include "sdkconfig.h"')}, "says myssid"),
    ("a_managed_component_is_found_by_its_short_name", {
        "main/idf_component.yml": "dependencies:\n  acme/gadget: ^1.0\n",
        "managed_components/acme__gadget/CMakeLists.txt": "idf_component_register(SRCS g.c INCLUDE_DIRS .)\n",
        "managed_components/acme__gadget/gadget.h": "int gadget(void);\n",
        "managed_components/acme__gadget/g.c": '#include "gadget.h"\nint gadget(void) { return 3; }\n',
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c REQUIRES gadget)\n",
        "main/main.c": prints("gadget()", '#include "gadget.h"', "%d")}, "says 3"),
    ("files_are_embedded", {
        "main/CMakeLists.txt":
        "idf_component_register(SRCS main.c EMBED_TXTFILES a-b.html EMBED_FILES data.bin)\n"
        "target_add_binary_data(${COMPONENT_TARGET} other.txt TEXT RENAME_TO renamed)\n",
        "main/a-b.html": "<hello>", "main/data.bin": b"\0\1\2", "main/other.txt": "abc",
        "main/main.c": '''#include <stdint.h>
#include <stdio.h>
#include <string.h>
extern const char html[] asm("_binary_a_b_html_start"), html_end[] asm("_binary_a_b_html_end");
extern const char bin[] asm("_binary_data_bin_start"), bin_end[] asm("_binary_data_bin_end");
extern const uint32_t a_b_html_length, data_bin_length;
extern const char renamed[];
void app_main(void)
{
    printf("says %s %d %d %d %d %s\\n", html, (int)(html_end - html), (int)a_b_html_length, (int)(bin_end - bin),
           (int)data_bin_length, renamed);
}
'''}, "says <hello> 8 7 3 3 abc"),
    ("folders_of_sources_with_exceptions", {
        "main/CMakeLists.txt": "idf_component_register(SRC_DIRS . more EXCLUDE_SRCS more/not.c)\n",
        "main/more/yes.c": "int yes(void) { return 9; }\n", "main/more/not.c": "#error never compiled\n",
        "main/main.c": prints("yes()", "int yes(void);", "%d")}, "says 9"),
    ("sources_win_over_folders_of_sources", {
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c SRC_DIRS more)\n",
        "main/more/not.c": "#error never compiled\n", "main/main.c": prints('"sources"')}, "says sources"),
    ("the_old_style_registers_by_variables", {
        "main/CMakeLists.txt":
        'set(COMPONENT_SRCS "main.c more.c")\nset(COMPONENT_ADD_INCLUDEDIRS "inc")\nset(COMPONENT_EMBED_TXTFILES '
        't.txt)\n'
        'set(COMPONENT_REQUIRES "log freertos")\nregister_component()\n',
        "main/inc/old.h": "#define OLD 4\n", "main/t.txt": "t", "main/more.c": "int more(void) { return 1; }\n",
        "main/main.c": prints("OLD + more()", '#include "old.h"\nint more(void);', "%d")}, "says 5"),
    ("properties_of_the_build_reach_components_from_before_and_after_project", {
        "CMakeLists.txt": "cmake_minimum_required(VERSION 3.16)\ninclude($ENV{IDF_PATH}/tools/cmake/project.cmake)\n"
                          'idf_build_set_property(COMPILE_DEFINITIONS "ONE=1" APPEND)\nproject(tiny)\n'
                          'idf_build_set_property(COMPILE_OPTIONS "-DTWO=2" APPEND)\n'
                          'idf_build_set_property(C_COMPILE_OPTIONS "-DTHREE=3" APPEND)\n'
                          'idf_build_set_property(CXX_COMPILE_OPTIONS "-Dmain=nonsense" APPEND)\n',
        "main/main.c": prints("ONE * 100 + TWO * 10 + THREE", "", "%d")}, "says 123"),
    ("properties_of_the_build_can_be_read", {
        "main/CMakeLists.txt": "idf_build_get_property(target IDF_TARGET)\nidf_build_get_property(name PROJECT_NAME)\n"
                               "idf_build_get_property(dir PROJECT_DIR)\nidf_build_get_property(python PYTHON)\n"
                               "idf_component_register(SRCS main.c)\nif(NOT dir STREQUAL project_dir OR NOT EXISTS "
                               "${python})\n"
                               "  message(FATAL_ERROR wrong)\nendif()\n"
                               'target_compile_definitions(${COMPONENT_LIB} PRIVATE "WORD=\\"${target} ${name}\\"")\n',
        "main/main.c": DEFINED}, "says esp32 tiny"),
    ("properties_of_components_can_be_read", {
        **component("a"),
        "main/CMakeLists.txt":
        "idf_component_register(SRCS main.c REQUIRES a)\nidf_component_get_property(lib a COMPONENT_LIB)\n"
        "idf_component_get_property(dir a COMPONENT_DIR)\nget_filename_component(dir ${dir} NAME)\n"
        "idf_component_get_property(freertos freertos COMPONENT_LIB)\nidf_component_get_property(log log "
        "COMPONENT_DIR)\n"
        "target_compile_options(${freertos} PRIVATE -DX)\ntarget_link_libraries(${COMPONENT_LIB} PRIVATE "
        "idf::esp_timer)\n"
        "if(NOT log STREQUAL ${IDF_PATH}/components/log)\n  message(FATAL_ERROR ${log})\nendif()\n"
        'target_compile_definitions(${COMPONENT_LIB} PRIVATE "WORD=\\"${lib} ${dir}\\"")\n',
        "main/main.c": DEFINED}, "says __idf_a a"),
    ("components_are_optional", {
        **component("a"),
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c REQUIRES log)\n"
                               "idf_component_optional_requires(PRIVATE a not_there)\n",
        "main/main.c": USES_A}, "says 42"),
    ("a_whole_archive_is_linked_whole", {
        **component("a", '#include <stdio.h>\n__attribute__((constructor)) static void early(void) { puts("says '
                         'early"); }\n',
                    "idf_component_register(SRCS a.c INCLUDE_DIRS include WHOLE_ARCHIVE)\n")}, "says early"),
    ("a_whole_archive_may_be_asked_for_afterwards", {
        **component("a", '#include <stdio.h>\n__attribute__((constructor)) static void early(void) { puts("says '
                         'late"); }\n'),
        "CMakeLists.txt": top(after="idf_component_set_property(a WHOLE_ARCHIVE TRUE)")}, "says late"),
    ("cxx_has_exceptions_and_constructors", {
        "main/CMakeLists.txt": "idf_component_register(SRCS main.cpp)\n",
        "main/main.cpp": """#include <cstdio>
#include <stdexcept>
#include "esp_log.h"
#include "esp_https_ota.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
struct Early { int value; Early() : value(6) {} } early;
extern "C" void app_main(void)
{
    try {
        throw std::runtime_error("thrown");
    } catch (const std::exception &e) {
        printf("says %s %d\\n", e.what(), early.value);
    }
}
"""}, "says thrown 6"),
    ("project_include_is_read_in_the_scope_of_the_project", {
        **component("a"),
        "components/a/project_include.cmake": 'set(FROM_A "${COMPONENT_NAME} ${CONFIG_IDF_TARGET}")\n',
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c)\n"
                               'target_compile_definitions(${COMPONENT_LIB} PRIVATE "WORD=\\"${FROM_A}\\"")\n',
        "main/main.c": DEFINED}, "says a esp32"),
    ("a_component_may_be_a_project_of_its_own", {
        **component("a", register="project(inner LANGUAGES C)\nidf_component_register(SRCS a.c INCLUDE_DIRS "
                                  "include)\n"),
        "main/main.c": USES_A}, "says 42"),
    ("a_hook_of_the_users_is_kept", {
        "CMakeLists.txt": top("set(CMAKE_PROJECT_INCLUDE ${CMAKE_CURRENT_LIST_DIR}/hook.cmake)"),
        "hook.cmake": 'set(HOOKED "hooked")\n',
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c)\n"
                               'target_compile_definitions(${COMPONENT_LIB} PRIVATE "WORD=\\"${HOOKED}\\"")\n',
        "main/main.c": DEFINED}, "says hooked"),
    ("a_minimal_build_leaves_out_what_main_does_not_need", {
        **component("a", "#error never compiled\n"),
        "CMakeLists.txt": "cmake_minimum_required(VERSION 3.16)\ninclude($ENV{IDF_PATH}/tools/cmake/project.cmake)\n"
                          "idf_build_set_property(MINIMAL_BUILD ON)\nproject(tiny)\n",
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c REQUIRES log)\n",
        "main/main.c": prints('"minimal"')}, "says minimal"),
    ("components_may_be_listed", {
        **component("a", "#error never compiled\n"), "CMakeLists.txt": top("set(COMPONENTS main)"),
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c REQUIRES log)\n",
        "main/main.c": prints('"listed"')}, "says listed"),
    ("components_may_be_excluded", {
        **component("a", "#error never compiled\n"), "CMakeLists.txt": top("set(EXCLUDE_COMPONENTS a)"),
        "main/main.c": prints('"excluded"')}, "says excluded"),
    ("options_are_there_after_project", {
        "CMakeLists.txt": top(after="if(NOT CONFIG_FREERTOS_HZ EQUAL 100)\n  message(FATAL_ERROR none)\nendif()\n"
                                    'partition_table_get_partition_info(where "--partition-name nvs" "offset")\n'
                                    'partition_table_get_partition_info(size "--partition-name nvs" "size")\n'
                                    'idf_build_set_property(COMPILE_DEFINITIONS "WORD=\\"${where} ${size}\\"" APPEND)'),
        "main/main.c": DEFINED}, "says 0x9000 0x6000"),
    ("functions_of_the_chips_linker_are_accepted", {
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c LDFRAGMENTS linker.lf)\n"
                               "target_linker_script(${COMPONENT_LIB} INTERFACE memory.ld)\n"
                               "idf_build_get_config(hz CONFIG_FREERTOS_HZ)\n"
                               "target_compile_definitions(${COMPONENT_LIB} PRIVATE HZ=${hz})\n",
        "main/main.c": prints("HZ", "", "%d")}, "says 100"),
    ("warnings_of_64_bit_are_no_errors", {
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c)\n"
                               "target_compile_options(${COMPONENT_LIB} PRIVATE -Werror)\n",
        "main/main.c": '#include <stdio.h>\n#include <stdint.h>\nvoid app_main(void)\n{\n    char line[8];\n'
                       '    fgets(line, sizeof line, stdin);\n    size_t n = 7;\n    uint32_t m = 8;\n'
                       '    if ((int)1 < n)\n        printf("says %d %lu\\n", n, m);\n}\n'}, "says 7 8"),
    ("an_interface_component_has_headers_only", {
        "components/h/CMakeLists.txt": "idf_component_register(INCLUDE_DIRS inc REQUIRES log)\n",
        "components/h/inc/h.h": "#define H 11\n", "main/main.c": prints("H", '#include "h.h"', "%d")}, "says 11"),
]


@pytest.mark.parametrize("files, line", [row[1:] for row in BUILDS], ids=[row[0] for row in BUILDS])
def test_builds(tmp_path, files, line):
    folder = project(tmp_path / "p", files)
    build(folder, env={"FAR_AWAY": str(folder / "else")})
    run("board", "run", "--project", folder, "--until", line, "--timeout", 20, stdin=open(os.devnull))


# name, files, what is said
REFUSED = [
    ("no_main", {"main/CMakeLists.txt": None}, "the project has no component 'main'"),
    ("no_app_main", {"main/main.c": "int x;\n"}, "app_main"),
    ("unknown_requirement", {"main/CMakeLists.txt": "idf_component_register(SRCS main.c REQUIRES gadget)\n"},
     "component 'main' ({dir}/main) requires 'gadget', which is neither a component of this project nor one of "
     "ESP-IDF's"),
    ("missing_extra_dir", {"CMakeLists.txt": top("set(EXTRA_COMPONENT_DIRS nowhere)")},
     "EXTRA_COMPONENT_DIRS names nowhere, and there is no such folder"),
    ("other_chips_only", {"main/CMakeLists.txt": "idf_component_register(SRCS main.c REQUIRED_IDF_TARGETS esp32p4)\n"},
     "component 'main' is for esp32p4 only, and the project is built for esp32"),
    ("unknown_argument", {"main/CMakeLists.txt": "idf_component_register(main.c)\n"},
     "component 'main': idf_component_register does not know 'main.c'"),
    ("registered_twice", {"main/CMakeLists.txt": "idf_component_register(SRCS main.c)\nidf_component_register(SRCS "
                                                 "main.c)\n"},
     "component 'main' is registered twice"),
    ("missing_folder_of_headers", {"main/CMakeLists.txt": "idf_component_register(SRCS main.c INCLUDE_DIRS inc)\n"},
     "component 'main': INCLUDE_DIRS names inc, and there is no folder"),
    ("missing_folder_of_sources", {"main/CMakeLists.txt": "idf_component_register(SRC_DIRS src)\n"},
     "component 'main': SRC_DIRS names src, and there is no folder"),
    ("missing_embedded_file", {"main/CMakeLists.txt": "idf_component_register(SRCS main.c EMBED_TXTFILES ca.pem)\n"},
     "there is no file {dir}/main/ca.pem to embed"),
    ("neither_text_nor_binary", {"main/CMakeLists.txt": "idf_component_register(SRCS main.c)\n"
                                                        "target_add_binary_data(__idf_main main.c WORDS)\n"},
     "'WORDS' is neither TEXT nor BINARY"),
    ("registry_component_not_there", {"main/idf_component.yml": "dependencies:\n  espressif/mdns: '^1.0'\n"},
     "{dir}/main/idf_component.yml: 'espressif/mdns' comes from a registry, and "
     "{dir}/managed_components/espressif__mdns is not there; nothing is downloaded here"),
    ("path_of_a_manifest_not_there", {"main/idf_component.yml": "dependencies:\n  x:\n    path: ../x\n"},
     "'x' should be in {dir}/x, and there is no CMakeLists.txt in it"),
    ("manifest_that_is_not_yaml", {"main/idf_component.yml": "dependencies: [\n"},
        "{dir}/main/idf_component.yml: not YAML"),
    ("manifest_with_an_unset_variable", {"main/idf_component.yml": "dependencies:\n  x:\n    path: $NOT_SET/x\n"},
     "the path '$NOT_SET/x' names $NOT_SET, which is not set"),
    ("manifest_with_a_rule_of_another_language",
     {"main/idf_component.yml": "dependencies:\n  x:\n    path: ../x\n    rules:\n      - if: moon is full\n"},
     "the rule 'moon is full' is not understood"),
    ("missing_table", {"sdkconfig.defaults": "CONFIG_PARTITION_TABLE_CUSTOM=y\n"},
     "CONFIG_PARTITION_TABLE_CUSTOM_FILENAME is partitions.csv, and there is no file {dir}/partitions.csv"),
    ("bad_table", {"sdkconfig.defaults": "CONFIG_PARTITION_TABLE_CUSTOM=y\n",
                   "partitions.csv": "nvs,data,nvs,,0x6000,\nnvs,data,nvs,,0x6000,\n"},
     "the partition table {dir}/partitions.csv: "),
    ("table_too_large_for_the_flash", {"sdkconfig.defaults": "CONFIG_PARTITION_TABLE_TWO_OTA=y\n"},
     "the partition table"),
    ("file_system_image", {"CMakeLists.txt": top(after="spiffs_create_partition_image(storage data FLASH_IN_PROJECT)")},
     "spiffs_create_partition_image(storage): images of this file system are not made for virtual boards"),
    ("file_for_a_partition_not_there",
     {"CMakeLists.txt": top(after="esptool_py_flash_to_partition(flash storage ${CMAKE_CURRENT_LIST_DIR}/x.bin)")},
     "{dir}/x.bin should go into partition 'storage', which"),
    ("file_for_no_partition", {"CMakeLists.txt": top(after="esptool_py_flash_target_image(flash x 0x12340 x.bin)")},
     "x.bin should go to 0x12340, where no partition of"),
    ("new_build_system", {"CMakeLists.txt": "cmake_minimum_required(VERSION 3.16)\n"
                                            "include($ENV{IDF_PATH}/tools/cmakev2/idf.cmake)\nproject(tiny)\n"},
     "this project includes tools/cmakev2/idf.cmake"),
    ("property_of_a_component_not_there",
     {"CMakeLists.txt": top(after="idf_component_get_property(x gadget COMPONENT_LIB)")},
         "there is no component 'gadget'"),
    ("error_in_the_code", {"main/main.c": "void app_main(void) { return 1 }\n"}, "main.c:1:"),
    ("header_of_another_world", {"main/main.c": '#include "esp_bt.h"\nvoid app_main(void) {}\n'}, "esp_bt.h"),
]


@pytest.mark.parametrize("files, said", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(tmp_path, files, said):
    folder = project(tmp_path / "p", files)
    assert words(said.replace("{dir}", str(folder))) in refuse(folder)


VERSIONS = [
    ("variable_first", {"CMakeLists.txt": top('set(PROJECT_VER "from-variable")', arguments="VERSION 3.2.1"),
                        "version.txt": "from-file\n"}, "from-variable"),
    ("then_the_file", {"CMakeLists.txt": top(arguments="VERSION 3.2.1"), "version.txt": "from-file\n"}, "from-file"),
    ("then_the_project", {"CMakeLists.txt": top(arguments="VERSION 3.2.1")}, "3.2.1"),
    ("an_option_over_all", {"CMakeLists.txt": top('set(PROJECT_VER "from-variable")'),
                            "sdkconfig.defaults": 'CONFIG_APP_PROJECT_VER_FROM_CONFIG=y\n'
                                                  'CONFIG_APP_PROJECT_VER="from-option"\n'},
     "from-option"),
    ("else_1", {}, "1"),
    ("cut_to_31", {"version.txt": "0123456789" * 4}, "0123456789012345678901234567890"),
]


@pytest.mark.parametrize("files, version", [row[1:] for row in VERSIONS], ids=[row[0] for row in VERSIONS])
def test_version(tmp_path, files, version):
    folder = project(tmp_path / "p", files)
    build(folder)
    info = run("image", "info", folder / "build" / "tiny.bin").stdout
    assert any(line.split() and line.split()[-1] == version for line in info.splitlines()), info


def test_configuring_again_compiles_nothing(tmp_path):
    folder = project(tmp_path / "p", {**component("a"), "main/t.txt": "x", "main/CMakeLists.txt":
                                      "idf_component_register(SRCS main.c EMBED_TXTFILES t.txt)\n"})
    build(folder)
    before = (folder / "build" / "tiny.bin").stat().st_mtime_ns
    (folder / "CMakeLists.txt").touch()
    done = build(folder, "-v")
    assert "Configuring done" in done and " -c " not in done, done
    build(folder, "-D", "UPDRAFT_UNUSED=1")
    assert (folder / "build" / "tiny.bin").stat().st_mtime_ns == before


def test_what_a_file_says_is_noticed(tmp_path):
    folder = project(tmp_path / "p", {
        "main/CMakeLists.txt": "idf_component_register(SRCS main.c EMBED_TXTFILES t.txt)\n", "main/t.txt": "one",
        "main/main.c": prints("t", 'extern const char t[] asm("_binary_t_txt_start");'),
        "sdkconfig.defaults": "CONFIG_PARTITION_TABLE_CUSTOM=y\n", "version.txt": "1.0\n",
        "partitions.csv": "nvs,data,nvs,,0x6000,\nfactory,app,factory,0x10000,1M,\n"})
    build(folder)
    (folder / "main/t.txt").write_text("two")
    (folder / "version.txt").write_text("2.0\n")
    (folder / "partitions.csv").write_text("nvs,data,nvs,,0x5000,\nfactory,app,factory,0x20000,1M,\n")
    assert "version 2.0" in build(folder)
    run("board", "run", "--project", folder, "--until", "says two", "--timeout", 20)
    table = run("partition", "show", folder / "build/partition_table/partition-table.bin", "--csv").stdout
    assert "factory,app,factory,0x20000" in table


def test_nvs_of_a_project_is_on_its_board(tmp_path):
    folder = project(tmp_path / "p", {
        "CMakeLists.txt": top(after="nvs_create_partition_image(nvs nvs.csv FLASH_IN_PROJECT)"),
        "nvs.csv": "key,type,encoding,value\nfactory,namespace,,\nserial,data,string,SN-0815\n"})
    run("board", "create", "--project", folder)
    flash = (folder / "build/board.flash").read_bytes()
    assert b"SN-0815" in flash[0x9000:0xf000]


def test_files_of_a_project_are_on_its_board(tmp_path):
    folder = project(tmp_path / "p", {
        "CMakeLists.txt": top(after="esptool_py_flash_to_partition(flash phy_init ${CMAKE_CURRENT_LIST_DIR}/phy.bin)\n"
                                    "esptool_py_flash_target_image(flash nvs 0x9000 "
                                    "${CMAKE_CURRENT_LIST_DIR}/nvs.bin)"),
        "phy.bin": b"calibration", "nvs.bin": b"anything"})
    run("board", "create", "--project", folder)
    flash = (folder / "build/board.flash").read_bytes()
    assert flash[0xf000:0xf00b] == b"calibration" and flash[0x9000:0x9008] == b"anything"


def test_flags_of_the_environment_reach_components(tmp_path):
    folder = project(tmp_path / "p", {"main/main.c": DEFINED})
    done = idf("build", folder, env={"EXTRA_CPPFLAGS": '-DWORD="environment"'.replace('"', '\\"')})
    assert done.returncode == 0, done.stdout
    run("board", "run", "--project", folder, "--until", "says environment", "--timeout", 20)
