/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the generator's rules, for programs that read our answers. */
#include "updraft/partition.h"

static const char *const names[] = {
    [UD_PTABLE_BAD_ENCODING] = "bad-encoding",
    [UD_PTABLE_UNSET_VARIABLE] = "unset-variable",
    [UD_PTABLE_BOOTLOADER_NOT_BELOW_TABLE] = "bootloader-not-below-table",
    [UD_PTABLE_TYPE_EMPTY] = "type-empty",
    [UD_PTABLE_BAD_TYPE] = "bad-type",
    [UD_PTABLE_APP_SUBTYPE_EMPTY] = "app-subtype-empty",
    [UD_PTABLE_BAD_SUBTYPE] = "bad-subtype",
    [UD_PTABLE_NO_BOOTLOADER_OFFSET] = "no-bootloader-offset",
    [UD_PTABLE_NO_RECOVERY_OFFSET] = "no-recovery-offset",
    [UD_PTABLE_BAD_NUMBER] = "bad-number",
    [UD_PTABLE_SIZE_EMPTY] = "size-empty",
    [UD_PTABLE_BAD_FLAG] = "bad-flag",
    [UD_PTABLE_BELOW_TABLE_END] = "below-table-end",
    [UD_PTABLE_BELOW_PREVIOUS_END] = "below-previous-end",
    [UD_PTABLE_OFFSET_MISALIGNED] = "offset-misaligned",
    [UD_PTABLE_SIZE_MISALIGNED] = "size-misaligned",
    [UD_PTABLE_READONLY_FORBIDDEN] = "readonly-forbidden",
    [UD_PTABLE_NVS_TOO_SMALL] = "nvs-too-small",
    [UD_PTABLE_DUPLICATE_NAME] = "duplicate-name",
    [UD_PTABLE_BELOW_TABLE_END_VERIFY] = "below-table-end-verify",
    [UD_PTABLE_OVERLAP] = "overlap",
    [UD_PTABLE_MANY_OTADATA] = "many-otadata",
    [UD_PTABLE_OTADATA_SIZE] = "otadata-size",
    [UD_PTABLE_MANY_TEEOTADATA] = "many-teeotadata",
    [UD_PTABLE_TEEOTADATA_SIZE] = "teeotadata-size",
    [UD_PTABLE_FLASH_SIZE] = "flash-size",
    [UD_PTABLE_OUT_OF_RANGE] = "out-of-range",
    [UD_PTABLE_TABLE_TOO_LONG] = "table-too-long",
    [UD_PTABLE_BAD_LENGTH] = "bad-length",
    [UD_PTABLE_MD5_MISMATCH] = "md5-mismatch",
    [UD_PTABLE_NO_TERMINATOR] = "no-terminator",
    [UD_PTABLE_BAD_MAGIC] = "bad-magic",
};

const char *ud_ptable_fault_name(uint32_t fault)
{
    return fault < UD_ARRAY_LEN(names) && names[fault] ? names[fault] : "";
}
