/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random calls of esp_ota_ops.h and esp_partition.h, legal and not, against a small model: flash as bytes, and what the
 * application holds (handles, iterators, mappings, a registered partition). After every call code, answer and flash are
 * the same and as many blocks are out as things are held. Then the same with each allocation failing once: the call
 * says so, nothing else changes, and all goes on as the model says. Otadata has a model of its own
 * (tests/integration/test_model.c); here no call writes it.
 */
#include "fixture.h"

#include "esp_ota_ops.h"
#include "esp_partition.h"

enum { LIVES = 200, FAULT_LIVES = 10, CALLS = 120, SLOT_BYTES = 0x3000, EXTRA_AT = 0x4000, EXTRA_BYTES = 0x2000 };
enum { HELD = 2, SLOTS = 3, EXTRA_TYPE = 0x40, TYPES = 3 };
enum kind { BEGIN, WRITE, END, ABORT, READ, PROGRAM, ERASE, MAP, UNMAP, FIND, NEXT, REGISTER, DEREGISTER, ASK, KINDS };

struct session {
    bool open, sequential;
    esp_ota_handle_t handle; /* kept after the end: a stale one */
    int slot;
    uint32_t written;
};

struct search {
    esp_partition_iterator_t it;
    const char *const *left; /* labels to come, the present one first; ended by NULL */
};

struct life {
    struct fixture f;
    uint8_t *image;
    uint32_t image_len;
    uint32_t random;
    uint8_t *flash; /* as the model has it */
    struct session s[HELD];
    struct search search[HELD];
    esp_partition_mmap_handle_t map[HELD]; /* 0: none */
    const esp_partition_t *extra;
    unsigned long fail; /* which allocation fails, 0: none */
    unsigned done[KINDS], refused[KINDS];
};

static uint32_t any(struct life *l, uint32_t below)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 17;
    l->random ^= l->random << 5;
    return l->random % below;
}

static const esp_partition_t *part(const char *label)
{
    const esp_partition_t *p = esp_partition_find_first(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_ANY, label);
    assert_non_null(p);
    return p;
}

static const esp_partition_t *slot(int i)
{
    static const char *const labels[SLOTS] = { "ota_0", "ota_1", "ota_2" };
    return part(labels[i]);
}

static void begin_life(struct life *l, uint32_t seed, unsigned long fail)
{
    static const struct test_layout layout = {
        .ota = { 0, 1, 2 }, .ota_count = SLOTS, .otadata = UD_OTADATA_PRESENT, .slot_bytes = SLOT_BYTES
    };
    memset(l, 0, sizeof *l);
    l->random = seed * 2654435761u + 1u;
    fixture_init(&l->f, &layout);
    fixture_go(&l->f);
    l->image = test_image_make(&(struct test_image){ .payload = 4500 }, &l->image_len);
    l->flash = malloc(l->f.t.size);
    assert_non_null(l->flash);
    memcpy(l->flash, l->f.t.bytes, l->f.t.size);
    assert_int_equal(l->f.memory.out, 0);
    l->fail = fail > 0 ? l->f.memory.asked + fail : 0;
    l->f.memory.fail_at = l->fail;
}

static void end_life(struct life *l)
{
    for (int i = 0; i < HELD; i++) {
        esp_partition_iterator_release(l->search[i].it);
        if (any(l, 2)) /* else the end of the world gives it back */
            esp_partition_munmap(l->map[i]);
        if (any(l, 2))
            (void)esp_ota_abort(l->s[i].handle);
    }
    free(l->image);
    free(l->flash);
    fixture_stop(&l->f); /* nothing is out */
}

/* Did an allocation fail in the call that has just ended? It fails once. */
static bool struck(struct life *l)
{
    bool now = l->f.memory.fail_at > 0 && l->f.memory.asked >= l->f.memory.fail_at;
    if (now)
        l->f.memory.fail_at = 0;
    return now;
}

static void count(struct life *l, enum kind kind, esp_err_t err)
{
    l->done[kind] += err == ESP_OK;
    l->refused[kind] += err != ESP_OK;
}

/* ---- sessions --------------------------------------------------------------------------------------------------- */

