# What lm-send gives up on purpose, and to whom and as what it sends: --cancel, several --url, several -m.
bats_require_minimum_version 1.5.0
load ../lib

# requests N [JSON of the body's more members]: N records on standard output
requests() {
    seq 1 "$1" | jq -c --argjson more "${2:-{\}}" '{id: "r/\(.)", api: "completions",
        request: ({prompt: "x", max_tokens: 5, stream: true, stream_options: {include_usage: true}} + $more)}'
}
# mock NAME ARG...: a server, whose URL is ${urls[NAME]}; it logs to NAME.log
declare -gA urls=() # -g, since bats loads this file within a function
mock() {
    local name=$1
    rm -f "$name.port"
    start "$name" lm-mock -q --port 0 --port-file "$name.port" --log "$name.log" "${@:2}"
    until [ -e "$name.port" ]; do kill -0 "${pids[$name]}"; done
    urls[$name]=http://127.0.0.1:$(<"$name.port")
}
send() {
    timeout 30 lm-send -q "$@"
}
ids() {
    jq -r "select($1) | .id" "${@:2}" | sort
}

@test "lm-send --cancel: a share is given up in mid-stream, which is no failure" {
    mock one --itl 2ms
    requests 60 '{"max_tokens": 200}' >in
    send --url "${urls[one]}" -c 20 --cancel 50% --cancel-after 5 in >out
    lm-check -q out
    cancelled=$(ids .response.cancelled out | wc -l)
    [ "$cancelled" -gt 15 ]
    [ "$cancelled" -lt 45 ]
    [ "$(jq -c 'select(.response.cancelled) | .response | [has("error"), has("finish_reason"), has("usage"), .status, (.text | startswith("The mock server says one"))]' out |
        sort -u)" = '[false,false,false,200,true]' ]
    [ "$(jq 'select(.response.cancelled) | .timing.chunks_ns | length >= 5 and length < 200' out | sort -u)" = true ]
    [ "$(jq -c 'select(.response.cancelled != true) | [.response.finish_reason, .response.usage.completion_tokens]' out | sort -u)" = '["length",200]' ]
    [ "$(jq -c .timing.load.cancel out | sort -u)" = '{"share":0.5,"chunks":5}' ]
    [ "$(lm-stat --format json out | jq -c '[.requests.cancelled, .requests.failed, .requests.completed, .success_rate]')" = "[$cancelled,0,$((60 - cancelled)),1]" ]
    stop one || true
    [ "$(jq -c 'select(.gone)' one.log | wc -l)" = "$cancelled" ] # the server saw each leave
}

@test "lm-send --cancel: the seed alone says which, in a rerun, at another pace and in a resumed run" {
    mock one --itl 1ms
    requests 40 '{"max_tokens": 50}' >in
    send --url "${urls[one]}" -c 8 --cancel 0.3 --seed 5 -o one in
    send --url "${urls[one]}" --rate 2000 --threads 2 --cancel 0.3 --cancel-after 3ms --seed 5 in >two
    cmp <(ids .response.cancelled one) <(ids .response.cancelled two)
    head -20 one >three.part
    cp one whole
    send --url "${urls[one]}" -c 8 --cancel 0.3 --seed 5 -o three in
    cmp <(ids .response.cancelled whole) <(ids .response.cancelled three)
    send --url "${urls[one]}" -c 8 --cancel 0.3 --seed 6 in >other
    ! cmp -s <(ids .response.cancelled whole) <(ids .response.cancelled other)
}

