/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unstripped firmware that belongs to an image: the image's description holds the SHA-256 of that file, so it is
 * found by content, wherever it lies and whatever it is called. In folders only files *.elf are looked at.
 */
#include "lab.h"

#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX   8
#define ENTRIES_MAX 50000u /* of folders that nobody has tidied up */

static bool has_digest(const char *path, const struct ud_crypto *crypto, const uint8_t sha256[32])
{
    uint8_t digest[32];
    struct stat st;
    bool same = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            same = ud_hash_all(crypto, UD_HASH_SHA256, bytes, (size_t)st.st_size, digest) == ESP_OK &&
                   memcmp(digest, sha256, sizeof digest) == 0;
            munmap(bytes, (size_t)st.st_size);
        }
    }
    if (fd >= 0)
        close(fd);
    return same;
}

static bool is_candidate(const FTSENT *e)
{
    size_t len = e->fts_namelen;
    return e->fts_info == FTS_F &&
           (e->fts_level == FTS_ROOTLEVEL || (len > 4 && !strcmp(e->fts_name + len - 4, ".elf")));
}

/* Depth, and hidden folders. */
static bool is_left_out(const FTSENT *e)
{
    return e->fts_info == FTS_D && e->fts_level > 0 && (e->fts_level >= DEPTH_MAX || e->fts_name[0] == '.');
}

static bool find_below(const char *root, const struct ud_crypto *crypto, const uint8_t sha256[32],
                       char path[UD_LAB_PATH])
{
    char *copy = strdup(root);
    char *roots[] = { copy, NULL };
    FTS *walk = copy ? fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL) : NULL;
    bool found = false;
    FTSENT *e;
    for (unsigned n = 0; walk && !found && n < ENTRIES_MAX && (e = fts_read(walk)) != NULL; n++) {
        if (is_left_out(e))
            fts_set(walk, e, FTS_SKIP);
        else if (is_candidate(e) && has_digest(e->fts_path, crypto, sha256))
            found = realpath(e->fts_path, path) != NULL; /* UD_LAB_PATH is PATH_MAX */
    }
    if (walk)
        fts_close(walk);
    free(copy);
    return found;
}

bool lab_elf_find(const struct ud_lab_run *run, const struct ud_crypto *crypto, const uint8_t sha256[32],
                  char path[UD_LAB_PATH])
{
    if (!run->elf_count)
        return find_below(".", crypto, sha256, path);
    for (size_t i = 0; i < run->elf_count; i++)
        if (find_below(run->elf[i], crypto, sha256, path))
            return true;
    return false;
}
