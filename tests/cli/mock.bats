# mock: each script, wire and fault of lm-mock as curl(1) sees it, and what its log says. (lm-mock.bats has the program.)
bats_require_minimum_version 1.5.0
load ../lib

# serve OPTION...: starts it; $url is where.
serve() {
    rm -f port
    start mock lm-mock --port 0 --port-file port "$@"
    wait_until test -s port
    url=http://127.0.0.1:$(<port)
}

# A request's body: chat, streamed, three tokens; more members over it.
body() {
    jq -cn --argjson more "${1:-"{}"}" \
        '{model: "m", stream: true, max_tokens: 3, messages: [{role: "user", content: "one two  three"}]} + $more'
}

# chat MEMBERS [CURL-OPTION...]: the answer on stdout as it comes.
chat() {
    local more=${1:-"{}"}
    shift || true
    curl -sS -N --max-time 20 "$@" "$url/v1/chat/completions" -d "$(body "$more")"
}

# The same with a fault, in the end of events or not.
faulty() {
    local fault=$1 more=${2:-"{}"}
    shift 2 || shift
    chat "$(jq -cn '{mock: ({fault: $fault} + $more)}' --arg fault "$fault" --argjson more "$more")" "$@"
}

# twice MEMBERS URL [CURL-OPTION...]: a chat, and on the same connection, if it still is, another request; at the end,
# how many connections that one made.
twice() {
    local more=$1
    shift
    curl -sS -N "$url/v1/chat/completions" -d "$(body "$more")" --next -sS -N -w '\nconnects %{num_connects}\n' "$@"
}

# The JSON of a stream's events, a line each.
events() {
    sed -n 's/^data: //p' | grep -v '^\[DONE\]$'
}