@test "lm-send --cancel: by time, also where nothing came; one that ends sooner is an ordinary one" {
    mock one
    requests 2 '{"mock": {"ttft_ms": 60000}}' >in
    send --url "${urls[one]}" -c 2 --cancel 1 --cancel-after 50ms in >out
    lm-check -q out
    [ "$(jq -c '[.response.cancelled, .response.error, .response.text, (.timing.end_ns - .timing.sent_ns >= 50000000)]' out | sort -u)" = '[true,null,null,true]' ]
    [ "$(jq -c .timing.load.cancel out | sort -u)" = '{"share":1,"after":"50ms"}' ]
    requests 2 '{"stream": false, "mock": {"ttft_ms": 60000}}' >in # no stream either
    send --url "${urls[one]}" -c 2 --cancel 1 --cancel-after 50ms in >out
    [ "$(jq -c '[.response.cancelled, has("first_ns")]' out | sort -u)" = '[true,false]' ]
    requests 2 >in
    send --url "${urls[one]}" --cancel 1 --cancel-after 1h in >out
    [ "$(jq -c '[.response.cancelled, .response.finish_reason]' out | sort -u)" = '[null,"length"]' ]
    requests 2 '{"stream": false}' >in # which has no chunks
    send --url "${urls[one]}" --cancel 1 in >out
    [ "$(jq -c '[.response.cancelled, .response.finish_reason]' out | sort -u)" = '[null,"length"]' ]
}

@test "lm-send --cancel: what fails before is a failure, and no server is no server" {
    mock one
    requests 2 '{"mock": {"fault": "http-500"}}' >in
    run -1 --separate-stderr send --url "${urls[one]}" --cancel 1 in
    [ "$(jq -c '[.response.error.kind, .response.cancelled]' <<<"$output" | sort -u)" = '["http_status",null]' ]
    stop one || true
    run -3 --separate-stderr send --url "${urls[one]}" --cancel 1 --cancel-after 1ms in
    [ "$(jq -c '[.response.error.kind, .response.cancelled]' <<<"$output" | sort -u)" = '["connect",null]' ]
}

@test "lm-send --cancel: of a batch the request is given up, and so all its records" {
    mock one --itl 5ms
    requests 6 '{"max_tokens": 100}' >in
    send --url "${urls[one]}" --batch 3 --cancel 1 in >out
    [ "$(jq -c '[.response.cancelled, .response.batch.size, has("error")]' out | sort -u)" = '[true,3,false]' ]
    [ "$(lm-stat --format json out | jq -c '[.requests.cancelled, .requests.batches]')" = '[6,2]' ]
}

@test "lm-send --url: requests go to several servers in turn, and the record says to which" {
    mock one -m first
    mock two -m second
    requests 8 >in
    send --url "${urls[one]}" --url "${urls[two]}/v1" -c 3 in >out
    lm-check -q out
    [ "$(jq -c '[.response.url, .response.model]' out | sort | uniq -c | sed 's/^ *//')" = "$(printf '4 ["%s/v1","first"]\n4 ["%s/v1","second"]\n' "${urls[one]}" "${urls[two]}" |
        sort -k2)" ]
    [ "$(jq -s -c 'sort_by(.id) | map(.response.model)' out)" = '["first","second","first","second","first","second","first","second"]' ]
    [ "$(jq -c .timing.load.urls out | sort -u)" = "[\"${urls[one]}/v1\",\"${urls[two]}/v1\"]" ]
    stop one || true
    stop two || true
    [ "$(jq -c .port one.log | sort -u | wc -l)" -le 3 ] # connections are used again
    mock one
    send --url "${urls[one]}" in >out
    [ "$(jq '.response | has("url")' out | sort -u)" = false ]
}

@test "lm-send --url: a session stays with one server and one model" {
    mock one
    mock two
    seq 0 23 | jq -c '{id: "s/\(.)", session: {id: "s\(. % 6)", turn: (. / 6 | floor)}, request: {prompt: "x", max_tokens: 1}}' >in
    send --url "${urls[one]}" --url "${urls[two]}" -m a -m b in >out
    [ "$(jq -c '[.session.id, .response.url, .response.asked_model]' out | sort -u | wc -l)" = 6 ]
    [ "$(jq -r .response.url out | sort -u | wc -l)" = 2 ]
}

