/* SPDX-License-Identifier: Apache-2.0 */
/* The description of an application: ESP-IDF's esp_app_desc.h. 256 bytes at offset 32 of an image. */
#ifndef ESP_APP_DESC_H
#define ESP_APP_DESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ESP_APP_DESC_MAGIC_WORD (0xABCD5432)

/** Texts fill their field and need not be terminated then. */
typedef struct {
    uint32_t magic_word;
    uint32_t secure_version;
    uint32_t reserv1[2];
    char version[32];
    char project_name[32];
    char time[16];
    char date[16];
    char idf_ver[32];
    uint8_t app_elf_sha256[32];
    uint16_t min_efuse_blk_rev_full;
    uint16_t max_efuse_blk_rev_full;
    uint8_t mmu_page_size;
    uint8_t spi_flash_mode;
    uint8_t reserv3[2];
    uint32_t reserv2[18];
} esp_app_desc_t;

#ifdef __cplusplus
static_assert(sizeof(esp_app_desc_t) == 256, "as on flash");
#else
_Static_assert(sizeof(esp_app_desc_t) == 256, "as on flash");
#endif

/** The running application's own, as read from its slot; zeroed but for the magic word where nothing runs. Static. */
const esp_app_desc_t *esp_app_get_description(void);
/** Hex text of the ELF's SHA-256, at most 9 digits; bytes written, the NUL included; 0: dst NULL or size < 2. */
int esp_app_get_elf_sha256(char *dst, size_t size);
/** The same in static storage. */
char *esp_app_get_elf_sha256_str(void);

#ifdef __cplusplus
}
#endif
#endif /* ESP_APP_DESC_H */
