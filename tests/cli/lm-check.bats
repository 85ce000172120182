bats_require_minimum_version 1.5.0
load ../lib

# A record as a whole pipeline leaves it.
whole='{"id":"gsm8k/test/17#2","task":"gsm8k","input":{"question":"q"},"gold":"2,125","meta":{"item":"gsm8k/test/17","split":"test"},"api":"chat","request":{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null}],"stream":true,"stream_options":{"include_usage":true}},"at_ns":0,"session":{"id":"s1","turn":0,"think_ns":5},"response":{"text":"It is 4. #### 4","reasoning":"hm","finish_reason":"stop","status":200,"model":"m","url":"http://127.0.0.1:1/v1","usage":{"prompt_tokens":3},"tokens":{"prompt":3,"completion":2,"source":"usage"},"logprobs":[{"token":"a","bytes":[97],"logprob":-0.5,"top":[{"token":"b","bytes":null,"logprob":null}]}]},"timing":{"start":"2026-11-24T07:43:00.123456789Z","start_ns":1,"load":{"mode":"closed","concurrency":4,"seed":1,"urls":["u"]},"due_ns":1,"sent_ns":2,"connected_ns":3,"headers_ns":4,"first_ns":5,"last_ns":7,"end_ns":8,"chunks_ns":[5,5,7],"attempts":[{"sent_ns":0,"end_ns":1,"kind":"connect"}],"clock":"kernel","late":0,"read_lag_ns":9,"cpu":0.1,"warmup":true},"answer":{"value":"4","how":"hashes","span":[14,15],"others":[{"value":"4","how":"x"}]},"run":{"verdict":"passed","detail":"","wall_ms":1.5},"score":{"correct":false,"verdict":"wrong","reason":"r","f1":0.5},"route":{"policy":"p","model":"m","confidence":0.5,"escalated":true,"probability":0.1},"mine":{"x":1}}'

# says_of JQ MESSAGE: the whole record, changed so, has this one problem and no other.
says_of() {
    run --separate-stderr lm-check <<<"$(jq -c "$1" <<<"$whole")"
    echo "$1: exit $status: $stderr"
    [ "$status" -eq 1 ]
    [ "$stderr" = "lm-check: -:1: $2" ]
}

@test "lm-check: a whole record has no problem, and neither has any stage before it" {
    [ "$(lm-check <<<"$whole")" = "1 record, 0 malformed, 0 wrong, 0 problems, 0 notes" ]
    lm-check <<<'{"id":"a"}'
    lm-check <<<'{"id":"a","response":{"status":503,"error":{"kind":"http_status","message":""}},"timing":{"start":"2026-11-24T07:43:00Z","start_ns":0}}'
    lm-check </dev/null
}

@test "lm-check: says which member is wrong, and how" {
    says_of '.id = ""' 'id: is empty'
    says_of 'del(.id)' 'id: is missing'
    says_of '.id = "gsm8k/test/18"' 'id: is not meta.item with #k or @... behind it'
    says_of '.task = 3 | .gold = 4' 'task: is not a string'
    says_of '.meta = []' 'meta: is not an object'
    says_of '.api = "chatty"' 'api: "chatty" is none of chat, completions, embeddings'
    says_of '.api = "completions"' 'request.prompt: is missing, and api is completions'
    says_of 'del(.api) | del(.request.messages)' 'request: has none of messages, prompt, input'
    says_of '.request.messages = []' 'request.messages: is empty'
    says_of '.request.messages[1].content = 3' 'request.messages[1].content: is none of string, array, null'
    says_of 'del(.request.messages[0].role)' 'request.messages[0].role: is missing'
    says_of '.at_ns = 1.5' 'at_ns: is not an integer, 0 or more'
    says_of '.session.turn = -1' 'session.turn: is not an integer, 0 or more'
    says_of 'del(.session.id)' 'session.id: is missing'
    says_of '.response.text = null' 'response.text: is not a string'
    says_of '.response.error = {"kind":"gone"}' 'response.error.kind: "gone" is none of connect, tls, http_status, error_event, timeout, cancelled, truncated, parse, no_tokens'
    says_of 'del(.response.tokens.source)' 'response.tokens.source: is missing'
    says_of '.response.logprobs[0].top[0].bytes = ["a"]' 'response.logprobs[0].top[0].bytes[0]: is not an integer, 0 or more'
    says_of '.response.embedding = [1, 2.5, "x"]' 'response.embedding[2]: is not a number'
    says_of '.response.batch = {"id":"b","index":0}' 'response.batch.size: is missing'
    says_of '.answer.unscorable = "r"' 'answer: has not just one of value and unscorable'
    says_of '.answer.span = [14,16]' 'answer.span: ends at byte 16 of a text of 15'
    says_of '.answer.span = [2]' 'answer.span: has 1 elements, not 2'
    says_of '.run.verdict = "ok"' 'run.verdict: "ok" is none of passed, failed, timeout, killed, sandbox-error'
    says_of '.score.correct = true' 'score.correct: is true, and the verdict is wrong'
    says_of 'del(.score.correct)' 'score.correct: is missing, and the verdict is wrong'
    says_of '.score.verdict = "ungraded"' 'score.correct: is there, and the verdict is ungraded'
    says_of '.route.escalated = 1' 'route.escalated: is neither true nor false'
}

