# lm-synth: workloads, the same from the same seed
bats_require_minimum_version 1.5.0
load ../lib

records() {
    seq 1 "$1" | jq -c '{id: "r/\(.)", request: {messages: []}}'
}
times() {
    jq -c .at_ns | paste -sd ' '
}

@test "lm-synth arrivals: appends at_ns to each record, byte for byte before it" {
    records 3 >in
    lm-synth arrivals --rate 2 --arrivals constant in >out
    [ "$(sed 's/,"at_ns":[0-9]*}$/}/' out)" = "$(<in)" ]
    [ "$(times <out)" = "0 500000000 1000000000" ]
    lm-check out
    [ "$(lm-synth arrivals --rate 2:1s,4 --arrivals constant <in | times)" = "0 500000000 1000000000" ]
    [ "$(lm-synth arrivals -n 2 --rate 2 --arrivals constant in | times)" = "0 500000000" ]
}

@test "lm-synth arrivals: one seed, one schedule; --exact-span is vLLM's" {
    records 200 >in
    for kind in poisson gamma; do
        lm-synth arrivals --rate 10 --arrivals $kind --seed 1 in >a
        lm-synth arrivals --rate 10 --arrivals $kind --seed 1 in >b
        cmp a b
        lm-synth arrivals --rate 10 --arrivals $kind --seed 2 in >b
        run ! cmp -s a b
        [ "$(jq .at_ns a)" = "$(jq .at_ns a | sort -n)" ]
    done
    [ "$(head -5 in | lm-synth arrivals --rate 10 --exact-span | times)" = "92258660 237847554 344868610 436121845 500000000" ]
    [ "$(lm-synth arrivals --rate 10 --exact-span in | tail -1 | times)" = 20000000000 ]
    [ -z "$(lm-synth arrivals --rate 10 --exact-span </dev/null)" ]
}

@test "lm-synth arrivals: what has a time already passes and is reported, or --replace cuts it" {
    echo '{"id":"a","at_ns":7,"session":{"id":"s","turn":0}}' >in
    for span in '' --exact-span; do
        run -1 --separate-stderr lm-synth arrivals --rate 1 $span in
        [ "$output" = "$(<in)" ]
        [[ $stderr == *"in:1: at_ns: is there already"* ]]
        [ "$(lm-synth arrivals --rate 1 --arrivals constant --replace $span in | jq -c 'keys')" = '["at_ns","id"]' ]
    done
    printf 'no record\n{"id":"b"}\n' >in
    run -1 --separate-stderr lm-synth arrivals --rate 1 in
    [ "$(jq -r .id <<<"$output")" = b ]
    [[ $stderr == "lm-synth: in:1: "* ]]
}

@test "lm-synth arrivals: lm-send keeps to it" {
    start mock lm-mock -q --port 0 --port-file port
    wait_until test -s port
    records 20 | jq -c '.request = {messages: [{role: "user", content: "hi"}], max_tokens: 2, stream: true}' |
        lm-synth arrivals --rate 100 --arrivals gamma --burstiness 0.5 >in
    lm-send -q --url "http://127.0.0.1:$(<port)" in >out
    [ "$(jq -s -c 'map(.timing.load.mode) | unique' out)" = '["at"]' ]
    [ "$(jq -c '[.at_ns, .timing.due_ns] | .[0] == .[1]' out | sort -u)" = true ]
}

@test "lm-synth arrivals: a session's first turn has its time, the later ones pass" {
    lm-synth sessions -n 3 --turns 2 --input-tokens 2 >in
    for span in '' --exact-span; do
        lm-synth arrivals --rate 2 --arrivals constant $span in >out
        [ "$(jq -c '[.session.turn, .at_ns]' out | sed -n '2~2p' | sort -u)" = "[1,null]" ]
        [ "$(sed 's/,"at_ns":[0-9]*}$/}/' out)" = "$(<in)" ]
    done
    [ "$(lm-synth arrivals --rate 2 --arrivals constant in | jq 'select(.session.turn == 0) | .at_ns' | paste -sd ' ')" = "0 500000000 1000000000" ]
    [ "$(lm-synth arrivals --rate 2 --exact-span in | jq 'select(.session.turn == 0) | .at_ns' | tail -1)" = 1500000000 ]
}

