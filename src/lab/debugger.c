/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a debugger finds the firmware of a board that waits for one: FILE.gdb beside the board names the process of this
 * boot, and goes when the board is switched off. It is replaced whole, so that nobody reads half of it.
 */
#include "lab.h"

#include <cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool names_of(const char *board, char name[UD_LAB_PATH], char fresh[UD_LAB_PATH])
{
    int a = snprintf(name, UD_LAB_PATH, "%s.gdb", board);
    int b = snprintf(fresh, UD_LAB_PATH, "%s.gdb.new", board);
    return a > 0 && b > 0 && (size_t)a < UD_LAB_PATH && (size_t)b < UD_LAB_PATH;
}

static bool write_new(const char *path, const char *text)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    size_t len = strlen(text);
    bool ok = write(fd, text, len) == (ssize_t)len;
    return close(fd) == 0 && ok;
}

bool lab_debugger_announce(const char *board, unsigned boot, pid_t pid, const char *elf)
{
    char name[UD_LAB_PATH], fresh[UD_LAB_PATH];
    cJSON *json = cJSON_CreateObject();
    bool ok = names_of(board, name, fresh) && cJSON_AddNumberToObject(json, "supervisor", getpid()) &&
              cJSON_AddNumberToObject(json, "boot", boot) && cJSON_AddNumberToObject(json, "pid", pid) &&
              (!elf || cJSON_AddStringToObject(json, "elf", elf));
    char *text = ok ? cJSON_Print(json) : NULL;
    ok = text && write_new(fresh, text) && rename(fresh, name) == 0;
    cJSON_free(text);
    cJSON_Delete(json);
    return ok;
}

void lab_debugger_forget(const char *board)
{
    char name[UD_LAB_PATH], fresh[UD_LAB_PATH];
    if (!names_of(board, name, fresh))
        return;
    unlink(name);
    unlink(fresh);
}

bool lab_debugger_attached(pid_t pid)
{
    char path[64], line[128];
    bool traced = false;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "TracerPid:", 10) == 0)
            traced = line[10 + strspn(line + 10, " \t")] != '0';
    if (f)
        fclose(f);
    return traced;
}
