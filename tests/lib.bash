# lib.bash: what every bats file loads, behind bats_require_minimum_version
#
# A test begins in an empty folder of its own, with the built programs on PATH. $ROOT is the repository, $LM_BUILD the
# build (default: its build/), $FAULTS the preload library of tests/faults.c and $FIRED the file that it makes. What a
# test started with `start` is ended with it, however it ends. A file with a setup or teardown of its own calls
# begin_test and end_test there.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LM_BUILD=$(realpath "${LM_BUILD:-$ROOT/build}")
FAULTS=$LM_BUILD/tests/faults.so
export ROOT LM_BUILD FAULTS LC_ALL=C.UTF-8
export PATH=$LM_BUILD:$LM_BUILD/tests/cli:$PATH
# A mirror is told from where make runs, and a test stands elsewhere.
[ -z "${LM_DATA_MIRROR:-}" ] || LM_DATA_MIRROR=$(cd "$ROOT" && realpath "$LM_DATA_MIRROR")
# Nothing of the one who runs the tests leaks in.
unset LM_LOG SLURM_JOB_ID OPENAI_BASE_URL OPENAI_API_KEY http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
declare -gA pids=() # of what `start` started, by name; -g, since bats loads this file within a function

begin_test() {
    cd "$BATS_TEST_TMPDIR"
    export FIRED=$BATS_TEST_TMPDIR/fired
}

end_test() {
    local name
    for name in "${!pids[@]}"; do
        kill -KILL "${pids[$name]}" 2>/dev/null || true
        wait "${pids[$name]}" 2>/dev/null || true
    done
}

setup() {
    begin_test
}

teardown() {
    end_test
}

# A port of 127.0.0.1 that nobody listens on: the kernel's choice, which it does not repeat soon. A server that can
# choose for itself and say what it chose is better.
free_port() {
    perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

# start NAME COMMAND...: runs it in the background, its output in NAME.out and NAME.err, its id in ${pids[NAME]}.
start() {
    local name=$1
    shift
    "$@" >"$name.out" 2>"$name.err" </dev/null 3>&- &
    pids[$name]=$!
}

# ended NAME: waits until it ends by itself, and returns its status.
ended() {
    local pid=${pids[$1]}
    unset "pids[$1]"
    wait "$pid"
}

# stop NAME [SIGNAL]: sends it (default TERM), waits for the end, and returns the status.
stop() {
    kill -"${2:-TERM}" "${pids[$1]}" 2>/dev/null || true
    ended "$1"
}

# wait_until COMMAND...: until it succeeds, 20 s at most. It waits for a state, never for a time.
wait_until() {
    local try
    for ((try = 0; try < 2000; try++)); do
        ! "$@" || return 0
        sleep 0.01
    done
    echo "never came true: $*"
    return 1
}

# says NAME REGEX: waits until what start NAME started has written such a line, on either output.
says() {
    wait_until grep -Eqs -- "$2" "$1.out" "$1.err" || {
        tail -n 20 "$1.out" "$1.err"
        return 1
    }
}

# For tests that load the faults into a program.
plain_build_only() {
    [[ $LM_BUILD != */san ]] || skip "the sanitiser has its own malloc"
}

# fails_everywhere alloc|read|write|connect PROGRAM ARGUMENT...: fails the first such call of the program, then the
# second, and so on until there is no further one. Each time the program's output is whole and its status the usual
# one, or it exits 3 with the reason on stderr, and has written the beginning of its output at most. For filters, and
# whatever else prints the same twice; standard input is $input, a file (default: none).
fails_everywhere() {
    local kind=$1 limit=3000 nth usual=0 status why
    shift
    plain_build_only
    "$@" <"${input:-/dev/null}" >whole.out 2>whole.err || usual=$?
    [ "$usual" -le 1 ] || { echo "without a fault: exit $usual"; cat whole.err; return 1; }
    for ((nth = 1; nth <= limit; nth++)); do
        rm -f "$FIRED"
        status=0 why=
        env "LM_FAIL_${kind^^}=$nth" LM_FAIL_IN="$(basename "$1")" LD_PRELOAD="$FAULTS" timeout 20 "$@" \
            <"${input:-/dev/null}" >got.out 2>got.err || status=$?
        [ -e "$FIRED" ] || break
        if [ "$status" -eq "$usual" ]; then
            cmp -s whole.out got.out || why="its output is not whole"
        elif [ "$status" -ne 3 ]; then
            why="neither $usual nor 3"
        elif [ "$kind" = alloc ] && ! grep -q "out of memory" got.err; then
            why="does not say that it is out of memory"
        elif ! [ -s got.err ]; then
            why="says nothing"
        elif ! cmp -s -n "$(stat -c %s got.out)" whole.out got.out; then
            why="wrote something else before"
        fi
        [ -z "$why" ] || { echo "$kind $nth of $*: exit $status, $why"; cat got.err; return 1; }
    done
    [ "$nth" -gt 1 ] || { echo "no $kind was asked for: nothing was tested"; return 1; }
    [ "$nth" -le "$limit" ] || { echo "over $limit calls of $kind: give it less to do"; return 1; }
}
