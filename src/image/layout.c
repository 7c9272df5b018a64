/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the sections of a program to the segments of an image, laid out as `esptool elf2image` does:
 *
 *   1. collect: loaded sections in the order of the file; one that begins where the one before it ends (lengths count
 *      as multiples of 4) joins its segment.
 *   2. arrange: mapped segments by address, the one with the description at their head; RAM segments by address.
 *   3. place: each mapped segment must begin at a file offset equal to its address modulo the MMU page. The gap in
 *      front of it is filled with the front of the next RAM segment, or with a segment of padding.
 *   4. the rest of RAM; secure padding.
 *
 * A segment's bytes are gathered once, in the caller's room; whatever is done later only moves pointers.
 */
#include "layout.h"

enum {
    SEGMENT_HEADER = 8,
    CHECKSUM_BLOCK = 16,
    KB64 = 1 << 16,
    ROOM_LIMIT = 128 << 20, /* no flash is larger */
    SPI_QIO = 0,
    WP_DISABLED = 0xEE,

    /* A mapped segment of an ESP32 must not end less than this beyond a page: its cache would not map that page. */
    ESP32_TAIL = 0x24,
    ESP32_ID = 0,

    DESC_SHA = 144,                  /* of the ELF's SHA-256 in the description */
    V1_SIGNATURE = 32 + 4 + 64 + 12, /* digest, version, r and s, and what makes it a multiple of 16 */
};

struct segment {
    uint32_t addr;
    uint32_t len;
    uint8_t *data;
    bool is_mapped;
    bool is_head; /* holds the description: comes first among its kind */
};

struct layout {
    const struct ud_chip *chip;
    const struct ud_observer *obs;
    uint32_t page;
    uint8_t *room;
    size_t cap;
    size_t used;
    uint32_t last_addr; /* of the section that was collected last */
    struct segment segment[UD_IMAGE_MAX_SEGMENTS];
    uint8_t count;
    uint8_t mapped_count;
    bool has_desc; /* a mapped section is named .flash.appdesc */

    struct ud_image_part *part;
    uint8_t part_count;
    uint64_t off; /* where the next segment's header goes */
};

static esp_err_t refuse(const struct layout *l, esp_err_t err, uint32_t a, uint32_t b, const char *why)
{
    return ud_note(l->obs, UD_NOTE_IMAGE_ELF, err, a, b, why);
}

/* ---- room and page ---------------------------------------------------------------------------------------------- */

esp_err_t ud_image_elf_room(const struct ud_elf *elf, const struct ud_observer *obs, uint32_t *room)
{
    uint32_t sum = 0;
    struct ud_elf_section s;
    for (uint16_t i = 0; i < elf->section_count; i++) {
        esp_err_t err = ud_elf_section(elf, i, obs, &s);
        if (err != ESP_OK)
            return err;
        if (!ud_elf_is_loaded(&s))
            continue;
        /* a file has at most 2 GiB, so neither sum can wrap */
        if (s.size > ROOM_LIMIT || sum + s.size > ROOM_LIMIT)
            return ud_note(obs, UD_NOTE_IMAGE_ELF, ESP_ERR_INVALID_SIZE, s.addr, s.size, "more than 128 MiB to load");
        sum += ((s.size + 3) & ~3u) + ESP32_TAIL;
    }
    *room = sum;
    return ESP_OK;
}

/* The page comes from the options, else from the description, else it is 64 KiB, whatever the flash's size. */
static esp_err_t choose_page(struct layout *l, const struct ud_elf *elf, uint32_t asked)
{
    struct ud_elf_section s = { 0 };
    struct ud_app_desc desc;
    l->page = KB64;
    if (!l->chip->page_configurable)
        return asked == 0 || asked == KB64
                   ? ESP_OK
                   : refuse(l, ESP_ERR_INVALID_ARG, asked, KB64, "the MMU page of this chip is 64 KiB");
    for (uint16_t i = 0; asked == 0 && ud_elf_section(elf, i, l->obs, &s) == ESP_OK; i++)
        if (ud_streq(s.name, ".flash.appdesc") && ud_elf_is_loaded(&s) && ud_chip_is_mapped(l->chip, s.addr, KB64) &&
            ud_app_desc_decode(elf->bytes + s.off, s.size, &desc) == ESP_OK && desc.mmu_page_size != 0)
            asked = desc.mmu_page_size < 32 ? 1u << desc.mmu_page_size : 1;
    if (asked == 0)
        return ESP_OK;
    if ((asked & (asked - 1)) != 0 || !(l->chip->page_sizes & asked))
        return refuse(l, ESP_ERR_INVALID_ARG, asked, l->chip->page_sizes, "the chip has no MMU pages of this size");
    l->page = asked;
    return ESP_OK;
}

