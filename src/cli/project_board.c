/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board of an ESP-IDF project: what its build folder says goes where (flasher_args.json), and what its options make
 * of chip, flash and boot loader (config/sdkconfig.json).
 */
#include "project.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool in_build(const struct project *p, const char *name, char path[PROJECT_PATH])
{
    int n = name[0] == '/' ? snprintf(path, PROJECT_PATH, "%s", name)
                           : snprintf(path, PROJECT_PATH, "%s/%s", p->build, name);
    if (n > 0 && n < PROJECT_PATH)
        return true;
    cli_error("the path %.60s… is too long", p->build);
    return false;
}

static cJSON *read_json(const struct project *p, const char *name)
{
    char path[PROJECT_PATH];
    uint8_t *text;
    size_t len;
    if (!in_build(p, name, path) || !cli_read_file(path, &text, &len))
        return NULL;
    cJSON *json = cJSON_ParseWithLength((const char *)text, len);
    free(text);
    if (!json)
        cli_error("%s is not JSON: 'updraft idf fullclean', then build again", path);
    return json;
}

/* ---- options ---- */

static bool is_set(const cJSON *config, const char *option)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(config, option));
}

static const char *text_of(const cJSON *config, const char *option)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(config, option);
    return cJSON_IsString(at) ? at->valuestring : "";
}

static uint32_t number_of(const cJSON *config, const char *option, uint32_t otherwise)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(config, option);
    return cJSON_IsNumber(at) && at->valuedouble >= 0 && at->valuedouble <= UINT32_MAX ? (uint32_t)at->valuedouble
                                                                                       : otherwise;
}

static int settle(const cJSON *config, struct ud_lab_settings *s)
{
    ud_lab_settings_defaults(s);
    const char *chip = text_of(config, "IDF_TARGET");
    s->chip = ud_chip_by_name(chip);
    if (!s->chip || s->chip->id == UD_CHIP_ID_HOST)
        return cli_error("CONFIG_IDF_TARGET is '%s', which is no chip that a board can be", chip);
    if (!cli_parse_u32(text_of(config, "ESPTOOLPY_FLASHSIZE"), &s->flash_size))
        return cli_error("CONFIG_ESPTOOLPY_FLASHSIZE '%s' is not a size", text_of(config, "ESPTOOLPY_FLASHSIZE"));
    s->revision = ud_lab_usual_revision(s->chip);
    s->table_offset = number_of(config, "PARTITION_TABLE_OFFSET", s->table_offset);
    s->boot_rollback = s->app_rollback = is_set(config, "BOOTLOADER_APP_ROLLBACK_ENABLE");
    s->boot_anti_rollback = s->app_anti_rollback = is_set(config, "BOOTLOADER_APP_ANTI_ROLLBACK");
    if (is_set(config, "BOOTLOADER_FACTORY_RESET")) {
        s->factory_reset_pin = (uint8_t)number_of(config, "BOOTLOADER_NUM_PIN_FACTORY_RESET", UD_LAB_NO_PIN);
        s->pin_level = is_set(config, "BOOTLOADER_FACTORY_RESET_PIN_HIGH");
        s->factory_reset_erases_otadata = is_set(config, "BOOTLOADER_OTA_DATA_ERASE");
        const char *labels = text_of(config, "BOOTLOADER_DATA_FACTORY_RESET");
        if (strlen(labels) >= sizeof s->factory_reset_labels)
            return cli_error("CONFIG_BOOTLOADER_DATA_FACTORY_RESET is longer than a board can hold (%zu characters)",
                             sizeof s->factory_reset_labels - 1);
        ud_strcopy(s->factory_reset_labels, sizeof s->factory_reset_labels, labels, strlen(labels));
    }
    if (is_set(config, "BOOTLOADER_APP_TEST"))
        s->test_pin = (uint8_t)number_of(config, "BOOTLOADER_NUM_PIN_APP_TEST", UD_LAB_NO_PIN);
    return CLI_OK;
}

/* ---- files ---- */

static void *own(struct project_board *b, void *data)
{
    b->owned[b->owned_count++] = data;
    return data;
}

