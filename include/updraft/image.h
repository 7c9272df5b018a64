/* SPDX-License-Identifier: Apache-2.0 */
/**
 * image: the table of chips, the ESP application image, its builder and its streaming verifier.
 *
 * Layout: docs/formats/image.md. Sources: ESP-IDF esp_app_format.h, esp_image_format.c, esp_app_desc.h; esptool 5.6.
 *
 * The verifier is a push parser: it takes pieces of any size, 0 and 1 included, and its answer never depends on how
 * the input was cut. The boot loader feeds it from flash, the OTA writer with what it reads back:
 *
 *     struct ud_image_verifier v;
 *     esp_err_t err = ud_image_verifier_start(&v, &rules, crypto, obs);
 *     while (err == ESP_OK && more) err = ud_image_verifier_push(&v, piece, len);
 *     if (err == ESP_OK) err = ud_image_verifier_finish(&v, &info);
 *     ud_image_verifier_drop(&v);
 */
#ifndef UPDRAFT_IMAGE_H
#define UPDRAFT_IMAGE_H

#include "updraft/crypto.h"
#include "updraft/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- chips -------------------------------------------------------------------------------------------------- */

#define UD_CHIP_ID_HOST 0xFFFFu /* host images: "invalid" to every chip */

struct ud_window {
    uint32_t lo;
    uint32_t hi; /* one past; lo == hi: no such window */
};

struct ud_chip {
    uint16_t id;
    const char *name;  /* as in sdkconfig and esptool: "esp32c3" */
    const char *title; /* "ESP32-C3" */
    uint32_t bootloader_offset;
    struct ud_window drom;
    struct ud_window irom;
    struct ud_window psram;      /* mapped PSRAM window of P4 and S31 */
    uint32_t page_sizes;         /* bit n set: MMU page of 2^n bytes is possible */
    bool page_configurable;      /* the page size comes from the description */
    bool map_32bit;              /* no 16 MiB limit on images and segments */
    uint8_t secure_version_bits; /* width of the anti-rollback eFuse field */
    uint16_t window_pages; /* not 0: drom and irom are this many MMU pages long, `hi` is the largest possible end */
};

/**
 * Chip by id or by name ("esp32c3", also "ESP32-C3"; "linux" or "host" for host images), NULL if unknown; and by
 * position, NULL past the end.
 */
const struct ud_chip *ud_chip_by_id(uint16_t id);
const struct ud_chip *ud_chip_by_name(const char *name);
const struct ud_chip *ud_chip_at(size_t i);
/** Is `addr` mapped from flash (DROM, IROM, mapped PSRAM) with MMU pages of `page` bytes? */
bool ud_chip_is_mapped(const struct ud_chip *chip, uint32_t addr, uint32_t page);
/**
 * MMU page, bytes: 2^log2 when the chip's page is configurable and can be that, else ESP-IDF's default (64 KiB; on
 * configurable chips 16 KiB for 1 MB of flash and 32 KiB for 2 MB). `spi_size` is the high nibble of header byte 3.
 */
uint32_t ud_chip_page(const struct ud_chip *chip, uint8_t log2, uint8_t spi_size);

/* ---- image --------------------------------------------------------------------------------------------------- */

#define UD_IMAGE_MAGIC           0xE9u
#define UD_IMAGE_HEADER_BYTES    24u
#define UD_IMAGE_MAX_SEGMENTS    16u
#define UD_APP_DESC_BYTES        256u
#define UD_APP_DESC_OFFSET       32u /* of the description in an image */
#define UD_APP_DESC_MAGIC        0xABCD5432u
#define UD_BOOTLOADER_DESC_BYTES 80u /* of a boot loader, at the same offset; its first byte is the magic */
#define UD_BOOTLOADER_DESC_MAGIC 80u
#define UD_HOST_DESC_ADDR        0x3C000020u /* load address of a host image's segment 0 */
#define UD_IMAGE_SIZE_LIMIT      0x1000000u  /* 16 MiB: largest image, and one more than the largest segment */

struct ud_image_header {
    uint8_t magic;
    uint8_t segment_count;
    uint8_t spi_mode;
    uint8_t spi_speed_size; /* low nibble speed, high nibble size */
    uint32_t entry_addr;
    uint8_t wp_pin;
    uint8_t spi_pin_drv[3];
    uint16_t chip_id;
    uint8_t min_chip_rev;
    uint16_t min_chip_rev_full; /* major * 100 + minor */
    uint16_t max_chip_rev_full; /* 0 and 65535: not set */
    uint8_t hash_appended;
};