/* ---- collect ---------------------------------------------------------------------------------------------------- */

static esp_err_t append(struct layout *l, const struct ud_elf *elf, const struct ud_elf_section *s)
{
    struct segment *seg = &l->segment[l->count - 1];
    uint32_t padded = (s->size + 3) & ~3u; /* a section is shorter than 2 GiB */
    if (padded > l->cap - l->used)
        return refuse(l, ESP_ERR_INVALID_SIZE, s->addr, s->size, "no room for a section");
    memcpy(l->room + l->used, elf->bytes + s->off, s->size);
    memset(l->room + l->used + s->size, 0, padded - s->size);
    l->used += padded;
    seg->len += padded;
    l->last_addr = s->addr;
    return ESP_OK;
}

static esp_err_t collect_section(struct layout *l, const struct ud_elf *elf, const struct ud_elf_section *s)
{
    struct segment *last = l->count ? &l->segment[l->count - 1] : NULL;
    bool is_mapped = ud_chip_is_mapped(l->chip, s->addr, KB64); /* esptool's windows do not shrink with the page */
    bool is_desc = is_mapped && ud_streq(s->name, ".flash.appdesc");

    if (is_mapped && s->addr % 4 != 0)
        return refuse(l, ESP_ERR_INVALID_ARG, s->addr, s->size, "a mapped section is not aligned to 4");
    l->has_desc = l->has_desc || is_desc;
    if (last && last->addr + last->len == s->addr && last->is_mapped == is_mapped &&
        image_same_memory(l->chip, l->last_addr, s->addr))
        return append(l, elf, s);

    if (l->count == UD_IMAGE_MAX_SEGMENTS)
        return refuse(l, ESP_ERR_INVALID_SIZE, s->addr, l->count,
                      "more than 16 segments; join sections in the linker script");
    if (last) { /* room for the last one to grow at its end */
        if (l->cap - l->used < ESP32_TAIL)
            return refuse(l, ESP_ERR_INVALID_SIZE, s->addr, s->size, "no room for a section");
        l->used += ESP32_TAIL;
    }
    l->segment[l->count++] = (struct segment){
        .addr = s->addr,
        .data = l->room + l->used,
        .is_mapped = is_mapped,
        .is_head = is_desc || (!is_mapped && ud_streq(s->name, ".dram0.bootdesc")),
    };
    return append(l, elf, s);
}

static esp_err_t collect(struct layout *l, const struct ud_elf *elf)
{
    struct ud_elf_section s;
    for (uint16_t i = 0; i < elf->section_count; i++) {
        esp_err_t err = ud_elf_section(elf, i, l->obs, &s);
        if (err == ESP_OK && ud_elf_is_loaded(&s))
            err = collect_section(l, elf, &s);
        if (err != ESP_OK)
            return err;
    }
    if (l->count == 0)
        return refuse(l, ESP_ERR_INVALID_ARG, elf->section_count, 0, "it has no section that is loaded");
    return ESP_OK;
}

/* ---- arrange ---------------------------------------------------------------------------------------------------- */

static bool goes_before(const struct segment *a, const struct segment *b)
{
    return a->is_mapped != b->is_mapped ? a->is_mapped : a->addr < b->addr;
}

static void move_to(struct segment *first, size_t from)
{
    struct segment moved = first[from];
    for (size_t i = from; i > 0; i--)
        first[i] = first[i - 1];
    first[0] = moved;
}

