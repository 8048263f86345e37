# SPDX-License-Identifier: Apache-2.0
# The front door. Meson builds; this file only knows what people type:
#
#   make               build/dusk
#   make demo          a pool of this computer alone, and the main job on it
#   make test          everything that must hold
#   make test-guest    a real PC is booted in QEMU, and somebody sits at its keyboard
#   make test-sanitized   the same, watched by AddressSanitizer and UBSan, in build-sanitized
#   make bench         the figures, one line each
#   make install       DESTDIR= and prefix= as usual; prefix is /usr/local unless given
#   make setup         only the Debian packages that are missing, and a CRIU that works here
#   make fuzz          the fuzz targets, in build-fuzz (needs clang)
#   make clean

# The distribution's own meson, because another Python in front of it (pyenv, conda) breaks it.
MESON := $(firstword $(wildcard /usr/bin/meson) meson)
prefix ?= /usr/local
export DESTDIR

.PHONY: all setup demo test test-guest test-sanitized bench install fuzz clean

all: build/build.ninja
	@$(MESON) compile -C build

# Not run by `make` alone: a build installs nothing unasked. Without CRIU all else works.
setup:
	@tools/setup-packages
	@tools/fetch-criu build/criu || true

build/build.ninja:
	@tools/setup-packages --check
	@$(MESON) setup build --prefix="$(prefix)"

demo: setup
	@$(MAKE) --no-print-directory all
	@tools/demo

test: setup
	@$(MAKE) --no-print-directory all
	@$(MESON) test -C build --no-rebuild --no-suite guest --print-errorlogs

# A whole PC under QEMU, with an owner at its keyboard: some minutes more. It says what it needs.
test-guest: all
	@$(MESON) test -C build --no-rebuild --suite guest --print-errorlogs

# Without the looks at the sources, and the moves of programs that nobody watches, which are the
# same. What is watched takes its time.
test-sanitized: setup
	@[ -e build-sanitized/build.ninja ] || $(MESON) setup build-sanitized -Dsanitize=true
	@$(MESON) compile -C build-sanitized
	@$(MESON) test -C build-sanitized --no-rebuild --no-suite tidy --no-suite moves \
		--no-suite guest -t 4 --print-errorlogs

bench: setup
	@$(MAKE) --no-print-directory all
	@tools/bench

install: all
	@$(MESON) configure build --prefix="$(prefix)"
	@$(MESON) install -C build

fuzz:
	@[ -e build-fuzz/build.ninja ] || CC=clang $(MESON) setup build-fuzz -Dfuzz=true -Dsanitize=true
	@$(MESON) compile -C build-fuzz

clean:
	@rm -rf build build-fuzz build-sanitized