# Where these differ, another machine would send other requests: the bytes of a seed are part of the interface.
@test "lm-synth: the same bytes from the same seed, on any machine; fewer items are the first of more" {
    sum() {
        lm-synth "$@" >out
        lm-check out >&2
        head -n 5 <out >five
        lm-synth "${@/#20/5}" | head -n 5 | cmp - five
        sha256sum <out | cut -c 1-16
    }
    [ "$(sum prompts -n 20 --input-tokens lognormal:50,1 --output-tokens normal:100,30)" = af4c58f27be1f459 ]
    [ "$(sum prompts -n 20 --input-tokens 10 --prefixes 3 --prefix-tokens 7 --seed 5)" = 8599f51a076e235c ]
    [ "$(sum sessions -n 20 --turns uniform:1,4 --think gamma:2s,0.5 --prefixes 2)" = 28e573a824be997e ]
    [ "$(sum graph -n 20 --nodes uniform:2,12 --unreachable 0.3)" = 7ebb664368cde232 ]
    [ "$(sum graph -n 20 --directed --k 4 --density 0.5 --weights exp:10)" = 3bcc5e7aa58dc51d ]
}

@test "lm-synth prompts: so many words, of both lengths the distribution asked for" {
    lm-synth prompts -n 200 --input-tokens uniform:3,5 --output-tokens 9 >out
    [ "$(jq -c '[.input.unit, .task, .meta.output_tokens, (.input.prompt | split(" ") | length) == .meta.input_tokens]' out | sort -u)" = '["words","chat",9,true]' ]
    [ "$(jq .meta.input_tokens out | sort -n | uniq | paste -sd ' ')" = "3 4 5" ]
    [ "$(jq -r .input.prompt out | sort -u | wc -l)" -eq 200 ]
    [ "$(head -n 1 out)" != "$(lm-synth prompts -n 1 --input-tokens uniform:3,5 --output-tokens 9 --seed 1)" ]
    run -1 --separate-stderr lm-synth prompts -n 2 --input-tokens 1e9
    [ -z "$output" ]
    [ "${stderr_lines[0]}" = "lm-synth: prompt 1: 1000000000 words are more than 16777216" ]
}

@test "lm-synth prompts --prefixes: groups have a beginning in common, and nothing else" {
    lm-synth prompts -n 30 --prefixes 3 --prefix-tokens 40 --input-tokens 10 >out
    [ "$(jq .meta.input_tokens out | sort -u)" = 50 ]
    [ "$(jq -r '"\(.meta.prefix) " + (.input.prompt | split(" ")[:40] | join(" "))' out | sort -u | wc -l)" -eq 3 ]
    [ "$(jq -r '.input.prompt | split(" ")[40:] | join(" ")' out | sort -u | wc -l)" -eq 30 ]
    [ "$(jq .meta.prefix out | sort | uniq -c | awk '{print $1}' | sort -u)" = 10 ]
}

@test "lm-synth prompts FILE: of a trace, the same ids are the same text, in any run and order" {
    cat >trace <<'END'
{"id":"t/1","task":"trace","meta":{"input_tokens":10,"output_tokens":2,"hash_ids":[7,8,9],"block_tokens":4},"at_ns":0}
{"id":"t/2","task":"trace","meta":{"input_tokens":12,"hash_ids":[7,8,10],"block_tokens":4},"at_ns":1}
{"id":"t/3","task":"trace","meta":{"input_tokens":9,"hash_ids":[8],"block_tokens":4},"at_ns":1}
{"id":"t/4","task":"trace","meta":{"input_tokens":6},"at_ns":2}
END
    lm-synth prompts trace >out
    [ "$(sed 's/,"input":{.*}}$/}/' out)" = "$(<trace)" ]
    lm-check out
    words() { jq -r --arg id "$1" --argjson from "$2" --argjson to "$3" 'select(.id == $id) | .input.prompt | split(" ")[$from:$to] | join(" ")' out; }
    [ "$(words t/1 0 8)" = "$(words t/2 0 8)" ]
    [ "$(words t/1 8 10)" != "$(words t/2 8 10)" ]
    [ "$(words t/1 4 8)" = "$(words t/3 0 4)" ]
    [ "$(jq '.input.prompt | split(" ") | length' out | paste -sd ' ')" = "10 12 9 6" ]
    tac trace | lm-synth prompts - | tac | cmp - out
    run ! cmp -s out <(lm-synth prompts --seed 1 trace)
    lm-synth prompts --replace --seed 1 out | cmp - <(lm-synth prompts --seed 1 trace)
    [ "$(lm-synth prompts -n 2 trace)" = "$(head -n 2 out)" ]
}

