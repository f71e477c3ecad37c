#: make               build the library, thinkwire-chat and thinkwire-mock in .build/release
#: make demo          stream a thinking answer; without a key, a recorded one
#: make test          run every test and check (about 20 minutes on two processors)
#: make test-fast     run the tests that take seconds
#: make test-NAME     run one group of tests; NAME is one of those in `tests` in the Makefile
#: make test-real     compare with model servers: SERVERS="mlx litellm transformers llama vllm"
#: make corpus-rivals play Tests/corpus to other clients, and print a table of scores
#: make test-bindings test the bindings of all languages, or of some: LANGUAGES="rust go"
#: make bulk-limits   draw the throughput of workers that share a limit: bindings/python/shared_rate.svg
#: make bulk-rivals compare `thinkwire batch` with openai-python and LiteLLM: LINES="10000 …"
#: make test-chroot   run `make test` in a new Debian 12 chroot; needs root
#: make test-deb     install, use and remove the Debian packages in a new chroot; needs root
#: make aarch64       build the library for aarch64 and glibc 2.25 or later, in .build/aarch64
#: make wheel         build wheels for x86_64 and aarch64, in .build/wheel; `make sdist`: the sources
#: make test-wheel    test the wheels in new systems without libcurl and compiler; needs root
#: make lint          check formatting, spelling, lengths, imports and the version
#: make format        reformat all sources
#: make docs         write the reference of the C interface in HTML and manual pages: .build/docs
#: make deb          build the Debian packages, in .build/deb
#: make dist         build archives for x86_64 and aarch64, in .build/dist; `make test-dist` tests them
#: make static        build the static library, .build/release/libthinkwire.a
#: make abi-record    record the ABI, with which `make test-abi` compares the library
#: make install       install below PREFIX=/usr/local, in DESTDIR=; `make uninstall` reverts it
#: make bench         compare the costs with libcurl, simdjson and other Python packages
#: make fuzz          fuzz one TARGET of Tests/fuzz for SECONDS=600 or RUNS=
#: make soak          run EXCHANGES=1000000 exchanges with faults, for at most SECONDS=3600
#: make deps          install what the build and the tests need; `make test` does this itself
#: make clean         delete .build

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(DATADIR)/man
DATADIR    ?= $(PREFIX)/share
CC         ?= cc
CFLAGS     ?= -O2
INSTALL    ?= install
LDCONFIG   ?= ldconfig
SWIFT      ?= swift
SWIFTFLAGS ?=

version := $(shell sed -n 's/^.define TW_VERSION "\(.*\)"/\1/p' include/thinkwire.h)
soname  := libthinkwire.so.0
real    := libthinkwire.so.$(version)
out     := .build/release
library := $(out)/libthinkwire.so
archive := $(out)/libthinkwire.a
docs    := .build/docs
manual  := $(docs)/man/man3/thinkwire.3
chat    := $(out)/thinkwire-chat
mock    := $(out)/thinkwire-mock
venv    := .build/venv
stage   := $(CURDIR)/.build/stage

