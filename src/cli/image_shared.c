/* SPDX-License-Identifier: Apache-2.0 */
/* What several verbs of `updraft image` need: an image file opened, and header fields from the command line. */
#include "image.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "updraft/port_linux.h"

const char *image_chip_title(uint16_t id)
{
    const struct ud_chip *chip = ud_chip_by_id(id);
    return id == UD_CHIP_ID_HOST ? "host (Linux)" : chip ? chip->title : "unknown";
}

void image_printable(struct ud_app_desc *desc)
{
    cli_printable(desc->version);
    cli_printable(desc->project_name);
    cli_printable(desc->time);
    cli_printable(desc->date);
    cli_printable(desc->idf_ver);
}

bool image_file_open(struct image_file *f, const char *path)
{
    struct ud_crypto crypto = ud_openssl_crypto();
    struct ud_observer obs = cli_error_observer();
    *f = (struct image_file){ .path = path };
    if (!cli_read_file(path, &f->data, &f->len))
        return false;
    if (ud_image_inspect(f->data, f->len, NULL, &crypto, &obs, &f->info) == ESP_OK)
        return true;
    cli_error("%s is not an ESP image that can be read to its end", path);
    image_file_close(f);
    return false;
}

void image_file_close(struct image_file *f)
{
    free(f->data);
    f->data = NULL;
}

/* ---- header fields ---------------------------------------------------------------------------------------------- */

enum { MODE = 1, FREQ = 2, SIZE = 4, MIN_REV = 8, MIN_FULL = 16, MAX_FULL = 32 };

static bool take_mode(struct image_header_options *o, const char *value)
{
    while (o->spi_mode < UD_SPI_MODE_COUNT && strcasecmp(value, ud_spi_mode_name(o->spi_mode)) != 0)
        o->spi_mode++;
    return o->spi_mode < UD_SPI_MODE_COUNT;
}

static bool take_freq(struct image_header_options *o, const char *value)
{
    char *end;
    unsigned long mhz = strtoul(value, &end, 10);
    o->mhz = mhz < 1000 ? (unsigned)mhz : 0;
    return end != value && o->mhz != 0 && (end[0] == 'm' || end[0] == 'M') && end[1] == 0;
}

static bool take_size(struct image_header_options *o, const char *value)
{
    uint32_t size;
    if (!cli_parse_u32(value, &size))
        return false;
    while (o->size_code < 8 && size != 1u << (20 + o->size_code))
        o->size_code++;
    return o->size_code < 8;
}

static bool take_number(const char *value, uint32_t max, uint32_t *out)
{
    return cli_parse_u32(value, out) && *out <= max;
}

bool image_header_option(struct image_header_options *o, const char *name, const char *value)
{
    uint32_t n = 0;
    bool ok = false;
    const char *want = "a number";
    if (strcmp(name, "flash-mode") == 0) {
        want = "one of qio, qout, dio, dout, fast_read, slow_read";
        o->set |= MODE;
        o->spi_mode = 0;
        ok = take_mode(o, value);
    } else if (strcmp(name, "flash-freq") == 0) {
        want = "a clock such as 40m";
        o->set |= FREQ;
        ok = take_freq(o, value);
    } else if (strcmp(name, "flash-size") == 0) {
        want = "one of 1MB, 2MB, 4MB, ... 128MB";
        o->set |= SIZE;
        o->size_code = 0;
        ok = take_size(o, value);
    } else if (strcmp(name, "min-rev") == 0) {
        want = "a number up to 255";
        o->set |= MIN_REV;
        ok = take_number(value, UINT8_MAX, &n);
        o->min_rev = (uint8_t)n;
    } else {
        bool is_min = strcmp(name, "min-rev-full") == 0;
        want = "a number up to 65535: major * 100 + minor";
        o->set |= is_min ? MIN_FULL : MAX_FULL;
        ok = take_number(value, UINT16_MAX, &n);
        *(is_min ? &o->min_rev_full : &o->max_rev_full) = (uint16_t)n;
    }
    if (!ok)
        cli_usage("image create", "--%s '%s' is not %s", name, value, want);
    return ok;
}

static void list_clocks(const struct ud_chip *chip, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; ud_chip_spi_mhz_at(chip, i) != 0 && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%um", i ? ", " : "", ud_chip_spi_mhz_at(chip, i));
}

bool image_header_apply(const struct image_header_options *o, const struct ud_chip *chip, struct ud_image_header *h)
{
    uint8_t speed = h->spi_speed_size & 15;
    uint8_t size = o->set & SIZE ? o->size_code : h->spi_speed_size >> 4;
    if (o->set & FREQ && !ud_chip_spi_speed(chip, o->mhz, &speed)) {
        char clocks[64];
        list_clocks(chip, clocks, sizeof clocks);
        cli_usage("image create", "--flash-freq %um: %s has %s", o->mhz, image_chip_title(chip->id), clocks);
        return false;
    }
    h->spi_speed_size = (uint8_t)(size << 4 | speed);
    if (o->set & MODE)
        h->spi_mode = o->spi_mode;
    if (o->set & MIN_REV)
        h->min_chip_rev = o->min_rev;
    if (o->set & MIN_FULL)
        h->min_chip_rev_full = o->min_rev_full;
    if (o->set & MAX_FULL)
        h->max_chip_rev_full = o->max_rev_full;
    return true;
}
