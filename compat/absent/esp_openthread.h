/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_openthread.h of the component openthread is not there: a virtual board has no Thread: of the radio \
only the station in esp_wifi.h is there; leave this code out"
