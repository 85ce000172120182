/* load/batch.c: see batch.h */
#include "load/batch.h"

#include <stdlib.h>

/* --- gathering --- */

/* One text, or one list of token ids. */
static bool is_one_prompt(struct jval prompt)
{
    struct str text;
    return jval_str(prompt, &text) || (jval_count(prompt) > 0 && jval_ints(prompt, NULL, 0) > 0);
}

static bool asks_for_one(struct jval body)
{
    int64_t count;
    return !(jval_int_at(body, "/n", &count) && count != 1) && !(jval_int_at(body, "/best_of", &count) && count != 1);
}

int batch_look(struct jdoc *doc, struct job *job, struct err *err)
{
    static const char *const names[OPENAI_API_COUNT] = {[OPENAI_COMPLETIONS] = "prompt", [OPENAI_EMBEDDINGS] = "input"};
    struct jsonl_record body = {0};
    struct jsonl_member prompt;
    struct jval value;
    const char *name = names[job->api];
    if (!name)
        return 0;
    if (jsonl_parse(doc, job->body, &body, err) < 0)
        return err->kind == ERR_NOMEM ? -1 : 0; // a repeated name: as it is, the server's to judge
    if (jsonl_member(&body, name, &prompt) && jval_member(body.root, name, &value) && is_one_prompt(value) && asks_for_one(body.root))
        job->prompt = prompt.value;
    return 0;
}

static struct str before_prompt(const struct job *job)
{
    return (struct str){job->body.ptr, (size_t)(job->prompt.ptr - job->body.ptr)};
}

static struct str behind_prompt(const struct job *job)
{
    const char *from = job->prompt.ptr + job->prompt.len;
    return (struct str){from, (size_t)(job->body.ptr + job->body.len - from)};
}

bool batch_fits(const struct batch *batch, const struct job *job)
{
    const struct job *first = batch->first;
    return first->api == job->api && first->timing.due_ns == job->timing.due_ns && str_eq(before_prompt(first), before_prompt(job)) &&
           str_eq(behind_prompt(first), behind_prompt(job));
}

void batch_add(struct batch *batch, struct job *job)
{
    if (batch->count++ == 0)
        batch->last = &batch->first;
    job->next = NULL;
    *batch->last = job;
    batch->last = &job->next;
}

void batch_release(struct batch *batch)
{
    for (struct job *job = batch->first, *next; job; job = next) {
        next = job->next;
        job_free(job);
    }
    *batch = (struct batch){0};
}

/* --- one request of it --- */

static void write_body(struct job *whole, const struct batch *batch)
{
    struct buf *body = &whole->changed;
    buf_add_str(body, before_prompt(batch->first));
    for (const struct job *job = batch->first; job; job = job->next) {
        buf_add_char(body, job == batch->first ? '[' : ',');
        buf_add_str(body, job->prompt);
    }
    buf_add_char(body, ']');
    buf_add_str(body, behind_prompt(batch->first));
    whole->body = buf_str(body);
}

/* Out of memory shows in what it writes to, and changes nothing that a second call would miss. */
static bool number_members(struct job *whole, const struct batch *batch)
{
    bool ok = true;
    size_t index = 0;
    for (struct job *job = batch->first; job; job = job->next, index++) {
        buf_add_str(&job->batch_id, buf_str(&batch->first->id));
        ok = ok && !job->batch_id.failed;
        job->batch_index = index;
        job->batch_size = batch->count;
        job->reply.is_part = true;
        whole->members[index] = job;
        whole->parts[index] = &job->reply;
    }
    return ok;
}

struct job *batch_seal(struct batch *batch, struct err *err)
{
    struct job *first = batch->first, *whole = batch->count == 1 ? first : job_new();
    if (batch->count == 1) {
        *batch = (struct batch){0};
        return whole;
    }
    if (whole) {
        whole->members = calloc(batch->count, sizeof(struct job *));
        whole->parts = calloc(batch->count, sizeof(struct reply *));
        write_body(whole, batch);
        buf_add_str(&whole->id, buf_str(&first->id));
    }
    if (!whole || !whole->members || !whole->parts || whole->changed.failed || whole->id.failed || !number_members(whole, batch)) {
        job_free(whole);
        err_nomem(err);
        return NULL;
    }
    whole->member_count = batch->count;
    whole->api = first->api;
    whole->stream = first->stream;
    whole->cancel = first->cancel;
    whole->timing.due_ns = first->timing.due_ns;
    reply_init(&whole->reply, whole->api);
    whole->reply.parts = whole->parts;
    whole->reply.part_count = batch->count;
    *batch = (struct batch){0};
    return whole;
}

/* --- and back --- */

static void share_timing(const struct job *whole, struct job *member)
{
    int64_t first_ns = member->timing.first_ns, last_ns = member->timing.last_ns;
    member->timing = whole->timing;
    member->timing.first_ns = first_ns;
    member->timing.last_ns = last_ns;
    if (member->batch_index > 0 && member->timing.late != TIMING_NEVER)
        member->timing.late = 0; // all of the request's stand with the first
}

int batch_spread(struct job *whole, struct err *err)
{
    int rc = reply_share(&whole->reply, err);
    for (size_t i = 0; i < whole->member_count; i++) {
        struct job *member = whole->members[i];
        share_timing(whole, member);
        member->status = whole->status;
        member->url = whole->url;
        member->reached = whole->reached;
        member->unsent = whole->unsent;
        member->cancelled = whole->cancelled;
        buf_add_str(&member->attempts, buf_str(&whole->attempts));
        if (member->attempts.failed)
            rc = err_nomem(err);
    }
    for (size_t i = 0; i < whole->member_count && rc < 0; i++)
        reply_fail(&whole->members[i]->reply, FAILURE_CANCELLED, "%s", err->msg);
    return rc;
}
