# Records in, records out: what every filter has from jsonl. The program is tests/cli/filter.c, which appends "seen".
bats_require_minimum_version 1.5.0
load ../lib

@test "a record grows at its end, and every byte before stays as it was" {
    printf '%s\n' '{}' ' { } ' '{"a":1}' $'{ "a" : [ 1.0, {"}":"{"} ] }\t\r' '{"é\u0041":"\/","n":1e5}' >in
    filter -q in >out
    diff out - <<<$'{"seen":1}\n { "seen":2} \n{"a":1,"seen":3}\n{ "a" : [ 1.0, {"}":"{"} ] ,"seen":4}\t\r\n{"é\\u0041":"\\/","n":1e5,"seen":5}'
}

@test "a last line without a line feed is a record" {
    printf '{"a":1}\n{"b":2}' | filter -q >out
    diff out - <<<$'{"a":1,"seen":1}\n{"b":2,"seen":2}'
}

@test "a byte order mark is skipped at the start of each file, plain or packed, and nowhere else" {
    printf '\xef\xbb\xbf{"a":1}\n\xef\xbb\xbf{"b":2}\n' >in
    printf '\xef\xbb\xbf' >mark
    printf '\xef\xbb\xbf\n{"c":3}' | gzip >in.gz
    run --separate-stderr filter -q in mark in.gz - <in
    [ "$status" -eq 1 ]
    [ "$output" = $'{"a":1,"seen":1}\n{"c":3,"seen":2}\n{"a":1,"seen":3}' ]
    [ "${#stderr_lines[@]}" -eq 3 ]
    [ "${stderr_lines[0]}" = "filter: in:2: no JSON object (it begins with a byte order mark)" ]
    [ "${stderr_lines[1]}" = "filter: in.gz:1: an empty line" ]
    [ "${stderr_lines[2]}" = "filter: -:2: no JSON object (it begins with a byte order mark)" ]
}

@test "an empty input is no record and no error" {
    [ -z "$(filter -q </dev/null)" ]
    : >empty
    gzip -k empty
    [ -z "$(filter -q empty empty.gz)" ]
}

@test "what is no record is reported with file and line, the rest is kept, exit 1" {
    printf '%s\n' '{"a":1}' '' '[1]' '{"a":' '{"b":2}' '   ' $'\xef\xbb' '"{}"' '{} {}' $'{"a":"\xff"}' '{"c":3}' >in
    run --separate-stderr filter -q in
    [ "$status" -eq 1 ]
    [ "$output" = $'{"a":1,"seen":1}\n{"b":2,"seen":2}\n{"c":3,"seen":3}' ]
    [ "${#stderr_lines[@]}" -eq 8 ]
    [ "${stderr_lines[0]}" = "filter: in:2: an empty line" ]
    [ "${stderr_lines[1]}" = "filter: in:3: not an object" ]
    [[ ${stderr_lines[2]} == "filter: in:4: not JSON: "* ]]
    [ "${stderr_lines[3]}" = "filter: in:6: an empty line" ]
    [[ ${stderr_lines[7]} == "filter: in:10: not JSON: "*UTF-8* ]]
}

# refuses LINE WHY: says so of the line, and passes the next one
refuses() {
    run --separate-stderr filter -q <<<"$1"$'\n{}'
    echo "$1: $stderr"
    [ "$status" -eq 1 ]
    [ "$output" = '{"seen":1}' ]
    [[ $stderr == "filter: -:1: "$2 ]]
}

@test "JSON that is beyond what is read is not called none" {
    local number="a number beyond what is read*" half="a string with half a surrogate pair*" none="not JSON: *"
    for value in 123456789012345678901234567890 -9223372036854775809 18446744073709551616 1e400 '[-1E+400]' '"\\\"",1e400'; do
        refuses '{"id":"x","meta":{"n":['"$value"']}}' "$number"
    done
    for value in 01 - 1. 1.5x 1e .5 +1 1-2; do
        refuses '{"n":1e400,"m":'"$value"'}' "$none"
    done
    for value in '\ud800' '\udc00' '\ud800\u0041 -01' 'a\uD800\\'; do
        refuses '{"id":"'"$value"'"}' "$half"
    done
    for value in '\x' '\u12g4' '\u12' '\ud800\'; do
        refuses '{"id":"'"$value"'"}' "$none"
    done
}

@test "what does not begin as an object is shown" {
    refuses hello 'no JSON object (it begins with: hello)'
    refuses '  data: {"id":"a","b":1}' 'no JSON object (it begins with: data: {"id":"a","b":...)'
    refuses $'a\tb' 'no JSON object (it begins with: a...)'
    refuses $'\x01\x8b' 'no JSON object'
    refuses 'ääääääääääääääääääääää' 'no JSON object (it begins with: ääääääääääääääääääää...)'
    refuses '{a:1}' 'not JSON: *'
    refuses '[1]' 'not an object'
}

@test "a name that is there twice makes the line malformed, however it is written, at the top level only" {
    many=$(printf '"n%d":1,' {1..60})
    printf '%s\n' '{"a":1,"b":2,"a":3}' '{"ab":1,"\u0061b":2}' "{$many\"n7\":2}" '{"a":{"b":1,"b":2}}' '{"a":1,"A":2}' "{$many\"n0\":2}" >in
    run --separate-stderr filter -q in
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 3 ]
    [ "${stderr_lines[0]}" = 'filter: in:1: "a" is there twice' ]
    [ "${stderr_lines[1]}" = 'filter: in:2: "ab" is there twice' ]
    [ "${stderr_lines[2]}" = 'filter: in:3: "n7" is there twice' ]
}

