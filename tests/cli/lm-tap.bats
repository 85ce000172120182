# lm-tap on capture files made here (make-capture.c says how), and live on lo where packets may be seen.
bats_require_minimum_version 1.5.0
load ../lib
shopt -s lastpipe # what is piped into tap leaves its status here

# --- what crosses the wire, as make-capture takes it ---

question='{"model":"m","messages":[{"role":"user","content":"a private question"}],"stream":true}'
# ask [BODY [HEADERS [PATH]]]
ask() {
    local body=${1:-$question}
    printf 'POST %s HTTP/1.1\\r\\nHost: x\\r\\n%sContent-Length: %d\\r\\n\\r\\n%s' "${3:-/v1/chat/completions}" "${2:-}" "${#body}" "$body"
}
stream_head='HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
event() {
    printf '%x\\r\\ndata: %s\\n\\n\\r\\n' "$((${#1} + 8))" "$1"
}
# token TEXT [FINISH]
token() {
    event "{\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"$1\"},\"finish_reason\":${2:-null}}]}"
}
role=$(event '{"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}')
usage=$(event '{"model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}')
end=$(event '[DONE]')'0\r\n\r\n'

# The usual: a connection, a question, three tokens.
hello() {
    echo "0 c syn
100 s syn
200 c ack
1000 c data $(ask "$question" 'X-Request-Id: q/1\r\nAuthorization: Bearer sk-private\r\n')
1100 s ack
2000 s data $stream_head
3000 s data $role$(token one)
3010 c ack
4000 s data $(token ' private')
5000 s data $(token ' two' '"stop"')$usage$end
5010 c ack"
}
goodbye='9000 c fin
9010 s fin
9020 c ack'

# tap [OPTION...] <DESCRIPTION, [of make-capture its options in $made]: records in out, status in $status
tap() {
    make-capture $made >capture
    status=0
    timeout 20 lm-tap -r capture --port 8000 "$@" >out 2>err || status=$?
    lm-check out >check || { cat out check; return 1; }
}
# its TIMES: those of the only record are these
its() {
    [ "$(wc -l <out)" = 1 ]
    [ "$(jq -c '.timing | [.syn_ns, .sent_ns, .headers_ns, .first_ns, .last_ns, .end_ns, .chunks_ns]' out)" = "$1" ] || { cat out; return 1; }
}
whole='[0,1000000,2000000,3000001,5000000,5000000,[3000000,3000001,4000000,5000000]]'
made=

@test "lm-tap: a request and its answer are a record, each piece timed by its packet" {
    hello | tap
    [ "$status" -eq 0 ]
    its "$whole"
    [ "$(jq -c '[.id, .api, .response.status, .response.finish_reason, .response.model, .response.url]' out)" = '["q/1","chat",200,"stop","m","http://10.0.0.2:8000/v1"]' ]
    [ "$(jq -c '.response.tokens' out)" = '{"prompt":7,"completion":3,"source":"usage"}' ]
    [ "$(jq -c '.meta' out)" = "{\"client\":\"10.0.0.1:40000\",\"request_bytes\":${#question},\"response_bytes\":$(hello | grep -oE 'data: [^\\]*' | awk '{n += length + 2} END {print n}'),\"text_bytes\":15}" ]
    [ "$(jq -c '.timing | [.start, .start_ns, .clock, .late, .load]' out)" = '["2023-11-14T22:13:20.000000000Z",null,"packet",0,{"mode":"tap","file":"capture","ports":[8000]}]' ]
}

