# lmutils: coreutils for language-model experiments. `make help` lists the targets and the variables.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# "## NAME: ..." is a variable's line in `make help`.
VERSION := 0.2.0
## PREFIX: install: bin/ and share/ go there (/usr/local)
## DESTDIR: install: what stands before PREFIX, for packages (nothing)
PREFIX  ?= /usr/local
## CFLAGS: the compiler's (-O2 -g); so CXXFLAGS (CFLAGS), LDFLAGS; CC and CXX choose another compiler
CFLAGS  ?= -O2 -g
CXXFLAGS ?= $(CFLAGS)

comma := ,
## SAN: 1: with ASan and UBSan, in build/san
## WERROR: 1: warnings are errors
# A sanitised build (make SAN=1) has its own folder: neither makes the other rebuild.
build := build$(if $(SAN),/san)
san   := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
# Programs that read files start without the network's libraries: only what one uses is linked.
LDLIBS   := -Wl,--as-needed -lcurl -lpcap -lsimdjson -lz -lstdc++ -lpthread -lm
warnings := -Wall -Wextra -Wshadow -Wconversion -Wpointer-arith -Wvla$(if $(WERROR), -Werror)
c_only   := -Wstrict-prototypes -Wmissing-prototypes
# No fused multiply-adds but where we write them: seeded draws must be the same numbers on every machine.
compile  := -ffp-contract=off -D_GNU_SOURCE -DLM_VERSION='"$(VERSION)"' -Ibin-src/lib -MMD -MP

programs    := $(patsubst bin-src/%.c,$(build)/%,$(wildcard bin-src/lm-*.c))
lib_objects := $(patsubst %,$(build)/obj/%.o,$(wildcard bin-src/lib/*/*.c bin-src/lib/*/*.cpp))

.PHONY: all
all: $(programs) completions  ## build every program and its completion

# What is compiled needs its headers first: looked for once, and installed by the goals that set up a machine.
sets_up := $(filter test quickstart bench deps test-%,$(MAKECMDGOALS))
$(build)/deps-build.ok: pipelines/deps.sh
	@mkdir -p $(@D)
	@pipelines/deps.sh $(if $(sets_up),--install) build
	@touch $@
# Behind the other: apt-get runs alone.
build/deps-test.ok: pipelines/deps.sh | $(build)/deps-build.ok
	@mkdir -p $(@D)
	@pipelines/deps.sh --install test
	@touch $@

$(programs): $(build)/%: $(build)/obj/bin-src/%.c.o $(build)/liblmutils.a
	$(CC) $(san) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(build)/liblmutils.a: $(lib_objects)
	@rm -f $@
	$(AR) rcs $@ $^
$(build)/obj/%.c.o: %.c Makefile | $(build)/deps-build.ok
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(warnings) $(c_only) $(CFLAGS) $(san) $(compile) -c -o $@ $<
$(build)/obj/%.cpp.o: %.cpp Makefile | $(build)/deps-build.ok
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -fno-exceptions $(warnings) $(CXXFLAGS) $(san) $(compile) -c -o $@ $<
-include $(shell find $(build)/obj -name '*.d' 2>/dev/null)

.PHONY: completions
completions: $(patsubst $(build)/%,$(build)/completions/%,$(programs))
$(build)/completions/%: $(build)/% pipelines/completion.sh
	@mkdir -p $(@D)
	@$< --list-options | pipelines/completion.sh $* >$@

.PHONY: install
install: all  ## install under $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man7
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/lmutils/{items,prompts,configs}
	install $(programs) $(DESTDIR)$(PREFIX)/bin
	install -m 644 bin-src/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 bin-src/man/*.7 $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 644 $(build)/completions/* $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 pipelines/items/* $(DESTDIR)$(PREFIX)/share/lmutils/items
	install -m 644 pipelines/prompts/* $(DESTDIR)$(PREFIX)/share/lmutils/prompts
	install -m 644 configs/prompts.jsonl $(DESTDIR)$(PREFIX)/share/lmutils/configs

.PHONY: deps
deps: $(build)/deps-build.ok build/deps-test.ok  ## install the packages that building and testing need

.PHONY: clean
clean:  ## remove what was built
	rm -rf build

.PHONY: help
help:  ## list the targets and the variables
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "variables (make TARGET NAME=VALUE):"
	@awk -F ': ' '/^## [A-Z_]+: /{printf "  %-14s %s\n", substr($$1, 4), substr($$0, length($$1) + 3)}' $(MAKEFILE_LIST)

# For stages, each of which writes one file $@ of a run, results/EXPERIMENT/RUN/. RUN= names one to go on with (latest:
# the last, if there is one), else it is the time of the start. $(to) ends a pipe of our own programs: $@ gets its name
# when it is whole, and exit 1 (some records failed, and say so) of any of them keeps it. $(some) is for lm-send, which
# keeps what it has under a name of its own and goes on there the next time.
## RUN: quickstart: go on with this run of results/quickstart/, or with the latest (a new one)
started := $(shell date -u +%Y%m%dT%H%M%SZ)
latest   = $(lastword $(sort $(notdir $(wildcard results/$1/*))))
run_of   = results/$1/$(or $(if $(filter latest,$(RUN)),$(latest),$(RUN)),$(started))
to       = >$@.part || for s in "$${PIPESTATUS[@]}"; do [ "$$s" -le 1 ] || exit "$$s"; done; mv $@.part $@
some     = || { s=$$?; [ "$$s" = 1 ] || exit "$$s"; }

include $(wildcard pipelines/*.mk tests/*.mk)
