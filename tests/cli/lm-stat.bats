bats_require_minimum_version 1.5.0
load ../lib

# request JQ: one line, the worked stream of a chat of three tokens (role .5000, "Hel" .5001, "lo" .52, "!" .56 s after
# it was sent, 2 ms after it was due), changed so.
request() {
    jq -nc '{id: "a", api: "chat", task: "chat",
        response: {text: "Hello!", status: 200, tokens: {prompt: 9, completion: 3, source: "usage"}},
        timing: {start: "2026-11-24T07:43:00Z", start_ns: 1, load: {mode: "open", rate_rps: 1}, due_ns: 0, sent_ns: 2000000,
            headers_ns: 3000000, first_ns: 502100000, last_ns: 562000000, end_ns: 562200000,
            chunks_ns: [502000000, 502100000, 522000000, 562000000],
            clock: "kernel", late: 0, read_lag_ns: 5000, cpu: 0.1}} | '"$1"
}

failed='.response = {status: 503, error: {kind: "http_status", message: "m"}} | del(.timing.first_ns, .timing.last_ns, .timing.chunks_ns)'

# figures JQ: that of the summary of the file records, as compact JSON.
figures() {
    lm-stat --format json "${options[@]}" records | jq -c "$1"
}

options=()
rounded='def r: if type == "number" then . * 1e6 | round / 1e6 else . end;'

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

@test "lm-stat: the worked stream, by content" {
    request . >records
    [ "$(figures "$rounded"'[.profile, (.ttft_ms, .ttft_from_due_ms, .tpot_ms, .e2e_ms, .e2e_from_due_ms, .queue_wait_ms | .p50 | r)]')" = \
        '["content",500.1,502.1,29.95,560,562,2]' ]
    [ "$(figures "$rounded"'.itl_ms | [.count, (.min, .mean, .std, .max, .p75 | r), .exact]')" = '[2,19.9,29.95,10.05,40,34.975,true]' ]
    [ "$(figures "$rounded"'.tokens_per_s.mean | r')" = 50.083472 ]
    [ "$(figures "$rounded"'[.duration_s, .request_throughput_rps, .output_token_throughput_tps, .total_token_throughput_tps | r]')" = \
        '[0.5622,1.778726,5.336179,21.344717]' ]
}

@test "lm-stat: the worked stream as vllm bench serve has it, and both where they differ" {
    request . >records
    options=(--profile vllm)
    [ "$(figures "$rounded"'[.profile, (.ttft_ms, .tpot_ms, .e2e_ms | .p50 | r), .itl_ms.count, (.itl_ms.min | r), .other_profile.profile]')" = \
        '["vllm",500,30,560,3,0.1,"content"]' ]
    # A stream without a chunk more: one profile is enough.
    request '.timing.chunks_ns |= .[1:]' >records
    [ "$(figures '[.itl_ms.count, .other_profile]')" = '[2,null]' ]
}

@test "lm-stat: chunks without content are no tokens, in whatever segment they came; two tokens in one are two" {
    # lm-send gives the role's chunk and the finish's, where they share a segment with a token, times 1 ns apart from it.
    request '.timing.chunks_ns = [502099999, 502100000, 502100000, 522000000, 562000000, 562000001]' >records
    [ "$(figures '.itl_ms | [.count, .min]')" = '[3,0]' ]
}

@test "lm-stat: what was not streamed has its end for the last token, and neither TTFT nor TPOT" {
    request 'del(.timing.first_ns, .timing.last_ns, .timing.chunks_ns, .timing.late)' >records
    [ "$(figures "$rounded"'[(.e2e_ms.max | r), .ttft_ms, .tpot_ms, .itl_ms, .tokens_per_s, .tokens.output]')" = '[560.2,null,null,null,null,3]' ]
}

@test "lm-stat: one token has no TPOT, and what nobody counted no tokens" {
    { request '.response.tokens.completion = 1'; request 'del(.response.tokens)'; } >records
    [ "$(figures '[.ttft_ms.count, .tpot_ms, .tokens.output, .tokens.uncounted_requests, .tokens.sources.usage]')" = '[2,null,1,1,1]' ]
    request 'del(.response.tokens)' >records
    [ "$(figures '[.output_token_throughput_tps, .total_token_throughput_tps]')" = '[null,null]' ]
}

