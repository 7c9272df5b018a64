/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NOR flash in a file. A program reads what is there, clears the bits and writes back what has changed, a sector at a
 * time; identical rewrites therefore touch nothing. Every operation ends within `start`.
 */
#include "updraft/port_linux.h"

#include <errno.h>
#include <string.h>

#include "file_io.h"

#define CHUNK UD_FLASH_SECTOR

/* Translate the system's failure here, where it enters, and say once what it was. */
static esp_err_t io_failed(const struct ud_file_flash *file, uint32_t addr, int code)
{
    char text[128];
    const char *why =
        code == ENODATA ? "the flash file is shorter than the flash" : strerror_r(code, text, sizeof text);
    return ud_note(file->device->observer, UD_NOTE_FLASH_IO, ESP_ERR_FLASH_OP_FAIL, addr, (uint64_t)code, why);
}

static uint32_t chunk_len(uint32_t addr, uint32_t left)
{
    uint32_t to_boundary = CHUNK - addr % CHUNK;
    return left < to_boundary ? left : to_boundary;
}

/* AND `data` into the file. `*wrong` becomes the index of the first byte that does not end as asked, or stays `len`. */
static esp_err_t program_chunk(const struct ud_file_flash *file, uint32_t addr, const uint8_t *data, uint32_t len,
                               uint32_t *wrong)
{
    uint8_t bytes[CHUNK];
    int code = ud_file_read_at(file->fd, bytes, len, addr);
    if (code != 0)
        return io_failed(file, addr, code);
    bool changed = false;
    *wrong = len;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t after = bytes[i] & data[i];
        changed = changed || after != bytes[i];
        if (after != data[i] && *wrong == len)
            *wrong = i;
        bytes[i] = after;
    }
    if (!changed)
        return ESP_OK;
    code = ud_file_write_at(file->fd, bytes, len, addr);
    return code == 0 ? ESP_OK : io_failed(file, addr, code);
}

static esp_err_t program(const struct ud_file_flash *file, uint32_t addr, const uint8_t *data, uint32_t len)
{
    bool all_as_asked = true;
    uint32_t wrong_addr = 0;
    while (len > 0) {
        uint32_t n = chunk_len(addr, len);
        uint32_t wrong;
        esp_err_t err = program_chunk(file, addr, data, n, &wrong);
        if (err != ESP_OK)
            return err;
        if (wrong < n && all_as_asked) {
            all_as_asked = false;
            wrong_addr = addr + wrong;
        }
        addr += n;
        data += n;
        len -= n;
    }
    if (all_as_asked || !file->strict)
        return ESP_OK;
    return ud_note(file->device->observer, UD_NOTE_FLASH_NOT_ERASED, ESP_ERR_FLASH_OP_FAIL, wrong_addr, 0, NULL);
}

static esp_err_t erase(const struct ud_file_flash *file, uint32_t addr, uint32_t len)
{
    uint8_t blank[CHUNK];
    memset(blank, 0xFF, sizeof blank);
    /* The range is whole sectors, and a chunk is one. */
    for (uint32_t end = addr + len; addr != end; addr += CHUNK) {
        int code = ud_file_write_at(file->fd, blank, sizeof blank, addr);
        if (code != 0)
            return io_failed(file, addr, code);
    }
    return ESP_OK;
}

static esp_err_t file_start(void *ctx, const struct ud_flash_request *req)
{
    const struct ud_file_flash *file = ctx;
    switch (req->op) {
    case UD_FLASH_READ: {
        int code = ud_file_read_at(file->fd, req->in, req->len, req->addr);
        return code == 0 ? ESP_OK : io_failed(file, req->addr, code);
    }
    case UD_FLASH_PROGRAM:
        return program(file, req->addr, req->out, req->len);
    case UD_FLASH_ERASE:
        return erase(file, req->addr, req->len);
    }
    return ESP_ERR_NOT_SUPPORTED;
}

static esp_err_t file_poll(void *ctx, uint64_t *wait_us)
{
    (void)ctx;
    *wait_us = 0;
    return ESP_OK;
}

void ud_file_flash_init(struct ud_file_flash *file, struct ud_flash *flash, int fd, uint32_t size)
{
    static const struct ud_flash_ops ops = { file_start, file_poll };
    *file = (struct ud_file_flash){ .fd = fd, .size = size, .strict = true, .device = flash };
    *flash = (struct ud_flash){ .ops = &ops, .ctx = file, .geometry = UD_FLASH_GEOMETRY(size) };
}
