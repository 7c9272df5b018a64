/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of the power-cut explorer, on results made by hand. With UD_PAGES=FOLDER each page is left there, for
 * tests/e2e/test_powercut_report.py, which reads them with a parser of HTML.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "updraft/lab_powercut_report.h"

#define SECTOR 4096u

struct made {
    struct ud_powercut_report *r;
    char *page;
    size_t len;
};

/* A device of `sectors`, a flow of `operations`: an erase before each 16 programs of ota_0. */
static struct made make(uint32_t operations, uint32_t sectors)
{
    struct made m = { .r = calloc(1, sizeof *m.r) };
    assert_non_null(m.r);
    struct ud_powercut_report *r = m.r;
    r->flow = ud_powercut_flow_find("update");
    r->chip = "esp32c3";
    r->image_bytes = 0x10000;
    r->depth = 1;
    r->operation_count = operations;
    r->operation = calloc(operations + 1, sizeof *r->operation);
    r->sector_count = sectors;
    r->flash_size = sectors * SECTOR;
    r->erases = calloc(sectors + 1, sizeof *r->erases);
    r->programs = calloc(sectors + 1, sizeof *r->programs);
    assert_true(r->operation && r->erases && r->programs);
    r->region_count = 2;
    r->region[0] = (struct ud_powercut_region){ .label = "otadata", .addr = 0, .size = 2 * SECTOR, .type = 1 };
    r->region[1] = (struct ud_powercut_region){
        .label = "ota_0", .addr = 2 * SECTOR, .size = (sectors - 2) * SECTOR, .subtype = 0x10
    };
    for (uint32_t i = 0; i < operations; i++) {
        struct ud_powercut_operation *o = &r->operation[i];
        o->kind = i % 17 ? UD_POWERCUT_PROGRAM : UD_POWERCUT_ERASE;
        o->len = i % 17 ? 256 : SECTOR;
        o->addr = 2 * SECTOR + i / 17 % (sectors - 2) * SECTOR + (i % 17 ? i % 17 - 1 : 0) * 256;
        o->step = "install";
        memcpy(o->part, "ota_0", sizeof "ota_0");
        for (unsigned v = 0; v < UD_CUT_AFTER; v++) {
            o->cases[v] = 1;
            o->outcome[v] = UD_POWERCUT_OLD;
        }
        r->erases[o->addr / SECTOR] += o->kind == UD_POWERCUT_ERASE;
        r->programs[o->addr / SECTOR] += o->kind == UD_POWERCUT_PROGRAM;
    }
    r->cases = operations * UD_CUT_AFTER;
    r->boots = 2 * r->cases;
    r->booted_old = r->cases;
    return m;
}

static void drop(struct made *m)
{
    ud_powercut_report_drop(m->r);
    free(m->r);
    free(m->page);
}

/* The failing case `i`, at operation `n`; the bytes differ in the third row. */
static void plant(struct ud_powercut_report *r, uint32_t i, uint32_t n)
{
    struct ud_powercut_violation *v = &r->violation[i];
    v->at = (struct ud_powercut_case){ .operation = n, .variant = UD_CUT_BITS };
    v->invariant = UD_POWERCUT_O4;
    struct ud_powercut_id id = { .flow = r->flow, .image_bytes = r->board ? 0 : r->image_bytes, .at = v->at };
    ud_powercut_id_print(&id, v->id);
    memcpy(v->what, "both otadata entries are gone", sizeof "both otadata entries are gone");
    memcpy(v->booted, "ota_0", sizeof "ota_0");
    v->shown_addr = 0x9000;
    v->shown_len = UD_POWERCUT_BYTES;
    memset(v->before, 0x11, sizeof v->before);
    memset(v->after, 0x11, sizeof v->after);
    v->after[35] = 0xC3;
    v->after[36] = 0xC4;
    r->kept = i + 1;
    r->violations++;
    r->broken[UD_POWERCUT_O4]++;
    if (n > 0 && n <= r->operation_count) {
        r->operation[n - 1].outcome[UD_CUT_BITS] = UD_POWERCUT_VIOLATED;
        r->operation[n - 1].violations++;
    }
}

