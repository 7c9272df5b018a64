/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft partition build`: the binary table. */
#include "partition.h"

#include <getopt.h>

#include "updraft/port_linux.h"

static const char help[] =
    "Usage: updraft partition build TABLE OUT [OPTIONS]\n"
    "\n"
    "Builds the binary partition table (3072 bytes) with the checks of ESP-IDF's generator.\n"
    "TABLE is a CSV file, a binary table, a flash dump, or a default: single_app, two_ota, two_ota_large.\n"
    "In CSV $NAME and ${NAME} stand for environment variables.\n"
    "\n"
    "  --offset ADDR                      of the table in flash (default: 0x8000)\n" PARTITION_OPTIONS
    "  --disable-md5sum                   leave the MD5 entry out\n"
    "\n"
    "Example:\n"
    "  updraft partition build partitions.csv partitions.bin --flash-size 4MB\n";

int partition_build(int argc, char **argv)
{
    struct partition_options o;
    struct ud_ptable table;
    uint8_t bytes[UD_PTABLE_BYTES];
    int rc;
    if (!partition_parse("partition build", help, argc, argv, &o, &rc))
        return rc;
    if (optind + 2 != argc)
        return cli_usage("partition build", "two names are needed: the table and the output");
    if (!cli_may_replace(argv[optind + 1], argv[optind]) || !partition_load(argv[optind], &o.csv, true, &table))
        return CLI_FAILED;
    table.has_md5 = !o.csv.no_md5;
    struct ud_crypto crypto = ud_openssl_crypto();
    esp_err_t err = ud_ptable_encode(&table, &crypto, bytes);
    if (err != ESP_OK)
        return cli_error("table %s cannot be written as binary (%s)", argv[optind], ud_err_name(err));
    return cli_write_file(argv[optind + 1], bytes, sizeof bytes) ? CLI_OK : CLI_FAILED;
}
