bats_require_minimum_version 1.5.0
load ../lib

# many N SEED [JQ]: N records of a streamed load, all different, by a small generator of its own, each changed so.
many() {
    jq -nc --argjson n "$1" --argjson seed "$2" 'def next: (. * 1103515245 + 12345) % 2147483648;
        foreach range($n) as $i ({seed: $seed}; .seed |= next | .seed as $s | (2 + $s % 40) as $tokens
            | ($i * 7000000 + $s % 900000) as $sent | ($sent + 20000000 + $s % 30000000) as $first
            | [range($tokens)] | map($first + . * 5000000 + (($s + . * 7919) % 4000000)) as $chunks
            | {seed: $s, record: {id: "r\($i)", request: {model: (if $i % 3 == 0 then "x" else "y" end)},
                response: {tokens: {prompt: ($s % 100), completion: $tokens, source: "usage"}},
                timing: {start: "2026-11-24T07:43:00Z", start_ns: 0, load: {mode: "open", rate_rps: 2}, due_ns: ($sent - $s % 1000), sent_ns: $sent,
                    first_ns: $chunks[0], last_ns: $chunks[-1], end_ns: ($chunks[-1] + 10), chunks_ns: $chunks, clock: "kernel", late: 0, cpu: 0.1}}};
            .record) | '"${3:-.}"
}

# block NAME: the data block of the script in $output, less the line that begins it.
block() {
    awk -v begin="\$$1 << EOD" '$0 == "EOD" {within = 0} within; $0 == begin {within = 1}' <<<"$output"
}

# script OPTION...: the script, in $output.
script() {
    run --separate-stderr lm-plot --script "$@"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
}

# same EXPECTED: the numbers on standard input are those of EXPECTED, to a millionth.
same() {
    cat >numbers
    awk 'function off(a, b) {return a == b ? 0 : (a > b ? a - b : b - a) / (a > 0 ? a : a < 0 ? -a : 1)}
        NR == FNR {expected[NR] = $0; lines = NR; next}
        {count = split(expected[FNR], want); bad = bad || count != NF || FNR > lines
         for (i = 1; i <= NF; i++) bad = bad || off(want[i], $i) > 1e-6}
        END {exit bad || FNR != lines}' <(cat <<<"$1") numbers || {
        diff <(cat <<<"$1") numbers
        return 1
    }
}

# column N of lm-stat --each for the file, sorted: 6 TTFT, 7 TPOT in ms
each_sorted() {
    lm-stat --each --format csv "$2" | tail -n +2 | cut -d , -f "$1" | grep . | sort -g
}

@test "lm-plot sorted: each latency that lm-stat gives, in ascending order, at its place from 1" {
    many 30 1 >a.jsonl
    script sorted a.jsonl
    block ttft_1 | same "$(each_sorted 6 a.jsonl | awk '{print NR, $1}')"
    block tpot_1 | same "$(each_sorted 7 a.jsonl | awk '{print NR, $1}')"
    [[ $output == *"set ylabel 'TTFT (ms)'"*"set ylabel 'TPOT (ms)'"* ]]
    [[ $output == *"set label 'p50' at first 15.5,"* ]] # 1 + (30 - 1) / 2
}

@test "lm-plot sorted: of many requests some thousand points, which ascend and have both ends" {
    many 8000 7 'del(.timing.chunks_ns)' >a.jsonl
    script sorted --metric ttft a.jsonl
    block ttft_1 >points
    [ "$(wc -l <points)" -le 4000 ]
    [ "$(wc -l <points)" -ge 1000 ]
    sort -c -g points
    cut -d ' ' -f 2 points | sort -c -g
    sed -n '1p;$p' points | same "$(each_sorted 6 a.jsonl | awk 'NR == 1 || NR == 8000 {print NR, $1}')"
}

