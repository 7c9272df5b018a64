/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft serve`: offer a folder of images over HTTPS. */
#include "cli.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "updraft/lab_server.h"

static const char help[] =
    "Usage: updraft serve DIR [OPTIONS]\n"
    "\n"
    "Serves the files of DIR over HTTPS: Range, HEAD, ETag, keep-alive. A CA and a server\n"
    "certificate are made at the first start. Hidden files and anything outside DIR are not served.\n"
    "\n"
    "  --port N          port (default: a free one, printed)\n"
    "  --listen ADDR     address (default: 127.0.0.1; 0.0.0.0 offers DIR to the network)\n"
    "  --name HOST       further host name or address for the certificate (repeatable)\n"
    "  --tls-dir DIR     where ca.pem, server.pem and the keys are (default: DIR/.updraft)\n"
    "  --cert F --key F  use this certificate chain and key instead\n"
    "  --plain           plain HTTP\n"
    "  --rate BYTES      bytes per second for each connection (K and M suffixes)\n"
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
        { "script", required_argument, 0, 's' },
        { "ready", required_argument, 0, 'R' },
        { "quiet", no_argument, 0, 'q' },
        { "help", no_argument, 0, 'h' },
        { 0 },
    };
    uint32_t n;
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
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
        case 'h':
            fputs(help, stdout);
            return -1;
        default:
            return cli_usage("serve", "the command line could not be read");
        }
    }
    if (optind + 1 != argc)
        return cli_usage("serve", "one folder is needed");
    if (!o->server.cert_file != !o->server.key_file)
        return cli_usage("serve", "--cert and --key belong together");
    o->server.dir = argv[optind];
    return CLI_OK;
}

static void print_line(void *ctx, const struct ud_server_log *l)
{
    (void)ctx;
    printf("%s %s %s%s%s -> ", l->peer, l->method, l->target, l->range[0] ? " " : "", l->range);
    if (l->status)
        printf("%d", l->status);
    else
        fputs("script", stdout);
    printf(", %llu bytes in %.2f s\n", (unsigned long long)l->bytes, l->seconds);
}

/* Certificates of our own; their paths are kept in `paths` (two, freed by the caller). */
static bool own_certs(struct serve_options *o, char *paths[2], char **ca)
{
    char why[256];
    char *dir = NULL;
    bool made;
    if (o->tls_dir ? (dir = strdup(o->tls_dir)) == NULL : asprintf(&dir, "%s/.updraft", o->server.dir) < 0)
        return false;
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
    printf("serving %s at %s://localhost:%u/", o->server.dir, o->plain ? "http" : "https", port);
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
    struct serve_options o = { 0 };
    char *paths[2] = { NULL, NULL };
    char *ca = NULL;
    int rc = parse(argc, argv, &o);
    if (rc != CLI_OK)
        return rc < 0 ? CLI_OK : rc;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!o.quiet)
        o.server.log = print_line;
    if (!o.plain && !o.server.cert_file && !own_certs(&o, paths, &ca))
        rc = CLI_FAILED;
    else
        rc = serve(&o, ca);
    free(paths[0]);
    free(paths[1]);
    free(ca);
    return rc;
}
