/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image as a folder: image.json holds the header and lists the segments, each of which has its bytes in a file
 * (padding has none). `image extract --parts` writes it, `image create --parts` reads it, and what was not changed in
 * between comes out byte for byte the same.
 */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Header fields by name: where they are kept, how wide they are. */
static const struct field {
    const char *name;
    size_t at;
    uint8_t size;
} fields[] = {
#define FIELD(name_)                                                                                                   \
    {                                                                                                                  \
#name_, offsetof(struct ud_image_header, name_), sizeof((struct ud_image_header *)0)->name_                    \
    }
    FIELD(chip_id), FIELD(entry_addr),   FIELD(spi_mode),          FIELD(spi_speed_size),
    FIELD(wp_pin),  FIELD(min_chip_rev), FIELD(min_chip_rev_full), FIELD(max_chip_rev_full),
#undef FIELD
};

static uint32_t load_field(const struct ud_image_header *h, const struct field *f)
{
    const void *p = (const char *)h + f->at;
    if (f->size == 1)
        return *(const uint8_t *)p;
    return f->size == 2 ? *(const uint16_t *)p : *(const uint32_t *)p;
}

static void store_field(struct ud_image_header *h, const struct field *f, uint32_t value)
{
    void *p = (char *)h + f->at;
    if (f->size == 1)
        *(uint8_t *)p = (uint8_t)value;
    else if (f->size == 2)
        *(uint16_t *)p = (uint16_t)value;
    else
        *(uint32_t *)p = value;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (p[i])
            return false;
    return true;
}

static bool write_segment(const struct image_file *f, const char *folder, unsigned i, cJSON *list)
{
    const struct ud_image_segment *s = &f->info.segment[i];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(list, o);
    cJSON_AddNumberToObject(o, "load_addr", s->load_addr);
    if (s->load_addr == 0 && is_zero(f->data + s->off, s->len)) {
        cJSON_AddNumberToObject(o, "zeros", s->len);
        return true;
    }
    char name[64];
    char *path = NULL;
    snprintf(name, sizeof name, "segment%02u-%08x.bin", i, s->load_addr);
    cJSON_AddStringToObject(o, "file", name);
    bool ok = asprintf(&path, "%s/%s", folder, name) >= 0 && cli_write_file(path, f->data + s->off, s->len);
    free(path);
    return ok;
}

static bool write_json(const char *folder, const cJSON *root)
{
    char *path = NULL;
    char *text = cJSON_Print(root);
    bool ok = text && asprintf(&path, "%s/image.json", folder) >= 0 && cli_write_file(path, text, strlen(text));
    free(path);
    cJSON_free(text);
    return ok;
}

