# lm-stat: what was sent, in figures. The definitions are lmutils-metrics(7)'s.
bats_require_minimum_version 1.5.0
load ../lib

# The worked stream of load-metrics 3.6: role .5, "Hel" .5001, "lo" .52, "!" .56, usage (3 tokens), [DONE] .5602 s.
worked() {
    jq -nc '{id: "a", response: {text: "Hello!", status: 200, tokens: {prompt: 9, completion: 3, source: "usage"}},
        timing: {start: "2026-01-01T00:00:00.000000000Z", start_ns: 5, load: {mode: "open", rate_rps: 1}, due_ns: 999990000,
            sent_ns: 1000000000, headers_ns: 1500000000, first_ns: 1500100000, last_ns: 1560000000, end_ns: 1560200000,
            chunks_ns: [1500000000, 1500100000, 1520000000, 1560000000], clock: "kernel", late: 0, read_lag_ns: 30000, cpu: 0.25}}'
}

# As many records as asked for, one an answer, all of them different; times from a small generator of its own.
many() {
    jq -nc --argjson n "$1" 'def next: (. * 1103515245 + 12345) % 2147483648;
        foreach range($n) as $i ({seed: 1}; .seed |= next | .seed as $s | (1 + $s % 40) as $tokens
            | ($i * 7000000 + $s % 900000) as $sent | ($sent + 20000000 + $s % 30000000) as $first
            | [range($tokens)] | map($first + . * 5000000 + (($s + . * 7919) % 4000000)) as $chunks
            | {seed: $s, record: {id: "r\($i)", task: (if $i % 3 == 0 then "x" else "y" end),
                response: {tokens: {prompt: ($s % 100), completion: $tokens, source: "usage"}},
                timing: {start: "s", start_ns: 0, load: {mode: "open"}, due_ns: ($sent - $s % 1000), sent_ns: $sent, first_ns: $chunks[0],
                    last_ns: $chunks[-1], end_ns: ($chunks[-1] + 10), chunks_ns: $chunks, clock: "kernel", late: 0, cpu: 0.1}}};
            .record)'
}

# lm-stat FILE --format json OPTION..., in $output.
stat_json() {
    run --separate-stderr lm-stat --format json "$@"
}

# holds FILTER: it is true of $output.
holds() {
    jq -e "def near(x): (. - x | fabs) <= 1e-9 * (x | fabs); $1" <<<"$output" >/dev/null || {
        echo "not so: $1"
        echo "$output"
        return 1
    }
}

@test "the worked stream, profile vllm: the row of vllm bench serve" {
    worked >one.jsonl
    stat_json --profile vllm one.jsonl
    [ "$status" -eq 0 ]
    holds '.profile == "vllm" and (.ttft_ms.mean | near(500)) and (.e2e_ms.mean | near(560)) and (.tpot_ms.mean | near(30))'
    holds '.itl_ms.count == 3 and (.itl_ms.min | near(0.1)) and (.itl_ms.p50 | near(19.9)) and (.itl_ms.max | near(40))'
    holds '(.itl_ms.mean | near(20)) and (.ttft_from_due_ms.mean | near(500.01)) and (.e2e_from_due_ms.mean | near(560.01))'
}

@test "the worked stream, profile content: tokens begin with the text, and vllm's figures stand beside where they differ" {
    worked >one.jsonl
    stat_json one.jsonl
    holds '.profile == "content" and (.ttft_ms.mean | near(500.1)) and (.e2e_ms.mean | near(560)) and (.tpot_ms.mean | near(29.95))'
    holds '.itl_ms.count == 2 and (.itl_ms.min | near(19.9)) and (.itl_ms.max | near(40))'
    holds '(.queue_wait_ms.mean | near(0.01)) and (.tokens_per_s.mean | near(3 / 0.0599))'
    holds '(.duration_s | near(0.56021)) and (.request_throughput_rps | near(1 / 0.56021))'
    holds '(.output_token_throughput_tps | near(3 / 0.56021)) and (.total_token_throughput_tps | near(12 / 0.56021))'
    holds '.other_profile.profile == "vllm" and (.other_profile.itl_ms.mean | near(20))'
    # Where the role chunk comes with the first token, nothing differs by over 1 ms, and nothing is said twice.
    jq -c '.timing.chunks_ns = [1500100000, 1530000000, 1560000000]' one.jsonl >alike.jsonl
    stat_json alike.jsonl
    holds 'has("other_profile") | not'
}

