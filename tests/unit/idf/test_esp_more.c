/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rest of the partition and update headers: registered partitions, memory that shows flash, copies, block devices,
 * the flash as a chip, tables in memory, boot loaders, resumed and staged sessions, the secure version.
 */
#include "fixture.h"

#include "bootloader_common.h"
#include "esp_efuse.h"
#include "esp_flash.h"
#include "esp_ota_ops.h"

static const esp_partition_t *part(const char *label)
{
    const esp_partition_t *p = esp_partition_find_first(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_ANY, label);
    assert_non_null(p);
    return p;
}

static const esp_partition_t *bootloader(void)
{
    const esp_partition_t *p = NULL;
    assert_int_equal(esp_partition_register_external(NULL, 0, 0x8000, "boot", ESP_PARTITION_TYPE_BOOTLOADER,
                                                     ESP_PARTITION_SUBTYPE_BOOTLOADER_PRIMARY, &p),
                     ESP_OK);
    return p;
}

/* ---- registered partitions ---------------------------------------------------------------------------------------- */

static void registered_partitions_are_found_used_and_forgotten(void **state)
{
    struct fixture f;
    const esp_partition_t *table = NULL;
    (void)state;
    fixture_start(&f);
    const esp_partition_t *boot = bootloader();
    assert_int_equal(esp_partition_register_external(esp_flash_default_chip, 0x8000, 0x1000, "a label that is too long",
                                                     ESP_PARTITION_TYPE_PARTITION_TABLE,
                                                     ESP_PARTITION_SUBTYPE_PARTITION_TABLE_PRIMARY, &table),
                     ESP_OK);
    assert_string_equal(table->label, "a label that is ");
    assert_int_equal(table->erase_size, 4096);
    assert_false(table->readonly || table->encrypted);
    assert_ptr_equal(part("boot"), boot);
    assert_ptr_equal(esp_partition_verify(boot), boot);
    esp_partition_t copy = *boot;
    copy.flash_chip = esp_flash_default_chip; /* the same chip */
    assert_ptr_equal(esp_partition_verify(&copy), boot);
    unsigned n = 0;
    const esp_partition_t *last = NULL;
    for (esp_partition_iterator_t it = esp_partition_find(ESP_PARTITION_TYPE_ANY, ESP_PARTITION_SUBTYPE_ANY, NULL); it;
         it = esp_partition_next(it), n++)
        last = esp_partition_get(it);
    assert_int_equal(n, 7);
    assert_ptr_equal(last, table);
    uint8_t magic[2];
    assert_int_equal(esp_partition_read(table, 0, magic, 2), ESP_OK);
    assert_memory_equal(magic, "\xAA\x50", 2);

    assert_int_equal(esp_partition_deregister_external(boot), ESP_OK);
    assert_int_equal(esp_partition_deregister_external(part("nvs")), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_deregister_external(&copy), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_partition_deregister_external(NULL), ESP_ERR_NOT_FOUND);
    assert_null(esp_partition_find_first(ESP_PARTITION_TYPE_BOOTLOADER, ESP_PARTITION_SUBTYPE_ANY, NULL));
    boot = bootloader();
    esp_partition_unload_all();
    assert_null(esp_partition_find_first(ESP_PARTITION_TYPE_BOOTLOADER, ESP_PARTITION_SUBTYPE_ANY, NULL));
    assert_non_null(part("nvs"));
    assert_int_equal(f.memory.out, 0);
    bootloader(); /* the end of the world takes it along */
    fixture_stop(&f);
    assert_null(f.t.board.extra);
}

