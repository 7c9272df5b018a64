/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/i2s_std.h of the component esp_driver_i2s is not there: a virtual board has no I2S; of the \
peripherals only driver/gpio.h is there: leave this code out, or behind a function of your own"
