/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft partition`: its verbs. */
#include "partition.h"

static const struct cli_verb verbs[] = {
    { "build", "build the binary table from CSV", partition_build },
    { "show", "show a table: binary, CSV, or in a flash dump", partition_show },
    { "check", "say what is wrong or doubtful about a table", partition_check },
    { "diff", "say what changed between two tables", partition_diff },
    { 0 },
};

int cmd_partition(int argc, char **argv)
{
    return cli_dispatch("partition", "Builds, shows and compares partition tables.", verbs, argc, argv);
}
