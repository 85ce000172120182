/*
 * synth/sessions.c: conversations of several turns
 *
 * Each turn is an item whose input.messages has the turns before it, with null for the answers that are not there yet:
 * lm-send puts them in. A session's turns stand one behind the other.
 */
#include "base/json.h"
#include "base/out.h"
#include "synth/synth.h"
#include "synth/words.h"

#include <inttypes.h>
#include <stdio.h>

enum { MOST_TURNS = 10000 };

struct session {
    int64_t number, turns;
    struct rng rng;      // of lengths and times
    struct buf messages; // the array's elements so far, JSON
};

static void add_message(struct buf *messages, const char *role, struct str content)
{
    json_object(messages);
    json_key(messages, "role"), json_cstr(messages, role);
    json_key(messages, "content");
    content.ptr ? json_str(messages, content) : json_null(messages);
    json_object_end(messages);
}

/* A text of that length, of its own stream. */
static int make_text(const struct synth_options *options, struct words *words, const char *stream, int64_t shard, int64_t length,
                     struct buf *text, struct err *err)
{
    struct rng rng = rng_stream(options->seed, stream, shard);
    buf_clear(text);
    return words_add(words, &rng, length, text, err) < 0 ? -1 : words_fit(words, &rng, length, 0, text, err);
}

struct turn {
    int64_t number, input, output, think_ns;
};

static void write_turn(const struct synth_options *options, const struct words *words, const struct session *session,
                       const struct turn *turn, struct buf *out)
{
    char id[96], own[128];
    snprintf(id, sizeof id, "synth/sessions/%" PRId64 "/%" PRId64, options->seed, session->number);
    snprintf(own, sizeof own, "%s/%" PRId64, id, turn->number);
    json_object(out);
    json_key(out, "id"), json_cstr(out, own);
    json_key(out, "task"), json_cstr(out, "chat");
    json_key(out, "input"), json_object(out);
    json_key(out, "messages"), json_array(out), buf_add_str(out, buf_str(&session->messages)), json_array_end(out);
    json_key(out, "unit"), json_cstr(out, words_unit(words));
    json_object_end(out);
    json_key(out, "meta"), json_object(out);
    json_key(out, "input_tokens"), json_int(out, turn->input);
    json_key(out, "output_tokens"), json_int(out, turn->output);
    json_object_end(out);
    json_key(out, "session"), json_object(out);
    json_key(out, "id"), json_cstr(out, id);
    json_key(out, "turn"), json_int(out, turn->number);
    if (turn->number > 0 && turn->think_ns > 0)
        json_key(out, "think_ns"), json_int(out, turn->think_ns);
    json_object_end(out);
    json_object_end(out);
    buf_add_char(out, '\n');
}

/* Begins with the system message, if sessions share any. */
static int begin(const struct synth_options *options, struct words *words, struct session *session, struct buf *text, struct err *err)
{
    session->rng = rng_stream(options->seed, "session lengths", session->number);
    session->turns = synth_draw(&options->turns, &session->rng, 1);
    buf_clear(&session->messages);
    if (session->turns > MOST_TURNS)
        return err_set(err, ERR_RANGE, "%" PRId64 " turns are more than %d", session->turns, MOST_TURNS);
    if (options->prefixes == 0)
        return 0;
    if (make_text(options, words, "prefix", (session->number - 1) % options->prefixes, options->prefix_tokens, text, err) < 0)
        return -1;
    add_message(&session->messages, "system", buf_str(text));
    return 0;
}

/* Writes the session's turns into out, all or none. */
static int make_session(const struct synth_options *options, struct words *words, struct session *session, struct buf *text,
                        struct buf *out, struct err *err)
{
    char stream[64];
    snprintf(stream, sizeof stream, "session %" PRId64, session->number);
    buf_clear(out);
    if (begin(options, words, session, text, err) < 0)
        return -1;
    for (struct turn turn = {0}; turn.number < session->turns; turn.number++) {
        turn.input = synth_draw(&options->input_tokens, &session->rng, 1);
        turn.output = synth_draw(&options->output_tokens, &session->rng, 1);
        turn.think_ns = synth_draw(&options->think_ns, &session->rng, 0);
        if (make_text(options, words, stream, turn.number, turn.input, text, err) < 0)
            return -1;
        if (turn.number > 0)
            add_message(&session->messages, "assistant", (struct str){0});
        add_message(&session->messages, "user", buf_str(text));
        write_turn(options, words, session, &turn, out);
    }
    return session->messages.failed || out->failed ? err_nomem(err) : 0;
}

static int make_sessions(const struct synth_options *options, struct words *words, struct err *err)
{
    struct session session = {0};
    struct buf text = {0}, out = {0};
    int rc = 0;
    for (session.number = 1; session.number <= options->count && rc == 0; session.number++) {
        rc = make_session(options, words, &session, &text, &out, err);
        if (rc == 0)
            rc = out_write(out.ptr, out.len, err);
        else if (err->kind == ERR_RANGE) {
            char where[32];
            snprintf(where, sizeof where, "session %" PRId64, session.number);
            options->report(where, err);
            rc = 0;
        }
    }
    buf_release(&session.messages);
    buf_release(&text);
    buf_release(&out);
    return rc;
}

int synth_sessions(const struct synth_options *options, struct err *err)
{
    struct words *words = words_new(options->tokenizer, err);
    int rc = words ? make_sessions(options, words, err) : -1;
    words_free(words);
    return rc;
}
