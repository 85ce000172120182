# Any JSONL. A row that has an id and an input or a request is an item already and passes as it came. Of others:
# the id is --id's member, else "id", else FILE/LINE; gold is --gold's, else "gold", else "answer"; meta is "meta";
# input is --input's members, else all that is left.
def at($path):
  getpath($path | split(".") | map(if test("^[0-9]+$") then tonumber else . end));
def field($option; $path):
  (try at($path) catch null) as $value
  | if $value == null then error("\($option) \($path): is missing") else $value end;
def text:
  if type == "string" then . else tojson end;
if (.id | type) == "string" and (has("input") or has("request")) and ($opt.id // $opt.input // $opt.gold // $opt.task) == null then
  unchanged
else
  ($opt.gold // (if has("gold") then "gold" elif has("answer") then "answer" else null end)) as $gold
  | ($opt.id // (if has("id") then "id" else null end)) as $id
  | {
      id: (if $id == null then "\($split)/\($line)" else field("--id"; $id) | text end),
      task: ($opt.task // .task // "chat"),
      input: (
        if $opt.input == null then
          if (.input | type) == "object" then .input
          else with_entries(select(.key as $key | ["id", "task", "meta", $id, $gold] | index([$key]) | not)) end
        else
          . as $row
          | reduce ($opt.input[] | capture("^((?<name>[^=]*)=)?(?<path>.*)$")) as $one
              ({}; .[$one.name // $one.path] = ($row | field("--input"; $one.path)))
        end)
    }
    + (if $gold == null then {} else {gold: (field("--gold"; $gold) | if type == "number" then tojson else . end)} end)
    + (if (.meta | type) == "object" then {meta: .meta} else {} end)
end
