/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft image`: the dispatch to its sub-verbs. */
#include "image.h"

static const struct cli_verb verbs[] = {
    { "compare", "show how two images differ", image_compare },
    { "create", "build an image from an ELF, raw bytes or extracted parts", image_create },
    { "edit-desc", "change the description of an image", image_edit_desc },
    { "extract", "take an image out of a flash dump, or its parts out of an image", image_extract },
    { "info", "show what an image is", image_info },
    { "merge", "put boot loader, table and images into one flash dump", image_merge },
    { "verify", "judge an image as a board would", image_verify },
    { 0 },
};

int cmd_image(int argc, char **argv)
{
    return cli_dispatch("image", "Creates, shows, judges, takes apart and changes ESP application images.", verbs, argc,
                        argv);
}