@test "lm-plot: several runs are in one legend, by the names of their files or by their own" {
    mkdir one two
    many 5 1 >one/answers.jsonl
    many 6 2 | gzip >two/answers.jsonl.gz
    many 7 3 >c.jsonl
    script sorted one/answers.jsonl two/answers.jsonl.gz c.jsonl "d e=c.jsonl"
    [ "$(grep -c "keyentry" <<<"$output")" -eq 4 ]
    [[ $output == *"title 'one/answers'"*"title 'two/answers'"*"title 'c'"*"title 'd e'"* ]]
    [ "$(block ttft_2 | wc -l)" -eq 6 ]
    # One name is one run.
    script sorted x=one/answers.jsonl x=two/answers.jsonl.gz y=c.jsonl
    [ "$(block ttft_1 | wc -l)" -eq 11 ]
    script sorted --label all one/answers.jsonl two/answers.jsonl.gz c.jsonl
    [ "$(block ttft_1 | wc -l)" -eq 18 ]
    [[ $output != *keyentry* ]]
}

@test "lm-plot --by: a run for each value of a member" {
    many 9 1 >a.jsonl
    script cdf --by request.model a.jsonl
    [[ $output == *"title 'x'"*"title 'y'"* ]]
    [ "$(block ttft_1 | wc -l)" -eq 4 ] # three of nine, and the foot
    script cdf --by request.model a.jsonl b=a.jsonl
    [[ $output == *"title 'a x'"*"title 'a y'"*"title 'b x'"*"title 'b y'"* ]]
}

@test "lm-plot cdf: the share of requests that were so fast; tail: that were as slow or slower" {
    many 20 1 >a.jsonl
    script cdf --metric ttft a.jsonl
    block ttft_1 | same "$(each_sorted 6 a.jsonl | awk 'NR == 1 {print $1, 0} {print $1, NR * 5}')"
    script tail --metric ttft a.jsonl
    block ttft_1 | same "$(each_sorted 6 a.jsonl | awk '{print $1, 105 - NR * 5}')"
    [[ $output == *$'\nset logscale y'* ]]
}

@test "lm-plot tail: of many requests the slowest are all there" {
    many 2500 3 'del(.timing.chunks_ns)' >a.jsonl
    script tail --metric ttft a.jsonl
    [ "$(block ttft_1 | wc -l)" -lt 4500 ]
    block ttft_1 | tail -n 1 | same "$(each_sorted 6 a.jsonl | tail -n 1 | awk '{print $1, 0.04}')"
}

@test "lm-plot rate: the percentiles that lm-stat gives at each rate, and which have samples beyond them" {
    { many 60 1 '.timing.load.rate_rps = 8'; many 40 2; many 1200 3 '.timing.load.rate_rps = 0.5 | del(.timing.chunks_ns)'; } >a.jsonl
    script rate --metric tpot a.jsonl
    block tpot_1 | same "$(lm-stat --by timing.load.rate_rps --percentiles 50,90,99 --format json a.jsonl |
        jq -r '.tpot_ms as $m | def enough($p): if $m.few_samples // [] | index($p) then 0 else 1 end;
            [.group.value, $m.p50, $m.p90, $m.p99, enough("p50"), enough("p90"), enough("p99")] | join(" ")')"
    [[ $output == *"set xlabel 'request rate (1/s)'"* ]]
    script rate --metric e2e --percentiles 10,95 a.jsonl
    block e2e_1 | cut -d ' ' -f 1-3 | same "$(lm-stat --by timing.load.rate_rps --percentiles 10,95 --format json a.jsonl |
        jq -r '[.group.value, .e2e_ms.p10, .e2e_ms.p95] | join(" ")')"
}

@test "lm-plot rate: along the concurrency of a closed loop, or any number that --x names" {
    { many 5 1 '.timing.load = {mode: "closed", concurrency: 4}'; many 5 2 '.timing.load = {mode: "closed", concurrency: 16}'; } >a.jsonl
    script rate a.jsonl
    [[ $output == *"set xlabel 'concurrency'"* ]]
    [ "$(block ttft_1 | cut -d ' ' -f 1 | xargs)" = "4 16" ]
    { many 5 1 '.meta = {gpus: 2}'; many 3 1; } >b.jsonl
    script rate --x meta.gpus b.jsonl
    [ "$(block ttft_1 | cut -d ' ' -f 1)" = 2 ]
    [[ $output == *"Left out: 3 without meta.gpus"* ]]
    run --separate-stderr lm-plot rate --x meta.none b.jsonl
    [ "$status" -eq 3 ]
    [[ $stderr == *"no request has a number for meta.none"* ]]
}

