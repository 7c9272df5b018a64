# SPDX-License-Identifier: Apache-2.0
"""Does scripts/check-compatibility find what it looks for? Each test plants one fault in a small tree of its own."""
import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "check-compatibility")
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("check_compatibility", SCRIPT)
compatibility = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_compatibility", loader))
loader.exec_module(compatibility)

HEADER = """\
/* not_a_function(int); */
#ifndef ESP_X_H
#define ESP_X_H
#ifdef __cplusplus
extern "C" {
#endif
#define X_MAX 3
#define X_OWN_(a) (a)
#define X_LONG(a) \\
    other(a)
typedef enum { X_A = 0, X_B = (1 << 1), } __attribute__((packed)) x_kind_t;
typedef struct { int (*inner)(int); struct { int b; } c; } x_t;
typedef struct __attribute__((aligned(16))) { char room[16]; } x_room_t;
typedef int (*x_cb)(x_t *);
struct hidden;
const x_t *x_get(x_kind_t kind, int (*named)(int)) __attribute__((format(printf, 1, 2)));
static inline int x_inline(void) { return 1; }
int x_last(void);
#ifdef __cplusplus
}
template <typename T> int x_template(T *t);
#endif
#endif
"""
NAMES = {"X_MAX", "X_LONG", "X_A", "X_B", "x_kind_t", "x_t", "x_room_t", "x_cb", "x_get", "x_inline", "x_last"}
DOCUMENT = """\
| header | there |
|---|---|
| `esp_x.h` | all |

| ESP-IDF | Updraft | test |
|---|---|---|
| asserts | a code | a/b: it_says_so |
| asserts as well | a code | the same |

### `esp_x.h`

| name | behaviour | test |
|---|---|---|
| `X_*`, `x_kind_t`, `x_t`, `x_room_t`, `x_cb` | the same | a/b; e2e/test_y.py: test_it |
| `x_get`, `x_inline`, `x_last` | the same | a/b: it_says_so |
"""
TEST = "static void it_says_so(void **state)\n{\n}\nstatic void unlisted(void **state)\n{\n}\n" \
       "int main(void)\n{\n    cmocka_unit_test(it_says_so);\n}\n"


class Planted(unittest.TestCase):
    def found(self, old="", new="", header=HEADER):
        self.assertTrue(not old or old in DOCUMENT)
        tree = {"include/idf/esp_x.h": header, "docs/compatibility.md": DOCUMENT.replace(old, new) if old else DOCUMENT,
                "tests/unit/a/test_b.c": TEST, "tests/e2e/test_y.py": "def test_it():\n    pass\n"}
        with tempfile.TemporaryDirectory() as root:
            for path, text in tree.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                    f.write(text)
            return "\n".join(compatibility.check(root))

    def test_declarations_are_read(self):
        self.assertEqual(set(compatibility.declared(HEADER)), NAMES)

    def test_a_complete_document_passes(self):
        self.assertEqual(self.found(), "")

    def test_faults_are_found(self):
        planted = {
            "a missing row": ("`x_get`, ", "", "x_get has no row"),
            "a name that is gone": ("`x_get`", "`x_get`, `x_gone`", "x_gone: not declared"),
            "a glob of nothing": ("`X_*`", "`X_*`, `Y_*`", "Y_*: not declared"),
            "no test": ("| a code | a/b: it_says_so |", "| a code | |", "names no test"),
            "no test by reference": ("| a code | a/b: it_says_so |", "| a code | |", ":8: names no test"),
            "a file that is gone": ("a/b; e2e", "a/c; e2e", "a/c: no such test file"),
            "a function that is gone": ("| the same | a/b: it_says_so |", "| the same | a/b: it_says |",
                                        "has no test it_says"),
            "a test that is never run": ("| the same | a/b: it_says_so |", "| the same | a/b: unlisted |",
                                         "has no test unlisted"),
            "a Python test that is gone": ("test_y.py: test_it", "test_y.py: test_that", "has no test test_that"),
            "no column": ("| ESP-IDF | Updraft | test |", "| ESP-IDF | Updraft | proof |", 'no column "test"'),
            "a cell too few": ("| asserts | a code |", "| asserts |", "cells under 3 columns"),
            "no behaviour": ("`x_cb` | the same |", "`x_cb` | |", "does not say how"),
            "a header that is gone": ("### `esp_x.h`", "### `esp_y.h`", "esp_y.h: no such header"),
            "a header not in the overview": ("| `esp_x.h` | all |", "| `esp_z.h` | all |", "not in the table of what"),
        }
        for what, (old, new, message) in planted.items():
            with self.subTest(what):
                self.assertIn(message, self.found(old, new))

    def test_a_new_declaration_is_found(self):
        self.assertIn("x_new has no row", self.found(header=HEADER.replace("int x_last", "int x_new(void);\nint x_last")))

    def test_an_empty_tree_is_not_a_success(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "docs"))
            open(os.path.join(root, "docs/compatibility.md"), "w", encoding="utf-8").close()
            self.assertNotEqual(list(compatibility.check(root)), [])


if __name__ == "__main__":
    unittest.main()