static void write_page(struct made *m, size_t count, const char *name)
{
    FILE *out = open_memstream(&m->page, &m->len);
    assert_non_null(out);
    assert_int_equal(ud_powercut_report_html(out, m->r, count), ESP_OK);
    assert_int_equal(fclose(out), 0);
    const char *folder = getenv("UD_PAGES");
    if (!folder)
        return;
    char path[512];
    assert_true(snprintf(path, sizeof path, "%s/%s.html", folder, name) < (int)sizeof path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(m->page, 1, m->len, file), m->len);
    assert_int_equal(fclose(file), 0);
}

static size_t count_of(const char *page, const char *what)
{
    size_t n = 0;
    for (const char *s = strstr(page, what); s; s = strstr(s + 1, what))
        n++;
    return n;
}

static void expect(const struct made *m, const char *what)
{
    if (!strstr(m->page, what))
        fail_msg("the page lacks: %s", what);
}

static void expect_none(const struct made *m, const char *what)
{
    const char *at = strstr(m->page, what);
    if (at)
        fail_msg("the page has: %.80s", at);
}

static void a_run_that_holds_says_so(void **state)
{
    (void)state;
    struct made m = make(34, 64);
    write_page(&m, 1, "holds");
    expect(&m, "<h1>No violation in 170 cases</h1>");
    expect(&m, "<title>Power cuts: update, 0 violations</title>");
    expect(&m, "2 &times; erase, 32 &times; program");
    expect(&m, ">1&ndash;34</th>");
    expect(&m, "2 sectors erased, 1&times; at most; 32 pages programmed");
    assert_int_equal(count_of(m.page, "<span class=\"pill good\">holds</span></li>"), UD_POWERCUT_INVARIANTS);
    expect_none(&m, "Failing cases");
    expect_none(&m, "<th scope=\"col\">after</th>"); /* never tried: no column */
    drop(&m);
}

static void a_failing_case_has_its_command_and_its_bytes(void **state)
{
    (void)state;
    struct made m = make(34, 64);
    plant(m.r, 0, 18);
    write_page(&m, 1, "fails");
    expect(&m, "<h1>1 violation in 170 cases</h1>");
    expect(&m, "broken in 1 case<");
    expect(&m, "<code>updraft powercut --replay update@65536:18:bits</code>");
    expect(&m, "Power went at operation 18 of 34 (install: erase of 4 KiB at 0x003000, ota_0): <b>bits</b>.");
    expect(&m, "The last boot ran ota_0.");
    expect(&m, "<span class=\"a\">009020</span>");
    expect(&m, "11 11 11 <b>11 11</b> 11");
    expect(&m, "11 11 11 <b>c3 c4</b> 11");
    expect(&m, "32 bytes as before");
    expect(&m, "208 bytes as before");
    expect(&m, "<td class=\"o o4\" data-v=\"bits\"><span>violated</span>");
    drop(&m);
}

static void a_case_is_told_as_it_was(void **state)
{
    (void)state;
    struct made m = make(34, 64);
    plant(m.r, 0, 3);
    m.r->violation[0].at = (struct ud_powercut_case){
        .operation = 3, .variant = UD_CUT_WEAK, .trial = 4, .second = 7, .second_variant = UD_CUT_PREFIX
    };
    m.r->violation[0].booted[0] = '\0';
    memcpy(m.r->violation[0].after, m.r->violation[0].before, UD_POWERCUT_BYTES);
    plant(m.r, 1, 0);
    m.r->violation[1].shown_len = 0;
    plant(m.r, 2, 99); /* the recovery of a replay may know more operations than the flow */
    m.r->violation[2].shown_len = 20;
    m.r->violations += 5;
    write_page(&m, 1, "cases");
    expect(&m, "<b>weak</b>, try 5; and again at operation 7 of the recovery: <b>prefix</b>.");
    expect(&m, "The last boot ran nothing.");
    expect(&m, "The cut left flash at 0x009000 as it was (256 bytes looked at).");
    expect(&m, "The flow itself, without a cut.");
    expect(&m, "Power went at operation 99 of 34: <b>bits</b>.");
    expect(&m, "These are the first ones; 5 more failed.");
    drop(&m);
}

