bats_require_minimum_version 1.5.0
load ../lib

setup() {
    begin_test
    unset OPENAI_API_KEY
}
teardown() {
    end_test
}

# mock ARG...: a server, whose URL is $url
mock() {
    rm -f port
    start mock lm-mock -q --port 0 --port-file port "$@"
    until [ -e port ]; do kill -0 "${pids[mock]}"; done
    url=http://127.0.0.1:$(<port)
}
# echoing: a server that keeps the bodies it got in the file bodies; its URL is $url
echoing() {
    local port
    port=$(free_port)
    start echoing echo-server.pl "$port" bodies
    wait_until bash -c ": </dev/tcp/127.0.0.1/$port" 2>/dev/null
    url=http://127.0.0.1:$port
}
PATH=$ROOT/tests/cli:$PATH
send() {
    timeout 30 lm-send -q --url "$url" "$@"
}
# sessions S T [THINK_NS [JSON of the body's more members]]: S sessions of T turns, one after the other, no stream
sessions() {
    jq -nc --argjson s "$1" --argjson t "$2" --argjson think "${3:-0}" --argjson more "${4:-{\}}" 'range($s) as $i | range($t) as $j |
        {id: "s\($i)/\($j)", session: {id: "s\($i)", turn: $j, think_ns: $think}, request: ({messages:
            ([range($j) as $k | {role: "user", content: "q\($k)"}, {role: "assistant", content: null}] + [{role: "user", content: "q\($j)"}])} + $more)}'
}
# follow FILE: each later turn of FILE was due when the one before had ended and its think time had passed, and not sent before
follow() {
    jq -se '(map({key: "\(.session.id) \(.session.turn)", value: .}) | from_entries) as $turns |
        [.[] | select(.session.turn > 0) | . as $turn | $turns["\(.session.id) \(.session.turn - 1)"] as $former |
            .timing.due_ns == $former.timing.end_ns + (.session.think_ns // 0) and .timing.sent_ns >= .timing.due_ns] |
        length > 0 and all' "$1" >/dev/null
}

@test "sessions: a turn holds the answers of those before, in the places left for them and nothing else changed" {
    echoing
    cat >in <<'END'
{"id":"a/1","session":{"id":"a","turn":1},"request":{"messages":[{"role":"user","content":"one \"x\""}]}}
{"id":"a/2","session":{"id":"a","turn":2},"request":{ "messages" : [{"role":"user","content":"one \"x\""}, {"content" :null, "role":"assistant"} ,{"role":"user","content":"two"}], "n":1.0}}
{"id":"a/3","session":{"id":"a","turn":3},"request":{"messages":[{"role":"system","content":null},{"role":"assistant","content":"shown"},{"role":"user","content":"one"},{"role":"assistant","content":"given"},{"role":"user","content":"two"},{"role":"assistant","content":null,"tool_calls":null},{"role":"user","content":"three"}]}}
END
    send in >out
    diff bodies - <<'END'
{"messages":[{"role":"user","content":"one \"x\""}]}
{ "messages" : [{"role":"user","content":"one \"x\""}, {"content" :"re: one \"x\"", "role":"assistant"} ,{"role":"user","content":"two"}], "n":1.0}
{"messages":[{"role":"system","content":null},{"role":"assistant","content":"shown"},{"role":"user","content":"one"},{"role":"assistant","content":"given"},{"role":"user","content":"two"},{"role":"assistant","content":"re: two","tool_calls":null},{"role":"user","content":"three"}]}
END
    diff <(jq -c .request in) <(jq -c .request out) # the record stays as it came
}

@test "sessions: an answer without text is an empty one; a message with tool calls stays as it is" {
    echoing
    cat >in <<'END'
{"id":"a/0","session":{"id":"a","turn":0},"request":{"messages":[{"role":"user","content":"reason"}]}}
{"id":"a/1","session":{"id":"a","turn":1},"request":{"messages":[{"role":"assistant","content":null},{"role":"user","content":"tools"}]}}
{"id":"a/2","session":{"id":"a","turn":2},"request":{"messages":[{"role":"assistant","content":null},{"role":"assistant","content":null},{"role":"user","content":"x"}]}}
{"id":"a/3","session":{"id":"a","turn":3},"request":{"messages":[{"role":"assistant","content":null,"tool_calls":[{}]},{"role":"user","content":"y"},{"role":"assistant","content":"begin"}]}}
END
    send -m tiny in >out
    [ "$(tail -n 3 bodies | jq -c '[.model, .messages[].content]')" = '["tiny","","tools"]
["tiny","","","x"]
["tiny",null,"y","begin"]' ]
}

@test "sessions: in every mode a later turn is due when the former has ended and its think time has passed" {
    mock
    sessions 20 4 3000000 '{"max_tokens": 2}' >in
    for how in '-c 3' '-c 8 --threads 3' '--rate 500' '--rate 500 --threads 3' '--rate 1000 -c 2'; do
        send $how in >out
        [ "$(jq -r .id out | sort)" = "$(jq -r .id in | sort)" ]
        follow out
        lm-check out >/dev/null
    done
    jq -c '. + if .session.turn == 0 then {at_ns: (.session.id[1:] | tonumber * 2000000)} else {} end' in >timed
    send timed >out
    follow out
    [ "$(jq -s '[.[] | select(.session.turn == 0) | .timing.due_ns == .at_ns] | all' out)" = true ]
    # Only first turns take part in the arrivals.
    send --rate 500 --seed 7 in >out
    jq -c 'select(.session.turn == 0) | del(.session)' in >plain
    send --rate 500 --seed 7 plain >alone
    diff <(jq -c 'select(.session.turn == 0) | .timing.due_ns' out | sort -n) <(jq .timing.due_ns alone | sort -n)
}

@test "sessions: one that thinks leaves its slot to others" {
    mock
    sessions 4 2 200000000 '{"max_tokens": 1}' >in
    send -c 1 in >out
    follow out
    # Had each kept its slot, its second turn would have been before the next session's first.
    [ "$(jq -r .session.turn out | tr -d '\n')" = 00001111 ]
}

@test "sessions: turns may stand far apart, and those that wait do not stop the others" {
    mock
    sessions 3 3 >in
    jq -sc 'sort_by(.session.turn)[]' in >by_turn
    send -c 1 by_turn >out
    [ "$(jq -r .id out)" = "$(jq -r .id in)" ] # a turn whose time has come goes before what is new
    follow out
    # More turns than the queue takes wait for an answer that is still to come.
    { echo '{"id":"slow","session":{"id":"s","turn":0},"request":{"messages":[{"role":"user","content":"x"}],"mock":{"ttft_ms":60000}}}'
        seq 1 10000 | jq -c '{id: "s/\(.)", session: {id: "s", turn: .}, request: {messages: [{role: "user", content: "x"}], max_tokens: 1}}'
        echo '{"id":"other","request":{"messages":[{"role":"user","content":"x"}],"max_tokens":1}}'
    } >many
    start many lm-send -q --url "$url" -c 2 -o out.jsonl many
    wait_until test -s out.jsonl.part
    stop many KILL || true
    [ "$(jq -r .id out.jsonl.part)" = other ]
}

@test "sessions: where a turn failed, those behind it are cancelled; other sessions go on" {
    echoing
    sessions 3 4 >in
    sed -i '/"s1.1"/s/q1"}]/fail"}]/' in
    status=0
    send -c 2 in >out || status=$?
    [ "$status" = 1 ]
    lm-check out
    [ "$(jq -c 'select(.response.error) | [.id, .response.error.kind, .response.error.message, (.timing | has("sent_ns", "due_ns"))]' out)" = '["s1/1","http_status","500: {\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"message\":{\"content\":\"re: fail\",\"role\":\"assistant\"}}]}",true,true]
["s1/2","cancelled","turn 1 of the session failed",false,false]
["s1/3","cancelled","turn 2 of the session failed",false,false]' ]
    [ "$(jq -r .id out | sort)" = "$(jq -r .id in | sort)" ]
    [ "$(lm-stat --format json out | jq -c '[.requests.completed, .requests.failed, .errors]')" = '[9,3,{"http_status":1,"cancelled":2}]' ]
}

@test "sessions: a turn that is dropped at the cap ends its session" {
    mock --ttft 200ms
    sessions 2 3 >in
    run -1 send --rate 1000 --arrivals constant -c 1 --drop in
    [ "$(jq -c 'select(.response.error) | [.id, .response.error.message]' <<<"$output")" = '["s1/0","dropped: 1 requests were in flight"]
["s1/1","turn 0 of the session failed"]
["s1/2","turn 1 of the session failed"]' ]
}

@test "sessions: a turn ends with its last attempt" {
    mock --script <(printf '%s\n' '{"fault":"http-429","retry_after_s":0}' '{}' '{}')
    sessions 1 2 >in
    send --retries 1 in >out
    [ "$(jq -c '[.response.status, (.timing.attempts | length)]' out)" = '[200,1]
[200,0]' ]
    follow out
}

@test "sessions: a turn out of its order, or with more left open than there were turns, is reported and passed on; so are those behind" {
    mock
    sessions 1 6 >all
    { sed -n '1p;3p' all; jq -c '.session.id = "b"' all | sed -n 2p; jq -c '.session.id = "b" | .request.messages |= [last]' all | sed -n 3p; jq -c '.session.id = "c"' all | sed -n 4p; sed -n '2p;2p' all
        jq -c '.session.id = "d" | .session.turn = "x"' all | sed -n 1p; jq -c '.session.id = "e" | .session.think_ns = -1' all | sed -n 1p; } >in
    status=0
    send in >out 2>said || status=$?
    [ "$status" = 1 ]
    diff said - <<'END'
lm-send: in:2: session.turn: 2 of session s0, and 1 is not right before it in the input
lm-send: in:3: request.messages: answers left open: 1; turns of the session before this one: 0
lm-send: in:4: session: the turn before it cannot be sent
lm-send: in:5: session.turn: 3 of session c, and 2 is not right before it in the input
lm-send: in:7: session.turn: 1 of session s0, and 0 is not right before it in the input
lm-send: in:8: session.turn: not a whole number from 0 on
lm-send: in:9: session.think_ns: not a whole number from 0 on, or beyond all time
END
    [ "$(jq -r 'select(.response) | .session | "\(.id) \(.turn)"' out)" = "s0 0
s0 1" ]
    diff <(jq -c 'select(.response | not)' out | sort) <(sed -n '2,5p;7,9p' in | jq -c . | sort)
}

@test "sessions: a run that goes on reads the answers it had; a kept failure cancels what follows" {
    echoing
    sessions 3 4 >in
    sed -i '/"s1.1"/s/q1"}]/fail"}]/' in
    send -c 2 -o whole.jsonl in || [ $? = 1 ]
    sort bodies >bodies.whole
    jq -c 'select(.id == "s0/0" or .id == "s0/1" or .id == "s1/0" or .id == "s1/1" or .id == "s2/0")' whole.jsonl >out.jsonl.part
    : >bodies
    send -c 2 -o out.jsonl in || [ $? = 1 ]
    [ "$(jq -r .id out.jsonl | sort)" = "$(jq -r .id in | sort)" ]
    [ "$(wc -l <bodies)" = 5 ]
    [ -z "$(comm -23 <(sort bodies) bodies.whole)" ]
    [ "$(jq -r 'select(.response.error.kind == "cancelled") | .id' out.jsonl)" = "s1/2
s1/3" ]
    start=$(tail -n 1 out.jsonl | jq -r .timing.start)
    [ "$(jq -c --arg start "$start" 'select(.timing.start == $start and .id == "s0/2") | .timing.due_ns < 1e9' out.jsonl)" = true ]
}

@test "sessions: kill -9 and a rerun end as if nothing had been" {
    mock --ttft 60ms # not done before it is killed
    sessions 30 5 2000000 '{"max_tokens": 3}' >in
    start send lm-send -q --url "$url" -c 4 -o out.jsonl in
    until [ "$(wc -l <out.jsonl.part 2>/dev/null || echo 0)" -gt 40 ]; do kill -0 "${pids[send]}"; done
    stop send KILL || true
    [ -e out.jsonl.part ]
    send -c 4 -o out.jsonl in
    [ "$(jq -r .id out.jsonl | sort)" = "$(jq -r .id in | sort)" ]
    lm-check out.jsonl
}

@test "sessions: after a signal, or --duration, turns that wait have no record" {
    mock --ttft 300ms
    sessions 2 3 >in
    start send lm-send -q --url "$url" -c 2 -o out.jsonl in
    in_flight() { [ "$(curl -s "$url/metrics" | awk '/num_requests_running/ && !/^#/ {print $2 + 0}')" = 2 ]; }
    wait_until in_flight
    stop send INT || true
    [ "$(jq -r .id out.jsonl.part | sort)" = "s0/0
s1/0" ]
    send -c 2 --duration 10ms in >out
    [ "$(jq -r .id out | sort)" = "s0/0
s1/0" ]
    echoing
    sessions 1 2 3600000000000 >in # it does not wait for what it will not send
    send --duration 50ms in >out
    [ "$(wc -l <out)" = 1 ]
}

@test "sessions: no server: what would have followed is shown with the failures, and not kept" {
    sessions 1 3 >in
    url=http://127.0.0.1:1
    status=0
    send -o out.jsonl in >shown || status=$?
    [ "$status" = 3 ]
    [ "$(jq -r .response.error.kind shown)" = "connect
cancelled
cancelled" ]
    [ ! -s out.jsonl.part ]
}

# As in lm-send.bats, but two sessions of three turns, whose last turns show that they were filled.
fault() {
    local status=0
    rm -f "$FIRED"
    env "LM_FAIL_${1^^}=$2" LM_FAIL_IN=lm-send LD_PRELOAD="$FAULTS" timeout -k 1 20 lm-send -q --url "$url" --timeout-connect 1s -c 2 in >got 2>err || status=$?
    [ -e "$FIRED" ] || return 1
    jq -cn '[inputs | if .response.error then "failed" elif .response.text == "The mock" then "whole" else "wrong" end] |
        [length, (map(select(. == "failed")) | length), (map(select(. == "wrong")) | length)]' got >counts || echo "bad JSON" >counts
    case $status:$(<counts) in
    0:"[6,0,0]" | 1:"[6,"[1-6]",0]") ;;
    3:"["[0-6],[0-6]",0]") grep -q . err ;;
    *)
        echo "$1 $2: exit $status, [records, failed, wrong]: $(<counts)"
        cat err
        false
        ;;
    esac || exit 1
}

@test "sessions: whatever allocation fails, it says so and ends" {
    plain_build_only
    mock
    sessions 2 3 0 '{"max_tokens": 2}' >in
    nth=1
    while fault alloc $nth; do nth=$((nth + 1)); done
    [ $nth -gt 100 ]
}

@test "sessions: a turn that waits for a slot is not the client's slowness" {
    mock --ttft 20ms
    sessions 8 2 0 '{"max_tokens": 1, "stream": true}' >in
    send -c 8 in >out
    jq -c '.timing.sent_ns += 30000000 | .timing |= with_entries(if .key | IN("headers_ns", "first_ns", "last_ns", "end_ns") then .value += 30000000 else . end)' out >waited
    [ "$(lm-stat --format json waited | jq '.client.reasons | index("send_lag")')" = null ]
    jq -c 'del(.session)' waited >alone
    [ "$(lm-stat --format json alone | jq '.client.reasons | index("send_lag")')" != null ]
}
