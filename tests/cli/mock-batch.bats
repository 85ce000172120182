# lm-mock: vectors of texts, and several prompts in one request.
bats_require_minimum_version 1.5.0
load ../lib

setup() {
    begin_test
    start mock lm-mock -q --port 0 --port-file port
    until [ -e port ]; do kill -0 "${pids[mock]}"; done
    url=http://127.0.0.1:$(<port)/v1
}
ask() {
    curl -s "$url/$1" -d "$2"
}

@test "lm-mock: the same words have the same vector, of length 1, in either form" {
    ask embeddings '{"input": ["a b c", "c a b", "d"], "dimensions": 32}' >out
    [ "$(jq -c '.data | [(.[0].embedding == .[1].embedding), (.[0].embedding == .[2].embedding), (map(.embedding | length)), (map(.index))]' out)" = \
        '[true,false,[32,32,32],[0,1,2]]' ]
    [ "$(jq -c '.data | map(.embedding | map(. * .) | add * 1000 | round)' out)" = '[1000,1000,1000]' ]
    [ "$(jq -c '[.object, .usage.prompt_tokens]' out)" = '["list",7]' ]
    [ "$(ask embeddings '{"input": [5, 6]}' | jq -c '[(.data | length), (.data[0].embedding | length), .usage.prompt_tokens]')" = '[1,16,2]' ]
    ask embeddings '{"input": "d", "dimensions": 32, "encoding_format": "base64"}' | jq -r '.data[0].embedding' | base64 -d >bytes
    [ "$(stat -c %s bytes)" = 128 ]
    [ "$(od -An -v -tf4 -w4 bytes | tr -d ' ' | jq -s -c .)" = "$(jq -c '.data[2].embedding' out)" ]
    [ "$(ask embeddings '{"input": 4}' | jq .error.code)" = 400 ]
}

@test "lm-mock: each prompt of an array has its choice, streamed in turn" {
    ask completions '{"prompt": ["x", "x y"], "max_tokens": 2}' >out
    [ "$(jq -c '[.choices[] | [.index, .text, .finish_reason]]' out)" = '[[0,"The mock","length"],[1," mock server","length"]]' ]
    [ "$(jq -c .usage.completion_tokens out)" = 4 ]
    ask completions '{"prompt": [[1], [2, 3]], "max_tokens": 2, "stream": true}' | sed -n 's/^data: {/{/p' | jq -c '.choices[] | [.index, .text]' >got
    [ "$(paste -sd' ' got)" = '[0,"The"] [1," mock"] [0," mock"] [1," server"]' ]
    stop mock || true
    rm port
    start mock lm-mock -q --wire llama.cpp --port 0 --port-file port
    until [ -e port ]; do kill -0 "${pids[mock]}"; done
    url=http://127.0.0.1:$(<port)/v1
    [ "$(ask completions '{"prompt": ["x", "y"], "stream": true}' | head -n 1)" = 'data: null' ]
    [[ $(ask completions '{"prompt": "x", "stream": true}' | head -n 1) = 'data: {'* ]]
}
