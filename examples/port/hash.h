/* SPDX-License-Identifier: Apache-2.0 */
/** hash: SHA-256 and MD5 in plain C for devices that have no library for them. */
#ifndef EXAMPLES_PORT_HASH_H
#define EXAMPLES_PORT_HASH_H

#include "updraft/crypto.h"

#define SOFT_HASHES 4 /* at a time: a session, a second look at a slot, a partition table, one to spare */

struct soft_hash {
    bool taken;
    enum ud_hash_alg alg;
    uint32_t h[8];
    uint64_t len;
    uint8_t block[64];
};
struct soft_hashes {
    struct soft_hash hash[SOFT_HASHES];
};

/** `pool` is the caller's and zero to begin with; it must not move. */
struct ud_crypto soft_crypto(struct soft_hashes *pool);

#endif /* EXAMPLES_PORT_HASH_H */
