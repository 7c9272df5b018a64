/* SPDX-License-Identifier: Apache-2.0 */
#error "driver/twai.h of the component driver is not there: a virtual board has no TWAI; of the peripherals only \
driver/gpio.h is there: leave this code out, or behind a function of your own"