# Of lines "cost gain" those that no other beats: none is at most as dear and at least as good, and differs.
front_by_definition() {
    awk '{x[NR] = $1; y[NR] = $2} END {for (i = 1; i <= NR; i++) {
        beaten = 0
        for (k = 1; k <= NR; k++) if (x[k] <= x[i] && y[k] >= y[i] && (x[k] != x[i] || y[k] != y[i])) beaten = 1
        if (!beaten) print x[i], y[i] }}' | sort -g -u
}

@test "lm-plot pareto: tokens/s against a latency as lm-stat gives both, and the front is what no other point beats" {
    local run rate seed=1
    for run in a b c; do
        for rate in 1 2 4 8 16; do
            many 12 "$((seed *= 7))" ".timing.load.rate_rps = $rate | .timing.start = \"2026-11-24T07:43:0$((rate % 10))Z\"
                | .timing |= with_entries(if .key | IN(\"due_ns\", \"sent_ns\", \"first_ns\", \"last_ns\", \"end_ns\") then .value = (.value / $rate | floor) else . end)
                | del(.timing.chunks_ns)"
        done >$run.jsonl
    done
    script pareto --metric ttft --percentiles 90 a.jsonl b.jsonl c.jsonl
    for run in a b c; do
        lm-stat --by timing.load.rate_rps --percentiles 90 --format json $run.jsonl |
            jq -r '[.ttft_ms.p90, .output_token_throughput_tps, .group.value] | join(" ")' >$run.expected
    done
    block ttft_1 | same "$(cat a.expected)"
    block ttft_3 | same "$(cat c.expected)"
    block front | same "$(cat [abc].expected | front_by_definition)"
    # Tokens/s of a stream: more is better.
    script pareto --metric tokens_per_s a.jsonl b.jsonl c.jsonl
    block front | awk '{print -$1, $2}' | same "$({ block tokens_per_s_1; block tokens_per_s_2; block tokens_per_s_3; } |
        awk '{print -$1, $2}' | front_by_definition)"
}

@test "lm-plot timeline: as many in flight as are between sent and end, tries that failed too; and all tokens" {
    {
        many 25 1
        many 1 2 '.response = {error: {kind: "timeout"}} | .timing.attempts = [{sent_ns: 100000000, end_ns: 300000000, kind: "connect"}]
            | .timing.sent_ns = 400000000 | .timing.end_ns = 1000000000 | del(.timing.first_ns, .timing.last_ns, .timing.chunks_ns)'
        many 3 5 '.timing.warmup = true'
    } >a.jsonl
    script timeline a.jsonl
    block in_flight | tail -n +2 >got
    jq -s -r '[.[] | select(.timing.warmup | not).timing | {sent_ns, end_ns}, (.attempts // [])[] | {s: .sent_ns, e: .end_ns}] as $all
        | ($all | map(.s) | min) as $from | [$all[] | .s, .e] | unique[] as $t
        | "\(($t - $from) / 1e9) \([$all[] | select(.s <= $t and .e > $t)] | length)"' a.jsonl >expected
    same "$(cat expected)" <got
    block failed | cut -d ' ' -f 1 | same "$(jq -s '(1000000000 - ([.[].timing | select(.warmup | not).sent_ns] | min)) / 1e9' a.jsonl)"
    # Each value holds until the next time.
    block tokens | awk 'NR > 1 {sum += rate * ($1 - t)} {t = $1; rate = $2} END {printf "%.3f\n", sum}' |
        same "$(jq -s '[.[] | select(.timing.warmup | not).response.tokens.completion // 0] | add' a.jsonl)"
    [[ $output == *"1 failed"*"left out: 3 warm-up"* ]]
}

@test "lm-plot timeline: parts of a run stand where their starts say, whatever their order" {
    { many 5 1 '.timing.start = "2026-11-24T08:00:00.5Z"'; many 5 1 '.timing.start = "2026-11-24T07:59:50Z"'; } >a.jsonl
    script timeline a.jsonl
    # The part that is 10.5 s later comes first in the file, and goes as the other one does.
    [ "$(block in_flight | awk '$1 < 10 && $2 < 5 {print $2}' | tail -n 5 | xargs)" = "4 3 2 1 0" ]
    [ "$(block in_flight | awk '$1 >= 10.5 {print $2}' | xargs)" = "1 2 3 4 5 4 3 2 1 0" ]
    [ "$(block in_flight | awk '$1 >= 10.5 {print $1; exit}')" = 10.5 ]
    many 1 1 '.timing.start = "yesterday"' >b.jsonl
    run --separate-stderr lm-plot timeline --script a.jsonl b.jsonl
    [ "$status" -eq 1 ]
    [[ $stderr == *"b.jsonl:1: timing.start: \"yesterday\" is no time such as "* ]]
}

@test "lm-plot timeline --watch: the server's queue, cache and tokens, and the GPUs, on the same clock" {
    many 200 1 >a.jsonl
    jq -nc 'range(4) as $i | {start: "2026-11-24T07:42:59.5Z", start_ns: 7, sampled_ns: ($i * 500000000),
        server: {running: ($i + 3), waiting: $i, kv_cache_usage: (0.1 * $i), generation_tokens: ([100, 150, 5, 35][$i])},
        gpus: [{index: 0, utilization: 0.5, power_w: 300}, {index: 1, utilization: 0.9, power_w: 200}]}' >watch.jsonl
    script timeline --watch watch.jsonl a.jsonl
    local from
    from=$(jq -s '[.[].timing.sent_ns] | min / 1e9' a.jsonl)
    block running | same "$(awk -v from="$from" 'BEGIN {print 0.5 - from, 5; print 1 - from, 6}')"
    block waiting | cut -d ' ' -f 2 | same $'2\n3'
    block kv_cache | cut -d ' ' -f 2 | same $'20\n30'
    # A total that fell began anew: no figure there.
    block generated | same "$(awk -v from="$from" 'BEGIN {print 1 - from, 60}')"
    block gpu | cut -d ' ' -f 2 | same $'70\n70'
    block power | cut -d ' ' -f 2 | same $'500\n500'
    # What is not exported has no panel, and no line: a server without a KV cache beside a GPU.
    jq -c 'del(.server.kv_cache_usage)' watch.jsonl >less.jsonl
    lm-plot timeline --watch less.jsonl -o a.svg a.jsonl
    grep -q '>GPU<' a.svg
    run ! grep 'KV cache' a.svg
    jq -c 'del(.gpus, .server.kv_cache_usage)' watch.jsonl >less.jsonl
    script timeline --watch less.jsonl a.jsonl
    [[ $output != *"GPU"* ]]
    [[ $output == *"'waiting'"* ]]
    echo '{"start":"2026-11-24T07:43:00Z"}' >>watch.jsonl
    run --separate-stderr lm-plot timeline --script --watch watch.jsonl a.jsonl
    [ "$status" -eq 1 ]
    [[ $stderr == *"watch.jsonl:5: sampled_ns: "* ]]
}

