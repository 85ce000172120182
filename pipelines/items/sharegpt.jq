# ShareGPT: conversations of people with ChatGPT, as serving benchmarks use them: the first thing that a person says, and the
# answer to it as gold. Parts of longer conversations begin with an answer, which is passed over (vllm bench serve would send
# it); where nobody says anything there is no item. sharegpt-sessions has the whole conversations.
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
string("id") as $source
| turns as $turns
| if $turns == [] then empty
  else
    {id: "sharegpt/\($split)/\($line)", task: "chat", input: {prompt: $turns[0].content}}
    + (if $turns[1].role == "assistant" and ($turns[1].content | test("\\S")) then {gold: $turns[1].content} else {} end)
    + {meta: {source: $source, turns: ($turns | length)}}
  end
