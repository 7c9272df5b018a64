/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Challenges (RFC 9110, 11; RFC 7616): what a server asks for with a 401, and the Authorization that answers it.
 *
 *     401, WWW-Authenticate --add_auth--> the first challenge that we may and can answer --> every later request to
 *     that server carries its answer, until another challenge takes its place or the client goes elsewhere
 *
 * The client nonce is drawn once for a challenge, not for a request: so the "-sess" variants, whose session key holds
 * the first client nonce, are right for every request that follows; the count `nc` tells the requests apart.
 */
#include "client.h"

enum { CNONCE_BYTES = 8, CHALLENGE_MAX = 16 * 1024 };

/* ---- taking a challenge apart ------------------------------------------------------------------------------ */

/* One piece of a list of challenges: a scheme (`value` absent), or a parameter of the scheme before it. */
struct piece {
    struct ud_http_span name;
    struct ud_http_span value; /* without quotes, escapes still in it */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

static struct ud_http_span take_token(const char **s)
{
    struct ud_http_span token = { *s, 0 };
    while (ud_http_is_token_char(token.at[token.len]))
        token.len++;
    *s += token.len;
    return token;
}

static struct ud_http_span take_quoted(const char **s)
{
    struct ud_http_span text = { ++*s, 0 };
    while (text.at[text.len] && text.at[text.len] != '"')
        text.len += text.at[text.len] == '\\' && text.at[text.len + 1] ? 2 : 1;
    *s += text.len + (text.at[text.len] ? 1 : 0);
    return text;
}

static bool next_piece(const char **s, struct piece *out)
{
    *out = (struct piece){ { NULL, 0 }, { NULL, 0 } };
    while (is_blank(**s))
        ++*s;
    if (!**s)
        return false;
    out->name = take_token(s);
    if (out->name.len == 0) { /* no challenge looks like that: look behind it */
        ++*s;
        return true;
    }
    const char *after = *s;
    while (*after == ' ' || *after == '\t')
        after++;
    if (*after != '=')
        return true;
    for (after++; *after == ' ' || *after == '\t';)
        after++;
    *s = after;
    out->value = **s == '"' ? take_quoted(s) : take_token(s);
    return true;
}

static bool is_word(struct ud_http_span s, const char *word)
{
    return s.at && ud_http_span_caseeq(s.at, s.len, word);
}

/* Is `word` in a list like "auth, auth-int"? */
static bool is_listed(struct ud_http_span list, const char *word)
{
    size_t from = 0;
    for (size_t i = 0; i <= list.len; i++) {
        if (i < list.len && !is_blank(list.at[i]))
            continue;
        if (ud_http_span_caseeq(list.at + from, i - from, word))
            return true;
        from = i + 1;
    }
    return false;
}

struct challenge {
    struct ud_http_span scheme, realm, nonce, opaque, qop, algorithm;
};

/* The challenge that begins at `*s`; `*s` is then at the next one. */
static bool next_challenge(const char **s, struct challenge *c)
{
    static const char *const names[] = { "realm", "nonce", "opaque", "qop", "algorithm" };
    struct ud_http_span *const spans[] = { &c->realm, &c->nonce, &c->opaque, &c->qop, &c->algorithm };
    struct piece p;
    *c = (struct challenge){ 0 };
    do {
        if (!next_piece(s, &p))
            return false;
    } while (p.name.len == 0 || p.value.at);
    c->scheme = p.name;
    for (const char *ahead = *s; next_piece(&ahead, &p) && (p.value.at || p.name.len == 0); *s = ahead) {
        for (size_t i = 0; i < UD_ARRAY_LEN(names); i++) {
            if (p.value.at && is_word(p.name, names[i]))
                *spans[i] = p.value;
        }
    }
    return true;
}

static const struct algorithm {
    const char *name;
    enum ud_hash_alg hash;
    size_t digest_len;
    bool session;
} algorithms[] = {
    { "MD5", UD_HASH_MD5, UD_MD5_BYTES, false },
    { "MD5-sess", UD_HASH_MD5, UD_MD5_BYTES, true },
    { "SHA-256", UD_HASH_SHA256, UD_SHA256_BYTES, false },
    { "SHA-256-sess", UD_HASH_SHA256, UD_SHA256_BYTES, true },
};

static const struct algorithm *algorithm_of(const struct challenge *c)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(algorithms); i++) {
        if (!c->algorithm.at || is_word(c->algorithm, algorithms[i].name))
            return &algorithms[i];
    }
    return NULL;
}

/* ---- accepting one ----------------------------------------------------------------------------------------- */

void ud_http_forget_challenge(struct ud_http *h)
{
    struct ud_http_digest *d = &h->digest;
    ud_alloc_put(&h->env.alloc, d->realm);
    ud_alloc_put(&h->env.alloc, d->nonce);
    ud_alloc_put(&h->env.alloc, d->opaque);
    *d = (struct ud_http_digest){ 0 };
    h->answers_basic = false;
}

static void put_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