static esp_err_t model_begin(struct life *l, int at, size_t size, struct session *s)
{
    if (at == 0)
        return ESP_ERR_OTA_PARTITION_CONFLICT;
    for (int i = 0; i < HELD; i++) {
        if (l->s[i].open && l->s[i].slot == at)
            return ESP_ERR_OTA_ALREADY_IN_PROGRESS;
    }
    if (size != OTA_WITH_SEQUENTIAL_WRITES) {
        size_t len = size == OTA_SIZE_UNKNOWN || size == 0 ? SLOT_BYTES : (size + 4095) / 4096 * 4096;
        if (len > SLOT_BYTES)
            return ESP_ERR_INVALID_SIZE;
        memset(l->flash + slot(at)->address, 0xFF, len);
    }
    *s = (struct session){ .open = true, .sequential = size == OTA_WITH_SEQUENTIAL_WRITES, .slot = at };
    return ESP_OK;
}

static void call_begin(struct life *l)
{
    static const size_t sizes[] = { OTA_SIZE_UNKNOWN, OTA_WITH_SEQUENTIAL_WRITES, 0, 4900, SLOT_BYTES + 1 };
    int i = (int)any(l, HELD), at = (int)any(l, SLOTS);
    size_t size = sizes[any(l, UD_ARRAY_LEN(sizes))];
    esp_partition_t stranger = *slot(at);
    esp_ota_handle_t handle = 77;
    if (l->s[i].open)
        i = 1 - i;
    stranger.size -= 4096;
    if (any(l, 8) == 0) {
        assert_int_equal(esp_ota_begin(&stranger, size, &handle), ESP_ERR_NOT_FOUND);
        assert_int_equal(esp_ota_begin(NULL, size, &handle), ESP_ERR_INVALID_ARG);
    }
    if (l->s[i].open) /* both hands are full */
        return;
    esp_err_t err = esp_ota_begin(slot(at), size, &handle);
    esp_err_t want = struck(l) ? ESP_ERR_NO_MEM : model_begin(l, at, size, &l->s[i]);
    assert_int_equal(err, want);
    if (err == ESP_OK) {
        assert_int_not_equal(handle, 0);
        assert_int_not_equal(handle, l->s[1 - i].handle);
        l->s[i].handle = handle;
    } else {
        assert_int_equal(handle, 77);
    }
    count(l, BEGIN, err);
}

static esp_err_t model_write(struct life *l, struct session *s, const uint8_t *data, uint32_t len)
{
    uint8_t *at = l->flash + slot(s->slot)->address;
    if (len == 0)
        return ESP_OK;
    if (!s->open)
        return ESP_ERR_INVALID_ARG;
    if (s->sequential && s->written % 4096 == 0 && s->written == 0)
        memset(at, 0xFF, 4096);
    if (s->written == 0 && data[0] != 0xE9)
        return ESP_ERR_OTA_VALIDATE_FAILED;
    for (uint32_t n = 0; n < len; n++, s->written++) {
        if (s->sequential && s->written > 0 && s->written % 4096 == 0)
            memset(at + s->written, 0xFF, 4096);
        at[s->written] &= data[n];
    }
    return ESP_OK;
}

static void call_write(struct life *l)
{
    uint8_t data[8192];
    struct session *s = &l->s[any(l, HELD)];
    uint32_t from = s->open ? s->written : 0;
    uint32_t left = l->image_len - from;
    uint32_t len = any(l, 3) ? left : any(l, left + 1);
    memcpy(data, l->image + from, len);
    if (from == 0 && len > 0 && any(l, 8) == 0)
        data[0] = 0xE8;
    else if (len > 0 && from + len / 2 > 300 && any(l, 8) == 0)
        data[len / 2] ^= 0x10;
    esp_err_t want = model_write(l, s, data, len);
    esp_err_t err = esp_ota_write(s->handle, data, len);
    assert_int_equal(err, want);
    assert_int_equal(esp_ota_write(s->handle, NULL, len), ESP_ERR_INVALID_ARG);
    count(l, WRITE, err);
}

