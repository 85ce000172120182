/* mock/fault.c: see fault.h */
#include "mock/fault.h"

static const struct {
    const char *name, *what;
} faults[] = {
    [FAULT_REFUSE] = {"refuse", "a reset in place of an answer"},
    [FAULT_DROP] = {"drop", "closes without a byte"},
    [FAULT_STALE] = {"stale", "closes without a byte where the connection was used before; a fresh one is served"},
    [FAULT_HANG] = {"hang", "never answers"},
    [FAULT_BAD_HTTP] = {"bad-http", "a status line that is none, then closes"},
    [FAULT_HTTP_400] = {"http-400", "status 400"},
    [FAULT_HTTP_429] = {"http-429", "status 429 with Retry-After (--retry-after)"},
    [FAULT_HTTP_500] = {"http-500", "status 500"},
    [FAULT_HTTP_503] = {"http-503", "status 503"},
    [FAULT_RESET] = {"reset", "a reset in mid-stream"},
    [FAULT_STALL] = {"stall", "writes no more, for the time of --for or for ever"},
    [FAULT_TRUNCATE] = {"truncate", "closes in mid-body"},
    [FAULT_EARLY_END] = {"early-end", "the body ends well, but without finish_reason and [DONE], or in mid-JSON"},
    [FAULT_ERROR_EVENT] = {"error-event", "an event with an error, as the wire has it; then the end"},
    [FAULT_ERROR_FIELD] = {"error-field", "an error in a field \"error:\", as llama.cpp before 2025; then the end"},
    [FAULT_BAD_CHUNK] = {"bad-chunk", "a chunk whose size is no number; then closes"},
    [FAULT_GARBAGE] = {"garbage", "an event that is no JSON; then goes on"},
    [FAULT_NON_UTF8] = {"non-utf8", "an event whose text is no UTF-8; then goes on"},
    [FAULT_SLOW_HEADERS] = {"slow-headers", "the head in four pieces over the time of --for (1 s)"},
    [FAULT_INTERIM] = {"interim", "an interim answer (103) before the true one"},
    [FAULT_CONTENT_TYPE] = {"content-type", "the wrong Content-Type (text/html)"},
    [FAULT_SHORT_LENGTH] = {"short-length", "a Content-Length larger than the body; then closes"},
    [FAULT_HTTP10] = {"http-1.0", "an HTTP/1.0 answer, whose body ends with the connection"},
    [FAULT_CONNECTION_CLOSE] = {"connection-close", "Connection: close, and closes"},
    [FAULT_SILENT_CLOSE] = {"silent-close", "closes after the answer without having said so"},
    [FAULT_TRAILERS] = {"trailers", "trailer fields behind the last chunk"},
    [FAULT_SPLIT] = {"split", "a write(2) for every --every bytes (7), 0.1 ms apart"},
    [FAULT_CRLF] = {"crlf", "lines end in CRLF"},
    [FAULT_NO_SPACE] = {"no-space", "no blank behind \"data:\""},
    [FAULT_MULTI_LINE] = {"multi-line", "an event's JSON over three data lines"},
    [FAULT_NAMED] = {"named-events", "event, id and retry fields with each event"},
    [FAULT_COMMENTS] = {"comments", "a comment line, as a keep-alive, before each event"},
    [FAULT_EMPTY_DELTAS] = {"empty-deltas", "an event with an empty text before each token but the first, in the same write"},
    [FAULT_REASONING] = {"reasoning", "all tokens are reasoning"},
    [FAULT_NO_USAGE] = {"no-usage", "no usage, though it was asked for"},
    [FAULT_NO_CHOICES] = {"no-choices", "200, and no event with choices"},
    [FAULT_NO_FINISH] = {"no-finish", "finish_reason stays null"},
    [FAULT_NO_DONE] = {"no-done", "no [DONE] at the end"},
    [FAULT_ENDLESS] = {"endless", "a body that never ends"},
};
_Static_assert(COUNT(faults) == FAULT_COUNT && FAULT_COUNT <= 64, "every fault has a name and a bit");

const char *fault_name(enum fault fault)
{
    return faults[fault].name;
}

const char *fault_what(enum fault fault)
{
    return faults[fault].what;
}

static int find(struct str name, uint64_t *set, struct err *err)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        if (str_is(name, faults[i].name)) {
            *set |= FAULT_BIT(i);
            return 0;
        }
    return err_set(err, ERR_PARSE, "\"%.*s\" is no fault (lm-mock --list-faults lists them)", name.len < 40 ? (int)name.len : 40, name.ptr);
}

int fault_parse(struct str names, uint64_t *set, struct err *err)
{
    *set = 0;
    for (;;) {
        const char *comma = memchr(names.ptr, ',', names.len);
        size_t len = comma ? (size_t)(comma - names.ptr) : names.len;
        if (find((struct str){names.ptr, len}, set, err) < 0)
            return -1;
        if (!comma)
            return 0;
        names = (struct str){comma + 1, names.len - len - 1};
    }
}

void fault_names(uint64_t set, struct buf *out)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        if (fault_in(set, (enum fault)i)) {
            buf_add_str(out, str_of(faults[i].name));
            set &= ~FAULT_BIT(i);
            if (set)
                buf_add_char(out, ',');
        }
}
