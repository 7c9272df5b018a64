/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Whole reads and writes at an offset: continued when short, repeated when a signal interrupts. Both return 0 or an
 * errno value; ENODATA: the file ends before the read does; EIO: a write that makes no progress.
 */
#ifndef UPDRAFT_LINUX_FILE_IO_H
#define UPDRAFT_LINUX_FILE_IO_H

#include <stddef.h>
#include <stdint.h>

int ud_file_read_at(int fd, void *buf, size_t len, uint64_t off);
int ud_file_write_at(int fd, const void *buf, size_t len, uint64_t off);

#endif /* UPDRAFT_LINUX_FILE_IO_H */
