/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a client to a response body worth writing: the connect loop of esp_https_ota_begin, and what each HTTP status
 * means for an update. Unlike ESP-IDF's, the loop counts the redirects it follows.
 */
#include "updraft/update.h"

#define DEFAULT_REDIRECTS 10u

enum verdict { FOLLOW, ANSWER, STOP };

/* The first row that holds the status decides. Below 300, and where no row says otherwise, the body is the image. */
static const struct rule {
    int lo, hi;
    enum verdict verdict;
    esp_err_t err;
} rules[] = {
    { 301, 303, FOLLOW, ESP_OK },
    { 304, 304, STOP, ESP_ERR_HTTP_NOT_MODIFIED },
    { 307, 308, FOLLOW, ESP_OK },
    { 401, 401, ANSWER, ESP_OK },
    { 416, 416, STOP, ESP_ERR_HTTP_RANGE_NOT_SATISFIABLE },
    { 400, INT_MAX, STOP, ESP_FAIL },
};

static const struct rule *rule_of(int status)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(rules); i++)
        if (status >= rules[i].lo && status <= rules[i].hi)
            return &rules[i];
    return NULL;
}

static esp_err_t exchange(struct ud_http *h)
{
    size_t len = 0;
    int64_t length;
    const void *post = ud_http_post_field(h, &len);
    esp_err_t err = ud_http_open(h, (int64_t)len);
    if (err == ESP_OK && len > 0)
        err = ud_http_write(h, post, len);
    return err == ESP_OK ? ud_http_fetch_headers(h, &length) : err;
}

/* To the place that a redirect names, or here again with the answer to a challenge. Their bodies are of no interest,
 * only that they are out of the way; a connection that cannot be drained is closed, and the next request opens another. */
static esp_err_t go_on(struct ud_http *h, enum verdict verdict)
{
    size_t discarded;
    esp_err_t err = verdict == ANSWER ? ud_http_add_auth(h) : ud_http_set_redirection(h);
    if (err != ESP_OK)
        return err;
    if (ud_http_flush(h, &discarded) != ESP_OK || !ud_http_is_persistent(h))
        ud_http_close(h);
    return ESP_OK;
}

esp_err_t ud_update_http_connect(struct ud_http *h, int max_redirects, const struct ud_observer *obs)
{
    unsigned left = max_redirects == 0 ? DEFAULT_REDIRECTS : max_redirects < 0 ? 0 : (unsigned)max_redirects;
    for (;;) {
        esp_err_t err = exchange(h);
        if (err != ESP_OK)
            return err;
        const struct rule *rule = rule_of(ud_http_status(h));
        if (!rule)
            return ESP_OK;
        if (rule->verdict == STOP)
            return ud_note(obs, UD_NOTE_UPDATE_STATUS, rule->err, (uint64_t)ud_http_status(h), 0, NULL);
        if (rule->verdict == FOLLOW && left-- == 0)
            return ud_note(obs, UD_NOTE_UPDATE_STATUS, ESP_ERR_HTTP_MAX_REDIRECT, (uint64_t)ud_http_status(h), 0, NULL);
        err = go_on(h, rule->verdict);
        if (err != ESP_OK)
            return rule->verdict == ANSWER ? ud_note(obs, UD_NOTE_UPDATE_STATUS, err, 401, 0, NULL) : err;
    }
}