static void call_end(struct life *l)
{
    struct session *s = &l->s[any(l, HELD)];
    esp_err_t want = ESP_ERR_NOT_FOUND;
    if (s->open && s->written == 0)
        want = ESP_ERR_INVALID_ARG;
    else if (s->open)
        want = memcmp(l->flash + slot(s->slot)->address, l->image, l->image_len) == 0 ? ESP_OK
                                                                                      : ESP_ERR_OTA_VALIDATE_FAILED;
    esp_err_t err = esp_ota_end(s->handle);
    assert_int_equal(err, want);
    s->open = false;
    count(l, END, err);
}

static void call_abort(struct life *l)
{
    struct session *s = &l->s[any(l, HELD)];
    esp_err_t err = esp_ota_abort(s->handle);
    assert_int_equal(err, s->open ? ESP_OK : ESP_ERR_NOT_FOUND);
    s->open = false;
    count(l, ABORT, err);
}

/* ---- partitions ------------------------------------------------------------------------------------------------- */

static bool is_updated(const struct life *l, const esp_partition_t *p)
{
    bool found = false;
    for (int i = 0; i < HELD; i++)
        found = found || (l->s[i].open && slot(l->s[i].slot) == p);
    return found;
}

/* One that may be changed, and a range, often a wrong one. */
static const esp_partition_t *pick(struct life *l, size_t *off, size_t *len)
{
    int i = (int)any(l, SLOTS);
    const esp_partition_t *p = any(l, 3) == 0 && l->extra ? l->extra : any(l, 2) ? part("nvs") : slot(i);
    *off = any(l, 6) == 0 ? p->size + any(l, 3) : any(l, p->size);
    *len = any(l, 6) == 0 ? p->size : any(l, 600);
    return p;
}

static esp_err_t model_range(const esp_partition_t *p, size_t off, size_t len)
{
    return off > p->size ? ESP_ERR_INVALID_ARG : len > p->size - off ? ESP_ERR_INVALID_SIZE : ESP_OK;
}

static void call_read(struct life *l)
{
    static uint8_t data[0x10000];
    size_t off, len;
    const esp_partition_t *p = pick(l, &off, &len);
    assert_true(len <= sizeof data);
    esp_err_t err = esp_partition_read(p, off, data, len);
    assert_int_equal(err, model_range(p, off, len));
    if (err == ESP_OK)
        assert_memory_equal(data, l->flash + p->address + off, len);
    count(l, READ, err);
}

static void call_program(struct life *l)
{
    uint8_t data[600];
    size_t off, len;
    const esp_partition_t *p = pick(l, &off, &len);
    if (is_updated(l, p) || len > sizeof data)
        return;
    memset(data, (int)any(l, 256), sizeof data);
    esp_err_t want = model_range(p, off, len);
    for (size_t i = 0; want != ESP_ERR_INVALID_ARG && want != ESP_ERR_INVALID_SIZE && i < len; i++) {
        uint8_t *at = &l->flash[p->address + off + i];
        *at &= data[i];
        if (*at != data[i])
            want = ESP_ERR_FLASH_OP_FAIL;
    }
    esp_err_t err = esp_partition_write(p, off, data, len);
    assert_int_equal(err, want);
    count(l, PROGRAM, err);
}

static void call_erase(struct life *l)
{
    size_t off, len;
    const esp_partition_t *p = pick(l, &off, &len);
    if (is_updated(l, p))
        return;
    if (any(l, 2)) {
        off = off / 4096 * 4096;
        len = 4096 * any(l, 3);
    }
    esp_err_t want = model_range(p, off, len);
    if (want == ESP_OK)
        want = len % 4096 != 0 ? ESP_ERR_INVALID_SIZE : off % 4096 != 0 ? ESP_ERR_INVALID_ARG : ESP_OK;
    if (want == ESP_OK)
        memset(l->flash + p->address + off, 0xFF, len);
    esp_err_t err = esp_partition_erase_range(p, off, len);
    assert_int_equal(err, want);
    count(l, ERASE, err);
}

