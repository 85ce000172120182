# lm-search: trials by lm-send, kept in a folder. How it searches is tested in unit/search.c, against a simulated server;
# here mostly against an lm-send that simulates one, so that no clock decides.
bats_require_minimum_version 1.5.0
load ../lib

setup() {
    begin_test
    seq 2000 | sed 's/.*/{"id":"q&","request":{}}/' >requests
    # The server answers 100 a second, one behind another; the SLO is on the wait. FAIL: ends so instead.
    mkdir bin
    cat >bin/lm-send <<'SEND'
#!/bin/bash
echo "$*" >>"$CALLS"
rate=10 warmup=0 slots=0
while [ $# -gt 0 ]; do
    case $1 in --rate) rate=$2; shift ;; -c) slots=$2; shift ;; --warmup) warmup=$2; shift ;; --seed) seed=$2; shift ;; esac
    shift
done
[ -z "$FAIL" ] || exit "$FAIL"
exec awk -v rate="$rate" -v warmup="$warmup" -v slots="$slots" -v seed="$seed" '
    { due = (NR - 1) / rate
      if (slots) { begin = due
                   took = 0.01 * slots + 0.0001 * (seed % 3) } else { begin = due > free ? due : free; free = begin + 0.01; took = begin - due + 0.01 }
      sub(/}$/, "")
      printf "%s,\"response\":{\"text\":\"\"},\"timing\":{\"start\":\"s\",\"load\":{\"rate_rps\":%s},\"due_ns\":%.0f,\"sent_ns\":%.0f,\"first_ns\":%.0f,\"last_ns\":%.0f,\"end_ns\":%.0f%s}}\n",
          $0, rate, due * 1e9, due * 1e9, (due + took) * 1e9, (due + took) * 1e9, (due + took) * 1e9, NR <= warmup ? ",\"warmup\":true" : "" }'
SEND
    chmod +x bin/lm-send
    export CALLS=$BATS_TEST_TMPDIR/calls FAIL=
    real=$PATH
    PATH=$PWD/bin:$PATH
}

rate_search=(lm-search -q --slo ttft=100ms --rate 5:500 --window 0s -o found)

@test "lm-search: the planted capacity is found, and each trial's records are kept" {
    run --separate-stderr "${rate_search[@]}" --format json requests
    echo "$stderr"
    [ "$status" -eq 0 ]
    jq -e '.state == "found" and .rate_rps > 95 and .rate_rps < 105 and .ci.low < .rate_rps and .rate_rps < .ci.high' <<<"$output"
    jq -e '.requests == ([.trials[].records] | add) and .slo == "ttft=100ms" and .attain == 0.99' <<<"$output"
    jq -r '.trials[].file' <<<"$output" | sort >named
    ls found/rate-*.jsonl | sort | diff - named
    # A tenth before those that are judged is warm-up.
    jq -e '.trials[] | select(.outcome == "kept") | .judged == 500 and .records == 550' <<<"$output"
    jq -e '.trials[] | select(.outcome == "failed") | .not_met > 5' <<<"$output"
    [ "$(lm-stat --format json "$(head -n 1 named)" | jq .requests.warmup)" = 50 ]
    # Other arrivals in each trial.
    [ "$(grep -o -- '--seed [0-9]*' calls | sort -u | wc -l)" = "$(wc -l <calls)" ]
}

@test "lm-search: the same command takes what is there; more precision goes on with it" {
    run --separate-stderr "${rate_search[@]}" requests
    local first=$output calls
    calls=$(wc -l <calls)
    FAIL=3 run --separate-stderr "${rate_search[@]}" requests
    [ "$status" -eq 0 ]
    [ "$output" = "$first" ]
    [ "$(wc -l <calls)" = "$calls" ]
    run --separate-stderr "${rate_search[@]}" --precision 3% --format json requests
    [ "$status" -eq 0 ]
    jq -e '[.trials[].how] | unique == ["found", "sent"]' <<<"$output"
    # A trial that was broken off is made anew.
    rm "$(ls found/rate-*.jsonl | tail -n 1)"
    run --separate-stderr "${rate_search[@]}" requests
    [ "$output" = "$first" ]
}

@test "lm-search: other requests in each trial, as long as there are any; then it says so" {
    run --separate-stderr lm-search --slo ttft=100ms --rate 5:500 --window 0s -n 300 --most 2 -o found requests
    [ "$status" -eq 1 ]
    [ "$(cat found/rate-*.jsonl | jq -r .id | sort | uniq -d | wc -l)" -eq 0 ]
    [[ $stderr != *"begin again"* ]]
    run --separate-stderr lm-search --slo ttft=100ms --rate 5:500 --window 0s -n 1500 --most 2 -o again requests
    [[ $stderr == *"the requests begin again"*"requests=2000"* ]]
}