static int load_file(const struct project *p, struct project_board *b, const char *name, struct ud_lab_content *out)
{
    char path[PROJECT_PATH];
    uint8_t *data;
    size_t len;
    if (b->owned_count + 2 > sizeof b->owned / sizeof b->owned[0])
        return cli_error("flasher_args.json lists more files than a board can take");
    if (!in_build(p, name, path) || !cli_read_file(path, &data, &len))
        return CLI_FAILED;
    own(b, data);
    char *copy = own(b, strdup(path));
    if (!copy)
        return cli_error("no memory");
    *out = (struct ud_lab_content){ .name = copy, .data = data, .len = len };
    return CLI_OK;
}

/* The file of a part that flasher_args.json names by itself ("app"). */
static const char *part_file(const cJSON *args, const char *part)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(args, part);
    return text_of(at, "file");
}

/* Every other file belongs to the partition that begins at its offset. */
static int load_extra(const struct project *p, const cJSON *entry, const cJSON *args, struct project_board *b)
{
    static const char *const parts[] = { "bootloader", "partition-table", "otadata", "app" };
    uint32_t offset;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(part_file(args, parts[i]), entry->valuestring) == 0)
            return CLI_OK;
    const struct ud_partition *at = cli_parse_u32(entry->string, &offset) ? ud_ptable_at(&b->table, offset) : NULL;
    if (!at || at->addr != offset)
        return cli_error("flasher_args.json puts %s at %s, where no partition begins", entry->valuestring,
                         entry->string);
    if (b->content_count == PROJECT_CONTENTS)
        return cli_error("flasher_args.json lists more files than a board can take");
    struct ud_lab_content *c = &b->content[b->content_count];
    int rc = load_file(p, b, entry->valuestring, c);
    if (rc != CLI_OK)
        return rc;
    c->label = at->label;
    b->content_count++;
    return CLI_OK;
}

static int load_files(const struct project *p, const cJSON *args, struct project_board *b)
{
    char path[PROJECT_PATH];
    const struct ud_csv_options csv = { .table_offset = b->settings.table_offset,
                                        .has_bootloader_offset = true,
                                        .bootloader_offset = b->settings.chip->bootloader_offset,
                                        .flash_size = b->settings.flash_size };
    if (!in_build(p, "partition_table/partition-table.bin", path) || !cli_load_table(path, &csv, &b->table))
        return CLI_FAILED;
    int rc = load_file(p, b, "bootloader/bootloader.bin", &b->bootloader);
    if (rc == CLI_OK && ud_lab_app_slot(&b->table))
        rc = load_file(p, b, part_file(args, "app"), &b->app);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(args, "flash_files"))
    {
        if (rc == CLI_OK && cJSON_IsString(entry))
            rc = load_extra(p, entry, args, b);
    }
    return rc;
}

int project_board_load(const struct project *p, struct project_board *out)
{
    *out = (struct project_board){ 0 };
    cJSON *config = read_json(p, "config/sdkconfig.json");
    cJSON *args = config ? read_json(p, "flasher_args.json") : NULL;
    int rc = args ? settle(config, &out->settings) : CLI_FAILED;
    if (rc == CLI_OK)
        rc = load_files(p, args, out);
    cJSON_Delete(args);
    cJSON_Delete(config);
    return rc;
}

void project_board_free(struct project_board *b)
{
    for (size_t i = 0; i < b->owned_count; i++)
        free(b->owned[i]);
    b->owned_count = 0;
}

void project_board_path(const struct project *p, char path[PROJECT_PATH])
{
    if (!in_build(p, "board.flash", path))
        path[0] = 0;
}

/* ---- is the board still that of the project? ---- */

enum { SIGN_LAYOUT, SIGN_APP, SIGNS };
#define SIGN_SIZE 160

/* When and how large: the build leaves a file alone that it would write the same. */
static bool stamp(const struct project *p, const char *name, char out[SIGN_SIZE / 2])
{
    char path[PROJECT_PATH];
    struct stat st;
    if (!in_build(p, name, path))
        return false;
    if (stat(path, &st) != 0) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    snprintf(out, SIGN_SIZE / 2, "%" PRIu64 " %lld.%09ld", (uint64_t)st.st_size, (long long)st.st_mtim.tv_sec,
             st.st_mtim.tv_nsec);
    return true;
}

