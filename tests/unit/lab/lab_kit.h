/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of virtual boards: a temporary folder, a small table, images of any bytes. */
#ifndef UD_TEST_LAB_KIT_H
#define UD_TEST_LAB_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "updraft/lab.h"

struct kit {
    char dir[64];
    char board[96]; /* path of the flash file */
    char why[UD_LAB_WHY];
    struct ud_ptable table;
    struct ud_lab_create create;
    struct ud_lab_board lab;
};

static inline void kit_add(struct ud_ptable *t, uint8_t type, uint8_t subtype, const char *label, uint32_t addr,
                           uint32_t size)
{
    struct ud_partition *p = &t->part[t->count++];
    *p = (struct ud_partition){ .addr = addr, .size = size, .type = type, .subtype = subtype };
    ud_strcopy(p->label, sizeof p->label, label, 16);
}

/* A folder of its own, and a request for a board with two slots of `slot` bytes. */
static inline struct kit *kit_new(uint32_t slot, uint32_t flash)
{
    struct kit *k = calloc(1, sizeof *k);
    assert_non_null(k);
    snprintf(k->dir, sizeof k->dir, "/tmp/ud-lab-XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    snprintf(k->board, sizeof k->board, "%s/b.flash", k->dir);
    k->table.has_md5 = true;
    kit_add(&k->table, UD_PART_DATA, UD_PART_DATA_OTA, "otadata", 0xD000, 0x2000);
    kit_add(&k->table, UD_PART_DATA, 0x40, "cfg", 0xF000, 0x1000);
    kit_add(&k->table, UD_PART_APP, UD_PART_APP_OTA_0, "ota_0", 0x10000, slot);
    kit_add(&k->table, UD_PART_APP, UD_PART_APP_OTA_0 + 1, "ota_1", 0x10000 + slot, slot);
    k->create.path = k->board;
    k->create.table = &k->table;
    ud_lab_settings_defaults(&k->create.settings);
    k->create.settings.flash_size = flash;
    return k;
}

static inline unsigned kit_count_files(const struct kit *k)
{
    unsigned n = 0;
    DIR *d = opendir(k->dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static inline void kit_free(struct kit *k)
{
    DIR *d = opendir(k->dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    rmdir(k->dir);
    free(k);
}

static inline void kit_create(struct kit *k)
{
    esp_err_t err = ud_lab_board_create(&k->create, k->why, sizeof k->why);
    if (err != ESP_OK)
        print_error("%s\n", k->why);
    assert_int_equal(err, ESP_OK);
}

static inline esp_err_t kit_open(struct kit *k, unsigned mode)
{
    return ud_lab_board_open(k->board, mode, &k->lab, k->why, sizeof k->why);
}

static inline void kit_write(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static inline void kit_settings(const struct kit *k, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s.json", k->board);
    kit_write(path, text, strlen(text));
}

#define assert_says(why, text)                                                                                         \
    do {                                                                                                               \
        if (!strstr(why, text))                                                                                        \
            fail_msg("\"%s\" does not say \"%s\"", why, text);                                                         \
    } while (0)

/* An image of `chip_id` around `raw`; a host image when that is the host's id (`raw` is an ELF then). */
static inline uint8_t *kit_image(uint16_t chip_id, const char *version, const void *raw, uint32_t len, uint32_t *size)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_app_desc desc = { 0 };
    uint8_t desc_bytes[UD_APP_DESC_BYTES] = { 0 };
    struct ud_image_part parts[3] = { 0 };
    struct ud_image_spec spec = { 0 };
    ud_strcopy(desc.version, sizeof desc.version, version, 31);
    ud_strcopy(desc.project_name, sizeof desc.project_name, "kit", 31);
    esp_err_t err = chip_id == UD_CHIP_ID_HOST
                        ? ud_image_host_spec(raw, len, &desc, desc_bytes, parts, &spec)
                        : ud_image_raw_spec(ud_chip_by_id(chip_id), raw, len, 0, &desc, desc_bytes, parts, &spec);
    assert_int_equal(err, ESP_OK);
    spec.header.spi_mode = 2;
    spec.header.spi_speed_size = 0x2F;
    spec.header.max_chip_rev_full = 0xFFFF;
    spec.header.chip_id = chip_id;
    spec.append_digest = true;
    assert_int_equal(ud_image_spec_size(&spec, size), ESP_OK);
    uint8_t *image = malloc(*size);
    assert_non_null(image);
    assert_int_equal(ud_image_encode(&spec, &crypto, image, *size, size), ESP_OK);
    return image;
}

#endif /* UD_TEST_LAB_KIT_H */
