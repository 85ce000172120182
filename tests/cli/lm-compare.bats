# lm-compare: two runs, or two sets of runs. What its intervals are worth is tested in unit/compare.c.
bats_require_minimum_version 1.5.0
load ../lib

# run_of N FACTOR [JQ]: a run of N requests, one behind another, whose latencies have that factor; each changed so.
run_of() {
    jq -nc --argjson n "$1" --argjson factor "$2" '[limit($n; 7 | recurse((. * 1103515245 + 12345) % 2147483648))] | to_entries[]
        | .key as $i | (.value % 1000 / 1000) as $u | (.value % 4 + 2) as $tokens | (($i + 1) * 100000000) as $at
        | ((20000000 + 10000000 * $u) * $factor | floor) as $first
        | ([range($tokens)] | map($at + $first + (. * 5000000 * $factor | floor))) as $chunks
        | {id: "r\($i)", response: {tokens: {prompt: 5, completion: $tokens, source: "usage"}},
           timing: {start: "s", start_ns: 0, due_ns: $at, sent_ns: $at, first_ns: $chunks[0], last_ns: $chunks[-1],
                    end_ns: ($chunks[-1] + 10), chunks_ns: $chunks, clock: "kernel", late: 0}}' | jq -c "${3:-.}"
}

holds() {
    jq -e "def near(x): (. - x | fabs) <= 1e-6 * (x | fabs); $1" <<<"$output" >/dev/null || {
        echo "not so: $1"
        echo "$output"
        return 1
    }
}

@test "lm-compare: each figure is lm-stat's, with difference, ratio, and a verdict" {
    run_of 200 1 >a
    run_of 200 1.1 >b
    run --separate-stderr lm-compare --format json --slo ttft=25ms a b
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    lm-stat --format json --slo ttft=25ms a >of_a
    lm-stat --format json --slo ttft=25ms b >of_b
    holds ".figures[\"ttft_ms.p90\"] | (.a | near($(jq .ttft_ms.p90 of_a))) and (.b | near($(jq .ttft_ms.p90 of_b)))"
    holds ".figures.output_token_throughput_tps.a | near($(jq .output_token_throughput_tps of_a))"
    holds ".figures.attainment | (.a | near($(jq '.slo[0].attainment' of_a))) and (.b | near($(jq '.slo[0].attainment' of_b)))"
    holds '.figures["ttft_ms.mean"] | (.difference - (.b - .a) | fabs) < 1e-9 and .verdict == "worse" and .better == "lower" and .ratio > 1.09'
    holds '.figures["ttft_ms.mean"] | .difference_ci.low > 0 and (.ratio_ci.low | near(1.1)) and (.ratio_ci.high | near(1.1))'
    holds '.figures.attainment.verdict == "worse" and .figures.success_rate.verdict == "no difference shown"'
    holds '.figures.success_rate | .difference == 0 and .difference_ci.low < 0 and .method == "shares"'
    holds '.unit == "request" and .run_to_run == false and .shared_units == 200 and .looked_at == (.figures | map(select(.p)) | length)'
}

@test "lm-compare: a run against itself differs in nothing" {
    run_of 100 1 >a
    run --separate-stderr lm-compare --format json a a
    [ "$status" -eq 0 ]
    holds '[.figures[] | .verdict] | unique - ["no difference shown", "untold"] == []'
    holds '.figures["ttft_ms.p50"] | .difference_ci == {low: 0, high: 0} and .p == 1'
}

@test "lm-compare: what few values cannot tell is not told" {
    run_of 50 1 >a
    run_of 50 1.5 >b
    run --separate-stderr lm-compare --format json --figures ttft.p99,ttft.p50 a b
    holds '.figures["ttft_ms.p99"] | .verdict == "untold" and (has("difference_ci") | not) and .difference > 0'
    holds '.figures["ttft_ms.p50"].verdict == "worse" and .looked_at == 1'
}

@test "lm-compare: several runs a side, and the table says what the unit is" {
    local i
    for i in 1 2 3; do
        run_of 40 "1.0$i" >"a$i"
        run_of 40 "1.2$i" >"b$i"
    done
    run --separate-stderr lm-compare --figures ttft.mean,request_throughput_rps a1 a2 a3 -- b1 b2 b3
    [ "$status" -eq 0 ]
    [[ $output == *"A: a1 and 2 more, 3 runs, 120 completed, 0 failed"*"TTFT ms mean"*"worse"*"the unit is a run"* ]]
    run --separate-stderr lm-compare --format json --figures ttft.mean a1 a2 a3 -- b1 b2 b3
    # Welch by hand: means of the runs, equal spreads, 4 degrees of freedom (t = 2.776).
    lm-stat --format json a1 >s1
    local base
    base=$(jq '.ttft_ms.mean / 1.01' s1)
    holds ".figures[\"ttft_ms.mean\"] | (.difference / (0.2 * $base) - 1 | fabs) < 1e-4 and .method == \"runs\""
    holds ".figures[\"ttft_ms.mean\"] | ((.difference_ci.high - .difference) / (2.776 * (2 * 0.0001 / 3 | sqrt) * $base) - 1 | fabs) < 1e-3"
    # One new run against several: as they vary, so may it.
    run --separate-stderr lm-compare --format json --figures ttft.mean a1 a2 a3 -- b1
    holds ".figures[\"ttft_ms.mean\"] | ((.difference_ci.high - .difference) / (4.303 * (0.0001 * 4 / 3 | sqrt) * $base) - 1 | fabs) < 1e-3"
    # And the other way round the table warns.
    run --separate-stderr lm-compare --figures ttft.mean a1 b1
    [[ $output == *"what runs differ by is NOT in the intervals; 40 of 40 items are in both"* ]]
}

