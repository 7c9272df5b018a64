/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program of a slot: copied into a memory file while the loader hashes the image, so that the bytes hashed are the
 * bytes executed, and sealed once the image was accepted. Nothing can change it after that, the firmware included.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 6.3 a memory file says whether it will be executed; older C libraries do not know the flag. */
#define WILL_BE_EXECUTED 0x0010U

/* A host image is laid out in one way: header, description alone in segment 0, program in segment 1. */
#define PROGRAM_OFFSET (UD_IMAGE_HEADER_BYTES + 8u + UD_APP_DESC_BYTES + 8u)

static esp_err_t system_failed(struct lab_program *p, const char *what)
{
    p->err = ESP_FAIL;
    (void)lab_why(p->why, sizeof p->why, ESP_FAIL, "%s: %s", what, strerror(errno));
    return ESP_FAIL;
}

static void forget(struct lab_program *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

static int create_memory_file(void)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = (int)syscall(SYS_memfd_create, "firmware", flags | WILL_BE_EXECUTED);
    return fd >= 0 || errno != EINVAL ? fd : (int)syscall(SYS_memfd_create, "firmware", flags);
}

static esp_err_t program_open(void *ctx, const struct ud_partition *slot)
{
    struct lab_program *p = ctx;
    (void)slot;
    if (p->err != ESP_OK) /* a fault of this system is no reason to boot another slot */
        return p->err;
    p->fd = create_memory_file();
    return p->fd >= 0 ? ESP_OK : system_failed(p, "no memory file for the program");
}

static esp_err_t program_data(void *ctx, uint32_t off, const void *data, size_t len)
{
    struct lab_program *p = ctx;
    const uint8_t *bytes = data;
    size_t skip = off < PROGRAM_OFFSET ? PROGRAM_OFFSET - off : 0;
    if (skip >= len)
        return ESP_OK;
    off_t at = (off_t)off + (off_t)skip - (off_t)PROGRAM_OFFSET;
    while (skip < len) {
        ssize_t n = pwrite(p->fd, bytes + skip, len - skip, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return system_failed(p, "no memory for the program");
        skip += (size_t)n;
        at += n;
    }
    return ESP_OK;
}

/* What was copied beyond the program goes; then it is an executable of this machine, or no program of ours. */
static esp_err_t accept_program(struct lab_program *p, const struct ud_image_info *info)
{
    const struct ud_image_segment *s = ud_image_host_program(info);
    uint8_t head[64];
    if (!s || s->off != PROGRAM_OFFSET || s->len < sizeof head)
        return ESP_ERR_IMAGE_INVALID;
    if (ftruncate(p->fd, s->len) != 0 || pread(p->fd, head, sizeof head, 0) != (ssize_t)sizeof head)
        return system_failed(p, "the program cannot be read back");
    if (ud_elf_machine(head, sizeof head) != ud_elf_host_machine())
        return ESP_ERR_INVALID_VERSION;
    if (fcntl(p->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        return system_failed(p, "the program cannot be sealed");
    return ESP_OK;
}

static esp_err_t program_close(void *ctx, esp_err_t verdict, const struct ud_image_info *info)
{
    struct lab_program *p = ctx;
    esp_err_t err = verdict == ESP_OK ? accept_program(p, info) : verdict;
    if (err != ESP_OK)
        forget(p);
    return err;
}

void lab_program_init(struct lab_program *p)
{
    *p = (struct lab_program){ .fd = -1, .err = ESP_OK };
}

struct ud_boot_sink lab_program_sink(struct lab_program *p)
{
    return (struct ud_boot_sink){ program_open, program_data, program_close, p };
}

void lab_program_drop(struct lab_program *p)
{
    forget(p);
}

int lab_rtc_memory(void)
{
    int fd = (int)syscall(SYS_memfd_create, "rtc", 1u /* close on exec */);
    if (fd >= 0 && ftruncate(fd, UD_RTC_BYTES) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}
