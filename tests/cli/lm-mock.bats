# lm-mock: what it answers, as curl sees it.
bats_require_minimum_version 1.5.0
load ../lib

# serve OPTION...: starts it; its API is at $url then.
serve() {
    start mock lm-mock --port 0 --port-file port "$@"
    wait_until test -e port
    url=http://127.0.0.1:$(<port)/v1
}

# ask PATH BODY [OPTION OF CURL...]
ask() {
    local path=$1 body=$2
    shift 2
    curl -sS --max-time 20 "$@" "$url/$path" -d "$body"
}

chat='"messages":[{"role":"user","content":"one two"}],"max_tokens":3'

# The JSON of a stream's events, [DONE] aside.
events() {
    sed -n 's/\r$//; s/^data: *{/{/p'
}

@test "lm-mock: models, health and metrics" {
    serve --model tiny
    run curl -s "$url/models"
    [ "$(jq -r '.data[].id' <<<"$output")" = tiny ]
    run curl -s -o /dev/null -w '%{http_code}' "${url%/v1}/health"
    [ "$output" = 200 ]
    ask completions '{"prompt":"a","max_tokens":5}' >/dev/null
    run curl -s "${url%/v1}/metrics"
    [[ $output == *'generation_tokens_total{'*'} 5'* ]]
    run -0 ask nowhere '{}' -w ' %{http_code}'
    [[ $output == *' 404' ]]
    run -0 curl -s "$url/completions" -w ' %{http_code}'
    [[ $output == *' 405' ]]
}

@test "lm-mock: chat and completions, whole" {
    serve
    run -0 ask chat/completions "{$chat}"
    [ "$(jq -c '[.object, .choices[0].message.content, .choices[0].finish_reason]' <<<"$output")" = \
        '["chat.completion","The mock server","length"]' ]
    [ "$(jq -c '.usage | [.prompt_tokens, .completion_tokens]' <<<"$output")" = '[2,3]' ]
    run -0 ask completions '{"prompt":"a b c","max_tokens":2}'
    [ "$(jq -c '[.object, .choices[0].text, .usage.prompt_tokens]' <<<"$output")" = '["text_completion","The mock",3]' ]
}

@test "lm-mock: a stream has the same text, and usage where it is asked for" {
    serve
    run -0 ask chat/completions "{$chat,\"stream\":true}"
    [ "${lines[-1]}" = 'data: [DONE]' ]
    [ "$(events <<<"$output" | jq -j '.choices[].delta.content // ""')" = 'The mock server' ]
    [ "$(events <<<"$output" | jq -c 'select(.usage)')" = '' ]
    run -0 ask chat/completions "{$chat,\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
    [ "$(events <<<"$output" | jq -c 'select(.usage) | [.choices, .usage.completion_tokens]')" = '[[],3]' ]
    run -0 ask completions '{"prompt":"a","max_tokens":2,"stream":true}'
    [ "$(events <<<"$output" | jq -j '.choices[].text')" = 'The mock' ]
}

@test "lm-mock: what it cannot take is status 400, and it goes on" {
    serve
    run -0 ask chat/completions '{"messages":' -w ' %{http_code}'
    [[ $output == *' 400' ]]
    run -0 ask chat/completions '{"max_tokens":3}' -w ' %{http_code}'
    [[ $output == *messages*' 400' ]]
    run -0 ask chat/completions "{$chat,\"mock\":{\"what\":1}}" -w ' %{http_code}'
    [[ $output == *what*' 400' ]]
    run -0 ask chat/completions "{$chat}"
    [[ $output == *'The mock server'* ]]
}