@test "lm-stat: failed, cancelled and warm-up requests are counted, and in no latency" {
    {
        request .
        request "$failed | .timing.end_ns = 2000000000"
        request '.response = {error: {kind: "of-tomorrow"}} | .timing.end_ns = 9'
        request '.response = {cancelled: true}'
        request '.timing.warmup = true | .timing.sent_ns = -9000000000'
    } >records
    [ "$(figures '.requests')" = '{"total":5,"completed":1,"failed":2,"cancelled":1,"warmup":1,"retries":0}' ]
    [ "$(figures '[.success_rate * 3, .errors, .ttft_ms.count, .e2e_ms.count, .duration_s, .tokens.output]')" = \
        '[1,{"other":1,"http_status":1},1,1,2,3]' ]
    [[ $(lm-stat records) == *"1 completed, 2 failed (other 1, http_status 1), 1 cancelled on request, 1 warm-up left out"* ]]
}

@test "lm-stat: parts of a resumed run are kept apart" {
    {
        request .
        request .
        request '.timing.start = "2026-11-24T08:00:00Z"'
        request '.timing.attempts = [{sent_ns: 0, end_ns: 1, kind: "connect"}]'
    } >records
    # One clock would see four at once in half a second.
    [ "$(figures '[.peak_concurrency, .requests.retries, (.duration_s * 10000 | round), (.parts[] | .start, .requests, .peak_concurrency, .load.mode)]')" = \
        '[3,1,11244,"2026-11-24T07:43:00Z",3,3,"open","2026-11-24T08:00:00Z",1,1,"open"]' ]
    lm-stat records | grep -E '^2026-11-24T08:00:00Z +1 +0.56 +1$'
}

@test "lm-stat: peak concurrency is exact, and vllm's is beside it" {
    for at in 0 100 200; do
        request ".timing |= with_entries(if .key | endswith(\"_ns\") and . != \"chunks_ns\" and . != \"start_ns\" and . != \"read_lag_ns\"
            then .value = .value / 10 + $at * 1000000 else . end) | .timing.chunks_ns = [$at * 1000000 + 50000000]"
    done >records
    [ "$(figures '[.peak_concurrency, .peak_concurrency_exact, .vllm_max_concurrent_requests]')" = '[1,true,3]' ]
}

@test "lm-stat: limits count from due, and a value that equals one keeps it" {
    { request .; request "$failed"; request 'del(.response.tokens)'; } >records
    options=(--slo 'ttft=502.1ms,tpot=29.95ms,itl=40ms,e2e=562ms' --slo ttft=502ms,e2e=1s --slo tpot=1ms)
    [ "$(figures '.slo[0] | [.met, .violations, .unmeasured, .failed]')" = '[1,{"ttft":0,"tpot":0,"itl":0,"e2e":0},1,1]' ]
    [ "$(figures '.slo[1] | [.limits, .met, .attainment, .goodput_rps, .violations]')" = '["ttft=502ms,e2e=1s",0,0,0,{"ttft":2,"e2e":0}]' ]
    [ "$(figures '.slo[2] | [.met, .violations.tpot, .unmeasured]')" = '[0,1,1]' ]
    [ "$(figures '.slo[0] | [.attainment * 3, .goodput_rps * 0.5622 | round]')" = '[1,1]' ]
    for wrong in ttft ttft= ttft=x ttft=200 ttft=1ms,ttft=2ms tps=3 ''; do
        run --separate-stderr lm-stat --slo "$wrong" records
        [ "$status" -eq 2 ]
        [[ ${stderr_lines[0]} == "lm-stat: --slo: "* ]]
    done
}

@test "lm-stat: a line a request, with what is not known left out" {
    { request .; request "$failed"' | .id = "x,\"y"'; request '.timing.warmup = true'; request 'del(.timing.due_ns, .response.tokens)'; } >records
    diff - <(lm-stat --each --slo ttft=1s --format csv records) <<'EOF'
id,input_tokens,output_tokens,queue_wait_ms,inference_ms,ttft_ms,tpot_ms,e2e_ms,tokens_per_s,slo_met,error
a,9,3,2,560,500.1,29.95,562,50.08347245409015,true,
"x,""y",,,2,,,,,,false,http_status
a,,,,560,500.1,,560,,true,
EOF
    [ "$(lm-stat --each --format json records | sed -n 2p)" = '{"id":"x,\"y","queue_wait_ms":2,"error":"http_status"}' ]
    lm-stat --each records | grep -E '^a +9 +3 +2\.000 +560\.000 +500\.100 +29\.950 +562\.000 +50\.083$'
    [ "$(lm-stat --each --format md records | wc -l)" -eq 5 ]
}