static void call_map(struct life *l)
{
    size_t off, len;
    const void *bytes = NULL;
    const esp_partition_t *p = pick(l, &off, &len);
    int i = l->map[0] ? 1 : 0;
    esp_partition_mmap_handle_t handle = 0;
    if (l->map[i])
        return;
    esp_err_t err = esp_partition_mmap(p, off, len, ESP_PARTITION_MMAP_DATA, &bytes, &handle);
    assert_int_equal(err, struck(l) ? ESP_ERR_NO_MEM : model_range(p, off, len));
    if (err == ESP_OK) {
        assert_int_not_equal(handle, 0);
        assert_memory_equal(bytes, l->flash + p->address + off, len);
        l->map[i] = handle;
    } else {
        assert_true(!bytes && !handle);
    }
    count(l, MAP, err);
}

static void call_unmap(struct life *l)
{
    int i = (int)any(l, HELD);
    esp_partition_munmap(l->map[i]); /* of none: nothing */
    count(l, UNMAP, l->map[i] ? ESP_OK : ESP_FAIL);
    l->map[i] = 0;
}

static void call_find(struct life *l)
{
    static const char *const apps[] = { "ota_0", "ota_1", "ota_2", NULL };
    static const char *const extras[] = { "extra", NULL };
    static const struct {
        esp_partition_type_t type;
        const char *const *labels;
    } rows[TYPES] = { { ESP_PARTITION_TYPE_APP, apps },
                      { (esp_partition_type_t)EXTRA_TYPE, extras },
                      { (esp_partition_type_t)0x41, NULL } };
    unsigned row = any(l, TYPES);
    struct search *s = &l->search[any(l, HELD)];
    bool exists = row == 0 || (row == 1 && l->extra);
    if (s->it)
        return;
    esp_err_t err = esp_partition_find_err(rows[row].type, ESP_PARTITION_SUBTYPE_ANY, NULL, &s->it);
    assert_int_equal(err, struck(l) ? ESP_ERR_NO_MEM : exists ? ESP_OK : ESP_ERR_NOT_FOUND);
    assert_int_equal(s->it != NULL, err == ESP_OK);
    s->left = rows[row].labels;
    if (s->it)
        assert_string_equal(esp_partition_get(s->it)->label, s->left[0]);
    count(l, FIND, err);
}

static void call_next(struct life *l)
{
    struct search *s = &l->search[any(l, HELD)];
    if (!s->it)
        return;
    s->it = esp_partition_next(s->it); /* the last one gives the iterator back */
    s->left++;
    assert_int_equal(s->it != NULL, s->left[0] != NULL);
    if (s->it)
        assert_string_equal(esp_partition_get(s->it)->label, s->left[0]);
    count(l, NEXT, s->it ? ESP_OK : ESP_FAIL);
}

static void call_register(struct life *l)
{
    const esp_partition_t *got = NULL;
    bool overlaps = l->extra != NULL;
    esp_err_t err = esp_partition_register_external(NULL, EXTRA_AT, EXTRA_BYTES, "extra",
                                                    (esp_partition_type_t)EXTRA_TYPE, (esp_partition_subtype_t)1, &got);
    assert_int_equal(err, struck(l) ? ESP_ERR_NO_MEM : overlaps ? ESP_ERR_INVALID_ARG : ESP_OK);
    assert_int_equal(got != NULL, err == ESP_OK);
    if (got)
        l->extra = got;
    count(l, REGISTER, err);
}

static void call_deregister(struct life *l)
{
    assert_int_equal(esp_partition_deregister_external(part("nvs")), ESP_ERR_INVALID_ARG);
    for (int i = 0; i < HELD; i++) { /* an iterator must not stand on it */
        if (l->search[i].it && l->search[i].left[0] && strcmp(l->search[i].left[0], "extra") == 0)
            return;
    }
    esp_err_t err = esp_partition_deregister_external(l->extra);
    assert_int_equal(err, l->extra ? ESP_OK : ESP_ERR_NOT_FOUND);
    l->extra = NULL;
    count(l, DEREGISTER, err);
}

