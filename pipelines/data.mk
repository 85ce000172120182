# The data sets that lm-items has an adapter for, fetched before they are needed (a computing node may have no network).
## LM_DATA_MIRROR: data, quickstart: a folder that has the data sets, which are then not downloaded
.PHONY: data
data: $(build)/lm-items  ## download the data sets into data/
	$< gsm8k --split test -n 1 >/dev/null
	$< gsm8k --split train -n 1 >/dev/null
