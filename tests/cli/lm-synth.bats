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
        [[ $stderr == *"at_ns: is there already"* ]]
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

@test "lm-synth: wrong options: exit 2" {
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
}
