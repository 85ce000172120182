bats_require_minimum_version 1.5.0
load ../lib

item='{"id":"a","task":"gsm8k","input":{"question":"How many?"},"gold":"4","meta":{"solution":"2 and 2"}}'

@test "lm-prompt: appends api and request, and copies the rest byte for byte" {
    printf '%s\n' '{ "id":"a" ,"input":{"prompt":"\u00e9 \"q\""}, "x":1.0 } ' '{"id":"b","task":"chat","input":{"prompt":"line\nline"}}' >items
    run --separate-stderr lm-prompt items
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = '{ "id":"a" ,"input":{"prompt":"\u00e9 \"q\""}, "x":1.0 ,"api":"chat","request":{"messages":[{"role":"user","content":"é \"q\""}],"stream":true,"stream_options":{"include_usage":true}}} ' ]
    [ "$(jq -r '.request.messages[0].content' <<<"${lines[1]}")" = $'line\nline' ]
}

@test "lm-prompt: the record's task finds the template, -t and --template overrule it" {
    run --separate-stderr lm-prompt <<<"$item"
    [ "$(jq -r '.request.messages | map(.role) | join(" ")' <<<"$output")" = "system user" ]
    [ "$(jq -r '.request.messages[1].content' <<<"$output")" = "How many?" ]
    echo 'Q: {{input.question}} ({{id}})' >mine
    run --separate-stderr lm-prompt --template mine <<<"$item"
    [ "$(jq -c .request.messages <<<"$output")" = '[{"role":"user","content":"Q: How many? (a)"}]' ]
    run --separate-stderr lm-prompt -t chat <<<"$item"
    [ "$status" -eq 1 ]
    [ "$stderr" = "lm-prompt: -:1: input.prompt: is missing" ]
    [ "$output" = "$item" ]
}

@test "lm-prompt: what cannot become a request is reported and passes as it came" {
    printf '%s\n' '{"id":"a","input":{}}' '{"id":"b","task":"nonesuch","input":{}}' '{"id":"c","task":"../chat"}' '{"id":"d","task":3}' \
        '{"id":"e","request":{}}' '{"id":"f","api":"chat","input":{"prompt":"x"}}' 'garbage' '{"id":"g","input":{"prompt":"x"}}' >items
    run --separate-stderr lm-prompt items
    [ "$status" -eq 1 ]
    [ "$(head -6 <<<"$output")" = "$(head -6 items)" ]
    [ "$(jq -r '.request.messages[0].content' <<<"${lines[6]}")" = x ]
    [ "${#stderr_lines[@]}" -eq 7 ]
    [ "${stderr_lines[0]}" = "lm-prompt: items:1: input.prompt: is missing" ]
    [[ ${stderr_lines[1]} == "lm-prompt: items:2: task: no template for \"nonesuch\""* ]]
    [[ ${stderr_lines[2]} == "lm-prompt: items:3: task: no template for \"../chat\""* ]]
    [ "${stderr_lines[3]}" = "lm-prompt: items:4: task: not a string" ]
    [[ ${stderr_lines[4]} == "lm-prompt: items:5: request: is there already"* ]]
    [[ ${stderr_lines[5]} == "lm-prompt: items:6: api: is there already"* ]]
    [[ ${stderr_lines[6]} == "lm-prompt: items:7: no JSON object (it begins with: garbage)" ]]
}

@test "lm-prompt --replace: cuts from its first member on, but never an id, input or gold" {
    run --separate-stderr lm-prompt --replace --no-stream <<<'{"id":"a","input":{"prompt":"x"},"api":"old","at_ns":1,"request":{"prompt":"old"},"response":{}}'
    [ "$output" = '{"id":"a","input":{"prompt":"x"},"api":"chat","request":{"messages":[{"role":"user","content":"x"}],"stream":false}}' ]
    run --separate-stderr lm-prompt --replace <<<'{"id":"a","request":{},"input":{"prompt":"x"}}'
    [ "$status" -eq 1 ]
    [ "$output" = '{"id":"a","request":{},"input":{"prompt":"x"}}' ]
    [[ $stderr == *"input: stands behind request"* ]]
    run --separate-stderr lm-prompt --replace <<<'{"id":"a","input":{},"api":"chat","response":{}}' # nothing is cut where nothing comes
    [ "$output" = '{"id":"a","input":{},"api":"chat","response":{}}' ]
}