@test "a chat is the role's event, a token an event, the last with finish_reason, and [DONE]" {
    serve
    chat >got
    [ "$(tail -n 2 got | head -n 1)" = "data: [DONE]" ]
    events <got >json
    [ "$(wc -l <json)" -eq 4 ]
    [ "$(jq -c '.choices[0] | [.delta, .finish_reason]' json)" = '[{"role":"assistant","content":""},null]
[{"content":"The"},null]
[{"content":" mock"},null]
[{"content":" server"},"length"]' ]
    [ "$(jq -r '.object + " " + .model' json | sort -u)" = "chat.completion.chunk m" ]
    [ "$(jq -s 'map(has("usage")) | any' json)" = false ]
}

@test "usage comes where it is asked for, after all choices: words of the prompt, tokens of the answer" {
    serve
    chat '{"stream_options": {"include_usage": true}}' | events | tail -n 1 >json
    [ "$(jq -c '[.choices, .usage]' json)" = '[[],{"prompt_tokens":3,"total_tokens":6,"completion_tokens":3}]' ]
    chat '{"mock": {"usage": "always"}}' | events | tail -n 1 | jq -e .usage
    ! chat '{"stream_options": {"include_usage": true}, "mock": {"usage": "never"}}' | grep -q '"usage"'
}

@test "usage may run along with the tokens" {
    serve
    chat '{"stream_options": {"include_usage": true, "continuous_usage_stats": true}}' >stream
    events <stream | jq -s -c 'map(.usage.completion_tokens)' >got
    [ "$(<got)" = "[0,1,2,3,3]" ]
}

@test "an answer that is not streamed is one object, with usage" {
    serve
    chat '{"stream": false}' | jq -c '[.object, .choices[0].message.content, .choices[0].finish_reason, .usage.completion_tokens]' >got
    [ "$(<got)" = '["chat.completion","The mock server","length",3]' ]
}

@test "completions: N events for N tokens, and a prompt of ids is counted by them" {
    serve
    local ask='{"prompt": [7, 8, 9, 10], "max_tokens": 2, "stream": true, "stream_options": {"include_usage": true}}'
    curl -sS "$url/v1/completions" -d "$ask" | events >json
    [ "$(jq -c '.choices[0].text // .usage.prompt_tokens' json | paste -sd,)" = '"The"," mock",4' ]
    [ "$(jq -r .object json | sort -u)" = text_completion ]
}

@test "max_tokens bounds --tokens, and says so in finish_reason; a script's tokens are exact" {
    serve --tokens 2
    chat '{}' | events | tail -n 1 | jq -e '.choices[0].finish_reason == "stop"'
    chat '{"max_tokens": 1}' | events | tail -n 1 | jq -e '.choices[0].finish_reason == "length"'
    [ "$(chat '{"max_tokens": 1, "mock": {"tokens": 5}}' | events | wc -l)" -eq 6 ]
    [ "$(chat '{"mock": {"tokens": "uniform:4,4"}}' | events | wc -l)" -eq 5 ]
}

@test "each wire has its server's events" {
    local ask='{"stream_options": {"include_usage": true}}' complete='{"prompt": "a b", "max_tokens": 3, "stream": true}'
    local apart='[1,null] [1,null] [1,null] [1,null] [1,"length"] [0,null]'
    shape() { jq -c '[(.choices | length), .choices[0].finish_reason]' | paste -sd' '; }
    serve --wire sglang
    [ "$(chat "$ask" | events | shape)" = "$apart" ]
    [ "$(curl -sS "$url/v1/completions" -d "$complete" | events | jq -c 'has("usage")' | paste -sd' ')" = "true true true" ]
    stop mock
    serve --wire llama.cpp
    chat "$ask" | events >json
    [ "$(shape <json)" = "$apart" ]
    [ "$(head -n 1 json | jq -c '.choices[0].delta')" = '{"role":"assistant","content":null}' ]
    tail -n 1 json | jq -e '.usage.completion_tokens == 3 and .timings.predicted_n == 3'
    curl -sS "$url/v1/completions" -d "$complete" | events >json
    [ "$(jq -c '[.choices[0].text, .choices[0].finish_reason, .usage.completion_tokens]' json | tail -n 1)" = '["","length",3]' ]
    [ "$(wc -l <json)" -eq 4 ]
}

@test "what a script says: text, reasoning, tool calls, events and writes of several, finish" {
    serve --log log
    [ "$(chat '{"mock": {"text": "a \"b\"\n c"}}' | events | jq -rj '.choices[0].delta.content')" = $'a "b"\n c' ]
    chat '{"mock": {"reasoning": 2}}' | events | jq -c '.choices[0].delta | [.reasoning, .content]' | paste -sd' ' >got
    [ "$(<got)" = '[null,""] ["The",null] [" mock",null] [null," server"]' ]
    chat '{"mock": {"tool_calls": [{"name": "f", "arguments": "{\"city\": \"Zürich, am See\"}"}]}, "max_tokens": 99}' | events >json
    [ "$(jq -rj '.choices[0].delta.tool_calls[0].function.arguments // ""' json)" = '{"city": "Zürich, am See"}' ]
    tail -n 1 json | jq -e '.choices[0].finish_reason == "tool_calls"'
    chat '{"mock": {"tokens": 5, "per_event": 2, "per_write": 2}}' -H 'X-Request-Id: packed' >stream
    [ "$(events <stream | jq -c '.choices[0].delta.content' | paste -sd' ')" = '"" "The mock" " server says" " one"' ]
    chat '{"mock": {"finish": "content_filter"}}' | events | tail -n 1 | jq -e '.choices[0].finish_reason == "content_filter"'
    [ "$(chat '{"mock": {"role": "none"}}' | events | wc -l)" -eq 3 ]
    stop mock
    # Four events in three writes: the second and third have one time.
    jq -s -e 'map(select(.id == "packed"))[0] | (.writes_ns | length == 4 and .[1] == .[2] and (unique | length) == 3) and .tokens == 5' log
}

@test "log probabilities and ids come where they are asked for, in the shape of the API" {
    serve
    chat '{"logprobs": true, "top_logprobs": 2}' | events | sed 1d >json
    [ "$(wc -l <json)" -eq 3 ]
    jq -s -e 'all(.[].choices[0].logprobs.content[0];
        (.top_logprobs | length) == 2 and (.bytes | implode) == .token and .top_logprobs[0].token == .token)' json
    curl -sS "$url/v1/completions" -d '{"prompt": "a", "max_tokens": 3, "logprobs": 1}' |
        jq -e '.choices[0] | .logprobs.text_offset == [0, 3, 8] and (.logprobs.tokens | add) == .text'
    [ "$(chat '{"return_token_ids": true}' | events | jq -c '.choices[0].token_ids' | paste -sd' ')" = 'null [1000] [1001] [1002]' ]
}

