/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-verbs of `updraft image`. */
#ifndef UPDRAFT_CLI_IMAGE_H
#define UPDRAFT_CLI_IMAGE_H

#include "cli.h"
#include "updraft/image.h"

/* A whole file and the image in it. */
struct image_file {
    const char *path;
    uint8_t *data;
    size_t len; /* of the file; the image may be shorter */
    struct ud_image_info info;
};
/* Read a file and look into it; false, and why on stderr, unless it holds an image that can be read to its end. */
bool image_file_open(struct image_file *f, const char *path);
void image_file_close(struct image_file *f);

/* What `image create` was told about the header; `set` has a bit for each field that was given. */
struct image_header_options {
    unsigned set;
    uint8_t spi_mode;
    uint8_t size_code;
    unsigned mhz;
    uint8_t min_rev;
    uint16_t min_rev_full;
    uint16_t max_rev_full;
};
/* Take one of --flash-mode, -freq, -size, --min-rev, --min-rev-full, --max-rev-full; false, and why, if `value` is bad. */
bool image_header_option(struct image_header_options *o, const char *name, const char *value);
/* Write the given fields into a header for `chip`; false, and why, if the chip has no such clock. */
bool image_header_apply(const struct image_header_options *o, const struct ud_chip *chip, struct ud_image_header *h);

/* An image as a folder of parts: image.json and one file a segment. Both say what is wrong on stderr. */
bool image_parts_write(const struct image_file *f, const char *folder);
struct image_parts {
    struct ud_image_part part[UD_IMAGE_MAX_SEGMENTS];
    uint8_t *data[UD_IMAGE_MAX_SEGMENTS];
    struct ud_image_spec spec;
};
bool image_parts_read(struct image_parts *p, const char *json_path);
void image_parts_free(struct image_parts *p);

/* "ESP32-C3", "host (Linux)", "unknown". */
const char *image_chip_title(uint16_t id);

/* Make the texts of a description harmless to a terminal. */
void image_printable(struct ud_app_desc *desc);

int image_compare(int argc, char **argv);
int image_create(int argc, char **argv);
int image_edit_desc(int argc, char **argv);
int image_extract(int argc, char **argv);
int image_info(int argc, char **argv);
int image_merge(int argc, char **argv);
int image_verify(int argc, char **argv);

#endif
