# lm-with: a server around a command, and what is left of it: nothing.
bats_require_minimum_version 1.5.0
load ../lib

setup() {
    begin_test
    stub=$ROOT/tests/cli/stub-server.pl
    well=('/health 200 ok' '/v1/models 200 {"data":[{"id":"model"}]}' '/v1/chat/completions 200 {"choices":[{}]}')
    # A server with a worker in its group, and one that left it.
    cat >serve <<'SERVE'
#!/bin/bash
echo $$ >server.pid
sleep 1000 &
echo $! >worker.pid
setsid bash -c 'echo $$ >strayed.pid; exec sleep 1000' &
until [ -s strayed.pid ]; do sleep 0.01; done
port=$1
shift
perl "$@" "$port" '/health 200 ok' '/v1/models 200 {"data":[{"id":"model"}]}' '/v1/chat/completions 200 {"choices":[{}]}'
SERVE
    chmod +x serve
    serve=(./serve '{port}' "$stub")
}

# gone NAME...: the processes in NAME.pid are no more, or only their parents do not know yet
gone() {
    local name
    for name in "$@"; do
        [ -s "$name.pid" ]
        ! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$(<"$name.pid")/status" || return 1
    done
}

all_gone() {
    gone server worker strayed
}

# fails_with REGEX ARGUMENT...: exit 3, for that reason, and the command (it would make the file ran) did not run
fails_with() {
    local regex=$1
    shift
    run --separate-stderr timeout 30 lm-with "$@" -- touch ran
    echo "exit $status: $stderr"
    [ "$status" -eq 3 ]
    [ -z "$output" ]
    [[ ${stderr_lines[-1]} =~ ^lm-with:\ $regex ]]
    [ ! -e ran ]
}

@test "lm-with: the command runs while the server is ready, and finds it; then the server is gone, with all that it started" {
    run --separate-stderr lm-with "${serve[@]}" -- sh -c 'kill -0 $(cat server.pid); curl -s $OPENAI_BASE_URL/models; cat' <<<input
    echo "$stderr"
    [ "$status" -eq 0 ]
    [ "$output" = '{"data":[{"id":"model"}]}input' ]
    [[ $stderr == "lm-with: the server is ready model=model seconds="* ]]
    all_gone
}

@test "lm-with: ends as the command did" {
    local how
    for how in 0 1 2 3 7; do
        run lm-with -q "${serve[@]}" -- sh -c "exit $how"
        [ "$status" -eq "$how" ]
        all_gone
    done
    run lm-with -q "${serve[@]}" -- sh -c 'kill -KILL $$'
    [ "$status" -eq 137 ]
    all_gone
}

@test "lm-with: --port, --url and OPENAI_BASE_URL say where the server is" {
    local port
    port=$(free_port)
    run lm-with -q --port "$port" "$stub" "$port" "${well[@]}" -- printenv OPENAI_BASE_URL
    [ "$output" = "http://127.0.0.1:$port/v1" ]
    run lm-with -q --port "$port" "$stub" {port} "${well[@]}" -- printenv OPENAI_BASE_URL
    [ "$output" = "http://127.0.0.1:$port/v1" ]
    run lm-with -q --url "http://localhost:$port" "$stub" "$port" "${well[@]}" -- printenv OPENAI_BASE_URL
    [ "$output" = "http://localhost:$port" ]
    OPENAI_BASE_URL=http://127.0.0.1:$port run lm-with -q "$stub" "$port" "${well[@]}" -- printenv OPENAI_BASE_URL
    [ "$output" = "http://127.0.0.1:$port" ]
}

@test "lm-with: a server that ends at once is said at once, with its last 40 lines" {
    fails_with 'the server died before it was ready: it ended with status 4$' sh -c 'seq 100; echo end >&2; exit 4' {port}
    [ "${#stderr_lines[@]}" -eq 42 ]
    [ "${stderr_lines[1]}" = 62 ]
    [ "${stderr_lines[40]}" = end ]
    fails_with 'the server died before it was ready: it ended with status 0$' true {port}
    [ "${#stderr_lines[@]}" -eq 1 ]
    fails_with 'the server died before it was ready: it was killed by signal 9 \(Killed\)$' sh -c 'printf cut; kill -9 $$' {port}
    [ "${stderr_lines[1]}" = cut ]
    fails_with 'the server died before it was ready: it cannot be run: No such file or directory$' ./nothing {port}
}

