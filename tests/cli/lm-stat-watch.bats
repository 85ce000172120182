# lm-stat --watch, --price, --by cache: what a watch and a table of prices add to a summary.
bats_require_minimum_version 1.5.0
load ../lib

# Four requests from 07:43:00 on, of which the first is a warm-up: each 10 tokens in, 5 out, sent and ended at seconds 1-2,
# 2-4, 3-6, 4-8; the last got no answer, and nobody counted its tokens.
records() {
    jq -nc '[[1, 2], [2, 4], [3, 6], [4, 8]] | to_entries[] | .key as $k | (.value | map(. * 1000000000)) as [$sent, $ended]
        | {id: "r\($k)", request: {model: "asked"}, response: {model: "m", usage: {prompt_tokens_details: {cached_tokens: ([0, 0, 4, 0][$k])}},
            tokens: {prompt: 10, completion: 5, source: "usage"}},
           timing: {start: "2026-11-24T07:43:00Z", start_ns: 5, due_ns: $sent, sent_ns: $sent, first_ns: ($sent + 100000000),
            last_ns: $ended, end_ns: $ended, chunks_ns: [$sent + 100000000, $ended], clock: "kernel", late: 0}}
        | if $k == 0 then .timing.warmup = true elif $k == 3 then .response = {error: {kind: "timeout"}} else . end'
}

# samples JQ: one at each second from 07:43:00.5 on for ten seconds, changed so; $i is its number. It began half a second
# late, so that each lies between two of the times above. Prompt tokens rise by 4 a sample, the others as said.
samples() {
    jq -nc 'range(10) as $i | {start: "2026-11-24T07:42:59.5Z", start_ns: 7, sampled_ns: ($i * 1000000000 + 1000000000), took_ns: 1000,
        server: {running: $i, waiting: (10 - $i), kv_cache_usage: ($i / 10), prompt_tokens: (1000 + 4 * $i), generation_tokens: (500 + 2 * $i),
            prefix_queries: (1000 + 4 * $i), prefix_hits: (100 + $i), preemptions: 3}, rtt_ns: (50000 + $i * 1000)} | '"$1"
}

# figures JQ [OPTION...]: of the summary of the files records and watch
figures() {
    local filter=$1
    shift
    lm-stat --format json --watch watch "$@" records | jq -c "$filter"
}

setup() {
    begin_test
    records >records
    samples . >watch
}

@test "lm-stat --watch: counters rise from the last sample before the run to the first after" {
    # The run is from second 1 to 8; samples stand at .5, 1.5, ... 9.5: from the one at .5 to the one at 8.5 are 8 steps.
    [ "$(figures '.watch | [.prompt_tokens.server, .generation_tokens.server, .preemptions, .prefix_cache_hit_rate]')" = '[32,16,0,0.25]' ]
    # Warm-ups are what the client counts too; the failed one has no count.
    [ "$(figures '.watch | [.prompt_tokens.client, .generation_tokens.client]')" = '[30,15]' ]
    [ "$(figures '.watch.prompt_tokens | [.difference, .covers_run, .agree, .possible_reasons]')" = \
        '[2,true,false,["requests_without_a_count","other_clients"]]' ]
}

@test "lm-stat --watch: gauges are those within the run" {
    [ "$(figures '.watch | [.samples, .samples_in_run, .failed, .missed]')" = '[10,7,0,0]' ]
    [ "$(figures '.watch | [.running, .waiting, .kv_cache_usage | .mean * 1000 | round / 1000]')" = '[4,6,0.4]' ]
    [ "$(figures '.watch | [.running.max, .waiting.max, .kv_cache_usage.max]')" = '[7,9,0.7]' ]
    # The median of 50 to 59 us; TTFTs are 100 ms.
    [ "$(figures '.watch | [.rtt_p50_ms, .ttft_p50_less_rtt_ms]')" = '[0.0545,99.9455]' ]
}

@test "lm-stat --watch: within half a percent counts agree" {
    jq -c 'if .response.error then .response = {tokens: {prompt: 2, completion: 1, source: "usage"}} else . end' records >all
    mv all records
    [ "$(figures '.watch | [.prompt_tokens, .generation_tokens | .agree]')" = '[true,true]' ]
    [ "$(figures '.watch.prompt_tokens | [.difference, has("possible_reasons")]')" = '[0,false]' ]
    samples 'if $i > 4 then .server.prompt_tokens -= 1 else . end' >watch # 31 of 32: 3%
    [ "$(figures '.watch.prompt_tokens | [.difference, .agree, .possible_reasons]')" = '[-1,false,["cached_tokens_not_counted"]]' ]
}

@test "lm-stat --watch: a counter that goes down began again, and what it says is no comparison" {
    samples 'if $i > 4 then .server.prompt_tokens = 4 * ($i - 4) else . end' >watch
    # 4 steps of 4 to the restart, then from 0: 4, and 3 steps more.
    [ "$(figures '.watch.prompt_tokens | [.server, .restarts, .covers_run, .agree]')" = '[32,1,false,null]' ]
    [[ $(lm-stat --watch watch records) == *"prompt tokens  32 by the server, 30 by the client: NOT COMPARED, the server restarted"* ]]
}

