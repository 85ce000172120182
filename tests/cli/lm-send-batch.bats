# Embeddings, and several records that share one request.
bats_require_minimum_version 1.5.0
load ../lib

# completions N [JSON of the body's more members]: N records on standard output; the kth prompt has k words, and so lm-mock's
# answer to it in a batch begins at its kth word
completions() {
    seq 1 "$1" | jq -c --argjson more "${2:-{\}}" '{id: "c/\(.)", api: "completions",
        request: ({prompt: ([range(.) | "w"] | join(" ")), max_tokens: 3, stream: true, stream_options: {include_usage: true}} + $more)}'
}
texts() {
    seq 1 "$1" | jq -c --argjson more "${2:-{\}}" '{id: "e/\(.)", request: ({input: "word\(.) more", dimensions: 4} + $more)}'
}
# The texts of the kth records, as jq makes them.
words='["The mock server"," mock server says"," server says one"," says one word"," one word for"," word for each"," for each token"]'
# mock ARG...: a server, whose URL is $url; it logs to log
mock() {
    rm -f port
    start mock lm-mock -q --port 0 --port-file port --log log "$@"
    until [ -e port ]; do kill -0 "${pids[mock]}"; done
    url=http://127.0.0.1:$(<port)
}
send() {
    timeout 30 lm-send -q --url "$url" "$@"
}
# How many requests the server got, after it was stopped.
requests_served() {
    stop mock || true
    wc -l <log
}

@test "lm-send: embeddings: the vector, usage, input tokens; nothing of a stream" {
    mock
    texts 3 '{"stream": true}' >in
    send in >out
    lm-check out
    [ "$(jq -c '.response | [(.embedding | length), (.embedding | map(. * .) | add * 1000 | round), .status, .tokens, has("text")]' out | sort -u)" = \
        '[4,1000,200,{"prompt":2,"source":"usage"},false]' ]
    [ "$(jq -c '.timing | has("first_ns", "last_ns", "chunks_ns", "late")' out | sort -u)" = false ]
    [ "$(jq -c .response.embedding out | sort -u | wc -l)" = 3 ]
    texts 3 '{"encoding_format": "base64"}' >in
    send in >as64
    cmp <(jq -c .response.embedding out) <(jq -c .response.embedding as64)
}

@test "lm-send: embeddings that do not come are a failure" {
    mock
    texts 1 '{"mock": {"fault": "no-choices"}}' >in
    run -1 --separate-stderr send in
    [ "$(jq -c .response.error <<<"$output")" = '{"kind":"no_tokens","message":"no data in the answer"}' ]
    texts 1 '{"mock": {"fault": "truncate"}}' >in
    run -1 --separate-stderr send in
    [ "$(jq -r .response.error.kind <<<"$output")" = truncated ]
    texts 1 '{"mock": {"fault": "garbage"}}' >in
    run -1 --separate-stderr send in
    [ "$(jq -r .response.error.kind <<<"$output")" = parse ]
}

@test "lm-prompt: embeddings take the text as input, and no sampling" {
    echo '{"id":"a","task":"chat","input":{"prompt":"some text"}}' >in
    [ "$(lm-prompt --api embeddings -m bge in | jq -c '[.api, .request]')" = '["embeddings",{"model":"bge","input":"some text"}]' ]
    [ "$(lm-prompt --api embeddings in | jq -c .request)" = '{"input":"some text"}' ]
    [ "$(lm-prompt --api embeddings --extra '{"dimensions": 8}' in | jq -c .request)" = '{"input":"some text","dimensions":8}' ]
    run -2 lm-prompt --api embeddings --temperature 0 in
    [[ $output == *"nothing is generated"* ]]
}

@test "lm-send --batch: each record gets its own text and times, and the first the usage" {
    mock
    completions 7 >in
    send --batch 3 in >out
    lm-check out
    [ "$(requests_served)" = 3 ]
    [ "$(jq -s -c 'map(.response.text)' out)" = "$(jq -c '.[0:6] + ["The mock server"]' <<<"$words")" ] # the last went alone
    [ "$(jq -s -c 'map(.response.batch | [.id, .index, .size]?)' out)" = \
        '[["c/1",0,3],["c/1",1,3],["c/1",2,3],["c/4",0,3],["c/4",1,3],["c/4",2,3],[null,null,null]]' ]
    [ "$(jq -s -c 'map(.response | [.usage.completion_tokens, has("tokens")])' out)" = \
        '[[9,false],[null,false],[null,false],[9,false],[null,false],[null,false],[3,true]]' ]
    [ "$(jq -c '.timing | [(.chunks_ns | length), .chunks_ns[0] == .first_ns, .chunks_ns[-1] == .last_ns, .end_ns >= .last_ns]' out | sort -u)" = '[3,true,true,true]' ]
    [ "$(jq -c '[.timing.start, .timing.sent_ns]' out | sort -u | wc -l)" = 3 ]
    [ "$(jq -c '[.timing.load.batch, .response.model, .response.finish_reason]' out | sort -u)" = '[3,"mock","length"]' ]
}