@test "lm-stat: groups come by the order of their values, in every format" {
    for rate in 10 2 '"x"' null; do
        request ".timing.load.rate_rps = $rate"
    done >records
    request 'del(.timing.load)' >>records
    options=(--by timing.load.rate_rps)
    [ "$(figures '[.group.value, .requests.total]' | tr -d '\n')" = '[2,1][10,1]["x",1][null,1][null,1]' ]
    [ "$(lm-stat --detailed "${options[@]}" records | grep ^timing | tr '\n' ' ')" = \
        'timing.load.rate_rps: 2 timing.load.rate_rps: 10 timing.load.rate_rps: "x" timing.load.rate_rps: null timing.load.rate_rps: (missing) ' ]
    lm-stat "${options[@]}" --format csv records >csv
    [ "$(wc -l <csv)" -eq 6 ]
    [ "$(awk -F, '{print NF}' csv | sort -u | wc -l)" -eq 1 ]
    [[ $(head -n 1 csv) == group.member,group.value,profile,requests.total,* ]]
    [ "$(lm-stat --detailed "${options[@]}" --format md records | grep -c '^### ')" -eq 5 ]
    [ "$(lm-stat "${options[@]}" records | sed 1d | awk '{print $1, $2}' | head -n 5 | tr '\n' ' ')" = '2 1 10 1 x 1 null 1 (missing) 1 ' ]
    [ "$(lm-stat "${options[@]}" --format md records | grep -c '^| ')" -eq 7 ]
    options=(--by /task)
    [ "$(figures '.group')" = '{"member":"/task","value":"chat"}' ]
}

@test "lm-stat: a bad line is named and left out, and the rest counts" {
    {
        request .
        echo '{"id":'
        echo '{"id":"b"}'
        request 'del(.response)'
        request '.timing.sent_ns = "x"'
        request 'del(.timing.end_ns)'
        request '.response.tokens.completion = -1'
        request '.response.tokens.source = "guess"'
        request '.response.error = {}'
        request .
    } >records
    run --separate-stderr lm-stat --format json records
    [ "$status" -eq 1 ]
    [ "$(jq .requests.total <<<"$output")" -eq 2 ]
    diff - <(printf '%s\n' "${stderr_lines[@]}" | sed 's/not JSON.*/not JSON/') <<'EOF'
lm-stat: records:2: not JSON
lm-stat: records:3: has no "timing" (lm-send makes it)
lm-stat: records:4: has no "response"
lm-stat: records:5: timing.sent_ns: not a whole number
lm-stat: records:6: timing.end_ns: is missing, and there is no response.error
lm-stat: records:7: response.tokens.completion: not a whole number from 0 to 2^53
lm-stat: records:8: response.tokens.source: none of usage, ids, tokenizer
lm-stat: records:9: response.error.kind: not a string
EOF
    run lm-stat nowhere
    [ "$status" -eq 3 ]
}

@test "lm-stat: nothing is a summary too" {
    [ "$(lm-stat --format json </dev/null | jq -c '[.requests.total, .success_rate, .duration_s, .ttft_ms, .client.bottleneck]')" = '[0,null,null,null,false]' ]
    lm-stat --slo ttft=1s --ci 95 </dev/null
    [ -z "$(lm-stat --by task </dev/null)" ]
}

