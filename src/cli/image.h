/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-verbs of `updraft image`. */
#ifndef UPDRAFT_CLI_IMAGE_H
#define UPDRAFT_CLI_IMAGE_H

#include "cli.h"

int image_create(int argc, char **argv);
int image_info(int argc, char **argv);
int image_verify(int argc, char **argv);

#endif
