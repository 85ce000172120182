# lm-watch: what it samples, when, and what it says where it cannot.
bats_require_minimum_version 1.5.0
load ../lib

nvml=$ROOT/build/tests/nvml.so

# serve RULE...: a server that answers by them (stub-server.pl), at $url
serve() {
    local port
    port=$(free_port)
    url=http://127.0.0.1:$port/v1
    start server "$ROOT/tests/cli/stub-server.pl" "$port" "$@"
    wait_until listens "$port"
}

listens() {
    (exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# watch ARGUMENT...: to the file got, with what it says in said
watch() {
    status=0
    timeout 60 lm-watch -q --url "$url" "$@" >got 2>said || status=$?
    echo "exit $status: $(<said)"
}

# got FILTER: of all samples, as compact JSON
got() {
    jq -sc "$1" "${2:-got}"
}

METRICS='/metrics 200 # TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0"} 3
vllm:num_requests_running{engine="1"} 4
vllm:num_requests_waiting 2.0
vllm:kv_cache_usage_perc 0.125
vllm:prompt_tokens_total 1e3
vllm:generation_tokens_total 500
vllm:prefix_cache_queries_total 1000
vllm:prefix_cache_hits_total 250
vllm:num_preemptions_total 1
process_open_fds NaN
'

@test "lm-watch: a sample has the server's figures in our names, when it was taken, and the round trip" {
    serve "$METRICS"
    watch -n 1
    [ "$status" -eq 0 ]
    [ ! -s said ]
    [ "$(got '.[].server')" = \
        '{"running":7,"waiting":2,"kv_cache_usage":0.125,"prompt_tokens":1000,"generation_tokens":500,"prefix_queries":1000,"prefix_hits":250,"preemptions":1}' ]
    [ "$(got 'map(keys_unsorted)[]')" = '["start","start_ns","sampled_ns","url","server","rtt_ns","took_ns"]' ]
    [ "$(got '.[] | .sampled_ns >= 0 and .took_ns > 0 and .rtt_ns > 0 and .rtt_ns < .took_ns')" = true ]
    [ "$(got '.[].url')" = "\"$url\"" ]
    [ "$(got '.[0].start | test("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z$")')" = true ]
}

@test "lm-watch: all series are kept if asked for, but what is no number" {
    serve "$METRICS"
    watch -n 1 --all
    [ "$(got '.[].metrics | length')" = 9 ]
    [ "$(got '.[].metrics["vllm:num_requests_running{engine=\"1\"}"]')" = 4 ]
}

@test "lm-watch: of a server that is not known there is no more than all series, and that is said once" {
    serve '/metrics 200 requests_total 5
'
    watch -n 2 --interval 10ms --all
    [ "$status" -eq 0 ]
    [ "$(got 'map([.server, .metrics])')" = '[[null,{"requests_total":5}],[null,{"requests_total":5}]]' ]
    [ "$(<said)" = 'lm-watch: none of the server'"'"'s series is known: no "server" in the samples' ]
}

@test "lm-watch: samples are due at whole intervals after the start, none is early, and those that are late are counted" {
    serve "$METRICS"
    watch -n 4 --interval 20ms
    [ "$status" -eq 0 ]
    # The kth tick is k less what was missed before it; each sample belongs to the last one that was due.
    [ "$(got '[foreach .[] as $s (-1; . + 1 + ($s.missed // 0); . * 20000000 <= $s.sampled_ns)] | all')" = true ]
    [ "$(got 'map(.start) | unique | length')" = 1 ]
    serve '/metrics 200 a 1' '/metrics hang' '/metrics 200 a 1'
    watch -n 3 --interval 50ms --timeout 500ms
    [ "$status" -eq 1 ]
    [ "$(got '[.[1].error.kind, .[2].missed >= 9, .[2].error]')" = '["timeout",true,null]' ]
}

@test "lm-watch: --duration ends it, and so does -n" {
    serve "$METRICS"
    watch --duration 55ms --interval 25ms
    [ "$status" -eq 0 ]
    [ "$(got 'length <= 3 and length >= 1 and (last.sampled_ns >= 0)')" = true ]
    watch --duration 1h -n 2 --interval 10ms
    [ "$(got length)" = 2 ]
}

@test "lm-watch: a scrape that fails is a line with its error, and the watch goes on: exit 1, or 3 where none went well" {
    serve '/metrics 503 {}' '/metrics 200 <html>' '/metrics 200 a 1
b' '/metrics 200 ' "$METRICS"
    watch -n 5 --interval 10ms
    [ "$status" -eq 1 ]
    [ "$(got 'map(.error.kind)')" = '["http_status","parse","parse","parse",null]' ]
    [ "$(got '.[0:3] | map(.error.message)')" = \
        '["/metrics: status 503","/metrics: no series in it: does not begin with a series'"'"' name","/metrics, line 2: no value behind the name"]' ]
    [ "$(wc -l <said)" -eq 1 ] # the first
    url=http://127.0.0.1:9
    watch -n 2 --interval 10ms
    [ "$status" -eq 3 ]
    [ "$(got 'map([.error.kind, .error.message])')" = '[["connect","Connection refused"],["connect","Connection refused"]]' ]
    [[ $(<said) == *"no sample is whole" ]]
}

@test "lm-watch: GPUs are as NVML says, and what it does not support is absent" {
    serve "$METRICS"
    watch -n 2 --interval 10ms --nvml "$nvml"
    [ "$status" -eq 0 ]
    [ "$(got '.[0].gpus[0]')" = \
        '{"index":0,"uuid":"GPU-0aaa","name":"Fake 0","utilization":0.57,"memory_used_bytes":32212254720,"power_w":312.5,"energy_j":1000,"sm_clock_mhz":1980,"temperature_c":61}' ]
    [ "$(got '.[1].gpus[0].energy_j')" = 1000.5 ]
    [ "$(got '.[0].gpus[1]')" = '{"index":1,"uuid":"GPU-1aaa"}' ]
}

@test "lm-watch: GPUs are chosen by index or UUID, all, or none" {
    serve "$METRICS"
    local gpus
    for gpus in 1 GPU-1; do
        watch -n 1 --nvml "$nvml" --gpus "$gpus"
        [ "$(got '.[].gpus | map(.index)')" = '[1]' ]
    done
    watch -n 1 --nvml "$nvml" --gpus 1,GPU-0a
    [ "$(got '.[].gpus | map(.index)')" = '[0,1]' ]
    watch -n 1 --nvml "$nvml" --gpus none
    [ "$(got '.[].gpus')" = null ]
    for gpus in 2 GPU-2 '' 0,; do
        watch -n 1 --nvml "$nvml" --gpus "$gpus"
        [ "$status" -eq 2 ]
        [[ $(<said) == "lm-watch: --gpus: GPU \"${gpus#0,}\": there is none of this index or UUID (2 in all)"* ]]
    done
}

@test "lm-watch: without NVML there are no GPUs, and that is wrong only where they were asked for" {
    serve "$METRICS"
    local ask
    watch -n 1 --nvml /nowhere.so
    [ "$status" -eq 3 ]
    [[ $(<said) == *"/nowhere.so: "* ]]
    watch -n 1 --nvml "$(realpath "$(command -v lm-watch)")"
    [ "$status" -eq 3 ]
    FAKE_NVML=driver watch -n 1 --nvml "$nvml"
    [ "$status" -eq 3 ]
    [[ $(<said) == *"nvml.so: cannot be used: Driver Not Loaded" ]]
    FAKE_NVML=lost watch -n 1 --nvml "$nvml"
    [ "$status" -eq 3 ]
    [ "$(got '.[] | [.error.kind, .error.message, (.gpus | length), .server.running]')" = '["gpu","GPU 1: a GPU: GPU is lost",1,7]' ]
}

@test "lm-watch: the prefix cache is reset, by vLLM's way or SGLang's, and the first sample says whether" {
    serve "$METRICS" '/reset_prefix_cache 200 '
    watch -n 2 --interval 10ms --reset-cache
    [ "$status" -eq 0 ]
    [ "$(got 'map(.cache_reset)')" = '[true,null]' ]
    [ "$(cut -d ' ' -f 1,2 server.out | tr '\n' ' ')" = "POST /reset_prefix_cache GET /metrics GET /metrics " ]
    serve "$METRICS" '/flush_cache 200 Cache flushed.'
    watch -n 1 --reset-cache
    [ "$(got 'map(.cache_reset)')" = '[true]' ]
    serve "$METRICS" '/flush_cache 400 busy'
    watch -n 1 --reset-cache
    [ "$status" -eq 1 ]
    [ "$(got '.[] | [.cache_reset, .cache_reset_why]')" = '[false,"/flush_cache: status 400"]' ]
    serve "$METRICS"
    watch -n 1 --reset-cache
    [ "$status" -eq 1 ]
    [[ $(got '.[].cache_reset_why') == *"neither /reset_prefix_cache"* ]]
}

@test "lm-watch: the key and headers are sent, and shown nowhere" {
    serve "$METRICS" '/metrics 401 {}'
    OPENAI_API_KEY=sk-secret watch -n 2 --interval 10ms -H 'X-Team: blue' -v
    [ "$(grep -c 'Bearer sk-secret' server.out)" -eq 2 ]
    ! grep -q secret got said
}

@test "lm-watch: while a command runs: a sample before it and one after, and its status" {
    start mock lm-mock --port 0 --port-file port
    wait_until test -e port
    url=http://127.0.0.1:$(<port)
    lm-items prompts -n 8 | lm-prompt >requests
    watch --interval 1h -o watched -- sh -c 'lm-send -q -c 4 --url "$1" requests >responses; echo "by the command"; exit 7' - "$url"
    [ "$status" -eq 7 ]
    [ "$(<got)" = "by the command" ]
    [ "$(got length watched)" = 2 ]
    [ "$(got 'map(.server.generation_tokens)' watched)" = "[0,$(jq -s 'map(.response.tokens.completion) | add' responses)]" ]
    [ "$(got 'map(.rtt_ns > 0)' watched)" = "[true,true]" ] # of a server that keeps connections, too
    # The samples lie outside of the run.
    [ "$(jq -sc --slurpfile watch watched 'map(.timing.start_ns + .timing.sent_ns) as $sent | map(.timing.start_ns + .timing.end_ns) as $ended
        | ($watch[0] | .start_ns + .sampled_ns + .took_ns) < ($sent | min) and ($watch[1] | .start_ns + .sampled_ns) > ($ended | max)' responses)" = true ]
}

@test "lm-watch: a command that cannot be run is exit 3; one that is killed 128 and more" {
    serve "$METRICS"
    watch -o watched -- ./no-such-program
    [ "$status" -eq 3 ]
    [[ $(<said) == *"./no-such-program: cannot be run: No such file or directory" ]]
    watch -o watched -- sh -c 'kill -KILL $$'
    [ "$status" -eq 137 ]
}

@test "lm-watch: told to end, it takes a last sample, keeps the file and ends by the signal" {
    serve "$METRICS"
    start watch lm-watch --url "$url" --interval 1h -o watched
    wait_until test -s watched.part
    status=0
    stop watch TERM || status=$?
    [ "$status" -eq 143 ]
    [ "$(got length watched)" = 2 ]
    [ ! -e watched.part ]
}

@test "lm-watch: told to end, it does not wait for a server that does not answer; told twice, it takes no last sample" {
    serve '/metrics hang'
    start watch lm-watch --url "$url" --timeout 1h -o watched
    wait_until grep -q /metrics server.out
    kill -TERM "${pids[watch]}"
    wait_until sh -c '[ "$(grep -c /metrics server.out)" = 2 ]'
    status=0
    stop watch TERM || status=$?
    [ "$status" -eq 143 ]
    [ ! -s watched ]
    # where the command ends meanwhile, the last sample is taken at once
    stop server || true
    serve "$METRICS" '/metrics hang' "$METRICS"
    status=0
    timeout 20 lm-watch -q --url "$url" --timeout 1h --interval 1ms -o watched \
        -- sh -c 'until [ "$(grep -c /metrics server.out)" = 2 ]; do :; done; exit 6' || status=$?
    [ "$status" -eq 6 ]
    [ "$(got length watched)" = 2 ]
}

@test "lm-watch: told to end while a command runs, it tells the command and waits for it" {
    serve "$METRICS"
    start watch lm-watch --url "$url" --interval 1h -o watched -- \
        sh -c 'trap "echo told; exit 4" TERM; echo up; while :; do sleep 0.01; done'
    says watch up
    status=0
    stop watch TERM || status=$?
    [ "$status" -eq 4 ]
    grep -q told watch.out
    [ "$(got length watched)" = 2 ]
}

@test "lm-watch: a reader that leaves ends it quietly, a full disk does not end the command" {
    serve "$METRICS"
    (set +e; lm-watch -q --url "$url" --interval 1ms 2>said | head -n 1 >got; echo "${PIPESTATUS[0]}" >status)
    [ "$(<status)" -eq 141 ]
    [ ! -s said ]
    [ "$(got length)" = 1 ]
    watch -n 1 -o /dev/full
    [ "$status" -eq 3 ]
    [[ $(<said) == *"No space left on device"* ]]
    watch -o /dev/full -- sh -c 'echo ran'
    [ "$(<got)" = ran ]
    [ "$status" -eq 3 ]
    [[ $(<said) == *"no further samples"* ]]
}

@test "lm-watch: wrong usage" {
    local bad
    for bad in '-n 0' '--interval 0' '--interval 25h' '-n 2 -o x -- true' '--duration 1s -o x -- true' '-- true' '-H nonsense'; do
        run --separate-stderr lm-watch $bad
        echo "$bad: $status $stderr"
        [ "$status" -eq 2 ]
        [ -z "$output" ]
    done
}

@test "lm-watch: whatever allocation, read, write or connect fails, it ends, and says why" {
    plain_build_only
    serve "$METRICS"
    local kind nth status
    for kind in ALLOC READ WRITE CONNECT; do
        for ((nth = 1; nth < 300; nth++)); do
            rm -f "$FIRED"
            status=0
            env "LM_FAIL_$kind=$nth" LM_FAIL_IN=lm-watch LD_PRELOAD="$FAULTS" \
                timeout 20 lm-watch -q --url "$url" -n 2 --interval 1ms --all --nvml "$nvml" >got 2>said || status=$?
            [ -e "$FIRED" ] || break
            echo "$kind $nth: exit $status, $(<said)"
            [ "$status" -eq 0 ] || [ "$status" -eq 1 ] || [ "$status" -eq 3 ]
            [ "$status" -eq 0 ] || [ -s said ]
            [ "$status" -eq 3 ] || [ "$(got length)" = 2 ]
        done
        [ "$nth" -gt 1 ]
        [ "$nth" -lt 300 ]
    done
}
