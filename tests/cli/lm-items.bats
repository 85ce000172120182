bats_require_minimum_version 1.5.0
load ../lib

# Nothing is downloaded: data come from files of the test, and what would be fetched goes to its folder.
copy_of_tree() {
    mkdir -p tree/bin tree/share/lmutils
    cp "$LM_BUILD/lm-items" tree/bin
    cp -r "$ROOT/pipelines/items" tree/share/lmutils/items
    cp -r "$ROOT/configs" tree/share/lmutils/configs
    export XDG_CACHE_HOME=$PWD/cache
}

@test "lm-items gsm8k: gold is the number behind ####, as it is written" {
    printf '%s\n' '{"question":"q1","answer":"48/2 = <<48/2=24>>24\nand so on\n#### 2,125"}' \
        '{"question":"q2 <<kept>>","answer":"s\n#### -10"}' >test.jsonl
    run --separate-stderr lm-items gsm8k test.jsonl
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = '{"id":"gsm8k/test/1","task":"gsm8k","input":{"question":"q1"},"gold":"2,125","meta":{"split":"test","solution":"48/2 = 24\nand so on"}}' ]
    [ "${lines[1]}" = '{"id":"gsm8k/test/2","task":"gsm8k","input":{"question":"q2 <<kept>>"},"gold":"-10","meta":{"split":"test","solution":"s"}}' ]
}

@test "lm-items: an item's id has the row's line and the file's split; --split overrules it" {
    printf '%s\n' '{"question":"a","answer":"#### 1"}' '{"question":"b","answer":"x\n#### 1"}' >train.jsonl
    gzip train.jsonl
    run --separate-stderr lm-items gsm8k train.jsonl.gz
    [ "$status" -eq 1 ] # the first has no solution before its number
    [ "$(jq -r .id <<<"$output")" = gsm8k/train/2 ]
    [[ $stderr == "lm-items: train.jsonl.gz:1: answer: "* ]]
    [ "$(zcat train.jsonl.gz | lm-items gsm8k --split mine - | jq -r .id)" = gsm8k/mine/2 ]
}

@test "lm-items: a bad row is reported with its file and line, the rest is kept, exit 1" {
    printf '%s\n' '{"question":"a","answer":"x\n#### 1"}' '{"question":' '{"question":3,"answer":"x\n#### 1"}' '{"answer":"x\n#### 1"}' '' \
        '{"question":"z","answer":"x\n#### 9"}' >rows.jsonl
    run --separate-stderr lm-items gsm8k rows.jsonl
    [ "$status" -eq 1 ]
    [ "$(jq -r .input.question <<<"$output" | tr '\n' ' ')" = "a z " ]
    [ "${#stderr_lines[@]}" -eq 4 ]
    [[ ${stderr_lines[0]} == "lm-items: rows.jsonl:2: not JSON"* ]]
    [ "${stderr_lines[1]}" = "lm-items: rows.jsonl:3: question: is not a string" ]
    [ "${stderr_lines[2]}" = "lm-items: rows.jsonl:4: question: is missing" ]
    [[ ${stderr_lines[3]} == "lm-items: rows.jsonl:5: "* ]]
}

@test "lm-items -n: no row behind the last item is looked at" {
    printf '%s\n' '{"prompt":"a"}' '{"prompt":"b"}' 'garbage' >rows.jsonl
    run --separate-stderr lm-items jsonl rows.jsonl -n 2
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "${#lines[@]}" -eq 2 ]
}

@test "lm-items --samples: ID#k, and meta.item is ID; -n counts items" {
    printf '%s\n' '{"prompt":"a"}' '{"id":"x","input":{"prompt":"b"},"meta":{"kind":"k"}}' '{"prompt":"c"}' >rows.jsonl
    run --separate-stderr lm-items jsonl rows.jsonl --samples 2 -n 2
    [ "$status" -eq 0 ]
    [ "$(jq -r '.id + " " + .meta.item' <<<"$output" | tr '\n' ';')" = "rows/1#1 rows/1;rows/1#2 rows/1;x#1 x;x#2 x;" ]
    [ "$(jq -r .meta.kind <<<"${lines[3]}")" = k ]
}