@test "mean, deviation and percentiles are the reference's" {
    many 500 >in.jsonl
    stat_json in.jsonl
    jq -s '
        def at(p): sort as $s | (($s | length) - 1) * p / 100 | . as $x | floor as $i
            | if $i + 1 < ($s | length) then $s[$i] + ($s[$i + 1] - $s[$i]) * ($x - $i) else $s[$i] end;
        def figures: {count: length, mean: (add / length), min: min, max: max, p50: at(50), p75: at(75), p90: at(90), p95: at(95), p99: at(99),
            "p99.9": at(99.9)} + ((add / length) as $m | {std: (map((. - $m) * (. - $m)) | add / length | sqrt)});
        {ttft_ms: map((.timing.first_ns - .timing.sent_ns) / 1e6) | figures,
         ttft_from_due_ms: map((.timing.first_ns - .timing.due_ns) / 1e6) | figures,
         e2e_ms: map((.timing.last_ns - .timing.sent_ns) / 1e6) | figures,
         tpot_ms: map(select(.response.tokens.completion > 1) | (.timing.last_ns - .timing.first_ns) / 1e6 / (.response.tokens.completion - 1)) | figures,
         itl_ms: [.[].timing.chunks_ns | range(1; length) as $i | (.[$i] - .[$i - 1]) / 1e6] | figures,
         queue_wait_ms: map((.timing.sent_ns - .timing.due_ns) / 1e6) | figures}' in.jsonl >reference.json
    jq -e --slurpfile reference reference.json '. as $got | [$reference[0] | paths(numbers)]
        | all(. as $path | ($got | getpath($path)) as $x | ($reference[0] | getpath($path)) as $y | ($x - $y | fabs) <= 1e-9 * ($y | fabs))
        and length == 66' <<<"$output"
    # One sweep, by brute force.
    jq -s 'map(.timing) as $all | $all | map(.sent_ns as $at | $all | map(select(.sent_ns <= $at and .end_ns > $at)) | length) | max' in.jsonl >peak
    holds ".peak_concurrency == $(cat peak) and .peak_concurrency_exact"
}

@test "warm-ups are left out, failures counted by kind and kept out of the latencies, cancelled ones apart" {
    {
        worked
        worked | jq -c '.timing.warmup = true | .timing.last_ns = 9e9 | .timing.end_ns = 9e9'
        worked | jq -c '.response.error = {kind: "timeout", message: "x"} | .timing.last_ns = 4e9'
        worked | jq -c '.response.error = {kind: "truncated", message: "x"}'
        worked | jq -c '.response.error = {kind: "truncated", message: "x"}'
        worked | jq -c '.response = {error: {kind: "cancelled", message: "the former turn failed"}} | .timing |= {start, start_ns, load, due_ns}'
        worked | jq -c '.response.cancelled = true'
    } >in.jsonl
    stat_json in.jsonl
    [ "$status" -eq 0 ]
    holds '.requests == {total: 7, completed: 1, failed: 4, cancelled: 1, warmup: 1, retries: 0}'
    holds '.errors == {timeout: 1, truncated: 2, cancelled: 1} and (.success_rate | near(0.2))'
    holds '.ttft_ms.count == 1 and .e2e_ms.count == 1 and (.e2e_ms.max | near(560)) and .tokens.output == 3'
    run lm-stat in.jsonl
    [[ $output == *"1 completed, 4 failed (timeout 1, cancelled 1, truncated 2), 1 cancelled on request, 1 warm-up left out"* ]]
}

