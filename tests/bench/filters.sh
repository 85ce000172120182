#!/bin/bash
# filters.sh: how many MB of records a second of one core does each filter read? Prints a table; the goal is 300.
#
# The records are as a load run leaves them: our prompts, an answer of 64 tokens, a time for each. CPU time is what
# counts (user and system), the best of three runs, so that others on the machine do not. $LM_BUILD: default build.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${LM_BUILD:-build}
megabytes=${MEGABYTES:-200}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/filters.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

"$build/lm-items" prompts | "$build/lm-prompt" --max-tokens 64 >"$scratch/prompts"
# lm-prompt and lm-items have nothing to say of what is answered.
jq -c '(input_line_number * 1000003) as $at | ($at + 40000000) as $first | [range(65) | $first + . * 20000000 + (. * 7919 % 100003)] as $chunks |
    . + {response: {text: ("The answer is not long, but it has some words. " * 6), finish_reason: "length", status: 200, model: "m",
            usage: {prompt_tokens: 50, completion_tokens: 64, total_tokens: 114}, tokens: {prompt: 50, completion: 64, source: "usage"}},
        timing: {start: "2026-11-24T07:43:00.123456789Z", start_ns: 1, load: {mode: "open", rate_rps: 1000, arrivals: "poisson", seed: 0,
            urls: ["http://127.0.0.1:8000/v1"]}, due_ns: $at, sent_ns: ($at + 60000), headers_ns: ($first - 9000),
            first_ns: $chunks[1], last_ns: $chunks[64], end_ns: ($chunks[64] + 100000), chunks_ns: $chunks, clock: "kernel", late: 0,
            read_lag_ns: 90000, cpu: 0.25}}' "$scratch/prompts" >"$scratch/few"

# grow FROM TO: as often as fills the megabytes, with an id of its own for each record.
grow() {
    local times=$((megabytes * 1000000 / $(stat -c %s "$1") + 1)) i
    for ((i = 0; i < times; i++)); do
        sed "s|^{\"id\":\"|&$i/|" "$1"
    done >"$2"
}
grow "$scratch/few" "$scratch/records"
"$build/lm-items" prompts >"$scratch/few-items"
grow "$scratch/few-items" "$scratch/items"

# row FILE PROGRAM ARGUMENT...
row() {
    local file=$1 best=1000000000 user system ms run
    shift
    for run in 1 2 3; do
        TIMEFORMAT='%3U %3S'
        { time "$build/$1" "${@:2}" "$file" >/dev/null 2>"$scratch/stderr" || [ $? -eq 1 ]; } 2>"$scratch/time"
        read -r user system <"$scratch/time"
        ms=$((10#${user/./} + 10#${system/./}))
        [ "$ms" -ge "$best" ] || best=$ms
    done
    awk -v name="$*" -v bytes="$(stat -c %s "$file")" -v ms="$best" 'BEGIN {
        rate = bytes / ms / 1000
        printf "%-32s %8.0f MB/s %8.2f s for %.0f MB%s\n", name, rate, ms / 1000, bytes / 1e6, rate < 300 ? "  BELOW 300" : "" }'
}

row "$scratch/records" lm-stat
row "$scratch/records" lm-stat --format json --slo ttft=200ms,tpot=50ms
row "$scratch/records" lm-stat --by task
row "$scratch/records" lm-stat --keep 1000
row "$scratch/records" lm-stat --each
row "$scratch/records" lm-stat --each --format csv
row "$scratch/records" lm-check
row "$scratch/items" lm-prompt
