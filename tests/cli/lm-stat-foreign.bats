# lm-stat reads what other programs wrote. The shapes: vllm bench serve of 2025 and 2026 (load-metrics, section 5),
# guidellm 0.8.1 (guidellm/schemas/base/request_stats.py, guidellm/benchmark/schemas/metrics.py) and 0.3 by its names,
# aiperf 0.13.0 (aiperf/common/models/record_models.py, export_models.py).
bats_require_minimum_version 1.5.0
load ../lib

# A result of three requests, of which one failed; --save-detailed.
vllm() {
    jq -nc '{date: "20251124-074300", endpoint_type: "vllm", backend: "vllm", label: null, model_id: "m", tokenizer_id: "m",
        num_prompts: 3, request_rate: "inf", burstiness: 1.0, max_concurrency: 2, duration: 2.5, completed: 2, failed: 1,
        total_input_tokens: 20, total_output_tokens: 5, request_throughput: 0.8, request_goodput: null, output_throughput: 2.0,
        total_token_throughput: 10.0, input_lens: [9, 11, 4], output_lens: [3, 2, 0], ttfts: [0.1, 0.2, 0.0],
        itls: [[0.05, 0.06], [0.3], []], start_times: [1000.5, 1000.75, 1001.5], generated_texts: ["abc", "de", ""],
        errors: ["", "", "Bad Request"], max_output_tokens_per_s: 4.0, max_concurrent_requests: 2, rtfx: 0.0,
        mean_ttft_ms: 150.0, median_ttft_ms: 150.0, std_ttft_ms: 50.0, "p99_ttft_ms": 199.0, "p99.9_ttft_ms": 199.9,
        mean_tpot_ms: 177.5, median_tpot_ms: 177.5, std_tpot_ms: 122.5, p99_tpot_ms: 297.55}'" | ${1:-.}"
}
plain='del(.input_lens, .output_lens, .ttfts, .itls, .start_times, .generated_texts, .errors)'

guidellm() {
    jq -nc '{metadata: {version: 2, guidellm_version: "0.8.1"}, config: {}, benchmarks: [{
        config: {strategy: {type_: "poisson", rate: 2.0, max_concurrency: null}},
        scheduler_metrics: {measure_start_time: 1764000000.0, measure_end_time: 1764000004.0},
        start_time: 1764000000.0, end_time: 1764000004.0, duration: 4.0,
        metrics: {request_totals: {successful: 1, errored: 1, incomplete: 1, total: 3},
            requests_per_second: {successful: {mean: 0.25}}, output_tokens_per_second: {successful: {mean: 1.25}},
            prompt_token_count: {successful: {total_sum: 7}}, output_token_count: {successful: {total_sum: 5}},
            time_to_first_token_ms: {successful: {mean: 100.0, std_dev: 0.0, min: 100.0, max: 100.0, percentiles: {p50: 100.0, p99: 100.0, p999: 100.0}}},
            request_latency: {successful: {mean: 0.5, percentiles: {p50: 0.5, p99: 0.5}}}},
        requests: {
            successful: [{request_id: "r1", output: "hi", prompt_tokens: 7, output_tokens: 5, request_latency: 0.5, time_to_first_token_ms: 100.0,
                info: {timings: {targeted_start: 1764000000.75, request_start: 1764000001.0, first_token_iteration: 1764000001.125,
                    last_token_iteration: 1764000001.5, request_end: 1764000001.5}}}],
            errored: [{request_id: "r2", prompt_tokens: 3, output_tokens: null,
                info: {error: "boom", timings: {request_start: 1764000002.0, request_end: 1764000002.5}}}],
            incomplete: [{request_id: "r3", prompt_tokens: 3, output_tokens: 1, info: {timings: {request_start: 1764000003.0, request_end: 1764000004.0}}}]}}]}'" | ${1:-.}"
}

