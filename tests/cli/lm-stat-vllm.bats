# lm-stat --format vllm: the result of vllm bench serve, against its definitions (load-metrics, sections 3 and 5).
bats_require_minimum_version 1.5.0
load ../lib

# The worked stream of load-metrics 3.6, sent 2 ms after it was due.
worked() {
    jq -nc '{id: "a", api: "chat", request: {model: "m"},
        response: {text: "Hello!", status: 200, model: "served", tokens: {prompt: 9, completion: 3, source: "usage"}},
        timing: {start: "2026-11-24T07:43:00.000000000Z", start_ns: 1000000000, load: {mode: "open", rate_rps: 1, arrivals: "poisson"},
            due_ns: 0, sent_ns: 2000000, first_ns: 502100000, last_ns: 562000000, end_ns: 562200000,
            chunks_ns: [502000000, 502100000, 522000000, 562000000], clock: "kernel", late: 0}} | '"${1:-.}"
}

# So many requests, every ninth failed, every seventh with one token or none counted, in the order in which they end.
many() {
    jq -nc --argjson n "$1" 'def next: (. * 1103515245 + 12345) % 2147483648;
        [foreach range($n) as $i ({seed: 7}; .seed |= next | .seed as $s | (2 + $s % 30) as $chunks
            | ($i * 40000000 + $s % 900000) as $due | ($due + 1000 + $s % 5000000) as $sent | ($sent + 20000000 + $s % 30000000) as $first
            | ([range($chunks)] | map($first + . * 15000000 + (($s + . * 7919) % 14000000))) as $at
            | .record = {id: "r\($i)", api: "completions",
                response: (if $i % 9 == 8 then {status: 503, error: {kind: "http_status", message: "busy \($i)"}}
                    else {text: "t\($i)", model: "m", tokens: {prompt: ($s % 100), completion: (if $i % 7 == 6 then 1 else $chunks end), source: "usage"}} end),
                timing: ({start: "2026-11-24T07:43:00.5Z", start_ns: 5000000000, load: {mode: "open", rate_rps: 25, concurrency: 8, arrivals: "gamma", burstiness: 0.5},
                    due_ns: $due, sent_ns: $sent, end_ns: ($at[-1] + 10), cpu: 0.1}
                    + (if $i % 9 == 8 then {} else {first_ns: $at[0], last_ns: $at[-1], chunks_ns: $at, late: 0} end))};
            .record)] | sort_by(.timing.end_ns)[]'
}