@test "the k-th request goes by line k of the script file, over and over; the request's own word wins" {
    printf '%s\n' '{"fault": "http-503"}' '{"text": "second"}' '{"text": "third"}' >script.jsonl
    serve --script script.jsonl
    for _ in 1 2; do
        [ "$(chat '{}' -o /dev/null -w '%{http_code}')" = 503 ]
        for want in second third; do
            [ "$(chat '{"stream": false}' | jq -r '.choices[0].message.content')" = "$want" ]
        done
    done
    chat >/dev/null
    [ "$(chat '{"stream": false, "mock": {"text": "mine"}}' | jq -r '.choices[0].message.content')" = mine ]
}

@test "a script that is wrong is named: in the file at the start, in a request with status 400" {
    printf '%s\n' '{"text": "a"}' '{"itl_ms": "soon"}' >script.jsonl
    run --separate-stderr lm-mock --port 0 --script script.jsonl
    [ "$status" -eq 3 ]
    [[ $stderr == *"script.jsonl:2: itl_ms: "* ]]
    serve
    chat '{"mock": {"talk": 1}}' -w '%{http_code}' >got
    [[ $(<got) == *"mock: talk: no such member of a script"*400 ]]
    [[ $(faulty nonsense) == *'\"nonsense\" is no fault'* ]]
}

@test "wrong options are usage errors" {
    local option
    for option in "--fault=nothing" "--fault=reset:2" "--fault=reset:0.7 --fault=hang:0.7" "--ttft=fast" "--wire=x" "operand"; do
        run --separate-stderr lm-mock --port 0 $option
        [ "$status" -eq 2 ]
        [ -n "$stderr" ]
    done
}

@test "faults are drawn by share and seed, at most one a request" {
    local try
    for try in 1 2; do
        serve --seed 3 --fault http-503:0.3 --fault http-429:0.3
        for k in {1..40}; do
            chat '{}' -o /dev/null -w '%{http_code}\n'
        done >codes.$try
        stop mock
    done
    cmp codes.1 codes.2
    [ "$(sort -u codes.1 | paste -sd' ')" = "200 429 503" ]
}

@test "in place of an answer: refuse, drop, stale, bad-http, and statuses" {
    serve
    run -56 faulty refuse
    run -52 faulty drop
    run -1 faulty bad-http
    for code in 400 429 500 503; do
        faulty "http-$code" '{"retry_after_s": 9}' -D head >json
        [ "$(head -n 1 head | cut -d' ' -f2)" = "$code" ]
        jq -e ".error.code == $code" json
        [ "$(grep -ci '^retry-after: 9' head)" -eq "$((code == 429))" ]
    done
    # The second request of a connection finds it closed; curl opens another, and is served.
    twice '{"mock": {"fault": "stale"}}' "$url/v1/chat/completions" -d "$(body '{"mock": {"fault": "stale"}}')" >got
    [ "$(grep -c '^data: \[DONE\]' got)" -eq 2 ]
    [ "$(tail -n 1 got)" = "connects 1" ]
    twice '{}' "$url/health" >got
    [ "$(tail -n 1 got)" = "connects 0" ]
}

@test "hang: nothing comes, and the log says that the client left" {
    serve --log log
    run -28 --separate-stderr faulty hang '{}' --max-time 0.2
    [ -z "$output" ]
    stop mock
    jq -e '.gone and .fault == "hang" and .writes_ns == []' log
}