strict  := -std=c99 -Wall -Wextra -Wpedantic -Werror -Iinclude
# Leaks, uses after free and undefined behaviour all end the program with a failure.
sanitize := -fsanitize=address,undefined -fno-sanitize-recover=undefined
# The library is found in the build directory and, after installation, in ../lib.
link    := -L$(out) -lthinkwire -Wl,-rpath,'$$ORIGIN:$$ORIGIN/../lib:$$ORIGIN/../release'
support := $(wildcard Tests/support/*.[ch])
chat_sources := $(wildcard bindings/c/chat/*.[ch])
# thinkwire-chat edits lines with libedit if that is installed. LIBEDIT= builds without it.
LIBEDIT ?= $(shell pkg-config --exists libedit && echo yes)
editing := $(if $(LIBEDIT),-DUSE_LIBEDIT $(shell pkg-config --cflags --libs libedit))
abi     := $(wildcard Tests/abi/*.c) $(filter %.c,$(support))
guests  := $(filter-out .build/guest/guest,$(patsubst Tests/%.c,.build/%,$(wildcard Tests/guest/*.c)))
# Completions for shells, where they are below DATADIR.
shared_files := $(shell cd bindings/c/share && find . -type f)
c_tests := .build/abi/plain .build/abi/asan $(guests) .build/limits/flood .build/corpus/play \
           .build/servers/replay \
           .build/faults/sweep .build/faults/sweep-asan .build/soak/soak

# `make test` runs these lanes side by side; the targets of a lane run one after another. A lane that
# has finished takes the next shared target; the longest come first. What needs no library begins
# while it is built. test-tsan and test-c-tsan share a build directory, so they stay in one lane.
# SwiftPM locks its build directory: if test-swift came first, the programs would wait for it.
# Tests/run.py prints seconds and processor seconds per target.
fuzz_lane    := test-fuzz
compute_lane := modules-asan modules-tsan test-swift test-tsan test-c-tsan test-faults
wait_lane    := programs lint test-checks test-chat test-c test-python test-servers test-guest test-mock \
                test-corpus
shared       := test-asan test-newer-curl test-install test-valgrind test-flood test-real test-soak \
                test-bindings test-ray test-showcases test-instructions \
                test-abi test-static test-docs
tests        := $(fuzz_lane) $(compute_lane) $(wait_lane) $(shared)

.PHONY: help docs manual package-tools deb test-deb dist test-dist static abi-record all library demo test test-fast test-chroot corpus-rivals bulk-rivals bulk-limits $(tests) fast-c fast-python mypy \
        check format lint-swift lint-c lint-python lint-text bench fuzz soak install uninstall clean deps
.DEFAULT_GOAL := all

all: library $(chat) $(manual) check

help:
	@sed -n 's/^#: \(.*\)/\1/p' Makefile

# SwiftPM decides what is out of date. `make test` sets BUILT: the library is built first, and
# SwiftPM's lock would make the lanes wait for each other.
library:
ifndef BUILT
	$(SWIFT) build -c release --disable-local-rpath $(SWIFTFLAGS)
	ln -sf libthinkwire.so $(out)/$(soname)
endif

$(library): library

$(chat): $(chat_sources) include/thinkwire.h | library
	$(CC) $(strict) $(CFLAGS) $(filter %.c,$^) -o $@ $(link) $(editing) $(LDFLAGS)

check: library
	Tests/check/header.sh include/thinkwire.h
	Tests/check/library.sh $(library) include/thinkwire.h Tests/abi

deps:
	.ci/setup

demo:
	.ci/setup build
	$(MAKE) --no-print-directory all
	bindings/c/examples/demo.sh $(out)

test:
	.ci/setup
	Tests/run.py --set BUILT=1 --set FUZZ_JOBS=1 --shared "$(shared)" \
	    "$(fuzz_lane)" "$(compute_lane)" "$(wait_lane)"
	@echo "everything passed"

# Builds what the later targets of its lane and the shared ones need.
programs:
	$(MAKE) --no-print-directory BUILT= all
	$(MAKE) --no-print-directory -j2 BUILT=1 $(venv)/ready $(c_tests)

# `make test` in a new Debian 12 with current packages. For use before releases; needs root.
test-chroot: | package-tools
	Tests/chroot.py

# What can be tested within seconds.
test-fast: all $(venv)/ready .build/abi/plain
	Tests/run.py --set BUILT=1 "test-swift" "fast-c mypy fast-python"

# The Python tests that neither wait for timeouts nor start many processes.
fast-python: library $(venv)/ready
	THINKWIRE_LIBRARY=$(CURDIR)/$(library) THINKWIRE_MOCK=$(CURDIR)/$(mock) \
	    $(venv)/bin/python -m pytest -q -p no:cacheprovider bindings/python/tests -m "not slow"

fast-c: .build/abi/plain
	.build/abi/plain --fast --jobs 2

# The sources of all languages. `make -k lint` shows everything that is wrong at once.
lint: lint-swift lint-c lint-python lint-text

lint-swift:
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests bindings/swift

c_sources = $(shell find Sources Tests bindings include -name '*.[ch]' -o -name '*.[ch]pp')

lint-c: $(venv)/ready
	$(venv)/bin/clang-format --dry-run -Werror $(c_sources)

lint-python: $(venv)/ready
	$(venv)/bin/ruff format --check .
	$(venv)/bin/ruff check .

# .codespellrc lists what is data and what is not a word.
lint-text: $(venv)/ready
	$(venv)/bin/codespell
	Tests/check/style.py
	Tests/check/imports.py
	Tests/check/errors.py
	bindings/describe.py --check
	bindings/generate.py --check

# Rewrites the sources as `make lint` wants them.
format: $(venv)/ready
	$(SWIFT) format format --in-place --parallel --recursive Package.swift Sources Tests bindings/swift
	$(venv)/bin/clang-format -i $(c_sources)
	$(venv)/bin/ruff format .
	$(venv)/bin/ruff check --fix .

# The checks of Tests/check themselves, and the programs of README.md.
test-checks: library $(venv)/ready
	THINKWIRE_LIBRARY=$(CURDIR)/$(library) THINKWIRE_MOCK=$(CURDIR)/$(mock) \
	    $(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/check

# A program that was built against the recorded ABI runs with this library. test-checks runs one.
test-abi: library
	Tests/check/abi.py compare $(library)

# The objects of the shared library as one archive, which exposes only the functions of the header.
static: $(archive)

$(archive): $(library) include/thinkwire.h bindings/packaging/static.sh
	bindings/packaging/static.sh $(out)/thinkwire.product/Objects.LinkFileList include/thinkwire.h $@

# The C tests that do not wait run with the static library.
test-static: .build/abi/static
	Tests/check/static.sh $(archive) include/thinkwire.h
	THINKWIRE_MOCK=$(mock) .build/abi/static --fast --jobs 2

.build/abi/static: $(abi) Tests/abi/check.h $(support) $(archive)
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 $(abi) -o $@ $(archive) -lcurl -lm -lpthread

# Records the current ABI, at a release or after an intended change.
abi-record:
	Tests/check/abi.py record

# All tests use Swift Testing. SwiftPM would also start XCTest, whose leaks the address sanitizer
# reports.
test-swift:
	THINKWIRE_NO_MOCK=1 $(SWIFT) test --disable-xctest

# Compiling the tests takes four times as long as compiling the modules they test. Therefore only the
# modules are compiled with the sanitizer, and linked with the test objects of test-swift: the list of
# objects names those of the other build, and no .swiftmodule, which is for debuggers. gold, SwiftPM's
# linker here, would warn about hundreds of symbols of the sanitizer; lld does not.
bundle = .build/debug/thinkwirePackageTests.xctest

modules-asan test-asan: sanitizer = address
modules-tsan test-tsan: sanitizer = thread
modules-asan modules-tsan: modules-%:
	THINKWIRE_NO_MOCK=1 $(SWIFT) build --target Engine --sanitize=$(sanitizer) --scratch-path .build/$*

test-asan test-tsan: test-%: modules-%
	THINKWIRE_NO_MOCK=1 $(SWIFT) build --build-tests --disable-xctest
	sed '/swiftmodule\.o$$/d; /Tests\.build\//!s|\(.*\)/\.build/|\1/.build/$*/|' $(bundle:.xctest=.product)/Objects.LinkFileList > .build/$*/objects
	$(SWIFT)c -sanitize=$(sanitizer) -use-ld=lld @.build/$*/objects -lcurl -o .build/$*/unit-tests
	.build/$*/unit-tests --testing-library swift-testing

# The same programs twice: as a user would build them, and with the address sanitizer. The suites
# that every driver passes also run with a loop and with batches (Tests/support/driver.h).
test-c: library .build/abi/plain .build/abi/asan
	.build/abi/plain --jobs 8
	.build/abi/plain --jobs 8 --driver loop
	.build/abi/plain --jobs 8 --driver batches
	ASAN_OPTIONS=detect_leaks=1 .build/abi/asan --jobs 8
	ASAN_OPTIONS=detect_leaks=1 .build/abi/asan --jobs 8 --driver descriptor

.build/abi/plain .build/abi/asan: $(abi) Tests/abi/check.h $(support) include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 $(if $(findstring asan,$@),$(sanitize)) $(abi) -o $@ $(link) -lpthread

# What the library must leave unchanged in the program that loads it, and where the API key may go.
test-guest: library $(guests)
	printf '%s\n' $(guests) | xargs -P 4 -I{} sh -c \
	    'timeout 300 {} > {}.log 2>&1; status=$$?; echo {}; cat {}.log; exit $$status'

.build/guest/%: Tests/guest/%.c Tests/guest/guest.c Tests/guest/guest.h Tests/abi/check.c Tests/abi/check.h $(support) \
    include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 -rdynamic -ITests/abi $(filter %.c,$^) -o $@ $(link) -lpthread

# A gigabyte of any input costs bounded memory and little time.
test-flood: library .build/limits/flood
	timeout 900 .build/limits/flood

.build/limits/flood: Tests/limits/flood.c $(support) include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) $(CFLAGS) $(filter %.c,$^) -o $@ $(link) -lpthread

