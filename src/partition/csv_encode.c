/* SPDX-License-Identifier: Apache-2.0 */
/* From a table to CSV text: names where there are some, offsets in hex, sizes in M or K where exact. */
#include "csv.h"

/* Counts everything, stores what fits. */
struct writer {
    char *buf;
    size_t cap;
    size_t len;
};

static void put(struct writer *w, const char *text, size_t len)
{
    if (w->len < w->cap) {
        size_t room = w->cap - w->len;
        memcpy(w->buf + w->len, text, len < room ? len : room);
    }
    w->len += len;
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, ud_strnlen(text, SIZE_MAX));
}

static void put_number(struct writer *w, uint32_t value, uint32_t base)
{
    char digits[10];
    size_t n = sizeof digits;
    do {
        digits[--n] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    put(w, digits + n, sizeof digits - n);
}

static void put_size(struct writer *w, uint32_t size)
{
    bool is_m = size % 0x100000 == 0;
    if (is_m || size % 0x400 == 0) {
        put_number(w, is_m ? size >> 20 : size >> 10, 10);
        put_text(w, is_m ? "M" : "K");
        return;
    }
    put_text(w, "0x");
    put_number(w, size, 16);
}

/* Would a reader of the CSV get this label back? */
static bool is_expressible(const char *label)
{
    struct span s = { label, ud_strnlen(label, sizeof(((struct ud_partition *)NULL)->label)) };
    struct span rest = s;
    if (csv_utf8_bad(s.p, s.len) < s.len || csv_trim(s).len != s.len || (s.len > 0 && s.p[0] == '#') ||
        csv_has_variable(s))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] == ',')
            return false;
    return csv_take_line(&rest).len == s.len && rest.len == 0;
}

static void put_row(struct writer *w, const struct ud_partition *p)
{
    char scratch[8];
    put_text(w, p->label);
    put_text(w, ",");
    put_text(w, ud_partition_type_name(p->type, scratch));
    put_text(w, ",");
    put_text(w, ud_partition_subtype_name(p->type, p->subtype, scratch));
    put_text(w, ",0x");
    put_number(w, p->addr, 16);
    put_text(w, ",");
    put_size(w, p->size);
    put_text(w, ",");
    if (p->flags & UD_PART_FLAG_ENCRYPTED)
        put_text(w, "encrypted");
    if ((p->flags & UD_PART_FLAG_ENCRYPTED) && (p->flags & UD_PART_FLAG_READONLY))
        put_text(w, ":");
    if (p->flags & UD_PART_FLAG_READONLY)
        put_text(w, "readonly");
    put_text(w, "\n");
}

esp_err_t ud_csv_encode(const struct ud_ptable *table, char *buf, size_t cap, size_t *needed)
{
    struct writer w = { buf, cap, 0 };
    for (size_t i = 0; i < table->count; i++)
        if (!is_expressible(table->part[i].label))
            return ESP_ERR_NOT_SUPPORTED;
    put_text(&w, "# Name, Type, SubType, Offset, Size, Flags\n");
    for (size_t i = 0; i < table->count; i++)
        put_row(&w, &table->part[i]);
    *needed = w.len;
    put(&w, "", 1);
    return w.len <= cap ? ESP_OK : ESP_ERR_INVALID_SIZE;
}
