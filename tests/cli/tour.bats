# The tour of the README, line by line, against lm-mock.
bats_require_minimum_version 1.5.0
load ../lib

setup() {
    begin_test
    start mock lm-mock -q --port 0 --port-file port --slots 8 --ttft 20ms --itl 2ms
    until [ -e port ]; do kill -0 "${pids[mock]}"; done
    export OPENAI_BASE_URL=http://127.0.0.1:$(<port)/v1
    # Programs that find their adapters beside the repository's root do so here.
    ln -s "$ROOT/pipelines" "$ROOT/configs" .
}

# The command of the tour that has this in it.
command_with() {
    awk '/^## A tour/ {on = 1} /^## Programs/ {on = 0} on && /^```sh/ {code = 1; next} /^```/ {code = 0} on && code && !/^#/' \
        "$ROOT/README.md" | grep -F -e "$1"
}
tour() {
    local command
    command=$(command_with "$1")
    [ "$(wc -l <<<"$command")" -eq 1 ]
    bash -euo pipefail -c "$command"
}

@test "the tour: two runs of fixed lengths, compared, in a picture and in one table" {
    tour 'lm-synth prompts -n 200'
    [ "$(jq -s 'map(.meta | [.input_tokens, .output_tokens]) | unique | length' fixed.jsonl)" -eq 1 ]
    tour 'lm-send -c 8'
    tour 'lm-send -c 16'
    lm-check eight.jsonl sixteen.jsonl 2>/dev/null || [ $? -eq 1 ] # the ids of both
    [ "$(jq -s 'map(.response.tokens | [.prompt, .completion]) | unique' -c eight.jsonl)" = '[[512,64]]' ]
    [[ $(tour lm-compare) == *"TTFT"*"worse"* ]] # eight slots: eight of sixteen wait
    tour 'lm-plot sorted'
    grep -q '</svg>' runs.svg
    cp sixteen.jsonl replay.jsonl
    [ "$(tour 'lm-stat --by file' | grep -c 'jsonl')" -eq 3 ]
}

@test "the tour: a sweep, in one table and one picture" {
    tour 'lm-send -q -c $c'
    [ "$(tour 'lm-stat --by timing.load' | awk '$2 == 32 {print $1}' | paste -sd ' ')" = "1 2 4 8 16" ]
    tour 'lm-plot pareto'
    [ "$(head -c 4 sweep.png | tail -c 3)" = PNG ]
}

@test "the tour: a trace is replayed" {
    lm-items azure -n 200 >/dev/null 2>&1 || skip "the trace is neither in LM_DATA_MIRROR nor to be downloaded"
    tour 'lm-items azure'
    [ "$(wc -l <replay.jsonl)" -eq 200 ]
    lm-check replay.jsonl
    [ "$(jq -s 'all(.[]; .timing.load.speed == 20 and .timing.due_ns == (.at_ns / 20 | floor))' replay.jsonl)" = true ]
    [ "$(jq -s 'all(.[]; .response.tokens.completion == .meta.output_tokens)' replay.jsonl)" = true ]
}

@test "the tour: the highest rate within an SLO is found" {
    tour 'lm-synth prompts -n 200'
    run --separate-stderr tour lm-search
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"ttft=200ms"* ]]
}