bool image_parts_write(const struct image_file *f, const char *folder)
{
    const struct ud_image_header *h = &f->info.header;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        cli_error("cannot make the folder %s: %s", folder, strerror(errno));
        return false;
    }
    cJSON *root = cJSON_CreateObject();
    cJSON *header = cJSON_AddObjectToObject(root, "header");
    for (size_t i = 0; i < UD_ARRAY_LEN(fields); i++)
        cJSON_AddNumberToObject(header, fields[i].name, load_field(h, &fields[i]));
    cJSON *drv = cJSON_AddArrayToObject(header, "spi_pin_drv");
    for (size_t i = 0; i < UD_ARRAY_LEN(h->spi_pin_drv); i++)
        cJSON_AddItemToArray(drv, cJSON_CreateNumber(h->spi_pin_drv[i]));
    cJSON_AddBoolToObject(root, "digest", f->info.has_digest);
    cJSON *list = cJSON_AddArrayToObject(root, "segments");
    bool ok = true;
    for (unsigned i = 0; ok && i < f->info.segment_count; i++)
        ok = write_segment(f, folder, i, list);
    ok = ok && write_json(folder, root);
    cJSON_Delete(root);
    return ok;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool number_of(const cJSON *object, const char *name, uint32_t max, uint32_t *out)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, name);
    double v = cJSON_IsNumber(n) ? n->valuedouble : -1;
    if (!(v >= 0 && v <= max) || (double)(uint32_t)v != v) {
        cli_error("image.json: \"%s\" must be a whole number from 0 to %u", name, max);
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

static bool read_header(const cJSON *header, struct ud_image_header *h)
{
    uint32_t n;
    for (size_t i = 0; i < UD_ARRAY_LEN(fields); i++) {
        if (!number_of(header, fields[i].name, (uint32_t)((1ull << 8 * fields[i].size) - 1), &n))
            return false;
        store_field(h, &fields[i], n);
    }
    const cJSON *drv = cJSON_GetObjectItemCaseSensitive(header, "spi_pin_drv");
    for (int i = 0; i < 3; i++) {
        const cJSON *v = cJSON_GetArrayItem(drv, i);
        if (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > 255) {
            cli_error("image.json: \"spi_pin_drv\" must be three numbers from 0 to 255");
            return false;
        }
        h->spi_pin_drv[i] = (uint8_t)v->valuedouble;
    }
    return true;
}

/* Files are named relative to image.json, and only names without a folder are taken. */
static bool read_segment_file(const char *json_path, const char *name, uint8_t **data, uint32_t *len)
{
    const char *slash = strrchr(json_path, '/');
    int folder = slash ? (int)(slash - json_path) : 1;
    size_t size = 0;
    char *path = NULL;
    if (!name || !name[0] || strchr(name, '/')) {
        cli_error("image.json: each segment needs \"file\", a name beside it, or \"zeros\"");
        return false;
    }
    bool ok =
        asprintf(&path, "%.*s/%s", folder, slash ? json_path : ".", name) >= 0 && cli_read_file(path, data, &size);
    if (ok && size > INT32_MAX) {
        cli_error("%s is larger than a segment can be", path);
        ok = false;
    }
    *len = (uint32_t)size;
    free(path);
    return ok;
}

static bool read_segment(struct image_parts *p, const char *json_path, const cJSON *o)
{
    uint8_t i = p->spec.part_count;
    struct ud_image_part *part = &p->part[i];
    if (!number_of(o, "load_addr", UINT32_MAX, &part->load_addr))
        return false;
    p->spec.part_count++;
    if (cJSON_HasObjectItem(o, "zeros"))
        return number_of(o, "zeros", UINT32_MAX, &part->len);
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "file"));
    bool ok = read_segment_file(json_path, name, &p->data[i], &part->len);
    part->data = p->data[i];
    return ok;
}

static bool read_parts(struct image_parts *p, const char *json_path, const cJSON *root)
{
    const cJSON *segments = cJSON_GetObjectItemCaseSensitive(root, "segments");
    const cJSON *o;
    p->spec.append_digest = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "digest"));
    if (!read_header(cJSON_GetObjectItemCaseSensitive(root, "header"), &p->spec.header))
        return false;
    if (cJSON_GetArraySize(segments) < 1 || cJSON_GetArraySize(segments) > (int)UD_IMAGE_MAX_SEGMENTS) {
        cli_error("%s lists %d segments; an image has 1 to 16", json_path, cJSON_GetArraySize(segments));
        return false;
    }
    cJSON_ArrayForEach(o, segments) if (!read_segment(p, json_path, o)) return false;
    return true;
}

bool image_parts_read(struct image_parts *p, const char *json_path)
{
    uint8_t *text = NULL;
    size_t len;
    *p = (struct image_parts){ 0 };
    p->spec.part = p->part;
    if (!cli_read_file(json_path, &text, &len))
        return false;
    cJSON *root = cJSON_ParseWithLength((const char *)text, len);
    bool ok = cJSON_IsObject(root);
    if (!ok)
        cli_error("%s is not the image.json of an extracted image", json_path);
    ok = ok && read_parts(p, json_path, root);
    cJSON_Delete(root);
    free(text);
    if (!ok)
        image_parts_free(p);
    return ok;
}

void image_parts_free(struct image_parts *p)
{
    for (size_t i = 0; i < UD_IMAGE_MAX_SEGMENTS; i++) {
        free(p->data[i]);
        p->data[i] = NULL;
    }
}