@test "lm-with: with LM_LOG=json its last lines are objects, too" {
    LM_LOG=json run -3 --separate-stderr lm-with sh -c 'printf "a \"b\"\n\n\377\n{}"; exit 4' {port} -- true
    echo "$stderr"
    [ "$(jq -c '[.logger, .level, .from, .message]' <<<"$stderr" | grep '"server"')" = '["lm-with","error","server","a \"b\""]
["lm-with","error","server",""]
["lm-with","error","server","�"]
["lm-with","error","server","{}"]' ]
    [ "$(wc -l <<<"$stderr")" -eq 6 ]
}

@test "lm-with: a server that dies in answering its first request ends the wait" {
    fails_with 'the server died before it was ready: it ended with status 5$' "$stub" {port} "${well[@]:0:2}" '/v1/chat/completions exit 5'
    [ "${stderr_lines[1]}" = "GET /health - " ]
}

@test "lm-with: a server that does not get ready is stopped, and its last lines are shown" {
    fails_with '.*: timed out, unreachable for 0.3 s: Connection refused$' --timeout 300ms \
        sh -c 'echo $$ >server.pid; echo here; exec sleep 1000' {port}
    [ "${stderr_lines[1]}" = here ]
    gone server
    fails_with '.*: not ready after 3 tries: /health: status 503' --retries 2 "$stub" {port} '/health 503 {}'
    fails_with '.*: wrong model name: "other" is not served, but model$' -m other "${serve[@]}"
    all_gone
}

@test "lm-with: where the port is taken no server is started" {
    local port
    port=$(free_port)
    start other "$stub" "$port" "${well[@]}"
    wait_until curl -s -o /dev/null "127.0.0.1:$port"
    fails_with 'something listens at 127.0.0.1:[0-9]* already.*' --port "$port" touch started
    fails_with 'something listens at localhost:[0-9]* already.*' --url "localhost:$port" touch started
    [ ! -e started ]
}

@test "lm-with: a command that cannot be run: exit 3, and the server is gone" {
    run --separate-stderr lm-with "${serve[@]}" -- ./nothing
    [ "$status" -eq 3 ]
    [[ ${stderr_lines[-1]} == "lm-with: ./nothing: cannot be run: No such file or directory" ]]
    all_gone
}

@test "lm-with: killed by SIGKILL: the server is gone, with all that it started, and the command is told" {
    start with lm-with "${serve[@]}" -- sh -c 'echo $$ >command.pid; trap "echo told; exit" TERM; echo up; while :; do sleep 0.01; done'
    says with '^up'
    stop with KILL || true
    says with '^told'
    wait_until gone server worker strayed command
}

@test "lm-with: killed by SIGKILL while it waits: the server is gone" {
    start with lm-with -v sh -c 'echo $$ >server.pid; exec sleep 1000' {port} -- true
    says with 'not ready yet'
    wait_until test -s server.pid
    stop with KILL || true
    wait_until gone server
}

@test "lm-with: told to end while it waits: the server is gone, and the signal is the end" {
    local signal
    for signal in INT TERM HUP; do
        rm -f server.pid
        # In the background bash has SIGINT ignored, and what is ignored stays so.
        start with perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' lm-with -v sh -c 'echo $$ >server.pid; exec sleep 1000' {port} -- touch ran
        says with 'not ready yet'
        wait_until test -s server.pid
        status=0
        stop with "$signal" || status=$?
        [ "$status" -eq $((128 + $(kill -l "$signal"))) ]
        gone server
    done
    [ ! -e ran ]
}

@test "lm-with: told to end while the command runs: the command is told, may end in peace, and has the last word" {
    start with lm-with "${serve[@]}" -- \
        sh -c 'trap "kill -0 \$(cat server.pid) && echo served till the end; exit 9" TERM; echo up; while :; do sleep 0.01; done'
    says with '^up'
    status=0
    stop with TERM || status=$?
    [ "$status" -eq 9 ]
    grep -q 'served till the end' with.out
    all_gone
    start with lm-with "${serve[@]}" -- sh -c 'echo again; exec sleep 1000'
    says with '^again'
    status=0
    stop with TERM || status=$?
    [ "$status" -eq 143 ]
    all_gone
}

@test "lm-with: a server that does not mind SIGTERM is killed after the grace time" {
    run lm-with -q --grace 100ms sh -c 'trap "" TERM; echo $$ >server.pid; "$@"' - "$stub" {port} "${well[@]}" -- true
    [ "$status" -eq 0 ]
    gone server
}

@test "lm-with: the server dies while the command runs: said at once, the command may end by itself, exit 3" {
    start with lm-with "${serve[@]}" -- sh -c 'echo up; until [ -e go ]; do sleep 0.01; done; echo ended by itself'
    says with '^up'
    kill -9 "$(<server.pid)"
    says with '^lm-with: the server died while the command runs it=was killed by signal 9 \(Killed\)$'
    grep -q '^GET /health' with.err
    wait_until all_gone # what the dead one left behind, too
    touch go
    status=0
    ended with || status=$?
    [ "$status" -eq 3 ]
    grep -q 'ended by itself' with.out
}

@test "lm-with: the server dies and the command goes on: it is told after the grace time, and then killed" {
    start with lm-with --grace 100ms "${serve[@]}" -- sh -c 'trap "echo told" TERM; echo up; while :; do sleep 0.01; done'
    says with '^up'
    kill -9 "$(<server.pid)"
    wait_until grep -q 'told' with.out
    status=0
    wait "${pids[with]}" || status=$?
    [ "$status" -eq 3 ]
}

@test "lm-with: its keeper is killed: so is the server with its group, and that is said" {
    start with lm-with "${serve[@]}" -- sh -c 'echo up; until [ -e go ]; do sleep 0.01; done'
    says with '^up'
    kill -9 "$(awk '$1 == "PPid:" {print $2}' "/proc/$(<server.pid)/status")"
    says with 'the server died while the command runs'
    wait_until gone server worker
    touch go
    status=0
    ended with || status=$?
    [ "$status" -eq 3 ]
    kill -9 "$(<strayed.pid)" # nobody is left who knows it
}

@test "lm-with: --log keeps what the server says, behind what the file holds" {
    echo earlier >log
    run lm-with -q --log log "$stub" {port} "${well[@]}" -- true
    [ "$status" -eq 0 ]
    [ "$(sed -n '1p;2p' log)" = $'earlier\nGET /health - ' ]
    fails_with 'the server died' --log log sh -c 'echo mine' {port}
    [[ $stderr != *earlier* ]]
    fails_with 'none/log: No such file or directory$' --log none/log touch started
    [ ! -e started ]
}

@test "lm-with: the server reads nothing, and the command has all that was open" {
    run --separate-stderr lm-with -q sh -c 'cat; exec "$@"' - "$stub" {port} "${well[@]}" -- sh -c 'cat; cat <&5' <<<one 5<<<two
    [ "$output" = $'one\ntwo' ]
}

@test "lm-with: signals that were ignored or blocked stay so for the command" {
    run lm-with -q "$stub" {port} "${well[@]}" -- grep -E '^Sig(Blk|Ign)' /proc/self/status
    [ "$output" = "$(grep -E '^Sig(Blk|Ign)' /proc/self/status)" ]
    (trap '' HUP PIPE && exec lm-with -q "$stub" {port} "${well[@]}" -- grep SigIgn /proc/self/status >got)
    (trap '' HUP PIPE && exec grep SigIgn /proc/self/status >wanted)
    cmp got wanted
}

@test "lm-with: under nohup, SIGHUP is nothing to it" {
    start with sh -c 'trap "" HUP; exec "$@"' - lm-with "$stub" {port} "${well[@]}" -- \
        perl -e '$| = 1; $SIG{HUP} = "DEFAULT"; print "up\n"; select undef, undef, undef, 0.01 until -e "go"'
    says with '^up'
    kill -HUP "${pids[with]}"
    touch go
    status=0
    wait "${pids[with]}" || status=$?
    [ "$status" -eq 0 ]
}

@test "lm-with: wrong usage" {
    run -2 lm-with
    run -2 lm-with server
    run -2 lm-with server --
    run -2 lm-with -- -- command
    run -2 lm-with --url http://127.0.0.1:1 server {port} -- command
    run -2 lm-with --url http://127.0.0.1:1 --port 1 server -- command
    run -2 lm-with --port 65536 server -- command
    run -3 lm-with --url 'http://a b' server -- command
}

@test "lm-with: --port-file gives the next server the same port" {
    lm-with -q --port-file port lm-mock --port {port} -- sh -c 'echo $OPENAI_BASE_URL' >first
    [ "$(<first)" = "http://127.0.0.1:$(<port)/v1" ]
    lm-with -q --port-file port lm-mock --port {port} -- sh -c 'echo $OPENAI_BASE_URL' >second
    cmp first second
    echo 70000 >port
    run -3 lm-with --port-file port lm-mock --port {port} -- true
    [[ $output == *"port: "* ]]
    run -3 lm-with --port-file nowhere/port lm-mock --port {port} -- true
    [[ $output == *"nowhere/port: No such file"* ]]
    run -2 lm-with --port-file port --port 1 lm-mock -- true
}

@test "lm-with: around lm-mock" {
    type -P lm-mock >/dev/null || skip "lm-mock is not built"
    run lm-with -q lm-mock --port {port} -- sh -c 'curl -s $OPENAI_BASE_URL/models | jq -r .object'
    [ "$status" -eq 0 ]
    [ "$output" = list ]
}

@test "lm-wait, lm-with: whatever allocation, read, write or connect fails, they end, and say why" {
    plain_build_only
    start mock lm-mock -q --port 0 --port-file port
    wait_until test -s port
    # ends STATUS COMMAND...: 0, or 3 with a reason
    ends() {
        local status=0
        timeout -k 1 20 "$@" 2>why || status=$?
        [ $status = 0 ] || { [ $status = 3 ] && grep -q ': .' why; } || { echo "$kind $nth of $1: exit $status"; cat why; return 1; }
    }
    for kind in alloc read write connect; do
        for program in lm-wait lm-with; do
            for ((nth = 1; nth < 400; nth++)); do
                rm -f "$FIRED"
                command=(lm-wait -q --url "http://127.0.0.1:$(<port)")
                [ $program = lm-wait ] || command=(lm-with -q lm-mock -q --port '{port}' -- true)
                LD_PRELOAD=$FAULTS ends env "LM_FAIL_${kind^^}=$nth" LM_FAIL_IN=$program "${command[@]}"
                [ -e "$FIRED" ] || break
            done
            [ $nth -gt 1 ]
            [ $nth -lt 400 ]
        done
    done
}
