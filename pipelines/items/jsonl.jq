# Any JSONL. A row that has an id and an input or a request is an item already and passes as it came. Of others:
# the id is --id's member, else "id", else FILE/LINE; gold is --gold's, else "gold", else "answer"; meta is "meta";
# input is --input's members, else all that is left. What is null is not there. Numbers stay as they are written.
# No "try": jq 1.6 has it catch what later steps raise, too.
def at($path):
  reduce ($path | split("."))[] as $name (.;
    if type == "object" then .[$name]
    elif type == "array" and ($name | test("^[0-9]+$")) then .[$name | tonumber]
    else null end);
def field($option; $path):
  at($path) | if . == null then error("\($option) \($path): is missing") else . end;
if (.id | type) == "string" and (has("input") or has("request")) and ($opt.id // $opt.input // $opt.gold // $opt.task) == null then
  unchanged
else
  $exact
  | ($opt.gold // (if .gold != null then "gold" elif .answer != null then "answer" else null end)) as $gold
  | ($opt.id // (if .id != null then "id" else null end)) as $id
  | {
      id: (if $id == null then "\($split)/\($line)" else field("--id"; $id) | written end),
      task: ($opt.task // .task // "chat"),
      input: (
        if $opt.input == null then
          if (.input | type) == "object" then .input
          else
            with_entries(select(.key as $key | ["id", "task", "meta", $id, $gold] | index([$key]) | not)
              | select(.value != null or (.key != "gold" and .key != "answer")))
          end
        else
          . as $row
          | reduce ($opt.input[] | capture("^((?<name>[^=]*)=)?(?<path>.*)$")) as $one
              ({}; .[$one.name // $one.path] = ($row | field("--input"; $one.path)))
        end)
    }
    + (if $gold == null then {} else {gold: (field("--gold"; $gold) | if type == "number" or type == "string" then written else . end)} end)
    + (if (.meta | type) == "object" then {meta: .meta} else {} end)
end
