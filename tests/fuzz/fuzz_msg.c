/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the supervisor: what decodes is encoded to a message that decodes to the same. */
#include <stdlib.h>

#include "updraft/board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ud_msg m;
    struct ud_msg again;
    uint8_t bytes[UD_MSG_BYTES];
    uint8_t twice[UD_MSG_BYTES];
    memset(&m, 0, sizeof m);
    memset(&again, 0, sizeof again);
    if (ud_msg_decode(data, size, &m) != ESP_OK)
        return 0;
    ud_msg_encode(&m, bytes);
    if (ud_msg_decode(bytes, sizeof bytes, &again) != ESP_OK || again.type != m.type)
        abort();
    ud_msg_encode(&again, twice);
    if (memcmp(bytes, twice, sizeof bytes) != 0 || ud_strnlen(m.text, sizeof m.text) == sizeof m.text)
        abort();
    return 0;
}
