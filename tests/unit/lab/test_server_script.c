/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts of the lab's server: steps in order, which response a request gets, and refusals that name the place. */
#include "lab_kit.h"

#include "../../../src/lab/server_room.h"

static struct script *parse(const char *text, char why[UD_LAB_WHY])
{
    why[0] = 0;
    return script_parse(text, strlen(text), "s.json", why, UD_LAB_WHY);
}

static void every_step_is_read(void **state)
{
    (void)state;
    char why[UD_LAB_WHY];
    struct script *s =
        parse("{\"/f\": [[{\"send\": \"h\\u00e9\"}, {\"hex\": \"0d00FF\"}, {\"file\": \"f\", \"from\": 1, "
              "\"to\": 9, \"chunk\": 4}, {\"file\": \"g\"}, {\"wait_ms\": 50}, {\"rate\": 7}, "
              "{\"honest\": true}, {\"close\": true}, {\"cut\": true}, {\"reset\": true}, "
              "{\"silence\": true}]]}",
              why);
    static const enum step_kind kinds[] = { STEP_BYTES,  STEP_BYTES, STEP_FILE, STEP_FILE,  STEP_WAIT,   STEP_RATE,
                                            STEP_HONEST, STEP_CLOSE, STEP_CUT,  STEP_RESET, STEP_SILENCE };
    assert_string_equal(why, "");
    const struct steps *got = script_next(s, "/f?query");
    assert_non_null(got);
    assert_int_equal(got->count, UD_ARRAY_LEN(kinds));
    for (size_t i = 0; i < got->count; i++)
        assert_int_equal(got->step[i].kind, kinds[i]);
    assert_int_equal(got->step[0].len, 3);
    assert_memory_equal(got->step[0].bytes, "h\xc3\xa9", 3);
    assert_int_equal(got->step[1].len, 3);
    assert_memory_equal(got->step[1].bytes, "\r\0\xff", 3);
    assert_true(got->step[2].from == 1 && got->step[2].to == 9 && got->step[2].chunk == 4);
    assert_true(got->step[3].from == 0 && got->step[3].to == UINT64_MAX && got->step[3].chunk == 0);
    assert_int_equal(got->step[4].value, 50);
    assert_int_equal(got->step[5].value, 7);
    assert_null(script_accept(s));
    script_free(s);
}

static void the_last_response_repeats_and_a_name_goes_before_the_star(void **state)
{
    (void)state;
    char why[UD_LAB_WHY];
    struct script *s = parse("{\"*\": [[{\"rate\": 9}]], \"/f\": [[{\"rate\": 1}], [{\"rate\": 2}]], "
                             "\"accept\": [{\"wait_ms\": 3}]}",
                             why);
    static const struct {
        const char *target;
        uint64_t rate;
    } rows[] = { { "/f", 1 }, { "/g", 9 }, { "/f?x", 2 }, { "/f", 2 }, { "/ff", 9 }, { "/", 9 } };
    assert_non_null(s);
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++)
        assert_int_equal(script_next(s, rows[i].target)->step[0].value, rows[i].rate);
    assert_non_null(script_accept(s));
    assert_int_equal(script_accept(s)->step[0].value, 3);
    script_free(s);
    s = parse("{\"/f\": [[]], \"accept\": []}", why);
    assert_non_null(s);
    assert_null(script_accept(s));
    assert_int_equal(script_next(s, "/f")->count, 0);
    assert_null(script_next(s, "/g"));
    assert_null(script_next(NULL, "/f"));
    script_free(s);
}

static void refusals_name_the_script_and_the_key(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        { "", "script s.json: is not a JSON object" },
        { "[]", "script s.json: is not a JSON object" },
        { "{\"/f\": ", "script s.json: is not a JSON object" },
        { "{\"/f\": []}", "script s.json: \"/f\" must be a list of responses" },
        { "{\"/f\": [{\"send\": \"x\"}]}", "script s.json: \"/f\" must be a list of responses" },
        { "{\"/f\": [[{\"send\": 1}]]}", "script s.json: \"/f\" must be a list of responses" },
        { "{\"/f\": [[{\"hex\": \"abc\"}]]}", "script s.json: \"/f\" must be a list of responses" },
        { "{\"/f\": [[{\"hex\": \"0g\"}]]}", "script s.json: \"/f\" must be a list of responses" },
        { "{\"/f\": [[{\"file\": true}]]}", "script s.json: \"/f\" must be a list of responses" },
        { "{\"/f\": [[{\"sleep\": 1}]]}", "script s.json: \"/f\" must be a list of responses" },
        { "{\"/f\": [[1]]}", "script s.json: \"/f\" must be a list of responses" },
        { "{\"accept\": {\"close\": true}}", "script s.json: \"accept\" must be a list of steps" },
        { "{\"accept\": [{\"close\": true}], \"accept\": [{\"wait_ms\": 1}, {\"reset\": true}]}",
          "script s.json: \"accept\" stands there twice" },
        { "{\"/f\": [[{\"rate\": 1}]], \"/f\": [[{\"rate\": 2}]]}", "script s.json: \"/f\" stands there twice" },
    };
    char why[UD_LAB_WHY];
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        assert_null(parse(rows[i].text, why));
        if (strncmp(why, rows[i].why, strlen(rows[i].why)) != 0)
            fail_msg("%s: said '%s'", rows[i].text, why);
    }
}

static void a_file_that_is_no_script_says_so(void **state)
{
    (void)state;
    char path[] = "/tmp/ud_script_XXXXXX";
    char why[UD_LAB_WHY];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_null(script_load("/nowhere/s.json", why, sizeof why));
    assert_string_equal(why, "script /nowhere/s.json: cannot be read: No such file or directory");
    assert_null(script_load("/tmp", why, sizeof why));
    assert_string_equal(why, "script /tmp: cannot be read: Is a directory");
    assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
    assert_null(script_load(path, why, sizeof why));
    assert_non_null(strstr(why, "is larger than 1024 KiB"));
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, "{\"/f\": [[{\"rate\": 1}]]}", 23, 0), 23);
    struct script *s = script_load(path, why, sizeof why);
    assert_non_null(s);
    script_free(s);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_read),
        cmocka_unit_test(the_last_response_repeats_and_a_name_goes_before_the_star),
        cmocka_unit_test(refusals_name_the_script_and_the_key),
        cmocka_unit_test(a_file_that_is_no_script_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
