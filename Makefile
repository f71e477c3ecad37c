# make            the library, thinkwire-chat and thinkwire-mock, in .build/release
# make demo       watch a model think; without a key, a recorded answer of one
# make test       everything there is to check
# make install    PREFIX=/usr/local DESTDIR=; make uninstall takes it back
# make bench      what the library costs over bare libcurl
# make fuzz       one TARGET of Tests/fuzz, for SECONDS=600 or RUNS=
# make soak       threads, faults and cancellations, EXCHANGES=1000000 or SECONDS=3600 of them: whether anything is left behind
#
# demo, test and deps install what is missing (see .ci/setup).

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
CC         ?= cc
CFLAGS     ?= -O2
INSTALL    ?= install
LDCONFIG   ?= ldconfig
SWIFT      ?= swift

version := $(shell sed -n 's/^.define TW_VERSION "\(.*\)"/\1/p' include/thinkwire.h)
soname  := libthinkwire.so.0
real    := libthinkwire.so.$(version)
out     := .build/release
library := $(out)/libthinkwire.so
chat    := $(out)/thinkwire-chat
mock    := $(out)/thinkwire-mock
venv    := .build/venv
stage   := $(CURDIR)/.build/stage

strict  := -std=c99 -Wall -Wextra -Wpedantic -Werror -Iinclude
# A leak, a use after the end and what C leaves undefined are all one failure.
sanitize := -fsanitize=address,undefined -fno-sanitize-recover=undefined
# Found beside the program in the build, and where it is installed without the loader's help.
link    := -L$(out) -lthinkwire -Wl,-rpath,'$$ORIGIN:$$ORIGIN/../lib:$$ORIGIN/../release'
process := Tests/support/process.c
abi     := $(wildcard Tests/abi/*.c) $(process)
tests   := test-swift test-asan test-tsan test-c test-c-tsan test-newer-curl test-valgrind test-guest test-flood test-corpus test-faults \
           test-install test-mock test-python test-servers test-soak test-fuzz
guests  := $(patsubst Tests/guest/%.c,.build/guest/%,$(filter-out Tests/guest/guest.c,$(wildcard Tests/guest/*.c)))

.NOTPARALLEL:
.PHONY: all library demo test $(tests) check bench fuzz soak install uninstall clean deps
.DEFAULT_GOAL := all

all: library $(chat) check

# SwiftPM knows what is out of date.
library:
	$(SWIFT) build -c release --disable-local-rpath
	ln -sf libthinkwire.so $(out)/$(soname)

$(library): library

$(chat): bindings/c/examples/chat.c include/thinkwire.h | library
	$(CC) $(strict) $(CFLAGS) $< -o $@ $(link) $(LDFLAGS)

check: library
	Tests/check/header.sh include/thinkwire.h
	Tests/check/library.sh $(library) include/thinkwire.h Tests/abi

deps:
	.ci/setup

demo:
	.ci/setup build
	$(MAKE) --no-print-directory all
	bindings/c/examples/demo.sh $(out)

test: deps all $(tests)
	@echo "everything passed"

# All tests are Swift Testing's; XCTest, which SwiftPM starts as well, leaks what the address sanitizer then complains of. And gold,
# SwiftPM's linker here, warns of each of the sanitizer's hundreds of symbols; lld does not.
test-swift:
	$(SWIFT) test --disable-xctest

test-asan:
	$(SWIFT) test --disable-xctest --sanitize=address --scratch-path .build/asan -Xswiftc -use-ld=lld

test-tsan:
	$(SWIFT) test --disable-xctest --sanitize=thread --scratch-path .build/tsan

# The same programs twice: as a user would build them, and with a heap that notices what is leaked or used too late.
test-c: library .build/abi/plain .build/abi/asan
	THINKWIRE_MOCK=$(mock) .build/abi/plain
	THINKWIRE_MOCK=$(mock) ASAN_OPTIONS=detect_leaks=1 .build/abi/asan

.build/abi/plain .build/abi/asan: $(abi) Tests/abi/check.h Tests/support/process.h include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 $(if $(findstring asan,$@),$(sanitize)) $(abi) -o $@ $(link) -lpthread

# What the library leaves as it is in the program that it is a guest of, and where the key goes. Each program is a host.
test-guest: library $(guests)
	set -e; for guest in $(guests); do echo $$guest; \
	    THINKWIRE_MOCK=$(mock) THINKWIRE_SERVERS=Tests/guest/servers.py THINKWIRE_LIBRARY=$(library) timeout 300 $$guest; done

.build/guest/%: Tests/guest/%.c Tests/guest/guest.c Tests/guest/guest.h Tests/abi/check.c Tests/abi/check.h $(process) Tests/support/process.h \
    include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 -rdynamic -ITests/abi $(filter %.c,$^) -o $@ $(link) -lpthread

# A gigabyte of anything costs bounded memory, and little time.
test-flood: library .build/limits/flood
	timeout 900 .build/limits/flood

.build/limits/flood: Tests/limits/flood.c $(process) Tests/support/process.h include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) $(CFLAGS) $(filter %.c,$^) -o $@ $(link) -lpthread

# Memory that was never written, or is gone: what the address sanitizer, which sees the program alone, does not know of a library.
test-valgrind: library .build/abi/plain
	THINKWIRE_MOCK=$(mock) THINKWIRE_SLOWNESS=400 timeout 900 valgrind --quiet --error-exitcode=1 --leak-check=full \
	    --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible .build/abi/plain

# What providers really send, through the library that ships; through Swift and Python it goes with their tests.
test-corpus: library .build/corpus/play
	Tests/corpus/corpus.py plan > .build/corpus/plan
	ASAN_OPTIONS=detect_leaks=1 timeout 300 .build/corpus/play < .build/corpus/plan > .build/corpus/recorded.jsonl
	Tests/corpus/corpus.py check < .build/corpus/recorded.jsonl

.build/corpus/play: Tests/corpus/play.c Tests/corpus/recorder.c Tests/corpus/recorder.h include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) -g -O1 $(sanitize) $(filter %.c,$^) -o $@ $(link) -lpthread

# Every answer broken in every place, or with EVERY=16 at every byte of one framing, and at every 16th of the others; then fewer
# of them with a heap that notices leaks. Without the allocator's cache, memory in use is told to the byte.
EVERY ?= 1
test-faults: library .build/faults/sweep .build/faults/sweep-asan
	Tests/faults/faults.py > .build/faults/plan
	GLIBC_TUNABLES=glibc.malloc.tcache_count=0 timeout 3600 .build/faults/sweep $(EVERY) 1 < .build/faults/plan
	ASAN_OPTIONS=detect_leaks=1 timeout 900 .build/faults/sweep-asan 199 61 < .build/faults/plan

.build/faults/sweep .build/faults/sweep-asan: $(wildcard Tests/faults/*.[ch]) Tests/corpus/recorder.c Tests/corpus/recorder.h $(process) Tests/support/process.h \
    include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(subst c99,c11,$(strict)) -g -O1 $(if $(findstring asan,$@),$(sanitize)) $(filter %.c,$^) -o $@ $(link) -lpthread

# And once more against the library as ordinary Swift, which notices what Embedded Swift does not (two uses of one thing at a time,
# traps with a reason), under the thread sanitizer. That is the toolchain's own, and wants its dispatch.
runtime = $(shell $(SWIFT) -print-target-info | sed -n '/runtimeLibraryPaths/{n;s/.*"\(.*\)".*/\1/p;}')
swift_clang = $(dir $(shell readlink -f "$$(command -v $(SWIFT))"))clang

