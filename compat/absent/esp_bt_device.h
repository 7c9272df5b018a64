/* SPDX-License-Identifier: Apache-2.0 */
#error "esp_bt_device.h of the component bt is not there: a virtual board has no Bluetooth: put this code behind \
#if CONFIG_BT_ENABLED, which is not set here"
