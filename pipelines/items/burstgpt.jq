# BurstGPT (CC BY 4.0): requests to ChatGPT and GPT-4 at a university over months: Timestamp (s since midnight of the first
# day), Model, Request tokens, Response tokens, Log Type; the third file has Session ID and Elapsed time besides. A request
# without a response token failed, and makes no item.
# rows: csv
# data: 1 burstgpt/BurstGPT_1.csv 4bb3783693d0a435686fbfc885615d2349bd067239079fa4b749f2e679e12122 https://github.com/HPMLL/BurstGPT/releases/download/v2.0/BurstGPT_1.csv
# data: 2 burstgpt/BurstGPT_2.csv 44bf5942b03fca42c01a226a545ad3a750ec62688faecd67b6831c56a8928bf7 https://github.com/HPMLL/BurstGPT/releases/download/v2.0/BurstGPT_2.csv
# data: 3 burstgpt/BurstGPT_3.csv 2299986a07388aa303ec2c41d1131e756db650a39ed6ef9dfe7cc3d7f9a43b8f https://github.com/HPMLL/BurstGPT/releases/download/v2.0/BurstGPT_3.csv
# data: without_fails_1 burstgpt/BurstGPT_without_fails_1.csv a4d068a7113ec0290e74063a1b3447dc6001a30e4298eb313581b71006dda1f4 https://github.com/HPMLL/BurstGPT/releases/download/v2.0/BurstGPT_without_fails_1.csv
# data: without_fails_2 burstgpt/BurstGPT_without_fails_2.csv 56193aa9b2bb26128ded43d2d29a960df6bf5af062bcfc9b005f3fcaa4e6e501 https://github.com/HPMLL/BurstGPT/releases/download/v2.0/BurstGPT_without_fails_2.csv
# data: without_fails_3 burstgpt/BurstGPT_without_fails_3.csv 3326259f9efb11845bc5ef85fa97e6f691050b0974621c91ef22acd566c43a40 https://github.com/HPMLL/BurstGPT/releases/download/v2.0/BurstGPT_without_fails_3.csv
whole("Response tokens") as $output
| if $output == 0 then empty
  else
    {
      id: "burstgpt/\($split | ltrimstr("BurstGPT_"))/\($line)",
      task: "trace",
      meta: {
        input_tokens: whole("Request tokens"),
        output_tokens: $output,
        model: string("Model"),
        log: string("Log Type")
      },
      at_ns: (string("Timestamp") | ns_after($first | string("Timestamp"); "Timestamp"))
    }
  end
