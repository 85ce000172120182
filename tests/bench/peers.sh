#!/bin/bash
# peers.sh: lm-send beside vllm bench serve, guidellm and aiperf, against one scripted server, watched from outside.
#
# The server (lm-mock: first token after 50 ms, then 50 tokens/s, 100 of them) is on core 0, the client on the others.
# Each client has so many streams, two requests each. The same figure comes from the server's log of its writes (from the
# request's arrival to the write of the first token), from lm-tap (from the request's packet to the token's), and from
# what the client says in its own result. CPU is of all of a client's processes, start included, a request; memory their
# most together; start-up from the command to its first request. Then the real model of the quickstart, one stream: what
# vllm bench serve and lm-send say of it in turn.
#
# The peers are Python's, in build/peers, 7 GB (guidellm brings PyTorch); of vllm only what its client loads is installed.
# Their tokenizer is a list of words, made here: nothing is fetched while they run. The watching wants CAP_NET_RAW.
set -euo pipefail
root=$PWD
build=$(realpath "${LM_BUILD:-build}")
venv=$(realpath -m build/peers)
PATH=$build:$PATH
streams=${STREAMS:-64 256 1000}
others=1-$(($(nproc) - 1))

install_peers() {
    [ ! -e "$venv/whole" ] || return 0
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check guidellm==0.8.1 aiperf==0.13.0
    "$venv/bin/pip" install -q --disable-pip-version-check --no-deps vllm==0.33.0 apache-tvm-ffi cachetools cbor2 cloudpickle einops \
        httpx2 llguidance openai openai_harmony partial_json_parser py-cpuinfo pybase64 xgrammar
    touch "$venv/whole"
}
install_peers

work=$(mktemp -d)
trap 'kill ${mock:+"$mock"} 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
export HF_HOME=$work/hf HF_HUB_OFFLINE=1 VLLM_DO_NOT_TRACK=1 TQDM_DISABLE=1
words=hf/hub/models--bench--words
mkdir -p $words/refs $words/snapshots/0
printf 0 >$words/refs/main
jq -n '{version: "1.0", truncation: null, padding: null, normalizer: null, pre_tokenizer: {type: "WhitespaceSplit"},
    post_processor: null, decoder: null, added_tokens: [{id: 0, content: "<unk>", single_word: false, lstrip: false,
    rstrip: false, normalized: false, special: true}], model: {type: "WordLevel", unk_token: "<unk>",
    vocab: ([{"<unk>": 0}] + [range(1; 4000) | {"w\(.)": .}] | add)}}' >$words/snapshots/0/tokenizer.json
echo '{"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}' >$words/snapshots/0/tokenizer_config.json
echo '{"model_type": "gpt2"}' >$words/snapshots/0/config.json

now_ns() { perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e 'printf "%d", 1e9 * clock_gettime(CLOCK_MONOTONIC)'; }

# make_prompts N: for all, N prompts of eight words
make_prompts() {
    seq 1 "$1" | jq -c '{prompt: "w\(.) w2 w3 w4 w5 w6 w7 w8"}' >prompts.jsonl
    jq -c '{id: "p/\(input_line_number)", api: "chat", request: {model: "mock", max_tokens: 100, stream: true,
        stream_options: {include_usage: true}, messages: [{role: "user", content: .prompt}]}}' prompts.jsonl >records.jsonl
}

# The clients: CLIENT URL STREAMS REQUESTS. Each leaves its own account in result.*, and says with NAME_says what it reports:
# requests/s, TTFT p50 and p99, ITL p99, in ms.
lm_send() {
    lm-send -q --url "$1" -c "$2" -o result.jsonl records.jsonl
}
lm_send_says() {
    lm-stat --format json result.jsonl | jq -c '[.request_throughput_rps, .ttft_ms.p50, .ttft_ms.p99, .itl_ms.p99]'
}
vllm() {
    "$venv/bin/vllm" bench serve --backend openai-chat --base-url "$1" --endpoint /v1/chat/completions --model mock \
        --tokenizer bench/words --dataset-name custom --dataset-path prompts.jsonl --custom-output-len 100 --skip-chat-template \
        --disable-shuffle --num-prompts "$3" --max-concurrency "$2" --save-result --result-filename result.json --disable-tqdm \
        --metric-percentiles 50,99
}
vllm_says() {
    jq -c '[.request_throughput, .p50_ttft_ms, .p99_ttft_ms, .p99_itl_ms]' result.json
}
guidellm() {
    "$venv/bin/guidellm" run --backend "kind=openai_http,target=$1,model=mock" --profile "kind=concurrent,streams=$2" \
        --constraint "kind=max_requests,count=$3" --tokenizer kind=huggingface_auto,model=bench/words \
        --data kind=json_file,path=prompts.jsonl --output kind=json,path=result.json --disable-progress
}
guidellm_says() {
    jq -c '.benchmarks[0].metrics | [.requests_per_second.successful.mean, (.time_to_first_token_ms.successful.percentiles | .p50, .p99),
        .inter_token_latency_ms.successful.percentiles.p99]' result.json
}
aiperf() {
    "$venv/bin/aiperf" profile -m mock --url "$1" --endpoint-type chat --streaming --concurrency "$2" --request-count "$3" \
        --tokenizer bench/words --isl 8 --osl 100 --output-artifact-dir result --ui none
}
aiperf_says() {
    jq -c '[.request_throughput.avg, .time_to_first_token.p50, .time_to_first_token.p99, .inter_chunk_latency.p99]' \
        result/profile_export_aiperf.json
}