/* A terminated copy without the escapes. NULL of an absent span is no error. */
static esp_err_t copy_text(struct ud_http *h, struct ud_http_span from, char **out)
{
    if (!from.at)
        return ESP_OK;
    char *text = ud_http_strdup(&h->env.alloc, from.at, from.len);
    if (!text)
        return ESP_ERR_NO_MEM;
    size_t n = 0;
    for (size_t i = 0; i < from.len; i++) {
        if (from.at[i] == '\\' && i + 1 < from.len)
            i++;
        text[n++] = from.at[i];
    }
    text[n] = '\0';
    *out = text;
    return ESP_OK;
}

static esp_err_t accept_digest(struct ud_http *h, const struct challenge *c)
{
    struct ud_http_digest *d = &h->digest;
    uint8_t random[CNONCE_BYTES];
    esp_err_t err = h->env.entropy.fill(h->env.entropy.ctx, random, sizeof random);
    if (err != ESP_OK)
        return err;
    ud_http_forget_challenge(h);
    put_hex(random, sizeof random, d->cnonce);
    d->algorithm = (uint8_t)(algorithm_of(c) - algorithms);
    d->has_qop = c->qop.at != NULL;
    err = copy_text(h, c->realm, &d->realm);
    if (err == ESP_OK)
        err = copy_text(h, c->opaque, &d->opaque);
    if (err == ESP_OK) /* the last: with a nonce the challenge is complete, without one it is never answered */
        err = copy_text(h, c->nonce, &d->nonce);
    if (err != ESP_OK)
        ud_http_forget_challenge(h);
    return err;
}

/* ESP_ERR_NOT_FOUND: none of `text` may or can be answered. */
static esp_err_t accept_one_of(struct ud_http *h, const char *text)
{
    struct challenge c;
    while (next_challenge(&text, &c)) {
        if (h->may_basic && is_word(c.scheme, "Basic")) {
            ud_http_forget_challenge(h);
            h->answers_basic = true;
            return ESP_OK;
        }
        if (h->may_digest && is_word(c.scheme, "Digest") && algorithm_of(&c) && (!c.qop.at || is_listed(c.qop, "auth")))
            return accept_digest(h, &c);
    }
    return ESP_ERR_NOT_FOUND;
}

static esp_err_t accept_any(struct ud_http *h)
{
    esp_err_t err = ESP_ERR_NOT_FOUND;
    for (struct ud_http_field *f = h->response_fields.first; f && err == ESP_ERR_NOT_FOUND; f = f->next) {
        if (ud_strcaseeq(f->name, "WWW-Authenticate"))
            err = accept_one_of(h, f->value);
    }
    if (err == ESP_ERR_NOT_FOUND && h->auth_data.len > 0)
        err = accept_one_of(h, h->auth_data.data);
    return err;
}

esp_err_t ud_http_add_auth(struct ud_http *h)
{
    if (h->state != UD_HTTP_HEAD_RECEIVED)
        return ESP_OK; /* as ESP-IDF: there is nothing to answer */
    if (h->redirects >= h->max_auth_retries)
        return ud_note(h->env.obs, UD_NOTE_HTTP_AUTH, ESP_FAIL, (uint64_t)h->redirects, 0,
                       "the server refuses the credentials again and again");
    esp_err_t err = accept_any(h);
    if (err == ESP_ERR_NOT_FOUND) {
        const char *asked = ud_http_response_header(h, "WWW-Authenticate");
        return ud_note(h->env.obs, UD_NOTE_HTTP_AUTH, ESP_ERR_NOT_SUPPORTED, 0, 0, asked ? asked : "no challenge");
    }
    if (err == ESP_OK)
        h->redirects++;
    return err;
}

esp_err_t ud_http_set_auth_data(struct ud_http *h, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!ud_http_is_value_char(data[i]))
            return ESP_ERR_INVALID_ARG;
    }
    return ud_http_buf_put(&h->auth_data, data, len);
}

void ud_http_init_auth(struct ud_http *h)
{
    h->may_digest = h->may_digest && h->env.crypto && h->env.entropy.fill;
    ud_http_buf_init(&h->auth_data, &h->env.alloc, CHALLENGE_MAX);
}

/* ---- answering it ------------------------------------------------------------------------------------------ */

/* The hash over `count` texts with colons between them, in hexadecimal. */
static esp_err_t hash_texts(struct ud_http *h, const struct algorithm *a, const char *const *texts, size_t count,
                            char *hex)
{
    uint8_t digest[UD_HASH_MAX_BYTES];
    struct ud_hash hash = UD_HASH_NONE;
    esp_err_t err = ud_hash_start(h->env.crypto, a->hash, &hash);
    for (size_t i = 0; i < count && err == ESP_OK; i++) {
        if (i > 0)
            err = ud_hash_feed(&hash, ":", 1);
        if (err == ESP_OK)
            err = ud_hash_feed(&hash, texts[i], ud_http_strlen(texts[i]));
    }
    if (err == ESP_OK)
        err = ud_hash_finish(&hash, digest);
    ud_hash_drop(&hash);
    if (err == ESP_OK)
        put_hex(digest, a->digest_len, hex);
    return err;
}

