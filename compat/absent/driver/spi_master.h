/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/spi_master.h of the component esp_driver_spi is not there: a virtual board has no SPI; of the \
peripherals only driver/gpio.h is there: leave this code out, or behind a function of your own"