@test "lm-items jsonl: what is an item already passes byte for byte" {
    cat >rows.jsonl <<'EOF'
{"id":"a", "input":{"prompt":"\u00e9"},"seed":1234567890123456789,"x":1.0 }
{"id":"b","request":{"messages":[]}}
EOF
    lm-items jsonl rows.jsonl >got
    cmp rows.jsonl got
}

@test "lm-items jsonl: rows become items, by rule or by --id, --input, --gold and -t" {
    run --separate-stderr lm-items jsonl <<<'{"question":"q","answer":7,"level":"hard"}'
    [ "$output" = '{"id":"jsonl/1","task":"chat","input":{"question":"q","level":"hard"},"gold":"7"}' ]
    run --separate-stderr lm-items jsonl -t math --id key --input problem=q.text --input tags.1 --gold right \
        <<<'{"key":12,"q":{"text":"p"},"tags":["s","t"],"right":[1,{"a":null}],"meta":{"m":1}}'
    [ "$output" = '{"id":"12","task":"math","input":{"problem":"p","tags.1":"t"},"gold":[1,{"a":null}],"meta":{"m":1}}' ]
    run --separate-stderr lm-items jsonl --gold nope <<<'{"prompt":"p"}'
    [ "$status" -eq 1 ]
    [ "$stderr" = "lm-items: -:1: --gold nope: is missing" ]
}

@test "lm-items jsonl: of several options, the one whose member is missing is named" {
    run --separate-stderr lm-items jsonl --input nosuch <<<'{"q":"x","gold":"5"}'
    [ "$status" -eq 1 ]
    [ "$stderr" = "lm-items: -:1: --input nosuch: is missing" ]
    run --separate-stderr lm-items jsonl --id a.b --input q --gold gold <<<'{"q":"x","a":["s"],"gold":"5"}'
    [ "$stderr" = "lm-items: -:1: --id a.b: is missing" ]
    run --separate-stderr lm-items jsonl --input q.0.text <<<'{"q":"x","gold":"5"}'
    [ "$stderr" = "lm-items: -:1: --input q.0.text: is missing" ]
}

@test "lm-items jsonl: numbers stay as they are written" {
    cat >rows.jsonl <<'EOF'
{"id":1234567890123456789,"q":"x","gold":9007199254740993}
{"id":1234567890123456788,"q":"-0 1.50","gold":18.50}
{"n":[-0,1e3,{"a":-1.50,"b":12345678901234567890}],"s":"1.0","t":"\"","gold":[1.0,"1.0",7],"meta":{"seed":9007199254740993}}
EOF
    run --separate-stderr lm-items jsonl rows.jsonl -t gsm8k
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = '{"id":"1234567890123456789","task":"gsm8k","input":{"q":"x"},"gold":"9007199254740993"}' ]
    [ "${lines[1]}" = '{"id":"1234567890123456788","task":"gsm8k","input":{"q":"-0 1.50"},"gold":"18.50"}' ]
    [ "${lines[2]}" = '{"id":"rows/3","task":"gsm8k","input":{"n":[-0,1e3,{"a":-1.50,"b":12345678901234567890}],"s":"1.0","t":"\""},"gold":[1.0,"1.0",7],"meta":{"seed":9007199254740993}}' ]
    run --separate-stderr lm-items jsonl --id key --gold n.1 --input q=n.0 <<<'{"key":[1.50,2,"1.0"],"n":[9007199254740993,1.10]}'
    [ "$output" = '{"id":"[1.50,2,\"1.0\"]","task":"chat","input":{"q":9007199254740993},"gold":"1.10"}' ]
    run --separate-stderr lm-items jsonl --samples 1 <<<'{"id":"a","input":{"seed":9007199254740993}}'
    [ "$output" = '{"id":"a#1","input":{"seed":9007199254740993},"meta":{"item":"a"}}' ]
}

@test "lm-items: an adapter has rows as jq reads them, and \$exact, with numbers as they are written" {
    echo '{id: "\(.n)/\($exact.n | written)", gold: ($exact.a | written), input: {sum: (.a + 1), n: $exact.n}}' >own.jq
    run --separate-stderr lm-items own.jq <<<'{"n":1.50,"a":2}'
    [ "$output" = '{"id":"1.5/1.50","gold":"2","input":{"sum":3,"n":1.50}}' ]
    echo '{id: $exact.n}' >no-text.jq
    run --separate-stderr lm-items no-text.jq <<<'{"n":1.50}'
    [ "$status" -eq 1 ]
    [ "$stderr" = "lm-items: -:1: the adapter made no item with an id" ]
}

