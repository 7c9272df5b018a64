/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a board: made all or none, opened with clear refusals, locked against a second writer. */
#include "lab_kit.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "updraft/ota.h"

#define SLOT  0x10000u
#define FLASH 0x40000u

static int setup(void **state)
{
    *state = kit_new(SLOT, FLASH);
    return 0;
}

static int teardown(void **state)
{
    kit_free(*state);
    return 0;
}

/* A C3 board with an app of its own. */
static uint8_t *put_app(struct kit *k, uint16_t chip, uint32_t payload)
{
    uint8_t *raw = calloc(1, payload);
    uint32_t len;
    assert_non_null(raw);
    uint8_t *image = kit_image(chip, "1.0.0", raw, payload, &len);
    free(raw);
    k->create.settings.runs = UD_LAB_RUNS_NONE;
    k->create.app = (struct ud_lab_content){ NULL, "app.bin", image, len };
    return image;
}

static void a_new_board_is_blank_but_for_its_table(void **state)
{
    struct kit *k = *state;
    kit_create(k);
    assert_int_equal(kit_count_files(k), 3);
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_OK);
    assert_int_equal(k->lab.board.table.count, 4);
    assert_int_equal(k->lab.boot_err, ESP_ERR_NOT_FOUND);
    assert_null(k->lab.board.running);
    assert_int_equal(k->lab.holder, 0);
    uint8_t byte, fuse = 1;
    for (uint32_t addr = 0; addr < FLASH; addr += 0x1000) {
        assert_int_equal(ud_flash_read(&k->lab.flash, addr, &byte, 1), ESP_OK);
        assert_int_equal(byte, addr == 0x8000 ? 0xAA : 0xFF);
    }
    assert_int_equal(ud_efuse_read(&k->lab.board.efuse, UD_EFUSE_SIZE - 1, &fuse, 1), ESP_OK);
    assert_int_equal(fuse, 0);
    ud_lab_board_close(&k->lab);
}

static void the_app_goes_into_the_first_slot_and_is_what_runs(void **state)
{
    struct kit *k = *state;
    uint8_t *image = put_app(k, 5, 600);
    const struct ud_lab_content cfg = { "cfg", "cfg.txt", "hello", 5 };
    k->create.content = &cfg;
    k->create.content_count = 1;
    kit_create(k);
    free(image);
    assert_int_equal(kit_open(k, UD_LAB_WRITE), ESP_OK);
    assert_int_equal(k->lab.boot_err, ESP_OK);
    assert_non_null(k->lab.board.running);
    assert_string_equal(k->lab.board.running->label, "ota_0");
    char text[6] = "";
    assert_int_equal(ud_flash_read(&k->lab.flash, 0xF000, text, 5), ESP_OK);
    assert_string_equal(text, "hello");
    ud_lab_board_close(&k->lab);
}

static void a_factory_partition_takes_the_app(void **state)
{
    struct kit *k = *state;
    kit_add(&k->table, UD_PART_APP, UD_PART_APP_FACTORY, "factory", 0x30000, SLOT);
    assert_string_equal(ud_lab_app_slot(&k->table)->label, "factory");
}

static void an_app_that_would_not_boot_is_refused(void **state)
{
    struct kit *k = *state;
    uint8_t *image = put_app(k, 9, 600); /* of an S3 */
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_ERR_INVALID_ARG);
    assert_says(k->why, "app.bin is for ESP32-S3, the board is an ESP32-C3: use --chip esp32s3");
    k->create.settings.runs = UD_LAB_RUNS_HOST;
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_ERR_INVALID_ARG);
    assert_says(k->why, "--runs none");
    free(image);

    image = put_app(k, 5, SLOT);
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_ERR_INVALID_SIZE);
    assert_says(k->why, "ota_0 has 65536");
    free(image);

    image = put_app(k, 5, 600);
    image[300] ^= 1;
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_ERR_IMAGE_INVALID);
    assert_says(k->why, "app.bin would not boot on this board");
    free(image);
    assert_int_equal(kit_count_files(k), 0);
}

