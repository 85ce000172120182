#!/bin/bash
# load.sh: lm-send held against lm-mock's own log and against the floor, on two cores, as a table.
# Arrivals: streams of 50 tokens/s. off: |chunks_ns - the write that carried it|, p50 and p99. Rates: one-token requests.
set -euo pipefail
build=$(realpath "${LM_BUILD:-build}")
PATH=$build:$PATH
work=$(mktemp -d)
trap 'kill "${mock:-$$}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

# serve ARG...: lm-mock on core 0; sets port
serve() {
    rm -f port
    taskset -c 0 lm-mock -q --port 0 --port-file port "$@" &
    mock=$!
    until [ -e port ]; do sleep 0.01; done
    port=$(<port)
}
requests() { # N TOKENS
    seq 1 "$1" | jq -c --argjson t "$2" '{id: "r/\(.)", api: "chat", request: {messages: [{role: "user", content: "hi"}],
        max_tokens: $t, stream: true, stream_options: {include_usage: true}}}'
}
quantiles() { sort -n | awk '{v[NR] = $1} END {printf "%.1f %.1f", v[int(NR * .5) + 1] / 1e3, v[int((NR - 1) * .99) + 1] / 1e3}'; }

printf '%8s %9s %7s %16s %16s\n' streams chunks late% 'arrival off, us' 'ITL off, us'
for streams in 1000 2000; do
    serve --log log --ttft 200ms --itl 20ms
    requests "$streams" 100 >in
    taskset -c 1 lm-send -q --url "http://127.0.0.1:$port" -c "$streams" in >out 2>/dev/null
    kill "$mock"; wait "$mock" || true
    jq -n -r --slurpfile log log '($log | INDEX(.id)) as $log | inputs | .timing as $t | $log[.id].writes_ns as $w
        | select(($w | length) == ($t.chunks_ns | length)) | range($w | length) as $i | ($t.chunks_ns[$i] + $t.start_ns - $w[$i]) as $off
        | "\($off) \(if $i > 0 then $off - ($t.chunks_ns[$i - 1] + $t.start_ns - $w[$i - 1]) else "" end)"' out >off
    printf '%8d %9d %7.3f %16s %16s\n' "$streams" "$(wc -l <off)" \
        "$(jq -n '[inputs.timing | [.late, (.chunks_ns | length)]] | 100 * (map(.[0]) | add) / (map(.[1]) | add)' out)" \
        "$(awk '{print $1 < 0 ? -$1 : $1}' off | quantiles)" "$(awk 'NF > 1 {print $2 < 0 ? -$2 : $2}' off | quantiles)"
done

printf '\n%12s %14s %14s %6s\n' connections 'floor, req/s' 'lm-send, req/s' ratio
for connections in 64 4000; do
    serve
    requests 40000 1 >in
    floor=$(taskset -c 1 "$build/tests/bench/floor" --port "$port" --connections "$connections" --requests 40000 --tokens 1 | jq .requests_per_s)
    taskset -c 1 lm-send -q --url "http://127.0.0.1:$port" -c "$connections" -o records in 2>/dev/null
    ours=$(lm-stat --format json records | jq .request_throughput_rps)
    rm records
    kill "$mock"; wait "$mock" || true
    awk -v c="$connections" -v f="$floor" -v o="$ours" 'BEGIN {printf "%12d %14.0f %14.0f %6.2f\n", c, f, o, o / f}'
done
