/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader: takes the snapshot, asks for a plan, carries it out. `run` writes and feeds the sink; `explain` walks the
 * same road with its hands in its pockets and applies the plan's writes to its snapshot only.
 *
 * Nothing outranks starting some firmware: an otadata write that fails is noted and the boot goes on with the snapshot
 * (as on the chip), and a slot that cannot be read is one more slot that does not verify.
 */
#include "updraft/boot.h"

#define SCRATCH_MIN 256u

struct run {
    struct ud_boot_device *dev;
    struct ud_boot_result *result;
    const struct ud_partition *otadata; /* NULL: none */
    struct ud_otadata_entry entry[2];   /* the snapshot with the writes so far */
    bool write;
};

/* What anti-rollback compares. A description that cannot be read is one that does not suffice. */
static esp_err_t read_secure_versions(struct run *r)
{
    const struct ud_boot_settings *s = &r->dev->settings;
    struct ud_boot_input *in = &r->result->input;
    for (int index = UD_BOOT_TEST; index < (int)UD_BOOT_MAX_SLOTS; index++) {
        const struct ud_partition *p = ud_boot_partition(&r->result->table, index);
        struct ud_boot_app *app = &in->app[ud_boot_app_at(index)];
        uint8_t head[8];
        app->readable = p && ud_partition_read(r->dev->flash, p, UD_APP_DESC_OFFSET, head, sizeof head) == ESP_OK &&
                        ud_load_le32(head) == UD_APP_DESC_MAGIC;
        if (app->readable)
            app->secure_version = ud_load_le32(head + 4);
    }
    return ud_secure_version_read(&r->dev->efuse, s->secure_version_bits, &in->secure_level);
}

static void raise_level(struct run *r, uint32_t version)
{
    struct ud_boot_input *in = &r->result->input;
    if (!r->write) {
        if (r->result->plan.action == UD_BOOT_AGAIN) /* the second round is to find it raised; else it is as read */
            in->secure_level = version;
        return;
    }
    uint8_t bits = r->dev->settings.secure_version_bits;
    uint32_t from = in->secure_level;
    esp_err_t err = ud_secure_version_raise(&r->dev->efuse, bits, version);
    if (err == ESP_OK)
        in->secure_level = version;
    (void)ud_note(r->dev->obs, UD_NOTE_BOOT_EFUSE, err, from, version, NULL);
}

static esp_err_t read_snapshot(struct run *r)
{
    const struct ud_boot_settings *s = &r->dev->settings;
    struct ud_boot_input *in = &r->result->input;
    *in = (struct ud_boot_input){
        .rollback = s->rollback,
        .deep_sleep_wake = s->deep_sleep_wake,
        .factory_reset_pin = s->factory_reset_pin,
        .test_pin = s->test_pin,
        .factory_reset_erases_otadata = s->factory_reset_erases_otadata,
        .anti_rollback = s->anti_rollback,
        .secure_version_bits = s->secure_version_bits,
    };
    ud_boot_input_from_table(&r->result->table, in);
    esp_err_t secure = s->anti_rollback ? read_secure_versions(r) : ESP_OK;
    if (secure != ESP_OK) /* nothing may run that the level might forbid */
        return secure;
    r->otadata = ud_boot_otadata(&r->result->table);
    if (in->otadata != UD_OTADATA_PRESENT)
        return ESP_OK;
    esp_err_t err = ud_otadata_read(r->dev->flash, r->otadata, in->entry);
    memcpy(r->entry, in->entry, sizeof r->entry);
    return err;
}

static void put_entry(struct run *r, unsigned sector, const struct ud_otadata_entry *e)
{
    r->entry[sector] = *e;
    if (!r->write)
        return;
    esp_err_t err = ud_otadata_write(r->dev->flash, r->otadata, sector, e);
    (void)ud_note(r->dev->obs, UD_NOTE_BOOT_OTADATA, err, sector, (uint64_t)e->state << 32 | e->seq, NULL);
}

/* Next name of a comma separated list, without the blanks around it; false at the end. */
static bool next_label(const char **list, char label[17])
{
    const char *s = *list;
    while (*s == ',' || *s == ' ')
        s++;
    size_t len = 0;
    while (s[len] != '\0' && s[len] != ',')
        len++;
    *list = s + len;
    while (len > 0 && s[len - 1] == ' ')
        len--;
    ud_strcopy(label, 17, s, len);
    return len > 0;
}

static void erase_partition(struct run *r, const struct ud_partition *p)
{
    if (!r->write)
        return;
    esp_err_t err = ud_partition_erase(r->dev->flash, p, 0, p->size);
    (void)ud_note(r->dev->obs, UD_NOTE_BOOT_ERASED, err, p->addr, p->size, p->label);
}

static void factory_reset(struct run *r)
{
    const char *labels = r->dev->settings.factory_reset_labels;
    char label[17];
    if (!labels)
        labels = "nvs";
    while (next_label(&labels, label)) {
        const struct ud_partition *p = ud_ptable_find(&r->result->table, UD_PART_DATA, UD_PART_ANY, label);
        if (p)
            erase_partition(r, p);
    }
    if (r->result->plan.erase_otadata) {
        memset(r->entry, 0xFF, sizeof r->entry);
        erase_partition(r, r->otadata);
    }
    if (r->write && r->result->input.otadata == UD_OTADATA_PRESENT) {
        /* What was to be written or erased may not have been: the second choice is about what is there. */
        esp_err_t err = ud_otadata_read(r->dev->flash, r->otadata, r->entry);
        (void)err; /* then the snapshot has to do */
    }
}

