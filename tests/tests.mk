# What `make test` runs: unit tests (cmocka), the programs on real pipes (bats: also the manual's examples, and the
# layers), the fuzz corpora; once plain and once under ASan and UBSan. Every test is an executable that speaks TAP, so
# that one prove runs all of them, side by side, and its closing line counts everything.
#
# A new test is a new file, and nothing else: tests/unit/NAME.c, tests/cli/NAME.bats (a C program beside it, a test's
# own, is on its PATH), tests/fuzz/NAME.c (tests/fuzz/replay/main.c says how).

unit_tests := $(patsubst tests/unit/%.c,$(build)/tests/unit/%,$(wildcard tests/unit/*.c))
fuzz_tests := $(patsubst tests/fuzz/%.c,$(build)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))
cli_tests  := $(patsubst tests/cli/%,$(build)/tests/cli/%,$(wildcard tests/cli/*.bats))
cli_programs := $(patsubst tests/cli/%.c,$(build)/tests/cli/%,$(wildcard tests/cli/*.c))
all_tests  := $(cli_tests) $(unit_tests) $(fuzz_tests)
# ASan has its own malloc, and looks at no source text: of these one run tells all.
plain_only := layers.bats
faults     := $(if $(SAN),,build/tests/faults.so)
loaded     := build/tests/nvml.so

$(unit_tests): $(build)/tests/unit/%: $(build)/obj/tests/unit/%.c.o $(build)/liblmutils.a
	@mkdir -p $(@D)
	$(CC) $(san) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(unit_tests:$(build)/%=$(build)/obj/%.c.o): | build/deps-test.ok
$(cli_programs): $(build)/tests/cli/%: $(build)/obj/tests/cli/%.c.o $(build)/liblmutils.a
	@mkdir -p $(@D)
	$(CC) $(san) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# Under plain gcc a target replays its corpus; make fuzz builds it with libFuzzer.
$(fuzz_tests): $(build)/tests/fuzz/%: $(build)/obj/tests/fuzz/%.c.o $(build)/obj/tests/fuzz/replay/main.c.o $(build)/liblmutils.a
	@mkdir -p $(@D)
	$(CC) $(san) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(cli_tests): $(build)/tests/cli/%.bats: tests/cli/%.bats tests/tests.mk | build/deps-test.ok
	@mkdir -p $(@D)
	@printf '#!/bin/bash\nLM_BUILD=$$PWD/%s exec bats --tap %s\n' $(build) $< >$@ && chmod +x $@
build/tests/faults.so build/tests/nvml.so: build/tests/%.so: tests/%.c Makefile | $(build)/deps-build.ok
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(warnings) $(c_only) $(CFLAGS) -D_GNU_SOURCE -fPIC -shared -o $@ $< -ldl

.PHONY: tests
tests: $(programs) completions $(all_tests) $(cli_programs) $(faults) $(loaded)

# A sanitiser's end is a status that no program has.
export CMOCKA_MESSAGE_OUTPUT := TAP
export ASAN_OPTIONS := exitcode=99
export LSAN_OPTIONS := exitcode=99
export UBSAN_OPTIONS := exitcode=99:print_stacktrace=1
jobs  := $(shell nproc)
prove := prove --jobs $(jobs) --failures --comments --exec tests/run
# Those who run make without -j have their cores used all the same.
parallel = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(jobs))

# The two builds are one graph, read twice: every rule names $(build) and $(san), which SAN=1 sets. To have both in one
# reading, each rule and list would have to stand there twice.
.PHONY: test
test:  ## run all tests, plain and sanitised (make test-NAME: those of one file; with SAN=1, sanitised)
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory $(parallel) tests
	@$(MAKE) --no-print-directory $(parallel) SAN=1 tests
	@$(prove) $(all_tests) $(patsubst build/%,build/san/%,$(filter-out %/$(plain_only),$(all_tests)))

test-%: tests
	@$(prove) --verbose $(or $(filter %/$* %/$*.bats,$(all_tests)),$(error no test is called $*))

# Needs clang and libclang-rt-14-dev. New inputs that matter are kept in build/fuzz/NAME; what crashes is written to
# build/fuzz/NAME.crash-*: mend it, and add it to tests/fuzz/corpus/NAME, where make test replays it.
## FUZZ_SECONDS: fuzz: for each parser (60)
FUZZ_SECONDS ?= 60
fuzz_flags := -O1 -g -fsanitize=address$(comma)undefined -fno-sanitize-recover=all
fuzz_sources := $(wildcard bin-src/lib/*/*.c bin-src/lib/*/*.cpp)
fuzz_objects := $(patsubst %,build/fuzz/obj/%.o,$(fuzz_sources))
fuzzers := $(patsubst tests/fuzz/%.c,build/fuzz/run-%,$(wildcard tests/fuzz/*.c))

build/fuzz/obj/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	clang -std=gnu17 $(fuzz_flags) -fsanitize=fuzzer-no-link $(compile) -c -o $@ $<
build/fuzz/obj/%.cpp.o: %.cpp Makefile
	@mkdir -p $(@D)
	clang++ -std=c++17 -fno-exceptions $(fuzz_flags) -fsanitize=fuzzer-no-link $(compile) -c -o $@ $<
$(fuzzers): build/fuzz/run-%: build/fuzz/obj/tests/fuzz/%.c.o $(fuzz_objects)
	clang++ $(fuzz_flags) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

-include $(shell find build/fuzz -name '*.d' 2>/dev/null)

.PHONY: fuzz
fuzz: $(patsubst tests/fuzz/%.c,fuzz-%,$(wildcard tests/fuzz/*.c))  ## look for new failures of the parsers, FUZZ_SECONDS each (clang)
fuzz-%: build/fuzz/run-%
	@mkdir -p build/fuzz/$* tests/fuzz/corpus/$*
	$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
		-artifact_prefix=build/fuzz/$*.crash- build/fuzz/$* tests/fuzz/corpus/$*