@test "a member that is there is reported and the record passes as it came; --replace cuts it and what follows" {
    printf '%s\n' '{"a":1,"seen":9,"b":2}' '{"seen":9,"b":2}' '{ "\u0073een" : {"x":"}"} }' '{"a":{"seen":1}}' >in
    run --separate-stderr filter -q in
    [ "$status" -eq 1 ]
    [ "$(head -n 3 in)" = "$(head -n 3 <<<"$output")" ]
    [ "${lines[3]}" = '{"a":{"seen":1},"seen":4}' ]
    [ "${stderr_lines[0]}" = 'filter: in:1: has "seen" already (--replace overwrites it)' ]
    filter -q --replace in >out
    diff out - <<<$'{"a":1,"seen":1}\n{"seen":2}\n{"seen":3}\n{"a":{"seen":1},"seen":4}'
}

@test "a line has any length" {
    {
        printf '{"a":"%s"}\n' x
        for size in 131071 131072 262143 262144 262145 3000000; do
            printf '{"a":"' && head -c "$size" /dev/zero | tr '\0' x && printf '"}\n'
        done
        printf '{"a":"%s"}' y
    } >in
    filter -q in >out
    diff <(jq -c '[(.a | length), .seen]' out) - <<<$'[1,1]\n[131071,2]\n[131072,3]\n[262143,4]\n[262144,5]\n[262145,6]\n[3000000,7]\n[1,8]'
    diff <(sed 's/,"seen":[0-9]*}$/}/' out) <(cat in && echo)
}

@test "lines fall anywhere over the reads" {
    seq -f '{"number":%.0f}' 70000 >in
    filter -q in | sed 's/,"seen":[0-9]*}$/}/' | cmp - in
    filter -q <in | sed 's/,"seen":[0-9]*}$/}/' | cmp - in
}

@test ".gz is read as plain text is, wherever it comes from and in several members" {
    seq -f '{"n":%.0f}' 50000 >in
    filter -q in >whole
    (head -n 20000 in | gzip; tail -n +20001 in | gzip -1) >in.gz
    filter -q in.gz | cmp - whole
    filter -q <in.gz | cmp - whole
    cat in.gz | filter -q - | cmp - whole
}

@test "of a .gz that was cut short the records before come out, then exit 3 with its name" {
    seq -f '{"n":%.0f,"of":"some length that does not compress to nothing"}' 20000 >in
    gzip <in >in.gz
    whole=$(stat -c %s in.gz)
    for left in $((whole - 1)) $((whole - 8)) $((whole / 2)) 30 10; do
        head -c "$left" in.gz >cut.gz
        run --separate-stderr bash -c 'filter -q cut.gz >out'
        [ "$status" -eq 3 ]
        [ "$stderr" = "filter: cut.gz: compressed data ends too early" ]
        count=$(gzip -dc <cut.gz 2>/dev/null | wc -l) || true
        # Only what zlib had decoded whole: gzip may know a few bytes less, never more.
        [ "$(wc -l <out)" -ge "$count" ]
        cmp -n "$(stat -c %s out)" out <(filter -q in)
    done
    [ "$(wc -l <out)" -eq 0 ]
}

@test "damaged .gz is exit 3, with its name" {
    seq 1000 | sed 's/.*/{"n":&}/' | gzip >in.gz
    printf 'XXXX' | dd of=in.gz bs=1 seek=$(($(stat -c %s in.gz) - 8)) conv=notrunc status=none # the checksum
    run --separate-stderr filter -q in.gz
    [ "$status" -eq 3 ]
    [[ $stderr == "filter: in.gz: "* ]]
}

@test "several files are read in order, each with its own line numbers; - is standard input" {
    echo '{"a":1}' >one
    printf '{"b":1}\nx' >two
    run --separate-stderr filter -q one - two one <<<$'{"s":1}\ny'
    [ "$status" -eq 1 ]
    [ "$output" = $'{"a":1,"seen":1}\n{"s":1,"seen":2}\n{"b":1,"seen":3}\n{"a":1,"seen":4}' ]
    [ "${#stderr_lines[@]}" -eq 2 ]
    [[ ${stderr_lines[0]} == "filter: -:2: "* ]]
    [[ ${stderr_lines[1]} == "filter: two:2: "* ]]
}

@test "a file that is not there, or no file, is exit 3 with its name, after what came before" {
    echo '{}' >one
    run --separate-stderr bash -c 'filter -q one nowhere >out'
    [ "$status" -eq 3 ]
    [ "$stderr" = "filter: nowhere: No such file or directory" ]
    run --separate-stderr filter -q .
    [ "$status" -eq 3 ]
    [[ $stderr == "filter: .: Is a directory" ]]
}

@test "a record is handed on when it has come, though its writer goes on living" {
    mkfifo pipe
    start filter filter -q --file /dev/null pipe
    exec 7>pipe
    echo '{"a":' >&7
    echo '{"b":1}' >&7
    says filter 'pipe:1: not JSON'
    exec 7>&-
    local status=0
    ended filter || status=$?
    [ "$status" -eq 1 ]
    tail -n 1 filter.out | grep -q '{"b":1,"seen":1}'
}

@test "a signal in the middle of a read is no error" {
    plain_build_only
    seq -f '{"n":%.0f}' 50000 >in
    filter -q in >whole
    for nth in 1 2 3; do
        LM_FAIL_READ=$nth LM_FAIL_ERRNO=4 LM_FAIL_IN=filter LD_PRELOAD=$FAULTS filter -q in >out
        [ -e "$FIRED" ]
        cmp whole out
        rm "$FIRED"
    done
}