@test "lm-plot timeline: a batch is one request; tokens without chunks come from the first to the last" {
    many 2 1 '.response.batch = {id: "b", index: (if .id == "r0" then 0 else 1 end), size: 2} | .timing.sent_ns = 0
        | .timing.end_ns = 1000000000 | .timing.first_ns = 200000000 | .timing.last_ns = 800000000
        | .response.tokens.completion = 60 | del(.timing.chunks_ns)' >a.jsonl
    script timeline a.jsonl
    block in_flight | same $'0 0\n0 1\n1 0'
    # 120 tokens in 0.6 s: 200 a second, and none outside.
    [ "$(block tokens | awk '$1 >= 0.25 && $1 < 0.75 {sum += $2; n++} $1 < 0.19 || $1 > 0.82 {out += $2} END {print sum / n, out}')" = "200 0" ]
}

# A detailed result of vllm bench serve with so many requests.
vllm() {
    jq -nc --argjson n "$1" '[range($n)] as $i | {date: "20261124-074300", endpoint_type: "vllm", backend: "vllm", label: null,
        model_id: "m", tokenizer_id: "m", num_prompts: $n, request_rate: "inf", burstiness: 1.0, max_concurrency: 2, duration: 2.5,
        completed: $n, failed: 0, total_input_tokens: (4 * $n), total_output_tokens: (3 * $n), request_throughput: 1,
        output_throughput: 3, total_token_throughput: 7, input_lens: [$i[] | 4], output_lens: [$i[] | 3],
        ttfts: [$i[] | 0.1 + . / 100], itls: [$i[] | [0.02, 0.03]], start_times: [$i[] | 100 + . / 10],
        generated_texts: [$i[] | "x"], errors: [$i[] | ""]}'
}

