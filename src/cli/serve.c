/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft serve`: offer a folder of images over HTTPS. */
#include "cli.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "updraft/lab_server.h"

static const char help[] =
    "Usage: updraft serve DIR [OPTIONS]\n"
    "\n"
    "Serves the files of DIR over HTTPS: Range, HEAD, ETag, keep-alive. A CA and a server\n"
    "certificate are made at the first start. Hidden files and anything outside DIR are not served.\n"
    "\n"
    "  --port N          port (default: a free one, printed)\n"
    "  --listen ADDR     address (default: 127.0.0.1; 0.0.0.0 or :: offers DIR to the network, to be\n"
    "                    reached by the names of the certificate)\n"
    "  --name HOST       further host name or address for the certificate (repeatable)\n"
    "  --tls-dir DIR     where ca.pem, server.pem and the keys are (default: DIR/.updraft, which is not\n"
    "                    served; a folder that would be is refused)\n"
    "  --cert F --key F  use this certificate chain and key instead\n"
    "  --plain           plain HTTP\n"
    "  --rate BYTES      bytes per second for each connection (K and M suffixes)\n"
    "  --latency MS      wait before each answer\n"
    "  --fault LIST      misbehave: NAME[@AMOUNT][=TIMES], separated by commas, such as reset@20000,503=3;\n"
    "                    without TIMES always (docs/serve-faults.md)\n"
    "  --seed N          of what faults send at random (default: 1)\n"
    "  --list-faults     print the faults, and what a client should make of each\n"
    "  --script FILE     scripted, also hostile, responses (docs/serve-script.md)\n"
    "  --ready FILE      write \"PORT\\n\" to FILE when listening\n"
    "  --quiet           no line for each request\n"
    "\n"
    "Ends on SIGINT or SIGTERM.\n"
    "\n"
    "Example:\n"
    "  updraft serve images --port 8443\n"
    "  curl --cacert images/.updraft/ca.pem https://localhost:8443/app.bin -o app.bin\n";

#define MAX_NAMES 16

struct serve_options {
    struct ud_server_config server;
    const char *tls_dir;
    const char *ready;
    const char *names[MAX_NAMES + 1];
    unsigned name_count;
    bool plain;
    bool quiet;
};

static int take_option(int c, struct serve_options *o)
{
    uint32_t n;
    switch (c) {
    case 'p':
        if (!cli_parse_u32(optarg, &n) || n > 65535)
            return cli_usage("serve", "--port '%s' is not a port (0 to 65535)", optarg);
        o->server.port = (uint16_t)n;
        break;
    case 'r':
        if (!cli_parse_u32(optarg, &n) || n == 0)
            return cli_usage("serve", "--rate '%s' is not a number of bytes per second", optarg);
        o->server.rate = n;
        break;
    case 'L':
        if (!cli_parse_u32(optarg, &n))
            return cli_usage("serve", "--latency '%s' is not a number of milliseconds", optarg);
        o->server.latency_ms = n;
        break;
    case 'S':
        if (!cli_parse_u32(optarg, &n))
            return cli_usage("serve", "--seed '%s' is not a number from 0 to 0xFFFFFFFF", optarg);
        o->server.seed = n;
        break;
    case 'f':
        o->server.faults = optarg;
        break;
    case 'n':
        if (o->name_count == MAX_NAMES)
            return cli_usage("serve", "more than %d times --name", MAX_NAMES);
        o->names[o->name_count++] = optarg;
        break;
    case 'l':
        o->server.address = optarg;
        break;
    case 't':
        o->tls_dir = optarg;
        break;
    case 'c':
        o->server.cert_file = optarg;
        break;
    case 'k':
        o->server.key_file = optarg;
        break;
    case 's':
        o->server.script = optarg;
        break;
    case 'R':
        o->ready = optarg;
        break;
    case 'P':
        o->plain = true;
        break;
    case 'q':
        o->quiet = true;
        break;
    default:
        return cli_usage("serve", "the command line could not be read");
    }
    return CLI_OK;
}

static void list_faults(void)
{
    const struct ud_fault_info *f;
    char name[48];
    for (size_t i = 0; (f = ud_server_fault(i)) != NULL; i++) {
        snprintf(name, sizeof name, "%s%s%s", f->name, f->unit ? "@" : "", f->unit ? f->unit : "");
        printf("%-20s %s", name, f->text);
        if (f->unit)
            printf(" (%" PRIu64 ")", f->amount);
        printf("\n%-20s   lesson: %s\n", "", f->lesson);
    }
}

/* CLI_OK, an exit code, or -1 after --help and the like. */
static int parse(int argc, char **argv, struct serve_options *o)
{
    static const struct option options[] = {
        { "port", required_argument, 0, 'p' },
        { "listen", required_argument, 0, 'l' },
        { "name", required_argument, 0, 'n' },
        { "tls-dir", required_argument, 0, 't' },
        { "cert", required_argument, 0, 'c' },
        { "key", required_argument, 0, 'k' },
        { "plain", no_argument, 0, 'P' },
        { "rate", required_argument, 0, 'r' },
        { "latency", required_argument, 0, 'L' },
        { "fault", required_argument, 0, 'f' },
        { "seed", required_argument, 0, 'S' },
        { "list-faults", no_argument, 0, 'F' },
        { "script", required_argument, 0, 's' },
        { "ready", required_argument, 0, 'R' },
        { "quiet", no_argument, 0, 'q' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return -1;
        }
        if (c == 'F') {
            list_faults();
            return -1;
        }
        int rc = take_option(c, o);
        if (rc != CLI_OK)
            return rc;
    }
    if (optind + 1 != argc)
        return cli_usage("serve", "one folder is needed");
    if (!o->server.cert_file != !o->server.key_file)
        return cli_usage("serve", "--cert and --key belong together");
    o->server.dir = argv[optind];
    return CLI_OK;
}

/* What a client sent, as text that does nothing to a terminal. */
static void print_foreign(const char *text)
{
    char safe[256];
    while (*text) {
        size_t len = strnlen(text, sizeof safe - 1);
        memcpy(safe, text, len);
        safe[len] = 0;
        cli_printable(safe);
        fputs(safe, stdout);
        text += len;
    }
}

static void print_line(void *ctx, const struct ud_server_log *l)
{
    (void)ctx;
    printf("%s ", l->peer);
    print_foreign(l->method);
    putchar(' ');
    print_foreign(l->target);
    if (l->range[0])
        putchar(' ');
    print_foreign(l->range);
    fputs(" -> ", stdout);
    if (l->status)
        printf("%d", l->status);
    else
        fputs("script", stdout);
    printf(", %llu bytes in %.2f s\n", (unsigned long long)l->bytes, l->seconds);
}

/* Is `inner` below `outer`, both as realpath has them, and on no hidden way? */
static bool is_offered(const char *outer, const char *inner)
{
    size_t len = strlen(outer);
    if (strcmp(outer, "/") == 0)
        len = 0;
    return strncmp(inner, outer, len) == 0 && (inner[len] == 0 || inner[len] == '/') && !strstr(inner + len, "/.");
}

/* Keys in a folder that is served could be downloaded by anybody. */
static bool is_private(const struct serve_options *o, const char *key)
{
    char *served = realpath(o->server.dir, NULL);
    char *keys = realpath(key, NULL);
    bool offered = served && keys && is_offered(served, keys);
    if (offered)
        cli_error("%s lies in %s: a private key would be served; keep it elsewhere", key, o->server.dir);
    free(served);
    free(keys);
    return !offered;
}

static bool is_wildcard(const char *address)
{
    return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

/* Who is reached by an address of its own has a certificate for it. */
static void name_address(struct serve_options *o)
{
    uint8_t bytes[16];
    const char *address = o->server.address;
    if (!address || is_wildcard(address) || o->name_count == MAX_NAMES)
        return;
    if (inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1)
        o->names[o->name_count++] = address;
}

/* Certificates of our own; their paths are kept in `paths` (two, freed by the caller). */
static bool own_certs(struct serve_options *o, char *paths[2], char **ca)
{
    char why[256];
    char *dir = NULL;
    bool made;
    if (o->tls_dir ? (dir = strdup(o->tls_dir)) == NULL : asprintf(&dir, "%s/.updraft", o->server.dir) < 0)
        return false;
    (void)mkdir(dir, 0700); /* so that it can be seen where it lies; what is wrong with it is said below */
    if (!is_private(o, dir)) {
        free(dir);
        return false;
    }
    name_address(o);
    struct ud_cert_request req = { .dir = dir, .names = o->names };
    esp_err_t err = ud_server_make_certs(&req, &made, why, sizeof why);
    if (err != ESP_OK)
        cli_error("%s", why);
    bool ok = err == ESP_OK && asprintf(&paths[0], "%s/server.pem", dir) > 0 &&
              asprintf(&paths[1], "%s/server.key", dir) > 0 && asprintf(ca, "%s/ca.pem", dir) > 0;
    if (ok && made)
        printf("made certificates in %s\n", dir);
    o->server.cert_file = paths[0];
    o->server.key_file = paths[1];
    free(dir);
    return ok;
}

static bool tell_ready(const char *path, uint16_t port)
{
    char text[16];
    snprintf(text, sizeof text, "%u\n", port);
    return !path || cli_write_file(path, text, strlen(text));
}

/* By what name this server is asked for. */
static void print_host(const struct serve_options *o)
{
    const char *address = o->server.address ? o->server.address : "127.0.0.1";
    bool local = is_wildcard(address) || strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0;
    if (local)
        fputs("localhost", stdout);
    else
        printf(strchr(address, ':') ? "[%s]" : "%s", address);
}

static int serve(struct serve_options *o, const char *ca)
{
    char why[512];
    struct ud_server *server;
    sigset_t stop;
    int sig;
    /* Blocked before any thread exists, so that only sigwait takes them. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    if (ud_server_start(&o->server, &server, why, sizeof why) != ESP_OK)
        return cli_error("%s", why);
    uint16_t port = ud_server_port(server);
    printf("serving %s at %s://", o->server.dir, o->plain ? "http" : "https");
    print_host(o);
    printf(":%u/", port);
    if (ca)
        printf(" (CA: %s)", ca);
    puts("; stop with Ctrl-C");
    bool ok = tell_ready(o->ready, port);
    if (ok)
        sigwait(&stop, &sig);
    ud_server_stop(server);
    return ok ? CLI_OK : CLI_FAILED;
}

int cmd_serve(int argc, char **argv)
{
    struct serve_options o = { .server.seed = 1 };
    char *paths[2] = { NULL, NULL };
    char *ca = NULL;
    int rc = parse(argc, argv, &o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    struct stat st;
    if (stat(o.server.dir, &st) != 0 || (!S_ISDIR(st.st_mode) && (errno = ENOTDIR)))
        return cli_error("%s cannot be served: %s", o.server.dir, strerror(errno));
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!o.quiet)
        o.server.log = print_line;
    if (o.plain)
        o.server.cert_file = o.server.key_file = NULL;
    if (o.server.key_file ? !is_private(&o, o.server.key_file) : !o.plain && !own_certs(&o, paths, &ca))
        rc = CLI_FAILED;
    else
        rc = serve(&o, ca);
    free(paths[0]);
    free(paths[1]);
    free(ca);
    return rc;
}