@test "lm-send --url: one that is not there fails its own, and stops nothing; none that is there does" {
    mock one
    requests 6 >in
    run -1 --separate-stderr send --url "${urls[one]}" --url http://127.0.0.1:1 -c 6 in
    [ "$(jq -c '[.response.url, .response.error.kind]' <<<"$output" | sort | uniq -c | sed 's/^ *//')" = "$(printf '3 ["http://127.0.0.1:1/v1","connect"]\n3 ["%s/v1",null]\n' "${urls[one]}")" ]
    run -3 --separate-stderr send --url http://127.0.0.1:9 --url http://127.0.0.1:1 -c 6 in
    [[ $stderr == *"no request reached the server"* ]]
}

@test "lm-send --url: each has its own user, and its own path" {
    port=$(free_port) other=$(free_port)
    for at in $port $other; do
        socat -u "TCP-LISTEN:$at,bind=127.0.0.1,reuseaddr" "OPEN:head.$at,creat" 3>&- &
        pids[socat$at]=$!
        wait_until bash -c "grep -q :$(printf %04X "$at") /proc/net/tcp"
    done
    requests 2 >in
    run -1 --separate-stderr send --timeout 300ms -c 2 -H 'X-Mine: yes' --url "http://me:sesame@127.0.0.1:$port/a/v1" --url "http://127.0.0.1:$other/b" in
    grep -aq "^Authorization: Basic $(printf me:sesame | base64)" "head.$port"
    ! grep -aq '^Authorization' "head.$other"
    grep -aq '^POST /a/v1/completions ' "head.$port"
    grep -aq '^POST /b/v1/completions ' "head.$other"
    grep -aq "^Host: 127.0.0.1:$other" "head.$other"
    [ "$(cat head.* | grep -ac '^X-Mine: yes')" = 2 ]
    [[ $output != *sesame* ]]
}

@test "lm-send -m: several models in turn, or drawn by weight; the same records ask for the same in a rerun and a resumed run" {
    mock one
    requests 40 >in
    send --url "${urls[one]}" -m base -m lora/a:1 -m b=2 in >out
    lm-check -q out
    [ "$(jq -s -c 'sort_by(.id[2:] | tonumber) | map(.response.asked_model)[0:4]' out)" = '["base","lora/a:1","b=2","base"]' ]
    [ "$(jq 'select(.response.model != .response.asked_model)' out)" = "" ] # lm-mock says the name that it was asked for
    [ "$(jq -c .timing.load.models out | sort -u)" = '[{"name":"base"},{"name":"lora/a:1"},{"name":"b=2"}]' ]
    [ "$(jq '.timing.load | has("set")' out | sort -u)" = false ]
    weighted=(--url "${urls[one]}" -m a -m b --model-weights 9,1 --seed 3)
    send "${weighted[@]}" -c 8 in >one
    send "${weighted[@]}" -o two in
    [ "$(jq -r .response.model one | grep -c a)" -gt 30 ]
    cmp <(ids '.response.model == "b"' one) <(ids '.response.model == "b"' two)
    shuf -n 20 --random-source=in two >three.part
    send "${weighted[@]}" -o three in
    [ "$(wc -l <three)" = 40 ]
    cmp <(ids '.response.model == "b"' two) <(ids '.response.model == "b"' three)
    [ "$(jq -c .timing.load.models three | sort -u)" = '[{"name":"a","weight":9},{"name":"b","weight":1}]' ]
    send --url "${urls[one]}" -m a=3 in >out # one is a name, whatever it looks like
    [ "$(jq -c '[.response.model, .response.asked_model, .timing.load.set]' out | sort -u)" = '["a=3",null,{"model":"a=3"}]' ]
}

@test "lm-send: wrong options of these: exit 2" {
    for wrong in '--cancel 10' '--cancel x' '--cancel-after 3' '--cancel 1 --cancel-after soon' '--model-weights 1' '-m a --model-weights 1' \
        '-m a -m b --model-weights 1' '-m a -m b --model-weights 1,x' '--batch 0' '--url http://x --url ftp://y' '-m a -m b --extra-body {"model":"c"}'; do
        status=0
        lm-send $wrong </dev/null 2>said || status=$?
        [ "$status" = 2 ]
        [ "$(wc -l <said)" = 2 ]
    done
}

@test "lm-check: a batch's index is below its size; what is drawn has its form" {
    echo '{"id":"a","response":{"batch":{"id":"a","index":2,"size":2},"asked_model":3,"cancelled":1}}' >in
    run -1 --separate-stderr lm-check in
    [[ $output$stderr == *"response.batch.index: 2 is not below size, 2"* ]]
    [[ $output$stderr == *"response.asked_model: is not a string"* ]]
    [[ $output$stderr == *"response.cancelled: is neither true nor false"* ]]
}