@test "lm-synth prompts FILE: what has no length, or a text already, is reported and passes" {
    cat >in <<'END'
{"id":"a"}
{"id":"b","meta":{"input_tokens":0}}
{"id":"c","meta":{"input_tokens":3,"hash_ids":[1]}}
{"id":"d","meta":{"input_tokens":3,"hash_ids":[0.5],"block_tokens":2}}
{"id":"e","meta":{"input_tokens":3,"hash_ids":7,"block_tokens":2}}
{"id":"f","meta":{"input_tokens":3},"input":{"prompt":"x"}}
none
{"id":"g","meta":{"input_tokens":1}}
END
    run -1 --separate-stderr lm-synth prompts in
    [ "$(head -n 6 <<<"$output")" = "$(head -n 6 in)" ]
    [ "$(tail -n 1 <<<"$output" | jq -r .id)" = g ]
    [ "${stderr_lines[0]}" = "lm-synth: in:1: meta.input_tokens: is not a whole number above 0" ]
    [ "${stderr_lines[1]}" = "lm-synth: in:2: meta.input_tokens: is not a whole number above 0" ]
    [ "${stderr_lines[2]}" = "lm-synth: in:3: meta.block_tokens: is not a whole number above 0, and there are hash_ids" ]
    [ "${stderr_lines[3]}" = "lm-synth: in:4: meta.hash_ids: one is not a whole number" ]
    [ "${stderr_lines[4]}" = "lm-synth: in:5: meta.hash_ids: is not an array" ]
    [[ ${stderr_lines[5]} == "lm-synth: in:6: input: is there already"* ]]
    [[ ${stderr_lines[6]} == "lm-synth: in:7: "* ]]
    [ "${#stderr_lines[@]}" -eq 7 ]
}

# count VALUE...: what the tokenizer of port says of each text.
count() {
    local text
    for text; do
        curl -sS -d "{\"prompt\":\"$text\",\"content\":\"$text\"}" "http://127.0.0.1:$(<port)/tokenize" | sed 's|.*\[||' | tr -dc 7 | wc -c
    done
}

@test "lm-synth prompts --url: as many tokens as the server counts, whatever its tokenizer does" {
    for kind in vllm llama.cpp; do
        rm -f port
        start "$kind" "$ROOT/tests/cli/tokenizer.pl" "$kind" port
        wait_until test -s port
        url=http://127.0.0.1:$(<port)/v1
        lm-synth prompts -n 30 --input-tokens uniform:1,60 --url "$url" >out
        lm-synth prompts -n 30 --input-tokens uniform:1,60 --url "$url" | cmp - out
        [ "$(jq -r .input.unit out | sort -u)" = tokens ]
        mapfile -t prompts < <(jq -r .input.prompt out)
        [ "$(count "${prompts[@]}")" = "$(jq .meta.input_tokens out)" ]
        [ "$(jq -r .input.prompt out | tr ' ' '\n' | grep -v ^e | grep -c .......)" -eq 0 ] # those are two tokens
        [ "$(tail -n 30 "$kind.out" | sort -u | wc -l)" -eq 30 ] # in the end, one request a prompt at most
        lm-synth prompts -n 9 --input-tokens uniform:2,60 --special --url "$url" >special
        mapfile -t prompts < <(jq -r .input.prompt special)
        [ "$(count "${prompts[@]}" | awk '{print $1 + 1}')" = "$(jq .meta.input_tokens special)" ]
        echo '{"id":"t","meta":{"input_tokens":9,"hash_ids":[7,8,9],"block_tokens":4}}' | lm-synth prompts --url "$url" - >traced
        [ "$(count "$(jq -r .input.prompt traced)")" -eq 9 ]
        mv out "$kind.jsonl"
        stop "$kind" || true
    done
    cmp vllm.jsonl llama.cpp.jsonl # the same tokenizer, the same text
}