@test "lm-plot: a run of vllm bench serve stands beside ours; figures without requests are said" {
    vllm 5 >theirs.json
    many 6 1 >ours.jsonl
    script sorted theirs.json ours.jsonl
    [[ $output == *"title 'theirs'"*"title 'ours'"* ]]
    block ttft_1 | same $'1 100\n2 110\n3 120\n4 130\n5 140'
    [ "$(block ttft_2 | wc -l)" -eq 6 ]
    script timeline theirs.json
    block in_flight | cut -d ' ' -f 2 | head -n 3 | same $'0\n1\n2'
    # Who does not say when a request was sent is in no timeline.
    jq -c 'del(.start_times)' theirs.json >when.json
    script timeline ours.jsonl when.json
    [[ $output == *"left out: 5 of which nobody kept when they were sent"* ]]
    jq -c 'del(.ttfts, .itls, .start_times, .input_lens, .output_lens, .errors, .generated_texts)
        + {mean_ttft_ms: 1, median_ttft_ms: 1, std_ttft_ms: 0, p99_ttft_ms: 1}' theirs.json >plain.json
    run --separate-stderr lm-plot sorted --script ours.jsonl plain.json
    [ "$status" -eq 1 ]
    [ "$stderr" = "lm-plot: plain.json:1: has figures only, and no requests to draw" ]
    [ "$(block ttft_1 | wc -l)" -eq 6 ]
}

@test "lm-plot: where all values are 0 there is an axis; and no tick stands at half a request" {
    many 1 1 '.timing.due_ns = .timing.sent_ns' >a.jsonl
    lm-plot sorted --metric queue_wait -o a.svg a.jsonl
    xmllint --noout a.svg
    script timeline a.jsonl
    [[ $output == *"set ylabel 'requests'"* ]]
    [ "$(grep -A 3 "set ylabel 'requests'" <<<"$output" | grep '^set ytics')" = "set ytics autofreq 1" ]
}

@test "lm-plot: failed, cancelled and warm-up requests are in no curve, and counted below it" {
    {
        many 6 1
        many 2 2 '.response = {error: {kind: "timeout"}}'
        many 1 3 '.response = {cancelled: true}'
        many 4 4 '.timing.warmup = true'
    } >a.jsonl
    script sorted --metric ttft a.jsonl
    [ "$(block ttft_1 | wc -l)" -eq 6 ]
    [[ $output == *"'Left out: 2 failed, 1 cancelled, 4 warm-up'"* ]]
    script sorted --metric ttft a.jsonl b=a.jsonl
    [[ $output == *"'Left out: a 2 failed, 1 cancelled, 4 warm-up; b 2 failed, 1 cancelled, 4 warm-up'"* ]]
}

@test "lm-plot: SVG, PNG and PDF, by the file's ending or --format; each the same bytes again" {
    many 40 1 >a.jsonl
    local kind
    for kind in sorted cdf tail rate pareto timeline; do
        lm-plot $kind -o $kind.svg a.jsonl b=a.jsonl
        xmllint --noout $kind.svg
        grep -q "<title>lm-plot $kind</title>" $kind.svg
        grep -q '<text' $kind.svg
    done
    lm-plot sorted a.jsonl b=a.jsonl | cmp - sorted.svg
    lm-plot sorted -o a.png a.jsonl
    [ "$(head -c 4 a.png | tail -c 3)" = PNG ]
    lm-plot sorted --format png a.jsonl | cmp - a.png
    lm-plot sorted -o a.pdf a.jsonl
    [ "$(head -c 4 a.pdf)" = %PDF ]
    [ ! -e a.pdf.part ]
    # The script is all that gnuplot needs.
    lm-plot sorted --script a.jsonl b=a.jsonl | gnuplot | sed 's/<title>Gnuplot/<title>lm-plot sorted/' | cmp - sorted.svg
}

