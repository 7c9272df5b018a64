/* SPDX-License-Identifier: Apache-2.0 */
/* Names of types and subtypes, both ways. Source: ESP-IDF gen_esp32part.py 1.5. */
#include "csv.h"

struct keyword {
    uint8_t type;
    uint8_t number; /* of the subtype; unused for types */
    const char *name;
};

static const struct keyword types[] = {
    { UD_PART_APP, 0, "app" },
    { UD_PART_DATA, 0, "data" },
    { UD_PART_BOOTLOADER, 0, "bootloader" },
    { UD_PART_TABLE, 0, "partition_table" },
};

static const struct keyword subtypes[] = {
    { UD_PART_APP, 0x00, "factory" },
    { UD_PART_APP, 0x10, "ota_0" },
    { UD_PART_APP, 0x11, "ota_1" },
    { UD_PART_APP, 0x12, "ota_2" },
    { UD_PART_APP, 0x13, "ota_3" },
    { UD_PART_APP, 0x14, "ota_4" },
    { UD_PART_APP, 0x15, "ota_5" },
    { UD_PART_APP, 0x16, "ota_6" },
    { UD_PART_APP, 0x17, "ota_7" },
    { UD_PART_APP, 0x18, "ota_8" },
    { UD_PART_APP, 0x19, "ota_9" },
    { UD_PART_APP, 0x1A, "ota_10" },
    { UD_PART_APP, 0x1B, "ota_11" },
    { UD_PART_APP, 0x1C, "ota_12" },
    { UD_PART_APP, 0x1D, "ota_13" },
    { UD_PART_APP, 0x1E, "ota_14" },
    { UD_PART_APP, 0x1F, "ota_15" },
    { UD_PART_APP, 0x20, "test" },
    { UD_PART_APP, 0x30, "tee_0" },
    { UD_PART_APP, 0x31, "tee_1" },
    { UD_PART_DATA, 0x00, "ota" },
    { UD_PART_DATA, 0x01, "phy" },
    { UD_PART_DATA, 0x02, "nvs" },
    { UD_PART_DATA, 0x03, "coredump" },
    { UD_PART_DATA, 0x04, "nvs_keys" },
    { UD_PART_DATA, 0x05, "efuse" },
    { UD_PART_DATA, 0x06, "undefined" },
    { UD_PART_DATA, 0x80, "esphttpd" },
    { UD_PART_DATA, 0x81, "fat" },
    { UD_PART_DATA, 0x82, "spiffs" },
    { UD_PART_DATA, 0x83, "littlefs" },
    { UD_PART_DATA, 0x90, "tee_ota" },
    { UD_PART_BOOTLOADER, 0x00, "primary" },
    { UD_PART_BOOTLOADER, 0x01, "ota" },
    { UD_PART_BOOTLOADER, 0x02, "recovery" },
    { UD_PART_TABLE, 0x00, "primary" },
    { UD_PART_TABLE, 0x01, "ota" },
};

int csv_type_number(struct span word)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(types); i++)
        if (csv_span_caseeq(word, types[i].name))
            return types[i].type;
    return -1;
}

int csv_subtype_number(int64_t type, struct span word)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(subtypes); i++)
        if (subtypes[i].type == type && csv_span_caseeq(word, subtypes[i].name))
            return subtypes[i].number;
    return -1;
}

static bool is_word(struct span word, const char *name)
{
    return csv_span_eq(word, (struct span){ name, ud_strnlen(name, 32) });
}

bool csv_name_misleads(struct span word, int64_t type, int64_t subtype)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(types); i++)
        if (is_word(word, types[i].name))
            return types[i].type != type;
    bool known = false;
    for (size_t i = 0; i < UD_ARRAY_LEN(subtypes); i++) {
        if (!is_word(word, subtypes[i].name))
            continue;
        if (subtypes[i].type == type && subtypes[i].number == subtype)
            return false;
        known = true;
    }
    return known;
}

static const char *decimal(uint8_t value, char scratch[8])
{
    size_t n = 8;
    scratch[--n] = '\0';
    do {
        scratch[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return scratch + n;
}

const char *ud_partition_type_name(uint8_t type, char scratch[8])
{
    for (size_t i = 0; i < UD_ARRAY_LEN(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return decimal(type, scratch);
}

const char *ud_partition_subtype_name(uint8_t type, uint8_t subtype, char scratch[8])
{
    for (size_t i = 0; i < UD_ARRAY_LEN(subtypes); i++)
        if (subtypes[i].type == type && subtypes[i].number == subtype)
            return subtypes[i].name;
    return decimal(subtype, scratch);
}