@test "lm-send --batch: tokens are told apart by running usage, ids or log-probabilities" {
    mock
    tokens() { completions 3 "$1" | send --batch 3 | jq -c .response.tokens; }
    [ "$(tokens '{"stream_options": {"include_usage": true, "continuous_usage_stats": true}}')" = '{"prompt":1,"completion":3,"source":"usage"}
{"prompt":2,"completion":3,"source":"usage"}
{"prompt":3,"completion":3,"source":"usage"}' ]
    [ "$(tokens '{"return_token_ids": true}' | sort -u)" = '{"completion":3,"source":"ids"}' ]
    [ "$(tokens '{"logprobs": 1}' | sort -u)" = '{"completion":3,"source":"ids"}' ]
    [ "$(tokens '{}' | sort -u)" = null ]
}

@test "lm-send --batch: answers that are no stream, each server's wire, lists of token ids" {
    for wire in vllm sglang llama.cpp; do
        for more in '{"stream": false}' '{}'; do
            mock --wire $wire
            completions 4 "$more" >in
            send --batch 4 in >out
            [ "$(jq -s -c 'map(.response.text)' out)" = "$(jq -c '.[0:4]' <<<"$words")" ]
            [ "$(requests_served)" = 1 ]
        done
    done
    mock
    completions 3 | jq -c '.request.prompt |= [range(length / 2 | ceil) + 5]' >in
    send --batch 4 in >out
    [ "$(jq -s -c 'map(.response.text)' out)" = "$(jq -c '.[0:3]' <<<"$words")" ]
}

@test "lm-send --batch: embeddings share a request too, and get what they get alone" {
    mock
    texts 5 >in
    send in >alone
    send --batch 5 in >out
    lm-check out
    cmp <(jq -c .response.embedding alone) <(jq -c .response.embedding out)
    [ "$(jq -s -c 'map(.response.usage.prompt_tokens)' out)" = '[10,null,null,null,null]' ]
    [ "$(requests_served)" = 6 ]
}

@test "lm-send --batch: what does not fit starts another, or goes alone" {
    mock
    {
        completions 2
        completions 2 '{"max_tokens": 4}' | sed 's|c/|d/|'
        echo '{"id":"chat","request":{"messages":[{"role":"user","content":"x"}],"max_tokens":2}}'
        echo '{"id":"two","request":{"prompt":"x","n":2,"max_tokens":2}}'
        echo '{"id":"array","request":{"prompt":["x"],"max_tokens":2}}'
        echo '{"id":"turn","session":{"id":"s","turn":0},"request":{"prompt":"x","max_tokens":2}}'
        texts 2
    } >in
    send --batch 8 in >out
    lm-check -q out
    [ "$(jq -s -c 'map([.id, .response.batch.id, .response.status])' out)" = '[["c/1","c/1",200],["c/2","c/1",200],["d/1","d/1",200],["d/2","d/1",200],["chat",null,200],["two",null,200],["array",null,200],["turn",null,200],["e/1","e/1",200],["e/2","e/1",200]]' ]
}

@test "lm-send --batch: at their times, those of one time share a request; a rate counts requests" {
    mock
    completions 5 | jq -c '.at_ns = (.id[2:] | tonumber / 3 | floor) * 30000000' >in # 0 0 30 30 30 ms
    send --batch 8 in >out
    [ "$(jq -s -c 'map([.response.batch.id, .timing.due_ns])' out)" = \
        '[["c/1",0],["c/1",0],["c/3",30000000],["c/3",30000000],["c/3",30000000]]' ]
    send --batch 2 --rate 100 --arrivals constant in >out
    [ "$(jq -s -c 'map(.timing.due_ns)' out)" = '[0,0,10000000,10000000,20000000]' ]
}

@test "lm-send --batch: -c counts requests, and lm-stat counts a batch's tokens and its request once" {
    mock --itl 10ms
    completions 8 '{"max_tokens": 20}' >in
    send --batch 2 -c 2 in >out
    [ "$(lm-stat --format json out | jq -c '[.requests.completed, .requests.batched, .requests.batches, .tokens.input, .tokens.output,
        .tokens.uncounted_requests, .peak_concurrency, .ttft_ms.count]')" = '[8,8,4,36,160,0,2,8]' ]
    lm-stat out | grep -q '8 completed, 8 of them sent in 4 batches'
    jq -c 'del(.response.usage)' out >nobody
    [ "$(lm-stat --format json nobody | jq -c '[.tokens.uncounted_requests, has("output_token_throughput_tps")]')" = '[4,false]' ]
    stop mock || true
    [ "$(jq -s 'sort_by(.received_ns) | .[1].received_ns < .[0].end_ns and .[2].received_ns > .[0].end_ns' log)" = true ]
    mock
    texts 6 >in
    send --batch 3 in >out
    [ "$(lm-stat --format json out | jq -c '[.tokens.input, .tokens.output, (.input_token_throughput_tps == .total_token_throughput_tps),
        has("output_token_throughput_tps"), has("ttft_ms"), .e2e_ms.count]')" = '[12,0,true,false,false,6]' ]
}

@test "lm-send --batch: what fails the request fails each record, and a retry brings each its answer" {
    mock --script <(printf '%s\n' '{"fault": "reset", "after": 2}' '{}')
    completions 3 >in
    run -1 --separate-stderr send --batch 3 in
    [ "$(jq -c '[.response.error.kind, (.timing.chunks_ns | length)]' <<<"$output" | sort -u)" = '["truncated",2]' ]
    stop mock || true
    mock --script <(printf '%s\n' '{"fault": "http-429", "retry_after_s": 0}' '{"fault": "error-event", "after": 1}' '{}')
    send --batch 3 --retries 2 in >out
    [ "$(jq -s -c 'map(.response.text)' out)" = "$(jq -c '.[0:3]' <<<"$words")" ]
    [ "$(jq -c '.timing | [(.attempts | map(.kind)), (.chunks_ns | length)]' out | sort -u)" = '[["http_status","error_event"],3]' ]
    [ "$(lm-stat --format json out | jq .requests.retries)" = 2 ]
    stop mock || true
    run -3 --separate-stderr send --batch 3 -o none.jsonl in
    [ "$(jq -r .response.error.kind <<<"$output" | grep -c connect)" = 3 ]
    [ ! -s none.jsonl.part ]
}

@test "lm-send --batch: a dropped arrival drops all its records" {
    mock --ttft 1s
    completions 6 >in
    run -1 --separate-stderr send --batch 3 --rate 1000 -c 1 --drop in
    [ "$(jq -s -c 'map([.id, .response.error.kind, (.timing | has("sent_ns"))]) | sort' <<<"$output")" = \
        '[["c/1",null,true],["c/2",null,true],["c/3",null,true],["c/4","cancelled",false],["c/5","cancelled",false],["c/6","cancelled",false]]' ]
}

@test "lm-send --batch: of a batch that was kept in part the rest is sent again" {
    mock
    completions 7 >in
    send --batch 3 -o whole.jsonl in
    head -4 whole.jsonl >out.jsonl.part
    send -v --batch 3 -o out.jsonl in 2>says
    grep -q "records_of_the_last_run=4" says
    [ "$(jq -r .id out.jsonl)" = "$(jq -r .id in)" ]
    cmp <(head -4 out.jsonl) <(head -4 whole.jsonl)
    [ "$(tail -3 out.jsonl | jq -s -c 'map(.response | [.text, .batch.id, .batch.index, .batch.size])')" = \
        '[[" one word for","c/5",0,3],[" word for each","c/5",1,3],[" for each token","c/5",2,3]]' ]
    head -2 whole.jsonl >out.jsonl.part
    send --batch 4 -o out.jsonl in 2>says # another load
    grep -q "are dropped: .* records=2" says
}

@test "lm-send --batch: kill -9 costs what was in flight; the rerun ends as if nothing had been" {
    mock --ttft 60ms # not done before it is killed
    completions 60 >in
    start send lm-send -q --url "$url" --batch 4 -c 2 -o out.jsonl in
    until [ "$(wc -l <out.jsonl.part 2>/dev/null || echo 0)" -gt 10 ]; do kill -0 "${pids[send]}"; done
    stop send KILL || true
    send --batch 4 -c 2 -o out.jsonl in
    [ "$(jq -r .id out.jsonl | sort)" = "$(jq -r .id in | sort)" ]
    [ "$(jq -s 'all(.response.status == 200)' out.jsonl)" = true ]
}

# fault N: as in lm-send.bats, with batches: each record is whole or says what failed, and the exit status tells
fault() {
    local status=0
    rm -f "$FIRED"
    env LM_FAIL_ALLOC="$1" LM_FAIL_IN=lm-send LD_PRELOAD="$FAULTS" timeout -k 1 20 \
        lm-send -q --url "$url" --timeout-connect 1s --batch 2 -m a -m a -c 2 in >got 2>err || status=$?
    [ -e "$FIRED" ] || return 1
    jq -cn '[inputs | if .response.error then "failed" elif .response.text == " mock server says" then "whole" else "wrong" end] |
        [length, (map(select(. == "failed")) | length), (map(select(. == "wrong")) | length)]' got >counts || echo "bad JSON" >counts
    case $status:$(<counts) in
    0:"[4,0,0]" | 1:"[4,"[1-4]",0]") ;;
    3:"["[0-4],[0-4]",0]") grep -q . err ;;
    *)
        echo "$1: exit $status, [records, failed, wrong]: $(<counts)"
        cat err
        false
        ;;
    esac || exit 1
}

@test "lm-send --batch: whatever allocation fails, each record is whole or says why" {
    plain_build_only
    mock
    completions 4 | jq -c '.request.prompt = "x y"' >in
    nth=1
    while fault $nth; do nth=$((nth + 1)); done
    [ $nth -gt 100 ]
}
