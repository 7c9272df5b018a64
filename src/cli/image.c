/* SPDX-License-Identifier: Apache-2.0 */
/* `updraft image`: the dispatch to its sub-verbs. */
#include "image.h"

static const struct cli_verb verbs[] = {
    { "create", "build an image from an ELF or raw bytes", image_create },
    { "info", "show what an image is", image_info },
    { "verify", "judge an image as a board would", image_verify },
    { 0 },
};

int cmd_image(int argc, char **argv)
{
    return cli_dispatch("image", "Creates, shows and verifies ESP application images.", verbs, argc, argv);
}
