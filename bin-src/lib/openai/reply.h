/*
 * openai/reply.h: a server's answer, put together from its events or from its one body
 *
 *     struct reply reply = {.api = OPENAI_CHAT};
 *     reply_event(&reply, doc, event.data, &seen, &err);    // for each event, or
 *     reply_body(&reply, doc, body, &err);
 *     reply_response(&reply, &response);                    // views into reply
 *     reply_release(&reply);
 *
 * Takes the forms of vLLM, SGLang and llama.cpp. Of several choices the first (index 0) is the answer. The first
 * failure stays; what comes after it is read all the same. An embedding stands where choices do: in the member data.
 *
 * A batch is one request for several records. Its reply has parts, a reply for each record: choice i, or datum i, goes
 * to part i; usage, model, [DONE] and failures are the whole's, until reply_share gives each part what it has of them.
 */
#ifndef OPENAI_REPLY_H
#define OPENAI_REPLY_H

#include "openai/body.h"
#include "record/response.h"

#define REPLY_MAX (64 << 20) // bytes of text kept

struct reply {
    enum openai_api api;
    struct buf text, reasoning, finish_reason, model, usage, logprobs, embedding, message;
    struct buf *tools; // three a call: id, name, arguments
    size_t tool_count;
    bool has_text, has_reasoning, has_choices;
    bool done;               // "[DONE]" came
    uint64_t open_choices;   // a bit an index (to 63): began, and has no finish_reason yet
    uint64_t ended_choices;  // the same, and had one: what comes behind does not open them again
    int64_t prompt_tokens, completion_tokens; // below 0: nobody said; set by reply_init
    int64_t ids;             // token ids counted; below 0: none came
    int64_t scored;          // tokens with a log-probability; below 0: not all had one, or it holds the prompt's too
    enum failure failure;

    struct reply *const *parts; // of a batch: the caller's, set after reply_init; they outlive a reset
    size_t part_count;          // 0: no batch
    bool is_part;               // the caller's too: its tokens are counted by what comes one a token, where they must be
    int seen;                   // what the latest event was to this one
    struct reply *first_seen, *next_seen; // of the latest event: whom it had choices for, itself or parts
};

/* What an event was. */
enum { REPLY_CHOICES = 1, REPLY_CONTENT = 2, REPLY_DONE = 4 }; // non-empty choices; text, reasoning or a tool call; [DONE]

void reply_init(struct reply *reply, enum openai_api api);
void reply_reset(struct reply *reply); // for another try
void reply_release(struct reply *reply);

/* Takes the data of one event, with JDOC_PADDING readable bytes behind. What it was goes to *seen. -1: out of memory. */
int reply_event(struct reply *reply, struct jdoc *doc, struct str data, bool is_error, int *seen, struct err *err);
/* Takes the body of an answer that is no stream, or of an error. */
int reply_body(struct reply *reply, struct jdoc *doc, struct str body, struct err *err);
/* The body ended as HTTP wants it. Was the answer whole? If not, fails it; of a batch, the parts that lack something,
 * and the whole where all do. */
void reply_end(struct reply *reply, bool streamed);
/* Gives each part the model and the failure, and the first the usage. */
int reply_share(const struct reply *reply, struct err *err);

/* What an error's body says, in the shapes that servers have for it; false: in none of them. A view into the document. */
bool reply_why(struct jval root, struct str *why);

/* Sets the failure, unless there is one. The message is printf's. */
void reply_fail(struct reply *reply, enum failure failure, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Fills in what a record holds of it (not status and url): views, and tool calls written to scratch. */
void reply_response(const struct reply *reply, struct response *response, struct buf *scratch);

#endif