@test "lm-mock: a request says what it wants" {
    serve --tokens 2
    run -0 ask chat/completions "{$chat,\"mock\":{\"text\":\"yes\\nindeed it is\",\"finish\":\"content_filter\"}}"
    [ "$(jq -c '.choices[0] | [.message.content, .finish_reason]' <<<"$output")" = '["yes\nindeed it is","content_filter"]' ]
    run -0 ask chat/completions "{$chat,\"mock\":{\"tool_calls\":[{\"name\":\"f\",\"arguments\":\"{}\"}]}}"
    [ "$(jq -c '.choices[0] | [.message.tool_calls[0].function.name, .finish_reason]' <<<"$output")" = '["f","tool_calls"]' ]
    run -0 ask chat/completions "{$chat}" # max_tokens is but a limit
    [ "$(jq .usage.completion_tokens <<<"$output")" -eq 2 ]
    run -0 ask chat/completions "{$chat,\"mock\":{\"tokens\":7}}"
    [ "$(jq .usage.completion_tokens <<<"$output")" -eq 7 ]
}

@test "lm-mock: requests go by the lines of a script" {
    printf '%s\n' '{"text":"first"}' '{"text":"second"}' >script.jsonl
    serve --script script.jsonl
    run -0 ask completions '{"prompt":""}'
    [ "$(jq -r '.choices[0].text' <<<"$output")" = first ]
    run -0 ask completions '{"prompt":"","mock":{"text":"mine"}}'
    [ "$(jq -r '.choices[0].text' <<<"$output")" = mine ]
    printf '%s\n' '{"text":"a"}' '{"text":1}' >script.jsonl
    run -3 lm-mock --port 0 --script script.jsonl
    [[ $output == *script.jsonl:2:*text* ]]
}

@test "lm-mock: status 429 says when to come again" {
    serve --fault http-429 --retry-after 7
    run -0 ask chat/completions "{$chat}" -i
    [[ $output == 'HTTP/1.1 429 '* ]]
    [[ ${output,,} == *'retry-after: 7'* ]]
    [[ $output == *'"error"'* ]]
    run -0 ask chat/completions "{$chat,\"mock\":{\"fault\":null}}"
    [[ $output == *'The mock server'* ]]
}

@test "lm-mock: an error in mid-stream, and a stream that breaks off" {
    serve
    run -0 ask completions '{"prompt":"","max_tokens":9,"stream":true,"mock":{"fault":"error-event","after":2}}'
    [ "$(events <<<"$output" | jq -j '.choices[]?.text')" = 'The mock' ]
    [ "$(events <<<"$output" | jq -r '.error.code // empty')" = 500 ]
    run -18 ask completions '{"prompt":"","max_tokens":9,"stream":true,"mock":{"fault":"truncate","after":2}}' # a partial file
    [ "$(events <<<"$output" | jq -j '.choices[]?.text // ""')" = 'The mock' ]
    [[ $output != *'[DONE]'* ]]
    run -52 ask completions '{"prompt":"","mock":{"fault":"drop"}}' # nothing came
}

@test "lm-mock: the forms that a stream may have are the same events" {
    local fault
    serve
    for fault in crlf comments named-events split; do
        ask completions "{\"prompt\":\"\",\"max_tokens\":3,\"stream\":true,\"mock\":{\"fault\":\"$fault\"}}" >"$fault"
        [ "$(events <"$fault" | jq -j '.choices[].text')" = 'The mock server' ]
    done
    run grep -vc $'\r$' crlf
    [ "$output" = 0 ]
    grep -q '^: ' comments
    grep -q '^event: ' named-events
}

@test "lm-mock: a share of the answers has a fault, the same for the same seed" {
    local round statuses=()
    for round in 1 2; do
        rm -f port
        serve --fault http-503:0.5 --seed 3
        statuses[round]=$(for _ in {1..20}; do ask completions '{"prompt":"","max_tokens":1}' -o /dev/null -w '%{http_code} '; done)
        stop mock
    done
    [ "${statuses[1]}" = "${statuses[2]}" ]
    [[ ${statuses[1]} == *200* ]]
    [[ ${statuses[1]} == *503* ]]
}

@test "lm-mock: the log has a line an answer, and a time for each event with choices" {
    serve --log log.jsonl
    ask completions '{"prompt":"","max_tokens":3,"stream":true}' -H 'X-Request-Id: a/1' >/dev/null
    ask completions '{"prompt":"","max_tokens":9,"stream":true,"mock":{"fault":"error-event","after":2}}' -H 'X-Request-Id: a/2' >/dev/null
    stop mock
    [ "$(jq -c '[.id, (.writes_ns | length)]' log.jsonl)" = $'["a/1",3]\n["a/2",2]' ]
    jq -e '.received_ns <= .writes_ns[0] and .writes_ns == (.writes_ns | sort) and .writes_ns[-1] <= .end_ns' log.jsonl
}

