/* SPDX-License-Identifier: Apache-2.0 */
/* Private to image: what each problem is worth. */
#ifndef UD_IMAGE_PROBLEMS_H
#define UD_IMAGE_PROBLEMS_H

#include "updraft/image.h"

/** Note `problem` and return its code. `a` and `b` as the note's id says. */
esp_err_t ud_image_problem_note(const struct ud_observer *obs, enum ud_image_problem problem, uint64_t a, uint64_t b);
/** Can nothing behind this problem be made sense of? Lenient rules do not help then. */
bool ud_image_problem_is_fatal(enum ud_image_problem problem);

#endif