static void registering_refuses_with_codes(void **state)
{
    struct fixture f;
    const esp_partition_t *p = (const esp_partition_t *)&f;
    (void)state;
    fixture_start(&f);
#define REGISTER(chip, off, size)                                                                                      \
    esp_partition_register_external(chip, off, size, "x", ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_FAT, &p)
    assert_int_equal(REGISTER(NULL, part("nvs")->address, 0x1000), ESP_ERR_INVALID_ARG);
    assert_null(p);
    assert_int_equal(REGISTER(NULL, f.t.size - 0x1000, 0x2000), ESP_ERR_INVALID_SIZE);
    assert_int_equal(REGISTER(NULL, SIZE_MAX, 0x1000), ESP_ERR_INVALID_SIZE);
    assert_int_equal(REGISTER((esp_flash_t *)&f, 0, 0x1000), ESP_ERR_NOT_SUPPORTED);
    f.memory.fail_at = f.memory.asked + 1;
    assert_int_equal(REGISTER(NULL, 0, 0x1000), ESP_ERR_NO_MEM);
    f.memory.fail_at = 0;
    assert_int_equal(REGISTER(NULL, 0, 0x1000), ESP_OK);
    assert_int_equal(REGISTER(NULL, 0xFFF, 0x1000), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_register_external(NULL, 0x1000, 0x1000, NULL, ESP_PARTITION_TYPE_DATA,
                                                     ESP_PARTITION_SUBTYPE_DATA_FAT, NULL),
                     ESP_OK);
#undef REGISTER
    fixture_stop(&f);
}

static void a_registered_partition_in_use_stays(void **state)
{
    struct fixture f;
    esp_ota_handle_t h;
    (void)state;
    fixture_start(&f);
    const esp_partition_t *boot = bootloader();
    assert_int_equal(esp_ota_begin(boot, OTA_WITH_SEQUENTIAL_WRITES, &h), ESP_OK);
    assert_int_equal(esp_partition_deregister_external(boot), ESP_ERR_INVALID_STATE);
    esp_partition_unload_all();
    assert_ptr_equal(part("boot"), boot);
    assert_int_equal(esp_ota_abort(h), ESP_OK);
    assert_int_equal(esp_partition_deregister_external(boot), ESP_OK);
    fixture_stop(&f);
}

static void the_encrypted_flag_of_the_table_does_not_reach_the_application(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, NULL);
    for (unsigned i = 0; i < f.t.board.table.count; i++)
        f.t.board.table.part[i].flags = UD_PART_FLAG_ENCRYPTED;
    fixture_go(&f);
    const esp_partition_t *nvs = part("nvs");
    assert_false(nvs->encrypted); /* flash encryption is off */
    assert_false(esp_efuse_is_flash_encryption_enabled());
    assert_ptr_equal(esp_partition_verify(nvs), nvs);
    fixture_stop(&f);
}

/* ---- mmap --------------------------------------------------------------------------------------------------------- */

static void a_mapping_shows_flash_until_it_is_taken_down(void **state)
{
    struct fixture f;
    const void *ptr[2];
    esp_partition_mmap_handle_t handle[2];
    (void)state;
    fixture_start(&f);
    const esp_partition_t *app = part("ota_0");
    assert_int_equal(esp_partition_mmap(app, 33, 5000, ESP_PARTITION_MMAP_DATA, &ptr[0], &handle[0]), ESP_OK);
    assert_int_equal(esp_partition_mmap(app, 0, 256, ESP_PARTITION_MMAP_INST, &ptr[1], &handle[1]), ESP_OK);
    assert_memory_equal(ptr[0], f.t.bytes + app->address + 33, 5000);
    assert_memory_equal(ptr[1], f.t.bytes + app->address, 256);
    assert_true(handle[0] != 0 && handle[0] != handle[1]);
    esp_partition_munmap(handle[0]);
    esp_partition_munmap(handle[0]);
    esp_partition_munmap(0);
    assert_memory_equal(ptr[1], f.t.bytes + app->address, 256);
    fixture_stop(&f); /* the other ends with the world */
}