@test "lm-stat: beyond --keep percentiles come from a sketch, which says so and keeps its bound" {
    # first_ns from 1.002 to 4.002 s, no two alike
    request . | jq -c 'range(2000) as $i | .timing.first_ns = 1002000000 + $i * 1500000 | .timing.last_ns = .timing.first_ns + 1e9
        | .timing.end_ns = .timing.last_ns | .timing.chunks_ns = [.timing.first_ns, .timing.last_ns]' >records
    lm-stat --format json records >exact
    lm-stat --format json --keep 100 records >sketched
    [ "$(jq -c '[.ttft_ms.exact, .ttft_ms.relative_error, .peak_concurrency, .peak_concurrency_exact, .kept_values]' exact)" = '[true,null,2000,true,1000000]' ]
    [ "$(jq -c '[.ttft_ms.exact, .ttft_ms.relative_error, .peak_concurrency_exact, .kept_values]' sketched)" = '[false,0.000244140625,false,100]' ]
    jq -es '[.[].ttft_ms] | (.[0] | [.count, .min, .max]) == (.[1] | [.count, .min, .max])
        and (.[0].mean - .[1].mean | fabs) < 1e-6
        and ([.[0], .[1]] | [map(.p50), map(.p90), map(.p99)] | all((.[0] - .[1] | fabs) <= .[0] * 0.000245))' exact sketched
    [[ $(lm-stat --keep 100 records) == *"TTFT ms ~"*"~ more than 100 values: percentiles are within 0.025%"* ]]
}

@test "lm-stat: memory does not grow with the number of requests" {
    [[ $LM_BUILD != */san ]] || skip "the sanitiser has its own malloc"
    request . | jq -c 'range(1000) as $i | .' >thousand
    for i in {1..40}; do cat thousand; done >many
    small=$(env time -f %M lm-stat --keep 100 thousand 2>&1 >/dev/null || true)
    large=$(env time -f %M lm-stat --keep 100 many 2>&1 >/dev/null || true)
    [[ $small =~ ^[0-9]+$ ]] || skip "no time(1)"
    [ "$large" -lt $((small + 1024)) ]
}

@test "lm-stat: intervals hold what they are of, and are the same again" {
    request . | jq -c 'range(50) as $i | .timing.first_ns += $i * 1000000 | .timing.last_ns += $i * 1000000 | .timing.end_ns += $i * 1000000
        | .timing.chunks_ns |= map(. + $i * 1000000)' >records
    options=(--ci 90 --seed 3 --resamples 200)
    [ "$(figures '.ttft_ms | .ci.level == 0.9 and .ci.mean.low < .mean and .mean < .ci.mean.high and .ci.p50.low <= .p50 and .p50 <= .ci.p50.high')" = true ]
    [ "$(figures '.ttft_ms.ci')" = "$(figures '.ttft_ms.ci')" ]
    lm-stat "${options[@]}" records | grep -E '^  90% from '
    options=()
    [ "$(figures '.ttft_ms.ci')" = null ]
}

@test "lm-stat: the table says how the load was driven, or that it was not one" {
    local load='{mode: "closed", concurrency: 4, urls: ["http://a:1/v1"], set: {stop: ["\"", ","]}}'
    request ".timing.load = $load" | jq -c 'range(2) as $i | .' >records
    [[ $(lm-stat records) == *'load '*'mode closed, concurrency 4, urls http://a:1/v1, set stop ", ,'* ]]
    request ".timing.load = $load | .timing.load.concurrency = 8 | .timing.start = \"2026-01-01T00:00:00Z\"" >>records
    [[ $(lm-stat records) == *'load '*'NOT ALIKE'* ]]
}

@test "lm-stat: few samples beyond a percentile are marked" {
    request . | jq -c 'range(100) as $i | .' >records
    [ "$(figures '.ttft_ms.few_samples')" = '["p95","p99","p99.9"]' ]
    options=(--percentiles 5,50,99.99)
    [ "$(figures '.ttft_ms | [.few_samples, keys_unsorted]')" = '[["p5","p99.99"],["count","mean","std","min","p5","p50","p99.99","max","exact","few_samples"]]' ]
    for wrong in 50,50 90,50 101 x ''; do
        run lm-stat --percentiles "$wrong" records
        [ "$status" -eq 2 ]
    done
}

