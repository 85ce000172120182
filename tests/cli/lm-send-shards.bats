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
send() {
    timeout 30 lm-send -q --url "$url" "$@"
}
# requests N: N records, each third of them the first of two turns of a session, whose second stands at the end
requests() {
    seq 0 $(($1 - 1)) | jq -c '{id: "r\(.)", request: {messages: [{role: "user", content: "x"}], max_tokens: 2, stream: true}}
        + if . % 3 == 1 then {session: {id: "s\(.)", turn: 0}} else {} end' >first
    cat first
    jq -c 'select(.session) | .id += "/1" | .session.turn = 1 | .request.messages |= [.[0], {role: "assistant", content: null}, .[0]]' first
}
# soon: a time to start at that is still to come when all is ready
soon() {
    awk -v now="$EPOCHREALTIME" 'BEGIN {printf "@%.6f\n", now + 1.5}'
}
# shards N INPUT ARG...: all shards of the load at once, each into its out.K
shards() {
    local n=$1 in=$2 at k status=0
    shift 2
    rm -f out.*
    at=$(soon)
    for ((k = 1; k <= n; k++)); do
        start shard$k timeout 30 lm-send -q --url "$url" --shard $k/$n --start "$at" "$@" "$in"
    done
    for ((k = 1; k <= n; k++)); do
        ended shard$k || status=$?
        mv shard$k.out out.$k
    done
    cat out.* >merged
    return "$status"
}
# of the schedule: what is due at what time, less later turns, which are due by answers
schedule() {
    jq -c 'select((.session.turn // 0) == 0) | [.id, .timing.due_ns, .timing.warmup]' "$1" | sort
}

