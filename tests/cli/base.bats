# What every program has from base: options, logs, standard output. The program is tests/cli/filter.c.
bats_require_minimum_version 1.5.0
load ../lib

shown() { # FIELD ARGUMENT...: what the program takes its command line to say
    local field=$1
    shift
    filter --show "$@" | jq -c ".$field"
}

# fails_with STATUS REGEX ARGUMENT...: one line that says why, and where to read on; nothing on standard output
fails_with() {
    local status_wanted=$1 regex=$2
    shift 2
    run --separate-stderr filter "$@" </dev/null
    echo "exit $status: $stderr"
    [ "$status" -eq "$status_wanted" ]
    [ -z "$output" ]
    [[ ${stderr_lines[0]} =~ ^filter:\ $regex ]]
    [ "$status" -ne 2 ] || [ "${stderr_lines[1]}" = "try filter --help" ]
}

@test "options stand before or after operands, long or short, with = or in the next word" {
    [ "$(shown count a --count=9 b)" = 9 ]
    [ "$(shown count a --count 9 b)" = 9 ]
    [ "$(shown count -c9 a b)" = 9 ]
    [ "$(shown operands a --count 9 b -c 3 c)" = '["a","b","c"]' ]
    [ "$(filter -qsc 12 x | jq -c '[.count, .operands]')" = '[12,["x"]]' ]
    [ "$(shown name --name=)" = '""' ]
    [ "$(shown name --name=a=b)" = '"a=b"' ]
}

@test "-- ends the options, and - is an operand" {
    [ "$(shown operands - -- --count -c)" = '["-","--count","-c"]' ]
    [ "$(shown name --name -- x)" = '"--"' ]
}

@test "a long name may be shortened while it is unique; a whole name is itself" {
    [ "$(shown count --cou 9)" = 9 ]
    [ "$(shown replace --rep)" = true ]
    [ "$(shown timeout_ns --timeout 2)" = 2000000000 ]
    fails_with 2 '--co: could mean more than one option' --co 9
    fails_with 2 '--time: could mean more than one option' --time 9
    [ "$(shown timeout_ns --timeout-f 3ms)" = 3000000 ]
    fails_with 2 '--list-option: no such option' --list-option
}

@test "the last of an option holds, a list keeps all, the default holds where none is given" {
    [ "$(shown count -c 1 -c 2)" = 2 ]
    [ "$(shown count)" = 7 ]
    [ "$(shown list -l a --list b -lc)" = '["a","b","c"]' ]
    [ "$(shown list)" = '[]' ]
    [ "$(shown colour)" = '"red"' ]
    [ "$(shown colour --colour green)" = '"green"' ]
}

@test "numbers are checked where they are read, and the message has the bounds" {
    fails_with 2 '-c: 0 is too small \(1 to 65536\)$' -c 0
    fails_with 2 '--count: 65537 is too large \(1 to 65536\)' --count 65537
    fails_with 2 '-c: 99999999999999999999 is too large' -c 99999999999999999999
    fails_with 2 '-c: -99999999999999999999 is too small' -c -99999999999999999999
    fails_with 2 '-c: "" is not a whole number' -c ''
    fails_with 2 '-c: "3x" is not a whole number' -c 3x
    fails_with 2 '-c: " 3" is not a whole number' -c ' 3'
    fails_with 2 '-c: "1e3" is not a whole number' -c 1e3
    fails_with 2 '--rate: "nan" is not a number' --rate nan
    fails_with 2 '--rate: -1 is too small' --rate -1
    fails_with 2 '--rate: "0x10" is not a number' --rate 0x10
    fails_with 2 '--timeout: "3 s" is not a time such as 500ms, 3s or 2m' --timeout '3 s'
    fails_with 2 '--timeout: "3days" is not a time' --timeout 3days
    fails_with 2 '--colour: "blue" is none of red, green' --colour blue
    [ "$(shown rate --rate .5)" = 0.5 ]
    [ "$(shown timeout_ns --timeout 1.5ms)" = 1500000 ]
    [ "$(shown timeout_ns --timeout 2h)" = 7200000000000 ]
}

@test "what is no option, has no value, or takes none is exit 2" {
    fails_with 2 '--nothing: no such option' --nothing=3
    fails_with 2 '-x: no such option' -sx
    fails_with 2 '-c: needs a value' -c
    fails_with 2 '--count: needs a value' --count
    fails_with 2 '--replace: takes no value' --replace=yes
}