@test "lm-stat --watch: a watch that does not span the run is no comparison" {
    samples 'select($i > 0)' >watch
    [ "$(figures '.watch.prompt_tokens | [.server, .covers_run, .agree]')" = '[28,false,null]' ]
    [[ $(lm-stat --watch watch records) == *"NOT COMPARED, the watch began too late"* ]]
    samples 'select($i < 8)' >watch
    [[ $(lm-stat --watch watch records) == *"NOT COMPARED, the watch ended too early"* ]]
    # A sample that failed is none: the next after the run stands for it.
    samples 'if $i == 8 then del(.server) | .error = {kind: "timeout"} else . end' >watch
    [ "$(figures '.watch.prompt_tokens | [.server, .covers_run]')" = '[36,true]' ]
    # One that was under way as the run ended does not say what was counted by then.
    samples 'if $i == 7 then .took_ns = 600000000 else . end' >watch
    [ "$(figures '.watch | [.samples_in_run, .running.max, .prompt_tokens.server]')" = '[6,6,32]' ]
    # Nor does one that was under way as it began say what was counted before.
    samples 'if $i == 0 then .took_ns = 600000000 else . end' >watch
    [ "$(figures '.watch | [.samples_in_run, .prompt_tokens.covers_run]')" = '[7,false]' ]
}

@test "lm-stat --watch: samples that failed or were missed are counted" {
    samples 'if $i == 3 then del(.server) | .error = {kind: "timeout"} elif $i == 5 then .missed = 2 else . end' >watch
    [ "$(figures '.watch | [.failed, .missed, .prompt_tokens.server]')" = '[1,2,32]' ]
}

@test "lm-stat --watch: energy by token and by request, utilization and power" {
    samples '.gpus = [{index: 0, uuid: "u", name: "G", utilization: 0.5, power_w: (100 + $i), energy_j: (1000 + 30 * $i)},
        {index: 1, energy_j: (5 + 15 * $i)}]' >watch
    [ "$(figures '.watch.gpus[0] | [.name, .utilization.mean, .power_w.mean, .power_w.max, .energy_j]')" = '["G",0.5,104,107,240]' ]
    # 240 + 120 J over 15 tokens and the three requests that were answered.
    [ "$(figures '.watch | [.energy_j, .energy_per_output_token_j, .energy_per_request_j]')" = '[360,24,120]' ]
    [[ $(lm-stat --watch watch records) == *"energy         360.0 J, 24.000 J an output token, 120.00 J a request"* ]]
    samples '.gpus = [{index: 0, energy_j: $i}, {index: 1}]' >watch # one of two does not say
    [ "$(figures '.watch | [.energy_j, .gpus[0].energy_j]')" = '[null,8]' ]
}

@test "lm-stat --watch: whether the prefix cache was reset" {
    [ "$(figures '.watch.cache_reset')" = null ]
    samples 'if $i == 0 then .cache_reset = true else . end' >watch
    [ "$(figures '.watch.cache_reset')" = true ]
    samples 'if $i == 0 then .cache_reset = false else . end' >watch
    [[ $(lm-stat --watch watch records) == *"; prefix cache NOT RESET before"* ]]
}

@test "lm-stat --watch: records that do not say when they were are no run to place samples in" {
    jq -c '.timing.start = "s"' records >unplaced
    mv unplaced records
    [ "$(figures '.watch | [.samples, .unplaced_requests, .prompt_tokens]')" = '[0,4,null]' ]
}

@test "lm-stat --watch: lines that are no samples are told, and the rest is read" {
    { samples .; echo nonsense; echo '{"start":"x"}'; echo '{"start":"2026-11-24T07:42:59.5Z","sampled_ns":1,"server":{"running":"2"}}'; } >watch
    run --separate-stderr lm-stat --format json --watch watch records
    [ "$status" -eq 1 ]
    [ "$(jq .watch.samples_in_run <<<"$output")" = 7 ]
    [[ $stderr == *"watch:11: "*"watch:12: start: no time in UTC"*"watch:13: server.running: not a number"* ]]
    run --separate-stderr lm-stat --watch none records
    [ "$status" -eq 3 ]
    run lm-stat --watch watch --by task records
    [ "$status" -eq 2 ]
    run lm-stat --price watch --each records
    [ "$status" -eq 2 ]
}

@test "lm-stat --watch: of a load with several servers only the requests to the one that was watched count" {
    samples '.url = "http://a:1/v1"' >watch
    [ "$(figures '.watch | [.url, .requests, .prompt_tokens.client]')" = '["http://a:1/v1",4,30]' ] # one server: no record names it
    jq -c '.response.url = "http://\(if .id == "r1" then "a" else "b" end):1/v1"' records >several
    mv several records
    [ "$(figures '.watch | [.requests, .prompt_tokens.client, .samples_in_run]')" = '[1,10,2]' ] # from 2 to 4 s: those at 2.5 and 3.5
}

