#!/bin/bash
# tap.sh: lm-tap beside lm-send, both held against lm-mock's own log, as a table. The server is on core 0; lm-send and
# lm-tap are on core 1. In the rows "stopped", lm-send is stopped (SIGSTOP) for a second in mid-stream.
#
# off: |arrival - the write that carried it|, p50 and p99; ITL likewise. client: by lm-send's own stamps (clock kernel),
# tap: by lm-tap's, packet: by those of lm-send --clock packet. CPU: of lm-tap, all of it, by events. Needs CAP_NET_RAW.
set -euo pipefail
build=$(realpath "${LM_BUILD:-build}")
PATH=$build:$PATH
work=$(mktemp -d)
trap 'kill ${mock:+"$mock"} 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
why=$(lm-tap -q -i lo --port 1 --duration 10ms 2>&1) || { echo "lm-tap: not measured: $why"; exit 0; }

requests() { # N TOKENS
    seq 1 "$1" | jq -c --argjson t "$2" '{id: "r/\(.)", api: "chat", request: {messages: [{role: "user", content: "hi"}],
        max_tokens: $t, stream: true, stream_options: {include_usage: true}}}'
}
quantiles() { sort -n | awk '{v[NR] = $1} END {printf "%.1f %.1f", v[int(NR * .5) + 1] / 1e3, v[int((NR - 1) * .99) + 1] / 1e3}'; }

# row NAME RECORDS: how far they are off the log
row() {
    jq -n -r --slurpfile log log '($log | INDEX(.id)) as $log | inputs | .timing as $t | $log[.id].writes_ns as $w
        | select(($w | length) == ($t.chunks_ns | length)) | range($w | length) as $i | ($t.chunks_ns[$i] + $t.start_ns - $w[$i]) as $off
        | "\($off) \(if $i > 0 then $off - ($t.chunks_ns[$i - 1] + $t.start_ns - $w[$i - 1]) else "" end)"' "$2" >off
    printf '%-8s %9d %18s %18s' "$1" "$(wc -l <off)" "$(awk '{print $1 < 0 ? -$1 : $1}' off | quantiles)" \
        "$(awk 'NF > 1 {print $2 < 0 ? -$2 : $2}' off | quantiles)"
}

# measure STREAMS ITL TOKENS [stopped]
measure() {
    local clock
    for clock in kernel packet; do
        rm -f port
        taskset -c 0 lm-mock -q --port 0 --port-file port --log log --ttft 500ms --itl "$2" &
        mock=$!
        until [ -e port ]; do sleep 0.01; done
        requests "$1" "$3" >in
        cat >client <<-END
            lm-send -q --clock $clock --url http://127.0.0.1:$(<port) -c $1 in >sent 2>/dev/null & client=\$!
            [ -z "${4:-}" ] || { sleep 1.5; kill -STOP \$client; sleep 1; kill -CONT \$client; }
            wait \$client
END
        if [ "$clock" = kernel ]; then
            # times of the shell: its own children's, of which lm-tap is one; what the command used comes off by its own
            TIMEFORMAT='%U %S'
            { time taskset -c 1 lm-tap -i lo --port "$(<port)" -o seen -- bash -c "TIMEFORMAT='%U %S'; time bash client" 2>said || true; } 2>used
        else
            taskset -c 1 bash client || true
        fi
        kill "$mock"
        wait "$mock" || true
        mock=
        echo -n "$1 x $2 ${4:-} "
        if [ "$clock" = kernel ]; then
            row client sent
            echo
            echo -n "$1 x $2 ${4:-} "
            row tap seen
            awk -v events="$(wc -l <off)" 'NR == FNR {if (/^[0-9.]+ [0-9.]+$/) inner = $1 + $2; if (match($0, /dropped=[0-9]+/)) dropped = substr($0, RSTART + 8, RLENGTH - 8); next}
                {printf "  dropped %d, CPU %.2f us an event\n", dropped, ($1 + $2 - inner) / events * 1e6}' said used
        else
            row packet sent
            echo
        fi
    done
}

echo "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores, Linux $(uname -r)"
printf '%-24s %9s %18s %18s\n' 'streams x interval' chunks 'arrival off, us' 'ITL off, us'
measure 1000 20ms 200
measure 4000 50ms 100
measure 1000 20ms 200 stopped
measure 4000 50ms 100 stopped
