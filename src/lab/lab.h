/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the lab's boards: reasons as text, files, locks, and the start of a firmware's process. */
#ifndef UPDRAFT_LAB_ROOM_H
#define UPDRAFT_LAB_ROOM_H

#include "updraft/lab.h"

/* Put a sentence into `why` (may be NULL) and return `err`. */
esp_err_t lab_why(char *why, size_t why_size, esp_err_t err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- locks of a flash file (lock.c) ----------------------------------------------------------------------------- */

/*
 * Two locks, both on the open file and so held until the last process that inherited it ends: flock says that somebody
 * may write; a byte lock at a slot's address says that this slot runs.
 */
#define LAB_LOCK_WAIT_MS 2000u

/* Exclusive; waits up to `wait_ms`. ESP_ERR_INVALID_STATE: `*holder` has it (-1 unknown). */
esp_err_t lab_lock(int fd, unsigned wait_ms, pid_t *holder);
/* Who holds the flock on the file behind `fd`; 0 nobody, -1 somebody. */
pid_t lab_lock_holder(int fd);
/* Say, and ask, which slot runs; UINT32_MAX: none. */
void lab_mark_running(int fd, uint32_t addr);
uint32_t lab_marked_running(int fd);

/* ---- the program of a slot (program.c) -------------------------------------------------------------------------- */

/* Takes the program out of a host image while the loader hashes it. */
struct lab_program {
    int fd;        /* sealed once the image was accepted, -1 else */
    esp_err_t err; /* of the system, not of the image: nothing further is loaded */
    char why[160];
};
void lab_program_init(struct lab_program *p);
struct ud_boot_sink lab_program_sink(struct lab_program *p);
void lab_program_drop(struct lab_program *p);

/* ---- the process of a firmware (child.c) ------------------------------------------------------------------------ */

struct lab_child {
    pid_t pid;
    int pidfd;
    int sock;
    int out[2]; /* read ends of its standard output and error; -1: they are our own */
};

/* Start the program; its descriptors are the three of the protocol and the standard ones. `pipes`: read its output. */
esp_err_t lab_child_start(struct lab_child *c, const struct lab_program *program, int flash_fd, int efuse_fd,
                          bool pipes, char *why, size_t why_size);
/* Kill it and its group, reap it, close everything. `*status` as of waitpid. */
void lab_child_end(struct lab_child *c, int *status);

/* Make `name=value` lists for a firmware out of an environment: only what is on the allow-list. NULL without memory. */
char **lab_child_environment(char *const *from);
void lab_free_environment(char **env);

#endif