@test "lm-mock: who has no key gets status 401" {
    echo secret >key
    serve --key-file key
    run -0 ask chat/completions "{$chat}" -w ' %{http_code}'
    [[ $output == *' 401' ]]
    run -0 ask chat/completions "{$chat}" -w ' %{http_code}' -H 'Authorization: Bearer wrong'
    [[ $output == *' 401' ]]
    run -0 ask chat/completions "{$chat}" -w ' %{http_code}' -H 'Authorization: Bearer secret'
    [[ $output == *' 200' ]]
    run -0 curl -s -o /dev/null -w '%{http_code}' "${url%/v1}/health"
    [ "$output" = 200 ]
}

@test "lm-mock: it ends well when told to, and says why it cannot begin" {
    serve
    run -3 lm-mock --port "$(<port)"
    [[ $output == lm-mock:* ]]
    stop mock
    run -2 lm-mock --fault no-such-fault
    [[ $output == *no-such-fault* ]]
    run -2 lm-mock --fault drop:0.7 --fault hang:0.7
    run -0 lm-mock --list-faults
    [[ $output == *http-429* ]]
}

@test "lm-mock: --port-file may be a pipe, which stays one" {
    mkfifo pipe
    start mock lm-mock -q --port 0 --port-file pipe
    read -r port <pipe
    [ -p pipe ]
    curl -sf -o /dev/null "http://127.0.0.1:$port/health"
}

@test "lm-mock: whatever allocation fails, an answer is whole, an error or cut off, and the next one is whole" {
    plain_build_only
    local nth ask='{"messages": [{"role": "user", "content": "hi"}], "max_tokens": 3, "stream": true}'
    for ((nth = 1; nth <= 300; nth++)); do
        rm -f port "$FIRED"
        LM_FAIL_ALLOC=$nth LM_FAIL_IN=lm-mock LD_PRELOAD=$FAULTS start mock lm-mock -q --port 0 --port-file port --log log
        until [ -s port ] || ! kill -0 "${pids[mock]}" 2>/dev/null; do sleep 0.002; done
        for which in first second; do
            curl -sN --max-time 20 "http://127.0.0.1:$(cat port)/v1/chat/completions" -d "$ask" 2>/dev/null |
                sed -n 's/^data: {.*"content":"\([^"]*\)".*/\1/p; s/^data: \[DONE\]/ whole/p' | tr -d '\n' >$which || true
        done
        status=0
        stop mock || status=$?
        [ -e "$FIRED" ] || break
        case $status:$(<first):$(<second) in
        0:*:"The mock server whole" | 0:"The mock server whole":*) ;; # one of them met it at most
        3:*) grep -q . mock.err ;;
        *)
            echo "allocation $nth: exit $status, first \"$(<first)\", then \"$(<second)\""
            cat mock.err
            false
            ;;
        esac
    done
    [ "$nth" -gt 50 ] && [ "$nth" -le 300 ]
}

@test "lm-mock: faults of options and the script's first line meet who asks whether it is ready, a request's own do not" {
    printf '%s\n' '{"fault":"no-choices"}' '{}' >script
    for faulty in "--fault no-choices" "--script script"; do
        rm -f port
        serve $faulty
        run -3 --separate-stderr lm-wait --url "$url" --retries 0
        [[ $stderr == *"/v1/chat/completions: the answer has no choices" ]]
        [[ $faulty == --fault* ]] || lm-wait -q --url "$url" --retries 0
        stop mock
    done
    rm -f port
    serve
    run -0 ask chat/completions "{$chat,\"mock\":{\"fault\":\"no-choices\"}}"
    [ "$(jq -c .choices <<<"$output")" = '[]' ]
    lm-wait -q --url "$url" --retries 0
}
