#!/bin/bash
# load.sh: lm-send held against lm-mock's own log, and against the floor, as tables. The server is on core 0, the client
# on core 1.
#
# Arrivals: streams of 50 tokens/s, all begun at once. off: |chunks_ns - the write that carried it|, p50 and p99; ITL
# likewise. Streams are added until over 0.1 % of chunks are late, which lm-stat must then say.
# Rates: the floor's (floor.c), ours, and their ratio; the goal is 0.8.
# Memory: the most that lm-send held with 10,000 streams of 512 tokens; the goal is 500 MB.
set -euo pipefail
build=$(realpath "${LM_BUILD:-build}")
PATH=$build:$build/tests/bench:$PATH
work=$(mktemp -d)
trap 'kill ${mock:+"$mock"} 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

# serve ARG...: lm-mock; sets port
serve() {
    rm -f port
    taskset -c 0 lm-mock -q --port 0 --port-file port "$@" &
    mock=$!
    until [ -e port ]; do sleep 0.01; done
    port=$(<port)
}
stop() {
    kill "$mock"
    wait "$mock" || true
}
requests() { # N TOKENS
    seq 1 "$1" | jq -c --argjson t "$2" '{id: "r/\(.)", api: "chat", request: {messages: [{role: "user", content: "hi"}],
        max_tokens: $t, stream: true, stream_options: {include_usage: true}}}'
}
client() {
    taskset -c 1 lm-send -q --url "http://127.0.0.1:$port" "$@" 2>/dev/null
}
quantiles() { sort -n | awk '{v[NR] = $1} END {printf "%.1f %.1f", v[int(NR * .5) + 1] / 1e3, v[int((NR - 1) * .99) + 1] / 1e3}'; }

# arrivals STREAMS: a row; fails where over 0.1 % were late
arrivals() {
    serve --log log --ttft 200ms --itl 20ms
    requests "$1" 100 >in
    client -c "$1" in >out
    stop
    jq -n -r --slurpfile log log '($log | INDEX(.id)) as $log | inputs | .timing as $t | $log[.id].writes_ns as $w
        | select(($w | length) == ($t.chunks_ns | length)) | range($w | length) as $i | ($t.chunks_ns[$i] + $t.start_ns - $w[$i]) as $off
        | "\($off) \(if $i > 0 then $off - ($t.chunks_ns[$i - 1] + $t.start_ns - $w[$i - 1]) else "" end)"' out >off
    lm-stat --format json out >stat
    printf '%8d %9d %16s %16s %7.3f  %s\n' "$1" "$(wc -l <off)" \
        "$(awk '{print $1 < 0 ? -$1 : $1}' off | quantiles)" "$(awk 'NF > 1 {print $2 < 0 ? -$2 : $2}' off | quantiles)" \
        "$(jq '100 * .client.late_share' stat)" "$(jq -r '.client.reasons | if any(. == "late_chunks") then "yes" else "no" end' stat)"
    jq -e '.client.late_share <= 0.001' stat >late
}

# rates CONNECTIONS REQUESTS TOKENS FIELD-OF-THE-FLOOR: a row
rates() {
    serve
    requests "$2" "$3" >in
    taskset -c 1 floor --port "$port" --connections "$1" --requests "$2" --tokens "$3" >floor
    client -c "$1" -o records in
    stop
    # each stream has the role's event, the tokens' and the usage's
    jq -n -r --slurpfile floor floor --argjson events $(($3 + 2)) --arg what "$4" --arg connections "$1" --slurpfile stat <(lm-stat --format json records) '
        ($stat[0].request_throughput_rps * if $what == "events_per_s" then $events else 1 end) as $ours | $floor[0][$what] as $floor
        | [$connections, $floor, $ours, $ours / $floor] | @tsv' |
        awk -v what="${4%_per_s}/s" '{printf "%12d %-10s %12.0f %12.0f %6.2f\n", $1, what, $2, $3, $4}'
    rm records
}

echo "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores, Linux $(uname -r)"
printf '%8s %9s %16s %16s %7s  %s\n' streams chunks 'arrival off, us' 'ITL off, us' late% 'lm-stat says so'
for streams in 1000 2000 2500 3000 3500 4000 5000 6000 8000; do
    arrivals "$streams" || [ "$streams" -lt 2500 ] || break
done

printf '\n%12s %-10s %12s %12s %6s\n' connections rate floor lm-send ratio
rates 64 40000 1 requests_per_s
rates 4000 40000 1 requests_per_s
rates 64 1500 512 events_per_s
rates 4000 12000 64 events_per_s

serve --ttft 1s --itl 100ms
requests 10000 512 >in
taskset -c 1 lm-send -q --url "http://127.0.0.1:$port" -c 10000 -o records in 2>/dev/null &
while grep VmHWM /proc/$!/status >new 2>/dev/null; do
    mv new most
    sleep 0.2
done
wait $! || true
stop
awk -v chunks="$(jq -n 'reduce inputs as $r (0; . + ($r.timing.chunks_ns | length))' records)" \
    '{printf "\n10000 streams, %d chunks: %.0f MB at most\n", chunks, $2 / 1024}' most
