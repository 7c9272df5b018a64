/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for the lab's server: a CA that clients are told to trust, and a server certificate under it. Made once,
 * kept beside the images, remade when they expire or lack a name. ECDSA P-256: small, and every client speaks it.
 */
#include "updraft/lab_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_S     (24L * 3600)
#define CA_DAYS   3650L
#define LEAF_DAYS 397L /* what browsers and curl accept of a leaf */

struct identity {
    X509 *cert;
    EVP_PKEY *key;
};

static void identity_free(struct identity *id)
{
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
    *id = (struct identity){ 0 };
}

static esp_err_t say(char *why, size_t size, const char *what, const char *path)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : strerror(errno);
    snprintf(why, size, "%s %s: %s", what, path, reason ? reason : "unknown reason");
    ERR_clear_error();
    return ESP_FAIL;
}

static char *join(const char *dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static FILE *open_for(const char *path, bool secret)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, secret ? 0600 : 0644);
    if (fd >= 0 && fchmod(fd, secret ? 0600 : 0644) != 0) {
        close(fd);
        fd = -1;
    }
    return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool save(const char *dir, const char *cert_name, const char *key_name, const struct identity *id, X509 *issuer)
{
    char *cert_path = join(dir, cert_name);
    char *key_path = join(dir, key_name);
    FILE *key = key_path ? open_for(key_path, true) : NULL;
    bool ok = key && PEM_write_PrivateKey(key, id->key, NULL, NULL, 0, NULL, NULL) == 1;
    if (key && fclose(key) != 0)
        ok = false;
    FILE *cert = ok && cert_path ? open_for(cert_path, false) : NULL;
    ok = ok && cert && PEM_write_X509(cert, id->cert) == 1 && (!issuer || PEM_write_X509(cert, issuer) == 1);
    if (cert && fclose(cert) != 0)
        ok = false;
    free(cert_path);
    free(key_path);
    return ok;
}

/* A certificate and its key from files; false if either is missing, unreadable, expired soon or they do not belong. */
static bool load(const char *dir, const char *cert_name, const char *key_name, struct identity *id)
{
    char *cert_path = join(dir, cert_name);
    char *key_path = join(dir, key_name);
    FILE *cert = cert_path ? fopen(cert_path, "re") : NULL;
    FILE *key = key_path ? fopen(key_path, "re") : NULL;
    if (cert && key) {
        id->cert = PEM_read_X509(cert, NULL, NULL, NULL);
        id->key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    }
    if (cert)
        fclose(cert);
    if (key)
        fclose(key);
    free(cert_path);
    free(key_path);
    time_t tomorrow = time(NULL) + DAY_S;
    bool good = id->cert && id->key && X509_check_private_key(id->cert, id->key) == 1 &&
                X509_cmp_time(X509_get0_notAfter(id->cert), &tomorrow) > 0;
    ERR_clear_error();
    if (!good)
        identity_free(id);
    return good;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = ext && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

/* A certificate without extensions and signature: random serial, from yesterday on (clocks differ). */
static bool blank_cert(struct identity *id, const char *common_name, long days)
{
    uint8_t serial[16];
    id->key = EVP_EC_gen("P-256");
    id->cert = X509_new();
    if (!id->key || !id->cert || RAND_bytes(serial, sizeof serial) != 1)
        return false;
    serial[0] &= 0x7F;
    BIGNUM *bn = BN_bin2bn(serial, sizeof serial, NULL);
    bool ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(id->cert)) != NULL;
    BN_free(bn);
    X509_NAME *name = X509_get_subject_name(id->cert);
    return ok && X509_set_version(id->cert, X509_VERSION_3) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(id->cert), -DAY_S) &&
           X509_gmtime_adj(X509_getm_notAfter(id->cert), days * DAY_S) && X509_set_pubkey(id->cert, id->key) == 1 &&
           X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Updraft lab", -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)common_name, -1, -1, 0) == 1;
}

static bool make_ca(struct identity *ca)
{
    return blank_cert(ca, "Updraft lab CA", CA_DAYS) &&
           X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert)) == 1 &&
           add_extension(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(ca->cert, ca->cert, NID_subject_key_identifier, "hash") &&
           X509_sign(ca->cert, ca->key, EVP_sha256()) != 0;
}

static bool is_address(const char *name)
{
    uint8_t addr[16];
    return inet_pton(AF_INET, name, addr) == 1 || inet_pton(AF_INET6, name, addr) == 1;
}

static char *alt_names(const char *const *names)
{
    char *text = strdup("DNS:localhost,IP:127.0.0.1,IP:::1");
    for (; text && names && *names; names++) {
        char *more = NULL;
        if (asprintf(&more, "%s,%s:%s", text, is_address(*names) ? "IP" : "DNS", *names) < 0)
            more = NULL;
        free(text);
        text = more;
    }
    return text;
}

static bool make_leaf(const struct identity *ca, const char *const *names, struct identity *leaf)
{
    char *alt = alt_names(names);
    bool ok = alt && blank_cert(leaf, "localhost", LEAF_DAYS) &&
              X509_set_issuer_name(leaf->cert, X509_get_subject_name(ca->cert)) == 1 &&
              add_extension(leaf->cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
              add_extension(leaf->cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
              add_extension(leaf->cert, ca->cert, NID_ext_key_usage, "serverAuth") &&
              add_extension(leaf->cert, ca->cert, NID_subject_alt_name, alt) &&
              add_extension(leaf->cert, ca->cert, NID_authority_key_identifier, "keyid") &&
              X509_sign(leaf->cert, ca->key, EVP_sha256()) != 0;
    free(alt);
    return ok;
}

static bool covers(X509 *cert, const char *const *names)
{
    bool ok = X509_check_host(cert, "localhost", 0, 0, NULL) == 1 && X509_check_ip_asc(cert, "127.0.0.1", 0) == 1;
    for (; ok && names && *names; names++)
        ok = is_address(*names) ? X509_check_ip_asc(cert, *names, 0) == 1
                                : X509_check_host(cert, *names, 0, 0, NULL) == 1;
    return ok;
}

esp_err_t ud_server_make_certs(const struct ud_cert_request *req, bool *made, char *why, size_t why_size)
{
    struct identity ca = { 0 };
    struct identity leaf = { 0 };
    esp_err_t err = ESP_OK;

    *made = false;
    if (mkdir(req->dir, 0700) != 0 && errno != EEXIST)
        return say(why, why_size, "cannot make the folder for certificates", req->dir);
    bool old_ca = load(req->dir, "ca.pem", "ca.key", &ca);
    if (old_ca && load(req->dir, "server.pem", "server.key", &leaf) && covers(leaf.cert, req->names) &&
        X509_verify(leaf.cert, X509_get0_pubkey(ca.cert)) == 1)
        goto done;
    identity_free(&leaf);
    *made = true;
    if (!old_ca && (!make_ca(&ca) || !save(req->dir, "ca.pem", "ca.key", &ca, NULL))) {
        err = say(why, why_size, "cannot make the CA in", req->dir);
        goto done;
    }
    if (!make_leaf(&ca, req->names, &leaf) || !save(req->dir, "server.pem", "server.key", &leaf, NULL))
        err = say(why, why_size, "cannot make the server certificate in", req->dir);
done:
    identity_free(&ca);
    identity_free(&leaf);
    return err;
}
