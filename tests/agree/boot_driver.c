/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot decisions as a filter, for a comparison with another implementation: a state a line on standard input, what the
 * boot loader would do a line on standard output. A factory reset and the second round behind it are played here.
 *
 * In, numbers: rollback slots-bits ota-entries factory test otadata(0 absent, 1 present, 2 short)
 *              seq state crc (entry 0) seq state crc (entry 1) deep-sleep reset-pin test-pin reset-erases-otadata
 *              anti-rollback field-bits level, then readable version of 18 apps (slots, factory, test)
 * Out:         try|reset write=sector:seq:state:crc,... raise=level,... erase=data,otadata
 *              and for try: start=index after=write,raise candidates=index,...
 *              (after: once an OTA slot has loaded entry 0 is written, the level raised)
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "updraft/boot.h"

static const char *at;

static uint32_t number(void)
{
    char *end;
    unsigned long value = strtoul(at, &end, 10);
    if (end == at) {
        fputs("boot_driver: a number is missing\n", stderr);
        exit(1);
    }
    at = end;
    return (uint32_t)value;
}

static struct ud_boot_input read_state(void)
{
    struct ud_boot_input in = { .rollback = number() };
    in.slots_present = (uint16_t)number();
    in.ota_entries = (uint8_t)number();
    in.has_factory = number();
    in.has_test = number();
    static const enum ud_otadata_presence presence[] = { UD_OTADATA_ABSENT, UD_OTADATA_PRESENT, UD_OTADATA_SHORT };
    in.otadata = presence[number() % 3];
    for (unsigned i = 0; i < 2; i++) {
        in.entry[i].seq = number();
        in.entry[i].state = number();
        in.entry[i].crc = number();
        memset(in.entry[i].label, 0xFF, sizeof in.entry[i].label);
    }
    in.deep_sleep_wake = number();
    in.factory_reset_pin = number();
    in.test_pin = number();
    in.factory_reset_erases_otadata = number();
    in.anti_rollback = number();
    in.secure_version_bits = (uint8_t)number();
    in.secure_level = number();
    for (unsigned i = 0; i < UD_BOOT_MAX_SLOTS + 2u; i++) {
        in.app[i].readable = number();
        in.app[i].secure_version = number();
    }
    return in;
}

struct outcome {
    char writes[256], raises[64];
    bool data_erased, otadata_erased;
    struct ud_boot_plan plan;
};

/* What a round does before anything is tried. */
static void apply(struct ud_boot_input *in, struct outcome *o)
{
    const struct ud_boot_plan *plan = &o->plan;
    for (unsigned i = 0; i < plan->write_count; i++) {
        const struct ud_otadata_entry *e = &plan->write[i].entry;
        size_t len = strlen(o->writes);
        snprintf(o->writes + len, sizeof o->writes - len, "%s%u:%" PRIu32 ":%" PRIu32 ":%" PRIu32, len ? "," : "",
                 plan->write[i].sector, e->seq, e->state, e->crc);
        in->entry[plan->write[i].sector] = *e;
    }
    if (plan->raise_level > 0) {
        size_t len = strlen(o->raises);
        snprintf(o->raises + len, sizeof o->raises - len, "%s%" PRIu32, len ? "," : "", plan->raise_level);
        in->secure_level = plan->raise_level;
    }
    if (plan->action != UD_BOOT_AGAIN)
        return;
    in->factory_reset_pin = in->test_pin = false;
    o->data_erased |= plan->erase_reset_data;
    if (plan->erase_otadata && in->otadata == UD_OTADATA_PRESENT) {
        o->otadata_erased = true;
        memset(in->entry, 0xFF, sizeof in->entry);
    }
}

static void decide(struct ud_boot_input in)
{
    struct outcome o = { .data_erased = false };
    unsigned rounds = 0;
    do {
        ud_boot_choose(&in, &o.plan);
        apply(&in, &o);
    } while (o.plan.action == UD_BOOT_AGAIN && ++rounds < 3);
    bool tries = o.plan.action == UD_BOOT_TRY && o.plan.candidate_count > 0;
    printf("%s write=%s raise=%s erase=%d,%d", tries ? "try" : "reset", o.writes, o.raises, o.data_erased,
           o.otadata_erased);
    if (tries) {
        bool has_slot = false; /* what comes after an OTA slot has loaded says nothing without one */
        for (unsigned i = 0; i < o.plan.candidate_count; i++)
            has_slot |= o.plan.candidate[i] >= 0;
        printf(" start=%d after=%d,%d candidates=", o.plan.start, has_slot && o.plan.write_after_load,
               has_slot && o.plan.raise_after_load);
        for (unsigned i = 0; i < o.plan.candidate_count; i++)
            printf("%s%d", i ? "," : "", o.plan.candidate[i]);
    }
    putchar('\n');
}

int main(void)
{
    static char line[1024];
    while (fgets(line, sizeof line, stdin)) {
        at = line;
        decide(read_state());
    }
    return 0;
}
