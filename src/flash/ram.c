/* SPDX-License-Identifier: Apache-2.0 */
/* NOR flash in memory. Every operation ends within `start`. */
#include "updraft/flash.h"

/* A word at a time: searches through power cuts spend much of their time here. */
static void clear_bits(uint8_t *to, const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    for (; len - i >= sizeof(uint64_t); i += (uint32_t)sizeof(uint64_t)) {
        uint64_t old, wanted;
        memcpy(&old, to + i, sizeof old);
        memcpy(&wanted, data + i, sizeof wanted);
        old &= wanted;
        memcpy(to + i, &old, sizeof old);
    }
    for (; i < len; i++)
        to[i] &= data[i];
}

static esp_err_t program(struct ud_ram_flash *ram, uint32_t addr, const uint8_t *data, uint32_t len)
{
    clear_bits(ram->bytes + addr, data, len);
    if (!ram->strict || memcmp(ram->bytes + addr, data, len) == 0)
        return ESP_OK;
    uint32_t wrong = 0; /* first byte that did not end as asked */
    while (ram->bytes[addr + wrong] == data[wrong])
        wrong++;
    return ud_note(ram->device->observer, UD_NOTE_FLASH_NOT_ERASED, ESP_ERR_FLASH_OP_FAIL, addr + wrong, 0, NULL);
}

static esp_err_t ram_start(void *ctx, const struct ud_flash_request *req)
{
    struct ud_ram_flash *ram = ctx;
    switch (req->op) {
    case UD_FLASH_READ:
        memcpy(req->in, ram->bytes + req->addr, req->len);
        return ESP_OK;
    case UD_FLASH_PROGRAM:
        return program(ram, req->addr, req->out, req->len);
    case UD_FLASH_ERASE:
        memset(ram->bytes + req->addr, 0xFF, req->len);
        return ESP_OK;
    }
    return ESP_ERR_NOT_SUPPORTED;
}

static esp_err_t ram_poll(void *ctx, uint64_t *wait_us)
{
    (void)ctx;
    *wait_us = 0;
    return ESP_OK;
}

void ud_ram_flash_init(struct ud_ram_flash *ram, struct ud_flash *flash, uint8_t *bytes, uint32_t size)
{
    static const struct ud_flash_ops ops = { ram_start, ram_poll };
    *ram = (struct ud_ram_flash){ .bytes = bytes, .size = size, .strict = true, .device = flash };
    *flash = (struct ud_flash){ .ops = &ops, .ctx = ram, .geometry = UD_FLASH_GEOMETRY(size) };
}
