#!/bin/bash
# completion.sh PROGRAM <OPTIONS: a bash completion from what PROGRAM --list-options prints
# (letter, name, argument, choices, help; with tabs between).
set -euo pipefail
awk -F '\t' -v program="$1" '
{ words = words " --" $2
  if ($1 != "-") words = words " -" $1
  names = "--" $2 ($1 != "-" ? "|-" $1 : "")
  if ($4 != "") cases = cases "    " names ") COMPREPLY=($(compgen -W \"" $4 "\" -- \"$word\")); return ;;\n"
  else if ($3 ~ /FILE|DIR/) cases = cases "    " names ") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
  else if ($3 != "") cases = cases "    " names ") return ;;\n" }
END {
  name = program; gsub(/-/, "_", name)
  printf "# bash completion for %s, made from its option table\n_%s() {\n", program, name
  printf "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n    COMPREPLY=()\n"
  printf "    case $before in\n%s    esac\n", cases
  printf "    case $word in\n    -*) COMPREPLY=($(compgen -W \"%s\" -- \"$word\")) ;;\n", substr(words, 2)
  printf "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n    esac\n}\n"
  printf "complete -o filenames -F _%s %s\n", name, program
}'
