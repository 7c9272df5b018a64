/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the kernel. */
#include "updraft/port_linux.h"

#include <errno.h>
#include <sys/random.h>

static esp_err_t fill(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    uint8_t *p = buf;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ESP_FAIL;
        p += n;
        len -= (size_t)n;
    }
    return ESP_OK;
}

struct ud_entropy ud_linux_entropy(void)
{
    return (struct ud_entropy){ fill, NULL };
}