@test "lm-compare: every other side against the first" {
    run_of 60 1 >a
    run_of 60 1.2 >b
    run_of 60 0.8 >c
    run --separate-stderr lm-compare --format json --figures tpot.mean a b c
    [ "$(jq -c '[.a.name, .b.name, .figures["tpot_ms.mean"].verdict]' <<<"$output")" = '["a","b","worse"]
["a","c","better"]' ]
    run --separate-stderr lm-compare --format csv --figures tpot.mean a b c
    [ "${#lines[@]}" -eq 3 ]
    [[ ${lines[0]} == *"a.name"*"figures.tpot_ms.mean.verdict"* ]]
    run --separate-stderr lm-compare --format md --figures tpot.mean a b
    [[ $output == *"| TPOT ms mean |"*"| worse |"* ]]
}

@test "lm-compare: warm-up and what was cancelled count nowhere; a failed request is one" {
    run_of 40 1 >a
    run_of 40 1 'if .id == "r0" then .timing.warmup = true | .timing.last_ns *= 9 elif .id == "r1" then .response.cancelled = true
        elif .id == "r2" then .response = {error: {kind: "timeout"}} else . end' >b
    run --separate-stderr lm-compare --format json a b
    holds '.b.completed == 37 and .b.failed == 1 and .shared_units == 38'
    holds '.figures.success_rate.b | near(37 / 38)'
}

@test "lm-compare: a bad line is reported with its file and number, the rest is compared, exit 1" {
    run_of 30 1 >a
    { echo '{"id":"x"}'; cat a; } >b
    run --separate-stderr lm-compare --figures ttft.mean a b
    [ "$status" -eq 1 ]
    [[ $stderr == "lm-compare: b:1: "* ]]
    [[ $output == *"B: b, 1 run, 30 completed"* ]]
}

@test "lm-compare: wrong usage, and files that are not there" {
    local wrong
    run_of 5 1 >a
    for wrong in "a" "a --" "-- a" "--figures foo a a" "--figures attainment a a" "--slo ttft a a" "--ci 100 a a" "a a --format json"; do
        run --separate-stderr lm-compare $wrong
        echo "$wrong: $status $stderr"
        [ "$status" -eq 2 ]
        [ -z "$output" ]
    done
    run --separate-stderr lm-compare a none
    [ "$status" -eq 3 ]
    [[ $stderr == *"none"* ]]
}

@test "lm-compare: one seed gives one output, another seed other intervals" {
    run_of 50 1 >a
    run_of 50 1.05 'select(.id != "r7")' >b
    [ "$(lm-compare a b)" = "$(lm-compare a b)" ]
    [ "$(lm-compare --format json a b)" != "$(lm-compare --seed 1 --format json a b)" ]
}

@test "lm-compare: any one allocation, read or write may fail; it says so and exits 3, or its output is whole" {
    local kind
    run_of 3 1 >a
    run_of 3 1.1 >b
    for kind in alloc read write; do
        fails_everywhere "$kind" lm-compare --resamples 10 --slo ttft=25ms --figures ttft.mean,ttft.p50,success_rate,attainment a b
    done
    fails_everywhere alloc lm-compare --figures ttft.mean --format csv a b -- a
}

@test "lm-compare: two runs of nothing: no verdict, and it says so" {
    : >empty
    run lm-compare empty empty
    [ "$status" -eq 0 ]
    [[ $output == *"verdicts: none, nothing could be compared"* ]]
}

@test "lm-compare: another program's result stands beside records of the same requests" {
    vllm=$ROOT/tests/peers/vllm-0.33.0.json tap=$ROOT/tests/peers/vllm-0.33.0.tap.jsonl
    run --separate-stderr lm-compare --format json --figures ttft.mean,tpot.mean "$vllm" "$tap"
    [ "$status" -eq 0 ]
    jq -e '.a.completed == 6 and .b.completed == 6 and .figures["ttft_ms.mean"].difference < 0' <<<"$output"
    run --separate-stderr lm-compare "$ROOT/tests/peers/aiperf-0.13.0.json" "$tap" # figures only
    [ "$status" -eq 1 ]
    [[ $stderr == *"aiperf-0.13.0.json:1: has figures only, and no requests to compare"* ]]
}