@test "shards: together they send what one run would, when it would; sessions stay whole" {
    mock
    requests 60 >in
    for how in '--rate 400' '--rate 400 --arrivals gamma --burstiness 0.5 --seed 3 -n 70 --warmup 20' '--rate 400 --arrivals constant --threads 2'; do
        send $how in >whole
        shards 3 in $how
        diff <(schedule whole) <(schedule merged)
        diff <(jq -r .id whole | sort) <(jq -r .id merged | sort)
        for k in 1 2 3; do
            [ "$(jq -s 'map(select((.session.turn // 0) == 0)) | length' out.$k)" = 20 ]
        done
        [ -z "$(for k in 1 2 3; do jq -r '.session.id // empty' out.$k | sort -u; done | sort | uniq -d)" ]
        lm-check merged
    done
    shards 2 in -c 2
    diff <(jq -r .id in | sort) <(jq -r .id merged | sort)
    [ "$(jq -c '[.timing.load.mode, .timing.load.shard, .timing.load.concurrency]' merged | sort -u)" = '["closed","1/2",2]
["closed","2/2",2]' ]
}

@test "shards: what cannot be sent is reported by one of them, and moves nobody's time" {
    mock
    requests 30 >in
    sed -i '4s/.*/{"id":"no request"}/; 8s/"turn":0/"turn":-1/; 11s/"turn":0/"turn":5/' in
    run -1 --separate-stderr send --rate 1000 in
    echo "$output" >whole
    grep 'in:' <<<"$stderr" | sort >said
    shards 3 in --rate 1000 || [ $? = 1 ]
    [ "$(wc -l <said)" = 5 ]
    diff said <(grep -h 'in:' shard?.err | sort)
    diff <(schedule whole) <(schedule merged)
}

@test "shards: their records, one file behind the other, are one part, with one duration and peak" {
    mock --ttft 500ms
    requests 30 | jq -c 'del(.session)' >in
    shards 2 in -c 15
    [ "$(jq -r .timing.start merged | sort -u | wc -l)" = 1 ]
    lm-stat --format json merged >stat
    [ "$(jq -c '[.requests.completed, (.parts | length), .parts[0].shards, .parts[0].load.shard, .parts[0].load.concurrency]' stat)" = \
        '[40,1,{"there":2,"of":2},null,15]' ]
    [ "$(jq '.peak_concurrency > 15 and .duration_s < 3' stat)" = true ]
    lm-stat merged | grep -Eq '^shards +2 of 2$'
    lm-stat out.2 | grep -Eq '^shards +1 of 2, NOT ALL$'
}

@test "--start: the start is the time that was asked for; one that is past, or no time, is refused" {
    mock
    requests 2 >in
    at=$(($(date +%s) + 2))
    send --start @$at in >out
    [ "$(jq -r .timing.start out | sort -u)" = "$(date -u -d @$at +%FT%T.000000000Z)" ]
    [ "$(jq -s 'all(.timing.due_ns >= 0 and .timing.sent_ns >= .timing.due_ns)' out)" = true ]
    run -3 send --start 2020-02-03T04:05:06.5Z in
    [[ $output == *"the time to start was "*" s ago"* ]]
    for wrong in tomorrow @ @1.x 2026-02-30T00:00:00Z 2026-11-24T15:00:00 2026-11-24T15:00:00.Z; do
        run -2 send --start "$wrong" in
    done
    run -2 send --shard 1/2 --batch 2 --rate 3 in
    for wrong in 0/2 3/2 2 /2 1/ 1/2/3; do
        run -2 send --shard "$wrong" in
    done
}

@test "--start: a signal ends the waiting" {
    mock
    requests 2 >in
    start waits lm-send -v --url "$url" --start 2200-01-01T00:00:00Z -o out.jsonl in
    says waits 'waiting for the start'
    status=0
    stop waits TERM || status=$?
    [ "$status" = 143 ]
    [ ! -s out.jsonl.part ]
}

@test "shards: each goes on from where it was; its schedule begins with what is left" {
    mock
    requests 60 | jq -c 'del(.session)' >in
    send --shard 2/2 -o whole.jsonl --rate 200 in 2>said
    grep -q 'shard without --start' said
    head -n 20 whole.jsonl >out.jsonl.part
    send --shard 2/2 -o out.jsonl --rate 200 in 2>said
    [ "$(jq -r .id out.jsonl | sort)" = "$(jq -r .id whole.jsonl | sort)" ]
    first=$(tail -n +21 out.jsonl | jq -s 'map(.timing.due_ns) | min')
    [ "$first" -lt 50000000 ] # it is the first arrival of the process, and does not wait as long as the twenty took
    head -n 20 whole.jsonl >other.jsonl.part
    send -v --shard 1/2 -o other.jsonl --rate 200 in 2>said
    grep -q 'are dropped: .* records=20' said
}

@test "--speed: a trace so many times as fast; sent twice, its requests and due times are the same" {
    mock
    requests 20 | jq -c 'if .session.turn == 1 then .session.think_ns = 1000000 else .at_ns = (.id[1:] | tonumber * 10000001) end' >in
    send --speed 10 in >one
    send --speed 10 in >two
    [ "$(jq -c '[.timing.load.mode, .timing.load.speed]' one | sort -u)" = '["at",10]' ]
    [ "$(jq -s 'map(select((.session.turn // 0) == 0) | .timing.due_ns == (.at_ns / 10 | floor)) | length == 20 and all' one)" = true ]
    diff <(schedule one) <(schedule two)
    [ "$(jq -s '[.[] | select(.session.turn == 1)] as $later | [.[] | select(.session.turn == 0)] as $first |
        [$later[] | . as $turn | $first[] | select(.session.id == $turn.session.id) | $turn.timing.due_ns - .timing.end_ns] | unique' one | jq -c .)" = '[1000000]' ]
    send in >plain
    [ "$(jq -c .timing.load.speed plain | sort -u)" = null ]
    run -2 send --speed 2 --mode closed in
    run -2 send --speed 2 --rate 3 in
    run -1 send --speed 2 <<<'{"id":"a","request":{"messages":[]}}'
    [[ $output == *"-:1: at_ns: not a whole number"* ]]
}

@test "--speed: a trace sent twice is the same bytes on the wire" {
    port=$(free_port)
    for run in one two; do
        start echoing "$ROOT/tests/cli/echo-server.pl" "$port" $run
        wait_until bash -c ": </dev/tcp/127.0.0.1/$port" 2>/dev/null
        requests 20 | jq -c 'if .session.turn == 1 then . else .at_ns = (.id[1:] | tonumber * 10000000) end | del(.request.stream)' >in
        url=http://127.0.0.1:$port
        send --speed 5 in >$run.out
        stop echoing || true
    done
    [ "$(wc -l <one)" = 27 ]
    diff <(sort one) <(sort two)
    diff <(schedule one.out) <(schedule two.out)
}

@test "lm-check: what timing.load says of shard and speed" {
    local record='{"id":"ID","response":{},"timing":{"start":"2026-11-24T07:43:00Z","start_ns":1,"sent_ns":1,"end_ns":2,"load":{"mode":"at",MORE}}}'
    check() {
        sed "s|MORE|$1|" <<<"$record" | lm-check
    }
    check '"shard":"2/3","speed":0.5'
    for wrong in '"shard":"0/3"' '"shard":"4/3"' '"shard":"3"' '"shard":3' '"speed":-1' '"speed":"fast"'; do
        run -1 check "$wrong"
        [[ $output == *"timing.load.s"* ]]
    done
}
