/* SPDX-License-Identifier: Apache-2.0 */
/* Just enough of ELF to know whether a program is one for this machine. */
#include "updraft/image.h"

enum { ELF_CLASS_32 = 1, ELF_CLASS_64 = 2, ELF_LITTLE_ENDIAN = 1, ELF_EXEC = 2, ELF_DYN = 3 };

uint16_t ud_elf_machine(const uint8_t *bytes, size_t len)
{
    static const uint8_t magic[4] = { 0x7F, 'E', 'L', 'F' };
    if (len < 52 || memcmp(bytes, magic, sizeof magic) != 0)
        return 0;
    bool known = bytes[4] == ELF_CLASS_32 || (bytes[4] == ELF_CLASS_64 && len >= 64);
    uint16_t type = ud_load_le16(bytes + 16);
    if (!known || bytes[5] != ELF_LITTLE_ENDIAN || (type != ELF_EXEC && type != ELF_DYN))
        return 0;
    return ud_load_le16(bytes + 18);
}

/* A predefined macro of the compiler as text: "1" where it is defined, its own name where it is not. */
#define TEXT_OF(x)       #x
#define EXPANDED(x)      TEXT_OF(x)
#define IS_SET(expanded) ((expanded)[0] == '1')

static const struct {
    const char *expanded;
    uint16_t machine;
} machines[] = {
    { EXPANDED(__x86_64__), 62 },    { EXPANDED(__aarch64__), 183 }, { EXPANDED(__riscv), 243 },
    { EXPANDED(__i386__), 3 },       { EXPANDED(__arm__), 40 },      { EXPANDED(__loongarch__), 258 },
    { EXPANDED(__powerpc64__), 21 },
};

uint16_t ud_elf_host_machine(void)
{
    for (size_t i = 0; i < UD_ARRAY_LEN(machines); i++)
        if (IS_SET(machines[i].expanded))
            return machines[i].machine;
    return 0;
}