static void call_ask(struct life *l)
{
    int at = (int)any(l, SLOTS);
    esp_partition_t copy = *slot(at), stranger = copy;
    stranger.address += 0x1000;
    assert_ptr_equal(esp_ota_get_running_partition(), slot(0));
    assert_ptr_equal(esp_ota_get_next_update_partition(NULL), slot(1));
    assert_ptr_equal(esp_ota_get_next_update_partition(&copy),
                     slot((at + 1) % SLOTS)); /* another object, the same part */
    assert_null(esp_ota_get_next_update_partition(&stranger));
    assert_ptr_equal(esp_partition_verify(&copy), slot(at));
    assert_null(esp_partition_verify(&stranger));
    assert_ptr_equal(esp_partition_find_first((esp_partition_type_t)EXTRA_TYPE, ESP_PARTITION_SUBTYPE_ANY, NULL),
                     l->extra);
    assert_int_equal(esp_ota_write(0, "x", 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_end(0), ESP_ERR_NOT_FOUND);
    count(l, ASK, ESP_OK);
}

/* ---- lives ------------------------------------------------------------------------------------------------------ */

static void (*const calls[KINDS])(struct life *l) = {
    [BEGIN] = call_begin, [WRITE] = call_write,
    [END] = call_end,     [ABORT] = call_abort,
    [READ] = call_read,   [PROGRAM] = call_program,
    [ERASE] = call_erase, [MAP] = call_map,
    [UNMAP] = call_unmap, [FIND] = call_find,
    [NEXT] = call_next,   [REGISTER] = call_register,
    [ASK] = call_ask,     [DEREGISTER] = call_deregister,
};

static enum kind kind_of(struct life *l)
{
    static const uint8_t weight[KINDS] = { 8, 14, 4, 1, 3, 3, 2, 3, 2, 4, 5, 2, 1, 1 };
    uint32_t at = any(l, 53);
    unsigned kind = 0;
    while (at >= weight[kind])
        at -= weight[kind++];
    return (enum kind)kind;
}

static unsigned long held(const struct life *l)
{
    unsigned long n = l->extra != NULL;
    for (int i = 0; i < HELD; i++)
        n += (l->s[i].open ? 1u : 0u) + (l->search[i].it ? 1u : 0u) + (l->map[i] ? 1u : 0u);
    return n;
}

/* False when the allocation that was to fail was not reached. */
static bool live(uint32_t seed, unsigned long fail, unsigned done[KINDS], unsigned refused[KINDS])
{
    static struct life l;
    begin_life(&l, seed, fail);
    for (int n = 0; n < CALLS; n++) {
        enum kind kind = kind_of(&l);
        calls[kind](&l);
        if (memcmp(l.f.t.bytes, l.flash, l.f.t.size) != 0 || l.f.memory.out != held(&l))
            fail_msg("seed %u, allocation %lu, call %d of kind %d: flash differs, or %lu blocks are out for %lu things",
                     (unsigned)seed, fail, n, (int)kind, (unsigned long)l.f.memory.out, held(&l));
    }
    bool reached = fail > 0 && l.f.memory.fail_at == 0;
    l.f.memory.fail_at = 0;
    for (int k = 0; k < KINDS; k++) {
        done[k] += l.done[k];
        refused[k] += l.refused[k];
    }
    end_life(&l);
    return reached;
}

static void random_calls_do_as_the_model_says(void **state)
{
    (void)state;
    unsigned done[KINDS] = { 0 }, refused[KINDS] = { 0 };
    for (uint32_t seed = 1; seed <= LIVES; seed++)
        (void)live(seed, 0, done, refused);
    for (int k = 0; k < KINDS; k++) { /* each call was made, rightly and, where that is possible, wrongly */
        assert_true(done[k] > LIVES / 10);
        assert_true(k == ASK || refused[k] > LIVES / 20);
    }
}

static void whichever_allocation_fails_nothing_else_changes(void **state)
{
    (void)state;
    unsigned done[KINDS] = { 0 }, refused[KINDS] = { 0 };
    unsigned long failed = 0;
    for (uint32_t seed = 1; seed <= FAULT_LIVES; seed++) {
        unsigned long n = 1;
        while (live(seed, n, done, refused))
            n++;
        failed += n - 1;
    }
    print_message("%lu allocations failed, one a life\n", failed);
    assert_true(failed > FAULT_LIVES * 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_calls_do_as_the_model_says),
        cmocka_unit_test(whichever_allocation_fails_nothing_else_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
