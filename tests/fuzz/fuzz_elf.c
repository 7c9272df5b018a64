/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an ELF, laid out for a chip that their checksum chooses. Held: nothing is read outside the file or
 * written outside the room; a refusal is noted once; what is laid out can be built, verifies on a page of flash, and
 * holds every loaded section once, at its address.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "updraft/image.h"
#include "updraft/port_linux.h"

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

enum { ROOM_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_note(void *ctx, const struct ud_note *note)
{
    MUST(note->id == UD_NOTE_IMAGE_ELF && note->text && note->err != ESP_OK);
    ++*(unsigned *)ctx;
}

/* Bytes of RAM and mapped segments: what was loaded, padded to 4, and at most an ESP32's tail for each segment. */
static void must_hold_the_sections(const struct ud_elf *elf, const struct ud_image_spec *spec)
{
    uint64_t in = 0;
    uint64_t out = 0;
    struct ud_elf_section s;
    for (uint16_t i = 0; ud_elf_section(elf, i, NULL, &s) == ESP_OK; i++)
        if (ud_elf_is_loaded(&s))
            in += (s.size + 3) & ~3u;
    for (uint8_t i = 0; i < spec->part_count; i++)
        if (spec->part[i].data)
            out += spec->part[i].len;
    MUST(out >= in && out <= in + spec->part_count * 0x24u);
}

static void must_verify(const struct ud_chip *chip, const struct ud_image_spec *spec, const struct ud_crypto *crypto)
{
    uint32_t size = 0;
    struct ud_image_info info;
    struct ud_image_verifier v;
    if (ud_image_spec_size(spec, &size) != ESP_OK)
        return; /* 16 MiB of pages */
    uint8_t *image = malloc(size);
    MUST(image && ud_image_encode(spec, crypto, image, size, &size) == ESP_OK);
    struct ud_image_rules rules = { .chip = chip,
                                    .check_chip = true,
                                    .chip_id = chip->id,
                                    .check_mapping = !chip->page_configurable, /* the page may come from an option */
                                    .flash_addr = 0x100000,
                                    .require_digest = spec->append_digest,
                                    .bootloader = true };
    MUST(ud_image_verifier_start(&v, &rules, crypto, NULL) == ESP_OK);
    MUST(ud_image_verifier_push(&v, image, size) == ESP_OK);
    MUST(ud_image_verifier_finish(&v, &info) == ESP_OK && info.len == size);
    ud_image_verifier_drop(&v);
    free(image);
}

static void lay_out(const struct ud_chip *chip, const struct ud_elf *elf, uint32_t salt)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_image_elf_options options = { .page = salt & 1 ? 0 : 0x2000u << (salt >> 1 & 7),
                                            .secure_pad = (enum ud_secure_pad)((salt >> 4 & 7) % 3),
                                            .append_digest = salt & 0x80 };
    struct ud_image_part parts[UD_IMAGE_MAX_SEGMENTS];
    struct ud_image_spec spec;
    unsigned notes = 0;
    struct ud_observer obs = { count_note, &notes };
    uint32_t room = 0;

    if (ud_image_elf_room(elf, &obs, &room) != ESP_OK) {
        MUST(notes == 1);
        return;
    }
    MUST(notes == 0);
    if (room > ROOM_MAX)
        return;
    uint8_t *memory = malloc(room ? room : 1);
    MUST(memory);
    esp_err_t err = ud_image_elf_spec(chip, elf, &options, &crypto, &obs, memory, room, parts, &spec);
    MUST(notes == (err != ESP_OK));
    if (err == ESP_OK) {
        must_hold_the_sections(elf, &spec);
        must_verify(chip, &spec, &crypto);
    } else {
        MUST(err == ESP_ERR_INVALID_ARG || err == ESP_ERR_INVALID_SIZE);
    }
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t chips[] = { 0, 2, 5, 9, 12, 13, 16, 18, 20, 23, 25, 28, 32, 0xFFFF };
    uint32_t salt = ud_crc32(0, data, size);
    unsigned notes = 0;
    struct ud_observer obs = { count_note, &notes };
    struct ud_elf elf;

    esp_err_t err = ud_elf_open(&elf, data, size, &obs);
    MUST(notes == (err != ESP_OK));
    if (err != ESP_OK)
        return 0;
    lay_out(ud_chip_by_id(5), &elf, 0x81);
    lay_out(ud_chip_by_id(chips[salt >> 8 & 0xFF ? (salt >> 16) % 14 : 13]), &elf, salt);
    return 0;
}