static void head_first(struct segment *first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (first[i].is_head) {
            move_to(first, i);
            return;
        }
}

static esp_err_t arrange(struct layout *l)
{
    for (uint8_t i = 1; i < l->count; i++) {
        uint8_t at = i;
        while (at > 0 && goes_before(&l->segment[i], &l->segment[at - 1]))
            at--;
        move_to(&l->segment[at], i - at);
    }
    while (l->mapped_count < l->count && l->segment[l->mapped_count].is_mapped)
        l->mapped_count++;
    head_first(l->segment, l->mapped_count);
    head_first(l->segment + l->mapped_count, (size_t)(l->count - l->mapped_count));

    for (uint8_t i = 1; i < l->mapped_count; i++) {
        const struct segment *s = &l->segment[i];
        if (((s[0].addr ^ s[-1].addr) & ~(l->page - 1)) == 0)
            return refuse(l, ESP_ERR_INVALID_ARG, s[-1].addr, s[0].addr,
                          "two mapped segments begin in one MMU page; join them in the linker script");
    }
    return ESP_OK;
}

/* ---- place ------------------------------------------------------------------------------------------------------ */

static esp_err_t put(struct layout *l, uint32_t load_addr, const uint8_t *data, uint32_t len)
{
    if (l->part_count == UD_IMAGE_MAX_SEGMENTS)
        return refuse(l, ESP_ERR_INVALID_SIZE, load_addr, l->part_count, "more than 16 segments with those of padding");
    l->part[l->part_count++] = (struct ud_image_part){ .load_addr = load_addr, .data = data, .len = len };
    l->off += SEGMENT_HEADER + len;
    return ESP_OK;
}

/*
 * Bytes of data that a segment in front of this one must have; false: none is needed. Counted from the end of the page
 * that the file is in, as esptool does, also where the address lies further up in this very page: a page is wasted
 * then, and the bytes are the same.
 */
static bool gap_before(const struct layout *l, const struct segment *s, uint32_t *gap)
{
    uint32_t mask = l->page - 1;
    uint32_t off = (uint32_t)l->off & mask;
    uint32_t past = s->addr & mask;
    if (((past - off - SEGMENT_HEADER) & mask) == 0)
        return false;
    uint32_t to_go = l->page - off + past; /* to where the data go, one header in between and one in front */
    *gap = to_go >= 2 * SEGMENT_HEADER ? to_go - 2 * SEGMENT_HEADER : to_go + l->page - 2 * SEGMENT_HEADER;
    return true;
}

static esp_err_t fill_gap(struct layout *l, uint8_t *ram, uint32_t gap)
{
    if (*ram == l->count || gap <= SEGMENT_HEADER)
        return put(l, 0, NULL, gap);
    struct segment *s = &l->segment[*ram];
    uint32_t len = gap < s->len ? gap : s->len;
    esp_err_t err = put(l, s->addr, s->data, len);
    s->addr += len;
    s->data += len;
    s->len -= len;
    if (s->len == 0)
        ++*ram;
    return err;
}

static uint32_t tail_of(const struct layout *l, const struct segment *s)
{
    uint32_t over = ((uint32_t)l->off + SEGMENT_HEADER + s->len) & (l->page - 1);
    return l->chip->id == ESP32_ID && over < ESP32_TAIL ? ESP32_TAIL - over : 0;
}

static esp_err_t put_mapped(struct layout *l, const struct segment *s)
{
    uint32_t tail = tail_of(l, s);
    uint8_t *end = s->data + s->len;
    if (tail > l->cap - (size_t)(end - l->room))
        return refuse(l, ESP_ERR_INVALID_SIZE, s->addr, s->len, "no room for the end of a segment");
    memset(end, 0, tail);
    return put(l, s->addr, s->data, s->len + tail);
}