@test "lm-items: a text with the mark of such numbers is refused, escaped or not" {
    run --separate-stderr lm-items jsonl <<<$'{"q":"\xef\xb7\x901.5"}\n{"q":"\\uFdD0"}\n{"q":"\\\\ufdd0"}'
    [ "$status" -eq 1 ]
    [ "$(jq -r .input.q <<<"$output")" = '\ufdd0' ]
    [ "${stderr_lines[0]}" = "lm-items: -:1: has U+FDD0 in a text, which is no character" ]
    [[ ${stderr_lines[1]} == "lm-items: -:2: has U+FDD0"* ]]
}

@test "lm-items jsonl: a gold or id that is null is none" {
    run --separate-stderr lm-items jsonl <<<$'{"q":"a","gold":null}\n{"q":"b","gold":null,"answer":"7"}\n{"q":"c","id":null,"answer":null}'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = '{"id":"jsonl/1","task":"chat","input":{"q":"a"}}' ]
    [ "${lines[1]}" = '{"id":"jsonl/2","task":"chat","input":{"q":"b"},"gold":"7"}' ]
    [ "${lines[2]}" = '{"id":"jsonl/3","task":"chat","input":{"q":"c"}}' ]
    run --separate-stderr lm-items jsonl --gold gold <<<'{"q":"a","gold":null}'
    [ "$status" -eq 1 ]
    [ "$stderr" = "lm-items: -:1: --gold gold: is missing" ]
}

@test "lm-items: an adapter of one's own, which may make several items of a row" {
    echo '.words[] | {id: "w/\($line)/\(.)", task: "chat", input: {prompt: .}}' >words.jq
    run --separate-stderr lm-items ./words.jq <<<$'{"words":["a","b"]}\n{"words":[]}\n{"words":["c"]}\n{"words":3}'
    [ "$status" -eq 1 ]
    [ "$(jq -r .id <<<"$output" | tr '\n' ' ')" = "w/1/a w/1/b w/3/c " ]
    [[ $stderr == "lm-items: -:4: Cannot iterate over number"* ]]
    echo '{task: "chat"}' >no-id.jq
    run --separate-stderr lm-items no-id.jq <<<'{"a":1}'
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [[ $stderr == *"-:1: the adapter made no item with an id" ]]
    echo '{id: ' >broken.jq
    run --separate-stderr lm-items broken.jq <<<'{"a":1}'
    [ "$status" -eq 3 ]
    [[ $stderr == *"jq ended with status 3"* ]]
}

@test "lm-items: the data of an adapter of one's own are beside it" {
    mkdir -p own/data elsewhere
    printf '# data: all data/rows.jsonl\n# data: here %s/own/data/rows.jsonl\n{id: "\\($split)/\\(.n)"}\n' "$PWD" >own/words.jq
    echo '{"n":1}' >own/data/rows.jsonl
    [ "$(lm-items own/words.jq)" = '{"id":"rows/1"}' ]
    [ "$(cd own && lm-items words.jq)" = '{"id":"rows/1"}' ]
    [ "$(cd elsewhere && lm-items ../own/words.jq --split here)" = '{"id":"here/1"}' ]
    rm own/data/rows.jsonl
    run --separate-stderr lm-items own/words.jq
    [ "$status" -eq 3 ]
    [[ $stderr == "lm-items: own/data/rows.jsonl: No such file"* ]]
    input=own/data/rows.jsonl
    echo '{"n":1}' >"$input"
    fails_everywhere alloc lm-items own/words.jq
}

@test "lm-items: an unknown data set or split is a usage error that lists the known" {
    run --separate-stderr lm-items nonesuch
    [ "$status" -eq 2 ]
    [[ $stderr == *"gsm8k, jsonl"* ]]
    run --separate-stderr lm-items gsm8k --split dev
    [ "$status" -eq 2 ]
    [[ $stderr == *"test, train"* ]]
    run --separate-stderr lm-items
    [ "$status" -eq 2 ]
}

