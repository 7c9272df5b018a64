/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes in words. Each id has a row: the tag of its log line, its level when nothing failed, and a sentence in which
 * {…} stands for a part of the note:
 *
 *     {a} {b} a number           {ax} {bx} the same as 0x…       {hi} {lo} upper and lower half of b
 *     {t} the text               {e} name of the code            {av} a chip revision in a, {hiv} {lov} in the upper
 *     {as} state of otadata in the upper half of b                and lower 16 bits of b; {limit} which of them it breaks
 *
 * Texts that other tools wait for are ESP-IDF's: "mismatch chip ID", "chip revision check failed", "invalid magic byte".
 */
#include <stdio.h>
#include <string.h>

#include "esp_log.h"
#include "updraft/idf.h"
#include "updraft/nvs.h"

struct row {
    uint16_t id;
    esp_log_level_t level; /* when err is ESP_OK; a failure is ERROR */
    const char *tag;
    const char *text;
};

static const struct row rows[] = {
    { UD_NOTE_FLASH_FAILED, ESP_LOG_ERROR, "spi_flash", "flash {t} of {b} bytes at {ax} failed: {e}" },
    { UD_NOTE_FLASH_NOT_ERASED, ESP_LOG_ERROR, "spi_flash",
      "flash at {ax} was not erased before it was written; erase its sector first" },
    { UD_NOTE_FLASH_IO, ESP_LOG_ERROR, "spi_flash", "the medium of the flash failed at {ax} (code {b}): {t}" },

    { UD_NOTE_PTABLE_BAD, ESP_LOG_ERROR, "partition", "partition table, entry at byte {ax}: {t}" },
    { UD_NOTE_PTABLE_UNKNOWN_FLAGS, ESP_LOG_WARN, "partition",
      "partition table, entry at byte {ax}: unknown flags {bx} are ignored" },
    { UD_NOTE_CSV_BAD, ESP_LOG_ERROR, "partition", "partition CSV, line {a}: {t}" },
    { UD_NOTE_CSV_WARNING, ESP_LOG_WARN, "partition", "partition CSV, line {a}: {t}" },

    { UD_NOTE_IMAGE_BAD, ESP_LOG_ERROR, "esp_image", "image is invalid at offset {ax}: {t} (found {bx})" },
    { UD_NOTE_IMAGE_CHIP, ESP_LOG_ERROR, "boot_comm", "mismatch chip ID, expected {a}, found {b}" },
    { UD_NOTE_IMAGE_REVISION, ESP_LOG_ERROR, "boot_comm",
      "chip revision check failed. Required {limit}, found {av}. The image is for {hiv} to {lov}" },
    { UD_NOTE_IMAGE_DIGEST, ESP_LOG_ERROR, "esp_image",
      "image hash failed: the SHA-256 stored at offset {ax} differs from that of the {b} byte image; it is corrupted" },
    { UD_NOTE_IMAGE_ELF, ESP_LOG_ERROR, "esp_image", "the ELF cannot become an image: {t} ({ax}, {bx})" },

    { UD_NOTE_NVS_RECOVERED, ESP_LOG_WARN, "nvs",
      "partition {t} was left half written, by a loss of power or worse: {a} entries and {b} pages were given up" },
    { UD_NOTE_NVS_REFUSED, ESP_LOG_ERROR, "nvs",
      "the partition of {b} pages cannot be used, page at {ax}: {t} ({e}); nvs_flash_erase makes it blank" },
    { UD_NOTE_NVS_DAMAGED, ESP_LOG_ERROR, "nvs",
      "the value of key '{t}' at {ax}, {b} bytes, does not match its CRC; set it again" },

    { UD_NOTE_BOOT_TRY, ESP_LOG_INFO, "boot", "app partition {t} at {ax}: {e}" },
    { UD_NOTE_BOOT_OTADATA, ESP_LOG_INFO, "boot", "otadata entry {a} becomes sequence {lo}, state {as}: {e}" },
    { UD_NOTE_BOOT_LOADED, ESP_LOG_INFO, "boot", "Loaded app from partition {t} at offset {ax}" },
    { UD_NOTE_BOOT_NOTHING, ESP_LOG_ERROR, "boot", "No bootable app partitions in the partition table" },
    { UD_NOTE_BOOT_EFUSE, ESP_LOG_INFO, "boot", "secure version of the eFuses is raised from {a} to {b}: {e}" },
    { UD_NOTE_BOOT_ERASED, ESP_LOG_WARN, "boot", "factory reset erases {t}, {b} bytes at {ax}: {e}" },

    { UD_NOTE_OTA_BAD_MAGIC, ESP_LOG_ERROR, "esp_ota_ops",
      "OTA image has invalid magic byte (expected 0xE9, saw {ax}); is it a firmware image?" },
    { UD_NOTE_OTA_READBACK, ESP_LOG_ERROR, "esp_ota_ops",
      "flash at {ax} in {t} reads back {bx}, not what was written; the flash is worn or failing" },
    { UD_NOTE_OTA_VERDICT, ESP_LOG_INFO, "esp_ota_ops", "image in {t} at {ax} was verified: {e}" },
    { UD_NOTE_OTA_HASH_PASS, ESP_LOG_DEBUG, "esp_ota_ops", "image in {t} at {ax} was read and hashed once" },
    { UD_NOTE_OTA_SET_BOOT, ESP_LOG_INFO, "esp_ota_ops", "{t} becomes the boot partition (sequence {a}): {e}" },
    { UD_NOTE_OTA_REFUSED, ESP_LOG_ERROR, "esp_ota_ops", "{t} cannot be written to: {e}" },
    { UD_NOTE_OTA_STATE, ESP_LOG_INFO, "esp_ota_ops", "the state of {t} (sequence {lo}) becomes {as}: {e}" },
    { UD_NOTE_OTA_SPI_MODE, ESP_LOG_ERROR, "esp_ota_ops",
      "the image was built for SPI flash mode {b}, what runs for mode {a}: it might not boot on this flash" },

    { UD_NOTE_HTTP_CONNECT, ESP_LOG_ERROR, "HTTP_CLIENT", "connection failed: {t} ({e})" },
    { UD_NOTE_HTTP_STATUS, ESP_LOG_DEBUG, "HTTP_CLIENT", "status {a} {t}" },
    { UD_NOTE_HTTP_REDIRECT, ESP_LOG_INFO, "HTTP_CLIENT", "status {a} redirects to {t}" },
    { UD_NOTE_HTTP_REFUSED_REDIRECT, ESP_LOG_ERROR, "HTTP_CLIENT", "the redirect to {t} is refused: {e}" },
    { UD_NOTE_HTTP_BAD_RESPONSE, ESP_LOG_ERROR, "HTTP_CLIENT", "the response is no valid HTTP at byte {a}: {t}" },
    { UD_NOTE_HTTP_STALL, ESP_LOG_ERROR, "HTTP_CLIENT",
      "the server sent {b} bytes in {a} ms, which is too slow to go on; check the network or the server" },
    { UD_NOTE_HTTP_CLOSED, ESP_LOG_ERROR, "HTTP_CLIENT", "{t} closed the connection after {a} of {b} bytes" },
    { UD_NOTE_HTTP_BAD_URL, ESP_LOG_ERROR, "HTTP_CLIENT", "not a URL for http or https: {t}" },
    { UD_NOTE_HTTP_AUTH, ESP_LOG_ERROR, "HTTP_CLIENT",
      "the server asks for credentials, and none that are enabled here will do ({t}); check user name, password and "
      "CONFIG_ESP_HTTP_CLIENT_ENABLE_BASIC_AUTH and _DIGEST_AUTH" },

    { UD_NOTE_UPDATE_START, ESP_LOG_INFO, "esp_https_ota", "Writing to <{t}> partition at offset {ax}" },
    { UD_NOTE_UPDATE_SHORT_HEADER, ESP_LOG_ERROR, "esp_https_ota",
      "the image ends after {a} bytes, inside its header of 1024 bytes; is it a firmware image?" },
    { UD_NOTE_UPDATE_STATUS, ESP_LOG_ERROR, "esp_https_ota", "the server answered with status {a}: {e}" },
    { UD_NOTE_UPDATE_DONE, ESP_LOG_INFO, "esp_https_ota", "{a} bytes were written to {t}, which boots next" },
    { UD_NOTE_UPDATE_NO_SLOT, ESP_LOG_ERROR, "esp_https_ota",
      "no partition to write the update to; the table needs an OTA slot that is not running" },
    { UD_NOTE_UPDATE_BAD_DESC, ESP_LOG_ERROR, "esp_https_ota",
      "Incorrect app descriptor magic ({ax}); is it a firmware image?" },
    { UD_NOTE_UPDATE_RANGE, ESP_LOG_ERROR, "esp_https_ota", "{t} (status {b}, from byte {a} on)" },
    { UD_NOTE_UPDATE_PART, ESP_LOG_DEBUG, "esp_https_ota", "Connection closed, {a} bytes are there" },
    { UD_NOTE_UPDATE_CUT, ESP_LOG_ERROR, "esp_https_ota",
      "Connection closed before complete data was received! {a} bytes are there" },
    { UD_NOTE_UPDATE_START_OVER, ESP_LOG_INFO, "esp_https_ota",
      "Falling back to OTA without resumption and restarting download from beginning" },
    { UD_NOTE_UPDATE_NOT_SWITCHED, ESP_LOG_WARN, "esp_https_ota",
      "the image in {t} is good, but it was not received to its end: the boot partition stays" },
};

