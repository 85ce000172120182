# lm-stat: how a run went: over-saturation, the steady time, a series, and a run that goes on.
bats_require_minimum_version 1.5.0
load ../lib

# queue GAP SERVICE N [JQ]: N requests, one each GAP ms, served by one server, SERVICE ms each; the first token comes with
# the last. Changed by JQ.
queue() {
    jq -nc --argjson gap "$1" --argjson service "$2" --argjson n "$3" 'foreach range($n) as $i ({free: 0};
        ($i * $gap) as $due | .free = ([.free, $due] | max) + $service | .due = $due;
        (.free * 1000000) as $at | {id: "r\($at)", response: {tokens: {prompt: 5, completion: 10, source: "usage"}},
            timing: {start: "2026-11-24T07:43:00Z", start_ns: 1, load: {mode: "open", rate_rps: (1000 / $gap)}, due_ns: (.due * 1000000),
                sent_ns: (.due * 1000000), first_ns: $at, last_ns: $at, end_ns: $at, chunks_ns: [$at], clock: "kernel", late: 0}})' | jq -c "${4:-.}"
}

@test "lm-stat: a queue that grows is said, in text, in JSON and in the table; one that does not is not" {
    queue 100 125 500 >over
    queue 100 90 500 >under
    lm-stat over | grep -E '^saturation +OVER-SATURATED: the queue grew by 2\.0[0-9] requests/s, 20% of what arrived, to [0-9]+ in all$'
    lm-stat under | grep -E '^saturation +not over-saturated: '
    lm-stat --format json over | jq -e '.saturation | .over_saturated and (.growth_rps - 2 | fabs) < 0.1 and (.growth_share - 0.2 | fabs) < 0.01 and .z > 2'
    lm-stat --format json under | jq -e '.saturation | .over_saturated == false and .growth_share < 0.02'
    run lm-stat --by file over under
    [[ ${lines[1]} =~ ^over\ .*over-saturated$ ]]
    [[ ! ${lines[2]} =~ over-saturated ]]
    [[ $(lm-stat --by file under over | sed -n 2p) == under* ]] # in the order in which they are given
    # A closed loop has no queue that could grow; of few requests nothing is said.
    queue 100 125 500 '.timing.load = {mode: "closed", concurrency: 4}' | lm-stat --format json | jq -e 'has("saturation") | not'
    queue 100 125 40 | lm-stat --format json | jq -e 'has("saturation") | not'
    # Only the part that grew.
    { cat under; queue 100 125 500 '.timing.start = "2026-11-24T09:00:00Z"'; } | lm-stat --format json | jq -e '.saturation.over_saturated'
}

# A closed loop of ten: five begin, ten from 1 s on to the end of the 9th second, then fewer.
closed() {
    jq -nc '{start: "2026-11-24T07:43:00Z", start_ns: 1, load: {mode: "closed", concurrency: 10}} as $t
        | def request($from; $to): {id: "\($from) \($to)", response: {tokens: {prompt: 1, completion: 5, source: "usage"}}, timing: ($t + {due_ns: $from, sent_ns: $from,
            first_ns: ($from + 1000000), last_ns: $to, end_ns: $to, chunks_ns: [($from + 1000000), $to], clock: "kernel", late: 0})};
        (range(5) | request(. * 1000000; 1000000000 + . * 1000000)),
        (range(1; 9) as $s | range(10) | request($s * 1000000000 + . * 1000000 + 5000000; $s * 1000000000 + . * 1000000 + 1004000000)),
        (range(3) | request(9100000000; 9500000000))'
}