static void content_without_a_place_is_refused(void **state)
{
    struct kit *k = *state;
    static uint8_t large[0x1001];
    struct ud_lab_content content = { "nowhere", "cfg.txt", "x", 1 };
    k->create.content = &content;
    k->create.content_count = 1;
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_ERR_NOT_FOUND);
    assert_says(k->why, "no partition 'nowhere'");
    content = (struct ud_lab_content){ "cfg", "cfg.txt", large, sizeof large };
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_ERR_INVALID_SIZE);
    assert_says(k->why, "4097 bytes");
    k->create.content_count = 0;
    k->create.settings.flash_size = 0x20000; /* less than the table needs */
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_ERR_INVALID_SIZE);
    assert_says(k->why, "--flash-size");
    assert_int_equal(kit_count_files(k), 0);
}

static void an_existing_file_is_not_replaced_without_force(void **state)
{
    struct kit *k = *state;
    char path[128];
    snprintf(path, sizeof path, "%s.efuse", k->board);
    kit_write(path, "mine", 4);
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_ERR_INVALID_STATE);
    assert_says(k->why, "b.flash.efuse exists already");
    assert_int_equal(kit_count_files(k), 1);
    k->create.force = true;
    kit_create(k);
    assert_int_equal(kit_count_files(k), 3);
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_OK);
    ud_lab_board_close(&k->lab);
}

/* A limit on the size of files stands for the full disk: the write stops in the middle. */
static void a_full_disk_leaves_nothing_behind(void **state)
{
    struct kit *k = *state;
    struct rlimit before, small = { FLASH / 2, RLIM_INFINITY };
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    esp_err_t err = ud_lab_board_create(&k->create, k->why, sizeof k->why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(err, ESP_FAIL);
    assert_says(k->why, "cannot write");
    assert_says(k->why, "b.flash");
    assert_int_equal(kit_count_files(k), 0);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct kit *k = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/none/b.flash", k->dir);
    k->create.path = path;
    assert_int_equal(ud_lab_board_create(&k->create, k->why, sizeof k->why), ESP_FAIL);
    assert_says(k->why, "/none/b.flash");
    assert_says(k->why, "No such file");
}

static void an_incomplete_board_is_refused_by_name(void **state)
{
    struct kit *k = *state;
    char path[128];
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_ERR_NOT_FOUND);
    assert_says(k->why, "b.flash is not there");
    assert_says(k->why, "updraft board create");
    kit_create(k);

    kit_settings(k, "{\"chip\":\"esp32c3\",\"flash_size\":\"4MB\"}");
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_ERR_INVALID_SIZE);
    assert_says(k->why, "b.flash has 262144 bytes");
    kit_settings(k, "{\"chip\":\"esp32c3\",\"flash_size\":\"256KB\",\"colour\":\"red\"}");
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_ERR_INVALID_ARG);
    assert_says(k->why, "b.flash.json: \"colour\" is not a setting");
    kit_settings(k, "{\"chip\":\"esp32c3\",\"flash_size\":\"256KB\"}");
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_OK);
    ud_lab_board_close(&k->lab);

    snprintf(path, sizeof path, "%s.efuse", k->board);
    kit_write(path, "short", 5);
    assert_int_equal(kit_open(k, UD_LAB_WRITE), ESP_ERR_INVALID_SIZE);
    assert_says(k->why, "b.flash.efuse has 5 bytes");
    unlink(path);
    assert_int_equal(kit_open(k, UD_LAB_WRITE), ESP_ERR_NOT_FOUND);
    assert_says(k->why, "b.flash.efuse is not there");
    snprintf(path, sizeof path, "%s.json", k->board);
    unlink(path);
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_ERR_NOT_FOUND);
    assert_says(k->why, "b.flash.json is not there");
}

static void a_flash_without_a_table_opens_for_its_files_only(void **state)
{
    struct kit *k = *state;
    kit_create(k);
    assert_int_equal(kit_open(k, UD_LAB_WRITE), ESP_OK);
    assert_int_equal(ud_flash_erase(&k->lab.flash, 0x8000, 0x1000), ESP_OK);
    ud_lab_board_close(&k->lab);
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_FAIL);
    assert_says(k->why, "no partition table at 0x8000");
    assert_int_equal(kit_open(k, UD_LAB_READ | UD_LAB_FILES_ONLY), ESP_OK);
    ud_lab_board_close(&k->lab);
}

