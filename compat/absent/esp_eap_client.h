/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_eap_client.h of the component wpa_supplicant is not there: a virtual board has no enterprise Wi-Fi: \
of the radio only the station in esp_wifi.h is there; leave this code out"