static void what_comes_from_a_board_is_text(void **state)
{
    (void)state;
    struct made m = make(17, 64);
    m.r->board = "it's <b>&\"\x1b[31m\xff\xc0\xaf\xed\xa0\x80 gr\xc3\xbc\xc3\x9f.flash";
    m.r->image = "$(reboot);.bin";
    memcpy(m.r->region[1].label, "</script><i>&'\"", sizeof "</script><i>&'\"");
    memcpy(m.r->operation[0].part, "\"onload=\"x", sizeof "\"onload=\"x");
    plant(m.r, 0, 1);
    memcpy(m.r->violation[0].what, "<script>alert(1)</script>", sizeof "<script>alert(1)</script>");
    memcpy(m.r->violation[0].booted, "<x>", sizeof "<x>");
    write_page(&m, 1, "hostile");
    expect_none(&m, "<script>alert");
    expect_none(&m, "<x>");
    expect_none(&m, "<i>&");
    expect_none(&m, "\"onload");
    assert_null(memchr(m.page, 0x1b, m.len));
    assert_null(memchr(m.page, 0xff, m.len));
    assert_null(memchr(m.page, 0xed, m.len));
    expect(&m, "gr\xc3\xbc\xc3\x9f.flash");
    expect(&m, "&lt;script&gt;alert(1)&lt;/script&gt;");
    /* For a shell: quotes around it, and the quote in it outside of them. */
    expect(&m, "--board &#39;it&#39;\\&#39;&#39;s &lt;b&gt;&amp;&quot;");
    expect(&m, "--image &#39;$(reboot);.bin&#39;</code>");
    assert_int_equal(count_of(m.page, "<script>"), 1);
    drop(&m);
}

static void a_long_name_is_quoted_whole(void **state)
{
    (void)state;
    char name[701];
    struct made m = make(17, 64);
    for (size_t i = 0; i + 2 < sizeof name; i += 2)
        memcpy(name + i, i % 6 ? "\xc3\xa4" : "'x", 2);
    name[sizeof name - 1] = '\0';
    m.r->board = name;
    plant(m.r, 0, 1);
    write_page(&m, 1, "long");
    expect_none(&m, "\xEF\xBF\xBD");
    assert_int_equal(count_of(m.page, "\\&#39;"), 117);
    expect(&m, "--image IMAGE</code>");
    drop(&m);
}

static void a_run_without_operations_is_a_page(void **state)
{
    (void)state;
    struct made m = make(0, 4);
    write_page(&m, 1, "empty");
    expect(&m, "<h1>No case was tried</h1>");
    expect(&m, "there is nothing to cut");
    expect_none(&m, "<h3>Outcomes</h3>");
    assert_int_equal(count_of(m.page, ">not tried</span>"), UD_POWERCUT_INVARIANTS);
    drop(&m);
    m = make(0, 4); /* as a report looks that was never filled but for its flow */
    ud_powercut_report_drop(m.r);
    *m.r = (struct ud_powercut_report){ .flow = ud_powercut_flow_find("data") };
    write_page(&m, 1, "bare");
    expect(&m, "<dd>unknown</dd>");
    expect_none(&m, "Flash and its wear");
    drop(&m);
}

static void windows_and_writes_outside_are_told(void **state)
{
    (void)state;
    struct made m = make(34, 64);
    m.r->unsafe = ud_powercut_flow_unsafe(ud_powercut_flow_find("bootloader"));
    m.r->in_window = 9;
    m.r->window_count = 2;
    m.r->window[0] = (struct ud_powercut_window){ .first = 2, .last = 5, .bricks = true, .cases = 8 };
    m.r->window[1] = (struct ud_powercut_window){ .first = 9, .last = 9, .cases = 1 };
    m.r->region[1].size = 2 * SECTOR;
    m.r->erases[40] = 7;
    write_page(&m, 1, "window");
    expect(&m, "This flow cannot be safe:");
    expect(&m, "operations 2 to 5 of 34, 8 cases. After a cut there nothing may boot.");
    expect(&m, "operations 9 to 9 of 34, 1 case. After a cut there otadata is gone");
    expect(&m, "<strong>Outside of all parts:</strong> 1 sector written, the first at 0x028000.");
    expect(&m, "class=\"w4\"");
    drop(&m);
}

