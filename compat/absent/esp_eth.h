/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_eth.h of the component esp_eth is not there: a virtual board has no Ethernet driver: \
example_connect() in protocol_examples_common.h, or the station in esp_wifi.h, gives it the network of the host"
