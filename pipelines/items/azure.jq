# Azure LLM inference traces (CC BY 4.0): TIMESTAMP, ContextTokens, GeneratedTokens, of two services on one day of 2023;
# those of 2024, a week each, have a zone behind the time, and are given as a FILE. The digits of a second are seven.
# rows: csv
# data: conv azure-llm/AzureLLMInferenceTrace_conv.csv 2f1e5b666d4e3055fdbba98598ce2ec307767b9064e03e2fa46676dbcc7d0bf8 https://raw.githubusercontent.com/Azure/AzurePublicDataset/b469a113cedca53ddc3bdea71a143dc4b7d8700c/data/AzureLLMInferenceTrace_conv.csv
# data: code azure-llm/AzureLLMInferenceTrace_code.csv 54e9a6d2a4bd06ba1e060304b900abbc74cbea53de96506e60fe5bb4f2277fb6 https://raw.githubusercontent.com/Azure/AzurePublicDataset/b469a113cedca53ddc3bdea71a143dc4b7d8700c/data/AzureLLMInferenceTrace_code.csv
def wrong: error("TIMESTAMP: is not a time such as 2023-11-16 18:17:03.9799600");
def zone_s: # "+01:00" or "-0500" behind the fraction
  [capture("^(?<fraction>[^ +-]*) ?(?<sign>[+-])(?<h>\\d\\d):?(?<m>\\d\\d)$")][0]
  | if . == null then wrong else . end
  | [.fraction, ((.h | tonumber) * 3600 + (.m | tonumber) * 60) * (if .sign == "-" then -1 else 1 end)];
def utc_s: # as text
  string("TIMESTAMP")
  | (.[19:] | rtrimstr("+00:00") | rtrimstr("Z") | if test("[ +-]") then zone_s else [., 0] end) as [$fraction, $zone_s]
  | [try ([.[0:4], .[5:7], .[8:10], .[11:13], .[14:16], .[17:19]] | map(tonumber) | .[1] -= 1 | . + [0, 0] | mktime) catch null][0]
  | if . == null then wrong else "\(. - $zone_s)\($fraction)" end;
utc_s as $now
| {
    id: "azure/\($split | ltrimstr("AzureLLMInferenceTrace_"))/\($line)",
    task: "trace",
    meta: {input_tokens: whole("ContextTokens"), output_tokens: whole("GeneratedTokens")},
    at_ns: ($now | ns_after($first | utc_s; "TIMESTAMP"))
  }