# The most memory that the processes of session $1 hold together, in MB, to the file most.
watch_memory() {
    local sum most=0
    while sum=$(ps -o rss= -s "$1" | awk '{sum += $1} END {print int(sum / 1024)}') && [ "$sum" -gt 0 ]; do
        [ "$sum" -le "$most" ] || echo "$sum" >most
        most=$(<most)
        sleep 0.3
    done
}
# timed CLIENT...: runs it in a session of its own; its CPU seconds to the file cpu
timed() {
    echo "$BASHPID" >session
    now_ns >begun
    taskset -c "$others" bash -c '"$@"' - "$@" >client.log 2>&1 || echo failed >failed
    times >times # in a pipe it would be a subshell's, which has had no children
    awk 'NR == 2 {for (i = 1; i <= 2; i++) {split($i, t, /[ms]/); sum += t[1] * 60 + t[2]} print sum}' times >cpu
}
export -f lm_send vllm guidellm aiperf timed now_ns
export venv others

quantiles() { jq -s -c 'sort | [.[(length - 1) * 0.5 | floor], .[(length - 1) * 0.99 | floor]] | map(. / 1e6)'; }

# one CLIENT STREAMS: a row
one() {
    local client=$1 requests=$(($2 * 2))
    rm -rf log port tap.jsonl result* session cpu most failed begun
    taskset -c 0 lm-mock -q --port 0 --port-file port --log log --ttft 50ms --itl 20ms --tokens 100 &
    mock=$!
    until [ -e port ]; do sleep 0.01; done
    local port url
    port=$(<port)
    url=http://127.0.0.1:$port
    echo 0 >most
    make_prompts "$requests"
    taskset -c 0 timeout 300 lm-tap -q -i lo --port "$port" -o tap.jsonl -- \
        setsid -w bash -c 'timed "$@"' - "$client" "$url" "$2" "$requests" 2>tap.log &
    local watched=$!
    until [ -e session ]; do sleep 0.01; done
    watch_memory "$(<session)"
    wait "$watched" || true
    kill "$mock"
    wait "$mock" || true
    if [ -e failed ] || [ ! -s cpu ]; then
        printf '%7d %-9s failed: %s\n' "$2" "${client/_/-}" "$(tail -1 client.log)"
        return
    fi
    jq -c '.writes_ns[1] - .received_ns' log | quantiles >ttft
    jq -c '.writes_ns[1:] | range(1; length) as $i | .[$i] - .[$i - 1]' log | quantiles >itl
    jq -n -r --arg streams "$2" --arg client "${client/_/-}" --slurpfile ttft ttft --slurpfile itl itl --slurpfile log log \
        --slurpfile tap <(lm-stat --format json tap.jsonl) --slurpfile says <("${client}_says") --slurpfile cpu cpu --slurpfile most most \
        --slurpfile begun begun '
        ($log | map(.received_ns) | min) as $first | (($log | map(.writes_ns[-1]) | max) - $first) as $span
        | [$streams, $client, ($log | length) / $span * 1e9, $says[0][0], $ttft[0][0], $tap[0].ttft_ms.p50, $says[0][1],
           $ttft[0][1], $tap[0].ttft_ms.p99, $says[0][2], $itl[0][1], $tap[0].itl_ms.p99, $says[0][3],
           $cpu[0] * 1e3 / ($log | length), $most[0], ($first - $begun[0]) / 1e9] | @tsv' |
        awk -F '\t' '{printf "%7d %-9s %7.1f %7.1f  %8.2f %8.2f %8.2f  %8.2f %8.2f %8.2f  %8.2f %8.2f %8.2f %8.1f %6d %6.2f\n",
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16}'
}

echo "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores, Linux $(uname -r)"
echo 'the same of each: by the server | by lm-tap | as the client reports'
printf '%7s %-9s %15s  %26s  %26s  %26s %8s %6s %6s\n' streams client 'requests/s' 'TTFT p50, ms' 'TTFT p99, ms' 'ITL p99, ms' \
    'CPU ms/r' MB 'start'
for n in $streams; do
    for client in lm_send vllm guidellm aiperf; do
        one "$client" "$n"
    done
done

# The real model, one stream, in turns: medians of TTFT and TPOT in ms. The role's chunk is no token to
# this vllm (lmutils-metrics(7)), nor to lm-stat.
real() {
    "$venv/bin/vllm" bench serve --backend openai-chat --base-url "${OPENAI_BASE_URL%/v1}" --endpoint /v1/chat/completions --model mock \
        --tokenizer bench/words --dataset-name custom --dataset-path prompts.jsonl --custom-output-len 100 --skip-chat-template \
        --disable-shuffle --num-prompts 8 --max-concurrency 1 --save-result --result-filename real.json --disable-tqdm \
        --metric-percentiles 50 >client.log 2>&1
    lm-send -q -o real.jsonl --replace records.jsonl
    printf '%-8s %10.2f %10.2f %10.2f %10.2f\n' "$1" $(jq -r '.p50_ttft_ms, .p50_tpot_ms' real.json) \
        $(lm-stat --format json real.jsonl | jq -r '.ttft_ms.p50, .tpot_ms.p50')
    rm real.json real.jsonl
}
export -f real
if [ -e "$root/build/venv/bin/python" ]; then
    make_prompts 8
    printf '\none stream of a real model, medians in ms\n%-8s %21s %21s\n%-8s %10s %10s %10s %10s\n' '' 'vllm bench serve' lm-send \
        round TTFT TPOT TTFT TPOT
    lm-with -q "$root/build/venv/bin/python" "$root/pipelines/serve-smollm2.py" '{port}' -- \
        bash -c 'set -euo pipefail; real warm-up >/dev/null; for i in 1 2 3; do real $i; done'
else
    echo 'no real model here: make quickstart brings one'
fi