static esp_err_t place(struct layout *l)
{
    uint8_t ram = l->mapped_count;
    esp_err_t err = ESP_OK;
    for (uint8_t i = 0; err == ESP_OK && i < l->mapped_count; i++) {
        uint32_t gap;
        while (err == ESP_OK && gap_before(l, &l->segment[i], &gap))
            err = fill_gap(l, &ram, gap);
        if (err == ESP_OK)
            err = put_mapped(l, &l->segment[i]);
    }
    for (; err == ESP_OK && ram < l->count; ram++)
        err = put(l, l->segment[ram].addr, l->segment[ram].data, l->segment[ram].len);
    return err;
}

static esp_err_t pad_for_signature(struct layout *l, const struct ud_image_elf_options *options)
{
    uint32_t behind = CHECKSUM_BLOCK + (options->secure_pad == UD_SECURE_PAD_V1 ? V1_SIGNATURE : UD_SHA256_BYTES);
    if (options->secure_pad == UD_SECURE_PAD_NONE)
        return ESP_OK;
    if (!options->append_digest)
        return refuse(l, ESP_ERR_INVALID_ARG, 0, 0, "secure padding needs the appended SHA-256");
    if (options->secure_pad == UD_SECURE_PAD_V1 && l->chip->id != ESP32_ID)
        return refuse(l, ESP_ERR_INVALID_ARG, l->chip->id, ESP32_ID, "version 1 signatures are for the ESP32 only");
    return put(l, 0, NULL, (0u - ((uint32_t)l->off + SEGMENT_HEADER) - behind) & (l->page - 1));
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

/* The description must lie where every reader looks for it; the linker leaves the field for the ELF's hash zero. */
static esp_err_t record_elf_hash(const struct layout *l, const struct ud_elf *elf, const struct ud_crypto *crypto)
{
    const struct segment *s = &l->segment[0];
    uint8_t any = 0;
    if (!l->has_desc)
        return ESP_OK;
    if (!s->is_head || l->part[0].data != s->data || s->len < UD_APP_DESC_BYTES)
        return refuse(l, ESP_ERR_INVALID_ARG, s->addr, s->len,
                      "the description (.flash.appdesc) is not whole or not at the start of a page + 32");
    for (uint32_t i = 0; i < UD_SHA256_BYTES; i++)
        any |= s->data[DESC_SHA + i];
    if (any)
        return refuse(l, ESP_ERR_INVALID_ARG, s->addr + DESC_SHA, any,
                      "the place for the ELF's SHA-256 in the description is not zero");
    return ud_hash_all(crypto, UD_HASH_SHA256, elf->bytes, elf->len, s->data + DESC_SHA);
}

esp_err_t ud_image_elf_spec(const struct ud_chip *chip, const struct ud_elf *elf,
                            const struct ud_image_elf_options *options, const struct ud_crypto *crypto,
                            const struct ud_observer *obs, uint8_t *room, size_t cap,
                            struct ud_image_part parts[UD_IMAGE_MAX_SEGMENTS], struct ud_image_spec *spec)
{
    struct layout l = {
        .chip = chip, .obs = obs, .room = room, .cap = cap, .part = parts, .off = UD_IMAGE_HEADER_BYTES
    };
    if (chip->id == UD_CHIP_ID_HOST || (elf->machine != UD_ELF_XTENSA && elf->machine != UD_ELF_RISCV))
        return refuse(&l, ESP_ERR_INVALID_ARG, elf->machine, chip->id,
                      "it is not a program for an Xtensa or RISC-V chip");

    esp_err_t err = choose_page(&l, elf, options->page);
    if (err == ESP_OK)
        err = collect(&l, elf);
    if (err == ESP_OK)
        err = arrange(&l);
    if (err == ESP_OK)
        err = place(&l);
    if (err == ESP_OK)
        err = record_elf_hash(&l, elf, crypto);
    if (err == ESP_OK)
        err = pad_for_signature(&l, options);
    if (err != ESP_OK)
        return err;
    *spec = (struct ud_image_spec){
        .header = { .spi_mode = SPI_QIO,
                    .entry_addr = elf->entry,
                    .wp_pin = WP_DISABLED,
                    .chip_id = chip->id,
                    .max_chip_rev_full = UINT16_MAX },
        .part = parts,
        .part_count = l.part_count,
        .append_digest = options->append_digest,
    };
    return ESP_OK;
}