@test "lm-synth prompts --url: a length that does not come out is reported, and no prompt is made of it" {
    start server "$ROOT/tests/cli/tokenizer.pl" vllm port
    wait_until test -s port
    url=http://127.0.0.1:$(<port)
    run -1 --separate-stderr lm-synth prompts -n 1 --input-tokens 77 --url "$url"
    [ -z "$output" ]
    [[ $stderr == "lm-synth: prompt 1: 77 tokens are wanted, and the server counts "* ]]
    run -1 --separate-stderr lm-synth sessions -n 1 --turns 2 --input-tokens 77 --url "$url"
    [ -z "$output" ]
    [[ $stderr == "lm-synth: session 1: 77 tokens are wanted"* ]]
    echo '{"id":"t","meta":{"input_tokens":77}}' >in
    run -1 --separate-stderr lm-synth prompts --url "$url" in
    [ "$output" = "$(<in)" ]
    [[ $stderr == "lm-synth: in:1: 77 tokens are wanted"* ]]
}

@test "lm-synth --url: a server that does not count: exit 3, and why; no key is shown" {
    port=$(free_port)
    run -3 --separate-stderr lm-synth prompts -n 1 --url "http://127.0.0.1:$port"
    [[ $stderr == "lm-synth: http://127.0.0.1:$port/v1: Connection refused" ]]
    stub() {
        start server "$ROOT/tests/cli/stub-server.pl" "$port" "/tokenize $1"
        wait_until curl -s "http://127.0.0.1:$port/"
        OPENAI_API_KEY=sk-sesame run -3 --separate-stderr lm-synth prompts -n 1 --url "http://127.0.0.1:$port/v1"
        stop server || true
        [ -z "$output" ]
        [[ $stderr != *sesame* ]]
    }
    stub '404 '
    [[ $stderr == *"/tokenize: status 404: the server does not tell how it counts; without --url lengths are words" ]]
    stub '401 {"error":{"message":"no such key: sk-sesame"}}'
    [[ $stderr == *"/tokenize: status 401 (no such key: *********)" ]]
    grep -q '^POST /tokenize Bearer sk-sesame ' server.out
    stub '200 {"count":3}'
    [[ $stderr == *"/tokenize: the answer has no tokens" ]]
    stub '200 {"tokens":[1,2,3]}'
    [[ $stderr == *"common words only 0 are one token each: no exact length can be made" ]]
}

@test "lm-synth sessions: each turn has the turns before it, without their answers" {
    lm-synth sessions -n 20 --turns uniform:1,4 --input-tokens uniform:2,5 --output-tokens 7 --think exp:1s --prefixes 2 --prefix-tokens 3 >out
    lm-check out
    jq -e -s 'group_by(.session.id) | length == 20 and (map(length) | min == 1 and max == 4) and all(
        . as $turns | range(0; length) as $k | $turns[$k]
        | .session.turn == $k and .id == "\(.session.id)/\($k)" and (.session | has("think_ns")) == ($k > 0)
        and .input.messages[:-2] == (if $k > 0 then $turns[$k - 1].input.messages else .input.messages[:-2] end)
        and (.input.messages[-1] | .role == "user" and (.content | split(" ") | length) == $turns[$k].meta.input_tokens)
        and ($k == 0 or .input.messages[-2] == {role: "assistant", content: null})
        and (.input.messages[0] | .role == "system" and (.content | split(" ") | length) == 3))' out
    [ "$(jq -r '.input.messages[0].content' out | sort -u | wc -l)" -eq 2 ]
    [ "$(lm-synth sessions -n 1 --turns 3 | jq -c .session | tail -n 1)" = '{"id":"synth/sessions/0/1","turn":2}' ] # no time to think
    lm-prompt --max-tokens meta.output_tokens out | lm-check
}

