/* SPDX-License-Identifier: Apache-2.0 */
/* What a firmware prints: passed on as it comes, and held line by line against a regular expression. */
#include "output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void lab_output_init(struct lab_output *o, int to, const regex_t *until)
{
    o->to = to;
    o->until = until;
    o->len = 0;
    o->matched = false;
}

static void pass_on(int to, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(to, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody reads it; the firmware need not suffer */
        data += n;
        len -= (size_t)n;
    }
}

static void end_line(struct lab_output *o)
{
    while (o->len > 0 && o->line[o->len - 1] == '\r')
        o->len--;
    o->line[o->len] = 0;
    o->matched = o->matched || regexec(o->until, o->line, 0, NULL, 0) == 0;
    o->len = 0;
}

static void take_lines(struct lab_output *o, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n')
            end_line(o);
        else if (data[i] && o->len < sizeof o->line - 1) /* a NUL would hide the rest of its line */
            o->line[o->len++] = data[i];
    }
}

enum lab_output_state lab_output_read(struct lab_output *o, int fd)
{
    char data[4096];
    for (size_t taken = 0; taken < LAB_OUTPUT_TURN;) {
        ssize_t n = read(fd, data, sizeof data);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? LAB_OUTPUT_DRAINED : LAB_OUTPUT_ENDED;
        pass_on(o->to, data, (size_t)n);
        take_lines(o, data, (size_t)n);
        taken += (size_t)n;
    }
    return LAB_OUTPUT_MORE;
}

void lab_output_end(struct lab_output *o)
{
    if (o->len > 0)
        end_line(o);
}
