# The tree keeps its own rules (the layers, what a library may call, what a program must have), and installs whole.
bats_require_minimum_version 1.5.0
load ../lib

setup() {
    begin_test
    cd "$ROOT"
}

# All that a layer may include, besides base and what these include.
declare -gA may_include=(
    [base]= [jsonl]= [record]=jsonl [conf]= [stats]= [net]= [openai]="record net" [load]="openai stats tap" [tap]=openai
    [mock]="openai stats" [meter]=net [launch]="conf openai" [text]=record [sandbox]= [tok]= [model]=
    [search]=report [train]="model tok record" [engine]="model tok" [route]="record stats" [sim]=route [report]="record stats"
    [synth]="openai stats"
)

# The layer's own name and all names that it reaches.
reach() {
    local below
    echo "$1"
    for below in ${may_include[$1]}; do reach "$below"; done
}

sources() {
    find "$@" -name '*.[ch]' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh'
}

# FILE:LINE: CODE, less comments and what stands in strings.
code_of() {
    perl -0777 -ne 's{/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"}{$& =~ tr/\n//cdr || q("")}gse;
        my $n = 0; print map { $n++; "$ARGV:$n: $_\n" } split /\n/' "$@"
}

@test "a layer includes only what stands below it" {
    local dir layer allowed failed=0
    for dir in bin-src/lib/*/; do
        layer=$(basename "$dir")
        [ -n "${may_include[$layer]+x}" ] || { echo "$layer: a layer that nobody has placed"; failed=1; continue; }
        allowed=$(echo base $(reach "$layer") | tr ' ' '|')
        ! grep -rnE '^ *# *include +"[a-z0-9]+/' "$dir" | grep -vE "include +\"($allowed)/" || failed=1
    done
    [ "$failed" -eq 0 ]
}

@test "a library neither ends the process, nor prints, nor reads the environment" {
    run grep -E '(^|[^A-Za-z0-9_.>])(exit|v?f?printf|v?dprintf|f?puts|putchar|perror|(secure_)?getenv|setenv) *\(' \
        <(code_of $(sources bin-src/lib | grep -v ^bin-src/lib/base/))
    echo "$output"
    [ "$status" -eq 1 ]
}

@test "functions that cannot be used safely are not used" {
    run grep -E '(^|[^A-Za-z0-9_])(strcat|strncat|strcpy|strncpy|strtok|v?sprintf|ato[ifl]|atoll|gets|localtime|gmtime|ctime|asctime) *\(' \
        <(code_of $(sources bin-src tests))
    echo "$output"
    [ "$status" -eq 1 ]
}

@test "lengths: a program 300 lines, a library file 1200, a line 140 columns" {
    local failed=0
    wc -l $(sources bin-src | grep -E '^bin-src/lm-') /dev/null | awk '$2 != "total" && $1 > 300 {print; bad = 1} END {exit bad}' || failed=1
    wc -l $(sources bin-src/lib) | awk '$2 != "total" && $1 > 1200 {print; bad = 1} END {exit bad}' || failed=1
    ! grep -nE '^.{141,}' $(sources bin-src tests) || failed=1
    [ "$failed" -eq 0 ]
}

# Bash's -e does not see the first of `[ a ] && [ b ]` fail: only at the end of a test does that line decide anything.
@test "in a test every check has a line of its own" {
    run perl -ne 'print "$ARGV:$last" if $last && !/^\s*}/; $last = /^\s*\[.*\] && \[/ ? "$.: $_" : ""; close ARGV if eof' tests/cli/*.bats
    echo "$output"
    [ -z "$output" ]
}

@test "every program has a page in the manual and a test" {
    local source program failed=0
    for source in bin-src/lm-*.c; do
        [ -e "$source" ] || continue
        program=$(basename "$source" .c)
        [ -e "bin-src/man/$program.1" ] || { echo "$program: no page"; failed=1; }
        grep -qrw --include='*.bats' -e "$program" tests/cli || { echo "$program: no test"; failed=1; }
    done
    [ "$failed" -eq 0 ]
}

@test "the completions are bash" {
    local file
    for file in "$LM_BUILD"/completions/*; do
        [ ! -e "$file" ] || bash -n "$file"
    done
}

@test "make help lists every variable that the Makefiles ask for" {
    local name failed=0 help
    help=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory help)
    for name in $(grep -ohE '\$\([A-Z_]+\)|\$\(if \$\([A-Z_]+\)|^[A-Z_]+ +\?=' Makefile pipelines/*.mk tests/*.mk | grep -oE '[A-Z_]+' | sort -u) \
        MEGABYTES LM_DATA_MIRROR; do
        [[ " AR CC CXX LDLIBS MAKE MAKECMDGOALS MAKEFILE_LIST MAKEFLAGS VERSION LDFLAGS CXXFLAGS " == *" $name "* ]] ||
            grep -qE "^  $name " <<<"$help" || { echo "$name"; failed=1; }
    done
    [ "$failed" -eq 0 ]
}

@test "make install puts programs, manual, completions, adapters and prompts under DESTDIR and PREFIX" {
    compgen -G 'bin-src/lm-*.c' >/dev/null || skip "no programs yet"
    local to=$BATS_TEST_TMPDIR/package source
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make install DESTDIR="$to" PREFIX=/usr >"$BATS_TEST_TMPDIR/log"
    [ "$(ls "$to")" = usr ]
    for source in bin-src/lm-*.c; do
        [ -x "$to/usr/bin/$(basename "$source" .c)" ]
        [ -s "$to/usr/share/bash-completion/completions/$(basename "$source" .c)" ]
    done
    diff <(ls bin-src/man) <(cd "$to/usr/share/man" && ls man1 man7 | grep '\.[17]$' | sort)
    diff -r pipelines/items "$to/usr/share/lmutils/items"
    diff -r pipelines/prompts "$to/usr/share/lmutils/prompts"
    cmp configs/prompts.jsonl "$to/usr/share/lmutils/configs/prompts.jsonl"
    # An installed program is whole without the tree.
    (cd / && env -i "$to/usr/bin/$(ls "$to/usr/bin" | head -n 1)" --version)
}