aiperf_lines() {
    jq -nc '{metadata: {session_num: 0, x_request_id: "a", credit_issued_ns: 1764000000000000000, request_start_ns: 1764000000250000000,
            request_end_ns: 1764000000760000000, worker_id: "w", record_processor_id: "p", benchmark_phase: "profiling", was_cancelled: false},
        metrics: {time_to_first_token: {value: 100.0, unit: "ms"}, request_latency: {value: 500.0, unit: "ms"},
            inter_token_latency: {value: 100.0, unit: "ms"}, inter_chunk_latency: {value: [100.0, 300.0], unit: "ms"},
            input_sequence_length: {value: 7, unit: "tokens"}, output_sequence_length: {value: 5, unit: "tokens"}}, error: null},
        {metadata: {session_num: 1, x_request_id: "b", request_start_ns: 1764000000000000000, request_end_ns: 1764000000125000000,
            benchmark_phase: "profiling", was_cancelled: false}, metrics: {}, error: {code: 503, type: "x", message: "no"}},
        {metadata: {session_num: 2, x_request_id: "c", request_start_ns: 1763999999000000000, request_end_ns: 1763999999125000000,
            benchmark_phase: "warmup", was_cancelled: false}, metrics: {request_latency: {value: 125.0, unit: "ms"}}}'
}

aiperf_summary() {
    jq -n '{schema_version: "1.4", aiperf_version: "0.13.0", request_throughput: {unit: "requests/sec", avg: 3.5},
        request_count: {unit: "requests", avg: 70}, benchmark_duration: {unit: "sec", avg: 20.0},
        time_to_first_token: {unit: "ms", avg: 10.0, p50: 9.5, p99: 20.25, min: 5.0, max: 21.0, std: 2.0},
        request_latency: {unit: "ms", avg: 100.0, p50: 99.0, p99: 150.0}, output_token_throughput: {unit: "tokens/sec", avg: 700.0}}'
}

@test "lm-stat: a detailed result of vllm bench serve is its requests, and our figures are its own" {
    vllm >run.json
    lm-stat --format json --profile vllm run.json >ours
    jq -e --slurpfile vllm run.json '$vllm[0] as $v | def near(x): (. - x | fabs) < 1e-9 * (x | fabs);
        .requests.completed == $v.completed and .requests.failed == 1 and .duration_s == $v.duration
        and (.request_throughput_rps | near($v.request_throughput)) and (.output_token_throughput_tps | near($v.output_throughput))
        and (.total_token_throughput_tps | near($v.total_token_throughput)) and .vllm_max_concurrent_requests == $v.max_concurrent_requests
        and (.ttft_ms.mean | near($v.mean_ttft_ms)) and (.ttft_ms.p99 | near($v.p99_ttft_ms)) and (.ttft_ms["p99.9"] | near($v["p99.9_ttft_ms"]))
        and (.tpot_ms.std | near($v.std_tpot_ms)) and (.tpot_ms.p99 | near($v.p99_tpot_ms)) and .itl_ms.count == 3
        and .parts[0].load == {tool: "vllm bench serve", mode: "closed", concurrency: 2, duration_s: 2.5}' ours
}

@test "lm-stat: as records, other programs' requests pass lm-check and give the same summary" {
    vllm >run.json
    aiperf_lines >lines.jsonl
    guidellm >report.json
    for file in run.json lines.jsonl report.json; do
        lm-stat --format records $file >records.jsonl
        # aiperf's first line to end need not be the first that was sent: times are from its, and may be below 0.
        [ $file = lines.jsonl ] || lm-check records.jsonl
        diff <(lm-stat --format json $file) <(lm-stat --format json records.jsonl)
    done
    lm-stat --format records run.json | jq -s -e '(map(.response.text) == ["abc", "de", null]) and .[1].timing.sent_ns == 250000000
        and .[0].timing.chunks_ns == [100000000, 150000000, 210000000] and .[2].response.error == {kind: "http_status", message: "Bad Request"}'
}