@test "lm-check: times must be whole, in order, and within the request" {
    says_of '.timing.start = "2026-11-24 07:43"' 'timing.start: is not a time such as "2026-11-24T07:43:00.123456789Z"'
    says_of 'del(.timing.start_ns)' 'timing.start_ns: is missing'
    says_of '.timing.load.mode = "loop"' 'timing.load.mode: "loop" is none of open, closed, at, tap'
    says_of '.timing.clock = "sundial"' 'timing.clock: "sundial" is none of packet, kernel, tls, read'
    says_of '.timing.headers_ns = 1' 'timing.headers_ns: 1 is before connected_ns, 3'
    says_of '.timing.last_ns = 9' 'timing.end_ns: 8 is before last_ns, 9'
    says_of '.timing.chunks_ns = [5,7,6]' 'timing.chunks_ns[2]: 6 is less than the 7 before it'
    says_of '.timing.chunks_ns = [5,"x"]' 'timing.chunks_ns[1]: is not an integer, 0 or more'
    says_of '.timing.chunks_ns = [5,9]' 'timing.chunks_ns: 9 is behind end_ns, 8'
    says_of 'del(.timing.sent_ns)' 'timing.sent_ns: is missing, and the request did not fail'
    says_of '.timing.attempts[0].kind = null' 'timing.attempts[0].kind: is not a string'
}

@test "lm-check: input and gold are held against the task" {
    says_of '.gold = 4' 'gold: is not a string'
    says_of '.input = {}' 'input.question: is missing'
    says_of '.task = "mmlu" | .gold = "E" | .input = {question:"q",choices:["1","2","3","4"]}' 'gold: "E" is none of A, B, C, D'
    says_of '.task = "mmlu" | .gold = "A" | .input = {question:"q",choices:["1","2"]}' 'input.choices: has 2 elements, not 4'
    says_of '.task = "squad" | .gold = ["a",1] | .input = {question:"q",context:"c",title:"t"}' 'gold[1]: is not a string'
    says_of '.task = "graph" | .gold = [{path:null,weight:null},{path:[1,2],weight:"3"}] | del(.input)' 'gold[1].weight: is not a number'
    lm-check <<<'{"id":"a","task":"graph","gold":{"path":null,"weight":null},"input":{"directed":true,"nodes":3,"edges":[[0,1,2.5]],"source":0,"target":2,"prompt":"p"}}'
    lm-check <<<'{"id":"a","task":"squad","gold":[],"input":{"question":"q","context":"c","title":"t"}}'
    lm-check <<<'{"id":"a","task":"of-my-own","gold":4,"input":[]}'
}

@test "lm-check: an id that was there before is found, in another file too, among many" {
    seq 5000 | jq -c '{id: "i/\(.)"}' >a
    seq 5001 9000 | jq -c '{id: "i/\(.)"}' >b
    lm-check a b
    echo '{"id":"i/77"}' >>b
    run --separate-stderr lm-check a b
    [ "$status" -eq 1 ]
    [ "$stderr" = 'lm-check: b:4001: id: "i/77" was there before' ]
}

@test "lm-check: an integer beyond 2^53 is noted, and is no problem" {
    run --separate-stderr lm-check <<<'{"id":"1234567890123456789","a":{"b":[9007199254740992,9007199254740993]},"c":"9007199254740993"}'
    [ "$status" -eq 0 ]
    [ "$stderr" = "lm-check: -:1: a.b[1]: is an integer beyond 2^53, which jq 1.6 and others round (a note)" ]
    [ "$output" = "1 record, 0 malformed, 0 wrong, 0 problems, 1 note" ]
    for pad in {1..70}; do # wherever in the line it stands
        printf '{"id":"%*s","a":9007199254740993}\n' "$pad" x
    done >padded
    run --separate-stderr lm-check padded
    [ "$output" = "70 records, 0 malformed, 0 wrong, 0 problems, 70 notes" ]
}

@test "lm-check: a malformed line is reported, the rest is checked, exit 1" {
    run --separate-stderr lm-check --format json <<<$'{"id":"a"}\n{"id":\n{"id":"b","id":"c"}\n{"id":"d"}'
    [ "$status" -eq 1 ]
    [ "$output" = '{"records":2,"malformed":2,"wrong":0,"problems":0,"notes":0}' ]
    [[ ${stderr_lines[0]} == "lm-check: -:2: not JSON"* ]]
    [[ ${stderr_lines[1]} == "lm-check: -:3: \"id\" is there twice" ]]
}

@test "lm-check: any one allocation, read or write may fail" {
    printf '%s\n' "$whole" '{"id":"b"}' 'garbage' >records
    for kind in alloc read write; do
        fails_everywhere "$kind" lm-check records
    done
}