# Uninitialised and freed memory within the library, which the address sanitizer of the program does
# not see.
test-valgrind: library .build/abi/plain
	THINKWIRE_MOCK=$(mock) THINKWIRE_SLOWNESS=400 timeout 900 valgrind --quiet --error-exitcode=1 --leak-check=full \
	    --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible .build/abi/plain

# How many instructions each chunk of a stream costs.
test-instructions: library .build/limits/instructions
	Tests/limits/instructions.py .build/limits/instructions $(mock) libthinkwire

.build/limits/instructions: Tests/limits/instructions.c include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) $(CFLAGS) $< -o $@ $(link)

# Recorded answers of providers, through the released library. The Swift and Python tests read them
# too.
test-corpus: library .build/corpus/play
	Tests/corpus/corpus.py plan > .build/corpus/plan
	ASAN_OPTIONS=detect_leaks=1 timeout 300 .build/corpus/play < .build/corpus/plan > .build/corpus/recorded.jsonl
	Tests/corpus/corpus.py check < .build/corpus/recorded.jsonl

.build/corpus/play: Tests/corpus/play.c $(support) include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 $(sanitize) $(filter %.c,$^) -o $@ $(link) -lpthread

# Every answer broken at every byte. With EVERY=16: at every byte of one framing and every 16th byte
# of the others. Then a sample with 64 exchanges of a loop at once. Smaller sweeps use the address
# sanitizer. Without the allocator's cache (tcache_count=0), memory in use is exact to the byte.
EVERY ?= 1
test-faults: library .build/faults/sweep .build/faults/sweep-asan
	$(make_plan)
	GLIBC_TUNABLES=glibc.malloc.tcache_count=0 timeout 3600 .build/faults/sweep $(EVERY) 1 < .build/faults/plan
	GLIBC_TUNABLES=glibc.malloc.tcache_count=0 timeout 900 .build/faults/sweep --loop 61 < .build/faults/plan
	ASAN_OPTIONS=detect_leaks=1 timeout 900 .build/faults/sweep-asan 199 61 < .build/faults/plan
	ASAN_OPTIONS=detect_leaks=1 timeout 900 .build/faults/sweep-asan --loop 199 < .build/faults/plan

