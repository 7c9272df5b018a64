/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/ledc.h of the component esp_driver_ledc is not there: a virtual board has no LEDC; of the \
peripherals only driver/gpio.h is there: leave this code out, or behind a function of your own"
