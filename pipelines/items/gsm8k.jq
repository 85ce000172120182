# GSM8K, grade-school word problems (MIT): {"question", "answer"}; the answer is the worked solution, and on its last
# line the number behind ####, kept as it is written ("2,125"). <<48/2=24>> are a calculator's marks, not text.
# data: test gsm8k/test.jsonl 3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14 https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data/test.jsonl
# data: train gsm8k/train.jsonl 17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465 https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data/train.jsonl
string("question") as $question
| string("answer") as $answer
| ($answer | split("\n#### ")) as $halves
| if ($halves | length) != 2 then error("answer: has no last line \"#### NUMBER\"") else . end
| {
    id: "gsm8k/\($split)/\($line)",
    task: "gsm8k",
    input: {question: $question},
    gold: ($halves[1] | gsub("\\s+$"; "")),
    meta: {split: $split, solution: ($halves[0] | gsub("<<[^>]*>>"; ""))}
  }
