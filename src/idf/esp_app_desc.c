/* SPDX-License-Identifier: Apache-2.0 */
/* The running application's description: the 256 bytes of its slot, read once at start. */
#include "esp_app_desc.h"

#include "room.h"

#define ELF_SHA_DIGITS 9 /* ESP-IDF's APP_RETRIEVE_LEN_ELF_SHA */

/* What stands for an application where none runs (a tool, a test). */
static const esp_app_desc_t nothing = { .magic_word = ESP_APP_DESC_MAGIC_WORD };

const esp_app_desc_t *esp_app_get_description(void)
{
    const struct idf_world *w = ud_idf_world();
    return w && w->has_desc ? &w->desc : &nothing;
}

int esp_app_get_elf_sha256(char *dst, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    if (!dst || size < 2)
        return 0;
    const uint8_t *sha = esp_app_get_description()->app_elf_sha256;
    size_t n = size - 1 < ELF_SHA_DIGITS ? size - 1 : ELF_SHA_DIGITS;
    for (size_t i = 0; i < n; i++)
        dst[i] = digits[i % 2 == 0 ? sha[i / 2] >> 4 : sha[i / 2] & 0xF];
    dst[n] = '\0';
    return (int)n + 1;
}

char *esp_app_get_elf_sha256_str(void)
{
    static char text[ELF_SHA_DIGITS + 1];
    esp_app_get_elf_sha256(text, sizeof text);
    return text;
}