/* {b} is the rule's argument. */
static const char *const rules[] = {
    [UD_RULE_NO_OTADATA] = "the table has no otadata: the factory app boots",
    [UD_RULE_SHORT_OTADATA] = "otadata cannot be read: reset",
    [UD_RULE_PENDING_ABORTED] = "otadata entry {b} was not confirmed before this reset: it is aborted",
    [UD_RULE_BOTH_INVALID] = "neither otadata entry can be used",
    [UD_RULE_NO_SLOTS] = "the table has no OTA slot",
    [UD_RULE_TO_FACTORY] = "the factory app boots",
    [UD_RULE_TO_FIRST_SLOT] = "there is no factory app: the first slot boots",
    [UD_RULE_INITIAL] = "otadata is in its initial state: entry 0 is written once a slot has loaded",
    [UD_RULE_ACTIVE] = "otadata entry {b} is the active one",
    [UD_RULE_NO_ACTIVE] = "no otadata entry is valid: the factory app boots",
    [UD_RULE_NEW_TO_PENDING] = "otadata entry {b} is new: it boots on probation",
    [UD_RULE_FACTORY_RESET] = "the factory reset pin is held: data is erased, then the choice is made again",
    [UD_RULE_TEST_PIN] = "the test pin is held: the test app boots",
    [UD_RULE_NO_TEST] = "the test pin is held, but there is no test app: reset",
    [UD_RULE_ENTRY_TOO_OLD] = "otadata entry {b} does not count: the secure version of its slot is too low",
    [UD_RULE_RAISE_LEVEL] = "the confirmed app raises the secure version of the eFuses to {b}",
    [UD_RULE_TOO_OLD] = "{bi} is left out: its secure version is below that of the eFuses",
};

