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
    bool debugged;
    int out[2]; /* read ends of its standard output and error; -1: they are our own */
};

#define LAB_CHILD_FDS 7 /* UD_FD_RTC is the last */

struct lab_child_files {
    int flash;
    int efuse;
    int rtc;
};

/* Start the program; its descriptors are the four of the protocol and the standard ones. `pipes`: read its output.
 * `debug`: let a debugger attach. */
esp_err_t lab_child_start(struct lab_child *c, const struct lab_program *program, const struct lab_child_files *files,
                          bool pipes, bool debug, char *why, size_t why_size);
/* Kill it and its group, reap it, close everything. `*status` as of waitpid. */
void lab_child_end(struct lab_child *c, int *status);

/* Make `name=value` lists for a firmware out of an environment: only what is on the allow-list. NULL without memory.
 * `debug`: no leak check, which cannot work in a traced process. */
char **lab_child_environment(char *const *from, bool debug);
void lab_free_environment(char **env);

/* RTC memory of a board: a file without a name of UD_RTC_BYTES, all 0; -1 when there is no memory (program.c). */
int lab_rtc_memory(void);

/* ---- unstripped firmware (elf_find.c), debugger (debugger.c), backtrace (backtrace.c) ----------------------------- */

/* The file of that SHA-256 among those that the run names, as an absolute path. False: there is none. */
bool lab_elf_find(const struct ud_lab_run *run, const struct ud_crypto *crypto, const uint8_t sha256[32],
                  char path[UD_LAB_PATH]);

/* Tell debuggers, in FILE.gdb beside the board, that `pid` waits; docs/debugging.md has its form. */
bool lab_debugger_announce(const char *board, unsigned boot, pid_t pid, const char *elf);
/* The board is off. */
void lab_debugger_forget(const char *board);
/* Is somebody attached to it? */
bool lab_debugger_attached(pid_t pid);

/* Give each frame of `addresses` ("0x1234 0x1300") to `line` as "0x1234: function at file:line". False: that is not
 * possible here (no addr2line). */
bool lab_backtrace(const char *elf, const char *addresses, void (*line)(void *ctx, const char *text), void *ctx);

#endif