@test "lm-items: an input that cannot be read, and a missing jq, are exit 3" {
    run --separate-stderr lm-items jsonl nonesuch.jsonl
    [ "$status" -eq 3 ]
    [[ $stderr == *"nonesuch.jsonl: No such file"* ]]
    { yes '{"prompt":"abcdefgh"}' || true; } | head -5000 | gzip | head -c 100 >cut.jsonl.gz
    run --separate-stderr lm-items jsonl cut.jsonl.gz
    [ "$status" -eq 3 ]
    [[ $stderr == *"cut.jsonl.gz: "*"too early"* ]]
    mkdir empty
    run --separate-stderr env PATH="$PWD/empty" "$LM_BUILD/lm-items" prompts
    [ "$status" -eq 3 ]
    [[ $stderr == *jq* ]]
}

@test "lm-items prompts: a hundred general prompts, each a record as it should be" {
    lm-items prompts >prompts.jsonl
    [ "$(jq -r .meta.kind prompts.jsonl | sort | uniq -c | wc -l)" -eq 4 ]
    [ "$(wc -l <prompts.jsonl)" -ge 90 ]
    [ "$(jq -r .input.prompt prompts.jsonl | sort | uniq -d | wc -l)" -eq 0 ]
    lm-check prompts.jsonl
}

@test "lm-items: data come from LM_DATA_MIRROR, packed or not, are checked, and are kept" {
    copy_of_tree
    printf '%s\n' '{"question":"q","answer":"s\n#### 4"}' >rows
    sed -i -E "s/^(# data: test [^ ]*) [^ ]*/\1 $(sha256sum <rows | cut -d ' ' -f 1)/" tree/share/lmutils/items/gsm8k.jq
    mkdir -p mirror/gsm8k
    gzip -c rows >mirror/gsm8k/test.jsonl.gz
    run --separate-stderr env LM_DATA_MIRROR="$PWD/mirror" tree/bin/lm-items gsm8k
    [ "$status" -eq 0 ]
    [ "$(jq -r .id <<<"$output")" = gsm8k/test/1 ]
    cmp rows cache/lmutils/gsm8k/test.jsonl
    rm -r mirror
    tree/bin/lm-items gsm8k | jq -e '.gold == "4"' # it is here now

    rm -r cache
    mkdir -p mirror/gsm8k
    echo '{"question":"forged","answer":"s\n#### 4"}' >mirror/gsm8k/test.jsonl
    run --separate-stderr env LM_DATA_MIRROR="$PWD/mirror" tree/bin/lm-items gsm8k
    [ "$status" -eq 3 ]
    [ -z "$output" ]
    [[ $stderr == *"sha256"* ]]
    [ -z "$(find cache -type f)" ]
}

@test "lm-items: a download that fails is exit 3, and says what, and what would help" {
    copy_of_tree
    sed -i -E "s|https://[^ ]*|http://127.0.0.1:$(free_port)/test.jsonl|" tree/share/lmutils/items/gsm8k.jq
    run --separate-stderr env -u LM_DATA_MIRROR tree/bin/lm-items gsm8k
    [ "$status" -eq 3 ]
    [ -z "$output" ]
    [[ $stderr == *"gsm8k/test.jsonl: cannot download http://127.0.0.1:"*"LM_DATA_MIRROR"* ]]
    [ -z "$(find cache -type f)" ]
}

@test "lm-items: the published GSM8K, where a mirror has it" {
    [ -n "${LM_DATA_MIRROR:-}" ] || skip "LM_DATA_MIRROR names no folder"
    copy_of_tree
    tree/bin/lm-items gsm8k >test.jsonl
    [ "$(wc -l <test.jsonl)" -eq 1319 ]
    [ "$(jq -r 'select(.gold | contains(",")) | .gold' test.jsonl | wc -l)" -eq 14 ]
    [ "$(grep -c '<<' test.jsonl)" -eq 0 ]
    lm-check test.jsonl
    lm-prompt test.jsonl | lm-check
}

@test "lm-items: any one allocation, read or write may fail" {
    printf '%s\n' '{"prompt":"a"}' 'garbage' '{"id":"x","input":{"prompt":"b"}}' >rows.jsonl
    for kind in alloc read write; do
        fails_everywhere "$kind" lm-items jsonl rows.jsonl
    done
}
