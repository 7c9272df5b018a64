/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_mesh.h of the component esp_wifi is not there: a virtual board has no ESP-MESH: of the radio only \
the station in esp_wifi.h is there; leave this code out"
