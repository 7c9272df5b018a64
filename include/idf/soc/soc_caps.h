/* SPDX-License-Identifier: Apache-2.0 */
/* What the chip can do, as applications test it with `#if`. */
#ifndef SOC_SOC_CAPS_H
#define SOC_SOC_CAPS_H

#define SOC_RECOVERY_BOOTLOADER_SUPPORTED 0

#endif /* SOC_SOC_CAPS_H */
