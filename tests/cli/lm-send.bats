bats_require_minimum_version 1.5.0
load ../lib

setup() {
    begin_test
    unset OPENAI_API_KEY
}
teardown() {
    end_test
}

# requests N [JSON of the body's more members]: N records on standard output
requests() {
    seq 1 "$1" | jq -c --argjson more "${2:-{\}}" '{id: "r/\(.)", task: "chat", input: {prompt: "hi"}, api: "chat",
        request: ({messages: [{role: "user", content: "hi"}], max_tokens: 5, stream: true, stream_options: {include_usage: true}} + $more)}'
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
# told FAULT KIND [MORE...]: what the record of a request says that met the fault
told() {
    requests 1 "{\"mock\": {\"fault\": \"$1\", \"after\": 2}}" >in
    status=0
    send "${@:3}" in >out || status=$?
    [ "$(wc -l <out)" = 1 ]
    lm-check out >/dev/null
    if [ "$(jq -r '.response.error.kind // "none"' out)" != "$2" ]; then
        cat out
        return 1
    fi
    [ "$status" = $([ "$2" = none ] && echo 0 || echo 1) ]
}

@test "lm-send: a line grows by response and timing, byte for byte before them" {
    mock
    requests 3 >in
    send in >out
    cut -c1-"$(($(head -1 in | wc -c) - 2))" out | head -1 >got
    head -1 in | sed 's/}$//' >wanted
    cmp got wanted
    [ "$(jq -r '.response.text' out | sort -u)" = "The mock server says one" ]
    [ "$(jq -c '.response.tokens' out | sort -u)" = '{"prompt":1,"completion":5,"source":"usage"}' ]
    [ "$(jq -c '[.timing.clock, (.timing.chunks_ns | length), .timing.load.mode, .timing.load.concurrency]' out | sort -u)" = '["kernel",6,"closed",1]' ]
    lm-check out
}

@test "lm-send: completions, and answers that are no stream" {
    mock
    echo '{"id":"a","request":{"prompt":"x","max_tokens":3}}' >in
    send in >out
    [ "$(jq -c '[.response.text, .response.finish_reason, .response.status, (.timing | has("chunks_ns", "first_ns"))]' out)" = '["The mock server","length",200,false,false]' ]
}

@test "lm-send: what servers do differently ends in the same record" {
    for wire in vllm sglang llama.cpp; do
        mock --wire $wire
        requests 1 '{"logprobs":true,"top_logprobs":2}' | send >out
        [ "$(jq -c '[.response.text, .response.finish_reason, .response.tokens.completion, (.response.logprobs | length), .response.logprobs[0].top[0].token]' out)" = \
            '["The mock server says one","length",5,5,"The"]' ]
        stop mock
    done
}

@test "lm-send: whatever a server does wrong ends in one record that says what" {
    mock
    told reset truncated
    told truncate truncated
    told early-end truncated
    told no-finish truncated
    told refuse truncated
    told drop truncated
    told garbage parse
    told non-utf8 parse
    told bad-chunk parse
    told bad-http parse
    told content-type parse
    told error-event error_event
    told error-field error_event
    told http-400 http_status
    told http-429 http_status
    told http-503 http_status
    told no-choices no_tokens
    told stall timeout --timeout-gap 100ms
    told hang timeout --timeout-first 100ms
    told endless timeout --timeout 300ms
}

@test "lm-send: what is odd, but right, is an answer" {
    mock
    for fault in comments crlf no-space multi-line named-events empty-deltas reasoning split trailers interim http-1.0 connection-close silent-close \
        no-usage slow-headers no-done; do
        told $fault none
    done
}

@test "lm-send: what had arrived stays in a failed record" {
    mock
    told reset truncated
    [ "$(jq -c '[.response.text, .response.status, (.timing.chunks_ns | length)]' out)" = '["The mock",200,3]' ]
    told content-type parse
    [ "$(jq -r .response.text out)" = "The mock server says one" ]
}

