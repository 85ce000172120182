/*
 * mock/script.h: what the server shall do with a request
 *
 * A script is a JSON object, each member of which says one thing; what it leaves out stays as it was, so scripts are
 * laid over each other: the options' first, a line of the script file over them, the request's own over both.
 *
 *     ttft_ms, itl_ms      ms: of the first token after the request, and between tokens; as texts, distributions: "exp:50ms"
 *     tokens               how many; a number, or a distribution as text
 *     text                 what is said, instead of the mock's own words: a token ends before each blank
 *     reasoning            how many of the tokens, from the first, are reasoning
 *     tool_calls           [{name, arguments}]: called after the text (which then is empty unless asked for); chat only
 *     finish               finish_reason: stop, length, tool_calls, content_filter, abort
 *     usage                "asked" (as the request says), "always", "never"
 *     per_event, per_write tokens in an event, events in a write(2)
 *     role                 "wire" (as the server does), "apart" (a write of its own), "joined" (with the first token),
 *                          "early" (with the head), "none"
 *     headers_ms           when the head goes, after the request; else as the server does
 *     fault, after         one or more, with commas (mock/fault.h), and how many tokens' events go before; null: none
 *     for_ms               how long it stalls (for ever), or takes over the head (1000)
 *     every                bytes of a write, if split
 *     retry_after_s        with status 429
 *
 * Faults that are drawn (script_draws) stand below what a script says of fault.
 */
#ifndef MOCK_SCRIPT_H
#define MOCK_SCRIPT_H

#include "jsonl/jdoc.h"
#include "mock/wire.h"
#include "stats/distribution.h"

enum script_usage { SCRIPT_USAGE_ASKED, SCRIPT_USAGE_ALWAYS, SCRIPT_USAGE_NEVER, SCRIPT_USAGE_COUNT };
enum script_role { SCRIPT_ROLE_WIRE, SCRIPT_ROLE_APART, SCRIPT_ROLE_JOINED, SCRIPT_ROLE_EARLY, SCRIPT_ROLE_NONE, SCRIPT_ROLE_COUNT };
extern const char *const script_usage_names[], *const script_role_names[]; // NULL at the end

#define SCRIPT_TOKENS_MAX 10000000
#define SCRIPT_TOKENS_DEFAULT 64 // where neither a script nor the request says how many

struct script {
    struct distribution ttft, itl; // ns
    struct distribution tokens;
    enum { SCRIPT_TOKENS_UNSAID, SCRIPT_TOKENS_BOUNDED, SCRIPT_TOKENS_EXACT } tokens_are; // bounded by the request's max_tokens
    bool has_text, has_tool_calls, has_headers, says_fault;
    struct str text;         // these two live in what the script was read from
    struct jval tool_calls;
    enum wire_finish finish; // unfinished: as it comes out
    enum script_usage usage;
    enum script_role role;
    int64_t reasoning, per_event, per_write, after, every, retry_after_s;
    int64_t headers_ns;
    int64_t for_ns; // below 0: not said
    uint64_t faults;
};

void script_init(struct script *script); // the defaults: at once, one token an event, one event a write
/* Lays the object over the script. Fails on members it does not know, and on values that are none. */
int script_apply(struct script *script, struct jval object, struct err *err);

/* The scripts of a JSONL file, each checked as it is read. A failed read leaves nothing behind. */
struct script_file {
    struct jval *scripts;
    struct jdoc **docs; // where they live
    size_t count;
};
int script_file_read(struct script_file *file, const char *path, struct err *err);
void script_file_release(struct script_file *file);

/* Faults drawn by share: "reset", "http-503:0.1", "crlf,comments:0.5"; at most one of them a request. */
struct script_draws {
    struct {
        uint64_t faults;
        double upto; // the shares up to and with this one
    } at[32];
    size_t count;
};
int script_draws_add(struct script_draws *draws, struct str text, struct err *err);
uint64_t script_draw(const struct script_draws *draws, struct rng *rng);

#endif
