/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/rmt_tx.h of the component esp_driver_rmt is not there: a virtual board has no RMT; of the \
peripherals only driver/gpio.h is there: leave this code out, or behind a function of your own"