@test "lm-send: chunks without content have times of their own, so that gaps between tokens can be counted" {
    for wire in vllm sglang llama.cpp; do
        mock --wire $wire --itl 1ms
        for more in '{}' '{"mock": {"role": "none", "per_write": 2}}'; do
            requests 20 "$more" >in
            send -c 10 in >out
            [ "$(lm-stat --format json out | jq .itl_ms.count)" = 80 ]
            jq -e '.timing | .chunks_ns == (.chunks_ns | sort)' out >/dev/null
        done
        stop mock || true
    done
}

@test "lm-send: the time between tokens begins with the first token, not with the role's chunk" {
    mock
    requests 1 '{"mock": {"role": "early", "ttft_ms": 700}}' >in
    send --timeout-gap 300ms in >out
}

@test "lm-send: a failed request is tried again, and the record tells" {
    mock --script <(printf '%s\n' '{"fault":"http-429","retry_after_s":0}' '{"fault":"refuse"}' '{}')
    requests 1 >in
    send --retries 2 in >out
    [ "$(jq -c '[.response.status, [.timing.attempts[] | [.kind, .status]]]' out)" = '[200,[["http_status",429],["truncated",null]]]' ]
    told http-400 http_status --retries 3
    [ "$(jq '.timing | has("attempts")' out)" = false ]
}

@test "lm-send: a connection that the server had closed is opened anew, once" {
    mock --fault stale
    requests 2 | send >out
    [ "$(jq -s -c '[.[] | [.response.status, (.timing.attempts | length)]]' out)" = '[[200,0],[200,1]]' ]
    requests 8 | send >out # and where that never goes well, it is not tried for ever
    [ "$(jq -s -c 'map(.timing.attempts | length)' out)" = '[0,1,1,1,0,0,0,0]' ]
}

@test "lm-send: -m and --extra-body set members, all else is sent as it came" {
    mock
    echo '{"id":"a","request":{"model":"no", "messages" : [],"max_tokens":2}}' >in
    send -m yes --extra-body '{"max_tokens":3}' in >out
    [ "$(jq -c '[.response.model, .response.tokens.completion, .request.model]' out)" = '["yes",3,"no"]' ]
}

@test "lm-send: an open loop keeps its schedule; the same seed, the same" {
    mock
    requests 20 >in
    send --rate 200 --seed 3 in >one
    send --rate 200 --seed 3 in >two
    [ "$(jq -s -c '[sort_by(.id)[].timing.due_ns]' one)" = "$(jq -s -c '[sort_by(.id)[].timing.due_ns]' two)" ]
    [ "$(jq -s 'all(.timing.sent_ns >= .timing.due_ns)' one)" = true ]
    [ "$(jq -c '[.timing.load.mode, .timing.load.rate_rps, .timing.load.arrivals]' one | sort -u)" = '["open",200,"poisson"]' ]
    send --rate 100 --arrivals constant in >three
    [ "$(jq -s -c '[sort_by(.timing.due_ns)[0:4][].timing.due_ns]' three)" = '[0,10000000,20000000,30000000]' ]
}

@test "lm-send: records with at_ns are sent then" {
    mock
    requests 3 | jq -c '. + {at_ns: ((.id[2:] | tonumber) * 20000000)}' >in
    send in >out
    [ "$(jq -s -c '[sort_by(.id)[] | [.timing.due_ns, .timing.load.mode]]' out)" = '[[20000000,"at"],[40000000,"at"],[60000000,"at"]]' ]
}

@test "lm-send: an arrival at the cap waits, or is dropped if asked" {
    mock --ttft 100ms
    requests 3 >in
    send --rate 1000 --arrivals constant -c 1 in >out
    [ "$(jq -s 'all(.response.status == 200)' out)" = true ]
    status=0
    send --rate 1000 --arrivals constant -c 1 --drop in >out || status=$?
    [ "$status" = 1 ]
    [ "$(jq -s -c '[.[] | select(.response.error.kind == "cancelled") | .timing | has("sent_ns")]' out)" = '[false,false]' ]
}

