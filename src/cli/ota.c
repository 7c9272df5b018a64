/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `updraft ota`: an update of a board from outside. It acts as the application of the slot that boot would choose: the
 * same sessions, checks and otadata changes, by the cores, with that application's options from the board's settings.
 */
#include "board.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "updraft/idf.h"
#include "updraft/lab.h"
#include "updraft/update.h"

static const char help[] =
    "Usage: updraft ota BOARD URL|FILE [OPTIONS]\n"
    "\n"
    "Updates a virtual board, or the dump of a real chip, from an https:// address or a file: downloads into\n"
    "the other slot, verifies it and makes it boot next. Acts as the application of the slot that would\n"
    "boot; that application's options (rollback) come from the board's settings.\n"
    "\n"
    "  --ca FILE           certificates (PEM) to trust; default: the system's\n"
    "  --timeout SECONDS   longest wait for a connection and for an answer (default: 5). A download that stands\n"
    "                      still is given up after a minute, or after --timeout where that is longer\n"
    "  --header 'N: V'     further request header (repeatable)\n"
    "  --allow-http        accept an http:// address (the image is verified, its origin is not)\n"
    "  --allow-no-digest   accept an image without an appended SHA-256\n"
    "  --bulk-erase        erase the slot up front instead of sector by sector\n"
    "  --quiet             no progress\n"
    "  --json              print the result as JSON\n"
    "\n"
    "Exit code 0 updated (or nothing new: HTTP 304), 1 refused or failed, and the board boots what it booted before.\n"
    "\n"
    "Example:\n"
    "  updraft ota b.flash https://localhost:8443/app.bin --ca images/.updraft/ca.pem\n";

#define MAX_HEADERS 16

struct ota_options {
    const char *board;
    const char *from;
    const char *ca;
    char *header[MAX_HEADERS]; /* "name\0value" after parsing */
    unsigned header_count;
    uint32_t timeout_s;
    bool allow_http;
    bool allow_no_digest;
    bool bulk_erase;
    bool quiet;
    bool json;
};

/* Everything an update holds; freed by release(). */
struct ota_run {
    const struct ota_options *opt;
    char *from; /* what is updated from, without secrets: to be shown */
    struct ud_lab_board *lab;
    struct ud_ota ota;
    struct ud_transport transport;
    struct ud_http *http;
    uint8_t *ca;
    size_t ca_len;
    uint8_t *file;
    size_t file_len;
    struct ud_mem_source mem;
    struct ud_source source;
    struct ud_observer obs;
    struct progress progress;
    uint64_t written;
};

static bool take_header(struct ota_options *o, char *text)
{
    char *colon = strchr(text, ':');
    if (!colon || colon == text || o->header_count == MAX_HEADERS)
        return false;
    *colon = 0;
    o->header[o->header_count++] = text;
    return true;
}

static int parse(int argc, char **argv, struct ota_options *o)
{
    static const struct option options[] = {
        { "ca", required_argument, 0, 'c' },
        { "timeout", required_argument, 0, 't' },
        { "header", required_argument, 0, 'H' },
        { "allow-http", no_argument, 0, 'a' },
        { "allow-no-digest", no_argument, 0, 'd' },
        { "bulk-erase", no_argument, 0, 'b' },
        { "quiet", no_argument, 0, 'q' },
        { "json", no_argument, 0, 'j' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->ca = optarg;
            break;
        case 't':
            if (!cli_parse_u32(optarg, &o->timeout_s) || o->timeout_s == 0 || o->timeout_s > 3600)
                return cli_usage("ota", "--timeout '%s' is not a number of seconds (1 to 3600)", optarg);
            break;
        case 'H':
            if (!take_header(o, optarg))
                return cli_usage("ota", "--header '%s' is not of the form 'Name: value' (at most %d)", optarg,
                                 MAX_HEADERS);
            break;
        case 'a':
            o->allow_http = true;
            break;
        case 'd':
            o->allow_no_digest = true;
            break;
        case 'b':
            o->bulk_erase = true;
            break;
        case 'q':
            o->quiet = true;
            break;
        case 'j':
            o->json = o->quiet = true;
            break;
        case 'h':
            fputs(help, stdout);
            return -1;
        default:
            return cli_usage("ota", "the command line could not be read");
        }
    }
    if (optind + 2 != argc)
        return cli_usage("ota", "a board and an address or file are needed");
    o->board = argv[optind];
    o->from = argv[optind + 1];
    return CLI_OK;
}

