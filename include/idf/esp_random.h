/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers from the board's entropy: ESP-IDF's esp_random.h. A failing source ends the program. */
#ifndef ESP_RANDOM_H
#define ESP_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

uint32_t esp_random(void);
void esp_fill_random(void *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif /* ESP_RANDOM_H */
