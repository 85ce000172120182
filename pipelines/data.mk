# The data sets that lm-items has an adapter for, fetched before they are needed (a computing node may have no network):
# those of a few megabytes. The others, ShareGPT and BurstGPT, lm-items fetches when it is asked for them.
## LM_DATA_MIRROR: data, quickstart: a folder that has the data sets, which are then not downloaded
.PHONY: data
data: $(build)/lm-items  ## download the small data sets into data/
	for split in "gsm8k --split test" "gsm8k --split train" "azure --split conv" "azure --split code" \
	    "mooncake --split conversation" "mooncake --split synthetic"; do $< $$split -n 1 >/dev/null; done
