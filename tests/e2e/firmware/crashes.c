/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware of the tests that crashes some calls deep: the partition `cfg` says how ("abort", "fault", "overflow"). */
#include "esp_log.h"
#include "esp_partition.h"
#include "esp_system.h"

#include <stdlib.h>
#include <string.h>

static char how[16];
static volatile int *volatile nowhere; /* not to be known to the compiler */

static __attribute__((noinline)) int eat_the_stack(volatile char *above)
{
    volatile char block[4096];
    block[0] = (char)(above[0] + 1);
    return eat_the_stack(block) + block[0];
}

static __attribute__((noinline)) void innermost(void)
{
    if (strncmp(how, "abort", 5) == 0)
        abort();
    if (strncmp(how, "overflow", 8) == 0)
        *nowhere = eat_the_stack((volatile char *)how);
    *nowhere = 1;
}

static __attribute__((noinline)) void in_between(void)
{
    innermost();
    ESP_LOGI("crashes", "survived");
}

void app_main(void)
{
    if (esp_reset_reason() != ESP_RST_POWERON) {
        ESP_LOGI("crashes", "back again");
        return;
    }
    const esp_partition_t *cfg = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, 0x40, "cfg");
    ESP_ERROR_CHECK(esp_partition_read(cfg, 0, how, sizeof how - 1));
    in_between();
}