static void many_flows_are_listed(void **state)
{
    (void)state;
    struct made one = make(34, 64), two = make(17, 64);
    struct ud_powercut_report *both = calloc(2, sizeof *both);
    assert_non_null(both);
    both[0] = *one.r;
    both[1] = *two.r;
    both[1].flow = ud_powercut_flow_find("confirm");
    plant(&both[1], 0, 2);
    struct made m = { .r = both };
    write_page(&m, 2, "two");
    expect(&m, "<h1>1 violation in 255 cases</h1>");
    expect(&m, "<a href=\"#flow1\">update</a>");
    expect(&m, "<a href=\"#flow2\">confirm</a>");
    expect(&m, "id=\"flow1\"><summary>");
    expect(&m, "id=\"flow2\" open><summary>"); /* what failed is open */
    free(m.page);
    free(both);
    drop(&one);
    drop(&two);
}

/* 16 MB of flash, all of it written, no two operations alike, as many failing cases as are kept. */
static void the_page_of_a_large_run_is_bounded(void **state)
{
    (void)state;
    struct made m = make(69000, 4096);
    for (uint32_t i = 0; i < m.r->operation_count; i++)
        m.r->operation[i].outcome[UD_CUT_BITS] = i % 2 ? UD_POWERCUT_NEW : UD_POWERCUT_OLD;
    for (uint32_t i = 0; i < UD_POWERCUT_KEPT; i++) {
        plant(m.r, i, 1000 + i);
        for (unsigned k = 0; k < UD_POWERCUT_BYTES; k += 2)
            m.r->violation[i].after[k] = 0xEE;
    }
    write_page(&m, 1, "large");
    assert_true(m.len < 1000000);
    expect(&m, "Operations from 201 on are not listed one by one");
    assert_int_equal(count_of(m.page, "<tr data-a="), 200);
    assert_int_equal(count_of(m.page, "<details class=\"case\""), UD_POWERCUT_KEPT);
    drop(&m);
}

/* Of all failing cases of the page, the first ones show their bytes. */
static void bytes_are_shown_of_so_many_cases(void **state)
{
    (void)state;
    struct made m = make(200, 64);
    struct ud_powercut_report *twice = calloc(2, sizeof *twice);
    assert_non_null(twice);
    for (uint32_t i = 0; i < 40; i++)
        plant(m.r, i, i + 1);
    twice[0] = twice[1] = *m.r;
    struct made page = { .r = twice };
    write_page(&page, 2, "many");
    assert_int_equal(count_of(page.page, "<details class=\"case\""), 80);
    assert_int_equal(count_of(page.page, "<div class=\"hex mono\">"), 64);
    free(page.page);
    free(twice);
    drop(&m);
}

static void what_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct made m = make(17, 64);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(ud_powercut_report_html(full, m.r, 1), ESP_FAIL);
    assert_int_equal(errno, ENOSPC);
    fclose(full);
    assert_int_equal(ud_powercut_report_html(stdout, m.r, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_powercut_report_html(stdout, NULL, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(ud_powercut_report_html(NULL, m.r, 1), ESP_ERR_INVALID_ARG);
    m.r->flow = NULL;
    assert_int_equal(ud_powercut_report_html(stdout, m.r, 1), ESP_ERR_INVALID_ARG);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_holds_says_so),
        cmocka_unit_test(a_failing_case_has_its_command_and_its_bytes),
        cmocka_unit_test(a_case_is_told_as_it_was),
        cmocka_unit_test(what_comes_from_a_board_is_text),
        cmocka_unit_test(a_long_name_is_quoted_whole),
        cmocka_unit_test(a_run_without_operations_is_a_page),
        cmocka_unit_test(windows_and_writes_outside_are_told),
        cmocka_unit_test(many_flows_are_listed),
        cmocka_unit_test(the_page_of_a_large_run_is_bounded),
        cmocka_unit_test(bytes_are_shown_of_so_many_cases),
        cmocka_unit_test(what_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
