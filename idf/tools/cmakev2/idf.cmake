# SPDX-License-Identifier: Apache-2.0
message(FATAL_ERROR "updraft: this project includes tools/cmakev2/idf.cmake, ESP-IDF's new build system; a virtual board "
  "builds projects that include tools/cmake/project.cmake")
