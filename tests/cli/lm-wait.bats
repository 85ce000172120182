# lm-wait: when is a server ready, and why is it not?
bats_require_minimum_version 1.5.0
load ../lib

MODELS='/v1/models 200 {"data":[{"id":"first"},{"id":"second"}]}'
HEALTH='/health 200 {"status":"ok"}'
CHAT='/v1/chat/completions 200 {"choices":[{"message":{"content":"Hi"}}]}'
COMPLETIONS='/v1/completions 200 {"choices":[{"text":"Hi"}]}'

# serve RULE...: a server that answers by them, at $url
serve() {
    local port
    port=$(free_port)
    url=http://127.0.0.1:$port/v1
    [ -z "${pids[server]}" ] || stop server KILL || true
    start server "$ROOT/tests/cli/stub-server.pl" "$port" "$@"
    wait_until listens "$port"
}

listens() {
    (exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# is_ready ARGUMENT...: it is, and only standard error says anything
is_ready() {
    run --separate-stderr timeout 30 lm-wait --url "$url" "$@"
    echo "exit $status: $stderr"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

# is_not_ready REGEX ARGUMENT...: it is not, for that reason
is_not_ready() {
    local regex=$1
    shift
    run --separate-stderr timeout 30 lm-wait --url "$url" "$@"
    echo "exit $status: $stderr"
    [ "$status" -eq 3 ]
    [ -z "$output" ]
    [[ ${stderr_lines[-1]} =~ ^lm-wait:\ $regex ]]
}

asked() { # the paths that were asked for, in order
    grep -oE '^(GET|POST) [^ ]+' server.out | cut -d ' ' -f 2 | tr '\n' ' '
}

@test "lm-wait: ready is health, a model, and one token by chat" {
    serve "$HEALTH" "$MODELS" "$CHAT"
    is_ready
    [ "$(asked)" = "/health /v1/models /v1/chat/completions " ]
    [ "$(grep '^POST' server.out | cut -d ' ' -f 4- | jq -c '[.model, .max_tokens]')" = '["first",1]' ]
}

@test "lm-wait: the server is found with and without /v1, without http://, and in OPENAI_BASE_URL" {
    serve "$HEALTH" "$MODELS" "$CHAT"
    is_ready
    url=${url%/v1}
    is_ready
    OPENAI_BASE_URL=${url#http://}/v1/ run lm-wait
    [ "$status" -eq 0 ]
    [ "$(asked | tr ' ' '\n' | sort | uniq -c | xargs)" = "3 /health 3 /v1/chat/completions 3 /v1/models" ]
}

@test "lm-wait: a server that is loading is asked again, until all three are well in one try" {
    serve '/health 503 {"error":{"message":"Loading model"}}' "$HEALTH" '/v1/models 200 {"data":[]}' "$MODELS" \
        '/v1/chat/completions 503 {}' '/v1/chat/completions 200 {"choices":[]}' "$CHAT"
    is_ready -v
    [[ $stderr == *"/health: status 503 (Loading model)"*"no model is served yet"*"/v1/chat/completions: status 503"*"no choices"* ]]
    [ "$(asked)" = "/health /health /v1/models $(printf '/health /v1/models /v1/chat/completions %.0s' 1 2 3)" ]
}

@test "lm-wait: where there is no /health, the list of models stands for it" {
    serve "$MODELS" "$CHAT"
    is_ready -m second
    grep -q '"model":"second"' server.out
}

@test "lm-wait: where there is no list, the named model is asked for" {
    serve "$HEALTH" "$CHAT"
    is_ready -m anything
    is_not_ready '.*/v1/models: status 404' --retries 0
}

@test "lm-wait: a model without chat answers by completions" {
    serve "$HEALTH" "$MODELS" '/v1/chat/completions 400 {"error":{"message":"no chat template"}}' "$COMPLETIONS"
    is_ready
    serve "$HEALTH" "$MODELS" "$COMPLETIONS"
    is_ready
}

@test "lm-wait: a wrong model name ends the wait at once and is said, with those that are right" {
    serve "$HEALTH" "$MODELS" "$CHAT"
    is_not_ready '.*wrong model name: "third" is not served, but first, second$' -m third
    [ "$(asked)" = "/health /v1/models " ]
}

@test "lm-wait: a request that is called wrong in both forms ends the wait at once" {
    serve "$HEALTH" "$MODELS" '/v1/chat/completions 400 {"error":{"message":"no chat"}}' '/v1/completions 422 {"message":"no text"}'
    is_not_ready '.*/v1/chat/completions: status 400 \(no chat\); /v1/completions: status 422 \(no text\)$'
}

@test "lm-wait: nobody listens: unreachable, after the tries or the time that were given" {
    url=http://127.0.0.1:$(free_port)
    is_not_ready 'http://127.0.0.1:[0-9]+/v1: unreachable after 1 try: Connection refused$' --retries 0
    is_not_ready '.*: unreachable after 3 tries: Connection refused$' --retries 2
    is_not_ready '.*: timed out, unreachable for 0.3 s: Connection refused$' --timeout 300ms
}

@test "lm-wait: a server that never gets well, or never answers, is given up when the time is over" {
    serve '/health 503 {"error":{"message":"Loading model"}}'
    is_not_ready '.*: timed out, not ready for 0.5 s: /health: status 503 \(Loading model\)$' --timeout 500ms
    serve '/health hang'
    is_not_ready '.*: timed out, unreachable for 0.5 s: /health: no answer in time$' --timeout 500ms
    serve "$HEALTH" "$MODELS" '/v1/chat/completions hang'
    is_not_ready '.*: timed out, not ready for 1 s: /v1/chat/completions: no answer in time$' --timeout 1s
}

@test "lm-wait: what answers and is no such server is said" {
    serve '/health 200 ok' '/v1/models 200 <html>' "$CHAT"
    is_not_ready '.*: not ready after 1 try: the list of models is none$' --retries 0
}

@test "lm-wait: a process that ends, has ended, or was never there, ends the wait at once" {
    serve '/health 503 {}'
    start other sleep 1000
    start waiting lm-wait -v --url "$url" --pid "${pids[other]}"
    says waiting 'status 503'
    stop other KILL || true
    wait_until grep -q "died: process [0-9]* has ended" waiting.err
    status=0
    ended waiting || status=$?
    [ "$status" -eq 3 ]
    true & # a process that was there
    wait $!
    is_not_ready "died: there is no process $!\$" --pid $!
}

@test "lm-wait: a process that ends while a request is out ends the wait, in any of its steps" {
    for hangs in '^GET /health|/health hang' '^GET /v1/models|/v1/models hang' '^POST|/v1/chat/completions hang'; do
        serve "${hangs#*|}" "$HEALTH" "$MODELS"
        start other sleep 1000
        start waiting lm-wait --timeout 1h --url "$url" --pid "${pids[other]}"
        says server "${hangs%|*}"
        stop other KILL || true
        status=0
        ended waiting || status=$?
        [ "$status" -eq 3 ]
        grep -q "died: process [0-9]* has ended" waiting.err
    done
}

@test "lm-wait: a process that lives does not matter" {
    serve "$HEALTH" "$MODELS" "$CHAT"
    is_ready --pid $$
}

@test "lm-wait: the key is sent as told, and never shown" {
    serve "$HEALTH" "$MODELS" "$CHAT"
    printf ' key-of-file\n' >key
    is_ready --key-file key -v
    OPENAI_API_KEY=key-of-environment is_ready -v
    [ "$(grep -c ' Bearer key-of-file ' server.out)" -eq 3 ]
    [ "$(grep -c ' Bearer key-of-environment ' server.out)" -eq 3 ]
    printf 'secret\nsecret\n' >two
    is_not_ready 'two: not a file of one line$' --key-file two
    is_not_ready 'none: No such file or directory$' --key-file none
    serve '/health 401 {"error":{"message":"who are you?"}}'
    OPENAI_API_KEY=secret is_not_ready '.*/health: status 401 \(who are you\?\)$'
    url=http://user:secret@${url#http://}
    is_not_ready 'http://127.0.0.1:.*/health: status 401'
    grep -q '^GET /health Basic dXNlcjpzZWNyZXQ= ' server.out
    [[ $stderr != *secret* ]]
}

@test "lm-wait: what cannot be asked is said before anything is" {
    for url in ftp://host 'http://a b'; do
        is_not_ready "the server's URL: not a URL such as http://127.0.0.1:8000/v1$"
    done
    run -2 lm-wait http://127.0.0.1:8000
    run -2 lm-wait --pid 0
}

@test "lm-wait: -H, --cacert and --insecure reach a server behind TLS that wants a key in a header" {
    echo sesame >key
    start mock lm-mock -q --port 0 --port-file mock.port --key-file key
    wait_until test -s mock.port
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext 'subjectAltName = IP:127.0.0.1' \
        -keyout tls.key -out tls.crt 2>/dev/null
    cat tls.key tls.crt >both.pem
    port=$(free_port)
    start tls socat "OPENSSL-LISTEN:$port,cert=both.pem,verify=0,reuseaddr,fork" "TCP:127.0.0.1:$(<mock.port)"
    wait_until curl -s --cacert tls.crt "https://127.0.0.1:$port/health"
    echo "Authorization: Bearer sesame" >headers
    lm-wait -q --url "https://127.0.0.1:$port" --cacert tls.crt -H @headers --timeout 10s
    lm-wait -q --url "https://127.0.0.1:$port" --insecure -H "Authorization: Bearer sesame" --timeout 10s
    run -3 lm-wait -q --url "https://127.0.0.1:$port" -H @headers --retries 0
    [[ $output == *certificate* ]]
    run -3 lm-wait -q --url "https://127.0.0.1:$port" --cacert tls.crt -H "X-Key: sesame" --retries 0
    [[ $output == *401* ]]
    [[ $output != *sesame* ]]
    run -2 lm-wait -H "no header"
    run -3 lm-wait -H @nowhere
}