@test "lm-prompt: sampling fields, and --extra has the last word" {
    chat='{"id":"a","input":{"prompt":"x"}}'
    run --separate-stderr lm-prompt -m model --temperature 0.5 --top-p 1 --max-tokens 64 --seed 7 --stop A --stop $'\n' --logprobs 5 <<<"$chat"
    [ "$(jq -c '.request | del(.messages)' <<<"$output")" = '{"model":"model","temperature":0.5,"top_p":1,"max_tokens":64,"seed":7,"stop":["A","\n"],"logprobs":true,"top_logprobs":5,"stream":true,"stream_options":{"include_usage":true}}' ]
    run --separate-stderr lm-prompt --seed 7 --temperature 0 --extra '{"seed":8,"stream":false,"top_k":[1]}' <<<"$chat"
    [ "$(jq -c '.request | del(.messages)' <<<"$output")" = '{"temperature":0,"seed":8,"stream":false,"top_k":[1]}' ]
    [ "$(grep -o seed <<<"$output" | wc -l)" -eq 1 ]
    run --separate-stderr lm-prompt --no-usage --api completions --logprobs 0 <<<"$chat"
    [ "$(jq -c .request <<<"$output")" = '{"prompt":"x","logprobs":0,"stream":true}' ]
    for wrong in '[1]' '{"a":' '{"messages":[]}' '{"a":1,"a":2}'; do
        run --separate-stderr lm-prompt --extra "$wrong" <<<"$chat"
        [ "$status" -eq 2 ]
        [[ $stderr == "lm-prompt: --extra: "* ]]
    done
}

@test "lm-prompt --system: in the place of the template's, none if it is empty" {
    run --separate-stderr lm-prompt --system 'Say {{this}}.' <<<"$item"
    [ "$(jq -r '.request.messages[0].content' <<<"$output")" = 'Say {{this}}.' ]
    printf 'From a file.\n\n' >system
    run --separate-stderr lm-prompt --system-file system --api completions <<<"$item"
    [ "$(jq -r .request.prompt <<<"$output")" = $'From a file.\n\nHow many?' ]
    run --separate-stderr lm-prompt --system '' <<<"$item"
    [ "$(jq -r '.request.messages | length' <<<"$output")" -eq 1 ]
}

@test "lm-prompt --shots: the first examples of its task but never the item itself" {
    for n in 1 2 3; do
        printf '{"id":"e%d","task":"gsm8k","input":{"question":"q%d"},"gold":"%d","meta":{"solution":"s%d"}}\n' $n $n $n $n
        printf '{"id":"c%d","task":"chat","input":{"prompt":"p%d"}}\n' $n $n
    done >examples
    run --separate-stderr lm-prompt --shots 2 --examples examples --system '' <<<'{"id":"e1#4","meta":{"item":"e1"},"task":"gsm8k","input":{"question":"q1"}}'
    [ "$status" -eq 0 ]
    [ "$(jq -r '.request.messages | map(.role + "=" + .content) | join(";")' <<<"$output")" = \
        $'user=q2;assistant=s2\n#### 2;user=q3;assistant=s3\n#### 3;user=q1' ]
    run --separate-stderr lm-prompt --shots 2 --examples examples --system '' --api completions <<<"$item"
    [ "$(jq -r .request.prompt <<<"$output")" = $'q1\ns1\n#### 1\n\nq2\ns2\n#### 2\n\nHow many?' ]
    run --separate-stderr lm-prompt --shots 3 --examples examples <<<'{"id":"e1","task":"gsm8k","input":{"question":"q1"}}'
    [ "$status" -eq 1 ]
    [[ $stderr == "lm-prompt: -:1: 2 examples other than itself"* ]]
    run --separate-stderr lm-prompt --shots 4 --examples examples <<<"$item"
    [ "$status" -eq 3 ]
    [[ $stderr == *"examples: --shots 4: has 3"* ]]
    run --separate-stderr lm-prompt --shots 1 <<<"$item"
    [ "$status" -eq 2 ]
    echo '{"id":"bare","task":"gsm8k","input":{"question":"q"}}' >bare
    run --separate-stderr lm-prompt --shots 1 --examples bare <<<"$item"
    [ "$status" -eq 3 ]
    [[ $stderr == *"bare:1: meta.solution: is missing"* ]]
}

