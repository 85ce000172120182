# Speed is never asserted: it is printed, as ratios between things that one run measured.

$(build)/tests/bench/floor: tests/bench/floor.c | $(build)/deps-build.ok
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(warnings) $(CFLAGS) -D_GNU_SOURCE -o $@ $<

## MEGABYTES: bench: of the records that each filter reads (200)
.PHONY: bench
bench: $(programs) $(build)/tests/bench/floor  ## print what the load client and the filters reach on this machine
	@tests/bench/load.sh
	@tests/bench/tap.sh
	@tests/bench/filters.sh
	@tests/bench/search.sh

## STREAMS: bench-peers: how many at once, one table row a client each (64 256 1000)
.PHONY: bench-peers
bench-peers: $(programs)  ## lm-send beside vllm bench serve, guidellm and aiperf (Python's, 7 GB; needs CAP_NET_RAW)
	@STREAMS="$(STREAMS)" tests/bench/peers.sh