@test "lm-plot --size: a screen's, a column's, a page's, or so many pixels" {
    many 10 1 >a.jsonl
    # of a PNG, bytes 16 to 23 are its width and height
    pixels() { od -A n -t u4 --endian=big -j 16 -N 8 "$1" | xargs; }
    lm-plot sorted -o a.png a.jsonl
    [ "$(pixels a.png)" = "1600 1000" ]
    lm-plot sorted --size 300x200 -o a.png a.jsonl
    [ "$(pixels a.png)" = "300 200" ]
    lm-plot cdf --size column -o a.svg a.jsonl
    grep -q 'width="321"' a.svg # 85 mm at 96 to the inch
    lm-plot cdf --size full -o a.svg a.jsonl
    grep -q 'width="643"' a.svg
}

@test "lm-plot: the legend has the rows that the panels leave it, however long the names are" {
    many 3 1 >a.jsonl
    local length name columns rows
    for length in 1 5 15 28; do
        name=$(printf '%0*d' "$length" 0)
        script sorted --size column --metric ttft {1..5}"$name=a.jsonl"
        columns=$(grep -o 'maxcols [0-9]*' <<<"$output" | cut -d ' ' -f 2)
        lm-plot sorted --size column --metric ttft -o a.svg {1..5}"$name=a.jsonl"
        rows=$(grep -B 3 ">[1-5]$name<" a.svg | grep -o 'translate([0-9.]*,[0-9.]*)' | cut -d , -f 2 | sort -u | wc -l)
        [ "$rows" -eq $(((5 + columns - 1) / columns)) ]
    done
}

@test "lm-plot: what a name or a title holds is text, to gnuplot and to XML" {
    many 4 1 >a.jsonl
    local name=$'`touch run`$(touch run)\'"; system("touch run") #\\ {/Bold x}_y^2 @z <&> \xff\x01\nend\\'
    lm-plot sorted --title "$name" -o a.svg "$name=a.jsonl" "b\\=a.jsonl"
    [ ! -e run ]
    xmllint --noout a.svg
    [[ $(xmllint --xpath 'string(//*[local-name()="title"])' a.svg) == '`touch run`$(touch run)'*'{/Bold x}_y^2 @z <&> '* ]]
    [[ $(<a.svg) == *'&lt;&amp;&gt;'* ]]
}

@test "lm-plot --scale: logarithmic where a linear axis would press all flat, or as told" {
    { many 30 1; many 1 2 '.timing.first_ns = .timing.sent_ns + 9000000000 | .timing.last_ns = .timing.first_ns + 9000000000 | del(.timing.chunks_ns)'; } >a.jsonl
    script sorted --metric ttft a.jsonl
    [[ $output == *$'\nset logscale y'* ]]
    script sorted --metric ttft --scale linear a.jsonl
    [[ $output != *$'\nset logscale y'* ]]
    many 30 1 >b.jsonl
    script sorted --metric ttft b.jsonl
    [[ $output != *$'\nset logscale y'* ]]
    script sorted --metric ttft --scale log b.jsonl
    [[ $output == *$'\nset logscale y'* ]]
}

@test "lm-plot: a metric that no request has is said; where there is none, nothing is drawn, exit 3" {
    many 5 1 'del(.timing.first_ns, .timing.last_ns, .timing.chunks_ns)' >a.jsonl
    run --separate-stderr lm-plot sorted -o a.svg a.jsonl
    [ "$status" -eq 3 ]
    [[ $stderr == *"no completed request has a TTFT, or any other of the metrics"* ]]
    [ ! -e a.svg ]
    script sorted --metric ttft,e2e a.jsonl
    [[ $output == *"'no request has a TTFT'"* ]]
    local kind
    for kind in sorted rate pareto timeline; do
        run --separate-stderr lm-plot $kind </dev/null
        [ "$status" -eq 3 ]
        [[ $stderr == *"nothing to draw: "* ]]
    done
    many 5 1 'del(.response.tokens)' >b.jsonl
    run --separate-stderr lm-plot pareto --metric ttft b.jsonl
    [ "$status" -eq 3 ]
    [[ $stderr == *"nobody counted the tokens"* ]]
}

