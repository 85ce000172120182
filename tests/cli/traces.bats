# Data sets of requests: traces (when, and how long) and conversations. The published files are tested where a mirror has them.
bats_require_minimum_version 1.5.0
load ../lib

times() {
    jq -c .at_ns | paste -sd ' '
}
mirror() {
    [ -n "${LM_DATA_MIRROR:-}" ] && [ -e "$LM_DATA_MIRROR/$1" ] || skip "LM_DATA_MIRROR has no $1"
}

# The first three rows are the published ones.
@test "lm-items burstgpt: a trace record for each request that did not fail, ns after the first row" {
    printf '%s\n' 'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type' '5,ChatGPT,472,18,490,Conversation log' \
        '45,ChatGPT,1087,230,1317,Conversation log' '118,GPT-4,417,276,693,Conversation log' '119,GPT-4,417,0,417,Conversation log' \
        '119.25,GPT-4,1,2,3,"API ""log"", two"' >BurstGPT_1.csv
    lm-items burstgpt BurstGPT_1.csv >out
    lm-check out
    [ "$(head -n 1 out)" = '{"id":"burstgpt/1/2","task":"trace","meta":{"input_tokens":472,"output_tokens":18,"model":"ChatGPT","log":"Conversation log"},"at_ns":0}' ]
    [ "$(times <out)" = "0 40000000000 113000000000 114250000000" ]
    [ "$(jq -r '.meta.log' out | tail -n 1)" = 'API "log", two' ]
    # Other columns, elsewhere; CR LF; a byte order mark; no line end at the end.
    printf '\xef\xbb\xbfSession ID,Timestamp,Elapsed time,Model,Log Type,Response tokens,Request tokens\r\ns,7,0.5,GPT-4,API log,3,4\r\n\r\ns,8,,GPT-4,API log,5,6' |
        lm-items burstgpt --split three - >out
    [ "$(jq -c '[.id, .meta.input_tokens, .meta.output_tokens, .at_ns]' out | paste -sd ' ')" = '["burstgpt/three/2",4,3,0] ["burstgpt/three/4",6,5,1000000000]' ]
}

@test "lm-items burstgpt: ns are exact beyond 2^53, over months" {
    printf '%s\n' 'Timestamp,Model,Request tokens,Response tokens,Log Type' '0.000000001,G,1,1,L' '10540800.123456789,G,1,1,L' '10540801,G,1,1,L' >in.csv
    [ "$(lm-items burstgpt in.csv | sed 's/.*"at_ns":\(.*\)}/\1/' | paste -sd ' ')" = "0 10540800123456788 10540800999999999" ]
}

@test "lm-items: rows of CSV that are wrong are reported with their lines, the rest is kept" {
    printf '%s\n' 'Timestamp,Model,Request tokens,Response tokens,Log Type' '5,G,1,1,L' '6,G,1' '7,"G" x,1,1,L' '8,"two' 'lines",1,1,L' 'x,G,1,1,L' \
        '9,G,-1,1,L' '9,G,1,,L' '4,G,1,1,L' '10,G,1,1,L' >in.csv
    run -1 --separate-stderr lm-items burstgpt in.csv
    [ "$(jq -c '[.id, .meta.model]' <<<"$output" | paste -sd ' ')" = '["burstgpt/in/2","G"] ["burstgpt/in/5","two\nlines"] ["burstgpt/in/11","G"]' ]
    [ "${stderr_lines[0]}" = "lm-items: in.csv:3: has 3 fields, and the first line names 5" ]
    [ "${stderr_lines[1]}" = "lm-items: in.csv:4: a quote within a field" ]
    [ "${stderr_lines[2]}" = "lm-items: in.csv:7: Timestamp: is no time in seconds" ]
    [ "${stderr_lines[3]}" = "lm-items: in.csv:8: Request tokens: is not a whole number, 0 or more" ]
    [ "${stderr_lines[4]}" = "lm-items: in.csv:9: Response tokens: is not a whole number, 0 or more" ]
    [ "${stderr_lines[5]}" = "lm-items: in.csv:10: Timestamp: is before the first row" ]
    printf 'Timestamp,Model\n5,"open\n6,G\n' >cut.csv
    run -3 --separate-stderr lm-items burstgpt cut.csv
    [ "$stderr" = "lm-items: cut.csv:2: the file ends within quotes" ]
    printf 'id,n\na,1\n' >own.csv
    printf '# rows: csv\n{id: .id, n: whole("n")}\n' >own.jq
    [ "$(lm-items own.jq own.csv own.csv)" = $'{"id":"a","n":1}\n{"id":"a","n":1}' ] # a file each has its names
    printf '# rows: tables\n{id: .id}\n' >wrong.jq
    run -3 --separate-stderr lm-items wrong.jq own.csv
    [ "$stderr" = "lm-items: wrong.jq: rows: tables: is none of lines, values, csv" ]
}