@test "--help, --version and --list-options print and exit 0, whatever else is asked" {
    run --separate-stderr filter --help -c 3 nowhere.jsonl
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "filter: number the records" ]
    [ "${lines[1]}" = "usage: filter [option...] [FILE...]" ]
    grep -q -- '^  -c, --count N  *a whole number$' <<<"$output"
    grep -q -- '^      --colour red|green  *one of some$' <<<"$output"
    grep -q -- '^      --timeout TIME  *a time$' <<<"$output"
    ! grep -q list-options <<<"$output"
    filter --version | grep -qE '^filter \(lmutils\) [0-9.]+$'
    [ "$(filter --list-options | grep -P '^c\tcount\tN\t\ta whole number$' | wc -l)" -eq 1 ]
    [ "$(filter --list-options | grep -P '^-\tcolour\tred\|green\tred green\tone of some$' | wc -l)" -eq 1 ]
}

@test "help that cannot be written is exit 3" {
    run --separate-stderr bash -c 'filter --help >/dev/full'
    [ "$status" -eq 3 ]
    [[ $stderr == "filter: standard output: write: No space left on device" ]]
}

@test "the completion knows names, choices and files" {
    filter --list-options | "$ROOT/pipelines/completion.sh" filter >completion
    source completion
    complete_after() {
        COMP_WORDS=(filter "$@") COMP_CWORD=$#
        _filter
        echo "${COMPREPLY[*]}"
    }
    [ "$(complete_after --cou)" = --count ]
    [ "$(complete_after --colour '')" = "red green" ]
    [ "$(complete_after --count '')" = "" ]
    touch here.jsonl
    [ "$(complete_after --file he)" = here.jsonl ]
    [ "$(complete_after he)" = here.jsonl ]
}

@test "a log line is text, or with LM_LOG=json an object, with the job under SLURM" {
    echo '{}' >in
    run --separate-stderr filter in
    [ "$stderr" = "filter: numbered records=1 as=seen" ]
    run --separate-stderr env LM_LOG=json SLURM_JOB_ID=17 filter in
    [ "$(jq -c '[.level, .logger, .message, .job_id, .records, .as]' <<<"$stderr")" = '["info","filter","numbered","17",1,"seen"]' ]
    [[ $(jq -r .ts <<<"$stderr") =~ ^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}\.[0-9]{6}Z$ ]]
    run --separate-stderr env LM_LOG=json filter --nothing
    [ "$status" -eq 2 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [ "$(jq -c '[.level, .message]' <<<"$stderr")" = '["error","--nothing: no such option"]' ]
    run --separate-stderr env LM_LOG=json filter nowhere
    [ "$(jq -r '.level + " " + .message' <<<"$stderr")" = "error nowhere: No such file or directory" ]
}

@test "-q leaves warnings and errors on stderr, and nothing else" {
    run --separate-stderr filter -q <<<'{}'
    [ -z "$stderr" ]
    run --separate-stderr filter -q <<<'{'
    [ "$status" -eq 1 ]
    [[ $stderr == "filter: -:1: not JSON: "* ]]
}

@test "a full disk is exit 3, with one record and with many" {
    for count in 1 100000; do
        run --separate-stderr bash -c 'seq -f "{\"n\":%.0f}" "$1" | filter -q >/dev/full' - "$count"
        [ "$status" -eq 3 ]
        [[ $stderr == "filter: standard output: write: No space left on device" ]]
    done
}

@test "a reader that leaves ends the program quietly" {
    run --separate-stderr bash -c 'set -o pipefail; yes "{}" | filter -q | head -n 1'
    [ "$output" = '{"seen":1}' ]
    [ -z "$stderr" ]
}

@test "a file is read whole, or the message has its name" {
    seq 5000 >file
    [ "$(filter -q --file file </dev/null)" = "$(stat -c %s file)" ]
    fails_with 3 'nowhere: No such file or directory' --file nowhere
    fails_with 3 '\.: Is a directory' --file .
    truncate -s 1100000 large
    fails_with 3 'large: over 1048576 bytes' --file large
}

@test "any one allocation may fail" {
    printf '{"id":"%s"}\n' a b '' c >in
    fails_everywhere alloc filter --list a --list b --file in in
    fails_everywhere alloc filter --show --list a
    fails_everywhere alloc filter --help
}

@test "any one read or write may fail" {
    seq -f '{"n":%.0f}' 60000 >in
    fails_everywhere read filter --file /dev/null in
    fails_everywhere write filter in
    input=in fails_everywhere read filter
}

@test "a loop over faults sees a program that ignores one" {
    plain_build_only
    run fails_everywhere write cat /dev/null
    [ "$status" -eq 1 ]
    [[ $output == "no write was asked for: nothing was tested" ]]
    printf '#include <unistd.h>\nint main(void) { return write(1, "a", 1) + write(1, "b", 1) > 9; }\n' |
        cc -x c - -o deaf
    run fails_everywhere write ./deaf
    [ "$status" -eq 1 ]
    [[ $output == "write 1 of ./deaf: exit 0, its output is not whole"* ]]
}
