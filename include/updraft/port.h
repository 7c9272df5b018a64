/* SPDX-License-Identifier: Apache-2.0 */
/**
 * port: all that a platform supplies. Who brings Updraft to another device fills in these interfaces, and nothing else.
 *
 * | interface                       | header   | who needs it                | when there is none                      |
 * |---------------------------------|----------|-----------------------------|-----------------------------------------|
 * | memcpy memmove memset memcmp    | base.h   | every room                  | compilers bring them; 4 short loops     |
 * | struct ud_flash_ops             | flash.h  | every board                 | required: `start` and `poll` of a driver|
 * | struct ud_crypto_ops            | crypto.h | partition, image, boot, ota | required: SHA-256 and MD5 at least      |
 * | struct ud_clock_ops             | base.h   | http, update; slow flash    | boot needs none                         |
 * | struct ud_efuse_ops             | base.h   | boot (secure version)       | ops NULL: all bits read 0               |
 * | struct ud_lock                  | base.h   | boards used by >1 thread    | zeroed: a no-op                         |
 * | struct ud_observer              | base.h   | whoever wants to hear       | note NULL: nobody listens               |
 * | struct ud_entropy               | base.h   | http (digest authentication)| only needed with http                   |
 * | struct ud_alloc                 | base.h   | http, update                | a fixed pool will do                    |
 * | transport                       | http.h   | http                        | only needed with http                   |
 * | reset line                      | board.h  | board, ota                  | required to restart into an update      |
 * | struct ud_os                    | base.h   | idf, compat                 | not needed by an application on ud_*    |
 *
 * Contracts that hold for all of them. Tables of functions are const and outlive their users; the context pointer is
 * the port's. Functions return ESP_OK or a code of err.h; foreign codes are translated where they enter. A driver may
 * trust its arguments where its header says that the room has checked them. Nothing here is called from an interrupt.
 *
 * A flash driver over a memory-mapped chip, whole:
 *
 *     static esp_err_t chip_start(void *ctx, const struct ud_flash_request *req)
 *     {
 *         switch (req->op) {
 *         case UD_FLASH_READ:    memcpy(req->in, FLASH_BASE + req->addr, req->len); return ESP_OK;
 *         case UD_FLASH_PROGRAM: return chip_program(req->addr, req->out, req->len);  // 256-byte pages
 *         case UD_FLASH_ERASE:   return chip_erase(req->addr, req->len);              // 4096-byte sectors
 *         }
 *         return ESP_ERR_NOT_SUPPORTED;
 *     }
 *     static esp_err_t chip_poll(void *ctx, uint64_t *wait_us)
 *     {
 *         *wait_us = 500;
 *         return chip_busy() ? ESP_ERR_NOT_FINISHED : ESP_OK;
 *     }
 *     static const struct ud_flash_ops chip_ops = { chip_start, chip_poll };
 *     struct ud_flash flash = { .ops = &chip_ops, .geometry = UD_FLASH_GEOMETRY(0x400000), .clock = &clock };
 *
 * docs/porting.md walks through a whole port to a microcontroller (examples/port). The Linux port is listed in
 * port_linux.h, its sources are in port/linux.
 */
#ifndef UPDRAFT_PORT_H
#define UPDRAFT_PORT_H

#include "updraft/base.h"
#include "updraft/board.h"
#include "updraft/crypto.h"
#include "updraft/flash.h"
#include "updraft/http.h"

#endif /* UPDRAFT_PORT_H */
