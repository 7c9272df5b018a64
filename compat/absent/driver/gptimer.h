/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/gptimer.h of the component esp_driver_gptimer is not there: a virtual board has no general \
purpose timer: esp_timer.h is there; of the peripherals only driver/gpio.h is there: leave this code out, or \
behind a function of your own"