/* Choose, do the writes that come first, and after a factory reset choose once more with the pins released. */
static void decide(struct run *r)
{
    struct ud_boot_plan *plan = &r->result->plan;
    for (;;) {
        ud_boot_choose(&r->result->input, plan);
        for (uint8_t i = 0; i < plan->step_count; i++)
            (void)ud_note(r->dev->obs, UD_NOTE_BOOT_RULE, ESP_OK, plan->step[i].rule,
                          (uint64_t)(int64_t)plan->step[i].arg, NULL);
        for (uint8_t i = 0; i < plan->write_count; i++)
            put_entry(r, plan->write[i].sector, &plan->write[i].entry);
        if (plan->raise_level > 0)
            raise_level(r, plan->raise_level);
        if (plan->action != UD_BOOT_AGAIN)
            return;
        factory_reset(r);
        memcpy(r->result->input.entry, r->entry, sizeof r->entry);
        r->result->input.factory_reset_pin = false;
        r->result->input.test_pin = false;
    }
}

/* Read the candidate once: the bytes that are hashed are the bytes that the sink gets. */
static esp_err_t stream(struct run *r, const struct ud_partition *p, struct ud_image_info *info)
{
    const struct ud_boot_device *dev = r->dev;
    const struct ud_boot_sink *sink = &dev->sink;
    struct ud_image_verifier v;
    struct ud_image_rules rules = dev->settings.rules;
    rules.flash_addr = p->addr;
    rules.max_size = p->size;

    esp_err_t err = ud_image_verifier_start(&v, &rules, dev->crypto, dev->obs);
    if (err != ESP_OK)
        return err;
    for (uint32_t off = 0; err == ESP_OK && off < p->size && !ud_image_verifier_is_done(&v);) {
        uint32_t len = p->size - off;
        if (len > dev->scratch_len)
            len = (uint32_t)dev->scratch_len;
        err = ud_flash_read(dev->flash, p->addr + off, dev->scratch, len);
        if (err == ESP_OK)
            err = ud_image_verifier_push(&v, dev->scratch, len);
        if (err == ESP_OK && r->write && sink->data)
            err = sink->data(sink->ctx, off, dev->scratch, len);
        off += len;
    }
    if (err == ESP_OK)
        err = ud_image_verifier_finish(&v, info);
    ud_image_verifier_drop(&v);
    if (err == ESP_OK && dev->settings.anti_rollback && /* once more, of the bytes that were hashed */
        (!info->has_desc || info->desc.secure_version < r->result->input.secure_level))
        err = ESP_FAIL;
    return err;
}

static esp_err_t try_candidate(struct run *r, const struct ud_partition *p)
{
    const struct ud_boot_sink *sink = &r->dev->sink;
    struct ud_image_info info = { 0 };
    esp_err_t err = r->write && sink->open ? sink->open(sink->ctx, p) : ESP_OK;
    if (err == ESP_OK) {
        err = stream(r, p, &info);
        if (r->write && sink->close) {
            esp_err_t closed = sink->close(sink->ctx, err, &info);
            err = err == ESP_OK ? closed : err;
        }
    }
    if (err == ESP_OK)
        r->result->info = info;
    return ud_note(r->dev->obs, UD_NOTE_BOOT_TRY, err, p->addr, 0, p->label);
}

static esp_err_t load(struct run *r)
{
    struct ud_boot_result *res = r->result;
    for (uint8_t i = 0; i < res->plan.candidate_count && !res->loaded; i++) {
        int8_t index = res->plan.candidate[i];
        const struct ud_partition *p = ud_boot_partition(&res->table, index);
        if (!p)
            continue;
        esp_err_t err = try_candidate(r, p);
        res->tried[res->tried_count].index = index;
        res->tried[res->tried_count].verdict = err;
        res->tried_count++;
        if (err == ESP_OK) {
            res->loaded = p;
            res->loaded_index = index;
        }
    }
    if (!res->loaded)
        return ud_note(r->dev->obs, UD_NOTE_BOOT_NOTHING, ESP_ERR_NOT_FOUND, 0, 0, NULL);

    if (res->plan.write_after_load && res->loaded_index >= 0) {
        struct ud_otadata_entry e = { .seq = (uint32_t)res->loaded_index + 1u, .state = UD_OTA_VALID };
        memset(e.label, 0xFF, sizeof e.label);
        e.crc = ud_otadata_crc(e.seq);
        put_entry(r, 0, &e);
        uint32_t version = res->info.desc.secure_version;
        if (res->plan.raise_after_load && version > res->input.secure_level &&
            version <= r->dev->settings.secure_version_bits)
            raise_level(r, version);
    }
    return ud_note(r->dev->obs, UD_NOTE_BOOT_LOADED, ESP_OK, res->loaded->addr, 0, res->loaded->label);
}

static esp_err_t boot(struct ud_boot_device *dev, struct ud_boot_result *result, bool write)
{
    struct run r = { .dev = dev, .result = result, .write = write };
    memset(result, 0, sizeof *result);
    result->loaded_index = UD_BOOT_NONE;
    result->plan.start = UD_BOOT_NONE;
    if (!dev->scratch || dev->scratch_len < SCRATCH_MIN)
        return ESP_ERR_INVALID_ARG;

    esp_err_t err = ud_ptable_load(dev->flash, dev->settings.table_offset, dev->crypto, dev->obs, &result->table);
    if (err == ESP_OK)
        err = read_snapshot(&r);
    if (err != ESP_OK)
        return err;
    decide(&r);
    return load(&r);
}

esp_err_t ud_boot_run(struct ud_boot_device *dev, struct ud_boot_result *result)
{
    return boot(dev, result, true);
}

esp_err_t ud_boot_explain(struct ud_boot_device *dev, struct ud_boot_result *result)
{
    return boot(dev, result, false);
}
