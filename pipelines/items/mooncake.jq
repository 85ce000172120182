# Mooncake's traces (Apache-2.0; FAST '25): timestamp (ms since the start), input_length, output_length (tokens), hash_ids: an
# id for each 512 tokens of the prompt, the last of them in part; the same ids in front are the same text in front.
# data: conversation mooncake/conversation_trace.jsonl b8cbb061a85206d729d91cdc2981f43c9e0d99209dce588d3af5f7934408b9df https://raw.githubusercontent.com/kvcache-ai/Mooncake/3b5a594133958449a1feaf1c9e0fc1b553e34a28/FAST25-release/traces/conversation_trace.jsonl
# data: synthetic mooncake/synthetic_trace.jsonl bd070915a98fc0ed264d7cfef2ce746002eb3076a695ec31ba2674c0111ec131 https://raw.githubusercontent.com/kvcache-ai/Mooncake/3b5a594133958449a1feaf1c9e0fc1b553e34a28/FAST25-release/traces/synthetic_trace.jsonl
if (.hash_ids | type) != "array" then error("hash_ids: is not an array") else . end
| (whole("timestamp") - ($first | whole("timestamp"))) as $ms
| if $ms < 0 then error("timestamp: is before the first row") else . end
| {
    id: "mooncake/\($split | rtrimstr("_trace"))/\($line)",
    task: "trace",
    meta: {input_tokens: whole("input_length"), output_tokens: whole("output_length"), hash_ids: .hash_ids, block_tokens: 512},
    at_ns: ($ms * 1000000)
  }