@test "lm-tap: without --text nothing that was said is in the record, with it all; a key never" {
    hello | tap
    run -1 grep -E 'private|sk-' out
    hello | tap --text
    [ "$(jq -r '.response.text' out)" = "one private two" ]
    [ "$(jq -c '.request' out)" = "$question" ]
    run -1 grep 'sk-' out
    # a server may quote what it refuses
    refusal='{"error":{"message":"no such key: sk-private"}}'
    for text in '' --text; do
        printf '0 c data %s\n1 s data HTTP/1.1 401 No\\r\\nContent-Length: %d\\r\\n\\r\\n%s\n' \
            "$(ask "$question" 'Authorization: Bearer sk-private\r\n')" "${#refusal}" "$refusal" | tap $text
        [ "$status" -eq 1 ]
        [ "$(jq -c '[.response.status, .response.error.kind]' out)" = '[401,"http_status"]' ]
        run -1 grep 'sk-' out
    done
    grep -q 'no such key' out
}

@test "lm-tap: the same from every link type, IP version, precision and file format" {
    for made in "--link vlan" "--link sll" "--link sll2" "--link null" "--link raw" "--ip 6" "--ip 6 --link sll2" --ns --ng "--ng --ns"; do
        hello | tap
        its "$whole"
        [ "$status" -eq 0 ]
    done
    made="--ip 6"
    hello | tap
    [ "$(jq -r .meta.client out)" = "[fd00::1]:40000" ]
    [ "$(jq -r .response.url out)" = "http://[fd00::2]:8000/v1" ]
    made=
    hello | make-capture | timeout 20 lm-tap -r - --port 8000 >piped 2>/dev/null
    hello | tap
    cmp <(jq -c 'del(.timing.load)' out) <(jq -c 'del(.timing.load)' piped)
}

@test "lm-tap: packets of any size, one byte too, and sequence numbers that wrap" {
    for cut in 1 2 3 7 100; do
        for isn in 0 4294967200 2147483600; do
            made="--cut $cut --isn $isn"
            hello | tap
            its "$whole"
        done
    done
}

@test "lm-tap: what is sent again is skipped, and the first copy's time counts" {
    hello | sed '/^4000/a 4500 s again' | sed '/^1000/a 1500 c again' | sed '/^0 c/a 50 c again' | sed 's/^50 c again/50 c ack/' | tap
    its "$whole"
    [ "$status" -eq 0 ]
}

@test "lm-tap: packets out of order: an event arrived when its last missing byte did" {
    hello | sed 's/^3000 s data/3000 s later x/; /^4000/a 4200 s emit x' | tap
    its '[0,1000000,2000000,4200001,5000000,5000000,[4200000,4200001,4200001,5000000]]'
    [ "$status" -eq 0 ]
    # also of the request
    printf '%s\n' "0 c syn" "1 s syn" "5 c later x $(ask | cut -c1-40)" "6 c data $(ask | cut -c41-)" "9 c emit x" "20 s data $stream_head" \
        "30 s data $(token hi '"stop"')$end" | tap
    [ "$(jq -c '[.timing.sent_ns, .timing.first_ns]' out)" = '[9000,30000]' ]
}