/** Application description; every text is NUL-terminated here, also when its field on flash is full. */
struct ud_app_desc {
    uint32_t secure_version;
    char version[33];
    char project_name[33];
    char time[17];
    char date[17];
    char idf_ver[33];
    uint8_t app_elf_sha256[32];
    uint16_t min_efuse_blk_rev_full;
    uint16_t max_efuse_blk_rev_full;
    uint8_t mmu_page_size;
    uint8_t spi_flash_mode;
};

struct ud_image_segment {
    uint32_t load_addr;
    uint32_t len;
    uint32_t off; /* of the data, from the start of the image */
};

/**
 * What can be wrong with an image. The first that is found ends the verification, except that `lenient` rules only
 * record the ones that leave the structure readable. Each is noted once.
 */
enum ud_image_problem {
    UD_IMAGE_BAD_MAGIC,     /* byte 0 is not E9 */
    UD_IMAGE_BAD_CHIP,      /* ESP_FAIL: chip id */
    UD_IMAGE_BAD_REVISION,  /* ESP_FAIL: chip revision */
    UD_IMAGE_MANY_SEGMENTS, /* more than 16 */
    UD_IMAGE_NO_SEGMENTS,   /* none, and it is not a boot loader image */
    UD_IMAGE_NO_DIGEST,     /* require_digest, and there is none */
    UD_IMAGE_ODD_SEGMENT,   /* a length that is not a multiple of 4 */
    UD_IMAGE_LONG_SEGMENT,  /* 16 MiB and more (chips with map_32bit: 2^32 - 1) */
    UD_IMAGE_TOO_LONG,      /* does not fit max_size, or is larger than images can be */
    UD_IMAGE_SHORT_FIRST,   /* segment 0 of an app is shorter than a description */
    UD_IMAGE_NO_DESC,       /* ESP_FAIL: no description where one must be (configurable pages, host images) */
    UD_IMAGE_BAD_MAPPING,   /* flash address and load address differ modulo the MMU page */
    UD_IMAGE_BAD_CHECKSUM,  /* XOR of the segment data */
    UD_IMAGE_BAD_DIGEST,    /* appended SHA-256 */
    UD_IMAGE_TRUNCATED,     /* the bytes end before the image does */
    UD_IMAGE_PROBLEM_COUNT,
};
#define UD_IMAGE_PROBLEM_BIT(problem) (1u << (problem))
/** What is wrong, a few words without a capital; NULL when there is no such problem. */
const char *ud_image_problem_text(unsigned problem);

/** What a verified (or merely parsed) image is. */
struct ud_image_info {
    struct ud_image_header header;
    struct ud_image_segment segment[UD_IMAGE_MAX_SEGMENTS];
    bool has_desc;
    struct ud_app_desc desc;
    uint8_t checksum; /* as stored */
    uint8_t checksum_computed;
    bool has_digest;
    uint8_t digest[32];          /* as stored, when has_digest */
    uint8_t digest_computed[32]; /* SHA-256 of everything before it (or of the whole image without one) */
    uint32_t len;                /* image length, digest included */
    uint8_t segment_count;       /* segments whose header was read */
    uint32_t problems;           /* UD_IMAGE_PROBLEM_BITs; 0 for an image that was accepted by strict rules */
};

/** What an image is held against. Zeroed: parse and check integrity only, whatever the chip. */
struct ud_image_rules {
    const struct ud_chip *chip; /* windows and pages; NULL: the image's own chip id decides */
    bool check_chip;            /* chip_id must equal `chip_id`, revision must fit */
    uint16_t chip_id;
    uint16_t revision; /* of the chip, major * 100 + minor */
    bool ignore_max_revision;
    bool bootloader;     /* a boot loader image: no upper revision, digest not compared, no description asked for */
    bool require_digest; /* an image without an appended SHA-256 is refused; it is compared, a boot loader's too */
    uint32_t flash_addr; /* absolute address of the image's first byte: the mapping rule counts from 0 */
    bool check_mapping;
    uint32_t max_size; /* of the partition, bytes; 0: unbounded. Above 16 MiB: only for chips with map_32bit */
    bool lenient;      /* go on after a problem that leaves the structure readable: see info.problems */
};

