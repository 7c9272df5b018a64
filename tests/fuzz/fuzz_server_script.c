/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a script of the scripted server: taken, or refused with a reason that names it. Of what is taken every
 * response is a list of whole steps, and asking once more than there are responses repeats the last.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/lab/server_room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool what)
{
    if (!what)
        abort();
}

static void check_steps(const struct steps *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct step *step = &s->step[i];
        need(step->kind <= STEP_SILENCE);
        need((step->bytes != NULL) == (step->kind == STEP_BYTES || step->kind == STEP_FILE));
        for (size_t k = 0; k < step->len; k++) /* for the sanitizer: all of it is there */
            (void)*(volatile const char *)(step->bytes + k);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const targets[] = { "/f", "/f?x", "/other", "" };
    char why[256] = "";
    struct script *s = script_parse((const char *)data, size, "s.json", why, sizeof why);
    if (!s) {
        need(strncmp(why, "script s.json: ", 15) == 0);
        return 0;
    }
    need(why[0] == 0);
    const struct steps *first = script_accept(s);
    if (first)
        check_steps(first);
    for (size_t i = 0; i < UD_ARRAY_LEN(targets); i++) {
        const struct steps *last = NULL;
        for (unsigned n = 0; n < 40; n++) {
            const struct steps *next = script_next(s, targets[i]);
            need(n == 0 || (next != NULL) == (last != NULL));
            if (next)
                check_steps(next);
            last = next;
        }
    }
    script_free(s);
    return 0;
}
