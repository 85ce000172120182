# ShareGPT's conversations whole, an item a turn, from the first thing that a person says, as long as the two speak in turn
# and say something. The earlier answers are null, for lm-send to put in those that it gets; gold is the answer of the data.
# rows: values
# data: v3 sharegpt/ShareGPT_V3_unfiltered_cleaned_split.json 35f0e213ce091ed9b9af2a1f0755e9d39f9ccec34ab281cd4ca60d70f6479ba4 https://huggingface.co/datasets/anon8231489123/ShareGPT_Vicuna_unfiltered/resolve/bcd32a724d8460ebe14e1d05b0195e30e9a46cb1/ShareGPT_V3_unfiltered_cleaned_split.json
# data: first500 sharegpt/ShareGPT_V3_filtered_500.json 1dfcb9e6a6b794145128a3d2dd2f3c83aff8f11c806654e77aede2b0cda30e0e https://raw.githubusercontent.com/ml-energy/leaderboard-v2/c3af7f31e231a2a7021c5f8e2a54dd712d02e6e2/benchmark/llm_text_generation/chat/sharegpt/ShareGPT_V3_filtered_500.json
def role: if . == "human" or . == "user" then "user" elif . == "system" then "system" else "assistant" end;
def turns: # from the first that a person says
  .conversations
  | if type != "array" then error("conversations: is not an array") else . end
  | map({role: (.from | role), content: (.value // "")})
  | map(select(.role != "system"))
  | (map(.role == "user" and (.content | test("\\S"))) | index(true)) as $at
  | if $at == null then [] else .[$at:] end;
def in_turn: # as far as a person and the model speak in turn
  reduce .[] as $turn ({kept: [], whole: true};
    if .whole and $turn.role == (["user", "assistant"][.kept | length % 2]) and ($turn.content | test("\\S")) then .kept += [$turn]
    else .whole = false end)
  | .kept;
string("id") as $source
| (turns | in_turn) as $turns
| "sharegpt/\($split)/\($line)" as $id
| range(0; $turns | length; 2) as $at
| {
    id: "\($id)/\($at / 2)",
    task: "chat",
    input: {messages: ($turns[:$at + 1] | map(if .role == "assistant" then .content = null else . end))}
  }
  + (if $turns[$at + 1] then {gold: $turns[$at + 1].content} else {} end)
  + {meta: {source: $source, turns: (($turns | length) / 2 | ceil)}, session: {id: $id, turn: ($at / 2)}}