@test "lm-search: a range that does not hold it is said, exit 1" {
    run --separate-stderr lm-search -q --slo ttft=100ms --rate 200:900 --window 0s -o found requests
    [ "$status" -eq 1 ]
    [[ $output == *"requests/s: below"* ]]
    run --separate-stderr lm-search -q --slo ttft=100ms --rate 2:20 --window 0s --format json -o other requests
    [ "$status" -eq 1 ]
    jq -e '.state == "above" and (has("rate_rps") | not)' <<<"$output"
    run --separate-stderr lm-search -q --slo ttft=100ms --rate 5:500 --window 0s --most 3 --format json -o third requests
    [ "$status" -eq 1 ]
    jq -e '.state == "unsure" and (.trials | length) == 3 and .ci.high > .ci.low' <<<"$output"
}

@test "lm-search: the highest concurrency, a whole number" {
    run --separate-stderr lm-search -q --slo ttft=75ms -c 1:64 --format json -o found requests # 10 ms for each that is there
    [ "$status" -eq 0 ]
    jq -e '.concurrency == 7 and .ci.low == 7 and .ci.high == 7' <<<"$output"
    grep -qE -- '-c 8 ' calls
    ls found/concurrency-7-1.jsonl
}

@test "lm-search: a run is repeated until the figure is known, with Student's interval" {
    run --separate-stderr lm-search -q --until ttft.mean:1% -n 100 --least 3 --format json -o found requests -- -c 4
    [ "$status" -eq 0 ]
    # 40.0, 40.1, 40.2 ms: t = 4.303, 2 degrees of freedom.
    jq -e '.state == "found" and (.value - 40.1 | fabs) < 1e-3 and (.ci.high - .value - 4.3027 * 0.1 / (3 | sqrt) | fabs) < 1e-3' <<<"$output"
    jq -e '(.trials | length) == 3 and .requests == 300 and .figure == "ttft_ms.mean"' <<<"$output"
    [ "$(ls found)" = "run-1.jsonl
run-2.jsonl
run-3.jsonl
settings.json" ]
    run --separate-stderr lm-search -q --until ttft.mean:0.01% -n 100 --most 4 -o found requests -- -c 4
    [ "$status" -eq 1 ]
    [[ $output == *"(unsure)"*"4 runs"* ]]
}

@test "lm-search: all forms of the result" {
    "${rate_search[@]}" requests >text
    grep -q '^slo: ttft=100ms, met by 99%$' text
    run --separate-stderr "${rate_search[@]}" --format md requests
    [[ $output == *"| requests/s | SLO |"* ]]
    run --separate-stderr "${rate_search[@]}" --format csv requests
    [ "${#lines[@]}" -eq 2 ]
    [[ ${lines[0]} == slo,attain,state,rate_rps,* ]]
}

@test "lm-search: wrong usage leaves no folder, and another command's is not taken" {
    local wrong
    for wrong in "--slo ttft=1s --rate 1:9 requests" "--rate 1:9 -o d requests" "--slo ttft=1s -o d requests" "--slo ttft=1s --rate 1:9 -o d" \
        "--slo ttft=1s --rate 9:1 -o d requests" "--slo ttft=1s --rate 9 -o d requests" "--slo x=1s --rate 1:9 -o d requests" \
        "--slo ttft=1s --rate 1:9 -c 1:9 -o d requests" "--until ttft.p99 -o d requests" "--until foo:5% -o d requests" \
        "--until attainment:5% -o d requests" "--slo ttft=1s --rate 1:9 --attain 100% -o d requests" \
        "--slo ttft=1s --rate 1:9 -o d requests --seed 2"; do
        run --separate-stderr lm-search $wrong
        echo "$wrong: $status $stderr"
        [ "$status" -eq 2 ]
        [ ! -e d ]
    done
    "${rate_search[@]}" requests >text
    run --separate-stderr "${rate_search[@]}" requests -- --url http://x
    [ "$status" -eq 2 ]
    [[ $stderr == *"found has the records of another command (found/settings.json)"* ]]
}

@test "lm-search: without what it needs it stops with status 3, and says why" {
    FAIL=3 run --separate-stderr "${rate_search[@]}" requests
    [ "$status" -eq 3 ]
    [[ $stderr == *"lm-send ended with status 3"* ]]
    : >none
    run --separate-stderr "${rate_search[@]}" none
    [ "$status" -eq 3 ]
    [[ $stderr == *"has no record"* ]]
    printf '#!/bin/sh\ncat\n' >bin/lm-send
    run --separate-stderr "${rate_search[@]}" requests
    [ "$status" -eq 3 ]
    [[ $stderr == *"lm-send, record 1: "* ]]
    rm bin/lm-send
    PATH=$PWD/bin:/usr/bin:/bin run --separate-stderr "$LM_BUILD/lm-search" -q --slo ttft=1s --rate 1:9 -o other requests
    [ "$status" -eq 3 ]
    [[ $stderr == *"lm-send: cannot be run"* ]]
}

@test "lm-search: a server that went away is no trial: it stops with status 3, and the same command goes on" {
    PATH=$real
    lm-mock -q --slots 10 --ttft 1ms --tokens 1 --port 0 --port-file port &
    local mock=$!
    wait_until test -s port
    export OPENAI_BASE_URL=http://127.0.0.1:$(<port)/v1
    seq 200 | sed 's/.*/{"id":"q&","api":"chat","request":{"messages":[{"role":"user","content":"x"}]}}/' >real
    local search=(lm-search -q --format json --slo e2e=10s -n 40 --attain 50% --warmup 0 --window 0s --rate 100:1000 -o found real)
    kill -9 $mock
    wait $mock || true
    run --separate-stderr "${search[@]}"
    [ "$status" -eq 3 ]
    [[ $stderr == *"no server is there: the last "*" requests of found/rate-"*"could not connect; it is removed"* ]]
    [ "$(ls found)" = settings.json ]
    lm-mock -q --ttft 1ms --tokens 1 --port "$(<port)" --port-file again &
    mock=$!
    wait_until test -s again
    run --separate-stderr "${search[@]}"
    kill $mock
    [ "$status" -eq 1 ]
    [ "$(jq -r .state <<<"$output")" = above ]
}

@test "lm-search: an SLO that no answer can tell is no result, but status 3" {
    PATH=$real
    echo '{"id":"q","api":"chat","request":{"messages":[{"role":"user","content":"x"}]}}' >whole
    for n in $(seq 40); do cat whole; done >many
    run --separate-stderr lm-with -q lm-mock -q --tokens 1 --port {port} -- lm-search -q --slo ttft=10s -n 20 --attain 50% --warmup 0 \
        --window 0s --rate 100:1000 -o found many
    [ "$status" -eq 3 ]
    [[ $stderr == *"no answer has what the SLO is about"* ]]
}

@test "lm-search: a line that is no record is reported, the others are sent" {
    { echo '{'; cat requests; } >some
    run --separate-stderr lm-search -q --until e2e.mean:50% -n 10 --least 2 -o found some -- -c 2
    [ "$status" -eq 0 ]
    [[ $stderr == "lm-search: some:1: "* ]]
}

@test "lm-search: with lm-send itself and a server of ten slots" {
    PATH=$real
    lm-items prompts | lm-prompt --max-tokens 2 >real
    # Loose, since the machine may be busy: a trial in which it was is outvoted, or widens the interval.
    run --separate-stderr timeout 120 lm-with -q lm-mock -q --slots 10 --ttft 20ms --port '{port}' -- \
        lm-search -q --slo ttft=100ms --attain 97% --rate 50:2000 --precision 20% --window 0s --format json -o found real -- --arrivals constant
    echo "$output $stderr"
    [ "$status" -eq 0 ]
    jq -e '.rate_rps > 300 and .rate_rps < 800' <<<"$output"
    # What failed was broken off: not all was sent.
    jq -e '[.trials[] | select(.outcome == "failed") | .records] | min < 330' <<<"$output"
    jq -r .timing.load.rate_rps "$(jq -r '.trials[0].file' <<<"$output")" | sort -u >rates
    [ "$(cat rates)" = "$(jq '.trials[0].rate_rps' <<<"$output")" ]
}

@test "lm-search: what is in flight when a trial has failed is given up after --drain" {
    PATH=$real
    lm-items prompts | lm-prompt >real
    jq -c 'if input_line_number % 2 == 1 then .request.mock = {"fault": "stall", "after": 0} else . end' real >stalling
    run --separate-stderr timeout 60 lm-with -q lm-mock -q --tokens 1 --ttft 50ms --port '{port}' -- \
        lm-search -q --slo ttft=1ms --rate 100:200 --window 0s -n 80 --warmup 0 --most 1 --drain 100ms --format json -o found stalling
    echo "$output $stderr"
    [ "$status" -eq 1 ]
    [ "$(jq -r '.trials[0] | .outcome, .how' <<<"$output")" = "failed
killed" ]
    [[ $stderr == *"did not end in time"* ]]
}

@test "lm-search: any one allocation or write may fail; it says so and exits 3, or its output is whole" {
    local kind
    lm-search -q --until ttft.mean:50% -n 3 --least 2 -o found requests -- -c 4 >text
    for kind in alloc read write; do
        fails_everywhere "$kind" lm-search -q --until ttft.mean:50% -n 3 --least 2 -o found requests -- -c 4
    done
}
