/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/mcpwm_prelude.h of the component esp_driver_mcpwm is not there: a virtual board has no MCPWM; of \
the peripherals only driver/gpio.h is there: leave this code out, or behind a function of your own"
