# SPDX-License-Identifier: Apache-2.0
"""Do the checks of this folder find what they look for? Each test plants one violation in a small tree of its own, and
sees that a clean tree passes."""
import os
import tempfile
import unittest

import banned
import documents
import floors
import formats
import freestanding
import headers
import porting

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
CLEAN = {
    "include/updraft/base.h": SPDX + "#ifndef UPDRAFT_BASE_H\n#define UPDRAFT_BASE_H\n#include <stdint.h>\n"
                              "#ifdef __cplusplus\n#endif\nuint64_t ud_base_third(uint64_t n);\n#endif\n",
    "include/updraft/flash.h": SPDX + '#include "updraft/base.h"\n',
    "include/updraft/idf.h": SPDX + "#include <stdio.h>\n",
    "include/idf/esp_ota_ops.h": SPDX,
    "src/base/base.c": SPDX + '#include "updraft/base.h"\n/* strcpy(a, b) is not called; see "atoi(" */\n'
                       "static const int table[] = { 1, 2 };\nint ud_base_at(int i);\n"
                       "int ud_base_at(int i)\n{\n    return table[i & 1];\n}\n",
    "src/base/README.md": "base\n",
    "src/flash/README.md": "flash\n",
    "src/flash/flash.c": SPDX + '#include "flash_private.h"\n#include "updraft/flash.h"\n',
    "src/flash/flash_private.h": SPDX + "#ifndef FLASH_PRIVATE_H\n#define FLASH_PRIVATE_H\n#endif\n",
    "port/linux/flash.c": SPDX + '#include <unistd.h>\n#include "updraft/flash.h"\n',
    "port/linux/firmware_main.c": SPDX + '#include "updraft/idf.h"\n#include "esp_ota_ops.h"\n',
    "compat/freertos/task.c": SPDX + '#include <stdlib.h>\n#include "updraft/idf.h"\n#include "esp_ota_ops.h"\n',
}


