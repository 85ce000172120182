# The general prompts that come with lmutils: questions, reasoning, chat and code, each an item already.
# data: all prompts.jsonl
unchanged