static void mapping_refuses_with_codes(void **state)
{
    struct fixture f;
    const void *ptr;
    esp_partition_mmap_handle_t handle;
    (void)state;
    fixture_start(&f);
    const esp_partition_t *p = part("nvs");
#define MMAP(p, off, len) esp_partition_mmap(p, off, len, ESP_PARTITION_MMAP_DATA, &ptr, &handle)
    assert_int_equal(MMAP(NULL, 0, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(MMAP(p, p->size + 1, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(MMAP(p, 1, p->size), ESP_ERR_INVALID_SIZE);
    assert_int_equal(MMAP(p, p->size, 0), ESP_OK);
    assert_int_equal(esp_partition_mmap(p, 0, 1, ESP_PARTITION_MMAP_DATA, NULL, &handle), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_mmap(p, 0, 1, ESP_PARTITION_MMAP_DATA, &ptr, NULL), ESP_ERR_INVALID_ARG);
    esp_partition_t other = *p;
    other.flash_chip = (esp_flash_t *)&f;
    assert_int_equal(MMAP(&other, 0, 1), ESP_ERR_NOT_SUPPORTED);
    f.memory.fail_at = f.memory.asked + 1;
    assert_int_equal(MMAP(p, 0, 1), ESP_ERR_NO_MEM);
    f.memory.fail_at = 0;
    fail_flash_arm(&f.t.fail, FAIL_READ_ONCE, 0);
    assert_int_equal(MMAP(p, 0, 1), ESP_ERR_FLASH_OP_FAIL);
    fail_flash_arm(&f.t.fail, FAIL_NEVER, 0);
#undef MMAP
    fixture_stop(&f);
}

/* ---- copy --------------------------------------------------------------------------------------------------------- */

static void copies_are_bounded(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f);
    const esp_partition_t *src = part("ota_0");
    const esp_partition_t *dst = part("ota_1");
    memset(f.t.bytes + dst->address, 0, dst->size);
    assert_int_equal(esp_partition_copy(NULL, 0, src, 0, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_copy(dst, 0, NULL, 0, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_copy(dst, 0, dst, 0, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_copy(dst, dst->size + 1, src, 0, 0), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_copy(dst, 0, src, src->size + 1, 0), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_copy(dst, 0, src, 0x1000, src->size), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_copy(part("nvs"), 0, src, 0, src->size), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_copy(part("nvs"), 0, src, 0, SIZE_MAX), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_partition_copy(dst, 1, src, 0, 1), ESP_ERR_INVALID_ARG);
    esp_partition_t other = *src;
    other.flash_chip = (esp_flash_t *)&f;
    assert_int_equal(esp_partition_copy(dst, 0, &other, 0, 1), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(f.t.rec.count, 0);

    assert_int_equal(esp_partition_copy(dst, 0x1000, src, 0, 300), ESP_OK); /* one sector is erased */
    assert_memory_equal(f.t.bytes + dst->address + 0x1000, f.t.bytes + src->address, 300);
    assert_int_equal(f.t.bytes[dst->address + 0x1FFF], 0xFF);
    assert_int_equal(f.t.bytes[dst->address + 0x2000], 0);
    assert_int_equal(esp_partition_copy(dst, 0x2000, src, 0x4000, SIZE_MAX), ESP_OK); /* the rest */
    assert_int_equal(f.t.bytes[dst->address + dst->size - 1], 0xFF);
    assert_int_equal(esp_partition_copy(dst, 0, src, 0, SIZE_MAX), ESP_OK);
    assert_true(esp_partition_check_identity(src, dst));
    fixture_stop(&f);
}

/* ---- block devices, the chip -------------------------------------------------------------------------------------- */

static void a_partition_is_a_block_device(void **state)
{
    struct fixture f;
    esp_blockdev_handle_t dev;
    uint8_t buf[8];
    (void)state;
    fixture_start(&f);
    assert_int_equal(esp_partition_get_blockdev(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "none", &dev),
                     ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_partition_get_blockdev(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "nvs", NULL),
                     ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_ptr_get_blockdev(NULL, &dev), ESP_ERR_INVALID_ARG);
    f.memory.fail_at = f.memory.asked + 1;
    assert_int_equal(esp_partition_ptr_get_blockdev(part("nvs"), &dev), ESP_ERR_NO_MEM);
    f.memory.fail_at = 0;
    assert_int_equal(esp_partition_get_blockdev(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "nvs", &dev),
                     ESP_OK);
    assert_int_equal(dev->geometry.disk_size, 0x4000);
    assert_int_equal(dev->geometry.erase_size, 4096);
    assert_int_equal(dev->geometry.read_size, 1);
    assert_int_equal(dev->geometry.write_size, 1);
    assert_false(dev->device_flags.read_only);
    assert_int_equal(dev->ops->erase(dev, 0, 4096), ESP_OK);
    assert_int_equal(dev->ops->write(dev, (const uint8_t *)"block", 7, 5), ESP_OK);
    assert_int_equal(dev->ops->read(dev, buf, sizeof buf, 7, 5), ESP_OK);
    assert_memory_equal(buf, "block", 5);
    assert_int_equal(dev->ops->read(dev, buf, 4, 7, 5), ESP_ERR_INVALID_ARG);
    assert_int_equal(dev->ops->read(dev, buf, 1, UINT64_C(1) << 40, 1), ESP_ERR_INVALID_ARG);
    assert_int_equal(dev->ops->write(dev, (const uint8_t *)"x", 0x4000, 1), ESP_ERR_INVALID_SIZE);
    assert_int_equal(dev->ops->erase(dev, 0, 100), ESP_ERR_INVALID_SIZE);
    assert_int_equal(dev->ops->sync(dev), ESP_OK);
    assert_int_equal(dev->ops->ioctl(dev, 1, NULL), ESP_ERR_NOT_SUPPORTED);
    assert_int_equal(dev->ops->release(dev), ESP_OK);
    assert_int_equal(f.memory.out, 0);
    fixture_stop(&f);
}

static void the_flash_is_one_chip(void **state)
{
    struct fixture f;
    uint32_t size = 0;
    uint8_t buf[4];
    (void)state;
    fixture_start(&f);
    assert_int_equal(esp_flash_get_size(NULL, &size), ESP_OK);
    assert_int_equal(size, f.t.size);
    assert_int_equal(esp_flash_get_size(esp_flash_default_chip, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_flash_erase_region(esp_flash_default_chip, 0, 0x2000), ESP_OK);
    assert_int_equal(esp_flash_write(NULL, "over", 0xFFE, 4), ESP_OK);
    assert_int_equal(esp_flash_read(NULL, buf, 0xFFE, 4), ESP_OK);
    assert_memory_equal(buf, "over", 4);
    assert_int_equal(esp_flash_read(NULL, buf, size + 1, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_flash_read(NULL, buf, size - 3, 4), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_flash_read(NULL, NULL, 0, 4), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_flash_write(NULL, NULL, 0, 4), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_flash_erase_region(NULL, 1, 0x1000), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_flash_erase_region(NULL, 0, 0x1001), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_flash_read((esp_flash_t *)&f, buf, 0, 4), ESP_ERR_INVALID_ARG);
    fail_flash_arm(&f.t.fail, FAIL_ONCE, 0);
    assert_int_equal(esp_flash_erase_region(NULL, 0, 0x1000), ESP_ERR_FLASH_OP_FAIL);
    fixture_stop(&f);
}

/* ---- tables in memory, regions ------------------------------------------------------------------------------------ */

static void tables_in_memory_are_checked(void **state)
{
    struct fixture f;
    int n = 7;
    static const uint8_t end[32] = { [0 ... 31] = 0xFF };
    (void)state;
    fixture_start(&f);
    esp_partition_info_t rows[ESP_PARTITION_TABLE_MAX_ENTRIES];
    memcpy(rows, f.t.bytes + 0x8000, sizeof rows);
    assert_int_equal(esp_partition_table_verify(rows, true, &n), ESP_OK);
    assert_int_equal(n, 5); /* without an MD5 entry, as it is */
    assert_int_equal(esp_partition_table_verify(NULL, true, &n), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_partition_table_verify(rows, true, NULL), ESP_ERR_INVALID_ARG);
    rows[1].pos.offset = f.t.size;
    assert_int_equal(esp_partition_table_verify(rows, false, &n), ESP_ERR_INVALID_SIZE);
    assert_int_equal(n, 0);
    rows[1].magic = 0x1234;
    assert_int_equal(esp_partition_table_verify(rows, false, &n), ESP_ERR_INVALID_STATE);
    memcpy(rows, end, sizeof end); /* an end in the first row is no table */
    assert_int_equal(esp_partition_table_verify(rows, false, &n), ESP_ERR_INVALID_STATE);
    fixture_stop(&f);
}

static void regions_that_may_be_written(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, NULL);
    f.t.board.table.part[0].flags = UD_PART_FLAG_READONLY; /* nvs: 0x9000 to 0xD000 */
    fixture_go(&f);
    assert_true(esp_partition_is_flash_region_writable(0x8000, 0x1000));
    assert_false(esp_partition_is_flash_region_writable(0x8000, 0x1001));
    assert_false(esp_partition_is_flash_region_writable(0xCFFF, 1));
    assert_true(esp_partition_is_flash_region_writable(0xD000, 1));
    assert_false(esp_partition_is_flash_region_writable(1, SIZE_MAX));
    assert_int_equal(esp_partition_write(part("nvs"), 0, "x", 1), ESP_ERR_NOT_ALLOWED);
    const esp_partition_t *runs = part("ota_0");
    assert_false(esp_partition_main_flash_region_safe(0x8C00, 1));
    assert_true(esp_partition_main_flash_region_safe(0x8C01, 1));
    assert_true(esp_partition_main_flash_region_safe(runs->address - 1, 1));
    assert_false(esp_partition_main_flash_region_safe(runs->address - 1, 2));
    assert_false(esp_partition_main_flash_region_safe(runs->address + 5, 1));
    assert_true(esp_partition_main_flash_region_safe(runs->address + runs->size, 1));
    fixture_stop(&f);
}

/* ---- boot loaders ------------------------------------------------------------------------------------------------- */

static void which_address_is_a_boot_loaders_is_global(void **state)
{
    struct fixture f;
    esp_ota_handle_t h;
    uint32_t len;
    uint32_t found = 1;
    (void)state;
    fixture_start(&f);
    const esp_partition_t *boot = bootloader();
    const esp_partition_t *slot = part("ota_1");
    uint8_t *image = test_image_make(&(struct test_image){ .payload = 3000 }, &len);
    image[len - 1] ^= 1; /* only a boot loader's digest is not compared */
    assert_int_equal(esp_image_bootloader_offset_get(), 0);
    assert_int_equal(esp_image_verify_bootloader(&found), ESP_ERR_IMAGE_INVALID);
    assert_int_equal(found, 0);

    assert_int_equal(esp_ota_begin(slot, OTA_SIZE_UNKNOWN, &h), ESP_OK);
    assert_int_equal(esp_ota_set_final_partition(h, boot, true), ESP_OK);
    assert_int_equal(esp_image_bootloader_offset_get(), slot->address);
    assert_int_equal(esp_ota_write(h, image, len), ESP_OK);
    assert_int_equal(esp_image_verify_bootloader(&found), ESP_OK); /* as staged */
    assert_int_equal(found, len);
    assert_int_equal(esp_ota_end(h), ESP_OK);
    assert_int_equal(esp_image_bootloader_offset_get(), 0);
    assert_int_equal(esp_image_verify_bootloader(NULL), ESP_OK); /* as copied */
    esp_image_metadata_t data;
    assert_int_equal(esp_image_verify_bootloader_data(&data), ESP_OK);
    assert_int_equal(data.start_addr, 0);
    assert_int_equal(esp_image_verify_bootloader_data(NULL), ESP_ERR_INVALID_ARG);
    esp_partition_pos_t pos = { .offset = slot->address, .size = slot->size };
    assert_int_equal(esp_image_verify(ESP_IMAGE_VERIFY_SILENT, &pos, &data), ESP_ERR_IMAGE_INVALID);

    assert_int_equal(esp_ota_begin(boot, OTA_SIZE_UNKNOWN, &h), ESP_OK); /* in place */
    assert_int_equal(esp_ota_abort(h), ESP_OK);
    assert_int_equal(esp_ota_begin(slot, OTA_SIZE_UNKNOWN, &h), ESP_OK);
    assert_int_equal(esp_ota_set_final_partition(h, boot, false), ESP_OK);
    assert_int_equal(esp_ota_abort(h), ESP_OK);
    assert_int_equal(esp_image_bootloader_offset_get(), slot->address); /* abort does not reset it */
    esp_image_bootloader_offset_set(f.t.size);
    assert_int_equal(esp_image_verify_bootloader(&found), ESP_ERR_INVALID_SIZE);
    free(image);
    fixture_stop(&f);
}

static void the_description_of_a_boot_loader_is_read(void **state)
{
    struct fixture f;
    esp_bootloader_desc_t desc;
    const esp_bootloader_desc_t want = { .magic_byte = 80, .version = 5, .idf_ver = "v6.2" };
    (void)state;
    fixture_start(&f);
    assert_int_equal(esp_ota_get_bootloader_description(NULL, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_get_bootloader_description(NULL, &desc), ESP_ERR_NOT_FOUND);
    test_board_put_bytes(&f.t, 32, &want, sizeof want);
    assert_int_equal(esp_ota_get_bootloader_description(NULL, &desc), ESP_OK);
    assert_memory_equal(&desc, &want, sizeof want);
    test_board_put_bytes(&f.t, part("ota_1")->address + 32, &want, sizeof want);
    assert_int_equal(esp_ota_get_bootloader_description(part("ota_1"), &desc), ESP_OK); /* staged there */
    assert_int_equal(esp_ota_get_bootloader_description(part("ota_0"), &desc), ESP_ERR_NOT_FOUND);
    fail_flash_arm(&f.t.fail, FAIL_READ_ONCE, 0);
    assert_int_equal(esp_ota_get_bootloader_description(NULL, &desc), ESP_ERR_FLASH_OP_FAIL);
    fail_flash_arm(&f.t.fail, FAIL_NEVER, 0);
    fixture_stop(&f);
}

static void headers_are_judged_as_what_they_are(void **state)
{
    struct fixture f;
    uint32_t len;
    (void)state;
    fixture_start(&f);
    uint8_t *image = test_image_make(&(struct test_image){ .max_revision = 3 }, &len);
    const esp_image_header_t *h = (const esp_image_header_t *)image;
    f.t.board.revision = 4;
    assert_false(bootloader_common_check_chip_revision_validity(h, true));
    assert_true(bootloader_common_check_chip_revision_validity(h, false));
    assert_int_equal(bootloader_common_check_chip_validity(h, ESP_IMAGE_APPLICATION), ESP_FAIL);
    assert_int_equal(bootloader_common_check_chip_validity(h, ESP_IMAGE_BOOTLOADER), ESP_OK);
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_APP, h, NULL), ESP_ERR_INVALID_VERSION);
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_BOOTLOADER, h, NULL), ESP_OK);
    image[12] = 9; /* another chip */
    assert_true(bootloader_common_check_chip_revision_validity(h, false));
    assert_int_equal(bootloader_common_check_chip_validity(h, ESP_IMAGE_BOOTLOADER), ESP_FAIL);
    assert_int_equal(esp_ota_check_image_validity(ESP_PARTITION_TYPE_BOOTLOADER, h, NULL), ESP_ERR_INVALID_VERSION);
    assert_int_equal(bootloader_common_check_chip_validity(NULL, ESP_IMAGE_APPLICATION), ESP_FAIL);
    assert_int_equal(bootloader_common_check_efuse_blk_validity(0, 65535), ESP_OK);
    f.t.board.accepted_chip_id = UD_CHIP_ID_HOST; /* its boot loader is the chip's all the same */
    image[12] = 5;
    assert_int_equal(bootloader_common_check_chip_validity(h, ESP_IMAGE_BOOTLOADER), ESP_OK);
    free(image);

    esp_partition_pos_t pos = { .offset = part("ota_0")->address, .size = part("ota_0")->size };
    esp_image_metadata_t data;
    assert_int_equal(bootloader_load_image(&pos, &data), ESP_FAIL);
    assert_int_equal(bootloader_load_image_no_verify(&pos, &data), ESP_FAIL);
    uint8_t sha[2][32];
    assert_int_equal(bootloader_common_get_sha256_of_partition(pos.offset, pos.size, PART_TYPE_APP, sha[0]), ESP_OK);
    assert_int_equal(esp_partition_get_sha256(part("ota_0"), sha[1]), ESP_OK);
    assert_memory_equal(sha[0], sha[1], 32);
    assert_int_equal(bootloader_common_get_sha256_of_partition(0, 0, PART_TYPE_DATA, sha[0]), ESP_ERR_INVALID_ARG);
    fixture_stop(&f);
}

static void entries_are_chosen_by_their_number(void **state)
{
    static const struct {
        uint32_t seq[2];
        bool valid[2];
        int max, min;
    } rows[] = {
        { { 1, 2 }, { true, true }, 1, 0 },  { { 3, 2 }, { true, true }, 0, 1 },
        { { 2, 2 }, { true, true }, 0, 0 },  { { 1, 2 }, { true, false }, 0, 0 },
        { { 3, 2 }, { false, true }, 1, 1 }, { { 1, 2 }, { false, false }, -1, -1 },
    };
    (void)state;
    for (size_t i = 0; i < UD_ARRAY_LEN(rows); i++) {
        esp_ota_select_entry_t two[2] = { { .ota_seq = rows[i].seq[0] }, { .ota_seq = rows[i].seq[1] } };
        bool valid[2] = { rows[i].valid[0], rows[i].valid[1] };
        assert_int_equal(bootloader_common_select_otadata(two, valid, true), rows[i].max);
        assert_int_equal(bootloader_common_select_otadata(two, valid, false), rows[i].min);
        assert_int_equal(bootloader_common_select_otadata(NULL, valid, true), -1);
        assert_int_equal(bootloader_common_select_otadata(two, NULL, true), -1);
    }
}

/* ---- sessions ----------------------------------------------------------------------------------------------------- */

static void sessions_resume_and_write_at_offsets(void **state)
{
    struct fixture f;
    esp_ota_handle_t h = 0;
    uint32_t len;
    (void)state;
    fixture_start(&f);
    uint8_t *image = test_image_make(&(struct test_image){ .payload = 9000 }, &len);
    const esp_partition_t *slot = part("ota_1");
    assert_int_equal(esp_ota_resume(NULL, 0, 0, &h), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_resume(slot, 0, 0, NULL), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_resume(slot, 0, slot->size + 1, &h), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_resume(part("ota_0"), 0, 0, &h), ESP_ERR_OTA_PARTITION_CONFLICT);
    assert_int_equal(h, 0);
    assert_int_equal(esp_ota_begin(slot, OTA_WITH_SEQUENTIAL_WRITES, &h), ESP_OK);
    assert_int_equal(esp_ota_write_with_offset(h, image, 1, 0), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_ota_write(h, image, 5000), ESP_OK);
    assert_int_equal(esp_ota_abort(h), ESP_OK);
    assert_int_equal(esp_ota_resume(slot, (size_t)-2, 5000, &h), ESP_OK); /* an int of OTA_WITH_SEQUENTIAL_WRITES */
    assert_int_equal(esp_ota_write(h, image + 5000, len - 5000), ESP_OK);
    assert_int_equal(esp_ota_end(h), ESP_OK);

    assert_int_equal(esp_ota_begin(slot, 0, &h), ESP_OK);
    assert_int_equal(esp_ota_write_with_offset(h, NULL, 1, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_write_with_offset(h + 1, image, 1, 0), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_write_with_offset(h, image, 2, slot->size - 1), ESP_ERR_INVALID_SIZE);
    assert_int_equal(esp_ota_write_with_offset(h, image + 4000, len - 4000, 4000), ESP_OK);
    assert_int_equal(esp_ota_write_with_offset(h, image, 4000, 0), ESP_OK);
    assert_int_equal(esp_ota_end(h), ESP_OK);
    assert_memory_equal(f.t.bytes + slot->address, image, len);
    free(image);
    fixture_stop(&f);
}

static void the_final_partition_is_said_before_the_first_byte(void **state)
{
    struct fixture f;
    esp_ota_handle_t h;
    (void)state;
    fixture_start(&f);
    const esp_partition_t *slot = part("ota_1");
    esp_partition_t stranger = *part("nvs");
    stranger.size -= 4096;
    assert_int_equal(esp_ota_set_final_partition(1, slot, true), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_ota_begin(slot, OTA_WITH_SEQUENTIAL_WRITES, &h), ESP_OK);
    assert_int_equal(esp_ota_set_final_partition(h, NULL, true), ESP_ERR_INVALID_ARG);
    assert_int_equal(esp_ota_set_final_partition(h, &stranger, true), ESP_ERR_NOT_FOUND);
    assert_int_equal(esp_ota_set_final_partition(h, slot, true), ESP_OK);
    assert_int_equal(esp_ota_set_final_partition(h, part("nvs"), true), ESP_OK);
    assert_int_equal(esp_ota_write(h, "storage", 7), ESP_OK);
    assert_int_equal(esp_ota_set_final_partition(h, &stranger, true), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_ota_set_final_partition(h, part("nvs"), true), ESP_ERR_INVALID_STATE);
    assert_int_equal(esp_ota_end(h), ESP_OK);
    assert_memory_equal(f.t.bytes + part("nvs")->address, "storage", 7);
    fixture_stop(&f);
}

/* ESP-IDF asserts. */
static void what_is_in_no_table_has_no_next(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f);
    esp_partition_t stranger = *part("ota_0");
    stranger.size -= 4096;
    assert_null(esp_ota_get_next_update_partition(&stranger));
    assert_ptr_equal(esp_ota_get_next_update_partition(bootloader()), part("ota_0")); /* no slot: the first one */
    fixture_stop(&f);
}

/* ---- the secure version ------------------------------------------------------------------------------------------- */

static void the_secure_version_is_in_the_efuses(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f);
    assert_int_equal(esp_efuse_read_secure_version(), 0);
    assert_int_equal(esp_efuse_update_secure_version(3), ESP_OK);
    assert_int_equal(esp_efuse_read_secure_version(), 3);
    assert_true(esp_efuse_check_secure_version(3));
    assert_false(esp_efuse_check_secure_version(2));
    assert_int_equal(esp_efuse_update_secure_version(2), ESP_FAIL);
    assert_int_equal(esp_efuse_update_secure_version(17), ESP_ERR_INVALID_ARG);
    f.t.efuse_fails = true;
    assert_false(esp_efuse_check_secure_version(15)); /* nothing passes */
    fixture_stop(&f);
    assert_int_equal(esp_efuse_update_secure_version(1), ESP_ERR_INVALID_STATE);
}

static void applications_with_anti_rollback_follow_their_option(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, NULL);
    f.config.app_rollback = f.config.app_anti_rollback = true;
    test_board_put_app(&f.t, "ota_0", TEST_IMAGE_GOOD, 2);
    test_board_put_app(&f.t, "ota_1", TEST_IMAGE_GOOD, 1);
    test_board_put_entry(&f.t, 0, 1, UD_OTA_PENDING_VERIFY);
    fixture_go(&f);
    assert_int_equal(esp_ota_mark_app_valid_cancel_rollback(), ESP_OK);
    assert_int_equal(esp_efuse_read_secure_version(), 2);
    assert_int_equal(esp_ota_set_boot_partition(part("ota_1")), ESP_ERR_OTA_SMALL_SEC_VER);
    assert_int_equal(f.t.bytes[part("ota_1")->address], 0xFF); /* erased */
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registered_partitions_are_found_used_and_forgotten),
        cmocka_unit_test(registering_refuses_with_codes),
        cmocka_unit_test(a_registered_partition_in_use_stays),
        cmocka_unit_test(the_encrypted_flag_of_the_table_does_not_reach_the_application),
        cmocka_unit_test(a_mapping_shows_flash_until_it_is_taken_down),
        cmocka_unit_test(mapping_refuses_with_codes),
        cmocka_unit_test(copies_are_bounded),
        cmocka_unit_test(a_partition_is_a_block_device),
        cmocka_unit_test(the_flash_is_one_chip),
        cmocka_unit_test(tables_in_memory_are_checked),
        cmocka_unit_test(regions_that_may_be_written),
        cmocka_unit_test(which_address_is_a_boot_loaders_is_global),
        cmocka_unit_test(the_description_of_a_boot_loader_is_read),
        cmocka_unit_test(headers_are_judged_as_what_they_are),
        cmocka_unit_test(entries_are_chosen_by_their_number),
        cmocka_unit_test(sessions_resume_and_write_at_offsets),
        cmocka_unit_test(the_final_partition_is_said_before_the_first_byte),
        cmocka_unit_test(what_is_in_no_table_has_no_next),
        cmocka_unit_test(the_secure_version_is_in_the_efuses),
        cmocka_unit_test(applications_with_anti_rollback_follow_their_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
