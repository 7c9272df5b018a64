/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The application calls of the recorded vectors, by name: run one on a board in memory and hold code, value and flash
 * to the row (or step of a sequence).
 */
#ifndef TESTS_OTA_ROWS_H
#define TESTS_OTA_ROWS_H

#include "boot_rows.h"
#include "updraft/ota.h"

/* What a call gave, as the vectors tell it. */
struct op_outcome {
    char kind[8]; /* "rc", "ret" */
    char value[32];
    uint32_t state; /* of get_state_partition, on ESP_OK */
};

static inline struct op_outcome op_code(esp_err_t err)
{
    struct op_outcome out = { .kind = "rc" };
    snprintf(out.value, sizeof out.value, "%s", ud_err_name(err));
    return out;
}

static inline struct op_outcome op_text(const char *text)
{
    struct op_outcome out = { .kind = "ret" };
    snprintf(out.value, sizeof out.value, "%s", text);
    return out;
}

static inline struct op_outcome op_partition(const struct ud_partition *p)
{
    return op_text(p ? p->label : "null");
}

static inline struct op_outcome op_begin(struct ud_ota *ota, const struct ud_partition *p)
{
    struct ud_ota_session s;
    esp_err_t err = ud_ota_begin(ota, &s, p, UD_OTA_SEQUENTIAL);
    if (err == ESP_OK)
        ud_ota_abort(&s);
    return op_code(err);
}

static inline struct op_outcome op_state(struct ud_ota *ota, const struct ud_partition *p)
{
    uint32_t state = 0;
    struct op_outcome out = op_code(ud_ota_get_state(ota, p, &state));
    out.state = state;
    return out;
}

static inline struct op_outcome op_count(const struct ud_ota *ota)
{
    char text[12];
    snprintf(text, sizeof text, "%u", (unsigned)ud_ota_slot_count(ota->board));
    return op_text(text);
}

/* Run `op` (the call without its esp_ota_ prefix). An unknown name ends the program. */
static inline struct op_outcome op_run(struct ud_ota *ota, const char *op, const struct ud_partition *p)
{
    if (strcmp(op, "begin") == 0)
        return op_begin(ota, p);
    if (strcmp(op, "set_boot_partition") == 0)
        return op_code(ud_ota_set_boot(ota, p));
    if (strcmp(op, "set_boot_partition_skip_validate") == 0)
        return op_code(ud_ota_set_boot_skip_validate(ota, p));
    if (strcmp(op, "get_boot_partition") == 0)
        return op_partition(ud_ota_get_boot(ota));
    if (strcmp(op, "get_next_update_partition") == 0)
        return op_partition(ud_ota_next_update(ota->board, p));
    if (strcmp(op, "get_state_partition") == 0)
        return op_state(ota, p);
    if (strcmp(op, "get_last_invalid_partition") == 0)
        return op_partition(ud_ota_last_invalid(ota));
    if (strcmp(op, "get_app_partition_count") == 0)
        return op_count(ota);
    if (strcmp(op, "check_rollback_is_possible") == 0)
        return op_text(ud_ota_is_rollback_possible(ota) ? "true" : "false");
    if (strcmp(op, "mark_app_valid_cancel_rollback") == 0)
        return op_code(ud_ota_mark_valid(ota));
    if (strcmp(op, "mark_app_invalid_rollback") == 0)
        return op_code(ud_ota_mark_invalid(ota));
    if (strcmp(op, "mark_app_invalid_rollback_and_reboot") == 0)
        return op_code(ud_ota_mark_invalid(ota)); /* the face restarts after ESP_OK */
    if (strcmp(op, "erase_last_boot_app_partition") == 0)
        return op_code(ud_ota_erase_last_boot_app(ota));
    if (strcmp(op, "invalidate_inactive_ota_data_slot") == 0)
        return op_code(ud_ota_invalidate_inactive(ota));
    fprintf(stderr, "unknown operation %s\n", op);
    exit(1);
}

/* Partition argument of a row: absent or null is NULL. */
static inline const struct ud_partition *op_arg(const cJSON *row, const struct test_board *t)
{
    const char *label = json_text(row, "arg");
    return label ? test_board_part(t, label) : NULL;
}

static inline void rows_expect_outcome(struct rows *r, const cJSON *row, const struct op_outcome *out)
{
    char expected[32];
    char found[32];
    const cJSON *ret = cJSON_GetObjectItemCaseSensitive(row, "ret");
    const char *rc = json_text(row, "rc");
    if (json_int(row, "restart"))
        rc = "ESP_OK";
    if (rc)
        snprintf(expected, sizeof expected, "%s", rc);
    else if (cJSON_IsString(ret))
        snprintf(expected, sizeof expected, "%s", ret->valuestring);
    else if (cJSON_IsBool(ret))
        snprintf(expected, sizeof expected, "%s", cJSON_IsTrue(ret) ? "true" : "false");
    else if (cJSON_IsNumber(ret))
        snprintf(expected, sizeof expected, "%d", ret->valueint);
    else
        snprintf(expected, sizeof expected, "null");
    rows_expect(r, rc ? "code" : "value", expected, out->value);

    const cJSON *state = cJSON_GetObjectItemCaseSensitive(row, "state");
    if (!state)
        return;
    snprintf(expected, sizeof expected, "%u", (unsigned)cJSON_GetNumberValue(state));
    snprintf(found, sizeof found, "%u", (unsigned)out->state);
    rows_expect(r, "state", expected, found);
}

/* Does a recorded entry read as blank although it was just written? A listed difference: here the call refuses. */
static inline bool row_selects_blank(const cJSON *row)
{
    char in[256];
    char ops[64];
    char out[256];
    text_of_array(cJSON_GetObjectItemCaseSensitive(row, "in"), in, sizeof in);
    text_of_array(cJSON_GetObjectItemCaseSensitive(row, "out"), out, sizeof out);
    text_of_array(cJSON_GetObjectItemCaseSensitive(row, "ops"), ops, sizeof ops);
    const char *written = strstr(ops, "W0") ? out : strstr(ops, "W1") ? strchr(out, ' ') + 1 : "";
    return strncmp(written, "ffffffff", 8) == 0 && strcmp(in, out) != 0;
}

#endif /* TESTS_OTA_ROWS_H */