@test "lm-stat: a client that was the bottleneck is named" {
    request . | jq -c 'range(1000) as $i | .timing.late = (if $i < 4 then 1 else 0 end)' >records
    [ "$(figures '.client | [.bottleneck, .reasons, .late_chunks, .chunks, .late_share, .clocks, .cpu_max, .read_lag_max_ms]')" = \
        '[false,[],4,4000,0.001,{"kernel":1000},0.1,0.005]' ]
    request '.timing.late = 1' >>records
    [ "$(figures '.client | [.bottleneck, .reasons]')" = '[true,["late_chunks"]]' ]
    [[ $(lm-stat records) == *"client "*"THE BOTTLENECK (late_chunks)"* ]]
    request '.timing.due_ns = -20000000' | jq -c 'range(3) as $i | .' >records
    [ "$(figures '.client | [.reasons, .send_lag_ms.max]')" = '[["send_lag"],22]' ]
    sed -i 1d records # two are too few to say
    [ "$(figures '.client | [.reasons, .send_lag_ms.max]')" = '[[],22]' ]
    # A limit of concurrency or an earlier try explains it.
    request '.timing.due_ns = -20000000 | .timing.load.concurrency = 4' >records
    [ "$(figures '.client | [.reasons, .send_lag_ms]')" = '[[],null]' ]
    request '.timing.due_ns = -20000000 | .timing.attempts = [{sent_ns: -20000000, end_ns: 0, kind: "connect"}]' >records
    [ "$(figures '.client.reasons')" = '[]' ]
    # A closed loop's is no limit that explains it: due is when a slot was free.
    request '.timing.due_ns = -20000000 | .timing.load = {mode: "closed", concurrency: 4}' | jq -c 'range(3) as $i | .' >records
    [ "$(figures '.client.reasons')" = '["send_lag"]' ]
    # One busy second is no reason; more than one request in a hundred is.
    request . | jq -c 'range(100) as $i | .timing.cpu = (if $i < 1 then 0.95 else 0.2 end)' >records
    [ "$(figures '.client | [.reasons, .cpu_max, .cpu_high_share]')" = '[[],0.95,0.01]' ]
    request '.timing.cpu = 0.95' >>records
    [ "$(figures '.client.reasons')" = '["cpu"]' ]
}

@test "lm-stat: numbers at the edge of what fits do no harm" {
    # jq would round them
    request '.timing.due_ns = "L" | .timing.sent_ns = "H" | .timing.chunks_ns = ["L", "H"] | .timing.attempts = [{sent_ns: "L", end_ns: "H"}]
        | .timing.late = "H" | .response.tokens.prompt = 9007199254740992' |
        sed 's/"L"/-9223372036854775807/g; s/"H"/9223372036854775807/g' >records
    cat records records >>twice
    lm-stat --keep 0 twice
    lm-stat --profile vllm --slo itl=1s,e2e=1s --format json twice | jq -e '.requests.completed == 2 and .queue_wait_ms.count == 2'
    lm-stat --each records
}

