/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_adc/adc_oneshot.h of the component esp_adc is not there: a virtual board has no ADC; of the \
peripherals only driver/gpio.h is there: leave this code out, or behind a function of your own"
