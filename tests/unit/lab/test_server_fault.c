/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of the lab's server in every pair, on answers of every kind: no step too many, and the same bytes again. */
#include "lab_kit.h"

#include <fcntl.h>
#include <unistd.h>

#include "../../../src/lab/server_fault.h"

static const char *const heads[] = {
    "GET /f HTTP/1.1\r\n\r\n",
    "GET /f HTTP/1.1\r\nRange: bytes=10-99\r\n\r\n",
    "GET /f?updraft-hop=2 HTTP/1.0\r\nRange: bytes=9999-\r\n\r\n",
    "HEAD /f HTTP/1.1\r\n\r\n",
    "GET /missing?a/b HTTP/1.1\r\n\r\n",
    "POST /f HTTP/1.1\r\n\r\n",
};

static int make_folder(char path[32])
{
    char name[64];
    char bytes[2000];
    memset(bytes, 0x5A, sizeof bytes);
    snprintf(path, 32, "/tmp/fault.XXXXXX");
    assert_non_null(mkdtemp(path));
    snprintf(name, sizeof name, "%s/f", path);
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);
    close(fd);
    fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void remove_folder(const char *path, int fd)
{
    assert_int_equal(unlinkat(fd, "f", 0), 0);
    close(fd);
    assert_int_equal(rmdir(path), 0);
}

static void ask(struct faults *f, int dir_fd, const char *head, struct answer *out)
{
    static struct request r;
    enum head_result got = HEAD_MORE;
    request_begin(&r);
    while (got == HEAD_MORE)
        got = request_push(&r, *head++);
    assert_int_equal(got, HEAD_OK);
    assert_true(honest_answer(dir_fd, &r, out));
    assert_true(faults_apply(f, dir_fd, &r, out));
}

static void assert_same(const struct answer *a, const struct answer *b)
{
    assert_int_equal(a->steps.count, b->steps.count);
    for (size_t i = 0; i < a->steps.count; i++) {
        const struct step *x = &a->steps.step[i];
        const struct step *y = &b->steps.step[i];
        assert_true(x->kind == y->kind && x->from == y->from && x->to == y->to && x->chunk == y->chunk &&
                    x->value == y->value && x->len == y->len);
        if (x->kind == STEP_BYTES && x->len > 0)
            assert_memory_equal(x->bytes, y->bytes, x->len);
    }
}

static struct faults *parse(const char *list)
{
    char why[UD_LAB_WHY] = "";
    struct faults *f = faults_parse(list, 7, why, sizeof why);
    assert_string_equal(why, "");
    faults_at(f, 8443, true);
    return f;
}

static void every_pair_of_faults_gives_an_answer_and_the_same_again(void **state)
{
    (void)state;
    char path[32];
    int dir_fd = make_folder(path);
    for (size_t i = 0; i < fault_row_count; i++)
        for (size_t k = i; k < fault_row_count; k++) {
            char list[160];
            snprintf(list, sizeof list, "%s,%s=3", ud_server_fault(i)->name, ud_server_fault(k)->name);
            struct faults *f = parse(list);
            struct faults *again = parse(list);
            for (size_t h = 0; h < UD_ARRAY_LEN(heads); h++) {
                struct answer a, b;
                ask(f, dir_fd, heads[h], &a);
                ask(again, dir_fd, heads[h], &b);
                assert_true(a.steps.count >= 1 && a.steps.count <= 8);
                assert_int_equal(a.steps.step[0].kind, STEP_BYTES);
                assert_int_equal(strncmp(a.steps.step[0].bytes, "HTTP/1.", 7), 0);
                assert_int_equal(strlen(a.steps.step[0].bytes), a.steps.step[0].len);
                assert_same(&a, &b);
                steps_free(&a.steps);
                steps_free(&b.steps);
            }
            faults_free(f);
            faults_free(again);
        }
    remove_folder(path, dir_fd);
}

static void as_many_as_a_list_may_have_find_room(void **state)
{
    (void)state;
    char path[32];
    int dir_fd = make_folder(path);
    struct faults *f = parse("trickle,pause,trickle,pause,trickle,pause,trickle,pause,trickle,pause,trickle,pause,"
                             "trickle,pause,trickle,corrupt@50");
    struct answer a;
    ask(f, dir_fd, heads[0], &a);
    assert_int_equal(a.steps.count, 15 + 4);
    assert_int_equal(a.steps.step[0].kind, STEP_BYTES);
    assert_int_equal(a.steps.step[18].to, 2000);
    steps_free(&a.steps);
    faults_free(f);
    remove_folder(path, dir_fd);
}

static void connections_have_faults_of_their_own(void **state)
{
    (void)state;
    struct faults *f = parse("odd-case,reset-accept=1,slow-accept@50=1");
    struct step step;
    assert_true(faults_accept(f, &step));
    assert_int_equal(step.kind, STEP_RESET);
    assert_true(faults_accept(f, &step));
    assert_int_equal(step.kind, STEP_WAIT);
    assert_int_equal(step.value, 50);
    assert_false(faults_accept(f, &step));
    faults_free(f);
    assert_false(faults_accept(NULL, &step));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_faults_gives_an_answer_and_the_same_again),
        cmocka_unit_test(as_many_as_a_list_may_have_find_room),
        cmocka_unit_test(connections_have_faults_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
