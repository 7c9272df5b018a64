/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_smartconfig.h of the component esp_wifi is not there: a virtual board has no SmartConfig: of the \
radio only the station in esp_wifi.h is there; leave this code out"
