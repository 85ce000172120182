# The manual: what a page says is what the program does.
bats_require_minimum_version 1.5.0
load ../lib

pages() {
    compgen -G "$ROOT/bin-src/man/*.[17]" || true
}

# "letter name" of each option that a page lists (".It Fl c , Fl -count Ar N"); the letter is - where there is none.
options_of_page() {
    sed 's/\\-/-/g; s/\\&//g' "$1" | awk '$1 == ".It" && $2 == "Fl" {
        letter = "-"; name = ""
        for (i = 2; i < NF; i++)
            if ($i == "Fl") { if ($(i + 1) ~ /^-/) name = substr($(i + 1), 2); else letter = $(i + 1) }
        print letter, name }' | LC_ALL=C sort
}

@test "mandoc finds nothing to warn of in any page" {
    [ -n "$(pages)" ] || skip "no pages yet"
    pages | xargs mandoc -T lint -W warning
}

@test "a page lists the options of its program, and no other" {
    local page program failed=0
    for page in $(pages); do
        program=$(basename "$page" .1)
        [ -x "$LM_BUILD/$program" ] || continue
        diff <("$program" --list-options | cut -f 1,2 | tr '\t' ' ' | LC_ALL=C sort) <(options_of_page "$page") >differ || {
            echo "$program: < only the program has it, > only the page"
            cat differ
            failed=1
        }
    done
    [ "$failed" -eq 0 ]
}

@test "every example prints what its page, or the README, says" {
    local readme=()
    [ ! -e "$ROOT/README.md" ] || readme=("$ROOT/README.md")
    "$ROOT/tests/cli/examples.bash" $(pages) "${readme[@]}"
}

@test "an example that prints something else is found" {
    cat >page.1 <<'EOF'
.Dd November 24, 2026
.Dt PAGE 1
.Os
.Sh NAME
.Nm page
.Nd echo
.Sh EXAMPLES
.Bd -literal
$ printf 'a\enb\en'
a
b
$ echo '1 2' | \e
> sed 's/1/&-&/'
1-1 2
.Ed
Prose in between.
.Bd -literal -offset indent
$ seq 9 >made
$ sed -n '1p;$p' made; echo [x]; ls Makefile
1
\&...
[x]
Make...
.Ed
.Sh SEE ALSO
.Bd -literal
$ echo not an example
.Ed
EOF
    run "$ROOT/tests/cli/examples.bash" page.1
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$output" = "4 examples, 0 failed" ]
    sed -i 's/^1-1 2/1-1 3/' page.1
    run "$ROOT/tests/cli/examples.bash" page.1
    [ "$status" -eq 1 ]
    [[ $output == *"4 examples, 1 failed" ]]
    printf '# x\n```console\n$ echo a; exit 3\na\n```\n```sh\n$ not run\n```\n' >page.md
    run "$ROOT/tests/cli/examples.bash" page.md
    [ "$status" -eq 1 ]
    [[ $output == *"1 examples, 1 failed" ]]
}

@test "--help names the program, its options and its manual" {
    local program
    for program in "$LM_BUILD"/lm-*; do
        [ -x "$program" ] || continue
        program=$(basename "$program")
        run --separate-stderr "$program" --help
        [ "$status" -eq 0 ]
        [ -z "$stderr" ]
        [[ $output == "$program: "*"usage: $program"*"--version"*"man $program"* ]]
        run --separate-stderr "$program" --version
        [ "$status" -eq 0 ]
        [[ $output == "$program (lmutils) "[0-9]* ]]
        run --separate-stderr "$program" --no-such-option
        [ "$status" -eq 2 ]
        [ -z "$output" ]
        [[ $stderr == "$program: --no-such-option: "*"try $program --help"* ]]
    done
}
