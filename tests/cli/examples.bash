#!/bin/bash
# examples.bash FILE...: does each example print what the page says?
#
# Runs the `$ ` lines of a man page's EXAMPLES (in its .Bd -literal displays, as mandoc renders them) or of a Markdown
# file's ```console blocks, and compares what each prints on standard output with the lines that follow it. A command
# that ends in a backslash goes on in the next line. `...` in what is expected stands for any text, more lines of it
# too (in a page, \&... at the start of a line: one that begins with a dot is a macro). An example is run in a scratch
# folder that looks like the repository's root; those of one file share it. Status 0 and 1 are fine (1: some records
# failed), any other is not.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
failed=0 ran=0

# Prints the examples of a page as they are read, and a line of one form feed behind each block.
blocks_of_page() {
    local line block= within=
    while IFS= read -r line; do
        case $line in
        .Sh*) [ "$line" = ".Sh EXAMPLES" ] && within=yes || within= ;;
        .Bd\ -literal*) [ -z "$within" ] || block=$'.Dd $Mdocdate$\n.Dt X 1\n.Os\n.Sh EXAMPLES\n.Bd -literal\n' ;;
        .Ed)
            [ -z "$block" ] || printf '%s.Ed\n' "$block" | mandoc -T ascii | sed -e 's/.\x08//g' -e '1,/^EXAMPLES$/d' -e 's/^     //' | sed '$d'
            [ -z "$block" ] || printf '\f\n'
            block=
            ;;
        *) [ -z "$block" ] || block+=$line$'\n' ;;
        esac
    done <"$1"
}

blocks_of_markdown() {
    awk '/^```console$/ {within = 1; next} /^```/ {if (within) print "\f"; within = 0} within' "$1"
}

# The text as a pattern of bash: all of it literal but for "...".
pattern_of() {
    sed -e 's/[^[:alnum:] ]/\\&/g' -e 's/\\\.\\\.\\\./*/g'
}

# run_example FILE COMMAND EXPECTED
run_example() {
    local got status=0
    ran=$((ran + 1))
    got=$(timeout 60 bash -c "$2" 2>.stderr </dev/null) || status=$?
    # shellcheck disable=SC2053 # a pattern
    if [ "$status" -le 1 ] && [[ $got == $(pattern_of <<<"${3%$'\n'}") ]]; then
        return
    fi
    failed=$((failed + 1))
    printf '%s: %s\n--- expected\n%s\n--- printed (exit %d)\n%s\n' "$1" "$2" "${3%$'\n'}" "$status" "$got"
    tail -n 20 .stderr
}

run_all() {
    local file=$1 line command= expected= goes_on=
    while IFS= read -r line; do
        if [ -n "$goes_on" ]; then
            command+=$'\n'${line#"> "}
        elif [[ $line == '$ '* || $line == $'\f' ]]; then
            [ -z "$command" ] || run_example "$file" "$command" "$expected"
            command=${line#$'\f'}
            command=${command#'$ '}
            expected=
        else
            expected+=$line$'\n'
        fi
        [[ -n $command && -z $expected && $line == *\\ ]] && goes_on=yes || goes_on=
    done
}

for file in "$@"; do
    file=$(realpath "$file")
    scratch=$(mktemp -d)
    mkdir "$scratch/results" "$scratch/data"
    for entry in "$root"/*; do
        case ${entry##*/} in build | results | data) ;; *) ln -s "$entry" "$scratch" ;; esac
    done
    cd "$scratch"
    case $file in
    *.md) run_all "${file#"$root"/}" < <(blocks_of_markdown "$file") ;;
    *) run_all "${file#"$root"/}" < <(blocks_of_page "$file") ;;
    esac
    cd / && rm -rf "$scratch"
done
echo "$ran examples, $failed failed"
[ "$failed" -eq 0 ]
