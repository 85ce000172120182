# What `make test` runs: unit tests (cmocka), the programs on real pipes (bats), the fuzz corpora, the manual's
# examples, the layers; once plain and once under ASan and UBSan. One closing line is prove's.

unit_tests := $(patsubst tests/unit/%.c,$(build)/tests/unit/%,$(wildcard tests/unit/*.c))
fuzz_tests := $(patsubst tests/fuzz/%.c,$(build)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))

$(unit_tests): $(build)/tests/unit/%: $(build)/obj/tests/unit/%.c.o $(build)/liblmutils.a | build/deps-test.ok
	@mkdir -p $(@D)
	$(CC) $(san) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
# Under plain gcc a target replays the files it is given; make fuzz builds it with libFuzzer.
$(fuzz_tests): $(build)/tests/fuzz/%: $(build)/obj/tests/fuzz/%.c.o $(build)/obj/tests/fuzz/replay/main.c.o $(build)/liblmutils.a
	@mkdir -p $(@D)
	$(CC) $(san) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: tests
tests: $(programs) $(unit_tests) $(fuzz_tests)
