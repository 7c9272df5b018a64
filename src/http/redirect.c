/* SPDX-License-Identifier: Apache-2.0 */
/* The client, part three: going somewhere else, on the application's word or on the server's. */
#include "client.h"

void ud_http_reset_redirect_counter(struct ud_http *h)
{
    h->redirects = 0;
}

/* Secrets that were meant for one server do not go to another. */
static esp_err_t forget_secrets(struct ud_http *h)
{
    static const char *const fields[] = { "Authorization", "Proxy-Authorization", "Cookie" };
    for (size_t i = 0; i < UD_ARRAY_LEN(fields); i++)
        ud_http_fields_delete(&h->request_fields, fields[i]);
    ud_http_forget_challenge(h);
    esp_err_t err = ud_http_set_username(h, NULL);
    return err == ESP_OK ? ud_http_set_password(h, NULL) : err;
}

esp_err_t ud_http_set_credentials(struct ud_http *h, struct ud_http_span user, struct ud_http_span password)
{
    char *name = ud_http_strdup(&h->env.alloc, user.at, user.len);
    char *word = password.at ? ud_http_strdup(&h->env.alloc, password.at, password.len) : NULL;
    esp_err_t err = name && (word || !password.at) ? ESP_OK : ESP_ERR_NO_MEM;
    if (err == ESP_OK)
        err = ud_http_set_username(h, name);
    if (err == ESP_OK)
        err = ud_http_set_password(h, word);
    if (word)
        memset(word, 0, password.len);
    ud_alloc_put(&h->env.alloc, name);
    ud_alloc_put(&h->env.alloc, word);
    return err;
}

/* Make `t` the target, and Host its name; on failure all is as before. */
static esp_err_t swap_target(struct ud_http *h, struct ud_http_target *t)
{
    struct ud_http_target old = h->target;
    h->target = *t;
    esp_err_t err = ud_http_put_host(h);
    if (err != ESP_OK)
        h->target = old;
    ud_http_target_free(&h->env.alloc, err == ESP_OK ? &old : t);
    return err;
}

/* What may be said of a reference in a note: not the user name and the password in it. */
static const char *spoken(const char *ref)
{
    struct ud_http_url url;
    if (ud_http_url_parse(ref, ud_http_strlen(ref), &url) == ESP_OK && (url.host.at || *ref == '/'))
        return url.user.at ? url.host.at : ref;
    const char *from = ref; /* no URL, but it may hold a secret all the same */
    for (const char *c = ref; *c; c++) {
        if (*c == '@')
            from = c + 1;
    }
    return from;
}

esp_err_t ud_http_go_to(struct ud_http *h, const char *ref, bool redirect)
{
    struct ud_http_url url;
    struct ud_http_target t = { 0 };
    const struct ud_http_target *base = h->target.block ? &h->target : NULL;
    esp_err_t err = ud_http_url_parse(ref, ud_http_strlen(ref), &url);

    if (err == ESP_OK && !redirect && !url.host.at && *ref != '/')
        err = ESP_ERR_INVALID_ARG; /* an application means a URL or a path */
    if (err == ESP_OK)
        err = ud_http_target_make(&h->env.alloc, base, &url, &t);
    if (err == ESP_ERR_INVALID_ARG)
        ud_note(h->env.obs, UD_NOTE_HTTP_BAD_URL, err, 0, 0, spoken(ref));
    if (err != ESP_OK)
        return err;
    bool other_host = !base || !ud_strcaseeq(base->host, t.host);
    bool other_server = other_host || base->port != t.port || base->is_tls != t.is_tls || base->is_http != t.is_http;
    bool first = !base;
    if (other_server) {
        err = swap_target(h, &t);
    } else { /* the Host that the application may have set stays */
        ud_http_target_free(&h->env.alloc, &h->target);
        h->target = t;
    }
    if (err != ESP_OK)
        return err;
    if (other_server)
        ud_http_close(h);
    if (!first && (other_host || (redirect && other_server)))
        err = forget_secrets(h);
    if (err == ESP_OK && url.user.at)
        err = ud_http_set_credentials(h, url.user, url.password);
    return err;
}

esp_err_t ud_http_set_url(struct ud_http *h, const char *url)
{
    return ud_http_go_to(h, url, false);
}

esp_err_t ud_http_set_redirection(struct ud_http *h)
{
    const char *location = ud_http_response_header(h, "Location");
    struct ud_http_url url;

    if (!location)
        return ESP_ERR_INVALID_ARG;
    if (!*location)
        location = "/"; /* as ESP-IDF has it */
    esp_err_t err = ud_http_url_parse(location, ud_http_strlen(location), &url);
    if (err == ESP_OK && h->target.is_tls && url.scheme.at &&
        !ud_http_span_caseeq(url.scheme.at, url.scheme.len, "https"))
        err = ESP_ERR_HTTP_REDIRECT_DOWNGRADE;
    if (err != ESP_OK)
        return ud_note(h->env.obs, UD_NOTE_HTTP_REFUSED_REDIRECT, err, 0, 0, spoken(location));
    ud_note(h->env.obs, UD_NOTE_HTTP_REDIRECT, ESP_OK, (uint64_t)h->status, 0, spoken(location));
    /* The list that `location` lies in is cleared by the next request only. */
    err = ud_http_go_to(h, location, true);
    if (err == ESP_OK) {
        h->redirects++;
        h->redirected = true;
    }
    return err;
}