@test "lm-synth graph: the problem is told in words, and the answer is the graph's" {
    run --separate-stderr lm-synth graph -n 1 --nodes 3 --density 1 --weights 2
    [ "$(jq -r .input.prompt <<<"$output" | sort | head -n 7 | grep -cE '^[0-2] - [0-2]: 2$')" -eq 3 ]
    [ "$(jq -c '[.gold.weight, (.gold.path | length), .gold.path[0] == .input.source, .gold.path[1] == .input.target]' <<<"$output")" = '[2,2,true,true]' ]
    lm-synth graph -n 50 --unreachable 1 --directed | jq -c '[.gold, .input.directed]' | sort -u >out
    [ "$(<out)" = '[{"path":null,"weight":null},true]' ]
    [ "$(lm-synth graph -n 50 --unreachable 1 --k 2 | jq -c '[.gold, .input.k]' | sort -u)" = '[[],2]' ]
    [ "$(lm-synth graph -n 200 --unreachable 0.25 --nodes 5 | jq -c .gold.path | grep -c null)" -gt 30 ]
    # The density is that of all pairs, whatever the direction.
    lm-synth graph -n 5 --nodes 20 --density 0.5 | jq -e '.input | (.edges | length) == 95 and (.nodes | length) == 20'
    lm-synth graph -n 5 --nodes 20 --density 0.5 --directed | jq -e '.input.edges | length == 190'
    lm-synth graph -n 20 | lm-prompt | lm-check
}

@test "lm-synth: wrong options: exit 2" {
    run -2 --separate-stderr lm-synth prompts -n 1 --k 2
    [[ $stderr == "lm-synth: --k: is not for prompts"* ]]
    run -2 lm-synth prompts
    run -2 lm-synth graph
    run -2 lm-synth sessions -n 1 file
    run -2 lm-synth prompts --input-tokens 3 file
    run -2 lm-synth prompts -n 1 --input-tokens few
    run -2 lm-synth prompts -n 1 --prefix-tokens 3
    run -2 lm-synth prompts -n 1 --special
    run -2 lm-synth prompts -n 1 --replace
    run -2 lm-synth sessions -n 1 --think 3x
    run -2 lm-synth prompts -n 1 --url http://
    run -2 lm-synth
    run -2 lm-synth nothing
    run -2 lm-synth arrivals
    for rate in 0 -1 x 2-8 2,3 1e400; do
        run -2 lm-synth arrivals --rate "$rate" /dev/null
    done
    run -2 lm-synth arrivals --rate 1 --burstiness 2 /dev/null
    run -2 lm-synth arrivals --rate 1 --arrivals gamma --burstiness 0 /dev/null
    run -2 lm-synth arrivals --rate 1:1s,2 --exact-span /dev/null
    run -3 lm-synth arrivals --rate 1 nowhere
}

@test "lm-synth: any one allocation, read or write may fail" {
    records 3 >in
    for kind in alloc read write; do
        fails_everywhere "$kind" lm-synth arrivals --rate 1 in
        fails_everywhere "$kind" lm-synth arrivals --rate 1 --exact-span in
    done
    echo '{"id":"t","meta":{"input_tokens":9,"hash_ids":[7,8,9],"block_tokens":4}}' >in
    for kind in alloc read write; do
        fails_everywhere "$kind" lm-synth prompts in
    done
    for kind in alloc write; do
        fails_everywhere "$kind" lm-synth prompts -n 1 --input-tokens 5 --prefixes 2
        fails_everywhere "$kind" lm-synth sessions -n 1 --turns 2 --input-tokens 5 --prefixes 2
        fails_everywhere "$kind" lm-synth graph -n 1 --k 2
    done
}

@test "lm-synth: a kind that is none is named, and what there is" {
    run -2 --separate-stderr lm-synth prompt
    [ "${stderr_lines[0]}" = 'lm-synth: the kind: "prompt" is none of prompts, sessions, arrivals, graph' ]
    run -2 --separate-stderr lm-synth
    [ "${stderr_lines[0]}" = "lm-synth: wants a kind first: prompts, sessions, arrivals, graph" ]
}
