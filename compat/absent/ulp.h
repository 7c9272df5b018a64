/* SPDX-License-Identifier: Apache-2.0 */
#error "ulp.h of the component ulp is not there: a virtual board has no ULP; of the peripherals only \
driver/gpio.h is there: leave this code out, or behind a function of your own"