/* The session key, H(A1) of RFC 7616. */
static esp_err_t hash_identity(struct ud_http *h, const struct algorithm *a, char *hex)
{
    const struct ud_http_digest *d = &h->digest;
    const char *const who[] = { h->username, d->realm ? d->realm : "", h->password ? h->password : "" };
    esp_err_t err = hash_texts(h, a, who, UD_ARRAY_LEN(who), hex);
    if (err != ESP_OK || !a->session)
        return err;
    const char *const session[] = { hex, d->nonce, d->cnonce };
    return hash_texts(h, a, session, UD_ARRAY_LEN(session), hex);
}

static esp_err_t make_response(struct ud_http *h, const struct algorithm *a, const char *uri, const char *nc, char *hex)
{
    const struct ud_http_digest *d = &h->digest;
    char identity[2 * UD_HASH_MAX_BYTES + 1];
    char what[2 * UD_HASH_MAX_BYTES + 1];
    const char *const request[] = { ud_http_method_name(h->method), uri };
    esp_err_t err = hash_identity(h, a, identity);
    if (err == ESP_OK)
        err = hash_texts(h, a, request, UD_ARRAY_LEN(request), what);
    if (err == ESP_OK) {
        const char *const with_qop[] = { identity, d->nonce, nc, d->cnonce, "auth", what };
        const char *const without[] = { identity, d->nonce, what };
        err = d->has_qop ? hash_texts(h, a, with_qop, UD_ARRAY_LEN(with_qop), hex)
                         : hash_texts(h, a, without, UD_ARRAY_LEN(without), hex);
    }
    memset(identity, 0, sizeof identity);
    return err;
}

/* name="value", with what must be escaped in quotes escaped. */
static esp_err_t put_quoted(struct ud_http_buf *b, const char *name, const char *value)
{
    esp_err_t err = ud_http_buf_puts(b, name);
    if (err == ESP_OK)
        err = ud_http_buf_puts(b, "=\"");
    for (; *value && err == ESP_OK; value++) {
        if (*value == '"' || *value == '\\')
            err = ud_http_buf_puts(b, "\\");
        if (err == ESP_OK)
            err = ud_http_buf_put(b, value, 1);
    }
    return err == ESP_OK ? ud_http_buf_puts(b, "\"") : err;
}

static esp_err_t put_all(struct ud_http_buf *b, const char *const *texts, size_t count)
{
    esp_err_t err = ESP_OK;
    for (size_t i = 0; i < count && err == ESP_OK; i++)
        err = ud_http_buf_puts(b, texts[i]);
    return err;
}

static esp_err_t put_answer(struct ud_http *h, const char *uri)
{
    struct ud_http_digest *d = &h->digest;
    const struct algorithm *a = &algorithms[d->algorithm];
    struct ud_http_buf *b = &h->request;
    char response[2 * UD_HASH_MAX_BYTES + 1];
    char nc[9];
    uint32_t count = ++d->count;
    put_hex((const uint8_t[]){ (uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count },
            4, nc);
    esp_err_t err = make_response(h, a, uri, nc, response);
    const struct {
        const char *name, *value;
    } quoted[] = { { "Authorization: Digest username", h->username },
                   { ", realm", d->realm ? d->realm : "" },
                   { ", nonce", d->nonce },
                   { ", uri", uri } };
    for (size_t i = 0; i < UD_ARRAY_LEN(quoted) && err == ESP_OK; i++)
        err = put_quoted(b, quoted[i].name, quoted[i].value);
    const char *const plain[] = { ", algorithm=", a->name, ", response=\"", response, "\"" };
    const char *const counted[] = { ", qop=auth, nc=", nc };
    if (err == ESP_OK)
        err = put_all(b, plain, UD_ARRAY_LEN(plain));
    if (err == ESP_OK && d->has_qop)
        err = put_all(b, counted, UD_ARRAY_LEN(counted));
    if (err == ESP_OK && (d->has_qop || a->session))
        err = put_quoted(b, ", cnonce", d->cnonce);
    if (err == ESP_OK && d->opaque)
        err = put_quoted(b, ", opaque", d->opaque);
    return err == ESP_OK ? ud_http_buf_puts(b, "\r\n") : err;
}

bool ud_http_answers_digest(const struct ud_http *h)
{
    return h->digest.nonce && h->username;
}

esp_err_t ud_http_put_digest(struct ud_http *h)
{
    for (const char *c = h->username; *c; c++) { /* it stands in the field as it is */
        if (!ud_http_is_value_char(*c))
            return ESP_ERR_INVALID_ARG;
    }
    const struct ud_http_target *t = &h->target;
    const char *const parts[] = { t->path, t->query ? "?" : "", t->query ? t->query : "" };
    struct ud_http_buf uri;
    ud_http_buf_init(&uri, &h->env.alloc, UD_HTTP_REQUEST_MAX);
    esp_err_t err = put_all(&uri, parts, UD_ARRAY_LEN(parts));
    if (err == ESP_OK)
        err = put_answer(h, uri.data);
    ud_http_buf_free(&uri);
    return err;
}
