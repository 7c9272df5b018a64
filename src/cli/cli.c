/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs share; see cli.h. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "updraft/idf.h"

int cli_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fflush(stdout);
    fputs("updraft: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return CLI_FAILED;
}

int cli_usage(const char *command, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fflush(stdout);
    fputs("updraft: ", stderr);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nTry 'updraft %s --help'.\n", command);
    va_end(ap);
    return CLI_USAGE;
}

static void print_overview(const char *command, const char *intro, const struct cli_verb *verbs)
{
    const char *gap = command[0] ? " " : "";
    printf("Usage: updraft %s%sVERB [OPTIONS]\n\n%s\n\n", command, gap, intro);
    for (const struct cli_verb *v = verbs; v->name; v++)
        printf("  %-14s %s\n", v->name, v->brief);
    printf("\n'updraft %s%sVERB --help' tells more, with an example.\n", command, gap);
}

int cli_dispatch(const char *command, const char *intro, const struct cli_verb *verbs, int argc, char **argv)
{
    if (argc < 2) {
        print_overview(command, intro, verbs);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_overview(command, intro, verbs);
        return CLI_OK;
    }
    const char *gap = command[0] ? " " : "";
    char name[80];
    for (const struct cli_verb *v = verbs; v->name; v++) {
        if (strcmp(argv[1], v->name) != 0)
            continue;
        snprintf(name, sizeof name, "updraft %s%s%s", command, gap, v->name);
        argv[1] = name; /* what getopt says of options begins with it */
        return v->run(argc - 1, argv + 1);
    }
    cli_error("'%s' is not a verb of 'updraft%s%s'", argv[1], gap, command);
    fprintf(stderr, "Try 'updraft%s%s --help'.\n", gap, command);
    return CLI_USAGE;
}

