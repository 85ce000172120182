/*
 * openai/reply's embeddings and batches, and load/batch: what shares a request, and what each record has of it.
 * tests/fuzz/reply.c has what must hold of all bytes.
 */
#include "load/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PARTS = 3 };

struct batch_reply {
    struct reply whole, parts[PARTS], *pointers[PARTS];
};

/* JSON here has single quotes for double ones. */
static char *padded(const char *text)
{
    char *copy = calloc(1, strlen(text) + JDOC_PADDING);
    assert_non_null(copy);
    for (size_t i = 0; text[i] != '\0'; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    return copy;
}

static void begin(struct batch_reply *batch, enum openai_api api)
{
    for (size_t i = 0; i < PARTS; i++) {
        reply_init(&batch->parts[i], api);
        batch->parts[i].is_part = true;
        batch->pointers[i] = &batch->parts[i];
    }
    reply_init(&batch->whole, api);
    batch->whole.parts = batch->pointers;
    batch->whole.part_count = PARTS;
}

static void end(struct batch_reply *batch)
{
    for (size_t i = 0; i < PARTS; i++)
        reply_release(&batch->parts[i]);
    reply_release(&batch->whole);
}

static void assert_response(const struct reply *reply, const char *wanted)
{
    struct response response;
    struct buf out = {0}, scratch = {0};
    char *text = padded(wanted);
    reply_response(reply, &response, &scratch);
    response_write(&response, &out);
    buf_add_char(&out, '\0');
    assert_string_equal(out.ptr, text);
    free(text);
    buf_release(&out);
    buf_release(&scratch);
}

/* Takes events, or one body where there is none behind it and streamed says so; wanted: a response each. */
enum form { STREAM, BODY };
static void assert_parts(enum openai_api api, enum form form, const char *const *texts, const char *const wanted[PARTS])
{
    struct batch_reply batch;
    struct jdoc *doc = jdoc_new();
    struct err err;
    int seen;
    begin(&batch, api);
    for (; *texts; texts++) {
        char *text = padded(*texts);
        if (form == STREAM)
            assert_int_equal(reply_event(&batch.whole, doc, str_of(text), false, &seen, &err), 0);
        else
            assert_int_equal(reply_body(&batch.whole, doc, str_of(text), &err), 0);
        free(text);
    }
    reply_end(&batch.whole, form == STREAM);
    assert_int_equal(reply_share(&batch.whole, &err), 0);
    for (size_t i = 0; i < PARTS; i++)
        assert_response(&batch.parts[i], wanted[i]);
    end(&batch);
    jdoc_free(doc);
}

#define TEXTS(...) (const char *const[]){__VA_ARGS__, NULL}
#define CHOICE(index, inner) "{'choices':[{'index':" #index "," inner "}]}"

static void embeddings_are_numbers_in_either_form(void **state)
{
    (void)state;
    static const struct {
        const char *body, *wanted;
    } cases[] = {
        {"{'object':'list','model':'m','data':[{'index':0,'object':'embedding','embedding':[0.1,-2,3e-7]}],"
         "'usage':{'prompt_tokens':4,'total_tokens':4}}",
         "{'model':'m','usage':{'prompt_tokens':4,'total_tokens':4},'tokens':{'prompt':4,'source':'usage'},'embedding':[0.1,-2,3e-07]}"},
        /* python3: base64.b64encode(struct.pack('<3f', 0.5, -1.25, 0.1)), and back by struct.unpack */
        {"{'data':[{'index':0,'embedding':'AAAAPwAAoL/NzMw9'}],'usage':{'prompt_tokens':1,'completion_tokens':0}}",
         "{'usage':{'prompt_tokens':1,'completion_tokens':0},'tokens':{'prompt':1,'source':'usage'},"
         "'embedding':[0.5,-1.25,0.10000000149011612]}"},
        {"{'data':[]}", "{'error':{'kind':'no_tokens','message':'no data in the answer'}}"},
        {"{'choices':[{'index':0,'text':'a'}]}", "{'error':{'kind':'no_tokens','message':'no data in the answer'}}"},
        {"{'data':[{'index':0,'embedding':[1,'x']}]}",
         "{'error':{'kind':'parse','message':'an embedding that holds something else than numbers'}}"},
        {"{'data':[{'index':0,'embedding':7}]}", "{'error':{'kind':'parse','message':'an embedding that is neither an array nor base64'}}"},
        {"{'data':[{'index':0,'embedding':'AA*A'}]}",
         "{'error':{'kind':'parse','message':'an embedding in base64 that is no row of 32-bit floats'}}"},
        {"{'data':[{'index':0,'embedding':'AAA*PwAAoL/NzMw9'}]}", "{'error':{'kind':'parse','message':'an embedding that is no base64'}}"},
        {"{'data':[{'index':0,'embedding':'AACAfw=='}]}", // infinity
         "{'error':{'kind':'parse','message':'an embedding with a value that is no number'}}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reply reply;
        struct jdoc *doc = jdoc_new();
        struct err err;
        char *text = padded(cases[i].body);
        reply_init(&reply, OPENAI_EMBEDDINGS);
        assert_int_equal(reply_body(&reply, doc, str_of(text), &err), 0);
        reply_end(&reply, false);
        assert_response(&reply, cases[i].wanted);
        reply_release(&reply);
        free(text);
        jdoc_free(doc);
    }
}

static void each_part_has_its_own_choices(void **state)
{
    (void)state;
    assert_parts(OPENAI_COMPLETIONS, STREAM,
                 TEXTS(CHOICE(2, "'text':'c'"), CHOICE(0, "'text':'a'"),
                       "{'model':'m','choices':[{'index':1,'text':'b','finish_reason':'stop'},"
                       "{'index':0,'text':'a','finish_reason':'length'}]}",
                       CHOICE(2, "'text':'C','finish_reason':'stop'"),
                       "{'choices':[],'usage':{'prompt_tokens':6,'completion_tokens':5,'total_tokens':11}}", "[DONE]"),
                 (const char *const[]){"{'text':'aa','finish_reason':'length','model':'m',"
                                       "'usage':{'prompt_tokens':6,'completion_tokens':5,'total_tokens':11}}",
                                       "{'text':'b','finish_reason':'stop','model':'m'}",
                                       "{'text':'cC','finish_reason':'stop','model':'m'}"});
    assert_parts(OPENAI_COMPLETIONS, BODY,
                 TEXTS("{'usage':{'prompt_tokens':3,'completion_tokens':3},'choices':[{'index':1,'text':'b','finish_reason':'stop'},"
                       "{'index':0,'text':'a','finish_reason':'stop'},{'index':2,'text':'c','finish_reason':'stop'}]}"),
                 (const char *const[]){"{'text':'a','finish_reason':'stop','usage':{'prompt_tokens':3,'completion_tokens':3}}",
                                       "{'text':'b','finish_reason':'stop'}", "{'text':'c','finish_reason':'stop'}"});
    assert_parts(OPENAI_EMBEDDINGS, BODY,
                 TEXTS("{'data':[{'index':2,'embedding':[3]},{'index':0,'embedding':[1]},{'index':1,'embedding':[2]}]}"),
                 (const char *const[]){"{'embedding':[1]}", "{'embedding':[2]}", "{'embedding':[3]}"});
}

/* Usage that runs along is the choice's, llama.cpp's too; else ids, else log-probabilities are counted. */
static void tokens_are_told_apart_where_they_can_be(void **state)
{
    (void)state;
#define ALONG(index, completion, more) \
    "{'usage':{'prompt_tokens':7,'completion_tokens':" #completion "},'choices':[{'index':" #index ",'text':'x'" more "}]}"
    static const char own[] = "{'text':'xx','finish_reason':'stop','tokens':{'prompt':7,'completion':2,'source':'usage'}}";
    assert_parts(OPENAI_COMPLETIONS, STREAM,
                 TEXTS(ALONG(0, 1, ""), ALONG(1, 1, ""), ALONG(2, 1, ""), ALONG(0, 2, ",'finish_reason':'stop'"),
                       ALONG(2, 2, ",'finish_reason':'stop'"), ALONG(1, 2, ",'finish_reason':'stop'"), "[DONE]"),
                 (const char *const[]){own, own, own});
    assert_parts(OPENAI_COMPLETIONS, BODY,
                 TEXTS("[" ALONG(1, 2, "") "," ALONG(0, 1, ",'finish_reason':'stop'") "," ALONG(2, 3, ",'finish_reason':'stop'") "]"),
                 (const char *const[]){"{'text':'x','finish_reason':'stop','tokens':{'prompt':7,'completion':1,'source':'usage'}}",
                                       "{'text':'x','tokens':{'prompt':7,'completion':2,'source':'usage'},"
                                       "'error':{'kind':'truncated','message':'ended without a finish_reason'}}",
                                       "{'text':'x','finish_reason':'stop','tokens':{'prompt':7,'completion':3,'source':'usage'}}"});
    assert_parts(OPENAI_COMPLETIONS, BODY,
                 TEXTS("{'choices':[{'index':0,'text':'x','finish_reason':'stop','token_ids':[5,6]},"
                       "{'index':1,'text':'x','finish_reason':'stop','logprobs':{'tokens':['x'],'token_logprobs':[-1]}},"
                       "{'index':2,'text':'x','finish_reason':'stop','logprobs':{'tokens':['p','x'],'token_logprobs':[null,-1]}}],"
                       "'usage':{'prompt_tokens':3,'completion_tokens':4}}"),
                 (const char *const[]){"{'text':'x','finish_reason':'stop','usage':{'prompt_tokens':3,'completion_tokens':4},"
                                       "'tokens':{'completion':2,'source':'ids'}}",
                                       "{'text':'x','finish_reason':'stop','tokens':{'completion':1,'source':'ids'},"
                                       "'logprobs':[{'token':'x','bytes':[120],'logprob':-1,'top':[]}]}",
                                       "{'text':'x','finish_reason':'stop','logprobs':[{'token':'p','bytes':[112],'top':[]},"
                                       "{'token':'x','bytes':[120],'logprob':-1,'top':[]}]}"});
}

static void what_fails_the_whole_fails_each(void **state)
{
    (void)state;
    assert_parts(OPENAI_COMPLETIONS, STREAM, TEXTS(CHOICE(1, "'text':'b','finish_reason':'stop'"), "{'error':{'message':'died'}}"),
                 (const char *const[]){"{'error':{'kind':'error_event','message':'died'}}",
                                       "{'text':'b','finish_reason':'stop','error':{'kind':'error_event','message':'died'}}",
                                       "{'error':{'kind':'error_event','message':'died'}}"});
    assert_parts(OPENAI_COMPLETIONS, STREAM, TEXTS(CHOICE(3, "'text':'b','finish_reason':'stop'"), "[DONE]"),
                 (const char *const[]){"{'error':{'kind':'parse','message':'an answer 3 to a batch of 3'}}",
                                       "{'error':{'kind':'parse','message':'an answer 3 to a batch of 3'}}",
                                       "{'error':{'kind':'parse','message':'an answer 3 to a batch of 3'}}"});
    /* one that is missing is missing alone */
    assert_parts(OPENAI_COMPLETIONS, STREAM,
                 TEXTS(CHOICE(0, "'text':'a','finish_reason':'stop'"), CHOICE(1, "'text':'b'"), "[DONE]"),
                 (const char *const[]){"{'text':'a','finish_reason':'stop'}",
                                       "{'text':'b','error':{'kind':'truncated','message':'ended without a finish_reason'}}",
                                       "{'error':{'kind':'no_tokens','message':'no choices in the answer'}}"});
}

static void a_reset_empties_whole_and_parts(void **state)
{
    (void)state;
    struct batch_reply batch;
    struct jdoc *doc = jdoc_new();
    struct err err;
    int seen;
    char *text = padded(CHOICE(1, "'text':'a','finish_reason':'stop'"));
    begin(&batch, OPENAI_COMPLETIONS);
    assert_int_equal(reply_event(&batch.whole, doc, str_of(text), false, &seen, &err), 0);
    assert_ptr_equal(batch.whole.first_seen, &batch.parts[1]);
    assert_int_equal(batch.parts[1].seen, REPLY_CHOICES | REPLY_CONTENT);
    reply_fail(&batch.whole, FAILURE_TIMEOUT, "late");
    reply_reset(&batch.whole);
    assert_int_equal(batch.whole.part_count, PARTS);
    assert_null(batch.whole.first_seen);
    assert_response(&batch.whole, "{}");
    assert_response(&batch.parts[1], "{}");
    assert_true(batch.parts[1].is_part);
    end(&batch);
    free(text);
    jdoc_free(doc);
}

/* --- load/batch --- */

static struct job *job_of(const char *id, enum openai_api api, const char *body)
{
    struct job *job = job_new();
    struct jdoc *doc = jdoc_new();
    struct err err;
    char *text = padded(body);
    assert_non_null(job);
    buf_add_str(&job->id, str_of(id));
    buf_reserve(&job->line, strlen(text) + JDOC_PADDING);
    buf_add_str(&job->line, str_of(text));
    job->body = buf_str(&job->line);
    job->api = api;
    job->timing.due_ns = 0;
    reply_init(&job->reply, api);
    assert_int_equal(batch_look(doc, job, &err), 0);
    free(text);
    jdoc_free(doc);
    return job;
}

static void what_may_share_a_request(void **state)
{
    (void)state;
    static const struct {
        enum openai_api api;
        const char *body, *prompt; // "": alone
    } cases[] = {
        {OPENAI_COMPLETIONS, "{'prompt':'a b','n':1}", "\"a b\""},
        {OPENAI_COMPLETIONS, "{'max_tokens':3,'prompt' : [1,2] }", "[1,2]"},
        {OPENAI_EMBEDDINGS, "{'input':'x'}", "\"x\""},
        {OPENAI_COMPLETIONS, "{'prompt':'a','n':2}", ""},
        {OPENAI_COMPLETIONS, "{'prompt':'a','best_of':2}", ""},
        {OPENAI_COMPLETIONS, "{'prompt':['a']}", ""},
        {OPENAI_COMPLETIONS, "{'prompt':[[1],[2]]}", ""},
        {OPENAI_COMPLETIONS, "{'prompt':[]}", ""},
        {OPENAI_COMPLETIONS, "{'input':'x'}", ""},
        {OPENAI_COMPLETIONS, "{'prompt':'a','prompt':'b'}", ""},
        {OPENAI_CHAT, "{'messages':[],'prompt':'a'}", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct job *job = job_of("a", cases[i].api, cases[i].body);
        assert_true(str_is(job->prompt, cases[i].prompt));
        job_free(job);
    }
}

static void bodies_that_differ_elsewhere_do_not_fit(void **state)
{
    (void)state;
    struct batch batch = {0};
    batch_add(&batch, job_of("a", OPENAI_COMPLETIONS, "{'prompt':'a','max_tokens':3}"));
    static const struct {
        enum openai_api api;
        const char *body;
        bool fits;
    } cases[] = {
        {OPENAI_COMPLETIONS, "{'prompt':[7,8],'max_tokens':3}", true},
        {OPENAI_COMPLETIONS, "{'prompt':'a','max_tokens':4}", false},
        {OPENAI_COMPLETIONS, "{'max_tokens':3,'prompt':'a'}", false},
        {OPENAI_EMBEDDINGS, "{'input':'a','max_tokens':3}", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct job *job = job_of("b", cases[i].api, cases[i].body);
        assert_int_equal(batch_fits(&batch, job), cases[i].fits);
        job->timing.due_ns = 5;
        assert_false(batch_fits(&batch, job));
        job_free(job);
    }
    batch_release(&batch);
}

static void a_sealed_batch_is_one_request_and_spreads_what_came(void **state)
{
    (void)state;
    struct batch batch = {0};
    struct err err;
    batch_add(&batch, job_of("one", OPENAI_COMPLETIONS, "{'prompt':'a','max_tokens':3}"));
    struct job *alone = batch_seal(&batch, &err);
    assert_int_equal(alone->member_count, 0);
    assert_int_equal(batch.count, 0);
    batch_add(&batch, alone);
    batch_add(&batch, job_of("two", OPENAI_COMPLETIONS, "{'prompt':[7,8],'max_tokens':3}"));
    struct job *whole = batch_seal(&batch, &err);
    assert_non_null(whole);
    assert_int_equal(whole->member_count, 2);
    assert_true(str_is(whole->body, "{\"prompt\":[\"a\",[7,8]],\"max_tokens\":3}"));
    whole->timing.sent_ns = 10;
    whole->timing.end_ns = 90;
    whole->timing.first_ns = 20;
    whole->timing.late = 4;
    whole->members[1]->timing.first_ns = 30;
    whole->status = 200;
    whole->cancelled = true;
    assert_int_equal(job_note_attempt(whole, 5), 0);
    assert_int_equal(batch_spread(whole, &err), 0);
    for (size_t i = 0; i < 2; i++) {
        const struct job *member = whole->members[i];
        assert_true(str_is(buf_str(&member->batch_id), "one"));
        assert_int_equal(member->batch_index, i);
        assert_int_equal(member->batch_size, 2);
        assert_int_equal(member->timing.sent_ns, 10);
        assert_int_equal(member->timing.end_ns, 90);
        assert_int_equal(member->timing.late, i == 0 ? 4 : 0);
        assert_int_equal(member->attempts.len, sizeof(struct timing_attempt));
        assert_int_equal(member->status, 200);
        assert_true(member->cancelled);
    }
    assert_int_equal(whole->members[0]->timing.first_ns, TIMING_NEVER);
    assert_int_equal(whole->members[1]->timing.first_ns, 30);
    job_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_are_numbers_in_either_form),
        cmocka_unit_test(each_part_has_its_own_choices),
        cmocka_unit_test(tokens_are_told_apart_where_they_can_be),
        cmocka_unit_test(what_fails_the_whole_fails_each),
        cmocka_unit_test(a_reset_empties_whole_and_parts),
        cmocka_unit_test(what_may_share_a_request),
        cmocka_unit_test(bodies_that_differ_elsewhere_do_not_fit),
        cmocka_unit_test(a_sealed_batch_is_one_request_and_spreads_what_came),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