@test "lm-stat --steady: a closed loop, from the first time that it is full to the last" {
    closed >records
    lm-stat --format json --steady records >out
    # All ten are in flight from 1.014 s; the first that is not replaced ends at 9.004 s.
    jq -e '(.steady.duration_s - 7.99 | fabs) < 1e-9 and .steady.short and .parts[0].steady == {from_s: 1.014, to_s: 9.004, method: "in-flight"}
        and .requests.completed == 71 and .steady.outside == 17 and .peak_concurrency == 10
        and (.request_throughput_rps - 71 / 7.99 | fabs) < 1e-9 and (.output_token_throughput_tps - 5 * 71 / 7.99 | fabs) < 1e-9
        and (.steady.share - 7.99 / 9.5 | fabs) < 1e-9' out
    lm-stat --steady records | grep -E '^steady state +from 1\.01 s to 9\.00 s: 7\.99 of 9\.50 s \(SHORT\), 17 requests outside$'
    # From a pipe, too, and of each group by itself; what is wrong is said once.
    diff out <(cat records | lm-stat --format json --steady)
    echo broken >>records
    run --separate-stderr lm-stat --steady --by file --format json records
    [ "$status" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    jq -e '.requests.completed == 71' <<<"$output"
    run --separate-stderr lm-stat --steady <(cat records)
    [ "$status" -eq 3 ]
    [[ $stderr == *"a pipe, which cannot be read twice"* ]]
}

@test "lm-stat --steady: an open loop, less its warm-up and its drain; none where the queue grows" {
    # The first 50 of 500 take ten times as long.
    queue 100 1 500 '(if .timing.due_ns < 5000000000 then 800000000 else 50000000 end) as $more | .timing |= (.first_ns += $more | .last_ns += $more | .end_ns += $more
        | .chunks_ns[0] += $more)' >records
    lm-stat --format json --steady records | jq -e '.parts[0].steady == {from_s: 5, to_s: 49.9, method: "mser-5"} and .steady.short == false
        and .ttft_ms.max < 900 and .steady.outside > 40'
    queue 100 125 500 | lm-stat --format json --steady | jq -e '.steady.duration_s == 0 and .requests.completed == 0 and .steady.outside == 500'
    queue 100 125 500 | lm-stat --steady | grep -E '^steady state +NONE: nothing is left of 62.50 s$'
}

# Two requests; the first with four tokens in two chunks.
two() {
    jq -nc '{start: "2026-11-24T07:43:00Z", start_ns: 1, load: {mode: "open"}} as $t
        | {id: "a", response: {tokens: {prompt: 1, completion: 4, source: "usage"}}, timing: ($t + {due_ns: 0, sent_ns: 500000000, first_ns: 900000000,
            last_ns: 2250000000, end_ns: 2300000000, chunks_ns: [900000000, 2250000000]})},
          {id: "b", response: {error: {kind: "timeout"}}, timing: ($t + {due_ns: 0, sent_ns: 1000000000, end_ns: 1500000000})},
          {id: "w", response: {error: {kind: "timeout"}}, timing: ($t + {due_ns: 0, sent_ns: 1000000000, end_ns: 7500000000, warmup: true})}'
}

@test "lm-stat --series: a line for each window" {
    two >records
    lm-stat --series 1s --format json records >out
    diff - out <<'EOF'
{"start_s":0,"sent":1,"completed":0,"failed":0,"cancelled":0,"in_flight_mean":0.5,"in_flight_max":1,"output_tps":2,"ttft_p50_ms":400,"ttft_p99_ms":400}
{"start_s":1,"sent":1,"completed":0,"failed":1,"cancelled":0,"in_flight_mean":1.5,"in_flight_max":2}
{"start_s":2,"sent":0,"completed":1,"failed":0,"cancelled":0,"in_flight_mean":0.3,"in_flight_max":1,"output_tps":2,"itl_p50_ms":1350,"itl_p99_ms":1350,"e2e_p50_ms":1750,"e2e_p99_ms":1750}
EOF
    diff - <(lm-stat --series 1s --format csv records) <<'EOF'
part,start_s,sent,completed,failed,cancelled,in_flight_mean,in_flight_max,output_tps,ttft_p50_ms,ttft_p99_ms,itl_p50_ms,itl_p99_ms,e2e_p50_ms,e2e_p99_ms
,0,1,0,0,0,0.5,1,2,400,400,,,,
,1,1,0,1,0,1.5,2,,,,,,,
,2,0,1,0,0,0.3,1,2,,,1350,1350,1750,1750
EOF
    [ "$(lm-stat --series 500ms --format json records | jq -sc 'map(.in_flight_mean)')" = '[1,2,1,0.6]' ]
    [ "$(lm-stat --series 1s records | wc -l)" -eq 4 ]
    { cat records; two | jq -c '.timing.start = "later"'; } | lm-stat --series 1s --format json | jq -sc 'map(.part) | unique | length == 2'
    # Times below 0 have windows, too.
    two | jq -c '.timing |= (.sent_ns -= 5000000000)' | lm-stat --series 1s --format json | jq -se '.[0].start_s == -5'
}