@test "lm-send: -n, --warmup" {
    mock
    requests 9 >in
    send -n 4 --warmup 2 in >out
    [ "$(jq -s -c '[sort_by(.id)[] | .timing.warmup]' out)" = '[true,true,null,null]' ]
}

@test "lm-send: no server: exit 3, the failures on standard output and not in -o's file" {
    requests 2 >in
    url=http://127.0.0.1:1
    status=0
    send -c 2 -o out.jsonl in >shown || status=$?
    [ "$status" = 3 ]
    [ "$(jq -r .response.error.kind shown | sort -u)" = connect ]
    [ ! -e out.jsonl ]
    [ ! -s out.jsonl.part ]
}

@test "lm-send: an error's body that is no JSON is the message" {
    port=$(free_port)
    start stub "$ROOT/tests/cli/stub-server.pl" "$port" "/v1/chat/completions 500 out of memory"
    wait_until bash -c ": </dev/tcp/127.0.0.1/$port" 2>/dev/null
    requests 1 >in
    url=http://127.0.0.1:$port
    run -1 send in
    [ "$(jq -r '.response.error.message' <<<"$output")" = "500: out of memory" ]
}

@test "lm-send: a server that goes and comes back on the same port" {
    mock
    mkfifo in
    start send timeout 30 lm-send -q --url "$url" in
    exec 4>in
    lines() { [ "$(wc -l <send.out)" = "$1" ]; }
    requests 1 >&4
    wait_until lines 1
    stop mock || true
    requests 1 >&4
    wait_until lines 2
    start mock lm-mock -q --port "$(<port)" 4>&- # else it holds the input open
    lm-wait -q --url "$url"
    requests 1 >&4
    exec 4>&-
    ended send || true
    [ "$(jq -c '[.response.error.kind, .response.error.message, .response.text != null]' send.out)" = "[null,null,true]
[\"connect\",\"$url: Connection refused\",false]
[null,null,true]" ]
}

@test "lm-send: a connection that is not made in time" {
    perl -MIO::Socket::INET -e '$| = 1; my $full = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1");
        my @waiting = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $full->sockport, Blocking => 0) } 1 .. 3;
        print $full->sockport, "\n"; sleep 60' >port 3>&- &
    pids[full]=$!
    wait_until grep -q . port
    url=http://127.0.0.1:$(<port)
    requests 1 >in
    run -3 send --timeout-connect 300ms in
    [ "$(jq -r '.response.error | .kind, .message' <<<"${lines[0]}")" = "timeout
$url: no connection within 0.3 s" ]
}

@test "lm-send: an interrupted run goes on: what was answered is kept, broken and foreign lines are dropped" {
    mock
    requests 5 >in
    send -c 2 -o whole.jsonl in
    head -2 whole.jsonl >out.jsonl.part
    jq -c '.timing.load.concurrency = 3' whole.jsonl | sed -n 3p >>out.jsonl.part
    printf '{"id":"other","response":{},"timing":{"load":{}}}\n' >>out.jsonl.part
    head -c 100 <(sed -n 4p whole.jsonl) >>out.jsonl.part
    send -c 2 -o out.jsonl in 2>says
    grep -q "are dropped: .* records=2" says
    [ ! -e out.jsonl.part ]
    [ "$(wc -l <out.jsonl)" = 5 ]
    [ "$(jq -r .id out.jsonl | sort)" = "$(jq -r .id in)" ]
    cmp <(head -2 out.jsonl) <(head -2 whole.jsonl)
    [ "$(jq -r .timing.start out.jsonl | sort -u | wc -l)" = 2 ]
}

@test "lm-send: what is set in the bodies is part of the load, and another setting does not go on with it" {
    mock
    requests 3 >in
    local set=(-m tiny --extra-body '{"temperature": 0.90, "stop": ["a" , "b"]}')
    send "${set[@]}" -o whole.jsonl in
    [ "$(jq -c .timing.load.set whole.jsonl | sort -u)" = '{"temperature":0.9,"stop":["a","b"],"model":"tiny"}' ]
    lm-check whole.jsonl
    head -2 whole.jsonl >out.jsonl.part
    send -v "${set[@]}" -o out.jsonl in 2>says
    grep -q "records_of_the_last_run=2" says
    head -2 whole.jsonl >out.jsonl.part
    send -v -m other -o out.jsonl in 2>says
    grep -q "are dropped: .* records=2" says
    [ "$(jq -r .response.model out.jsonl | sort -u)" = other ]
    run -2 send -m a --extra-body '{"model": "b"}' in
}

@test "lm-send: two runs of one -o: the second is refused, and the first loses nothing" {
    mock
    requests 40 '{"mock": {"ttft_ms": 20}}' >in
    send -c 1 -o out.jsonl in >first 2>&1 3>&- &
    pids[first]=$!
    wait_until test -s out.jsonl.part
    run -3 send -c 2 -o out.jsonl in
    [[ $output == *"out.jsonl.part: another run writes it"* ]]
    ended first
    [ "$(jq -r .id out.jsonl | sort -u | wc -l)" = 40 ]
    [ ! -e out.jsonl.part ]
}

@test "lm-send: -o wants a file: no folder, no pipe; a link stays one" {
    mock
    requests 1 >in
    mkdir folder
    mkfifo pipe
    for wrong in folder pipe; do
        run -3 send -o $wrong in
        [[ $output == *"$wrong: is a"* ]]
    done
    [ -p pipe ]
    : >real
    ln -s real link
    send -o link in
    [ -L link ]
    [ "$(wc -l <real)" = 1 ]
}

@test "lm-send: where all slots think it ends as soon as nothing more comes, or a signal says so" {
    mock
    requests 1 >one
    timeout 10 lm-send -q --url "$url" --think 1h one >out
    [ "$(wc -l <out)" = 1 ]
    requests 5 >in
    start think lm-send -q --url "$url" --think 1h -o part.jsonl in
    wait_until test -s part.jsonl.part
    stop think TERM || true
    [ "$(wc -l <part.jsonl.part)" = 1 ]
}

@test "lm-send: arrivals wait where no more files may be open, and it is said" {
    mock
    requests 40 '{"mock": {"ttft_ms": 600}}' >in
    (ulimit -n 40 && exec lm-send --url "$url" --rate 2000 in >out 2>says)
    [ "$(jq -r '.response.error.kind // "none"' out | sort | uniq -c | tr -s ' ')" = " 40 none" ]
    grep -q "no more files may be open.*connections=8" says
}

@test "lm-send: truncated answers are kept as soon as a later request shows that the server lives" {
    mock
    requests 400 '{"mock": {"fault": "truncate", "after": 2, "ttft_ms": 10}}' >in
    start cut lm-send -q --url "$url" -c 1 -o out.jsonl in
    wait_until test -s out.jsonl.part
    stop cut KILL || true
    [ "$(head -1 out.jsonl.part | jq -r .response.error.kind)" = truncated ]
}

@test "lm-send: a signal in the wait for a retry: the attempt stands once" {
    mock --log log
    requests 1 '{"mock": {"fault": "http-429", "retry_after_s": 60}}' >in
    start waits lm-send --url "$url" --retries 5 in
    wait_until test -s log
    stop waits INT || true
    [ "$(jq -c '[.response.status, .timing.attempts, .timing.end_ns < 60000000000]' waits.out)" = '[429,null,true]' ]
}

@test "lm-send: SIGINT lets what is in flight end, keeps the part, and shows as a signal" {
    mock --ttft 300ms
    requests 50 >in
    start send lm-send -q --url "$url" -c 2 -o out.jsonl in
    until [ -s out.jsonl.part ]; do kill -0 "${pids[send]}"; done
    kill -INT "${pids[send]}"
    status=0
    wait "${pids[send]}" || status=$?
    [ "$status" = 130 ]
    [ ! -e out.jsonl ]
    [ "$(jq -r '.response.status' out.jsonl.part | sort -u)" = 200 ]
    lm-check out.jsonl.part
}

@test "lm-send: kill -9 costs what was in flight; the rerun ends as if nothing had been" {
    mock --ttft 60ms # not done before it is killed
    requests 100 >in
    start send lm-send -q --url "$url" -c 4 -o out.jsonl in
    until [ "$(wc -l <out.jsonl.part 2>/dev/null || echo 0)" -gt 20 ]; do kill -0 "${pids[send]}"; done
    kill -KILL "${pids[send]}"
    wait "${pids[send]}" || true
    send -c 4 -o out.jsonl in
    [ "$(jq -r .id out.jsonl | sort)" = "$(jq -r .id in | sort)" ]
}

@test "lm-send: what is no record, or cannot be sent, is reported; the rest is sent" {
    mock
    { requests 1; echo '{"id":'; echo '{"id":"b"}'; echo '{"id":"c","request":{"messages":[]},"response":{}}'; requests 1; } >in
    status=0
    send in >out 2>said || status=$?
    [ "$status" = 1 ]
    grep -q '^lm-send: in:2: ' said
    grep -q '^lm-send: in:3: has no "request"' said
    grep -q '^lm-send: in:4: response: ' said
    [ "$(jq -c 'select(.timing == null)' out | wc -l)" = 2 ]
    [ "$(jq -c 'select(.response.status == 200)' out | wc -l)" = 2 ]
}

@test "lm-send: the key comes from a file or the environment, and reaches no record, no log and no argv" {
    echo sesame >key
    mock --key-file key
    requests 1 >in
    send --key-file key in >out
    OPENAI_API_KEY=sesame send -v in >>out 2>log
    ! grep -q sesame out log
    status=0
    send in >out || status=$?
    [ "$(jq -c .response.status out)" = 401 ]
    mkfifo pipe
    start held lm-send -q --url "http://me:sesame@${url#http://}" -H "X-Key: sesame" pipe
    argv_is_clean() { ! grep -q sesame "/proc/${pids[held]}/cmdline" && grep -q lm-send "/proc/${pids[held]}/cmdline"; }
    wait_until argv_is_clean
    : >pipe
    ended held
}

@test "lm-send: headers: the user's stands for ours, and none smuggles in another" {
    port=$(free_port)
    socat -u "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr" OPEN:head,creat 3>&- &
    pids[listener]=$!
    requests 1 >in
    url=http://127.0.0.1:$port
    wait_until bash -c "grep -q :$(printf %04X "$port") /proc/net/tcp"
    OPENAI_API_KEY=sesame send --timeout 300ms -H 'host: elsewhere' -H 'AUTHORIZATION: Basic x' -H 'user-agent: me' -H 'X-Request-Id: 7' in >out || true
    for name in Host Authorization User-Agent X-Request-Id Content-Type Content-Length; do
        [ "$(grep -aic "^$name:" head)" = 1 ]
    done
    grep -aq '^host: elsewhere' head
    ! grep -aq sesame head
    for wrong in ':x' 'a b: c' 'Content-Length: 3' $'X: a\r\nY: b'; do
        run -2 send -H "$wrong" in
    done
    OPENAI_API_KEY=$'k1\nEvil: yes' run -3 send in
    [[ $output == *"the API key holds a line break"* ]]
}

@test "lm-send, lm-wait: a key that the server quotes is not shown" {
    port=$(free_port)
    start stub "$ROOT/tests/cli/stub-server.pl" "$port" '/v1/chat/completions 401 {"error":{"message":"bad key: sk-sesame!"}}' '/health 200 ok' \
        '/v1/models 200 {"data":[{"id":"m"}]}'
    url=http://127.0.0.1:$port
    wait_until bash -c ": </dev/tcp/127.0.0.1/$port" 2>/dev/null
    requests 1 >in
    OPENAI_API_KEY=sk-sesame run -1 lm-send --url "$url" in
    [[ $output == *"401: bad key: *********!"* ]]
    [[ $output != *sesame* ]]
    OPENAI_API_KEY=sk-sesame run -3 lm-wait --url "$url" --retries 0
    [[ $output == *"bad key: *********!"* ]]
}

@test "lm-send: progress on a terminal: of how many, before all are read, and no wider than it" {
    mock
    requests 9000 '{"mock": {"ttft_ms": 50}}' >in
    script -qec "stty cols 40; timeout -s INT 2 lm-send --url $url -c 4 in >out" screen >/dev/null || true
    tr '\r' '\n' <screen | sed 's/\x1b\[K//' | grep ' done, ' >lines
    grep -Eq '^[0-9]+ of (8[5-9]|9[0-5])[0-9][0-9] done, 0 failed' lines
    [ "$(awk '{if (length > max) max = length} END {print max}' lines)" -le 40 ]
}

@test "lm-send: several threads do the same work" {
    mock
    requests 200 >in
    send -c 16 --threads 4 in >out
    [ "$(jq -r .id out | sort)" = "$(jq -r .id in | sort)" ]
    [ "$(jq -s 'all(.response.status == 200)' out)" = true ]
}

@test "lm-send: https" {
    mock
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext 'subjectAltName = IP:127.0.0.1' -keyout tls.key -out tls.crt 2>/dev/null
    tls_port=$(free_port)
    cat tls.key tls.crt >both.pem
    start tls socat "OPENSSL-LISTEN:$tls_port,cert=both.pem,verify=0,reuseaddr,fork" "TCP:${url#http://}"
    url=https://127.0.0.1:$tls_port
    wait_until curl -s --cacert tls.crt "$url/health"
    requests 2 >in
    send --cacert tls.crt in >out
    [ "$(jq -c '[.response.status, .timing.clock, (.timing.chunks_ns | length)]' out | sort -u)" = '[200,"tls",6]' ]
    status=0
    send in >out || status=$?
    [ "$status" = 3 ]
    [ "$(jq -r .response.error.kind out | sort -u)" = tls ]
}

@test "lm-send: wrong options: exit 2" {
    for wrong in '-c 0' '--rate 0' '--mode open' '--drop' '--timeout soon' '--url ftp://x' '--extra-body x'; do
        status=0
        lm-send $wrong </dev/null 2>said || status=$?
        [ "$status" = 2 ]
        [ "$(wc -l <said)" = 2 ]
    done
}

# fault KIND N: lm-send with the Nth such call failing: each record is whole or says what failed, and the exit status
# tells. 1: there are not so many calls.
fault() {
    local status=0
    rm -f "$FIRED"
    env "LM_FAIL_${1^^}=$2" LM_FAIL_IN=lm-send LD_PRELOAD="$FAULTS" timeout -k 1 20 lm-send -q --url "$url" --timeout-connect 1s -c 2 in >got 2>err || status=$?
    [ -e "$FIRED" ] || return 1
    jq -cn '[inputs | if .response.error then "failed" elif .response.text == "The mock server says one" then "whole" else "wrong" end] |
        [length, (map(select(. == "failed")) | length), (map(select(. == "wrong")) | length)]' got >counts || echo "bad JSON" >counts
    case $status:$(<counts) in
    0:"[4,0,0]" | 1:"[4,"[1-4]",0]") ;;
    3:"["[0-4],[0-4]",0]") grep -q . err ;;
    *)
        echo "$1 $2: exit $status, [records, failed, wrong]: $(<counts)"
        cat err
        false
        ;;
    esac || exit 1
}

@test "lm-send: whatever read, write or connect fails, each record is whole or says why" {
    plain_build_only
    mock
    requests 4 >in
    for kind in read write connect; do
        nth=1
        while fault $kind $nth; do nth=$((nth + 1)); done
        [ $nth -gt 2 ]
    done
}

@test "lm-send: whatever allocation fails, it says so and ends" {
    plain_build_only
    mock
    requests 4 >in
    nth=1
    while fault alloc $nth; do nth=$((nth + 1)); done
    [ $nth -gt 100 ]
}
