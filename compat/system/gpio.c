/* SPDX-License-Identifier: Apache-2.0 */
/* Pins of the board's chip; levels of inputs from its settings. */
#include "driver/gpio.h"

#include "kernel.h"

#define ON_RESET ((struct pin){ .mode = GPIO_MODE_INPUT, .up = true })

struct pin {
    gpio_mode_t mode;
    bool up;
    bool down;
    bool level; /* of the output */
};

static struct {
    struct pin pin[GPIO_NUM_MAX];
    bool service;
} gpio;

/* How many pins a chip has, and which of them have no output driver. */
static const struct {
    uint16_t chip;
    uint8_t pins;
    uint64_t input_only;
} chips[] = {
    { 0, 40, UINT64_C(0xFC00000000) }, /* 34 to 39 */
    { 2, 47, UINT64_C(1) << 46 },
    { 5, 22, 0 },
    { 9, 49, 0 },
    { 12, 21, 0 },
    { 13, 31, 0 },
    { 16, 28, 0 },
    { 18, 55, 0 },
    { 20, 30, 0 },
    { 23, 29, 0 },
};

static const struct ud_board *board(void)
{
    const struct ud_idf_env *env = ud_idf_env();
    kernel_require(env != NULL, "a pin was used before the firmware's start-up");
    return env->board;
}

static uint64_t pins(bool outputs)
{
    uint16_t id = board()->chip->id;
    for (size_t i = 0; i < UD_ARRAY_LEN(chips); i++)
        if (chips[i].chip == id)
            return ((UINT64_C(1) << chips[i].pins) - 1) & ~(outputs ? chips[i].input_only : 0);
    return (UINT64_C(1) << GPIO_NUM_MAX) - 1;
}

static bool has(gpio_num_t pin, bool output)
{
    return pin >= 0 && pin < GPIO_NUM_MAX && (pins(output) >> pin & 1);
}

esp_err_t gpio_config(const gpio_config_t *pGPIOConfig)
{
    const gpio_config_t *c = pGPIOConfig;
    if (!c || c->pin_bit_mask == 0 || c->pin_bit_mask & ~pins((c->mode & GPIO_MODE_OUTPUT) != 0))
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    for (unsigned i = 0; i < GPIO_NUM_MAX; i++)
        if (c->pin_bit_mask >> i & 1) {
            gpio.pin[i].mode = c->mode;
            gpio.pin[i].up = c->pull_up_en == GPIO_PULLUP_ENABLE;
            gpio.pin[i].down = c->pull_down_en == GPIO_PULLDOWN_ENABLE;
        }
    kernel_leave();
    return ESP_OK;
}

esp_err_t gpio_reset_pin(gpio_num_t gpio_num)
{
    if (!has(gpio_num, false))
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    gpio.pin[gpio_num] = ON_RESET;
    kernel_leave();
    return ESP_OK;
}

static bool level_of(unsigned i)
{
    const struct pin *p = &gpio.pin[i];
    if (!(p->mode & GPIO_MODE_INPUT))
        return false;
    if (p->mode & GPIO_MODE_OUTPUT)
        return p->level;
    if (board()->inputs_driven >> i & 1)
        return board()->inputs >> i & 1;
    return p->up || !p->down;
}

int gpio_get_level(gpio_num_t gpio_num)
{
    if (!has(gpio_num, false))
        return 0;
    kernel_enter();
    bool level = level_of((unsigned)gpio_num);
    kernel_leave();
    return level;
}

esp_err_t gpio_set_level(gpio_num_t gpio_num, uint32_t level)
{
    if (!has(gpio_num, true))
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    gpio.pin[gpio_num].level = level != 0;
    kernel_leave();
    return ESP_OK;
}

esp_err_t gpio_set_direction(gpio_num_t gpio_num, gpio_mode_t mode)
{
    if (!has(gpio_num, (mode & GPIO_MODE_OUTPUT) != 0))
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    gpio.pin[gpio_num].mode = mode;
    kernel_leave();
    return ESP_OK;
}

esp_err_t gpio_set_pull_mode(gpio_num_t gpio_num, gpio_pull_mode_t pull)
{
    if (!has(gpio_num, false) || (unsigned)pull > GPIO_FLOATING)
        return ESP_ERR_INVALID_ARG;
    kernel_enter();
    gpio.pin[gpio_num].up = pull == GPIO_PULLUP_ONLY || pull == GPIO_PULLUP_PULLDOWN;
    gpio.pin[gpio_num].down = pull == GPIO_PULLDOWN_ONLY || pull == GPIO_PULLUP_PULLDOWN;
    kernel_leave();
    return ESP_OK;
}

/* ---- interrupts: accepted, since none ever comes ---- */

esp_err_t gpio_set_intr_type(gpio_num_t gpio_num, gpio_int_type_t intr_type)
{
    return has(gpio_num, false) && (unsigned)intr_type < GPIO_INTR_MAX ? ESP_OK : ESP_ERR_INVALID_ARG;
}

esp_err_t gpio_intr_enable(gpio_num_t gpio_num)
{
    return has(gpio_num, false) ? ESP_OK : ESP_ERR_INVALID_ARG;
}

esp_err_t gpio_intr_disable(gpio_num_t gpio_num)
{
    return gpio_intr_enable(gpio_num);
}

esp_err_t gpio_install_isr_service(int intr_alloc_flags)
{
    (void)intr_alloc_flags;
    kernel_enter();
    bool twice = gpio.service;
    gpio.service = true;
    kernel_leave();
    return twice ? ESP_ERR_INVALID_STATE : ESP_OK;
}

void gpio_uninstall_isr_service(void)
{
    kernel_enter();
    gpio.service = false;
    kernel_leave();
}

static esp_err_t with_service(gpio_num_t gpio_num)
{
    kernel_enter();
    bool there = gpio.service;
    kernel_leave();
    if (!has(gpio_num, false))
        return ESP_ERR_INVALID_ARG;
    return there ? ESP_OK : ESP_ERR_INVALID_STATE;
}

esp_err_t gpio_isr_handler_add(gpio_num_t gpio_num, gpio_isr_t isr_handler, void *args)
{
    (void)args;
    return isr_handler ? with_service(gpio_num) : ESP_ERR_INVALID_ARG;
}

esp_err_t gpio_isr_handler_remove(gpio_num_t gpio_num)
{
    return with_service(gpio_num);
}