# The result by the definitions, from the records: percentiles by NumPy's default (type 7), the population's deviation.
by_definition() {
    jq -s --argjson slo "${1:-null}" 'def type7($p): sort | if length == 0 then 0 else ($p / 100 * (length - 1)) as $x | ($x | floor) as $lo
            | .[$lo] + ((.[$lo + 1] // .[$lo]) - .[$lo]) * ($x - $lo) end;
        def mean: if length == 0 then 0 else add / length end;
        def std: mean as $m | if length == 0 then 0 else (map(pow(. - $m; 2)) | add / length | sqrt) end;
        def figures($name): {"mean_\($name)_ms": (mean * 1000), "median_\($name)_ms": (type7(50) * 1000), "std_\($name)_ms": (std * 1000),
            "p90_\($name)_ms": (type7(90) * 1000), "p99.9_\($name)_ms": (type7(99.9) * 1000)};
        def secs: . / 1e9;
        sort_by(.timing.due_ns) | length as $n | .[0].timing.load as $load | ((map(.timing.end_ns) | max) | secs) as $dur
        | map({ok: (.response.error == null), st: .timing.sent_ns, at: (.timing.chunks_ns // []), in: (.response.tokens.prompt // null),
            out: (if .response.error then 0 else .response.tokens.completion end), text: (.response.text // ""), queue: (.timing.sent_ns - .timing.due_ns | secs),
            start: (.timing.start_ns + .timing.sent_ns | secs), error: (.response.error.message // "")}
            | .ttft = (if .ok then (.at[0] - .st | secs) else 0 end) | .latency = (if .ok then (.at[-1] - .st | secs) else 0 end)
            | .itl = ([.at, .at[1:]] | transpose | map(select(.[1]) | .[1] - .[0] | secs))
            | .tpot = (if .ok and .out > 1 then (.latency - .ttft) / (.out - 1) else 0 end)) as $all
        | ($all | map(select(.ok))) as $ok | ($ok | map(.st) | min) as $first
        | {duration: $dur, completed: ($ok | length), failed: ($n - ($ok | length)), total_input_tokens: ($ok | map(.in) | add),
            total_output_tokens: ($ok | map(.out) | add), request_throughput: (($ok | length) / $dur),
            request_goodput: (if $slo then ($ok | map(select(.ttft * 1000 <= $slo.ttft and .tpot * 1000 <= $slo.tpot and .latency * 1000 <= $slo.e2el)) | length) / $dur
                else null end),
            output_throughput: (($ok | map(.out) | add) / $dur), total_token_throughput: (($ok | map(.in + .out) | add) / $dur),
            input_lens: ($all | map(.in)), output_lens: ($all | map(.out)), ttfts: ($all | map(.ttft)), itls: ($all | map(.itl)),
            latencies: ($all | map(.latency)), start_times: ($all | map(.start)), queue_times: ($all | map(.queue)),
            generated_texts: ($all | map(.text)), errors: ($all | map(.error)),
            max_output_tokens_per_s: ($ok | map(.at[] - $first | . / 1e9 | trunc) | group_by(.) | map(length) | max),
            max_concurrent_requests: ($ok | map([range((.st - $first) / 1e9 | trunc; ((.at[-1] - $first) / 1e9 | trunc) + 1)] | .[]) | group_by(.) | map(length) | max),
            rtfx: 0}
        + ($ok | map(.ttft) | figures("ttft")) + ($ok | map(select(.out > 1) | .tpot) | figures("tpot")) + ($ok | map(.itl[]) | figures("itl"))
        + ($ok | map(.latency) | figures("e2el")) + ($ok | map(.queue) | figures("client_queue_time"))
        + ($ok | map(.latency + .queue) | figures("e2el_including_client_queue"))' "$2"
}

# same A B: the members of A are in B, numbers within 1e-9 of themselves; and B has no other but those of the setting.
same() {
    jq -e -n --slurpfile a "$1" --slurpfile b "$2" 'def near($x; $y): if ($x | type) == "number" and ($y | type) == "number"
            then ($x - $y | fabs) <= 1e-9 * ([($x | fabs), 1] | max)
            elif ($x | type) == "array" and ($y | type) == "array" then ($x | length) == ($y | length) and all(range($x | length); near($x[.]; $y[.]))
            else $x == $y end;
        $a[0] as $a | $b[0] as $b | all($a | keys[]; near($a[.]; $b[.]) or (debug | false))
        and ($b | keys) - ($a | keys) == (["backend", "burstiness", "date", "endpoint_type", "label", "max_concurrency", "model_id", "num_prompts",
            "request_rate", "tokenizer_id"] | sort)'
}

@test "lm-stat --format vllm: the worked stream" {
    worked >records
    lm-stat --format vllm --profile vllm --percentile-metrics ttft,tpot,itl,e2el --detailed records >out
    jq -e 'def r: . * 1e6 | round / 1e6; [.mean_ttft_ms, .mean_tpot_ms, .median_e2el_ms, .p99_itl_ms | r] == [500, 30, 560, 39.598]
        and (.itls[0] | map(. * 1e4 | round)) == [1, 199, 400] and (.itls | length) == 1 and .ttfts == [0.5] and .latencies == [0.56]' out
}

# vllm/benchmarks/lib/endpoint_request_func.py of 0.33: a chunk that only names the role is no output.
@test "lm-stat --format vllm: the worked stream as 0.33 has it, without the chunk of the role" {
    worked >records
    lm-stat --format vllm --percentile-metrics ttft,tpot,itl,e2el --detailed records >out
    jq -e 'def r: . * 1e6 | round / 1e6; [.mean_ttft_ms, .mean_tpot_ms, .median_e2el_ms, .p99_itl_ms | r] == [500.1, 29.95, 560, 39.799]
        and (.itls[0] | map(. * 1e4 | round)) == [199, 400] and .ttfts == [0.5001] and .latencies == [0.56]' out
}

@test "lm-stat --format vllm: what nobody scheduled began with the first that was sent" {
    worked 'del(.timing.due_ns) | .timing.sent_ns = 402000000' >records
    lm-stat --format vllm records | jq -e '(.duration * 1e6 | round) == 160200'
}

@test "lm-stat --format vllm: every figure by its definition, plain and detailed" {
    many 150 >records
    all=ttft,tpot,itl,e2el,client_queue_time,e2el_including_client_queue
    lm-stat --format vllm --detailed --percentile-metrics $all --percentiles 90,99.9 --slo ttft=40ms,tpot=16ms,e2e=400ms records >out
    by_definition '{"ttft": 40, "tpot": 16, "e2el": 400}' records >defined
    same defined out
    jq -e '.request_goodput > 0 and .request_goodput < .request_throughput and .max_output_tokens_per_s > 100' out
    lm-stat --format vllm --percentile-metrics $all --percentiles 90,99.9 records >plain
    by_definition null records | jq 'del(.input_lens, .output_lens, .ttfts, .itls, .start_times, .generated_texts, .errors)' >defined
    same defined plain
}

@test "lm-stat --format vllm: fields, their order, and what records do not hold" {
    worked >records
    [ "$(lm-stat --format vllm records | jq -r 'keys_unsorted | join(" ")')" = "date endpoint_type backend label model_id tokenizer_id num_prompts\
 request_rate burstiness max_concurrency duration completed failed total_input_tokens total_output_tokens request_throughput request_goodput\
 output_throughput total_token_throughput latencies queue_times max_output_tokens_per_s max_concurrent_requests rtfx mean_ttft_ms median_ttft_ms\
 std_ttft_ms p99_ttft_ms mean_tpot_ms median_tpot_ms std_tpot_ms p99_tpot_ms mean_itl_ms median_itl_ms std_itl_ms p99_itl_ms" ]
    [ "$(lm-stat --format vllm records | jq -c '[.date, .endpoint_type, .backend, .label, .model_id, .tokenizer_id, .num_prompts, .request_rate, .burstiness,
        .max_concurrency, .request_goodput]')" = '["20261124-074300","openai-chat","openai-chat",null,"served",null,1,1,1,null,null]' ]
    [ "$(lm-stat --format vllm --set label=x --set num_prompts=7 --set backend=vllm --set gpu=h100 --set tokenizer_id=t records |
        jq -c '[.label, .num_prompts, .backend, .endpoint_type, .gpu, .tokenizer_id]')" = '["x",7,"vllm","vllm","h100","t"]' ]
    worked '.timing.load = {mode: "closed", concurrency: 4}' | lm-stat --format vllm | jq -e '.request_rate == "inf" and .max_concurrency == 4'
    for wrong in label duration=3 =x mean_ttft_ms=1; do
        run --separate-stderr lm-stat --format vllm --set "$wrong" records
        [ "$status" -eq 2 ]
        [[ ${stderr_lines[0]} == "lm-stat: --set: "* ]]
    done
    for wrong in '--percentile-metrics x' '--percentile-metrics ttft,' '--by file' --each '--slo itl=1s' '--slo ttft=1s --slo e2e=1s'; do
        run lm-stat --format vllm $wrong records
        [ "$status" -eq 2 ]
    done
}

@test "lm-stat --format vllm: empty sets are 0 there, uncounted tokens null, warm-ups and cancelled ones in nothing" {
    lm-stat --format vllm </dev/null | jq -e '.completed == 0 and .mean_ttft_ms == 0 and .p99_itl_ms == 0 and .max_concurrent_requests == 0'
    { worked 'del(.response.tokens)'; worked '.timing.warmup = true'; worked '.response = {cancelled: true}'; } >records
    lm-stat --format vllm --detailed records | jq -e '.completed == 1 and .failed == 0 and .num_prompts == 1 and .output_lens == [null]
        and .total_output_tokens == null and .output_throughput == null and .mean_tpot_ms == 0 and .mean_ttft_ms == 500.1'
}

@test "lm-stat --format vllm: what it writes it reads, and the figures are the same" {
    many 60 >records
    lm-stat --format vllm --detailed records >detailed.json
    lm-stat --format vllm records >plain.json
    lm-stat --profile vllm --format json records >ours
    for file in detailed plain; do
        lm-stat --profile vllm --format json $file.json | jq -e --slurpfile ours ours 'def near($x): (. - $x | fabs) <= 1e-6 * ($x | fabs);
            $ours[0] as $o | .requests.completed == $o.requests.completed and .requests.failed == $o.requests.failed
            and (.ttft_ms.p99 | near($o.ttft_ms.p99)) and (.tpot_ms.mean | near($o.tpot_ms.mean)) and (.itl_ms.std | near($o.itl_ms.std))
            and .tokens.output == $o.tokens.output'
    done
}

@test "lm-stat --format vllm: times beyond all bounds do no harm" {
    worked '.timing |= (.start_ns = 9223372036854775807 | .sent_ns = -9223372036854775807 | .chunks_ns = [9223372036854775807, -9223372036854775807])' >records
    lm-stat --format vllm --detailed records | jq -e .completed
}

@test "lm-stat --format vllm: any one allocation may fail" {
    many 3 >records
    fails_everywhere alloc lm-stat --format vllm --detailed --set a=b records
}