static void a_second_writer_is_told_who_holds_the_board(void **state)
{
    struct kit *k = *state;
    char pid[32];
    int ready[2];
    kit_create(k);
    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    assert_true(holder >= 0);
    if (holder == 0) {
        int fd = open(k->board, O_RDWR);
        char byte = fd >= 0 && flock(fd, LOCK_EX) == 0;
        if (write(ready[1], &byte, 1) == 1)
            pause();
        _exit(0);
    }
    char locked = 0;
    assert_int_equal(read(ready[0], &locked, 1), 1);
    assert_true(locked);
    snprintf(pid, sizeof pid, "process %d", (int)holder);
    esp_err_t write_err = kit_open(k, UD_LAB_WRITE);
    esp_err_t read_err = ud_lab_board_open(k->board, UD_LAB_READ, &k->lab, NULL, 0);
    pid_t seen = k->lab.holder;
    k->create.force = true;
    char why[UD_LAB_WHY];
    esp_err_t force_err = ud_lab_board_create(&k->create, why, sizeof why);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(write_err, ESP_ERR_INVALID_STATE);
    assert_says(k->why, pid);
    assert_int_equal(read_err, ESP_OK);
    assert_int_equal(seen, holder);
    ud_lab_board_close(&k->lab);
    assert_int_equal(force_err, ESP_ERR_INVALID_STATE);
    assert_says(why, pid);
    assert_int_equal(kit_open(k, UD_LAB_WRITE), ESP_OK); /* free again */
    ud_lab_board_close(&k->lab);
}

static void content_of_an_open_board_is_replaced_whole(void **state)
{
    struct kit *k = *state;
    char text[8];
    static uint8_t large[0x1001];
    kit_create(k);
    assert_int_equal(kit_open(k, UD_LAB_WRITE), ESP_OK);
    assert_int_equal(
        ud_lab_board_put(&k->lab, &(struct ud_lab_content){ "cfg", "a", "longer", 6 }, k->why, sizeof k->why), ESP_OK);
    assert_int_equal(ud_lab_board_put(&k->lab, &(struct ud_lab_content){ "cfg", "a", "new", 3 }, k->why, sizeof k->why),
                     ESP_OK);
    assert_int_equal(ud_flash_read(&k->lab.flash, 0xF000, text, 7), ESP_OK);
    assert_memory_equal(text, "new\xFF\xFF\xFF\xFF", 7);
    assert_int_equal(
        ud_lab_board_put(&k->lab, &(struct ud_lab_content){ "cfg", "a", large, sizeof large }, k->why, sizeof k->why),
        ESP_ERR_INVALID_SIZE);
    assert_int_equal(ud_lab_board_put(&k->lab, &(struct ud_lab_content){ "none", "a", "x", 1 }, k->why, sizeof k->why),
                     ESP_ERR_NOT_FOUND);
    assert_says(k->why, "no partition 'none'");
    ud_lab_board_close(&k->lab);
}

static void pins_are_held_only_by_driven_inputs(void **state)
{
    struct kit *k = *state;
    kit_create(k);
    kit_settings(k, "{\"chip\":\"esp32c3\",\"flash_size\":\"256KB\",\"bootloader\":{\"factory_reset_pin\":4,"
                    "\"test_pin\":5},\"inputs\":{\"5\":0}}");
    assert_int_equal(kit_open(k, UD_LAB_READ), ESP_OK);
    struct ud_boot_device dev = ud_lab_boot_device(&k->lab, NULL);
    assert_false(dev.settings.factory_reset_pin);
    assert_true(dev.settings.test_pin);
    ud_lab_board_close(&k->lab);
}

#define WITH_BOARD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOARD(a_new_board_is_blank_but_for_its_table),
        WITH_BOARD(the_app_goes_into_the_first_slot_and_is_what_runs),
        WITH_BOARD(a_factory_partition_takes_the_app),
        WITH_BOARD(an_app_that_would_not_boot_is_refused),
        WITH_BOARD(content_without_a_place_is_refused),
        WITH_BOARD(an_existing_file_is_not_replaced_without_force),
        WITH_BOARD(a_full_disk_leaves_nothing_behind),
        WITH_BOARD(a_folder_that_is_not_there_is_named),
        WITH_BOARD(an_incomplete_board_is_refused_by_name),
        WITH_BOARD(a_flash_without_a_table_opens_for_its_files_only),
        WITH_BOARD(a_second_writer_is_told_who_holds_the_board),
        WITH_BOARD(content_of_an_open_board_is_replaced_whole),
        WITH_BOARD(pins_are_held_only_by_driven_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
