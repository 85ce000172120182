#!/bin/bash
# search.sh: how near lm-search comes to a capacity that is known, and by how many requests
#
# lm-mock answers SLOTS at a time, TTFT_MS each, so SLOTS / TTFT_MS requests a second; even arrivals. A grid over the same range
# in steps of 5% is taken to need as many requests at each rate as a trial has.
set -euo pipefail
build=$(cd "$(dirname "$0")/../.." && pwd)/build
PATH=$build:$PATH
slots=8 ttft_ms=40 low=10 high=1000 judged=500
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
lm-items prompts | lm-prompt --max-tokens 2 >requests.jsonl
lm-with -q lm-mock -q --slots "$slots" --ttft "${ttft_ms}ms" --port '{port}' -- \
    lm-search -q --slo ttft=100ms --rate "$low:$high" -n "$judged" --window 0s --format json -o found requests.jsonl -- \
    --arrivals constant >found.json 2>log || [ $? = 1 ] || { cat log; exit 1; }
jq -r --argjson planted $((1000 * slots / ttft_ms)) --argjson low "$low" --argjson high "$high" --argjson judged "$judged" '
    def pc: . * 1000 | round / 10 | "\(.)%";
    ((($high / $low | log) / (1.05 | log) | ceil) * $judged * 1.1 | ceil) as $grid
    | "search: \(.state), \(.rate_rps * 100 | round / 100) requests/s (\(.ci.low * 100 | round / 100) to \(.ci.high * 100 | round / 100)); planted \($planted), off by \(.rate_rps / $planted - 1 | pc)",
      "search: \(.requests) requests in \(.trials | length) trials; a grid: \($grid); \(.requests / $grid | pc) of it"' found.json