static const struct row *row_of(uint16_t id)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++)
        if (rows[i].id == id)
            return &rows[i];
    return NULL;
}

/* A state of otadata by its name, an odd value by its number. */
static void print_state(uint32_t state, char *out, size_t size)
{
    const char *name = ud_ota_state_name(state);
    if (strcmp(name, "?") == 0)
        snprintf(out, size, "0x%" PRIx32, state);
    else
        snprintf(out, size, "%s", name);
}

/* An index of the boot loader. */
static void print_app(int index, char *out, size_t size)
{
    if (index >= 0)
        snprintf(out, size, "ota_%d", index);
    else
        snprintf(out, size, "%s", index == UD_BOOT_FACTORY ? "factory" : "test");
}

static void print_revision(unsigned v, char *out, size_t size)
{
    if (v == 65535)
        snprintf(out, size, "any later one");
    else
        snprintf(out, size, "v%u.%u", v / 100, v % 100);
}

/* As ESP-IDF's boot loader says it; suites for hardware wait for the words. */
static void print_limit(unsigned found, unsigned min, unsigned max, char *out, size_t size)
{
    unsigned limit = found < min ? min : max;
    snprintf(out, size, "%s v%u.%u", found < min ? ">=" : "<=", limit / 100, limit % 100);
}

