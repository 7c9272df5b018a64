/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the power-cut explorer, and replay IDs: FLOW@SIZE[+MUTANT]:OPERATION:VARIANT[.TRIAL][:SECOND:VARIANT]. */
#include "powercut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name_at(const char *const *names, size_t count, unsigned i)
{
    return i < count ? names[i] : NULL;
}

const char *ud_powercut_invariant_name(enum ud_powercut_invariant i)
{
    static const char *const names[] = { "O1", "O2", "O3", "O4", "O5", "O6", "O7" };
    return name_at(names, UD_ARRAY_LEN(names), (unsigned)i);
}

const char *ud_powercut_invariant_text(enum ud_powercut_invariant i)
{
    static const char *const texts[] = {
        "some image that verifies boots, and it is the old or the new one, never a mixture",
        "otadata never selects a rejected entry, nor an unconfirmed one on two boots",
        "an image outside otadata's choice boots only with a note",
        "at most one otadata sector is blank or torn, unless the other was so before",
        "nothing outside the slot, otadata and the flow's own target is written",
        "a retry always ends where the flow ends",
        "no sector is erased more or less often than stated",
    };
    return name_at(texts, UD_ARRAY_LEN(texts), (unsigned)i);
}

const char *ud_powercut_outcome_name(enum ud_powercut_outcome o)
{
    static const char *const names[] = { "-", "old", "new", "window", "violated" };
    return name_at(names, UD_ARRAY_LEN(names), (unsigned)o);
}

const char *ud_powercut_kind_name(enum ud_powercut_kind k)
{
    static const char *const names[] = { "erase", "program", "burn" };
    return name_at(names, UD_ARRAY_LEN(names), (unsigned)k);
}

/* ---- replay IDs ------------------------------------------------------------------------------------------------- */

void ud_powercut_id_print(const struct ud_powercut_id *id, char text[UD_POWERCUT_ID])
{
    char size[16], trial[16] = "", second[48] = "";
    const struct ud_powercut_case *at = &id->at;
    snprintf(size, sizeof size, id->image_bytes ? "%u" : "board", (unsigned)id->image_bytes);
    if (at->trial)
        snprintf(trial, sizeof trial, ".%u", (unsigned)at->trial);
    if (at->second)
        snprintf(second, sizeof second, ":%u:%s", (unsigned)at->second, ud_cut_variant_name(at->second_variant));
    const char *plus = id->mutant ? "+" : "";
    const char *mutant = id->mutant ? id->mutant->name : "";
    if (at->operation == 0)
        snprintf(text, UD_POWERCUT_ID, "%s@%s%s%s:0", id->flow->name, size, plus, mutant);
    else
        snprintf(text, UD_POWERCUT_ID, "%s@%s%s%s:%u:%s%s%s", id->flow->name, size, plus, mutant,
                 (unsigned)at->operation, ud_cut_variant_name(at->variant), trial, second);
}

/* A whole decimal number, at most nine digits. */
static bool number(const char *text, uint32_t *out)
{
    size_t len = strlen(text);
    uint32_t value = 0;
    if (len == 0 || len > 9)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10u + (uint32_t)(text[i] - '0');
    }
    *out = value;
    return true;
}

/* "bits" or "bits.3". */
static bool variant_and_trial(char *text, enum ud_cut_variant *variant, uint32_t *trial)
{
    char *dot = strchr(text, '.');
    if (dot)
        *dot = '\0';
    *variant = ud_cut_variant_find(text);
    return *variant != UD_CUT_VARIANTS && (!dot || number(dot + 1, trial));
}

static bool parse_case(char *rest, struct ud_powercut_case *at)
{
    char *field[4] = { NULL };
    unsigned count = 0;
    char *save = NULL;
    for (char *f = strtok_r(rest, ":", &save); f; f = strtok_r(NULL, ":", &save)) {
        if (count == UD_ARRAY_LEN(field))
            return false;
        field[count++] = f;
    }
    memset(at, 0, sizeof *at);
    if (count == 0 || !number(field[0], &at->operation))
        return false;
    if (at->operation == 0)
        return count == 1;
    if ((count != 2 && count != 4) || !variant_and_trial(field[1], &at->variant, &at->trial))
        return false;
    uint32_t none = 0;
    return count == 2 || (number(field[2], &at->second) && at->second > 0 &&
                          variant_and_trial(field[3], &at->second_variant, &none) && none == 0);
}

esp_err_t ud_powercut_id_parse(const char *text, struct ud_powercut_id *id)
{
    char copy[UD_POWERCUT_ID];
    struct ud_powercut_id out = { 0 };
    if (strlen(text) >= sizeof copy)
        return ESP_ERR_INVALID_ARG;
    memcpy(copy, text, strlen(text) + 1);
    char *colon = strchr(copy, ':');
    char *at = strchr(copy, '@');
    if (!colon || !at || at > colon)
        return ESP_ERR_INVALID_ARG;
    *colon = '\0';
    *at = '\0';
    char *size = at + 1;
    char *mutant = strchr(size, '+');
    if (mutant)
        *mutant++ = '\0';
    if (strcmp(size, "board") != 0 && (!number(size, &out.image_bytes) || out.image_bytes == 0))
        return ESP_ERR_INVALID_ARG;
    if (!parse_case(colon + 1, &out.at))
        return ESP_ERR_INVALID_ARG;
    out.flow = ud_powercut_flow_find(copy);
    out.mutant = mutant ? ud_powercut_mutant_find(mutant) : NULL;
    if (!out.flow || (mutant && !out.mutant))
        return ESP_ERR_NOT_FOUND;
    *id = out;
    return ESP_OK;
}
