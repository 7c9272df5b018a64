/* SPDX-License-Identifier: Apache-2.0 */
/* The problems of an image as a table: the code, the note, the words. The codes are ESP-IDF's esp_image_verify. */
#include "problems.h"

struct problem_row {
    const char *text;
    esp_err_t err;
    uint16_t note;
    bool fatal;
};

static const struct problem_row rows[UD_IMAGE_PROBLEM_COUNT] = {
    [UD_IMAGE_BAD_MAGIC] = { "not an image: the first byte is not E9", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD, true },
    [UD_IMAGE_BAD_CHIP] = { "image for another chip", ESP_FAIL, UD_NOTE_IMAGE_CHIP, false },
    [UD_IMAGE_BAD_REVISION] = { "image for other revisions of the chip", ESP_FAIL, UD_NOTE_IMAGE_REVISION, false },
    [UD_IMAGE_MANY_SEGMENTS] = { "more than 16 segments", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD, true },
    [UD_IMAGE_NO_SEGMENTS] = { "no segments", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD, false },
    [UD_IMAGE_NO_DIGEST] = { "no appended SHA-256, and one is required", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD,
                             false },
    [UD_IMAGE_ODD_SEGMENT] = { "segment length is not a multiple of 4", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD,
                               false },
    [UD_IMAGE_LONG_SEGMENT] = { "segment of 16 MiB or more", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD, true },
    [UD_IMAGE_TOO_LONG] = { "image is longer than its place", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD, true },
    [UD_IMAGE_SHORT_FIRST] = { "first segment is too short for a description", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD,
                               false },
    [UD_IMAGE_NO_DESC] = { "no application description", ESP_FAIL, UD_NOTE_IMAGE_BAD, false },
    [UD_IMAGE_BAD_MAPPING] = { "segment cannot be mapped: flash and load address differ within the MMU page",
                               ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD, false },
    [UD_IMAGE_BAD_CHECKSUM] = { "checksum differs", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD, false },
    [UD_IMAGE_BAD_DIGEST] = { "SHA-256 differs", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_DIGEST, false },
    [UD_IMAGE_TRUNCATED] = { "image is cut short", ESP_ERR_IMAGE_INVALID, UD_NOTE_IMAGE_BAD, true },
};

const char *ud_image_problem_text(unsigned problem)
{
    return problem < UD_IMAGE_PROBLEM_COUNT ? rows[problem].text : NULL;
}

esp_err_t ud_image_problem_note(const struct ud_observer *obs, enum ud_image_problem problem, uint64_t a, uint64_t b)
{
    return ud_note(obs, rows[problem].note, rows[problem].err, a, b, rows[problem].text);
}

bool ud_image_problem_is_fatal(enum ud_image_problem problem)
{
    return rows[problem].fatal;
}