/* The part called `name` of `n`, as text in `out`; a text is returned as it is. */
static const char *part(const struct ud_note *n, const char *name, size_t len, char *out, size_t size)
{
    static const char *const names[] = { "a", "b",  "ax",  "bx",  "hi", "lo", "t",
                                         "e", "av", "hiv", "lov", "as", "bi", "limit" };
    size_t i = 0;
    while (i < UD_ARRAY_LEN(names) && (strlen(names[i]) != len || memcmp(names[i], name, len) != 0))
        i++;
    out[0] = '\0';
    switch (i) {
    case 0:
    case 1:
        snprintf(out, size, "%" PRIu64, i == 0 ? n->a : n->b);
        break;
    case 2:
    case 3:
        snprintf(out, size, "0x%" PRIx64, i == 2 ? n->a : n->b);
        break;
    case 4:
    case 5:
        snprintf(out, size, "%" PRIu32, (uint32_t)(i == 4 ? n->b >> 32 : n->b));
        break;
    case 6:
        return n->text ? n->text : "(no name)";
    case 7:
        return ud_err_name(n->err);
    case 8:
        print_revision((unsigned)n->a, out, size);
        break;
    case 9:
        print_revision((unsigned)(n->b >> 16), out, size);
        break;
    case 10:
        /* 0 is "not set", like 65535 */
        print_revision((n->b & 0xFFFF) == 0 ? 65535 : (unsigned)(n->b & 0xFFFF), out, size);
        break;
    case 11:
        print_state((uint32_t)(n->b >> 32), out, size);
        break;
    case 12:
        print_app((int)(int64_t)n->b, out, size);
        break;
    case 13:
        print_limit((unsigned)n->a, (unsigned)(n->b >> 16), (unsigned)(n->b & 0xFFFF), out, size);
        break;
    }
    return out;
}

static void fill_in(const struct ud_note *n, const char *pattern, char *buf, size_t size)
{
    size_t at = 0;
    for (const char *p = pattern; *p && at + 1 < size;) {
        char number[32];
        size_t len = strcspn(p, "{");
        const char *piece = p;
        p += len;
        if (len == 0) {
            size_t name = strcspn(p, "}");
            piece = part(n, p + 1, name - 1, number, sizeof number);
            len = strlen(piece);
            p += name + 1;
        }
        if (len > size - 1 - at)
            len = size - 1 - at;
        memcpy(buf + at, piece, len);
        at += len;
    }
    buf[at] = '\0';
}

void ud_note_sentence(const struct ud_note *note, char *buf, size_t size)
{
    if (size == 0)
        return;
    const struct row *row = row_of(note->id);
    const char *pattern = row ? row->text : NULL;
    if (note->id == UD_NOTE_BOOT_RULE && note->a < UD_ARRAY_LEN(rules))
        pattern = rules[note->a];
    if (pattern)
        fill_in(note, pattern, buf, size);
    else
        snprintf(buf, size, "note 0x%x: %s (0x%" PRIx64 ", 0x%" PRIx64 ")%s%s", note->id, ud_err_name(note->err),
                 note->a, note->b, note->text ? " " : "", note->text ? note->text : "");
}

static void to_log(void *ctx, const struct ud_note *note)
{
    const struct row *row = row_of(note->id);
    char text[256];
    (void)ctx;
    ud_note_sentence(note, text, sizeof text);
    esp_log_line(note->err != ESP_OK ? ESP_LOG_ERROR
                 : row               ? row->level
                                     : ESP_LOG_INFO,
                 row ? row->tag : "boot", "%s", text);
}

struct ud_observer ud_idf_log_observer(void)
{
    return (struct ud_observer){ .note = to_log };
}
