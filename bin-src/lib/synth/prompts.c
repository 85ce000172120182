/*
 * synth/prompts.c: prompts of a given length, and the text of a trace's records
 *
 * Every text is drawn from a stream that its own name gives: a prompt's by its number, a shared beginning's by its number,
 * a block's by its hash id, the rest of a trace's record by the record's id. So it is the same in every run with one seed,
 * wherever the record stands.
 */
#include "base/json.h"
#include "jsonl/jsonl.h"
#include "record/own.h"
#include "synth/synth.h"
#include "synth/words.h"

#include <inttypes.h>
#include <stdio.h>

static void write_input(const struct words *words, struct str text, struct buf *out)
{
    json_object(out);
    json_key(out, "prompt"), json_str(out, text);
    json_key(out, "unit"), json_cstr(out, words_unit(words));
    json_object_end(out);
}

/* ---- prompts of one's own ---- */

/* Makes the text of the prompt, whose shared beginning, if there is one, is the group's. */
static int make_prompt(const struct synth_options *options, struct words *words, int64_t number, int64_t group, int64_t length,
                       struct buf *text, struct err *err)
{
    struct rng rng = rng_stream(options->seed, "prefix", group);
    buf_clear(text);
    if (options->prefixes > 0 && words_add(words, &rng, options->prefix_tokens, text, err) < 0)
        return -1;
    size_t kept = text->len;
    rng = rng_stream(options->seed, "prompt", number);
    if (words_add(words, &rng, length - (options->prefixes > 0 ? options->prefix_tokens : 0), text, err) < 0)
        return -1;
    return words_fit(words, &rng, length, kept, text, err);
}

static int write_prompt(const struct synth_options *options, struct words *words, int64_t number, struct buf *text, struct buf *out,
                        struct err *err)
{
    struct rng lengths = rng_stream(options->seed, "prompt lengths", number);
    int64_t input = synth_draw(&options->input_tokens, &lengths, 1), output = synth_draw(&options->output_tokens, &lengths, 1);
    int64_t group = options->prefixes > 0 ? (number - 1) % options->prefixes : 0;
    input += options->prefixes > 0 ? options->prefix_tokens : 0;
    if (make_prompt(options, words, number, group, input, text, err) < 0)
        return -1;
    synth_begin(options, "prompts", number, "chat", out);
    json_key(out, "input"), write_input(words, buf_str(text), out);
    json_key(out, "meta"), json_object(out);
    json_key(out, "input_tokens"), json_int(out, input);
    json_key(out, "output_tokens"), json_int(out, output);
    if (options->prefixes > 0) {
        json_key(out, "prefix"), json_int(out, group);
        json_key(out, "prefix_tokens"), json_int(out, options->prefix_tokens);
    }
    json_object_end(out);
    return synth_end(out, err);
}

static int make_prompts(const struct synth_options *options, struct words *words, struct buf *text, struct err *err)
{
    struct buf out = {0};
    int rc = 0;
    for (int64_t number = 1; number <= options->count && rc == 0; number++) {
        rc = write_prompt(options, words, number, text, &out, err);
        if (rc < 0 && err->kind == ERR_RANGE) {
            char where[32];
            snprintf(where, sizeof where, "prompt %" PRId64, number);
            options->report(where, err);
            rc = 0;
        }
    }
    buf_release(&out);
    return rc;
}

/* ---- a trace's ---- */

/* Adds the text of the hash ids: so much of it as the length asks for. *left: what is still wanted; *kept: of the bytes, what
 * words_fit must let stand. */
static int add_blocks(const struct synth_options *options, struct words *words, struct jval meta, int64_t *left, size_t *kept,
                      struct buf *text, struct err *err)
{
    struct jval ids, item;
    int64_t id, block;
    if (!jval_member(meta, "hash_ids", &ids) || jval_is_null(ids))
        return 0;
    if (jval_type(ids) != JTYPE_ARRAY)
        return err_set(err, ERR_RANGE, "meta.hash_ids: is not an array");
    if (!jval_int_at(meta, "/block_tokens", &block) || block < 1)
        return err_set(err, ERR_RANGE, "meta.block_tokens: is not a whole number above 0, and there are hash_ids");
    for (struct jiter it = jval_items(ids); jiter_next(&it, NULL, &item) && *left > 0;) {
        if (!jval_int(item, &id))
            return err_set(err, ERR_RANGE, "meta.hash_ids: one is not a whole number");
        struct rng rng = rng_stream(options->seed, "block", id);
        int64_t some = block < *left ? block : *left;
        *kept = text->len;
        if (words_add(words, &rng, some, text, err) < 0)
            return -1;
        *left -= some;
    }
    return 0;
}

static int make_text(const struct synth_options *options, struct words *words, const struct jsonl_record *rec, struct buf *text,
                     struct err *err)
{
    struct jval meta;
    struct str id = STR("");
    int64_t length, left;
    size_t kept = 0;
    char stream[512];
    buf_clear(text);
    if (!jval_member(rec->root, "meta", &meta) || !jval_int_at(meta, "/input_tokens", &length) || length < 1)
        return err_set(err, ERR_RANGE, "meta.input_tokens: is not a whole number above 0");
    left = length;
    if (add_blocks(options, words, meta, &left, &kept, text, err) < 0)
        return -1;
    jval_str_at(rec->root, "/id", &id);
    snprintf(stream, sizeof stream, "rest %.*s", STR_ARG(id));
    struct rng rng = rng_stream(options->seed, stream, 0);
    if (left > 0)
        kept = text->len;
    if (words_add(words, &rng, left, text, err) < 0)
        return -1;
    return words_fit(words, &rng, length, kept, text, err);
}

/* Appends "input". ERR_RANGE, ERR_EXISTS: the record is as it came. */
static int append_text(const struct synth_options *options, struct words *words, struct jsonl_record *rec, struct buf *text,
                       struct err *err)
{
    static const char *const own[] = {"input", NULL};
    struct own_place place;
    if (own_claim(rec, own, options->own_flags, &place, err) < 0 || make_text(options, words, rec, text, err) < 0)
        return -1;
    own_cut(rec, &place);
    write_input(words, buf_str(text), jsonl_append(rec, "input"));
    return 0;
}

static int filter(const struct synth_options *options, struct words *words, struct buf *text, struct err *err)
{
    struct jsonl_reader *in = jsonl_open(options->paths, err);
    struct jsonl_record *rec;
    enum jsonl_got got = JSONL_FAILED;
    int64_t taken = 0;
    int rc = in ? 0 : -1;
    while (rc == 0 && (options->count == 0 || taken < options->count) && (got = jsonl_next(in, &rec, err)) != JSONL_END) {
        if (got == JSONL_FAILED)
            rc = -1;
        else if (got == JSONL_BAD)
            options->report(jsonl_where(in), err);
        else {
            if (append_text(options, words, rec, text, err) < 0) {
                if (err->kind != ERR_RANGE && err->kind != ERR_EXISTS)
                    rc = -1;
                else
                    options->report(jsonl_where(in), err);
            }
            rc = rc == 0 ? jsonl_write(rec, err) : rc;
            taken++;
        }
    }
    jsonl_close(in);
    return rc;
}

int synth_prompts(const struct synth_options *options, struct err *err)
{
    struct buf text = {0};
    struct words *words = words_new(options->tokenizer, err);
    int rc = -1;
    if (words)
        rc = options->paths[0] ? filter(options, words, &text, err) : make_prompts(options, words, &text, err);
    words_free(words);
    buf_release(&text);
    return rc;
}
