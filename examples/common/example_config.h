/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where the examples find their update: the data partition "cfg" holds text, in its first line the URL of the image, in
 * the rest the PEM certificates of the CAs to trust. The text ends with a NUL or with erased flash.
 *
 *     updraft board set-partition b.flash cfg FILE
 */
#ifndef EXAMPLE_CONFIG_H
#define EXAMPLE_CONFIG_H

#include <stdlib.h>
#include <string.h>

#include "esp_err.h"
#include "esp_partition.h"

#define EXAMPLE_CONFIG_SUBTYPE ((esp_partition_subtype_t)0x40)

struct example_config {
    char *text; /* from malloc; the others point into it */
    const char *url;
    const char *ca_pem; /* NULL: none given */
};

static inline void example_config_free(struct example_config *config)
{
    free(config->text);
    memset(config, 0, sizeof *config);
}

/** ESP_ERR_NOT_FOUND: no partition "cfg", or no URL in it. */
static inline esp_err_t example_config_load(struct example_config *config)
{
    memset(config, 0, sizeof *config);
    const esp_partition_t *cfg = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, EXAMPLE_CONFIG_SUBTYPE, "cfg");
    if (cfg == NULL)
        return ESP_ERR_NOT_FOUND;
    char *text = malloc(cfg->size + 1);
    if (text == NULL)
        return ESP_ERR_NO_MEM;
    esp_err_t err = esp_partition_read(cfg, 0, text, cfg->size);
    if (err != ESP_OK) {
        free(text);
        return err;
    }
    text[cfg->size] = '\0';
    text[strcspn(text, "\xff")] = '\0';

    char *rest = text + strcspn(text, "\r\n");
    if (rest == text) {
        free(text);
        return ESP_ERR_NOT_FOUND;
    }
    while (*rest == '\r' || *rest == '\n')
        *rest++ = '\0';
    config->text = text;
    config->url = text;
    config->ca_pem = *rest != '\0' ? rest : NULL;
    return ESP_OK;
}

#endif /* EXAMPLE_CONFIG_H */