static uint8_t *read_all(int fd, size_t hint, size_t *len)
{
    size_t cap = hint + 4096;
    size_t used = 0;
    uint8_t *buf = malloc(cap);
    while (buf) {
        if (used + 1 >= cap) {
            uint8_t *more = realloc(buf, cap *= 2);
            if (!more)
                break;
            buf = more;
        }
        ssize_t n = read(fd, buf + used, cap - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        if (n == 0) {
            buf[used] = 0;
            *len = used;
            return buf;
        }
        used += (size_t)n;
    }
    free(buf);
    return NULL;
}

bool cli_read_file(const char *path, uint8_t **data, size_t *len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        cli_error("cannot read %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    *data = S_ISDIR(st.st_mode) ? (errno = EISDIR, NULL) : read_all(fd, (size_t)st.st_size, len);
    if (!*data)
        cli_error("cannot read %s: %s", path, strerror(errno ? errno : ENOMEM));
    close(fd);
    return *data != NULL;
}

static bool write_all(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : EIO;
            return false;
        }
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* A device, a pipe: what is written to, and never replaced. The code of what failed, 0 none. */
static int write_through(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int code = fd >= 0 && write_all(fd, data, len) ? 0 : errno;
    if (fd >= 0 && close(fd) != 0 && code == 0)
        code = errno;
    return code;
}

static int replace_file(const char *path, mode_t mode, const void *data, size_t len)
{
    char *tmp = NULL;
    if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
        return ENOMEM;
    int fd = mkostemp(tmp, O_CLOEXEC);
    int code = fd >= 0 && write_all(fd, data, len) && fchmod(fd, mode) == 0 ? 0 : errno;
    if (fd >= 0 && close(fd) != 0 && code == 0)
        code = errno;
    if (code == 0 && rename(tmp, path) != 0)
        code = errno;
    if (code != 0 && fd >= 0)
        unlink(tmp);
    free(tmp);
    return code;
}

static int write_new(const char *path, const void *data, size_t len)
{
    mode_t mask = umask(0);
    umask(mask);
    return replace_file(path, 0666 & ~mask, data, len);
}

/* What `path` leads to stays what it is: a link a link, its file's permissions as they were. */
static int write_over(const char *path, const struct stat *st, const void *data, size_t len)
{
    if (S_ISDIR(st->st_mode))
        return EISDIR;
    if (!S_ISREG(st->st_mode))
        return write_through(path, data, len);
    char *file = realpath(path, NULL);
    int code = file && access(file, W_OK) == 0 ? 0 : errno;
    if (code == 0)
        code = replace_file(file, st->st_mode & 0777, data, len);
    free(file);
    return code;
}

bool cli_write_file(const char *path, const void *data, size_t len)
{
    struct stat st;
    int code = stat(path, &st) == 0 ? write_over(path, &st, data, len)
               : errno == ENOENT    ? write_new(path, data, len)
                                    : errno;
    if (code != 0)
        cli_error("cannot write %s: %s", path, strerror(code));
    return code == 0;
}

bool cli_may_replace(const char *out, const char *in)
{
    struct stat a, b;
    if (stat(out, &a) != 0 || stat(in, &b) != 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino || !S_ISREG(a.st_mode))
        return true;
    cli_error("%s is what is read, and would be gone: choose another name for the output", out);
    return false;
}

bool cli_parse_u32(const char *text, uint32_t *out)
{
    char *end;
    errno = 0;
    if (text[0] < '0' || text[0] > '9')
        return false;
    unsigned long long v = strtoull(text, &end, 0);
    if (errno)
        return false;
    unsigned shift = 0;
    if (*end == 'K' || *end == 'k')
        shift = 10;
    else if (*end == 'M' || *end == 'm')
        shift = 20;
    if (shift) {
        end++;
        if (*end == 'B' || *end == 'b')
            end++;
    }
    if (*end || v > (UINT32_MAX >> shift))
        return false;
    *out = (uint32_t)v << shift;
    return true;
}

void cli_print_json(cJSON *json)
{
    char *text = cJSON_Print(json);
    puts(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(json);
}

void cli_json_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = malloc(2 * len + 1);
    if (!hex)
        return;
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * len] = 0;
    cJSON_AddStringToObject(object, name, hex);
    free(hex);
}

unsigned cli_columns(void)
{
    const char *env = getenv("COLUMNS");
    uint32_t n;
    if (env && cli_parse_u32(env, &n) && n >= 20 && n <= 1000)
        return n;
    struct winsize ws;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= 20)
        return ws.ws_col;
    return 80;
}

bool cli_use_color(FILE *stream)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
}

bool cli_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

size_t cli_character(const unsigned char *s)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = { { 0x80, 0x00, 0x20 }, { 0xE0, 0xC0, 0x80 }, { 0xF0, 0xE0, 0x800 }, { 0xF8, 0xF0, 0x10000 } };
    for (size_t n = 0; n < UD_ARRAY_LEN(forms); n++) {
        if ((s[0] & forms[n].mask) != forms[n].lead)
            continue;
        uint32_t c = s[0] & (unsigned char)~forms[n].mask;
        for (size_t i = 1; i <= n; i++) {
            if ((s[i] & 0xC0) != 0x80)
                return 0;
            c = c << 6 | (s[i] & 0x3F);
        }
        bool allowed = c >= forms[n].least && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF) && (c & 0xFFFE) != 0xFFFE;
        return allowed && !(c >= 0x7F && c < 0xA0) ? n + 1 : 0;
    }
    return 0;
}

void cli_printable(char *text)
{
    for (size_t n; *text; text += n ? n : 1) {
        n = cli_character((const unsigned char *)text);
        if (n == 0)
            *text = '?';
    }
}

static void print_error_note(void *ctx, const struct ud_note *note)
{
    (void)ctx;
    if (note->err == ESP_OK || note->err == ESP_ERR_HTTPS_OTA_IN_PROGRESS)
        return;
    char text[512];
    ud_note_sentence(note, text, sizeof text);
    cli_printable(text); /* it may quote a server, an image, a table */
    cli_error("%s", text);
}

struct ud_observer cli_error_observer(void)
{
    return (struct ud_observer){ print_error_note, NULL };
}