@test "lm-stat: without start_times nobody knows what was sent when: latencies and the result's own throughput stand" {
    vllm 'del(.start_times)' >old.json
    [ "$(lm-stat --format json old.json | jq -c '[.request_throughput_rps, .duration_s, .ttft_ms.mean, .peak_concurrency, .vllm_max_concurrent_requests]')" = \
        '[0.8,2.5,150,null,null]' ]
    vllm 'del(.start_times) | .itls |= .[1:]' >odd.json
    run --separate-stderr lm-stat odd.json
    [ "$status" -eq 1 ]
    [[ $stderr == "lm-stat: odd.json:1: vllm bench serve: itls: 2 elements, where ttfts has 3" ]]
}

@test "lm-stat: a plain result is its figures, compact, indented, gzipped, appended" {
    vllm "$plain" >plain.json
    jq . plain.json >indented.json
    gzip -k plain.json
    cat plain.json plain.json >appended.json
    lm-stat --format json plain.json indented.json plain.json.gz appended.json >out
    [ "$(jq -c 'del(.group)' out | sort -u | wc -l)" -eq 1 ]
    [ "$(jq -r .group.value out | tr '\n' ' ')" = 'plain.json indented.json plain.json.gz appended.json appended.json ' ]
    jq -e '.requests == {completed: 2, failed: 1} and .ttft_ms == {mean: 150, std: 50, p50: 150, p99: 199, "p99.9": 199.9}
        and .load.mode == "closed" and .vllm_max_concurrent_requests == 2 and .profile == "vllm"' out
    for mode in --each '--format records'; do
        run --separate-stderr lm-stat $mode plain.json
        [ "$status" -eq 1 ]
        [[ $stderr == *"plain.json:1: holds figures only, and no requests" ]]
    done
}

@test "lm-stat: guidellm's requests, and its figures where it kept a sample of them" {
    guidellm >report.json
    lm-stat --format json report.json >out
    jq -e '.requests == {total: 3, completed: 1, failed: 1, cancelled: 1, warmup: 0, retries: 0} and .duration_s == 4
        and .ttft_ms.mean == 125 and .ttft_from_due_ms.mean == 375 and .e2e_ms.mean == 500 and .tpot_ms.mean == 93.75
        and .request_throughput_rps == 0.25 and .tokens.output == 5
        and .parts[0].load == {tool: "guidellm", mode: "open", rate_rps: 2, duration_s: 4}' out
    guidellm '.benchmarks[0].requests.successful = []' >sampled.json
    lm-stat --format json sampled.json | jq -e '.tool == "guidellm" and .requests == {completed: 1, failed: 1}
        and .ttft_ms.p99 == 100 and .e2e_ms.p50 == 500 and .request_throughput_rps == 0.25'
    # Schema 1.
    jq -nc '{benchmarks: [{type_: "generative_benchmark", start_time: 100, duration: 2, requests: {successful: [{request_id: "x",
        prompt_tokens: 3, output_tokens: 3, start_time: 100.5, first_token_time: 100.75, last_token_time: 101.25, end_time: 101.5}]}}]}' >one.json
    lm-stat --format json one.json | jq -e '.ttft_ms.mean == 250 and .tpot_ms.mean == 250 and .request_throughput_rps == 0.5'
}

@test "lm-stat: aiperf's lines and its summary" {
    aiperf_lines >profile_export.jsonl
    lm-stat --format json profile_export.jsonl | jq -e '.requests == {total: 3, completed: 1, failed: 1, cancelled: 0, warmup: 1, retries: 0}
        and .errors == {http_status: 1} and .ttft_ms.mean == 100 and .ttft_from_due_ms.mean == 350 and .tpot_ms.mean == 100
        and .itl_ms.count == 2 and .itl_ms.max == 300 and .e2e_ms.mean == 500 and .tokens.sources == {tokenizer: 1}'
    aiperf_summary >profile_export_aiperf.json
    lm-stat --format json profile_export_aiperf.json | jq -e '.requests.completed == 70 and .duration_s == 20 and .ttft_ms.p50 == 9.5
        and .ttft_ms.p99 == 20.25 and .e2e_ms.mean == 100 and .output_token_throughput_tps == 700 and .tool == "aiperf"'
}

