/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/sdmmc_host.h of the component esp_driver_sdmmc is not there: a virtual board has no SD card; of \
the peripherals only driver/gpio.h is there: leave this code out, or behind a function of your own"