enum {
    UD_NOTE_IMAGE_BAD = UD_NOTE_IMAGE, /* a = offset in the image, b = value found, text = what is wrong */
    UD_NOTE_IMAGE_CHIP,                /* a = chip id expected, b = found */
    UD_NOTE_IMAGE_REVISION,            /* a = revision of the chip, b = min << 16 | max of the image */
    UD_NOTE_IMAGE_DIGEST,              /* SHA-256 differs: a = offset of the stored digest, b = image length */
    UD_NOTE_IMAGE_ELF,                 /* an ELF cannot become an image: a, b = an address or length, text = why */
};

enum ud_image_state {
    UD_IMAGE_AT_HEADER,
    UD_IMAGE_AT_SEGMENT,
    UD_IMAGE_AT_DATA,
    UD_IMAGE_AT_PAD,
    UD_IMAGE_AT_DIGEST,
    UD_IMAGE_DONE,   /* all bytes of the image seen and good; further bytes are ignored */
    UD_IMAGE_FAILED, /* `err` says why; sticky */
};

struct ud_image_verifier {
    struct ud_image_rules rules;
    const struct ud_observer *obs;
    struct ud_hash hash;
    enum ud_image_state state;
    esp_err_t err;
    uint32_t off;        /* bytes consumed */
    uint32_t stage_left; /* bytes still to come in this state */
    uint32_t stage_len;  /* bytes collected in `stage` */
    uint8_t stage[UD_APP_DESC_BYTES];
    uint8_t segment; /* current one */
    uint8_t checksum;
    uint32_t mmu_page; /* bytes */
    struct ud_image_info info;
    const struct ud_chip *chip; /* of the rules, or the image's own; NULL unknown */
    uint32_t limit;             /* the image may not be longer than this */
};

/** Start; `rules` is copied, crypto and obs are kept. Fails only if the hash cannot start. */
UD_MUST_USE esp_err_t ud_image_verifier_start(struct ud_image_verifier *v, const struct ud_image_rules *rules,
                                              const struct ud_crypto *crypto, const struct ud_observer *obs);
/**
 * Take the next bytes. ESP_OK: so far good. ESP_ERR_IMAGE_INVALID: structure, mapping, checksum or digest;
 * ESP_FAIL: chip id, revision or missing description where one must be; ESP_ERR_INVALID_ARG: rules.max_size is above
 * what the chip maps; crypto's own. Sticky. After DONE bytes are ignored.
 */
UD_MUST_USE esp_err_t ud_image_verifier_push(struct ud_image_verifier *v, const void *data, size_t len);
/** The verdict: ESP_OK and `*info` (may be NULL) set; else the sticky error, or ESP_ERR_IMAGE_INVALID if cut short. */
UD_MUST_USE esp_err_t ud_image_verifier_finish(struct ud_image_verifier *v, struct ud_image_info *info);
/** Release the hash; always safe on a started or zeroed verifier. */
void ud_image_verifier_drop(struct ud_image_verifier *v);
/** Bytes of the image are complete and good (nothing further can change the verdict). */
static inline bool ud_image_verifier_is_done(const struct ud_image_verifier *v)
{
    return v->state == UD_IMAGE_DONE;
}

/**
 * Verify the image at [addr, addr + size) by reading flash through `scratch` (any length >= 64, else
 * ESP_ERR_INVALID_ARG). rules->flash_addr and max_size are set from addr and size. Flash errors are returned as they
 * are; ESP_ERR_INVALID_ARG also for a size above 16 MiB when rules->chip cannot map more (noted). `*info` as for finish.
 */
UD_MUST_USE esp_err_t ud_image_verify(struct ud_flash *flash, uint32_t addr, uint32_t size,
                                      const struct ud_image_rules *rules, const struct ud_crypto *crypto,
                                      const struct ud_observer *obs, uint8_t *scratch, size_t scratch_len,
                                      struct ud_image_info *info);

/**
 * Look into the image that starts at `bytes`: as the verifier with `rules` (NULL: zeroed) made lenient. ESP_OK when the
 * structure could be read to its end; the image is good only if info->problems is 0 then. Anything else:
 * ESP_ERR_IMAGE_INVALID or an error of crypto. `*info` is always set, to what could be read.
 */
UD_MUST_USE esp_err_t ud_image_inspect(const void *bytes, size_t len, const struct ud_image_rules *rules,
                                       const struct ud_crypto *crypto, const struct ud_observer *obs,
                                       struct ud_image_info *info);

/** Header and description alone. Decoders judge lengths only (ESP_ERR_INVALID_SIZE), desc also its magic (NOT_FOUND).
 */
