# SPDX-License-Identifier: Apache-2.0
# The front door: names for the commands that CMake presets, ctest and the scripts do. `make help` lists them.
SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
SOAK_SECONDS ?= 300
MUTANTS ?= 40
JOBS := $(shell nproc)

.DEFAULT_GOAL := all
.PHONY: all setup build demo test soak coverage mutants lint format install uninstall size clean help

all: setup ## build for development and run the quick tests
	@start=$$SECONDS; \
	$(MAKE) --no-print-directory build && \
	ctest --test-dir build/dev -L '^(unit|arch)$$' -j $(JOBS) --output-on-failure --no-tests=error \
	    | grep -Ev '^ *[0-9]+/[0-9]+ Test +#.* Passed|^ +Start +[0-9]+:|^(Internal ctest|Test project|$$)'; \
	status=("$${PIPESTATUS[@]}"); echo "make: $$((SECONDS - start)) s"; exit "$${status[0]}"

setup: ## install what is missing (asks first)
	@scripts/setup

# Where nobody watches, ninja tells only what goes wrong.
NINJA_FLAGS = -j $(JOBS) $$([ -t 1 ] || echo --quiet)

build: build/dev/build.ninja ## build for development (ASan and UBSan) only
	@cmake --build --preset dev -- $(NINJA_FLAGS)

build/dev/build.ninja: CMakePresets.json | setup
	@mkdir -p build && cmake --preset dev >build/configure-dev.log || { cat build/configure-dev.log; exit 1; }
	@touch $@

demo: build ## one update from end to end, a rollback, and what is refused
	@scripts/demo

test: ## everything that CI runs; `make test SUITES="unit arch"` only those
	@scripts/test $(SUITES)

soak: setup ## fuzz each decoder for SOAK_SECONDS (300), then repeat what has threads, the demo, all mutants
	@scripts/soak $(SOAK_SECONDS)

coverage: setup ## how much of the cores the tests in C go through, room by room
	@scripts/coverage --missing

mutants: build ## change single lines of the cores at random (MUTANTS=40): do the tests notice?
	@scripts/mutants --count $(MUTANTS)

lint: setup ## clang-format and clang-tidy over all C
	@scripts/lint --full

format: setup ## let clang-format rewrite all C
	@scripts/lint --fix

install: ## the release build into $(DESTDIR)$(PREFIX): command, libraries, CMake package, manual, completion
	@scripts/setup --for-install
	@scripts/install "$(PREFIX)" "$(DESTDIR)"

uninstall: ## remove what `make install` with the same PREFIX and DESTDIR put there
	@scripts/install --remove "$(PREFIX)" "$(DESTDIR)"

size: setup ## how large the cores are, room by room
	@scripts/size

clean: ## remove all that was built (the Python environment stays)
	@find build -mindepth 1 -maxdepth 1 ! -name venv -exec rm -rf {} + 2>/dev/null || true

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