@test "lm-tap: what the capture missed is said, and the next request is whole" {
    { hello | sed 's/^4000 s data/4000 s lost/'; echo "200000 c data $(ask)
201000 s data $stream_head
202000 s data $(token hi '"stop"')$end"; } | tap
    [ "$status" -eq 1 ]
    [ "$(jq -c '[.timing.partial, .response.error.kind]' out | tr -d '\n')" = '[true,"truncated"][null,null]' ]
    [[ "$(jq -r '.response.error.message | values' out)" == "captured in part: "*" bytes of the answer are missing" ]]
    grep -q 'not all of these was captured.*records=1' err
    # lm-stat leaves it out of all figures
    [ "$(lm-stat --format json out | jq -c '.requests | [.partial, .completed, .failed]')" = '[1,1,0]' ]
    # of a request, too
    { hello | sed "s/^1000 c data .*/1000 c data $(ask | cut -c1-70 | sed 's/\\/\\\\/g; s/\//\\\//g')\n1001 c lost xxxx/"; echo "200000 c data $(ask)
201000 s data $stream_head
202000 s data $(token hi '"stop"')$end"; } | tap
    [ "$(tail -n 1 out | jq -c '[.timing.sent_ns, .timing.partial]')" = '[200000000,null]' ]
}

@test "lm-tap: packets that were captured only in part" {
    made="--snap 200"
    hello | tap
    [ "$status" -eq 1 ]
    [ "$(jq -c '.timing.partial' out)" = true ]
    # so short that of no request the head is whole
    made="--snap 100"
    hello | tap
    [ "$status" -eq 1 ]
    [ ! -s out ]
    grep -q 'not all that was sent is in the capture missing_bytes=' err
}

@test "lm-tap: a connection seen first in its middle is of use from its next request on" {
    { hello | sed -n '/^3000/,$p'; echo "7000 c data $(ask)
8000 s data $stream_head
9000 s data $(token hi '"stop"')$end"; } | tap
    [ "$status" -eq 0 ]
    [ "$(jq -c '.timing | [.syn_ns, .sent_ns, .first_ns]' out)" = '[null,4000000,6000000]' ]
    grep -q 'begun before the capture are left out connections=1' err
    # and in the middle of a request
    { printf '10 c data %s\n' "$(ask | cut -c40-)"; hello | sed -n '/^2000/,$p' | sed 's/^/1/'; } | tap
    [ ! -s out ]
    [ "$status" -eq 0 ]
}

@test "lm-tap: two requests on a connection, one after the other, and both at once" {
    { hello; hello | sed 1,3d | sed 's/^/1/; s/q.1/q\/2/'; echo "$goodbye" | sed 's/^/2/'; } | tap
    [ "$(jq -c '[.id, .timing.syn_ns, .timing.sent_ns, .timing.end_ns]' out | tr -d '\n')" = '["q/1",0,1000000,5000000]["q/2",null,11000000,15000000]' ]
    [ "$status" -eq 0 ]
    printf '%s\n' "0 c data $(ask "$question" 'X-Request-Id: a\r\n')$(ask "$question" 'X-Request-Id: b\r\n')" \
        "10 s data $stream_head$(token one '"stop"')$end$stream_head" "20 s data $(token two '"stop"')$end" | tap --text
    [ "$(jq -c '[.id, .response.text, .timing.sent_ns, .timing.end_ns]' out | tr -d '\n')" = '["a","one",0,10000]["b","two",0,20000]' ]
}

@test "lm-tap: a port that is used again is another connection; ids are those of the capture" {
    { hello; echo "6000 c fin"; hello | sed 's/^/1/; s/X-Request-Id: q.1/X-Other: 1/'; } | sed 's/^10 c syn/10000 c syn/' >twice
    made="--isn 100"
    { hello | sed 's/X-Request-Id: q.1/X-Other: 1/'; echo "6000 c rst"; hello | sed 's/^/1000/; s/X-Request-Id: q.1/X-Other: 1/'; } | tap
    [ "$(jq -r .id out | tr '\n' ' ')" = "10.0.0.1:40000/1 10.0.0.1:40000/2 " ]
    [ "$(jq -c '.timing.partial' out | sort -u)" = null ]
}

@test "lm-tap: a client that leaves, a server that does, a reset, an end that nobody saw" {
    said() { jq -c '[.response.error.kind, .response.error.message, .timing.end_ns, .timing.partial]' out; }
    { hello | sed '/^5000/,$d'; echo "6000 c fin"; echo "6500 s data $(token late)"; echo "7000 s fin"; } | tap
    [ "$(said)" = '["truncated","the client closed the connection before the answer was whole",6500000,null]' ]
    [ "$status" -eq 1 ]
    { hello | sed '/^5000/,$d'; echo "6000 c rst"; } | tap
    [ "$(said)" = '["truncated","the client closed the connection before the answer was whole",6000000,null]' ]
    { hello | sed '/^5000/,$d'; echo "6000 s fin"; } | tap
    [ "$(said)" = '["truncated","the server closed the connection in the middle of the answer",6000000,null]' ]
    { hello | sed '/^2000/,$d'; echo "6000 s fin"; } | tap
    [ "$(said)" = '["truncated","the server closed the connection before an answer",6000000,null]' ]
    { hello | sed '/^2000/,$d'; echo "6000 s rst"; } | tap
    [ "$(said)" = '["truncated","the server reset the connection",6000000,null]' ]
    hello | sed '/^5000/,$d' | tap
    [ "$(said)" = '["truncated","captured in part: it was not over when the capture ended",4000000,true]' ]
}

@test "lm-tap: answers that are no stream, that end with the connection, and what is asked of other paths" {
    answer='{"model":"m","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
    plain='{"messages":[{"role":"user","content":"x"}]}'
    printf '%s\n' "0 c data $(ask "$plain")" "10 s data HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: ${#answer}\\r\\n\\r\\n" \
        "20 s data $answer" "30 c data GET /metrics HTTP/1.1\\r\\n\\r\\n" "40 s data HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nab" \
        "50 c data $(ask '{"prompt":"x"}' '' /proxy/v1/completions?key=sk-x)" \
        "60 s data HTTP/1.0 200 OK\\r\\nContent-Type: application/json\\r\\n\\r\\n$answer" "70 s fin" | tap --text
    [ "$status" -eq 0 ]
    [ "$(jq -c '[.api, .response.text, .timing.headers_ns, .timing.end_ns, .timing.chunks_ns]' out | tr -d '\n')" = '["chat","hi",10000,20000,null]["completions","hi",60000,60000,null]' ]
    grep -q other_requests=1 err
    run -1 grep sk-x out
    # an error in the stream, an answer before the request was over, and HEAD, which has no body
    printf '%s\n' "0 c data $(ask)" "10 s data $stream_head$(event '{"error":{"message":"private"}}')$end" \
        "20 c data HEAD /health HTTP/1.1\\r\\n\\r\\n" "30 s data HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n" \
        "40 c data $(ask | cut -c1-120)" "50 s data HTTP/1.1 413 Too long\\r\\nContent-Length: 0\\r\\n\\r\\n" "60 c data $(ask | cut -c121-)" \
        "70 c data $(ask)" "80 s data $stream_head$(token hi '"stop"')$end" | tap
    [ "$(jq -c '[.response.status, .response.error.kind, .timing.end_ns]' out | tr -d '\n')" = '[200,"error_event",10000][413,"http_status",50000][200,null,80000]' ]
    run -1 grep private out
}

@test "lm-tap: TLS and HTTP/2 are said, and other ports are not looked at" {
    printf '0 c data \\x16\\x03\\x01\\x02\\x00\n1 s data \\x16\\x03\\x03\n' | tap
    [ "$status" -eq 1 ]
    [ ! -s out ]
    grep -q 'carry TLS.*connections=1' err
    printf '0 c data PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n\n' | tap
    [ "$status" -eq 1 ]
    grep -q 'something else than HTTP/1' err
    hello | make-capture >capture
    timeout 20 lm-tap -r capture --port 8001 >out 2>err
    [ ! -s out ]
    timeout 20 lm-tap -r capture --port 8001 --port 8000 >out 2>err
    [ "$(jq -c .timing.load.ports out)" = "[8001,8000]" ]
}

@test "lm-tap: -n ends it, -o gives the file its name at the end" {
    { hello; hello | sed 1,3d | sed 's/^/1/'; } | tap -n 1 -o records
    [ "$(wc -l <records)" = 1 ]
    [ ! -s out ]
}

@test "lm-tap: of a capture that comes through a pipe, a record is there as soon as its request is over" {
    mkfifo pipe
    (timeout 20 lm-tap -q -r - --port 8000 <pipe >piped) 3>&- &
    exec 5>pipe
    { hello; echo "$goodbye"; } | make-capture >&5
    wait_until grep -q '"id":"q/1"' piped
    exec 5>&-
}

@test "lm-tap: wrong options, and files that are no captures" {
    for wrong in "" "-i lo" "--port 8000" "-i lo -r x --port 1" "-i lo --port 0" "-i lo --port x" "-r x --port 1 -- true"; do
        run --separate-stderr timeout 20 lm-tap $wrong
        [ "$status" -eq 2 ]
    done
    echo nonsense >x
    run --separate-stderr timeout 20 lm-tap -r x --port 1
    [ "$status" -eq 3 ]
    [[ $stderr == *"x: "* ]]
    run --separate-stderr timeout 20 lm-tap -r missing --port 1
    [ "$status" -eq 3 ]
    [[ $stderr == *"missing: No such file"* ]]
    hello | make-capture | head -c 700 >cut
    run --separate-stderr timeout 20 lm-tap -r cut --port 8000
    [ "$status" -eq 3 ]
    [[ $stderr == *truncated* ]]
}

@test "lm-tap: any one allocation may fail" {
    { hello; hello | sed 1,3d | sed 's/^/1/'; echo "$goodbye"; } | sed 's/^3000 s data/3000 s later x/; s/^5010 .*/5010 s emit x/' | make-capture >capture
    fails_everywhere alloc lm-tap -q --text -r capture --port 8000
}

# --- live ---

can_capture() {
    lm-tap -q -i lo --port 1 --duration 10ms 2>why || skip "NOT TESTED: $(<why)"
}
mock() {
    rm -f port
    start mock lm-mock -q --port 0 --port-file port "$@"
    until [ -e port ]; do kill -0 "${pids[mock]}"; done
    port=$(<port)
}
requests() {
    seq 1 "$1" | jq -c --argjson more "${2:-{\}}" '{id: "r/\(.)", api: "chat",
        request: ({messages: [{role: "user", content: "hi"}], max_tokens: 5, stream: true, stream_options: {include_usage: true}} + $more)}'
}

@test "lm-tap: live on lo, what it saw is what the client got and the server wrote" {
    can_capture
    mock --log log
    requests 40 >in
    timeout 30 lm-tap -q -i lo --port "$port" --text -o seen -- lm-send -q --url "http://127.0.0.1:$port" -c 8 -o sent in
    lm-check seen
    stop mock
    facts='[.id, .request, .response.text, .response.usage, .response.finish_reason, (.timing.chunks_ns | length)]'
    diff <(jq -c "$facts" sent | sort) <(jq -c "$facts" seen | sort)
    jq -s -e 'all(.timing.clock == "packet" and (.timing.partial | not))' seen >/dev/null
    diff <(jq -c '[.id, (.writes_ns | length)]' log | sort) <(jq -c '[.id, (.timing.chunks_ns | length)]' seen | sort)
}

@test "lm-tap: live on lo, it tells of every fault what the client tells" {
    can_capture
    mock --itl 0
    for fault in $(lm-mock --list-faults | awk '{print $1}'); do
        # of these the client's own limits of time are the end, or it has sent the request once more
        [[ " hang stall endless stale " == *" $fault "* ]] ||
            requests 1 "{\"mock\":{\"fault\":\"$fault\",\"after\":2,\"for_ms\":50}}" | sed "s/r.1/$fault/"
    done >in
    status=0
    timeout 60 lm-tap -q -i lo --port "$port" --text -o seen -- lm-send -q --url "http://127.0.0.1:$port" -c 4 -o sent in || status=$?
    [ "$status" -eq 1 ]
    lm-check seen >/dev/null 2>problems || true
    run -1 grep -v 'was there before' problems # where lm-send tried again, that is a record more
    facts='[.id, .response.error.kind, .response.text, .response.reasoning, .response.status, .response.usage, (.timing.chunks_ns // [] | length)]'
    diff <(jq -c "$facts" sent | sort) <(jq -s -c 'INDEX(.id)[]' seen | jq -c "$facts" | sort)
    [ "$(wc -l <seen)" -ge 30 ]
}

@test "lm-tap: a command's status is ours, its output stays apart, and it is told to end with us" {
    can_capture
    run --separate-stderr timeout 20 lm-tap -q -i lo --port 9 -- sh -c 'echo said; exit 7'
    [ "$status" -eq 7 ]
    [ -z "$output" ]
    [[ $stderr == *said* ]]
    run --separate-stderr timeout 20 lm-tap -q -i lo --port 9 -o out -- echo said
    [ "$status" -eq 0 ]
    [ "$output" = said ]
    [ ! -s out ]
    run --separate-stderr timeout 20 lm-tap -q -i lo --port 9 -- ./no-such-program
    [ "$status" -eq 3 ]
    start tap lm-tap -q -i lo --port 9 -- sh -c 'trap "exit 5" TERM; echo ready >&2; while :; do sleep 0.01; done'
    says tap ready
    status=0
    stop tap || status=$?
    [ "$status" -eq 5 ]
}

@test "lm-tap: with all that it wants it looks no further, though the command runs on" {
    can_capture
    mock
    requests 2 >in
    # the command ends when the socket of the packets is closed
    timeout 20 lm-tap -q -i lo --port "$port" -n 1 -o seen -- bash -c '
        open() { ls /proc/$PPID/fd | wc -l; }
        before=$(open)
        lm-send -q --url "$1" -o sent in
        while [ "$(open)" -ge "$before" ]; do :; done' - "http://127.0.0.1:$port"
    [ "$(wc -l <seen)" = 1 ]
}

@test "lm-tap: a signal ends it; what was under way is written as it stands" {
    can_capture
    mock --ttft 0 --itl 60s
    requests 1 >in
    start tap lm-tap -i lo --port "$port"
    says tap watching
    start client lm-send -q --url "http://127.0.0.1:$port" in
    wait_until sh -c "curl -s http://127.0.0.1:$port/metrics | grep -q '^vllm:num_requests_running.* 1'"
    status=0
    stop tap || status=$?
    [ "$status" -eq 1 ]
    [ "$(jq -c '[.timing.partial, (.timing.chunks_ns | length), .response.error.kind]' tap.out)" = '[true,2,"truncated"]' ]
}

@test "lm-tap: a signal that comes twice, as from timeout, takes nothing away" {
    can_capture
    start tap lm-tap -i lo --port 9 -o seen
    says tap watching
    kill -TERM "${pids[tap]}"
    kill -INT "${pids[tap]}"
    ended tap
    [ -e seen ]
    # nor does one after --duration, while the command still runs
    start tap lm-tap -i lo --port 9 --duration 1ms -o late -- bash -c '
        trap "exit 5" TERM
        inodes() { ls -l /proc/$PPID/fd | grep -o "socket:.[0-9]*" | tr -dc "0-9\n" | sort; }
        while inodes | grep -qxFf - <(awk "{print \$9}" /proc/net/packet); do :; done
        echo unwatched >&2
        while :; do sleep 0.01; done'
    says tap unwatched
    status=0
    stop tap || status=$?
    [ "$status" -eq 5 ]
    [ -e late ]
}

@test "lm-tap: a reader that leaves ends it quietly" {
    can_capture
    mock
    requests 40 >in
    (set +e; lm-tap -q -i lo --port "$port" 2>said | head -n 1 >got; echo "${PIPESTATUS[0]}" >status) 3>&- &
    until [ -s status ]; do lm-send -q --url "http://127.0.0.1:$port" in >/dev/null; done
    [ "$(<status)" -eq 141 ]
    [ ! -s said ]
}

@test "lm-tap: without the right to see packets it says what would give it" {
    [ "$(id -u)" = 0 ] || skip "only root can lay the right down"
    chmod a+rx . 2>/dev/null
    run --separate-stderr timeout 20 setpriv --bounding-set -net_raw --inh-caps -net_raw lm-tap -i lo --port 1 --duration 10ms
    [ "$status" -eq 3 ]
    [[ $stderr == *"CAP_NET_RAW: sudo setcap cap_net_raw+ep /"*"/lm-tap"* ]]
    run --separate-stderr timeout 20 lm-tap -i nosuch0 --port 1
    [ "$status" -eq 3 ]
    [[ $stderr == *nosuch0* ]]
}

@test "lm-send --clock packet: arrivals are those of the packets" {
    can_capture
    mock --log log --ttft 5ms --itl 1ms
    requests 60 >in
    for host in 127.0.0.1 localhost; do
        timeout 30 lm-send -q --clock packet --url "http://$host:$port" -c 7 in >sent
        lm-check sent
        [ "$(jq -c '[.timing.clock, .timing.late, (.timing.chunks_ns | length)]' sent | sort | uniq -c | awk '{print $1, $2}')" = '60 ["packet",0,6]' ]
    done
    # failures too, and answers that are no stream; a client that gave up has its own clock
    requests 1 '{"mock":{"fault":"error-event","after":2}}' >in
    requests 1 '{"stream":false}' >>in
    requests 1 '{"mock":{"fault":"http-429"}}' >>in
    timeout 30 lm-send -q --clock packet --url "http://127.0.0.1:$port" in >sent || [ $? = 1 ]
    [ "$(jq -r .timing.clock sent | sort -u)" = packet ]
    requests 1 '{"mock":{"fault":"stall","after":2}}' >in
    timeout 30 lm-send -q --clock packet --timeout 300ms --url "http://127.0.0.1:$port" in >sent || [ $? = 1 ]
    [ "$(jq -c '[.timing.clock, .response.error.kind]' sent)" = '["kernel","timeout"]' ]
}

@test "lm-send --clock packet: sessions, and several servers" {
    can_capture
    mock_at() { start "$1" lm-mock -q --port 0 --port-file "port.$1" --ttft 5ms
        until [ -e "port.$1" ]; do kill -0 "${pids[$1]}"; done; }
    mock_at one
    mock_at two
    jq -nc 'range(6) as $s | range(3) as $t | {id: "\($s)/\($t)", session: {id: "\($s)", turn: $t}, request: {max_tokens: 4, stream: true,
        messages: ([range($t) | {role: "user", content: "a"}, {role: "assistant", content: null}] + [{role: "user", content: "a"}])}}' >in
    timeout 60 lm-send -q --clock packet -c 3 --url "http://127.0.0.1:$(<port.one)" --url "http://127.0.0.1:$(<port.two)" in >sent
    lm-check sent
    [ "$(jq -r .timing.clock sent | sort | uniq -c | xargs)" = "18 packet" ]
    [ "$(jq -r .response.url sent | sort -u | wc -l)" -eq 2 ]
    run --separate-stderr lm-send --clock packet --batch 2 --url "http://127.0.0.1:$(<port.one)" in
    [ "$status" -eq 2 ]
}

@test "lm-send --clock packet: says what it needs, and that https is closed to it" {
    requests 1 >in
    run --separate-stderr timeout 20 lm-send --clock packet --url https://127.0.0.1:1 in
    [ "$status" -eq 2 ]
    [[ $stderr == *https* ]]
    [ "$(id -u)" = 0 ] || skip "only root can lay the right down"
    run --separate-stderr timeout 20 setpriv --bounding-set -net_raw --inh-caps -net_raw lm-send --clock packet --url http://127.0.0.1:1 in
    [ "$status" -eq 3 ]
    [[ $stderr == *"--clock packet: lo: "*"CAP_NET_RAW: sudo setcap cap_net_raw+ep /"*"/lm-send"* ]]
}