UD_MUST_USE esp_err_t ud_image_header_decode(const uint8_t *bytes, size_t len, struct ud_image_header *h);
void ud_image_header_encode(const struct ud_image_header *h, uint8_t bytes[UD_IMAGE_HEADER_BYTES]);
UD_MUST_USE esp_err_t ud_app_desc_decode(const uint8_t *bytes, size_t len, struct ud_app_desc *d);
void ud_app_desc_encode(const struct ud_app_desc *d, uint8_t bytes[UD_APP_DESC_BYTES]);
/** Chip id and revision of a header against rules (check_chip assumed): ESP_OK or ESP_FAIL, noted. */
UD_MUST_USE esp_err_t ud_image_check_chip(const struct ud_image_header *h, const struct ud_image_rules *rules,
                                          const struct ud_observer *obs);

/* ---- builder -------------------------------------------------------------------------------------------------- */

struct ud_image_part {
    uint32_t load_addr;
    const void *data; /* NULL: zeros */
    uint32_t len;     /* padded with zeros to a multiple of 4 in the image */
};

/** What to build; `desc` (may be NULL) is encoded over the start of part 0's data, which must be >= 256 bytes then. */
struct ud_image_spec {
    struct ud_image_header header; /* magic, segment_count and hash_appended are set by the builder */
    const struct ud_image_part *part;
    uint8_t part_count;
    const struct ud_app_desc *desc;
    bool append_digest;
};

/**
 * Image length of a spec. ESP_ERR_INVALID_SIZE when it exceeds the format: no part or more than 16, a part or the whole
 * beyond the limits, a description that does not fit part 0.
 */
UD_MUST_USE esp_err_t ud_image_spec_size(const struct ud_image_spec *spec, uint32_t *size);
/**
 * Build into `buf`, `*size` bytes of it; ESP_ERR_INVALID_SIZE when cap is short; errors of ud_image_spec_size and of
 * crypto (asked only when append_digest). On failure `*size` is untouched and buf undefined.
 */
UD_MUST_USE esp_err_t ud_image_encode(const struct ud_image_spec *spec, const struct ud_crypto *crypto, uint8_t *buf,
                                      size_t cap, uint32_t *size);

/**
 * A host image: description alone in segment 0, then `elf` (a Linux executable, stripped; kept, not copied) in
 * segment 1 at load address 0. Fills `parts` (2) and `spec`; `desc_bytes` (256) becomes segment 0's data.
 * ESP_ERR_INVALID_ARG: not an ELF executable of this machine.
 */
UD_MUST_USE esp_err_t ud_image_host_spec(const void *elf, uint32_t elf_len, const struct ud_app_desc *desc,
                                         uint8_t desc_bytes[UD_APP_DESC_BYTES], struct ud_image_part parts[2],
                                         struct ud_image_spec *spec);
/** Segment of the program of a verified host image; NULL if it is none (chip id, two segments, their addresses). */
const struct ud_image_segment *ud_image_host_program(const struct ud_image_info *info);

/**
 * An image for `chip` around any bytes: description alone in segment 0, then `raw` (kept, not copied) at `load_addr`,
 * after a segment of padding where the mapping rule needs it (in a slot aligned to the MMU page). `desc` is encoded
 * into `desc_bytes`. ESP_ERR_INVALID_ARG: a mapped load address that is not a multiple of 4.
 */
UD_MUST_USE esp_err_t ud_image_raw_spec(const struct ud_chip *chip, const void *raw, uint32_t raw_len,
                                        uint32_t load_addr, const struct ud_app_desc *desc,
                                        uint8_t desc_bytes[UD_APP_DESC_BYTES], struct ud_image_part parts[3],
                                        struct ud_image_spec *spec);

/**
 * Put checksum and appended SHA-256 of the readable image in `bytes` right again after its data were changed; `info`
 * is that of ud_image_inspect and still true. ESP_ERR_INVALID_SIZE: bytes are shorter than the image; errors of crypto.
 */
UD_MUST_USE esp_err_t ud_image_reseal(uint8_t *bytes, size_t len, const struct ud_image_info *info,
                                      const struct ud_crypto *crypto);

/* ---- programs of real chips ------------------------------------------------------------------------------------ */

/** The section table of a 32-bit little-endian ELF file; keeps the file's bytes. */
struct ud_elf {
    const uint8_t *bytes;
    uint32_t len;
    uint32_t entry;
    uint16_t machine;
    uint16_t section_count;
    uint32_t table_off; /* of the section headers, which lie in the file whole */
    uint32_t names_off; /* of the section names; names_len 0: there are none */
    uint32_t names_len;
};