test-c-tsan: library
	$(SWIFT) build --product thinkwire --sanitize=thread --scratch-path .build/tsan
	mkdir -p .build/abi/debug
	cp .build/tsan/debug/libthinkwire.so .build/abi/debug/$(soname)
	$(swift_clang) $(strict) -g -O1 -fsanitize=thread -DLIBRARY_IS_SLOW $(abi) -o .build/abi/tsan .build/abi/debug/$(soname) \
	    -L$(runtime) -ldispatch -lBlocksRuntime -lpthread
	LD_LIBRARY_PATH=.build/abi/debug:$(runtime) THINKWIRE_MOCK=$(mock) THINKWIRE_SLOWNESS=100 \
	    TSAN_OPTIONS=halt_on_error=1 .build/abi/tsan

# And with a libcurl that is years newer than the system's, as a wheel brings it: from 8.1 on, handles are used again.
curl_libs = $(shell echo $(CURDIR)/$(venv)/lib/python3*/site-packages/pycurl.libs)

test-newer-curl: library .build/abi/plain .build/guest/secrets .build/faults/sweep $(venv)/ready
	ln -sf $(curl_libs)/libcurl-*.so.* $(curl_libs)/libcurl.so.4
	LD_LIBRARY_PATH=$(curl_libs) ldd $(library) | grep 'libcurl.so.4 => $(curl_libs)'
	LD_LIBRARY_PATH=$(curl_libs) THINKWIRE_CERTIFICATES=/etc/ssl/certs THINKWIRE_MOCK=$(mock) .build/abi/plain
	LD_LIBRARY_PATH=$(curl_libs) THINKWIRE_SERVERS=Tests/guest/servers.py .build/guest/secrets
	Tests/faults/faults.py > .build/faults/plan
	LD_LIBRARY_PATH=$(curl_libs) GLIBC_TUNABLES=glibc.malloc.tcache_count=0 timeout 900 .build/faults/sweep 61 1 < .build/faults/plan
	LD_LIBRARY_PATH=$(curl_libs) THINKWIRE_LIBRARY=$(CURDIR)/$(library) \
	    $(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/servers/test_http1.py

test-install: all $(venv)/ready
	$(MAKE) --no-print-directory install PREFIX=$(stage) DESTDIR= LDCONFIG=true
	PATH="$(CURDIR)/$(venv)/bin:$$PATH" Tests/check/install.sh $(stage) $(CURDIR)
	$(MAKE) --no-print-directory uninstall PREFIX=$(stage) DESTDIR=
	@left=$$(find $(stage) ! -type d); test -z "$$left" || { echo "uninstall leaves $$left" >&2; exit 1; }

test-mock: library $(venv)/ready
	THINKWIRE_MOCK=$(mock) $(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/mock

test-python: library $(venv)/ready
	cd bindings/python && ../../$(venv)/bin/mypy --strict
	cd bindings/python && THINKWIRE_LIBRARY=$(CURDIR)/$(library) THINKWIRE_MOCK=$(CURDIR)/$(mock) \
	    ../../$(venv)/bin/python -m pytest -q tests

# Against servers and proxies as Debian has them, and some that do what those never do when it is wanted.
test-servers: library $(venv)/ready
	THINKWIRE_LIBRARY=$(CURDIR)/$(library) THINKWIRE_MOCK=$(CURDIR)/$(mock) \
	    $(venv)/bin/python -m pytest -q -p no:cacheprovider Tests/servers

$(venv)/ready: Makefile
	python3 -m venv $(venv)
	$(venv)/bin/pip install --quiet --disable-pip-version-check pytest mypy cmake h2 cryptography
	$(venv)/bin/pip install --quiet --disable-pip-version-check --only-binary pycurl pycurl
	touch $@

bench: all
	Tests/bench/run.sh $(out)

# Two minutes for each target, two at a time.
test-fuzz:
	Tests/fuzz/run.py --seconds 120

fuzz:
	Tests/fuzz/run.py $(if $(RUNS),--runs $(RUNS),--seconds $(or $(SECONDS),600)) $(TARGET)

soak: all .build/soak/soak
	.build/soak/soak $(mock) $(or $(EXCHANGES),1000000) $(or $(SECONDS),3600)

# Long enough to see that it still does.
test-soak: library .build/soak/soak
	.build/soak/soak $(mock) 1000000 20

.build/soak/soak: Tests/soak/soak.c $(process) Tests/support/process.h include/thinkwire.h | library
	mkdir -p $(@D)
	$(CC) $(strict) $(CFLAGS) $(filter %.c,$^) -o $@ $(link) -lpthread

# What is there is installed, and built first only if it is not: `sudo make install` needs no Swift.
install:
	test -x $(chat) -a -x $(mock) -a -e $(library) || $(MAKE) --no-print-directory all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/Thinkwire $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 755 $(chat) $(mock) $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 644 include/thinkwire.h $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 755 $(library) $(DESTDIR)$(LIBDIR)/$(real)
	ln -sf $(real) $(DESTDIR)$(LIBDIR)/$(soname)
	ln -sf $(soname) $(DESTDIR)$(LIBDIR)/libthinkwire.so
	bindings/c/configure.sh bindings/c/thinkwire.pc.in $(DESTDIR)$(LIBDIR)/pkgconfig/thinkwire.pc \
	    $(version) $(PREFIX) $(LIBDIR) $(INCLUDEDIR)
	for name in ThinkwireConfig ThinkwireConfigVersion; do \
	    bindings/c/configure.sh bindings/c/$$name.cmake.in $(DESTDIR)$(LIBDIR)/cmake/Thinkwire/$$name.cmake \
	        $(version) $(PREFIX) $(LIBDIR) $(INCLUDEDIR) || exit 1; \
	done
	test -n "$(DESTDIR)" || test "$$(id -u)" != 0 || $(LDCONFIG) || true

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/thinkwire-chat $(DESTDIR)$(BINDIR)/thinkwire-mock $(DESTDIR)$(INCLUDEDIR)/thinkwire.h
	rm -f $(DESTDIR)$(LIBDIR)/libthinkwire.so $(DESTDIR)$(LIBDIR)/$(soname) $(DESTDIR)$(LIBDIR)/$(real)
	rm -f $(DESTDIR)$(LIBDIR)/pkgconfig/thinkwire.pc
	rm -rf $(DESTDIR)$(LIBDIR)/cmake/Thinkwire

clean:
	rm -rf .build
