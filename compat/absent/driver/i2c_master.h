/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/i2c_master.h of the component esp_driver_i2c is not there: a virtual board has no I2C; of the \
peripherals only driver/gpio.h is there: leave this code out, or behind a function of your own"