@test "lm-items: a long file of CSV, whose rows end anywhere in what is read at once" {
    awk 'BEGIN { print "id,text"; for (i = 1; i <= 40000; i++) printf "%d,\"a\n, %d\"\n", i, i }' >long.csv
    printf '# rows: csv\n{id: .id, text: .text}\n' >long.jq
    lm-items long.jq long.csv >out
    [ "$(jq -r 'select(.text != "a\n, \(.id)")' out)" = "" ]
    [ "$(wc -l <out)" -eq 40000 ]
    gzip -c long.csv | lm-items long.jq - | cmp - out
}

@test "lm-items azure: seven digits, days that change, zones" {
    printf '%s\r\n' TIMESTAMP,ContextTokens,GeneratedTokens '2023-11-16 23:59:59.9799600,4808,10' '2023-11-17 00:00:00.0319601,3180,8' \
        '2023-11-17 00:00:01,1,2' '2024-02-29 00:00:00.0000001,1,2' >AzureLLMInferenceTrace_code.csv
    lm-items azure AzureLLMInferenceTrace_code.csv >out
    lm-check out
    [ "$(head -n 1 out)" = '{"id":"azure/code/2","task":"trace","meta":{"input_tokens":4808,"output_tokens":10},"at_ns":0}' ]
    [ "$(times <out)" = "0 52000100 1020040000 8985600020040100" ]
    printf '%s\n' TIMESTAMP,ContextTokens,GeneratedTokens '2024-05-10 23:59:59.9000000+00:00,1,2' '2024-05-11 02:00:01.1000001+02:00,1,2' \
        '2024-05-10 19:00:02.5-0500,1,2' '2024-05-11T00:00:03Z,1,2' '2024-05-11 00:00:03 or so,1,2' 'noon,1,2' >in.csv
    run -1 --separate-stderr lm-items azure in.csv
    [ "$(times <<<"$output")" = "0 1200000100 2600000000 3100000000" ]
    [ "${stderr_lines[0]}" = "lm-items: in.csv:6: TIMESTAMP: is not a time such as 2023-11-16 18:17:03.9799600" ]
    [ "${#stderr_lines[@]}" -eq 2 ]
}

@test "lm-items mooncake: ms to ns, and the ids of its blocks" {
    printf '%s\n' '{"timestamp": 27000, "input_length": 600, "output_length": 5, "hash_ids": [46, 47]}' \
        '{"timestamp": 30001, "input_length": 1, "output_length": 1, "hash_ids": []}' '{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": []}' \
        '{"timestamp": 30002, "input_length": 1.5, "output_length": 1, "hash_ids": []}' '{"timestamp": 30002, "input_length": 1, "output_length": 1}' >toolagent_trace.jsonl
    run -1 --separate-stderr lm-items mooncake toolagent_trace.jsonl
    [ "${lines[0]}" = '{"id":"mooncake/toolagent/1","task":"trace","meta":{"input_tokens":600,"output_tokens":5,"hash_ids":[46,47],"block_tokens":512},"at_ns":0}' ]
    [ "$(jq .at_ns <<<"${lines[1]}")" = 3001000000 ]
    [ "${stderr_lines[0]}" = "lm-items: toolagent_trace.jsonl:3: timestamp: is before the first row" ]
    [ "${stderr_lines[1]}" = "lm-items: toolagent_trace.jsonl:4: input_length: is not a whole number, 0 or more" ]
    [ "${stderr_lines[2]}" = "lm-items: toolagent_trace.jsonl:5: hash_ids: is not an array" ]
}

sharegpt() {
    cat <<'END'
[
  {"id": "a_0", "conversations": [{"from": "human", "value": "Hi [\"{"}, {"from": "gpt", "value": "Ho"}, {"from": "human", "value": "Go on"}, {"from": "gpt", "value": "So"}]},
  {"id": "b_1", "conversations": [{"from": "gpt", "value": "left over"}, {"from": "human", "value": " "}, {"from": "human", "value": "And?"}]},
  {"id": "c_0", "conversations": [{"from": "gpt", "value": "alone"}]}, {"id": "d_0", "conversations": []},
  {"id": "e_0", "conversations": [{"from": "system", "value": "S"}, {"from": "user", "value": "1"}, {"from": "chatgpt", "value": ""},
    {"from": "user", "value": "2"}]},
  {"id": "f_0", "conversations": 3}, 7, {"id": "g_0", "conversations": [{"from": "human", "value": "z"}]}
]
END
}

