/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/temperature_sensor.h of the component esp_driver_tsens is not there: a virtual board has no \
temperature sensor; of the peripherals only driver/gpio.h is there: leave this code out, or behind a function of \
your own"
