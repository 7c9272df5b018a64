/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/usb_serial_jtag.h of the component esp_driver_usb_serial_jtag is not there: a virtual board has \
no USB: standard input and output are the console; of the peripherals only driver/gpio.h is there: leave this \
code out, or behind a function of your own"