static bool is_scheme(const char *url, const char *scheme)
{
    return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

/* ---- what the cores have to say --------------------------------------------------------------------------------- */

static void on_event(void *ctx, enum ud_update_event e, uint64_t a)
{
    struct ota_run *r = ctx;
    if (e != UD_UPDATE_WRITE_FLASH)
        return;
    r->written = a;
    progress_show(&r->progress, a);
}

/* Errors on a line of their own, also while a bar stands on the terminal. "Not modified" is none. */
static void on_note(void *ctx, const struct ud_note *note)
{
    struct ota_run *r = ctx;
    struct ud_observer errors = cli_error_observer();
    if (note->err == ESP_OK || note->err == ESP_ERR_HTTP_NOT_MODIFIED)
        return;
    progress_break(&r->progress);
    errors.note(errors.ctx, note);
}

/* A copy of the address without the user name and the password in it; NULL without memory. */
static char *without_secrets(const char *from)
{
    char *copy = strdup(from);
    char *start = copy ? strstr(copy, "://") : NULL;
    if (start) {
        start += 3;
        for (char *at = start + strcspn(start, "/?#"); at > start; at--) {
            if (at[-1] == '@') {
                memmove(start, at, strlen(at) + 1);
                break;
            }
        }
    }
    return copy;
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

static esp_err_t open_file(struct ota_run *r)
{
    if (!cli_read_file(r->opt->from, &r->file, &r->file_len))
        return ESP_ERR_NOT_FOUND;
    r->mem = (struct ud_mem_source){ .data = r->file, .len = r->file_len };
    r->source = ud_mem_source(&r->mem);
    return ESP_OK;
}

static esp_err_t open_url(struct ota_run *r)
{
    const struct ota_options *o = r->opt;
    if (o->ca && !cli_read_file(o->ca, &r->ca, &r->ca_len))
        return ESP_ERR_NOT_FOUND;
    esp_err_t err = ud_curl_transport_create(&r->transport);
    if (err != ESP_OK)
        return err;
    struct ud_http_env env = {
        .transport = r->transport, .alloc = ud_linux_alloc(), .clock = ud_linux_clock(), .obs = &r->obs
    };
    struct ud_http_config cfg = {
        .url = o->from,
        .tls = { .ca_pem = (const char *)r->ca, .ca_len = r->ca_len, .use_system_store = r->ca == NULL },
        .timeout_ms = (int)o->timeout_s * 1000,
        .user_agent = "updraft/" UPDRAFT_VERSION,
        .buffer_size = 16384,
    };
    err = ud_http_create(&env, &cfg, &r->http);
    for (unsigned i = 0; err == ESP_OK && i < o->header_count; i++) {
        err = ud_http_set_header(r->http, o->header[i], o->header[i] + strlen(o->header[i]) + 1);
        if (err == ESP_ERR_INVALID_ARG)
            cli_error("--header: the name '%s', or its value, has characters that no header may have", o->header[i]);
    }
    if (err == ESP_OK)
        err = ud_update_http_connect(r->http, 0, &r->obs);
    if (err == ESP_ERR_HTTP_EAGAIN)
        cli_error("%s: connected, but no answer within %u s; --timeout waits longer", r->from, o->timeout_s);
    if (err == ESP_OK)
        r->source = ud_http_source(r->http);
    return err;
}

static esp_err_t open_source(struct ota_run *r)
{
    const char *from = r->opt->from;
    if (is_scheme(from, "http://") && !r->opt->allow_http) {
        cli_error("%s: an http:// address proves nothing about who answers; use https://, or --allow-http", r->from);
        return ESP_ERR_INVALID_ARG;
    }
    if (is_scheme(from, "http://") || is_scheme(from, "https://"))
        return open_url(r);
    if (strstr(from, "://")) {
        cli_error("%s: only https:// addresses and files can be read", r->from);
        return ESP_ERR_NOT_SUPPORTED;
    }
    return open_file(r);
}

static void release(struct ota_run *r)
{
    ud_http_destroy(r->http);
    if (r->transport.ops)
        ud_curl_transport_destroy(&r->transport);
    free(r->ca);
    free(r->file);
    free(r->from);
}

/* ---- the update ------------------------------------------------------------------------------------------------- */

static esp_err_t pump(struct ota_run *r, struct ud_update *u)
{
    esp_err_t err;
    do
        err = ud_update_step(u);
    while (err == ESP_ERR_HTTPS_OTA_IN_PROGRESS);
    progress_end(&r->progress, r->written);
    if (err == ESP_OK && !r->opt->quiet)
        printf("verifying %llu bytes\n", (unsigned long long)r->written);
    if (err == ESP_OK)
        return ud_update_finish(u);
    ud_update_abort(u);
    return err;
}

static esp_err_t update(struct ota_run *r)
{
    struct ud_update_env env = {
        .ota = &r->ota, .alloc = ud_linux_alloc(), .obs = &r->obs, .event = on_event, .event_ctx = r
    };
    struct ud_update_options opt = { .buffer_size = 16384,
                                     .bulk_erase = r->opt->bulk_erase,
                                     .check_spi_mode = true,
                                     .wait_ms = r->opt->timeout_s * 1000 };
    struct ud_update u;
    int64_t size = r->source.ops->size(r->source.ctx);
    esp_err_t err = ud_update_begin(&u, &env, r->source, &opt);
    if (err != ESP_OK)
        return err;
    if (!r->opt->quiet)
        printf("writing to %s at 0x%x\n", u.slot->label, u.slot->addr);
    progress_start(&r->progress, size > 0 ? (uint64_t)size : 0, r->opt->quiet);
    return pump(r, &u);
}

static int report(struct ota_run *r, esp_err_t err)
{
    const struct ud_partition *boot = ud_ota_get_boot(&r->ota);
    struct ud_app_desc desc = { 0 };
    bool known = boot && ud_ota_get_desc(&r->ota, boot, &desc) == ESP_OK;
    cli_printable(desc.version);
    cli_printable(desc.project_name);
    bool nothing_new = err == ESP_ERR_HTTP_NOT_MODIFIED;
    if (r->opt->json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "result", err == ESP_OK ? "updated" : nothing_new ? "nothing new" : "failed");
        cJSON_AddStringToObject(o, "code", ud_err_name(err));
        cJSON_AddNumberToObject(o, "bytes", (double)r->written);
        cJSON_AddStringToObject(o, "boots_next", boot ? boot->label : "");
        cJSON_AddStringToObject(o, "version", known ? desc.version : "");
        cli_print_json(o);
    } else if (err == ESP_OK) {
        printf("%s boots next: %s %s%s\n", boot ? boot->label : "?", desc.project_name, desc.version,
               r->ota.rollback ? ", to be confirmed" : "");
    } else if (nothing_new) {
        puts("nothing new");
    }
    if (err == ESP_OK || nothing_new)
        return CLI_OK;
    return cli_error("%s was not updated from %s (%s); it boots %s%s%s as before", r->opt->board, r->from,
                     ud_err_name(err), boot ? boot->label : "what it booted", known ? ", version " : "",
                     known ? desc.version : "");
}

int cmd_ota(int argc, char **argv)
{
    struct ota_options o = { .timeout_s = 5 };
    char why[UD_LAB_WHY];
    int rc = parse(argc, argv, &o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    struct ud_lab_board *lab = malloc(sizeof *lab);
    if (!lab)
        return cli_error("no memory for a board");
    if (ud_lab_board_open(o.board, UD_LAB_WRITE, lab, why, sizeof why) != ESP_OK) {
        free(lab);
        return cli_error("%s", why);
    }
    struct ota_run r = { .opt = &o, .lab = lab, .from = without_secrets(o.from) };
    if (!r.from) {
        ud_lab_board_close(lab);
        free(lab);
        return cli_error("no memory for an address");
    }
    r.obs = (struct ud_observer){ on_note, &r };
    lab->board.obs = lab->flash.observer = &r.obs;
    lab->board.require_digest = !o.allow_no_digest;
    ud_ota_init(&r.ota, &lab->board, lab->settings.app_rollback);
    r.ota.anti_rollback = lab->settings.app_anti_rollback;
    esp_err_t err = open_source(&r);
    if (err == ESP_OK)
        err = update(&r);
    rc = report(&r, err);
    release(&r);
    ud_lab_board_close(lab);
    free(lab);
    return rc;
}