@test "what is no such record is reported with file and line; the rest counts; exit 1" {
    {
        worked
        worked | jq -c 'del(.timing)'
        worked | jq -c 'del(.response)'
        worked | jq -c '.timing.first_ns = "soon"'
        worked | jq -c 'del(.timing.end_ns)'
        worked | jq -c '.response.tokens.completion = -1'
        echo '{"id":'
        worked
    } >in.jsonl
    stat_json in.jsonl
    [ "$status" -eq 1 ]
    holds '.requests.total == 2'
    [ "$(wc -l <<<"$stderr")" -eq 6 ]
    [[ $stderr == *'in.jsonl:2: has no "timing"'* ]]
    [[ $stderr == *'in.jsonl:3: has no "response"'* ]]
    [[ $stderr == *"in.jsonl:4: timing.first_ns: not a whole number"* ]]
    [[ $stderr == *"in.jsonl:5: timing.end_ns: is missing"* ]]
    [[ $stderr == *"in.jsonl:6: response.tokens.completion: not a whole number from 0"* ]]
    [[ $stderr == *"in.jsonl:7: "* ]]
}

@test "no records at all are a summary of nothing" {
    stat_json </dev/null
    [ "$status" -eq 0 ]
    holds '.requests.total == 0 and (has("duration_s") or has("ttft_ms") or has("success_rate") | not)'
    run lm-stat --by task </dev/null
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "parts of a resumed run: durations are summed, peaks are each part's own, shards of one start are one part" {
    {
        worked
        worked | jq -c '.id = "b" | .timing.load.shard = 1'
        worked | jq -c '.id = "c" | .timing.start = "2026-01-02T00:00:00.000000000Z"'
    } >in.jsonl
    stat_json in.jsonl
    holds '(.parts | length) == 2 and .parts[0].requests == 2 and .parts[1].requests == 1 and .parts[1].start[:10] == "2026-01-02"'
    holds '.parts[0].peak_concurrency == 2 and .parts[1].peak_concurrency == 1 and .peak_concurrency == 2'
    holds '(.parts[0].duration_s | near(0.56021)) and (.duration_s | near(2 * 0.56021)) and (.request_throughput_rps | near(3 / 2 / 0.56021))'
    holds '.parts[0].load == {mode: "open", rate_rps: 1}'
    run lm-stat in.jsonl
    [[ $output == *"part "*"2026-01-02T00:00:00.000000000Z"* ]]
}

@test "an interval is half open; vllm's way counts whole seconds; an earlier try was in flight too" {
    {
        worked
        worked | jq -c '.timing.sent_ns = 1560200000 | .timing.end_ns = 1700000000 | .timing.chunks_ns = [1570000000]'
    } >in.jsonl
    stat_json in.jsonl
    holds '.peak_concurrency == 1 and .vllm_max_concurrent_requests == 2'
    jq -c '.timing.attempts = [{sent_ns: 1100000000, end_ns: 1200000000, kind: "http_status", status: 503}]' in.jsonl >retried.jsonl
    stat_json retried.jsonl
    holds '.peak_concurrency == 3 and .requests.retries == 2'
}

@test "--slo: limits are inclusive, ttft and e2e count from due, only completed requests can meet them" {
    {
        worked # from due: ttft 500.11, e2e 560.01; tpot 29.95; longest gap 40
        worked | jq -c '.response.error = {kind: "timeout", message: "x"}'
        worked | jq -c '.response.tokens.completion = 1 | .timing.first_ns = .timing.last_ns'
        worked | jq -c 'del(.timing.first_ns, .timing.last_ns, .timing.chunks_ns)'
        worked | jq -c '.timing.warmup = true'
    } >in.jsonl
    stat_json --slo ttft=500.11ms,tpot=29.95ms --slo ttft=500.109999ms --slo e2e=560.01ms --slo itl=40ms --slo itl=39.999999ms --slo tpot=1ms in.jsonl
    [ "$status" -eq 0 ]
    holds '(.slo | length) == 6 and .slo[0].limits == "ttft=500.11ms,tpot=29.95ms"'
    # The first one; the third's ttft is 560, its tpot 0; of the fourth there is no telling.
    holds '.slo[0] | .met == 1 and .violations == {ttft: 1, tpot: 0} and .unmeasured == 1 and .failed == 1 and (.attainment | near(0.25))'
    holds '.slo[1] | .met == 0 and .violations == {ttft: 2}'
    holds '.slo[2] | .met == 2 and .violations == {e2e: 1}' # not streamed: its end is 560.21 from due
    holds '.slo[3] | .met == 2 and .unmeasured == 1'
    holds '.slo[4] | .met == 1 and .violations == {itl: 1}'
    holds '.slo[5] | .met == 1 and .violations == {tpot: 1} and .unmeasured == 1'
    holds '.duration_s as $d | .slo[2].goodput_rps | near(2 / $d)'
    run lm-stat --slo itl=40ms in.jsonl
    [[ $output == *"itl=40ms    2      50.00%"* ]]
}

@test "--slo: what is no limit is refused" {
    local limits
    for limits in fast ttft ttft=fast ttft=1ms,ttft=2ms ttl=1ms ttft=1ms, ""; do
        run --separate-stderr lm-stat --slo "$limits" /dev/null
        [ "$status" -eq 2 ]
        [[ $stderr == "lm-stat: --slo: "* ]]
    done
    [[ $(lm-stat --slo ttl=1ms 2>&1) == *'"ttl" is none of ttft, tpot, itl, e2e'* ]]
}

@test "an answer that was not streamed has an E2E, to the end, and no TTFT, TPOT, ITL or speed" {
    worked | jq -c 'del(.timing.first_ns, .timing.last_ns, .timing.chunks_ns, .timing.late)' >in.jsonl
    stat_json in.jsonl
    holds '(.e2e_ms.mean | near(560.2)) and (has("ttft_ms") or has("tpot_ms") or has("itl_ms") or has("tokens_per_s") | not)'
    holds '.client.chunks == 0 and (.client | has("late_share") | not)'
}

@test "tokens are those that somebody counted, never chunks" {
    {
        worked
        worked | jq -c 'del(.response.tokens)'
        worked | jq -c '.response.tokens.source = "ids"'
    } >in.jsonl
    stat_json in.jsonl
    holds '.tokens == {input: 18, output: 6, uncounted_requests: 1, sources: {usage: 1, ids: 1}} and .tpot_ms.count == 2 and .ttft_ms.count == 3'
    run lm-stat in.jsonl
    [[ $output == *"18 in, 6 out, counted by usage 1, ids 1; of 1 requests not counted, and not in these sums"* ]]
    sed -n 2p in.jsonl >none.jsonl
    stat_json none.jsonl
    holds 'has("output_token_throughput_tps") | not'
    run lm-stat none.jsonl
    [[ $output == *"counted by nobody"* ]]
}

@test "--by: a group for each value, numbers by size, and one for those that have none" {
    {
        worked | jq -c '.timing.load.rate_rps = 16'
        worked | jq -c '.timing.load.rate_rps = 9'
        worked | jq -c '.timing.load.rate_rps = "all"'
        worked | jq -c 'del(.timing.load.rate_rps)'
        worked | jq -c '.timing.load.rate_rps = 9.0'
    } >in.jsonl
    stat_json --by timing.load.rate_rps in.jsonl
    [ "$(jq -c '[.group.value, .requests.total]' <<<"$output")" = $'[9,2]\n[16,1]\n["all",1]\n[null,1]' ]
    [ "$(jq -c 'select(.group | has("value") | not) | .group' <<<"$output")" = '{"member":"timing.load.rate_rps"}' ]
    run lm-stat --by timing.load.rate_rps in.jsonl
    [[ $output == "timing.load.rate_rps: 9"*"timing.load.rate_rps: 16"*'timing.load.rate_rps: "all"'*"timing.load.rate_rps: (missing)"* ]]
    # One heading, and a row each; what one has and another not is an empty cell.
    run lm-stat --by timing.load.rate_rps --format csv in.jsonl
    [ "${#lines[@]}" -eq 5 ]
    [[ ${lines[0]} == group.member,group.value,profile,requests.total,* ]]
    [[ ${lines[3]} == timing.load.rate_rps,all,content,1,* ]]
    [[ ${lines[4]} == timing.load.rate_rps,,content,1,* ]]
    [ "$(printf '%s\n' "${lines[@]}" | awk -F, '{print NF}' | sort -u | wc -l)" -eq 1 ]
    # A name with a dot in it needs the other way to write a path.
    worked | jq -c '.meta = {"a.b": true}' >dot.jsonl
    stat_json --by /meta/a.b dot.jsonl
    holds '.group == {member: "/meta/a.b", value: true}'
}

@test "the groups together are the whole" {
    many 200 >in.jsonl
    stat_json in.jsonl
    whole=$(jq -c '[.requests.completed, .tokens.output, .itl_ms.count]' <<<"$output")
    stat_json --by task in.jsonl
    [ "$(jq -s -c 'length' <<<"$output")" -eq 2 ]
    [ "$(jq -s -c '[[.[].requests.completed], [.[].tokens.output], [.[].itl_ms.count]] | map(add)' <<<"$output")" = "$whole" ]
}

@test "--each: one line a request, in every format" {
    {
        worked
        worked | jq -c '.id = "b,\"c" | .response.error = {kind: "timeout", message: "x"} | del(.response.tokens)'
        worked | jq -c '.timing.warmup = true'
        worked | jq -c '.id = "d" | del(.timing.due_ns)'
    } >in.jsonl
    stat_json --each --slo ttft=1s in.jsonl
    [ "$output" = '{"id":"a","input_tokens":9,"output_tokens":3,"queue_wait_ms":0.01,"inference_ms":560,"ttft_ms":500.1,"tpot_ms":29.95,"e2e_ms":560.01,"tokens_per_s":50.08347245409015,"slo_met":true}
{"id":"b,\"c","queue_wait_ms":0.01,"slo_met":false,"error":"timeout"}
{"id":"d","input_tokens":9,"output_tokens":3,"inference_ms":560,"ttft_ms":500.1,"tpot_ms":29.95,"e2e_ms":560,"tokens_per_s":50.08347245409015,"slo_met":true}' ]
    run lm-stat --each --format csv in.jsonl
    [ "${lines[0]}" = "id,input_tokens,output_tokens,queue_wait_ms,inference_ms,ttft_ms,tpot_ms,e2e_ms,tokens_per_s,slo_met,error" ]
    [ "${lines[1]}" = "a,9,3,0.01,560,500.1,29.95,560.01,50.08347245409015,," ]
    [ "${lines[2]}" = '"b,""c",,,0.01,,,,,,,timeout' ]
    run lm-stat --each in.jsonl
    [ "${#lines[@]}" -eq 4 ]
    [[ ${lines[1]} == "a   "*" 9 "*" 560.000 "*" 50.083" ]]
    run lm-stat --each --format md in.jsonl
    [ "${lines[2]}" = "| a | 9 | 3 | 0.010 | 560.000 | 500.100 | 29.950 | 560.010 | 50.083 |  |  |" ]
}

@test "beyond --keep: within 0.025%, the rest exact, peaks by second, and it says so" {
    many 400 >in.jsonl
    lm-stat --format json in.jsonl >exact.json
    stat_json --keep 100 in.jsonl
    holds '.ttft_ms.exact == false and .ttft_ms.relative_error <= 0.00025 and .kept_values == 100 and .peak_concurrency_exact == false'
    jq -e --slurpfile exact exact.json '. as $got | $exact[0] as $want
        | ["ttft_ms", "ttft_from_due_ms", "tpot_ms", "itl_ms", "e2e_ms", "queue_wait_ms", "tokens_per_s"]
        | all(. as $m | (["count", "min", "max"] | all($got[$m][.] == $want[$m][.]))
            and (["mean", "std"] | all(. as $k | ($got[$m][$k] - $want[$m][$k] | fabs) <= 1e-9 * $want[$m][$k]))
            and (["p50", "p75", "p90", "p95", "p99", "p99.9"] | all(. as $k | ($got[$m][$k] - $want[$m][$k] | fabs) <= 0.00025 * $want[$m][$k])))
        and ($got.request_throughput_rps == $want.request_throughput_rps) and ($got.peak_concurrency >= $want.peak_concurrency)' <<<"$output"
    run lm-stat --keep 100 in.jsonl
    [[ $output == *"at most, by one-second buckets"*"TTFT ms ~"*"~ more than 100 values: percentiles are within 0.025%"* ]]
}

@test "memory does not grow with the input beyond --keep" {
    [[ $LM_BUILD != */san ]] || skip "the sanitiser needs all address space"
    many 200 >some.jsonl
    for i in {1..100}; do cat some.jsonl; done >in.jsonl # 20,000 requests, and 400,000 gaps
    (ulimit -v 40000 && lm-stat --keep 1000 in.jsonl >few)
    grep -q "20000 completed" few
    # The limit is one that matters: all values at once do not fit.
    run bash -c 'ulimit -v 40000 && lm-stat --keep 4000000000 in.jsonl in.jsonl in.jsonl in.jsonl in.jsonl in.jsonl in.jsonl in.jsonl'
    [ "$status" -eq 3 ]
    [[ $output == *"out of memory"* ]]
}

@test "a percentile with fewer than ten samples beyond it is marked" {
    many 100 >in.jsonl
    stat_json in.jsonl
    holds '.ttft_ms.few_samples == ["p95", "p99", "p99.9"]'
    run lm-stat in.jsonl
    [[ $output == *"* fewer than 10 samples lie beyond it"* ]]
    many 200 >in.jsonl
    stat_json --percentiles 4,5,50,95,99 in.jsonl
    holds '.ttft_ms.few_samples == ["p4", "p99"]'
}

@test "--percentiles: those, in order" {
    worked >in.jsonl
    stat_json --percentiles 0,12.5,100 in.jsonl
    holds '[.itl_ms | keys_unsorted[] | select(startswith("p"))] == ["p0", "p12.5", "p100"] and .itl_ms.p0 == .itl_ms.min and .itl_ms.p100 == .itl_ms.max'
    local list
    for list in "" 50,50 99,50 101 -1 50, x; do
        run --separate-stderr lm-stat --percentiles "$list" in.jsonl
        [ "$status" -eq 2 ]
    done
}

@test "--ci: intervals around mean and percentiles, the same with the same seed, whole requests drawn" {
    many 300 >in.jsonl
    lm-stat --ci 95 --format json in.jsonl >a
    lm-stat --ci 95 --format json in.jsonl >b
    lm-stat --ci 95 --seed 1 --format json in.jsonl >c
    lm-stat --ci 50 --format json in.jsonl >narrow
    cmp a b
    ! cmp -s a c
    jq -e '[.ttft_ms, .itl_ms, .e2e_ms] | all(. as $m | $m.ci.level == 0.95
        and (["mean", "p50", "p90", "p99"] | all($m.ci[.].low <= $m[.] and $m[.] <= $m.ci[.].high)))' a
    jq -e --slurpfile a a '.ttft_ms.ci.mean | (.high - .low) < ($a[0].ttft_ms.ci.mean | .high - .low)' narrow
    # Each request ten times over, as one: nothing new was learned, and the interval of the pooled gaps stays as it is.
    jq -e '.ttft_ms | (.ci.mean.high - .ci.mean.low) / (2 * 1.96 * .std / (.count | sqrt)) | . > 0.9 and . < 1.1' a
    run lm-stat --ci 95 in.jsonl
    [[ $output == *"95% from"*"95% to"* ]]
    # A sketch has no values to draw.
    stat_json --ci 95 --keep 10 in.jsonl
    holds '.ttft_ms | has("ci") | not'
}

@test "the client is named as the bottleneck: by late chunks, send lag or its own processor" {
    many 100 >in.jsonl
    stat_json in.jsonl
    holds '.client | .bottleneck == false and .reasons == [] and .clocks == {kernel: 100} and .cpu_max == 0.1 and .send_lag_ms.count == 100'
    # 0.1% of the chunks is no reason yet, and one more is.
    chunks=$(jq .client.chunks <<<"$output")
    jq -c --argjson late "$((chunks / 1000))" 'if .id == "r0" then .timing.late = $late else . end' in.jsonl >few.jsonl
    stat_json few.jsonl
    holds '.client.bottleneck == false and .client.late_chunks > 0'
    jq -c --argjson late "$((chunks / 1000 + 1))" 'if .id == "r0" then .timing.late = $late else . end' in.jsonl >late.jsonl
    stat_json late.jsonl
    holds '.client.bottleneck and .client.reasons == ["late_chunks"] and .client.late_share > 0.001'
    jq -c '.timing.due_ns -= 11000000' in.jsonl >slow.jsonl
    stat_json slow.jsonl
    holds '.client.reasons == ["send_lag"] and .client.send_lag_ms.p99 > 10'
    run lm-stat slow.jsonl
    [[ $output == *"THE BOTTLENECK (send_lag)"* ]]
    # A cap on the concurrency of an open loop explains it, and so does an earlier try; a closed loop's cap does not.
    jq -c '.timing.load.concurrency = 4' slow.jsonl >capped.jsonl
    stat_json capped.jsonl
    holds '.client.bottleneck == false and (.client | has("send_lag_ms") | not) and .queue_wait_ms.p99 > 10'
    jq -c '.timing.attempts = [{sent_ns: 0, end_ns: 1, kind: "connect"}]' slow.jsonl >retried.jsonl
    stat_json retried.jsonl
    holds '.client.bottleneck == false'
    jq -c '.timing.load |= {mode: "closed", concurrency: 4}' slow.jsonl >closed.jsonl
    stat_json closed.jsonl
    holds '.client.reasons == ["send_lag"]'
    # One busy second is none; more than one request in a hundred is.
    jq -c 'if .id == "r0" then .timing.cpu = 0.99 else . end' in.jsonl >once.jsonl
    stat_json once.jsonl
    holds '.client.bottleneck == false and .client.cpu_max == 0.99'
    jq -c 'if .id == "r0" or .id == "r1" then .timing.cpu = 0.99 else . end' in.jsonl >busy.jsonl
    stat_json busy.jsonl
    holds '.client.reasons == ["cpu"] and .client.cpu_high_share == 0.02'
}

@test "times that cannot be are no crash" {
    worked | jq -c '.timing.due_ns = -9e15 | .timing.end_ns = 9e15 | .timing.chunks_ns = [9e15, -9e15]' | sed 's/9000000000000000/9223372036854775807/g' >in.jsonl
    grep -q 9223372036854775807 in.jsonl
    local keep
    for keep in 0 10; do
        stat_json --keep "$keep" in.jsonl
        [ "$status" -eq 0 ]
        holds '.requests.completed == 1'
    done
}

@test "Markdown and CSV are the same figures" {
    worked >in.jsonl
    run lm-stat --format md in.jsonl
    [[ $output == *"| requests | 1 completed |"*"| TTFT ms | 1 | 500.10 | 0.00 | 500.10 |"* ]]
    lm-stat --format csv --slo ttft=1s in.jsonl >out.csv
    [ "$(head -1 out.csv | tr , '\n' | grep -n '^slo.0.met$' | cut -d: -f1)" -gt 0 ]
    n=$(head -1 out.csv | tr , '\n' | grep -n '^ttft_ms.mean$' | cut -d: -f1)
    [ "$(sed -n 2p out.csv | cut -d, -f "$n")" = 500.1 ]
}

@test "-o: the file is there when it is whole" {
    worked >in.jsonl
    lm-stat in.jsonl >expected
    run lm-stat -o out.txt in.jsonl
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    cmp out.txt expected
    [ ! -e out.txt.part ]
    run lm-stat -o nowhere/out.txt in.jsonl
    [ "$status" -eq 3 ]
    run lm-stat -o kept.txt missing.jsonl
    [ "$status" -eq 3 ]
    [ ! -e kept.txt ]
}

@test "a full disk is no success" {
    worked >in.jsonl
    run bash -c 'lm-stat in.jsonl >/dev/full'
    [ "$status" -eq 3 ]
    run bash -c 'lm-stat --each in.jsonl >/dev/full'
    [ "$status" -eq 3 ]
}

@test "--each and --by, and --each with two sets of limits, exclude each other" {
    run lm-stat --each --by task /dev/null
    [ "$status" -eq 2 ]
    run lm-stat --each --slo ttft=1s --slo ttft=2s /dev/null
    [ "$status" -eq 2 ]
}

@test "any one allocation, read or write may fail" {
    many 3 >in.jsonl
    worked >>in.jsonl
    fails_everywhere alloc lm-stat --by task --keep 20 --ci 90 --resamples 10 --slo ttft=1s in.jsonl
    fails_everywhere alloc lm-stat --by task --format csv --keep 2 in.jsonl
    fails_everywhere alloc lm-stat --format json --keep 1000 in.jsonl
    fails_everywhere alloc lm-stat --each --format csv in.jsonl
    fails_everywhere read lm-stat in.jsonl
    fails_everywhere write lm-stat --each in.jsonl
}