@test "lm-stat --watch: all forms have it" {
    [ "$(lm-stat --format csv --watch watch records | head -n 1 | grep -c 'watch.prompt_tokens.server,watch.prompt_tokens.client')" = 1 ]
    [[ $(lm-stat --format md --watch watch records) == *"| prompt tokens "*"| 32 by the server, 30 by the client"* ]]
}

@test "lm-stat --price: tokens by model, cached ones by a price of their own, and the GPUs' time" {
    printf '%s\n' '{"model":"m","input_usd_per_mtok":2,"cached_input_usd_per_mtok":0.5,"output_usd_per_mtok":10}' \
        '{"gpu_usd_per_hour":3.6,"gpus":2}' >prices
    # 30 in, of which 4 cached, and 15 out, the warm-up too: (26 * 2 + 4 * 0.5 + 15 * 10) / 1e6.
    [ "$(lm-stat --price prices --format json records | jq -c '.cost.tokens | [(.usd * 1e6 | round), .requests, .unpriced_requests,
        (.usd_per_million_output_tokens * 1e3 | round / 1e3)]')" = '[204,3,0,13.6]' ]
    # From 2 to 8 s, of what is no warm-up: 6 s of two at 0.1 cent a second, over 10 tokens.
    [ "$(lm-stat --price prices --format json records | jq -c '.cost.gpu_time | [(.usd * 1e6 | round), .gpus, (.usd_per_million_output_tokens | round)]')" = \
        '[12000,2,1200]' ]
    [[ $(lm-stat --price prices records) == *"cost of tokens    0.000204 USD, 13.6 USD a million output tokens"* ]]
    [[ $(lm-stat --price prices records) == *"cost of GPU time  0.012 USD, 1200 USD a million output tokens"* ]]
}

@test "lm-stat --price: the server's name counts, else the request's; a line without a model is for all others" {
    echo '{"model":"asked","input_usd_per_mtok":1,"output_usd_per_mtok":1}' >prices
    [ "$(lm-stat --price prices --format json records | jq -c '.cost.tokens | [.usd, .unpriced_requests]')" = '[0,3]' ]
    [[ $(lm-stat --price prices records) == *"3 requests WITHOUT A PRICE"* ]]
    [ "$(jq -c 'del(.response.model)' records | lm-stat --price prices --format json | jq '.cost.tokens.usd * 1e6 | round')" = 45 ]
    echo '{"input_usd_per_mtok":3,"output_usd_per_mtok":3}' >>prices
    [ "$(lm-stat --price prices --format json records | jq '.cost.tokens.usd * 1e6 | round')" = 135 ]
}

@test "lm-stat --price: a line that is none is told" {
    local line
    for line in '{"model":3,"input_usd_per_mtok":1,"output_usd_per_mtok":1}' '{"model":"m","input_usd_per_mtok":1}' \
        '{"input_usd_per_mtok":-1,"output_usd_per_mtok":1}' '{"gpu_usd_per_hour":1,"gpus":0}' '{"gpu_usd_per_hour":"x"}'; do
        echo "$line" >prices
        run --separate-stderr lm-stat --price prices --format json records
        echo "$line: $stderr"
        [ "$status" -eq 1 ]
        [[ $stderr == "lm-stat: prices:1: "* ]]
    done
    printf '%s\n' '{"model":"m","input_usd_per_mtok":1,"output_usd_per_mtok":1}' '{"model":"m","input_usd_per_mtok":2,"output_usd_per_mtok":1}' >prices
    run --separate-stderr lm-stat --price prices --format json records
    [[ $stderr == *'prices:2: model: "m" has a price already'* ]]
}

@test "lm-stat: tokens that came from the server's cache, and cold and warm requests apart" {
    [ "$(lm-stat --format json records | jq -c '.tokens | [.cached_input, .cached_input_share, .cached_said_requests]')" = '[4,0.2,2]' ]
    [[ $(lm-stat records) == *"20 in, 10 out, counted by usage 2; 4 in from the server's cache (20.00%)"* ]]
    [ "$(lm-stat --by cache --format json records | jq -c '[.group.value, .requests.completed, .requests.warmup, .requests.failed]')" = \
        $'["cold",1,1,0]\n["warm",1,0,0]\n[null,0,0,1]' ]
    # More than there were, and what is no number, say nothing.
    jq -c '.response.usage.prompt_tokens_details.cached_tokens = 11' records >more
    [ "$(lm-stat --format json more | jq .tokens.cached_input)" = null ]
    jq -c '.response.usage.prompt_tokens_details = null' records >more
    [ "$(lm-stat --format json more | jq .tokens.cached_input)" = null ]
}

@test "lm-stat --watch --price: whatever allocation, read or write fails, it says so, or its output is whole" {
    samples '.gpus = [{index: 0, uuid: "u", name: "G", utilization: 0.5, power_w: 100, energy_j: $i}] | select($i == 0 or $i > 7)' >watch
    echo '{"model":"m","input_usd_per_mtok":1,"output_usd_per_mtok":1}' >prices
    local kind
    for kind in alloc read write; do
        fails_everywhere "$kind" lm-stat --watch watch --price prices records
    done
}