@test "lm-plot: a line that is no record is reported, the rest is drawn, exit 1" {
    { many 3 1; echo '{"id":'; echo '{"id":"x"}'; } >a.jsonl
    run --separate-stderr lm-plot sorted --script a.jsonl
    [ "$status" -eq 1 ]
    [ "$(block ttft_1 | wc -l)" -eq 3 ]
    [[ $stderr == *"a.jsonl:4: "*"a.jsonl:5: "* ]]
}

# usage MESSAGE OPTION...: exit 2, with the message.
usage() {
    run --separate-stderr lm-plot "${@:2}"
    [ "$status" -eq 2 ]
    [[ $stderr == *"$1"* ]] || { echo "$stderr"; return 1; }
}

@test "lm-plot: wrong usage is exit 2 and says what would be right" {
    usage "wants a kind first: sorted, cdf, tail, rate, pareto, timeline"
    usage "\"pie\" is none of sorted, cdf, tail, rate, pareto, timeline" pie
    usage "--metric: \"speed\" is none of ttft, " sorted --metric ttft,speed
    usage "--metric: has ttft twice" sorted --metric ttft,ttft
    usage "does not end in .svg, .png or .pdf" sorted -o a.gif
    usage "--size: " sorted --size 10x10
    usage "--percentiles: must ascend" rate --percentiles 90,50
    usage "--percentiles: is for rate and pareto" sorted --percentiles 50
    usage "--x: is for rate and pareto" cdf --x a
    usage "--watch: is for timeline" cdf --watch a
    usage "--by: is not for timeline" timeline --by a
    usage "--metric: pareto takes one" pareto --metric ttft,tpot
}

@test "lm-plot: more than eight runs are refused" {
    many 1 1 >a.jsonl
    run --separate-stderr lm-plot sorted --script {1..9}=a.jsonl
    [ "$status" -eq 3 ]
    [[ $stderr == *"more than 8 runs"* ]]
    script sorted {1..8}=a.jsonl
    [ "$(grep -c keyentry <<<"$output")" -eq 8 ]
}

@test "lm-plot: without gnuplot it names the package; of one that fails it gives the words" {
    many 3 1 >a.jsonl
    mkdir bin
    run --separate-stderr env PATH="$PWD/bin" "$LM_BUILD/lm-plot" sorted -o a.svg a.jsonl
    [ "$status" -eq 3 ]
    [[ $stderr == *"gnuplot: not found (Debian's package is gnuplot-nox)"* ]]
    printf '#!/bin/sh\necho half a picture\necho "line 7: unknown terminal" >&2\nexit 1\n' >bin/gnuplot
    chmod +x bin/gnuplot
    run --separate-stderr env PATH="$PWD/bin:$PATH" lm-plot sorted -o a.svg a.jsonl
    [ "$status" -eq 3 ]
    [[ $stderr == *"gnuplot: ended with status 1: line 7: unknown terminal"* ]]
    printf '#!/bin/sh\nexit 0\n' >bin/gnuplot
    run --separate-stderr env PATH="$PWD/bin:$PATH" lm-plot sorted -o a.svg a.jsonl
    [ "$status" -eq 3 ]
    [ ! -e a.svg ]
}

@test "lm-plot: any one allocation, read or write may fail" {
    many 4 1 >a.jsonl
    echo '{"start":"2026-11-24T07:43:00Z","sampled_ns":1000000,"server":{"running":1}}' >watch.jsonl
    fails_everywhere alloc lm-plot sorted --metric ttft --script a.jsonl b=a.jsonl
    fails_everywhere alloc lm-plot timeline --watch watch.jsonl --script a.jsonl
    fails_everywhere read lm-plot rate --script a.jsonl
    fails_everywhere write lm-plot rate --script a.jsonl
}

@test "lm-plot: a full disk is exit 3" {
    many 3 1 >a.jsonl
    run --separate-stderr lm-plot sorted --format svg -o /dev/full a.jsonl
    [ "$status" -eq 3 ]
    [[ $stderr == *"/dev/full: "* ]]
}