@test "in mid-stream, after two tokens: reset, truncate, early-end, bad-chunk" {
    serve
    local fault
    for fault in reset:56 truncate:18 early-end:0 bad-chunk:56; do
        run "-${fault#*:}" --separate-stderr faulty "${fault%:*}" '{"after": 2, "tokens": 9}'
        [ "$(grep -c '^data: {' <<<"$output")" -eq 3 ]
        [[ $output != *finish_reason\":\"* && $output != *DONE* ]]
    done
    run -56 --separate-stderr faulty reset '{"after": 0}'
    [ -z "$output" ]
}

@test "stall: for a time, then it goes on; or for ever" {
    serve
    [ "$(faulty stall '{"for_ms": 1}' | tail -n 2 | head -n 1)" = "data: [DONE]" ]
    run -28 --separate-stderr faulty stall '{"after": 1}' --max-time 0.3
    [ "$(grep -c '^data: {' <<<"$output")" -eq 2 ]
}

@test "an error in the stream has the form of its server" {
    local wire
    for wire in vllm llama.cpp; do
        serve --wire "$wire"
        faulty error-event >got
        [ "$(grep -c '^data: {"error":{' got)" -eq 1 ]
        [ "$(grep -c '^data: \[DONE\]' got)" -eq "$([ "$wire" = vllm ] && echo 1 || echo 0)" ]
        faulty error-field | grep -q '^error: {"error":{'
        stop mock
    done
}

@test "the stream goes on behind an event that is no JSON, or no UTF-8" {
    serve
    faulty garbage >got
    ! events <got | jq -e . >/dev/null 2>&1
    grep -q '^data: \[DONE\]' got
    faulty non-utf8 >got
    ! iconv -f UTF-8 -t UTF-8 got >/dev/null 2>&1
    grep -q '^data: \[DONE\]' got
}

@test "the form of the stream: crlf, no-space, multi-line, named-events, comments, empty-deltas" {
    serve
    chat | events | jq -c .choices >want
    faulty crlf >got
    [ "$(grep -c $'\r$' got)" -eq "$(wc -l <got)" ]
    tr -d '\r' <got | events | jq -c .choices | cmp - want
    faulty no-space | sed 's/^data:/data: /' | events | jq -c .choices | cmp - want
    faulty multi-line >got
    [ "$(grep -c '^data: {$' got)" -eq 4 ]
    events <got | jq -c .choices | cmp - want
    faulty named-events >got
    [ "$(grep -c '^event: message' got)" -eq 5 ]
    events <got | jq -c .choices | cmp - want
    faulty comments >got
    [ "$(grep -c '^: ' got)" -eq 5 ]
    events <got | jq -c .choices | cmp - want
    [ "$(faulty empty-deltas | events | jq -c '.choices[0].delta.content' | paste -sd' ')" = '"" "The" "" " mock" "" " server"' ]
}

@test "split: the bytes are those of a whole answer, in writes of N bytes" {
    serve
    chat '{}' -H 'X-Request-Id: x' | sed 's/"created":[0-9]*//' >want
    faulty split '{"every": 3}' -H 'X-Request-Id: x' | sed 's/"created":[0-9]*//' | cmp - want
}

@test "what lacks: no-usage, no-choices, no-finish, no-done; and reasoning only" {
    serve
    local ask='{"stream_options": {"include_usage": true}, "mock": {"fault": "FAULT"}}'
    ! chat "${ask/FAULT/no-usage}" | grep -q usage
    [ "$(chat "${ask/FAULT/no-choices}" | events | jq -c .choices)" = '[]' ]
    [ "$(chat "${ask/FAULT/no-finish}" | events | jq -r '.choices[0].finish_reason' | sort -u)" = null ]
    ! chat "${ask/FAULT/no-done}" | grep -q DONE
    [ "$(chat "${ask/FAULT/reasoning}" | events | jq -rj '.choices[0].delta.reasoning // ""')" = "The mock server" ]
}

@test "a body that never ends goes on until the client leaves" {
    serve --log log
    run -28 --separate-stderr faulty endless '{"itl_ms": 1}' --max-time 0.5
    [ "$(grep -c '^data: {' <<<"$output")" -gt 20 ]
    stop mock
    jq -e .gone log
}

@test "the head: content-type, interim, http-1.0, connection-close, silent-close, short-length, slow-headers, trailers" {
    serve
    faulty content-type '{}' -D head >got
    grep -qi '^content-type: text/html' head
    grep -q DONE got
    faulty interim '{}' -i >got
    [ "$(grep -c '^HTTP/1.1 ' got)" -eq 2 ]
    [ "$(faulty http-1.0 '{}' -i | head -n 1 | tr -d '\r')" = "HTTP/1.0 200 OK" ]
    faulty connection-close '{}' -D head >got
    grep -qi '^connection: close' head
    faulty silent-close '{}' -D head | grep -q DONE
    ! grep -qi '^connection' head
    twice '{"mock": {"fault": "silent-close"}}' "$url/health" >got
    [ "$(tail -n 1 got)" = "connects 1" ]
    run -18 faulty short-length
    run -18 chat '{"stream": false, "mock": {"fault": "short-length"}}'
    faulty slow-headers '{"for_ms": 1}' | grep -q DONE
    faulty trailers '{}' --raw | grep -q '^x-tokens'
}

@test "faults of an answer that is not streamed cut it in the middle, or change it" {
    serve
    local fault more='{"stream": false, "mock": {"fault": "FAULT", "for_ms": 1}}'
    for fault in reset:56 truncate:18 early-end:0 bad-chunk:56 bad-chunk,truncate:18; do
        run "-${fault#*:}" --separate-stderr chat "${more/FAULT/"${fault%:*}"}"
        [[ $fault == reset:* || ($output == '{"id":'* && $output != *'"finish_reason"'*) ]] # a reset may take all with it
    done
    run -18 chat "${more/FAULT/bad-chunk}" --http1.0
    run -0 chat "${more/FAULT/early-end}" --http1.0
    [[ $output == '{"id":'* && $output != *'"finish_reason"'* ]]
    chat "${more/FAULT/stall}" | jq -e '.choices[0].message.content'
    ! chat "${more/FAULT/garbage}" | jq -e . 2>/dev/null
    chat "${more/FAULT/error-event}" | jq -e '.error.code == 500'
    chat "${more/FAULT/no-choices}" | jq -e '.choices == []'
    chat "${more/FAULT/no-usage}" | jq -e 'has("usage") | not'
}

@test "lm-send tells the ends of an answer that is not streamed apart" {
    serve
    local fault
    for fault in truncate early-end bad-chunk; do
        jq -cn --arg fault $fault --argjson request "$(body '{"stream": false}')" \
            '{id: $fault, request: ($request + {mock: {fault: $fault}})}'
    done >requests
    run -1 --separate-stderr lm-send -q --url "$url" -c 1 requests
    [ "$(jq -r '.id + " " + .response.error.kind' <<<"$output" | sort)" = $'bad-chunk parse\nearly-end parse\ntruncate truncated' ]
    jq -r .response.error.message <<<"$output"
    [ "$(jq -r .response.error.message <<<"$output" | sort -u | wc -l)" -eq 3 ]
}

@test "every fault of the list does something that the log names" {
    serve --log log
    lm-mock --list-faults | cut -d' ' -f1 >names
    while read -r name; do
        faulty "$name" '{"for_ms": 1}' --max-time 0.3 -H "X-Request-Id: $name" >/dev/null 2>&1 || true
    done <names
    stop mock
    jq -r 'select(.id == .fault) | .id' log | cmp - names
}

@test "/health, /v1/models, /metrics, /tokenize; other paths and methods are errors" {
    serve -m tiny
    [ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/health")" = 200 ]
    [ "$(curl -sS "$url/v1/models?x=1" | jq -r '.data[0].id')" = tiny ]
    [ "$(chat '{"stream": false, "model": ""}' | jq -r .model)" = tiny ]
    curl -sS "$url/metrics" >got
    grep -qx 'vllm:generation_tokens_total{model_name="tiny"} 3' got
    grep -qx 'vllm:num_requests_running{model_name="tiny"} 0' got
    [ "$(curl -sS "$url/tokenize" -d '{"prompt": " a b c "}' | jq -c '[.count, (.tokens | length)]')" = '[3,3]' ]
    [ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/v1/nothing")" = 404 ]
    [ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/v1/chat/completions")" = 405 ]
    [ "$(curl -sS -o /dev/null -w '%{http_code}' -I "$url/health")" = 200 ]
    [[ $(curl -sS "$url/v1/chat/completions" -d '{') == *'"code":400'* ]]
}

@test "--key-file: 401 without the key, /health open to all" {
    echo secret-7 >key
    serve --key-file key
    [ "$(chat '{}' -o /dev/null -w '%{http_code}')" = 401 ]
    [ "$(chat '{}' -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer secret-8')" = 401 ]
    [ "$(chat '{}' -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer secret-7')" = 200 ]
    [ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/health")" = 200 ]
    printf 'secret-7\nsecret-8\n' >two
    printf ' \n' >blank
    for file in two blank; do
        run -3 timeout 10 lm-mock --port 0 --key-file "$file"
        [ "$output" = "lm-mock: $file: not a file of one line" ]
    done
}

@test "--slots: one at a time, the others wait in line, and who leaves the line is forgotten" {
    serve --slots 1 --log log
    local ask="$url/v1/chat/completions"
    start first curl -sS "$ask" -d "$(body '{"mock": {"fault": "hang"}}')"
    running() { curl -sS "$url/metrics" | grep -q "^vllm:num_requests_$1{.*} $2\$"; }
    wait_until running running 1
    start second curl -sS "$ask" -d "$(body)" -H 'X-Request-Id: leaves'
    start third curl -sS "$ask" -d "$(body)" -H 'X-Request-Id: served'
    wait_until running waiting 2
    stop second KILL || true
    wait_until running waiting 1
    stop first KILL || true
    wait_until grep -qs DONE third.out
    stop mock
    [ "$(jq -r 'select(.gone | not) | .id' log)" = served ]
    jq -s -e 'map(select(.id == "leaves")) | .[0].gone and (.[0] | has("status") | not)' log
}

@test "the log: times that grow, of every event, between the request and the end" {
    serve --log log --ttft 2ms --itl 1ms
    chat '{}' -H 'X-Request-Id: a/1' -w '%{local_port}' | tail -n 1 >port.used
    chat '{"stream": false}'
    stop mock
    head -n 1 log | jq -e --argjson port "$(<port.used)" '
        .id == "a/1" and .port == $port and .model == "m" and .status == 200 and .tokens == 3 and (has("held") or has("gone") | not)
        and (.writes_ns | length == 4 and . == (sort | unique)) and .writes_ns[0] >= .received_ns + 2e6 and .end_ns >= .writes_ns[3]
        and .writes_ns[3] - .received_ns >= 4e6'
    tail -n 1 log | jq -e '.id == "" and .request == 1 and .writes_ns == []'
}

@test "a client that does not read: the log says which events were held, or never sent" {
    serve --log log
    exec 9<>"/dev/tcp/127.0.0.1/$(<port)"
    local ask='{"messages": [], "stream": true, "mock": {"fault": "endless"}}'
    printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s' "${#ask}" "$ask" >&9
    running() { curl -sS "$url/metrics" | grep -q 'running{.*} 1$'; }
    wait_until running
    # What fits in the sockets' buffers is written; behind that it waits, in bounded memory.
    local before=-1 now=0
    while [ "$before" != "$now" ]; do
        before=$now
        now=$(awk '/VmRSS/ {print $2}' "/proc/${pids[mock]}/status")
        curl -sS "$url/health"
    done
    wait_until idle_of_cpu "${pids[mock]}"
    stop mock
    exec 9>&-
    jq -e '.held > 0 and .unsent > 0 and .gone and .held >= .unsent' log
}

# True when a process used no CPU time between two looks, with a request to another of its doors in between.
idle_of_cpu() {
    local before
    before=$(cut -d' ' -f14,15 "/proc/$1/stat")
    sleep 0.1
    [ "$before" = "$(cut -d' ' -f14,15 "/proc/$1/stat")" ]
}

@test "SIGTERM and SIGINT: the log of what is in flight is written, exit 0" {
    local signal
    for signal in TERM INT; do
        serve --log log
        start client curl -sS -N "$url/v1/chat/completions" -d "$(body '{"mock": {"fault": "stall", "after": 1}}')"
        wait_until grep -qs '"The"' client.out
        stop mock "$signal"
        jq -e '.gone and .fault == "stall" and (.writes_ns | length) == 2' log
        stop client || true
    done
}

@test "--host takes an IPv6 address as a URL has it, too" {
    grep -q '^0\{31\}1 ' /proc/net/if_inet6 || skip "no IPv6"
    local host
    for host in ::1 '[::1]'; do
        serve --host "$host"
        [ "$(curl -sS -g -o /dev/null -w '%{http_code}' "http://[::1]:$(<port)/health")" = 200 ]
        stop mock
    done
    for host in '[' '[]' '[::1' '[127.0.0.1x]'; do
        run -3 lm-mock --port 0 --host "$host"
    done
}

@test "a port that is taken, a log that cannot be: exit 3 with the reason" {
    serve
    run -3 --separate-stderr lm-mock --port "$(<port)"
    [[ $stderr == *"127.0.0.1 port $(<port): "* ]]
    run -3 --separate-stderr lm-mock --port 0 --log nowhere/log
    [[ $stderr == *nowhere/log* ]]
    run -3 --separate-stderr lm-mock --port 0 --key-file nowhere
    [[ $stderr == *nowhere* ]]
}