@test "lm-prompt: a template with a byte order mark, or with CR LF, is as one without; so is a system message" {
    printf '%s\n' '[system]' 'S' '' 's' '[user]' '\[a' '{{input.question}}' >plain
    printf '\xef\xbb\xbf' | cat - plain >marked
    sed 's/$/\r/' plain >crlf
    sed 's/$/\r/' marked >both
    lm-prompt --template plain <<<"$item" >want
    for file in marked crlf both; do
        lm-prompt --template "$file" <<<"$item" | diff want -
    done
    [ "$(jq -r '.request.messages | map(.role) | join(" ")' want)" = "system user" ]
    printf '\xef\xbb\xbfS\n' >system
    [ "$(lm-prompt --template plain --system-file system <<<"$item" | jq -r '.request.messages[0].content')" = S ]
}

@test "lm-prompt: a template that is wrong, or not there, is exit 3, with its line" {
    printf '[user]\nx\n[sytem]\n' >wrong
    run --separate-stderr lm-prompt --template wrong <<<"$item"
    [ "$status" -eq 3 ]
    [ -z "$output" ]
    [[ $stderr == "lm-prompt: wrong:3: [sytem]: none of "* ]]
    run --separate-stderr lm-prompt --template nonesuch <<<"$item"
    [ "$status" -eq 3 ]
}

@test "lm-prompt --max-tokens: a number, or what a member of the record says; --ignore-eos" {
    printf '%s\n' '{"id":"a","input":{"prompt":"x"},"meta":{"output_tokens":7}}' '{"id":"b","input":{"prompt":"x"},"meta":{"output_tokens":0}}' \
        '{"id":"c","input":{"prompt":"x"},"n":3}' >items
    run --separate-stderr lm-prompt --max-tokens meta.output_tokens --ignore-eos items
    [ "$status" -eq 1 ]
    [ "$(jq -c '.request | del(.messages)' <<<"${lines[0]}")" = '{"max_tokens":7,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}' ]
    [ "${lines[1]}" = "$(sed -n 2p items)" ]
    [ "${stderr_lines[0]}" = "lm-prompt: items:2: meta.output_tokens: is not a whole number above 0 (--max-tokens)" ]
    [ "${stderr_lines[1]}" = "lm-prompt: items:3: has no meta.output_tokens (--max-tokens)" ]
    [ "$(lm-prompt --max-tokens n <(tail -n 1 items) | jq .request.max_tokens)" = 3 ]
    [ "$(lm-prompt --max-tokens n --extra '{"max_tokens":1}' <(tail -n 1 items) | jq .request.max_tokens)" = 1 ]
    for wrong in 0 -5 3x 1.5; do
        run -2 --separate-stderr lm-prompt --max-tokens "$wrong" items
        [[ $stderr == "lm-prompt: --max-tokens: "* ]]
    done
}

@test "lm-prompt: an item with input.messages has its words; --system stands in the place of its own" {
    turn='{"id":"s/1","task":"chat","input":{"messages":[{"role":"system","content":"S"},{"role":"user","content":"a"},{"role":"assistant","content":null},{"role":"user","content":"b","name":"x"}]}}'
    run --separate-stderr lm-prompt <<<"$turn"
    [ "$(jq -c '.api, (.request.messages == .input.messages)' <<<"$output" | paste -sd ' ')" = '"chat" true' ]
    run --separate-stderr lm-prompt --system T <<<"$turn"
    [ "$(jq -c '.request.messages | map(.content)' <<<"$output")" = '["T","a",null,"b"]' ]
    run --separate-stderr lm-prompt --system '' <<<"$turn"
    [ "$(jq -c '.request.messages | map(.content)' <<<"$output")" = '["a",null,"b"]' ]
    echo 'now {{id}}' >mine
    [ "$(lm-prompt --template mine <<<"$turn" | jq -r '.request.messages[0].content')" = "now s/1" ]
    for wrong in '[]' '3' '["a"]'; do
        run -1 --separate-stderr lm-prompt <<<"{\"id\":\"a\",\"input\":{\"messages\":$wrong}}"
        [[ $stderr == "lm-prompt: -:1: input.messages: "* ]]
        [ "$(jq -c 'has("request")' <<<"$output")" = false ]
    done
    run -1 --separate-stderr lm-prompt --api completions <<<"$turn"
    [ "$stderr" = "lm-prompt: -:1: input.messages: is for chat, without examples" ]
}

@test "lm-prompt: what it makes, lm-check accepts" {
    lm-items prompts | lm-prompt | lm-check
    lm-items prompts | lm-prompt --api completions | lm-check
}

@test "lm-prompt: any one allocation, read or write may fail" {
    printf '%s\n' "$item" '{"id":"b","task":"chat","input":{"prompt":"x"}}' >items
    for kind in alloc read write; do
        fails_everywhere "$kind" lm-prompt --shots 1 --examples items -t gsm8k --extra '{"a":1}' items
    done
}