@test "lm-stat --series: sums are those of the summary" {
    queue 37 30 300 >records
    lm-stat --series 700ms --format json records | jq -se 'map(.completed) | add == 300'
    lm-stat --series 700ms --format json records | jq -se '(map(.output_tps // 0) | add) * 0.7 - 3000 | fabs < 1e-6'
    # In flight, in the mean: what all stays add up to (Little).
    stays=$(jq -s 'map(.timing.end_ns - .timing.sent_ns) | add / 1e9' records)
    lm-stat --series 700ms --format json records | jq -se --argjson stays "$stays" '(map(.in_flight_mean) | add) * 0.7 - $stays | fabs < 1e-6'
}

@test "lm-stat --series: windows without end are refused, and options that exclude each other" {
    two | jq -c '.timing.end_ns = 9000000000000000' >records
    run --separate-stderr lm-stat --series 1s records
    [ "$status" -eq 3 ]
    [[ $stderr == "lm-stat: more than 1000000 windows: make them longer" ]]
    for wrong in '--series 1s --each' '--series 1s --steady' '--each --steady' '--follow --steady' '--follow --by file' '--series 1s --format vllm' \
        '--series 1s --by file' '--series 0' '--follow a b'; do
        run lm-stat $wrong
        [ "$status" -eq 2 ] || { echo "$wrong"; false; }
    done
}

@test "lm-stat -f: reads run.part until it gets its name, then prints the summary" {
    two >lines
    : >run.jsonl.part
    start stat lm-stat --format json -f run.jsonl
    head -n 1 lines >>run.jsonl.part
    printf '%s' "$(sed -n 2p lines)" | head -c 40 >>run.jsonl.part # half a line is none yet
    { printf '%s\n' "$(sed -n 2p lines)" | tail -c +41; sed -n 3p lines; echo broken; } >>run.jsonl.part
    mv run.jsonl.part run.jsonl
    status=0
    ended stat || status=$?
    [ "$status" -eq 1 ]
    grep -q 'run.jsonl.part:4: no JSON object' stat.err
    diff stat.out <(lm-stat --format json lines)
}

@test "lm-stat -f: run.part may be named itself, and ends as well" {
    two >lines
    cp lines run.jsonl.part
    start stat lm-stat --format json -f run.jsonl.part
    is_read() { ls -l "/proc/${pids[stat]}/fd" | grep -q run.jsonl.part; }
    wait_until is_read
    mv run.jsonl.part run.jsonl
    ended stat
    diff stat.out <(lm-stat --format json lines)
}

@test "lm-stat -f: waits for a file that is not there, reads standard input to its end, and SIGINT ends it with the summary" {
    two >lines
    start stat lm-stat --format json -f run.jsonl
    cp lines run.tmp
    mv run.tmp run.jsonl # under its own name it may grow for ever
    is_read() { ls -l "/proc/${pids[stat]}/fd" | grep -q run.jsonl; }
    wait_until is_read
    stop stat INT
    diff stat.out <(lm-stat --format json lines)
    diff stat.out <(cat lines | lm-stat --format json -f)
}

@test "lm-stat -f: on a terminal the run is drawn in place, and the summary at its end" {
    two >lines
    head -n 1 lines >run.jsonl.part
    start stat script -qefc "lm-stat -f run.jsonl" typescript
    wait_until grep -q '1 completed, 0 failed in 1.8 s: 0.56 requests/s, 2.2 output tokens/s' typescript
    sed -n 2p lines >>run.jsonl.part
    wait_until grep -q '1 completed, 1 failed' typescript
    mv run.jsonl.part run.jsonl
    ended stat
    grep -q $'\033\\[[0-9]*A\033\\[J' typescript
    grep -q 'success rate  *50.00%' typescript
    # A terminal of 20 columns: no line is longer.
    start narrow script -qefc "stty cols 20; lm-stat -f - <lines" narrow.txt
    ended narrow
    ! tr -d '\r' <narrow.txt | sed $'s/\033\\[[0-9]*[AJ]//g' | grep completed, | head -n 1 | grep -E '.{20}'
}

@test "lm-stat: any one allocation may fail in a series, a steady time and a run that goes on" {
    two >records
    fails_everywhere alloc lm-stat --series 1s --format csv records
    fails_everywhere alloc lm-stat --steady records
    input=records fails_everywhere alloc lm-stat -f
    input=records fails_everywhere read lm-stat -f
}