# What the oracle expects, which takes half a minute to compute. Two lanes need it: because of the lock,
# the second one uses the plan of the first.
make_plan = flock .build/faults $(MAKE) --no-print-directory .build/faults/plan

.build/faults/plan: $(shell find Tests/faults Tests/corpus Tests/support Sources/thinkwire-mock/recordings -type f -not -name '*.pyc')
	mkdir -p $(@D)
	Tests/faults/faults.py > $@.new
	mv $@.new $@

.build/faults/sweep .build/faults/sweep-asan: $(wildcard Tests/faults/*.[ch]) $(support) \
    include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(subst c99,c11,$(strict)) -g -O1 $(if $(findstring asan,$@),$(sanitize)) $(filter %.c,$^) -o $@ $(link) -lpthread

# The C tests against the library built as ordinary Swift, which detects what Embedded Swift does
# not (overlapping accesses), with the thread sanitizer. The toolchain's sanitizer needs its
# dispatch library.
runtime = $(shell $(SWIFT) -print-target-info | sed -n '/runtimeLibraryPaths/{n;s/.*"\(.*\)".*/\1/p;}')
swift_clang = $(dir $(shell readlink -f "$$(command -v $(SWIFT))"))clang

test-c-tsan: library
	THINKWIRE_NO_MOCK=1 $(SWIFT) build --product thinkwire --sanitize=thread --scratch-path .build/tsan
	mkdir -p .build/abi/debug
	cp .build/tsan/debug/libthinkwire.so .build/abi/debug/$(soname)
	$(swift_clang) $(strict) -g -O1 -fsanitize=thread -DLIBRARY_IS_SLOW $(abi) -o .build/abi/tsan .build/abi/debug/$(soname) \
	    -L$(runtime) -ldispatch -lBlocksRuntime -lpthread
	LD_LIBRARY_PATH=.build/abi/debug:$(runtime) THINKWIRE_MOCK=$(mock) THINKWIRE_SLOWNESS=100 \
	    TSAN_OPTIONS=halt_on_error=1 .build/abi/tsan

# With the libcurl of the pycurl wheel, years newer than the system's. From 8.1 on, libcurl handles
# are reused.
curl_libs = $(shell echo $(CURDIR)/$(venv)/lib/python3*/site-packages/pycurl.libs)