@test "lm-items sharegpt: the first that a person says, and the answer as gold" {
    sharegpt >sg.json
    run -1 --separate-stderr lm-items sharegpt sg.json
    [ "${lines[0]}" = '{"id":"sharegpt/sg/1","task":"chat","input":{"prompt":"Hi [\"{"},"gold":"Ho","meta":{"source":"a_0","turns":4}}' ]
    [ "${lines[1]}" = '{"id":"sharegpt/sg/2","task":"chat","input":{"prompt":"And?"},"meta":{"source":"b_1","turns":1}}' ]
    [ "$(jq -c '[.id, .input.prompt, .gold]' <<<"${lines[2]}")" = '["sharegpt/sg/5","1",null]' ]
    [ "$(jq -r .id <<<"${lines[3]}")" = sharegpt/sg/8 ]
    [ "${stderr_lines[0]}" = "lm-items: sg.json:6: conversations: is not an array" ]
    [[ ${stderr_lines[1]} == "lm-items: sg.json:7: "* ]]
    lm-check - <<<"$output"
    sharegpt | head -c 200 >cut.json
    run -3 --separate-stderr lm-items sharegpt cut.json
    [ "$stderr" = "lm-items: cut.json:2: the file ends within this row" ]
    sharegpt | jq -c '.[]' | lm-items sharegpt --split sg - 2>/dev/null | cmp - <(lm-items sharegpt sg.json 2>/dev/null) # a line each
}

@test "lm-items sharegpt-sessions: an item a turn, the earlier answers null" {
    sharegpt >sg.json
    run -1 --separate-stderr lm-items sharegpt-sessions sg.json
    [ "${lines[1]}" = '{"id":"sharegpt/sg/1/1","task":"chat","input":{"messages":[{"role":"user","content":"Hi [\"{"},{"role":"assistant","content":null},{"role":"user","content":"Go on"}]},"gold":"So","meta":{"source":"a_0","turns":2},"session":{"id":"sharegpt/sg/1","turn":1}}' ]
    [ "$(jq -r .id <<<"$output" | paste -sd ' ')" = "sharegpt/sg/1/0 sharegpt/sg/1/1 sharegpt/sg/2/0 sharegpt/sg/5/0 sharegpt/sg/8/0" ]
    lm-check - <<<"$output"
    lm-prompt - <<<"$output" | lm-check
}

@test "the published traces, where a mirror has them: as many, to the last nanosecond" {
    mirror azure-llm
    mirror mooncake
    lm-items azure --split code "$LM_DATA_MIRROR/azure-llm/AzureLLMInferenceTrace_code.csv.gz" >code
    [ "$(wc -l <code)" -eq 8819 ]
    [ "$(tail -n 1 code | jq .at_ns)" = 3435948056000 ] # 19:14:19.9280160 less 18:17:03.9799600
    [ "$(jq -s 'map(.meta.input_tokens) | add' code)" = "$(zcat "$LM_DATA_MIRROR/azure-llm/AzureLLMInferenceTrace_code.csv.gz" | awk -F, 'NR > 1 {n += $2} END {print n}')" ]
    lm-items mooncake "$LM_DATA_MIRROR/mooncake/synthetic_trace.jsonl.gz" >synthetic
    [ "$(wc -l <synthetic)" -eq 3993 ]
    [ "$(tail -n 1 synthetic | jq .at_ns)" = 1022025000000 ]
    lm-check code synthetic
    head -n 50 synthetic | lm-synth prompts - >texts
    [ "$(jq -c '(.input.prompt | split(" ") | length) == .meta.input_tokens' texts | sort -u)" = true ]
    lm-prompt --api completions --max-tokens meta.output_tokens texts | lm-check
}

@test "ShareGPT's conversations, where a mirror has some: all but what nobody begins" {
    mirror sharegpt
    data=$LM_DATA_MIRROR/sharegpt/sharegpt_300.json.gz
    lm-items sharegpt "$data" >items
    [ "$(wc -l <items)" -eq 299 ]
    zcat "$data" | jq -c '.[].conversations | map(select(.value | test("\\S")) | .from) | index("human") as $at | select($at != null) | .[$at + 1] == "gpt"' |
        diff - <(jq -c 'has("gold")' items)
    lm-items sharegpt-sessions "$data" >turns
    lm-check items turns
    [ "$(jq -r .session.id turns | sort -u | wc -l)" -eq 299 ]
    lm-prompt turns | lm-check
}

@test "the adapters' data come from where they are published, with their checksums" {
    local name
    for name in azure burstgpt mooncake sharegpt sharegpt-sessions; do
        grep '^# data: ' "$ROOT/pipelines/items/$name.jq" >lines
        [ "$(awk 'NF == 6 && length($5) == 64 && $5 ~ /^[0-9a-f]*$/ && $6 ~ /^https:/' lines | wc -l)" -eq "$(wc -l <lines)" ]
    done
}

@test "lm-items: any one allocation or read may fail, of CSV and of values" {
    printf 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.97,1,2\n"x",1,2\n' >in.csv
    echo '[{"id":"a","conversations":[{"from":"human","value":"x"}]},{"id":3}]' >in.json
    for kind in alloc read; do
        fails_everywhere "$kind" lm-items azure in.csv
        fails_everywhere "$kind" lm-items sharegpt in.json
    done
}