@test "lm-stat: old results, other programs' and ours in one table" {
    vllm >vllm.json
    vllm "$plain" >plain.json
    aiperf_summary >aiperf.json
    lm-stat --format records vllm.json >ours.jsonl
    lm-stat --by file --format json --slo ttft=150ms ours.jsonl >ours.json
    run lm-stat --by file --slo ttft=150ms vllm.json plain.json aiperf.json ours.jsonl ours.json
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 7 ]
    [[ ${lines[0]} =~ ^file\ +completed\ +failed\ +req/s\ +out\ tok/s\ +TTFT\ p50\ ms\ .*\ ttft=150ms\ +notes$ ]]
    # 150.00 has a mark where it was computed here from two requests.
    for name in plain.json 'ours.json: ours.jsonl' ours.jsonl vllm.json; do
        grep -E "^$name +2 +1 +0\.80 +2\.00 +\*?150\.00 +\*?199\.00 " <<<"$output"
    done
    grep -E '^aiperf.json +70 +- +3\.50 +700\.00 +9\.500 +20\.25 .* aiperf$' <<<"$output"
    grep -E '^ours.jsonl .* 33\.33% +vllm bench serve$' <<<"$output"
}

@test "lm-stat: an indented object that is no result is reported once a line, and the records behind it are read" {
    aiperf_lines >lines.jsonl
    { echo '{'; cat lines.jsonl; } >broken.jsonl
    run --separate-stderr lm-stat --format json broken.jsonl
    [ "$status" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [ "$(jq .requests.total <<<"$output")" -eq 3 ]
    echo '{"a": 1}' | jq . >odd.json
    run --separate-stderr lm-stat odd.json
    [ "$status" -eq 1 ]
    [[ $stderr == 'lm-stat: odd.json:1: has no "timing" (lm-send makes it)' ]]
}

@test "lm-stat: what stands in a result in place of numbers is an error, or absent" {
    vllm '.ttfts[0] = "x"' >a.json
    vllm '.itls[0] = [null]' >b.json
    vllm '.itls[0] = [1e300]' >c.json
    run --separate-stderr lm-stat a.json b.json c.json
    [ "$status" -eq 1 ]
    diff - <(printf '%s\n' "${stderr_lines[@]}") <<'EOF'
lm-stat: a.json:1: vllm bench serve: ttfts, start_times: not numbers
lm-stat: b.json:1: vllm bench serve: itls: not lists of numbers
lm-stat: c.json:1: vllm bench serve: itls: a time that does not fit
EOF
}

@test "lm-stat: any one allocation may fail as other programs' results are read" {
    vllm >vllm.json
    guidellm >guidellm.json
    aiperf_lines >aiperf.json
    vllm "$plain" >plain.json
    fails_everywhere alloc lm-stat --by file vllm.json guidellm.json aiperf.json plain.json
}

# tests/peers: what vllm 0.33.0, guidellm 0.8.1 and aiperf 0.13.0 wrote of six requests to lm-mock, less the members that
# nobody reads here; and what lm-tap saw of vllm's. Their own figures are the truth.
near='def near($x; $part): (. - $x | fabs) <= $part * ($x | fabs);'

@test "lm-stat: a result that vllm bench serve 0.33 wrote: our figures are its own, and go back into it" {
    vllm=$BATS_TEST_DIRNAME/../peers/vllm-0.33.0.json
    lm-stat --format vllm --detailed --percentile-metrics ttft,tpot,itl,e2el,client_queue_time $vllm >ours
    diff <(jq keys_unsorted $vllm) <(jq keys_unsorted ours)
    jq -e --slurpfile theirs $vllm "$near"' . as $o | $theirs[0] | del(.endpoint_type, .backend, .model_id, .tokenizer_id) as $t
        | [$t | paths(scalars)] | all(. as $p | ($t | getpath($p)) as $x | ($o | getpath($p))
            | if ($x | type) == "number" then near($x; 1e-6) or (. - $x | fabs) < 1e-6 else . == $x end
                or ([$p, ., $x] | debug | false))' ours
    # all were due at once there, and waited for a place of two: no fault of the client
    lm-stat --format json $vllm | jq -e '.client.bottleneck == false and .queue_wait_ms.max > 100'
}

@test "lm-stat --format vllm: of the same requests, seen from outside, it writes the fields that vllm bench serve 0.33 wrote" {
    peers=$BATS_TEST_DIRNAME/../peers
    lm-stat --format vllm --detailed --percentile-metrics ttft,tpot,itl,e2el,client_queue_time \
        --set max_concurrency=2 --set tokenizer_id=tok $peers/vllm-0.33.0.tap.jsonl >ours
    diff <(jq 'keys_unsorted - ["mean", "median", "std", "p99" | "\(.)_client_queue_time_ms"]' $peers/vllm-0.33.0.json) \
        <(jq keys_unsorted ours)
    jq -e --slurpfile theirs $peers/vllm-0.33.0.json "$near"' $theirs[0] as $t
        | ("endpoint_type backend model_id tokenizer_id num_prompts max_concurrency completed failed total_input_tokens "
            + "total_output_tokens input_lens output_lens" | . / " " | all(. as $k | ($o | .[$k]) == $t[$k])) as $same
        | $same and (.itls | map(length)) == ($t.itls | map(length)) and (.duration | near($t.duration; 0.05))
        and (.mean_itl_ms | near($t.mean_itl_ms; 0.05))' \
        --argjson o "$(<ours)" ours
}

@test "lm-stat: reports that guidellm 0.8.1 and aiperf 0.13 wrote: our figures are their own" {
    peers=$BATS_TEST_DIRNAME/../peers
    lm-stat --format json $peers/guidellm-0.8.1.json | jq -e --slurpfile theirs $peers/guidellm-0.8.1.json "$near"'
        $theirs[0].benchmarks[0] as $b
        | .requests.completed == 6 and .requests.failed == 0 and (.duration_s | near($b.duration; 1e-6))
        and (.request_throughput_rps | near($b.metrics.requests_per_second.successful.mean; 1e-6))
        and (.output_token_throughput_tps | near($b.metrics.output_tokens_per_second.successful.mean; 1e-6))
        and (.ttft_ms.mean | near($b.metrics.time_to_first_token_ms.successful.mean; 1e-6))
        and (.tpot_ms.mean | near($b.metrics.inter_token_latency_ms.successful.mean; 1e-6))'
    lm-stat --format json --profile vllm $peers/guidellm-0.8.1.json | jq -e --slurpfile theirs $peers/guidellm-0.8.1.json "$near"'
        .e2e_ms.mean | near($theirs[0].benchmarks[0].metrics.request_latency.successful.mean * 1000; 1e-6)'
    for file in aiperf-0.13.0.jsonl aiperf-0.13.0.json; do
        lm-stat --format json $peers/$file | jq -e --slurpfile theirs $peers/aiperf-0.13.0.json "$near"' $theirs[0] as $t
            | .requests.completed == 6 and .requests.failed == 0
            and (.ttft_ms.p99 | near($t.time_to_first_token.p99; 1e-6)) and (.tpot_ms.mean | near($t.inter_token_latency.avg; 1e-6))
            and (.itl_ms.p99 | near($t.inter_chunk_latency.p99; 1e-6)) and (.e2e_ms.std | near($t.request_latency.std; 1e-6))'
    done
}
