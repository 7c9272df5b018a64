/* SPDX-License-Identifier: Apache-2.0 */
/* ESP-IDF's default tables as CSV. */
#include "updraft/partition.h"

#define HEADER "# Name, Type, SubType, Offset, Size, Flags\n"

static const struct named_table {
    const char *name;
    const char *csv;
} tables[] = {
    { "single_app", HEADER "nvs,      data, nvs,     , 0x6000,\n"
                           "phy_init, data, phy,     , 0x1000,\n"
                           "factory,  app,  factory, , 1M,\n" },
    { "two_ota", HEADER "nvs,      data, nvs,     , 0x4000,\n"
                        "otadata,  data, ota,     , 0x2000,\n"
                        "phy_init, data, phy,     , 0x1000,\n"
                        "factory,  app,  factory, , 1M,\n"
                        "ota_0,    app,  ota_0,   , 1M,\n"
                        "ota_1,    app,  ota_1,   , 1M,\n" },
    { "two_ota_large", HEADER "nvs,      data, nvs,   , 0x6000,\n"
                              "otadata,  data, ota,   , 0x2000,\n"
                              "phy_init, data, phy,   , 0x1000,\n"
                              "ota_0,    app,  ota_0, , 1700K,\n"
                              "ota_1,    app,  ota_1, , 1700K,\n" },
};

const char *ud_csv_default(const char *name)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(tables); i++)
        if (ud_streq(tables[i].name, name))
            return tables[i].csv;
    return NULL;
}