static bool signs_of(const struct project *p, char sign[SIGNS][SIGN_SIZE])
{
    char table[SIGN_SIZE / 2], options[SIGN_SIZE / 2], app[SIGN_SIZE / 2];
    if (!stamp(p, "partition_table/partition-table.bin", table) || !stamp(p, "config/sdkconfig.json", options) ||
        !stamp(p, project_text(p, "app_bin"), app))
        return false;
    snprintf(sign[SIGN_LAYOUT], SIGN_SIZE, "layout %.60s %.60s", table, options);
    snprintf(sign[SIGN_APP], SIGN_SIZE, "app %.60s", app);
    return true;
}

static bool sign_path(const char *board, char path[PROJECT_PATH])
{
    int n = snprintf(path, PROJECT_PATH, "%s.project", board);
    return n > 0 && n < PROJECT_PATH;
}

int project_board_sign(const struct project *p, const char *path)
{
    char sign[SIGNS][SIGN_SIZE];
    char text[SIGNS * SIGN_SIZE + 2];
    char file[PROJECT_PATH];
    if (!signs_of(p, sign) || !sign_path(path, file))
        return CLI_FAILED;
    int n = snprintf(text, sizeof text, "%s\n%s\n", sign[SIGN_LAYOUT], sign[SIGN_APP]);
    return n > 0 && cli_write_file(file, text, (size_t)n) ? CLI_OK : CLI_FAILED;
}

static int make(const struct project *p, const char *path, bool force)
{
    struct project_board b;
    char why[UD_LAB_WHY];
    int rc = project_board_load(p, &b);
    if (rc == CLI_OK) {
        struct ud_lab_create req = { .path = path,
                                     .settings = b.settings,
                                     .table = &b.table,
                                     .bootloader = b.bootloader,
                                     .app = b.app,
                                     .content = b.content,
                                     .content_count = b.content_count,
                                     .force = force };
        rc = ud_lab_board_create(&req, why, sizeof why) == ESP_OK ? project_board_sign(p, path) : cli_error("%s", why);
    }
    project_board_free(&b);
    return rc;
}

/* As flashing does: app and otadata; data partitions keep what the firmware has stored. */
static int put_app(const struct project *p, const char *path)
{
    struct project_board b;
    char why[UD_LAB_WHY] = "no memory";
    struct ud_lab_board *lab = malloc(sizeof *lab);
    int rc = project_board_load(p, &b);
    if (rc != CLI_OK)
        goto done;
    if (!lab || ud_lab_board_open(path, UD_LAB_WRITE, lab, why, sizeof why) != ESP_OK) {
        rc = cli_error("%s", why);
        goto done;
    }
    const struct ud_partition *slot = ud_lab_app_slot(&b.table);
    const struct ud_partition *otadata = ud_ptable_find(&b.table, UD_PART_DATA, UD_PART_DATA_OTA, NULL);
    esp_err_t err = ESP_OK;
    if (slot) {
        b.app.label = slot->label;
        err = ud_lab_board_put(lab, &b.app, why, sizeof why);
    }
    if (err == ESP_OK && otadata) {
        struct ud_lab_content blank = { .label = otadata->label, .name = "blank otadata", .data = "", .len = 0 };
        err = ud_lab_board_put(lab, &blank, why, sizeof why);
    }
    ud_lab_board_close(lab);
    rc = err == ESP_OK ? project_board_sign(p, path) : cli_error("%s", why);
done:
    project_board_free(&b);
    free(lab);
    return rc;
}

int project_board_refresh(const struct project *p, const char *path)
{
    char sign[SIGNS][SIGN_SIZE];
    char file[PROJECT_PATH];
    uint8_t *text;
    size_t len;
    if (!signs_of(p, sign) || !sign_path(path, file))
        return CLI_FAILED;
    if (access(path, F_OK) != 0)
        return make(p, path, false);
    if (access(file, F_OK) != 0)
        return cli_error("%s was not made of a project: run it without --project, or name another file", path);
    if (!cli_read_file(file, &text, &len))
        return CLI_FAILED;
    bool same_layout = strstr((const char *)text, sign[SIGN_LAYOUT]) != NULL;
    bool same_app = strstr((const char *)text, sign[SIGN_APP]) != NULL;
    free(text);
    if (!same_layout) {
        fprintf(stderr, "updraft: table or options have changed: %s is made anew\n", path);
        return make(p, path, true);
    }
    if (same_app)
        return CLI_OK;
    fprintf(stderr, "updraft: the app has changed: it is put on %s\n", path);
    return put_app(p, path);
}