@test "lm-stat: mean, deviation and percentiles are the reference's" {
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

@test "lm-stat: the groups together are the whole" {
    many 200 >in.jsonl
    stat_json in.jsonl
    whole=$(jq -c '[.requests.completed, .tokens.output, .itl_ms.count]' <<<"$output")
    stat_json --by task in.jsonl
    [ "$(jq -s -c 'length' <<<"$output")" -eq 2 ]
    [ "$(jq -s -c '[[.[].requests.completed], [.[].tokens.output], [.[].itl_ms.count]] | map(add)' <<<"$output")" = "$whole" ]
}

@test "lm-stat: -o: the file is there when it is whole" {
    request . >in.jsonl
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

@test "lm-stat: -o: a link is followed, and a pipe or a device stays one" {
    request . >in.jsonl
    lm-stat in.jsonl >expected
    mkdir folder
    echo old >folder/file
    ln -s folder/file link
    ln -s folder/none dangling
    for name in link dangling; do
        lm-stat -o $name in.jsonl
        [ -L $name ]
        cmp $name expected
    done
    [ "$(ls folder)" = $'file\nnone' ]
    mkfifo pipe
    ln -s pipe to-pipe
    for name in pipe to-pipe; do
        cat pipe >got &
        pids[cat]=$!
        timeout 20 lm-stat -o $name in.jsonl
        [ -p pipe ]
        ended cat
        cmp got expected
        [ ! -e $name.part ]
    done
    run -3 lm-stat -o folder in.jsonl
    [ "$output" = "lm-stat: folder: is a directory" ]
    [ ! -e folder.part ]
    echo before >log
    ln -s /proc/self/fd/1 stdout # what /dev/stdout is
    lm-stat -o stdout in.jsonl >>log
    cat <(echo before) expected | cmp log -
    lm-stat -o stdout in.jsonl | cmp - expected
    [ -L stdout ]
}

@test "lm-stat: -o: a device of one's own is written, and stays" {
    request . >in.jsonl
    mknod full c 1 7 2>/dev/null || skip "only root makes devices"
    (: >full) 2>/dev/null || skip "no devices here"
    ln -s full to-full
    for name in full to-full; do
        run -3 lm-stat -o $name in.jsonl
        [[ $output == "lm-stat: $name: write: No space left on device" ]]
        [ -c full ]
        [ ! -e full.part ]
    done
    [ -L to-full ]
}

@test "lm-stat: a full disk is no success" {
    request . >in.jsonl
    run bash -c 'lm-stat in.jsonl >/dev/full'
    [ "$status" -eq 3 ]
    run bash -c 'lm-stat --each in.jsonl >/dev/full'
    [ "$status" -eq 3 ]
}

@test "lm-stat --each: an id of any text is one cell of one line, and columns stand below each other" {
    local timing='"timing":{"start":"s","sent_ns":0,"end_ns":1}' id
    for id in 'a|b' 'a\nb\r\tc' 'a\\|b' 'größer 漢'; do
        echo "{\"id\":\"$id\",\"response\":{\"error\":{\"kind\":\"timeout\"}},$timing}"
    done >odd
    run lm-stat --each --format md odd
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 6 ]
    [[ ${lines[2]} == '| a\|b |  |'* ]]
    [[ ${lines[3]} == '| a b  c |  |'* ]]
    [[ ${lines[4]} == '| a\\\|b |  |'* ]]
    run lm-stat --each odd
    [ "${#lines[@]}" -eq 5 ]
    [[ ${lines[1]} == 'a|b  '* && ${lines[2]} == 'a b  c  '* && ${lines[3]} == 'a\|b  '* ]]
    for id in 1 2 3 4; do # its last word begins where the heading's does
        before=${lines[$id]%timeout}
        [ "${#before}" -eq "$(head -n 1 <<<"${lines[0]%error}" | tr -d '\n' | wc -m)" ]
    done
    lm-stat --each --format csv odd | grep '^"a$'
}

@test "lm-stat: parts are those that share timing.start, in any order, whatever text it is" {
    local start
    for start in b a '' 'a\u0000b' 'a\u0000c' b 'a\u0000b' a ''; do
        echo "{\"id\":\"i\",\"response\":{\"error\":{\"kind\":\"timeout\"}},\"timing\":{\"start\":\"$start\",\"sent_ns\":0,\"end_ns\":1}}"
    done >parts.jsonl
    [ "$(lm-stat --format json parts.jsonl | jq -c '[.parts[] | [.start, .requests]]')" = \
        '[["b",2],["a",2],["",2],["a\u0000b",2],["a\u0000c",1]]' ]
}

@test "lm-stat: one is not many, in words too" {
    local ok='{"id":"i","response":{"text":"x","status":200},"timing":{"start":"s","sent_ns":5,"first_ns":6,"last_ns":6,"end_ns":7,"chunks_ns":[6],"late":0'
    local tried=',"attempts":[{"sent_ns":0,"end_ns":1}]}}'
    echo "$ok$tried" >one
    run lm-stat one
    [[ $output == *" 1 completed, 1 retry"$'\n'* ]]
    [[ $output == *"; of 1 request not counted,"* ]]
    [[ $output == *" 0 of 1 chunk ("* ]]
    run lm-stat one one
    [[ $output == *" 2 completed, 2 retries"$'\n'* ]]
    [[ $output == *"; of 2 requests not counted,"* ]]
    [[ $output == *" 0 of 2 chunks ("* ]]
}

@test "lm-stat: --each and --by, and --each with two sets of limits, exclude each other" {
    run lm-stat --each --by task /dev/null
    [ "$status" -eq 2 ]
    run lm-stat --each --slo ttft=1s --slo ttft=2s /dev/null
    [ "$status" -eq 2 ]
}

@test "lm-stat: any one allocation, read or write may fail" {
    { request .; request "$failed | .task = \"b\" | .timing.start = \"x\""; echo garbage; } >records
    request "$failed" >other
    for kind in alloc read write; do
        fails_everywhere "$kind" lm-stat --keep 1 --slo ttft=1s records
    done
    fails_everywhere alloc lm-stat --by task --ci 95 --resamples 10 records
    fails_everywhere alloc lm-stat --format csv other
    fails_everywhere alloc lm-stat --each --format md records
}
