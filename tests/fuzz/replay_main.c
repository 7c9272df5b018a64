/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a fuzz target's seeds where libFuzzer is not at hand: each seed as it is, cut short at several places, and
 * with single bits and bytes changed by a fixed pseudo-random sequence, so that every run is the same. Each input
 * lies in its own heap block of exactly its size, so that AddressSanitizer sees one byte read past the end.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS = 32, CHANGES = 200, SEED_MAX = 16 << 20 };

static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL) {
        fputs("replay: out of memory\n", stderr);
        exit(1);
    }
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(size == 0 ? copy + 1 : copy, size);
    free(copy);
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Large seeds get fewer variations, so that a whole corpus stays a matter of seconds. */
static void vary(uint8_t *data, size_t size)
{
    uint32_t random = 0x9e3779b9u;
    size_t changes = size > (64u << 10) ? CHANGES / 20 : CHANGES;

    run(data, size);
    for (size_t i = 0; i < CUTS; i++)
        run(data, size * i / CUTS);
    if (size == 0)
        return;
    for (size_t i = 0; i < changes; i++) {
        size_t at = next_random(&random) % size;
        uint8_t old = data[at];
        uint32_t bit = 1u << next_random(&random) % 8;
        uint32_t byte = next_random(&random);
        data[at] = (uint8_t)(i % 2 == 0 ? old ^ bit : byte);
        run(data, size);
        data[at] = old;
    }
}

static bool replay_file(const char *path)
{
    bool ok = false;
    uint8_t *data = NULL;
    struct stat st;
    FILE *f = fopen(path, "rb");

    if (f == NULL || fstat(fileno(f), &st) != 0 || st.st_size > SEED_MAX)
        goto done;
    data = malloc((size_t)st.st_size + 1);
    if (data == NULL || fread(data, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
        goto done;
    vary(data, (size_t)st.st_size);
    ok = true;
done:
    if (!ok)
        fprintf(stderr, "replay: %s: cannot be read whole: %s\n", path, strerror(errno));
    free(data);
    if (f != NULL)
        fclose(f);
    return ok;
}

/* Returns the number of seeds replayed, or -1. */
static int replay_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int replayed = 0;
    int count = scandir(folder, &entries, NULL, alphasort);

    if (count < 0) {
        fprintf(stderr, "replay: %s: %s\n", folder, strerror(errno));
        return -1;
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        int len = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (replayed >= 0 && entries[i]->d_name[0] != '.') {
            bool ok = len > 0 && (size_t)len < sizeof path && replay_file(path);
            replayed = ok ? replayed + 1 : -1;
        }
        free(entries[i]);
    }
    free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    run(NULL, 0);
    for (int i = 1; i < argc; i++) {
        int replayed = replay_folder(argv[i]);
        if (replayed <= 0) {
            fprintf(stderr, "replay: %s: a fuzz target needs at least one seed\n", argv[i]);
            return 1;
        }
        printf("%s: %d seeds, with cuts and changes\n", argv[i], replayed);
    }
    return argc > 1 ? 0 : 2;
}