test-newer-curl: library .build/abi/plain .build/guest/secrets .build/faults/sweep $(venv)/ready
	ln -sf $(curl_libs)/libcurl-*.so.* $(curl_libs)/libcurl.so.4
	LD_LIBRARY_PATH=$(curl_libs) ldd $(library) | grep 'libcurl.so.4 => $(curl_libs)'
	LD_LIBRARY_PATH=$(curl_libs) THINKWIRE_CERTIFICATES=/etc/ssl/certs THINKWIRE_MOCK=$(mock) \
	    .build/abi/plain --jobs 8
	test -n "$(BUILT)" -a -x $(bundle) || $(SWIFT) build --build-tests
	LD_LIBRARY_PATH=$(curl_libs) $(bundle) --testing-library swift-testing --filter SharedLoopTests
	LD_LIBRARY_PATH=$(curl_libs) THINKWIRE_SERVERS=Tests/guest/servers.py .build/guest/secrets
	$(make_plan)
	LD_LIBRARY_PATH=$(curl_libs) GLIBC_TUNABLES=glibc.malloc.tcache_count=0 \
	    timeout 900 .build/faults/sweep 61 1 < .build/faults/plan
	LD_LIBRARY_PATH=$(curl_libs) GLIBC_TUNABLES=glibc.malloc.tcache_count=0 \
	    timeout 900 .build/faults/sweep --loop 61 < .build/faults/plan
	LD_LIBRARY_PATH=$(curl_libs) THINKWIRE_LIBRARY=$(CURDIR)/$(library) \
	    $(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/servers/test_http1.py Tests/servers/test_http2_loops.py
	# This libcurl has no zstd.
	LD_LIBRARY_PATH=$(curl_libs) THINKWIRE_LIBRARY=$(CURDIR)/$(library) $(venv)/bin/python -m pytest \
	    -q -p no:cacheprovider -k 'not zstd' Tests/servers/test_compression.py

test-install: all $(venv)/ready
	$(MAKE) --no-print-directory install PREFIX=$(stage) DESTDIR= LDCONFIG=true
	PATH="$(CURDIR)/$(venv)/bin:$$PATH" Tests/check/install.sh $(stage) $(CURDIR)
	$(MAKE) --no-print-directory uninstall PREFIX=$(stage) DESTDIR=
	@left=$$(find $(stage) ! -type d); test -z "$$left" || { echo "uninstall leaves $$left" >&2; exit 1; }

test-mock: library $(venv)/ready
	THINKWIRE_LIBRARY=$(CURDIR)/$(library) THINKWIRE_MOCK=$(CURDIR)/$(mock) \
	    $(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/mock

# thinkwire-chat, as its users see it: in pipes, and in a terminal (tmux).
test-chat: $(chat) .build/chat/checked $(venv)/ready
	THINKWIRE_MOCK=$(CURDIR)/$(mock) $(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/chat

# Without libedit, and with the address sanitizer.
.build/chat/checked: $(chat_sources) include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 $(sanitize) $(filter %.c,$^) -o $@ $(link)

mypy: $(venv)/ready
	$(venv)/bin/mypy --config-file bindings/python/pyproject.toml

test-python: library $(venv)/ready mypy
	THINKWIRE_LIBRARY=$(CURDIR)/$(library) THINKWIRE_MOCK=$(CURDIR)/$(mock) \
	    $(venv)/bin/python -m pytest -q -p no:cacheprovider -n 2 --dist loadfile bindings/python/tests

# Against the servers and proxies of Debian, and servers that break the protocols on purpose.
test-servers: library $(chat) .build/servers/replay $(venv)/ready
	THINKWIRE_LIBRARY=$(CURDIR)/$(library) THINKWIRE_MOCK=$(CURDIR)/$(mock) \
	    $(venv)/bin/python -m pytest -q -p no:cacheprovider -n 2 Tests/servers

.build/servers/replay: Tests/servers/replay.c include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 $< -o $@ $(link)

# Against model servers: SERVERS lists files of Tests/real. All but mlx are large or slow to install.
SERVERS ?= mlx

test-real: library $(chat) $(venv)/ready $(SERVERS:%=.build/real/%/ready)
	THINKWIRE_LIBRARY=$(CURDIR)/$(library) SERVERS="$(SERVERS)" \
	    $(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/real

.build/real/%/ready: Tests/real/%.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	$(if $(unneeded),$(@D)/bin/pip uninstall --quiet --disable-pip-version-check --yes $(unneeded))
	touch $@

# The package compiles llama.cpp: here quickly, and without its tests, web page and TLS.
.build/real/llama/ready: export LLAMA_CPP_BUILD_JOBS = $(shell nproc)
.build/real/llama/ready: export CMAKE_ARGS = -DCMAKE_CXX_FLAGS_RELEASE=-O1 $(foreach part,\
    BUILD_TESTS BUILD_EXAMPLES BUILD_APP USE_PREBUILT_UI OPENSSL,-DLLAMA_$(part)=OFF)

# PyPI has these packages only for PyTorch with CUDA. With PyTorch for the CPU, vLLM fails if they are
# installed.
.build/real/vllm/ready: unneeded = torchvision torchaudio torchcodec

# Each client in an environment of its own, always the newest version.
rivals := $(patsubst %,.build/rivals/%.jsonl,openai litellm liter-llm)

corpus-rivals: $(rivals)
	Tests/corpus/rivals.py table $^

# thinkwire.ray on a local Ray cluster. Ray needs 200 MB, so it has an environment of its own.
test-ray: library .build/ray/ready
	THINKWIRE_LIBRARY=$(CURDIR)/$(library) THINKWIRE_MOCK=$(CURDIR)/$(mock) \
	    PYTHONPATH=$(subst $() ,:,$(addprefix $(CURDIR)/,bindings/python Tests/bulk Tests/mock Tests/support)) \
	    .build/ray/bin/python -m pytest -q -p no:cacheprovider --disable-warnings Tests/ray

.build/ray/ready:
	python3 -m venv .build/ray
	.build/ray/bin/pip install --quiet --disable-pip-version-check --upgrade "ray[data]" pyarrow pytest
	touch $@

# Workers that share the rate limit of thinkwire-mock, and the plot in the documentation. Not a test: it
# takes five minutes. test-ray runs a small version.
bulk-limits: library .build/ray/ready
	THINKWIRE_LIBRARY=$(CURDIR)/$(library) THINKWIRE_MOCK=$(CURDIR)/$(mock) \
	    .build/ray/bin/python Tests/bulk/simulate.py bindings/python/shared_rate.svg

# Bulk processing with other clients. Not a test: it takes minutes, and needs the newest packages.
LINES ?= 10000 100000
bulk-rivals: library
	python3 -m venv .build/bulk
	.build/bulk/bin/pip install --quiet --disable-pip-version-check --upgrade openai litellm
	.build/bulk/bin/python Tests/bulk/compare.py $(library) $(mock) .build/bulk $(LINES)

.PHONY: $(rivals)
$(rivals): .build/rivals/%.jsonl:
	python3 -m venv .build/rivals/$*
	.build/rivals/$*/bin/pip install --quiet --disable-pip-version-check --upgrade $*
	.build/rivals/$*/bin/python Tests/corpus/rivals.py play $* > $@

# The bindings of other languages, against thinkwire-mock. Each directory with a test.sh is one. Two
# run at once, because their tests wait most of the time.
LANGUAGES ?= $(patsubst bindings/%/test.sh,%,$(wildcard bindings/*/test.sh))

test-bindings: library
	.ci/setup
	printf '%s\n' $(LANGUAGES) | xargs -P 2 -n 1 Tests/bindings/language.sh

# The extension for SQLite and the program for a terminal, against thinkwire-mock and servers that
# fail. The program is checked by the sanitizers.
test-showcases: library .build/showcases/thinkwire.so .build/showcases/ncurses $(venv)/ready
	THINKWIRE_MOCK=$(CURDIR)/$(mock) $(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/showcases

.build/showcases/thinkwire.so: bindings/showcases/sqlite.c include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 -fPIC -shared $< -o $@ $(link)

.build/showcases/ncurses: bindings/showcases/ncurses.c include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) $(sanitize) -g -O1 $< -o $@ $(link) $$(pkg-config --cflags --libs ncursesw)

$(venv)/ready: Tests/requirements.txt
	python3 -m venv $(venv)
	$(venv)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# The programs that the targets below need.
package-tools:
	.ci/setup package

# The library for another architecture or an older C library: .build/ARCH/libthinkwire.so, linked with
# the system's libcurl.so.4. Needs no other compiler than that of Swift.
cross := x86_64 aarch64
.PHONY: $(cross)
$(cross): %: .build/%/libthinkwire.so

$(cross:%=.build/%/libthinkwire.so): .build/%/libthinkwire.so: .build/sysroot/% .build/sysroot/headers \
    bindings/packaging/crossbuild.py Package.swift include/thinkwire.h \
    $(shell find Sources -name '*.swift' -o -name '*.[ch]' -o -name '*.map')
	bindings/packaging/crossbuild.py $(cross_archive) $* .build/sysroot/$* .build/sysroot/headers $@
	OLD_LIBC=yes Tests/check/library.sh $@ include/thinkwire.h

# With the static library, if the tools of the architecture are installed.
cross_archive = $(if $(shell command -v $*-linux-gnu-objcopy),--archive $(@D)/libthinkwire.a)

$(cross:%=.build/sysroot/%): .build/sysroot/%: bindings/packaging/sources.txt bindings/packaging/sysroot.sh | package-tools
	bindings/packaging/sysroot.sh $* $@
	touch $@

# libcurl's headers are the same for all architectures, but Debian has them in a directory with
# headers of the C library.
.build/sysroot/headers:
	mkdir -p $@
	ln -sfn "$$(echo '#include <curl/curl.h>' | $(CC) -M -x c - | grep -o '[^ ]*/curl/curl\.h' | head -n 1 | xargs dirname)" $@/curl

# Wheels of the Python package and its sdist, in .build/wheel. The library of a wheel contains a
# libcurl of its own, which .build/bundle has.
dists   := .build/wheel
wheels  := $(cross:%=wheel-%)
bundled := $(cross:%=.build/%/bundled/libthinkwire.so)
.PHONY: wheel sdist test-wheel test-sdist $(wheels)

wheel: $(wheels)

$(wheels): wheel-%: .build/%/bundled/libthinkwire.so $(dists)/venv/ready
	rm -f $(dists)/*_$*.whl
	$(dists)/venv/bin/python bindings/packaging/wheel.py wheel $* $< .build/bundle/$*/licenses $(dists)
	$(dists)/venv/bin/auditwheel show $(dists)/*_$*.whl | tee $(dists)/auditwheel-$*.txt
	tr '\n' ' ' < $(dists)/auditwheel-$*.txt | grep -q 'constrains the platform tag to "manylinux_2_28_$*"'

$(bundled): .build/%/bundled/libthinkwire.so: .build/bundle/%/ready bindings/packaging/crossbuild.py \
    Package.swift include/thinkwire.h $(shell find Sources -name '*.swift' -o -name '*.[ch]' -o -name '*.map')
	bindings/packaging/crossbuild.py --libraries .build/bundle/$*/lib $* .build/sysroot/$* .build/bundle/$*/include $@
	BUNDLED=yes OLD_LIBC=yes Tests/check/library.sh $@ include/thinkwire.h

$(cross:%=.build/bundle/%/ready): .build/bundle/%/ready: .build/bundle/sources .build/sysroot/% \
    bindings/packaging/curl.sh bindings/packaging/mbedtls_config.h
	bindings/packaging/curl.sh $* .build/sysroot/$* .build/bundle/sources $(@D)
	touch $@

.build/bundle/sources: bindings/packaging/unpack.sh bindings/packaging/sources.txt bindings/packaging/curl.patch | package-tools
	bindings/packaging/unpack.sh $@
	touch $@

# In new systems of Debian without libcurl and compiler: SUITES="bullseye bookworm trixie". aarch64
# runs under qemu, which takes many minutes.
SUITES ?= bookworm
test-wheel: $(cross:%=test-wheel-%)

.PHONY: $(cross:%=test-wheel-%)
$(cross:%=test-wheel-%): test-wheel-%: wheel-% library
	Tests/wheel/run.py $* $(dists)/*_$*.whl $(mock) $(SUITES)

# Builds the library from the sdist alone. All distributions can be published.
test-sdist: sdist wheel library
	TWINE=$(CURDIR)/$(dists)/venv/bin/twine bindings/packaging/publish.sh $(dists)
	rm -rf .build/sdist
	python3 -m venv .build/sdist
	Tests/wheel/first_token.py $(dists)/*.tar.gz .build/sdist $(mock)

sdist: $(dists)/venv/ready
	rm -f $(dists)/*.tar.gz
	$(dists)/venv/bin/python bindings/packaging/wheel.py sdist $(dists)

$(dists)/venv/ready: bindings/packaging/requirements.txt | package-tools
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# Archives for other systems, in .build/dist, linked with glibc 2.31 of Debian 11: library, header,
# files for pkg-config and CMake, programs, manual pages, checksums and an SBOM.
.PHONY: $(cross:%=dist-%)
dist: $(cross:%=dist-%)

$(cross:%=dist-%): dist-%: .build/%/libthinkwire.so .build/%/thinkwire-mock .build/%/thinkwire-chat $(manual)
	@test -e .build/$*/libthinkwire.a || { echo "dist: apt-get install binutils-$*-linux-gnu; rm $<" >&2; exit 1; }
	rm -rf .build/dist/$*
	$(MAKE) --no-print-directory install built=.build/$* PREFIX=/ DESTDIR=.build/dist/$*/thinkwire-$(version)-linux-$*
	bindings/packaging/dist.py $* .build/dist/$*/thinkwire-$(version)-linux-$* .build/dist/thinkwire-$(version)-linux-$*.tar.xz

$(cross:%=.build/%/thinkwire-mock): .build/%/thinkwire-mock: .build/%/libthinkwire.so $(shell find Sources/thinkwire-mock Sources/CMock -type f)
	bindings/packaging/crossbuild.py --target thinkwire-mock $* .build/sysroot/$* .build/sysroot/headers $@

$(cross:%=.build/%/thinkwire-chat): .build/%/thinkwire-chat: .build/%/libthinkwire.so $(chat_sources)
	$(swift_clang) --target=$*-linux-gnu --sysroot=.build/sysroot/$* $(strict) -O2 -s -fuse-ld=lld $(filter %.c,$^) \
	    -o $@ $(subst $(out),$(@D),$(link)) -Wl,--allow-shlib-undefined

# The archives, unpacked elsewhere, that of the other architecture under qemu; the SBOMs; and that the
# same bytes are made again.
test-dist: dist library
	python3 -m venv .build/dist/venv
	.build/dist/venv/bin/pip install --quiet --disable-pip-version-check spdx-tools
	for arch in $(cross); do \
	    .build/dist/venv/bin/pyspdxtools --infile .build/dist/$$arch/thinkwire-$(version)-linux-$$arch/sbom.spdx.json || exit 1; \
	done
	for arch in $(cross); do \
	    test $$arch = $$(uname -m) && test=Tests/dist/run.sh || test="Tests/dist/emulated.py $$arch"; \
	    $$test .build/dist/thinkwire-$(version)-linux-$$arch.tar.xz bindings/c/examples || exit 1; \
	done
	cp .build/dist/*.sha256 .build/dist/venv
	$(MAKE) --no-print-directory dist
	cd .build/dist && cat venv/*.sha256 | sha256sum --check

# The reference of the C interface, from include/thinkwire.h: pages in HTML, and manual pages.
# Dates in them are those of the last commit, so that the same sources give the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y include/thinkwire.h)
docs_by := $(wildcard bindings/docs/*) bindings/describe.py

docs: $(docs)/html/index.html manual

manual: $(manual)

$(docs)/html/index.html: include/thinkwire.h bindings/thinkwire.json $(docs_by)
	mkdir -p $(docs)
	rm -rf $(@D)
	VERSION=$(version) OUTPUT=$(docs) doxygen bindings/docs/Doxyfile

$(manual): bindings/thinkwire.json $(docs_by) $(wildcard bindings/c/examples/*)
	rm -rf $(@D)
	mkdir -p $(@D)
	bindings/docs/manual.py $(@D) $$(date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%d)
	chmod 644 $(@D)/*

# The pages in a browser, and what man and its checkers say about the manual pages.
test-docs: docs $(venv)/ready
	$(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/docs

# The packages of Debian, in .build/deb: libthinkwire0, libthinkwire-dev, thinkwire-tools,
# python3-thinkwire, and debug symbols. lintian checks them.
deb: | package-tools
	bindings/packaging/deb.sh .build/deb $(version)
	lintian --fail-on error,warning .build/deb/*.changes

# The packages in a new Debian 12. For use before releases; needs root.
test-deb: deb
	Tests/deb/run.py .build/deb

bench: all
	Tests/bench/run.sh $(out)

# Two minutes for each target, FUZZ_JOBS targets at a time. nice has an effect where the kernel does
# not divide the processor time between sessions (sched(7), autogroup).
FUZZ_JOBS ?= 2
test-fuzz:
	nice -n 5 Tests/fuzz/run.py --seconds 120 --jobs $(FUZZ_JOBS)

fuzz:
	Tests/fuzz/run.py $(if $(RUNS),--runs $(RUNS),--seconds $(or $(SECONDS),600)) $(TARGET)

soak: all .build/soak/soak
	.build/soak/soak $(mock) $(or $(EXCHANGES),1000000) $(or $(SECONDS),3600)

# The soak test itself, for 20 seconds.
test-soak: library .build/soak/soak
	.build/soak/soak $(mock) 1000000 20

.build/soak/soak: Tests/soak/soak.c $(support) include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) $(CFLAGS) $(filter %.c,$^) -o $@ $(link) -lpthread

# Installs what the directory `built` contains. Builds only what does not exist, so that
# `sudo make install` needs no Swift.
built ?= $(out)
install:
	test -x $(built)/thinkwire-chat -a -x $(built)/thinkwire-mock -a -e $(built)/libthinkwire.so -a -e $(manual) || $(MAKE) --no-print-directory all
	test -e $(built)/libthinkwire.a || $(MAKE) --no-print-directory static
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/Thinkwire \
	    $(DESTDIR)$(LIBDIR)/cmake/thinkwire $(DESTDIR)$(INCLUDEDIR)/thinkwire $(DESTDIR)$(MANDIR)/man1 \
	    $(DESTDIR)$(MANDIR)/man3
	$(INSTALL) -m 755 $(built)/thinkwire-chat $(built)/thinkwire-mock $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 644 include/thinkwire.h $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 644 bindings/c/man/*.1 $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 644 $(docs)/man/man3/* $(DESTDIR)$(MANDIR)/man3
	$(INSTALL) -m 644 bindings/c/module.modulemap $(DESTDIR)$(INCLUDEDIR)/thinkwire
	bindings/c/cdef.sh include/thinkwire.h > $(DESTDIR)$(INCLUDEDIR)/thinkwire.cdef
	chmod 644 $(DESTDIR)$(INCLUDEDIR)/thinkwire.cdef
	$(INSTALL) -m 755 $(built)/libthinkwire.so $(DESTDIR)$(LIBDIR)/$(real)
	$(INSTALL) -m 644 $(built)/libthinkwire.a $(DESTDIR)$(LIBDIR)
	ln -sf $(real) $(DESTDIR)$(LIBDIR)/$(soname)
	ln -sf $(soname) $(DESTDIR)$(LIBDIR)/libthinkwire.so
	bindings/c/configure.sh bindings/c/thinkwire.pc.in $(DESTDIR)$(LIBDIR)/pkgconfig/thinkwire.pc \
	    $(version) $(PREFIX) $(LIBDIR) $(INCLUDEDIR)
	for name in ThinkwireConfig ThinkwireConfigVersion; do \
	    bindings/c/configure.sh bindings/c/$$name.cmake.in $(DESTDIR)$(LIBDIR)/cmake/Thinkwire/$$name.cmake \
	        $(version) $(PREFIX) $(LIBDIR) $(INCLUDEDIR) || exit 1; \
	    echo "include(\"\$${CMAKE_CURRENT_LIST_DIR}/../Thinkwire/$$name.cmake\")" \
	        > $(DESTDIR)$(LIBDIR)/cmake/thinkwire/$$(echo $$name | sed 's/^T/t/').cmake || exit 1; \
	done
	for file in $(shared_files); do \
	    $(INSTALL) -D -m 644 bindings/c/share/$$file $(DESTDIR)$(DATADIR)/$$file || exit 1; \
	done
	test -n "$(DESTDIR)" || test "$$(id -u)" != 0 || $(LDCONFIG) || true

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/thinkwire-chat $(DESTDIR)$(BINDIR)/thinkwire-mock
	rm -f $(DESTDIR)$(INCLUDEDIR)/thinkwire.h $(DESTDIR)$(INCLUDEDIR)/thinkwire.cdef
	rm -rf $(DESTDIR)$(INCLUDEDIR)/thinkwire
	rm -f $(DESTDIR)$(LIBDIR)/libthinkwire.a $(DESTDIR)$(LIBDIR)/libthinkwire.so $(DESTDIR)$(LIBDIR)/$(soname) $(DESTDIR)$(LIBDIR)/$(real)
	rm -f $(DESTDIR)$(LIBDIR)/pkgconfig/thinkwire.pc
	rm -f $(patsubst bindings/c/man/%,$(DESTDIR)$(MANDIR)/man1/%,$(wildcard bindings/c/man/*.1))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man3/,$(shell bindings/docs/manual.py --names))
	rm -rf $(DESTDIR)$(LIBDIR)/cmake/Thinkwire $(DESTDIR)$(LIBDIR)/cmake/thinkwire
	rm -f $(addprefix $(DESTDIR)$(DATADIR)/,$(shared_files))

clean:
	rm -rf .build