#define UD_ELF_XTENSA 94u
#define UD_ELF_RISCV  243u

struct ud_elf_section {
    const char *name; /* NUL-terminated, "" when the file has none that could be read */
    uint32_t type;
    uint32_t addr;
    uint32_t off; /* of the data in the file */
    uint32_t size;
};

/** ESP_ERR_INVALID_ARG, noted: not an ELF of 32 bits, little-endian, with a section table inside the file. */
UD_MUST_USE esp_err_t ud_elf_open(struct ud_elf *elf, const void *bytes, size_t len, const struct ud_observer *obs);
/**
 * Section `i`. ESP_ERR_NOT_FOUND past the end; ESP_ERR_INVALID_ARG, noted: its data leave the file (sections that take
 * no room in the file have none).
 */
UD_MUST_USE esp_err_t ud_elf_section(const struct ud_elf *elf, uint16_t i, const struct ud_observer *obs,
                                     struct ud_elf_section *section);
/** Is it loaded into memory: program bytes or a table of constructors, not empty, not at address 0? */
bool ud_elf_is_loaded(const struct ud_elf_section *section);

enum ud_secure_pad {
    UD_SECURE_PAD_NONE,
    UD_SECURE_PAD_V1, /* the image with a version 1 signature behind it ends on a page (ESP32) */
    UD_SECURE_PAD_V2, /* the image ends on a page, where the sector of version 2 signatures begins */
};

struct ud_image_elf_options {
    uint32_t page; /* MMU page, bytes; 0: what the description says, else 64 KiB */
    enum ud_secure_pad secure_pad;
    bool append_digest; /* secure padding needs it */
};

/**
 * Memory that ud_image_elf_spec takes for this program, bytes. ESP_ERR_INVALID_ARG or ESP_ERR_INVALID_SIZE (more than
 * 128 MiB), noted.
 */
UD_MUST_USE esp_err_t ud_image_elf_room(const struct ud_elf *elf, const struct ud_observer *obs, uint32_t *room);
/**
 * Lay the sections of a program out as `esptool elf2image` does: neighbours joined; mapped segments first, by address,
 * the one named .flash.appdesc at their head; gaps in front of them filled with the front of a RAM segment or with a
 * padding segment; the rest of RAM behind; secure padding. The SHA-256 of the ELF goes into the description.
 *
 * `room` (cap bytes, see ud_image_elf_room) becomes the data of `parts`; parts and spec->header (entry, chip and
 * defaults, which the caller may change) are set on ESP_OK. ESP_ERR_INVALID_ARG: not a program of this chip's kind, or
 * it cannot be laid out; ESP_ERR_INVALID_SIZE: more than 16 segments, or cap is short; each noted. Errors of crypto.
 */
UD_MUST_USE esp_err_t ud_image_elf_spec(const struct ud_chip *chip, const struct ud_elf *elf,
                                        const struct ud_image_elf_options *options, const struct ud_crypto *crypto,
                                        const struct ud_observer *obs, uint8_t *room, size_t cap,
                                        struct ud_image_part parts[UD_IMAGE_MAX_SEGMENTS], struct ud_image_spec *spec);

/* ---- the header's flash codes ---------------------------------------------------------------------------------- */

#define UD_SPI_MODE_COUNT 6u
/** "QIO", "QOUT", "DIO", "DOUT", "FAST_READ", "SLOW_READ"; NULL past the end. */
const char *ud_spi_mode_name(uint8_t mode);
/** Code of a clock in MHz on this chip (low nibble of byte 3); false if the chip's boot loader has none. */
bool ud_chip_spi_speed(const struct ud_chip *chip, unsigned mhz, uint8_t *code);
/** The clock in MHz of a code, 0 if unknown; by position, 0 past the end (for listing them). */
unsigned ud_chip_spi_mhz(const struct ud_chip *chip, uint8_t code);
unsigned ud_chip_spi_mhz_at(const struct ud_chip *chip, size_t i);

/** e_machine of an ELF that is a 64- or 32-bit little-endian executable (ET_EXEC or ET_DYN), 0 if it is not one. */
uint16_t ud_elf_machine(const uint8_t *bytes, size_t len);
/** e_machine of the machine this was compiled for. */
uint16_t ud_elf_host_machine(void);

#ifdef __cplusplus
}
#endif
#endif /* UPDRAFT_IMAGE_H */
