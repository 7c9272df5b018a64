/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partitions of keys and values for test_nvs_judges.py. A key is a line "NAMESPACE KEY TYPE VALUE", type and value in
 * hexadecimal digits, an empty value as "-".
 *
 *     nvs_driver life SEED COUNT CALLS DIR   COUNT random lives with power cuts; DIR/SEED.bin is the partition that is
 *                                            left, DIR/SEED.txt what the model holds
 *     nvs_driver dump IMAGE                  its keys, then "writes N": how often init wrote
 *     nvs_driver apply IMAGE OUT             what stdin says, one line each: a key to set, or "NAMESPACE KEY erase -"
 *
 * Exit code 1 with a reason on stderr.
 */
#include <errno.h>
#include <stdio.h>

#include "nvs_life.h"

#define VALUE_MAX 65536u

static int fail(const char *what, const char *which)
{
    fprintf(stderr, "nvs_driver: %s: %s\n", which, what);
    return 1;
}

static bool write_file(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(bytes, 1, len, f) == len;
    return f && fclose(f) == 0 && good;
}

static void print_key(FILE *f, const char *ns, const char *key, enum ud_nvs_type type, const uint8_t *value, size_t len)
{
    fprintf(f, "%s %s %02x ", ns, key, (unsigned)type);
    for (size_t i = 0; i < len; i++)
        fprintf(f, "%02x", value[i]);
    fprintf(f, "%s\n", len ? "" : "-");
}

/* ---- life ---- */

static int live(unsigned long seed, unsigned long calls, const char *dir)
{
    struct nvs_life life;
    char path[512];
    int result = 0;
    const char *why = nvs_life_run(&life, seed, (unsigned)calls);
    if (why) {
        fprintf(stderr, "nvs_driver: life %lu: %s\n", seed, why);
        result = 1;
    }
    snprintf(path, sizeof path, "%s/%lu.txt", dir, seed);
    FILE *f = fopen(path, "w");
    for (unsigned i = 0; f && i < NVS_LIFE_KEYS; i++) {
        const struct nvs_life_key *k = &life.key[i];
        if (k->there)
            print_key(f, nvs_life_ns_name[k->ns], k->name, k->type, k->value, k->len);
    }
    if (!f || fclose(f) != 0)
        result = fail(strerror(errno), path);
    snprintf(path, sizeof path, "%s/%lu.bin", dir, seed);
    if (!write_file(path, life.kit.bytes, life.kit.pages * UD_NVS_PAGE_BYTES))
        result = fail(strerror(errno), path);
    nvs_life_end(&life);
    return result;
}

static bool number(const char *text, unsigned long *out)
{
    char *end;
    errno = 0;
    *out = strtoul(text, &end, 10);
    return end != text && *end == '\0' && errno == 0;
}

static int lives(char **argv)
{
    unsigned long seed, count, calls;
    if (!number(argv[0], &seed) || !number(argv[1], &count) || !number(argv[2], &calls))
        return fail("not a number", "life");
    int result = 0;
    for (unsigned long i = 0; i < count && result == 0; i++)
        result = live(seed + i, calls, argv[3]);
    return result;
}

/* ---- images ---- */

static int load(struct nvs_kit *k, const char *path)
{
    static uint8_t bytes[NVS_KIT_PAGES * UD_NVS_PAGE_BYTES];
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f)
        fclose(f);
    if (len == 0 || len % UD_NVS_PAGE_BYTES != 0)
        return fail("no partition of 1 to 16 pages", path);
    nvs_kit_make(k, (uint32_t)len / UD_NVS_PAGE_BYTES, 1);
    memcpy(k->bytes, bytes, len);
    if (k->pages < 3)
        k->part.flags = UD_PART_FLAG_READONLY;
    esp_err_t err = nvs_kit_mount(k);
    if (err == ESP_OK)
        return 0;
    nvs_kit_deinit(k);
    return fail(ud_err_name(err), path);
}

static int dump(const char *path)
{
    static uint8_t value[VALUE_MAX];
    struct nvs_kit k;
    struct ud_nvs_walk walk = { 0 };
    struct ud_nvs_info info;
    uint8_t ns;
    if (load(&k, path) != 0)
        return 1;
    esp_err_t err;
    while ((err = ud_nvs_next(&k.nvs, &walk, 0, UD_NVS_ANY, &info)) == ESP_OK) {
        size_t len = sizeof value;
        err = ud_nvs_open(&k.nvs, info.ns, false, &ns);
        if (err == ESP_OK)
            err = ud_nvs_get(&k.nvs, ns, info.key, info.type, value, &len);
        if (err != ESP_OK)
            break;
        print_key(stdout, info.ns, info.key, info.type, value, len);
    }
    printf("writes %u\n", k.ff.operations);
    nvs_kit_deinit(&k);
    return err == ESP_ERR_NVS_NOT_FOUND ? 0 : fail(ud_err_name(err), info.key);
}

static size_t from_hex(const char *text, uint8_t *out, size_t size)
{
    size_t len = 0;
    for (; text[0] && text[1] && len < size; text += 2) {
        const char pair[3] = { text[0], text[1], 0 };
        char *end;
        unsigned long byte = strtoul(pair, &end, 16);
        if (end != pair + 2)
            break;
        out[len++] = (uint8_t)byte;
    }
    return len;
}

static esp_err_t apply_line(struct nvs_kit *k, const char *ns, const char *key, const char *type, const char *hex)
{
    static uint8_t value[VALUE_MAX];
    char *end;
    esp_err_t err = ud_nvs_open(&k->nvs, ns, true, &k->ns);
    if (err != ESP_OK)
        return err;
    if (strcmp(type, "erase") == 0)
        return nvs_kit_erase(k, key);
    unsigned long code = strtoul(type, &end, 16);
    if (*end != '\0')
        return ESP_ERR_INVALID_ARG;
    size_t len = strcmp(hex, "-") == 0 ? 0 : from_hex(hex, value, sizeof value);
    return nvs_kit_set(k, key, (enum ud_nvs_type)code, value, len);
}

static int apply(const char *path, const char *out)
{
    static char line[2 * VALUE_MAX + 100];
    struct nvs_kit k;
    int result = 0;
    if (load(&k, path) != 0)
        return 1;
    while (result == 0 && fgets(line, sizeof line, stdin)) {
        char *rest = line;
        char *part[4] = { 0 };
        for (unsigned i = 0; i < 4; i++)
            part[i] = strtok_r(rest, " \n", &rest);
        esp_err_t err = part[3] ? apply_line(&k, part[0], part[1], part[2], part[3]) : ESP_ERR_INVALID_ARG;
        if (err != ESP_OK)
            result = fail(ud_err_name(err), part[1] ? part[1] : "a line");
    }
    if (result == 0 && !write_file(out, k.bytes, k.pages * UD_NVS_PAGE_BYTES))
        result = fail(strerror(errno), out);
    nvs_kit_deinit(&k);
    return result;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "life") == 0)
        return lives(argv + 2);
    if (argc == 3 && strcmp(argv[1], "dump") == 0)
        return dump(argv[2]);
    if (argc == 4 && strcmp(argv[1], "apply") == 0)
        return apply(argv[2], argv[3]);
    return fail("see the head of nvs_driver.c", "usage");
}