class Planted(unittest.TestCase):
    def found(self, check, path=None, text=""):
        with tempfile.TemporaryDirectory() as root:
            for name, content in {**CLEAN, **({path: text} if path else {})}.items():
                where = os.path.join(root, name)
                os.makedirs(os.path.dirname(where), exist_ok=True)
                with open(where, "w", encoding="utf-8") as f:
                    f.write(content)
            return "\n".join(check(root))

    def test_a_clean_tree_passes(self):
        for check in (floors.check, banned.check, freestanding.check, headers.check):
            self.assertEqual(self.found(check), "")

    def test_includes_that_go_up_or_out_are_found(self):
        planted = {
            "a room above": ("src/flash/x.c", '#include "updraft/boot.h"\n', "boot (floor 3) is not below flash"),
            "the same floor": ("src/flash/x.c", '#include "updraft/crypto.h"\n', "crypto (floor 1) is not below flash"),
            "a public header": ("include/updraft/base.h", '#include "updraft/ota.h"\n', "ota (floor 5) is not below base"),
            "a C library header": ("src/flash/x.c", "#include <string.h>\n", "<string.h> is not among"),
            "a system header in idf": ("src/idf/x.c", "#include <pthread.h>\n", "<pthread.h> is not among"),
            "a system header in compat": ("compat/nvs/x.c", "#include <sys/socket.h>\n", "<sys/socket.h> is not among"),
            "ESP-IDF in a core": ("src/ota/x.c", '#include "esp_ota_ops.h"\n', "a header of ESP-IDF"),
            "idf in port": ("port/linux/x.c", '#include "updraft/idf.h"\n', "idf (floor 7) is not below port"),
            "ESP-IDF in port": ("port/linux/x.c", '#include "esp_ota_ops.h"\n', "a header of ESP-IDF"),
            "the start-up in port": ("port/linux/x.c", '#include "firmware.h"\n', "only firmware_main.c stands on idf"),
            "compat in src": ("src/lab/x.c", '#include "compat/freertos/x.h"\n', "nothing under src includes it"),
            "a path upwards": ("src/flash/x.c", '#include "../base/y.h"\n', "reaches out of its folder"),
            "another room's private header": ("src/boot/x.c", '#include "flash_private.h"\n', "is not among"),
            "a header of no room": ("src/boot/x.c", '#include "updraft/misc.h"\n', "is no room's header"),
            "a new folder": ("src/misc/x.c", "", "belongs to no room"),
            "a platform in a core": ("src/boot/x.c", '#include "updraft/port.h"\n', "does not know a platform"),
        }
        for what, (path, text, message) in planted.items():
            with self.subTest(what):
                self.assertIn(message, self.found(floors.check, path, SPDX + text))

    def test_banned_things_are_found(self):
        body = SPDX + "void f(char *a)\n{\n    %s\n}\n"
        planted = {
            "strcpy": ("src/lab/x.c", body % "strcpy(a, a);", "strcpy: use snprintf"),
            "after return": ("src/lab/x.c", body % "return atoi(a);", "atoi: use"),
            "strtok": ("port/linux/x.c", body % "strtok(a, a);", "strtok: use"),
            "bare strtoul": ("src/cli/x.c", body % "g(strtoul(a, NULL, 10));", "strtoul: use"),
            "bare strtol over lines": ("src/cli/x.c", body % "g(strtol(h(a),\n NULL,\n 10));", "strtol: use"),
            "#if in a core": ("src/boot/x.c", SPDX + "#if FOO\n#endif\n", "#if FOO"),
            "#ifdef in a private header": ("src/boot/x.h", SPDX + "#ifndef X_H\n#ifdef Y\n#endif\n#endif\n", "#ifdef Y"),
            "no licence": ("src/boot/x.c", "int x;\n", "begin with"),
            "left over": ("src/boot/x.c", SPDX + "/* " + "TO" + "DO: later */\n", "finish it"),
            "a path out": ("tests/e2e/x.py", "open('../" + "shared/x')\n", "reaches out of the project"),
            "somebody's machine": ("docs/x.md", "see /" + "home/me/x\n", "reaches out of the project"),
            "no README": ("src/boot/x.c", SPDX, "src/boot: has no README.md"),
        }
        for what, (path, text, message) in planted.items():
            with self.subTest(what):
                self.assertIn(message, self.found(banned.check, path, text))

    def test_a_checked_parse_and_a_prototype_pass(self):
        text = SPDX + "int system(const char *line);\nvoid f(char *a, char **e)\n{\n    g(strtoul(a, e, 10));\n}\n"
        self.assertEqual(self.found(banned.check, "port/linux/x.c", text), "")

    def test_cores_that_lean_on_a_library_are_found(self):
        planted = {
            "a library call": ("int puts(const char *s);\nint ud_f(void);\nint ud_f(void)\n{\n    return puts(\"\") ;\n}\n",
                               "need puts"),
            "writable data": ("int ud_counter = 1;\n", "ud_counter is writable"),
            "zeroed data": ("int ud_f(void);\nint ud_f(void)\n{\n    static int n;\n    return n++;\n}\n", "is writable"),
            "no header": ("#include <no_such_header.h>\n", "does not compile"),
            "twice the same": ("int ud_base_at(int i);\nint ud_base_at(int i)\n{\n    return i;\n}\n", "do not link"),
        }
        for what, (text, message) in planted.items():
            with self.subTest(what):
                self.assertIn(message, self.found(freestanding.check, "src/ota/x.c", SPDX + text))

    def test_headers_that_lean_on_others_are_found(self):
        planted = {
            "a type of another header": ("size_t ud_f(void);\n", "-std=c11"),
            "no guard": ("struct ud_x {\n    int a;\n};\n", "redefinition of"),
            "a C++ keyword": ("int ud_f(int class);\n", "-std=c++17"),
        }
        for what, (text, message) in planted.items():
            with self.subTest(what):
                self.assertIn(message, self.found(headers.check, "include/updraft/x.h", SPDX + text))

    def test_a_port_that_differs_from_its_document_is_found(self):
        first, second = SPDX + "int ud_f(void);\n", "int ud_f(void)\n{\n    return 1;\n}\n"
        document = f"# Port\n\n```c\n{first}```\n\ntext\n\n```sh\nmake\n```\n\n```c\n{second}```\n"

        def found(source, shown=document):
            with tempfile.TemporaryDirectory() as root:
                for name, text in {porting.SOURCE: source, porting.DOCUMENT: shown,
                                   porting.SOURCES[1]: SPDX + "void ud_g(void);\n"}.items():
                    os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
                    with open(os.path.join(root, name), "w", encoding="utf-8") as f:
                        f.write(text)
                return "\n".join(porting.check(root))

        self.assertEqual(found(first + "\n" + second), "")
        self.assertIn("-    return 1;\n+    return 2;", found(first + "\n" + second.replace("1", "2")))
        self.assertIn("differ", found(first + "\n" + second + "\nint left_out;\n"))
        self.assertIn("differ", found(first + "\n" + second, document.replace("```c\nint", "```\nint")))
        self.assertIn("shows no C", found("", "# Port\n"))
        library = "int puts(const char *);\nint ud_f(void);\nint ud_f(void)\n{\n    return puts(\"\");\n}\n"
        self.assertIn("needs puts", found(library))
        self.assertIn("does not compile", found("int\n"))

    def test_documents_that_lead_nowhere_are_found(self):
        planted = {
            "a file that is gone": ("docs/x.md", "[y](y.md)\n", "y.md: leads nowhere"),
            "a heading that is gone": ("docs/x.md", "# A b\n[a](#a-b) [c](#c)\n", "#c: no such heading"),
            "a long line": ("docs/x.md", "x" * 121 + "\n", "121 columns"),
            "a long room": ("src/base/README.md", "x\n" * 57, "a screen has"),
        }
        for what, (path, text, message) in planted.items():
            with self.subTest(what):
                self.assertIn(message, self.found(documents.check, path, text))
        fine = "# A `b`: c\n[a](#a-b-c) [up](../src/base/README.md) `[y](y.md)`\n|" + "x" * 121 + "|\n"
        self.assertEqual(self.found(documents.check, "docs/x.md", fine), "")

    def test_formats_without_their_bytes_are_found(self):
        header = SPDX + ("#include <stdint.h>\ntypedef struct {\n    uint16_t a;\n    uint8_t b : 4;\n"
                         "    uint8_t c : 4;\n    uint8_t d;\n} x_t;\n_Static_assert(sizeof(x_t) == 4, \"as on flash\");\n")
        page = ("# X\nCode: `src/x`. Source: here; `fuzz_x`.\n\nC: `x_t` of `x.h`, 4 bytes.\n\n| off | size | field |\n"
                "|---|---|---|\n| 0 | 2 | a |\n| 2 | 1 | b, c |\n| 3 | 1 | d |\n\n| bytes | what |\n|---|---|\n"
                "| 0 to 3 | e |\n| 4 to 9 | f |\n")
        tree = {
            "include/idf/x.h": header, "docs/formats/x.md": page, "src/x/x.c": SPDX, "tests/fuzz/fuzz_x.c": SPDX,
            "docs/formats/README.md": "[x.md](x.md) [board-files.md](board-files.md) [messages.md](messages.md)\n",
            formats.SETTINGS[0]: "`src/x` Source\n| key |\n|---|\n| `chip` |\n| `app.rollback` |\n",
            formats.SETTINGS[1]: '    { NULL, "chip", KIND_CHIP },\n    { "app", "rollback", KIND_BOOL },\n',
            formats.MESSAGES[0]: "`src/x` Source\nBody of BOOT\n\n| off | size | field |\n|---|---|---|\n| 4 | 1 | g |\n"
                                 "| 5 | 3 | not used |\n",
            formats.MESSAGES[1]: "enum {\n    OFF_BODY = 4,\n    OFF_G = OFF_BODY,\n    OFF_TEXT = OFF_BODY,\n};\n",
        }

        def found(path=None, old="", new=""):
            with tempfile.TemporaryDirectory() as root:
                for name, text in tree.items():
                    self.assertTrue(name != path or old in text)
                    os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
                    with open(os.path.join(root, name), "w", encoding="utf-8") as f:
                        f.write(text.replace(old, new) if name == path else text)
                return "\n".join(formats.check(root))

        self.assertEqual(found(), "")
        x = "docs/formats/x.md"
        planted = [
            (x, "| 2 | 1 | b, c |\n", "", "bytes without a row before offset 3"),
            (x, "| 3 | 1 | d |", "| 2 | 1 | d |", "overlaps what is before offset 2"),
            (x, "| 3 | 1 | d |\n", "", "not so: 3 == 4"),
            (x, "| 0 | 2 | a |", "| 0 | 2 | z |", "not so: offsetof(x_t, z) == 0"),
            (x, "b, c", "b, z", "not so: sizeof(((x_t){ .z = 1 }).z + 0) > 0"),
            (x, "4 to 9", "5 to 9", "bytes without a row before offset 5"),
            (x, "4 bytes", "5 bytes", "not so: sizeof(x_t) == 5"),
            (x, "C: `x_t`", "The `x_t`", "x_t of x.h lies on flash and has no table"),
            (x, "Source", "From", "does not say where it is from"),
            (x, "`src/x`", "`src/y`", "src/y is not there"),
            (x, "`src/x`", "x", "does not say which code"),
            (x, "fuzz_x", "fuzz_y", "no such fuzz target"),
            ("docs/formats/README.md", "[x.md]", "[y]", "does not list x.md"),
            (formats.SETTINGS[0], "| `app.rollback` |\n", "", "the setting app.rollback has no row"),
            (formats.MESSAGES[1], "OFF_G", "OFF_H = OFF_BODY + 1,\n    OFF_G", "the field of BOOT at 5 is missing"),
            (formats.MESSAGES[0], "| 5 | 3 | not used |", "| 5 | 3 | h |", "the field of BOOT at 5 is not in"),
        ]
        for path, old, new, message in planted:
            with self.subTest(message):
                self.assertIn(message, found(path, old, new))

    def test_a_tree_without_cores_is_not_a_success(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertNotEqual(list(freestanding.check(root)), [])


if __name__ == "__main__":
    unittest.main()
