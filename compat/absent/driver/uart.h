/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/uart.h of the component esp_driver_uart is not there: a virtual board has no UART: standard input \
and output are the console; of the peripherals only driver/gpio.h is there: leave this code out, or behind a \
function of your own"
