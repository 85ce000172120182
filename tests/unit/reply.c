/* openai/reply: what each server sends, and what is recorded of it. tests/fuzz/reply.c has what must hold of all bytes. */
#include "openai/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CHOICE(index, inner) "{'choices':[{'index':" #index "," inner "}]}"
#define DELTA(inner) CHOICE(0, "'delta':{" inner "},'finish_reason':null")
#define FINISH(reason) CHOICE(0, "'delta':{},'finish_reason':'" reason "'")
#define ROLE DELTA("'role':'assistant','content':''")

/* JSON here has single quotes for double ones. */
static char *padded(const char *text)
{
    char *copy = calloc(1, strlen(text) + JDOC_PADDING);
    assert_non_null(copy);
    for (size_t i = 0; text[i] != '\0'; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    return copy;
}

static void assert_response(struct reply *reply, const char *wanted)
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
    reply_release(reply);
}

/* An event with a '!' in front is named "error". Gives what the last one was. */
static int take(struct reply *reply, const char *const *events)
{
    struct jdoc *doc = jdoc_new();
    struct err err;
    int seen = 0;
    assert_non_null(doc);
    for (; *events; events++) {
        bool is_error = **events == '!';
        char *text = padded(*events + (is_error ? 1 : 0));
        assert_int_equal(reply_event(reply, doc, str_of(text), is_error, &seen, &err), 0);
        free(text);
    }
    jdoc_free(doc);
    return seen;
}

static void assert_stream(enum openai_api api, const char *const *events, const char *wanted)
{
    struct reply reply;
    reply_init(&reply, api);
    take(&reply, events);
    reply_end(&reply, true);
    assert_response(&reply, wanted);
}

#define EVENTS(...)                                                                                                                        \
    (const char *const[])                                                                                                                  \
    {                                                                                                                                      \
        __VA_ARGS__, NULL                                                                                                                  \
    }

static void assert_body(enum openai_api api, const char *body, const char *wanted)
{
    struct reply reply;
    struct jdoc *doc = jdoc_new();
    struct err err;
    char *text = padded(body);
    assert_non_null(doc);
    reply_init(&reply, api);
    assert_int_equal(reply_body(&reply, doc, str_of(text), &err), 0);
    free(text);
    jdoc_free(doc);
    reply_end(&reply, false);
    assert_response(&reply, wanted);
}

static void chat_of_each_server(void **state)
{
    (void)state;
    /* vLLM: the last token's chunk has the reason; usage in a chunk of its own */
    assert_stream(OPENAI_CHAT,
                  EVENTS("{'model':'m','choices':[{'index':0,'delta':{'role':'assistant','content':''},'finish_reason':null}]}",
                         DELTA("'content':'Hel'"), CHOICE(0, "'delta':{'content':'lo'},'finish_reason':'stop','stop_reason':null"),
                         "{'choices':[],'usage':{'prompt_tokens':3,'total_tokens':5,'completion_tokens':2}}", "[DONE]"),
                  "{'text':'Hello','finish_reason':'stop','model':'m','usage':{'prompt_tokens':3,'total_tokens':5,"
                  "'completion_tokens':2},'tokens':{'prompt':3,'completion':2,'source':'usage'}}");
    /* SGLang: a chunk for the reason, null usage, chunks without choices behind */
    assert_stream(OPENAI_CHAT,
                  EVENTS(ROLE, "{'choices':[{'index':0,'delta':{'content':'Hi'},'finish_reason':null,'matched_stop':null}],'usage':null}",
                         FINISH("length"), "{'choices':[],'sglext':{}}", "[DONE]"),
                  "{'text':'Hi','finish_reason':'length'}");
    /* llama.cpp: null content with the role */
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'role':'assistant','content':null"), DELTA("'content':'Hi'"), FINISH("stop"), "[DONE]"),
                  "{'text':'Hi','finish_reason':'stop'}");
}

static void completions_of_each_server(void **state)
{
    (void)state;
    assert_stream(OPENAI_COMPLETIONS,
                  EVENTS(CHOICE(0, "'text':'a','finish_reason':null"), CHOICE(0, "'text':'b','finish_reason':'length'"), "[DONE]"),
                  "{'text':'ab','finish_reason':'length'}");
    /* llama.cpp, asked for several prompts: nothing to begin with */
    assert_stream(OPENAI_COMPLETIONS, EVENTS("null", "{'choices':[{'text':'a','index':0,'finish_reason':'stop'}]}", "[DONE]"),
                  "{'text':'a','finish_reason':'stop'}");
    /* llama.cpp: usage in the last chunk that has choices */
    assert_stream(OPENAI_COMPLETIONS,
                  EVENTS(CHOICE(0, "'text':'a','finish_reason':null"),
                         "{'choices':[{'text':'','index':0,'finish_reason':'stop'}],'usage':{'completion_tokens':1,'prompt_tokens':2},"
                         "'timings':{'predicted_n':1}}",
                         "[DONE]"),
                  "{'text':'a','finish_reason':'stop','usage':{'completion_tokens':1,'prompt_tokens':2},"
                  "'tokens':{'prompt':2,'completion':1,'source':'usage'}}");
    assert_body(OPENAI_COMPLETIONS, CHOICE(0, "'text':'','finish_reason':'stop'"), "{'text':'','finish_reason':'stop'}");
}

static void running_usage_ends_with_the_last(void **state)
{
    (void)state;
    assert_stream(OPENAI_COMPLETIONS,
                  EVENTS("{'choices':[{'index':0,'text':'a'}],'usage':{'prompt_tokens':2,'completion_tokens':1}}",
                         "{'choices':[{'index':0,'text':'b','finish_reason':'stop'}],'usage':{'prompt_tokens':2,'completion_tokens':2}}",
                         "[DONE]"),
                  "{'text':'ab','finish_reason':'stop','usage':{'prompt_tokens':2,'completion_tokens':2},"
                  "'tokens':{'prompt':2,'completion':2,'source':'usage'}}");
}

static void ids_count_where_no_usage_is(void **state)
{
    (void)state;
    assert_stream(OPENAI_CHAT,
                  EVENTS(ROLE, CHOICE(0, "'delta':{'content':'a'},'token_ids':[1,2]"),
                         CHOICE(0, "'delta':{'content':'b'},'finish_reason':'stop','token_ids':[3]"), "[DONE]"),
                  "{'text':'ab','finish_reason':'stop','tokens':{'completion':3,'source':'ids'}}");
}

static void reasoning_has_two_names(void **state)
{
    (void)state;
    static const char wanted[] = "{'text':'4','reasoning':'2+2','finish_reason':'stop'}";
    assert_stream(OPENAI_CHAT,
                  EVENTS(DELTA("'reasoning':'2+'"), DELTA("'reasoning':'2'"), DELTA("'content':'4'"), FINISH("stop"), "[DONE]"), wanted);
    assert_stream(OPENAI_CHAT,
                  EVENTS(DELTA("'reasoning_content':'2+','content':null"), DELTA("'reasoning_content':'2'"),
                         DELTA("'reasoning_content':null,'content':'4'"), FINISH("stop"), "[DONE]"),
                  wanted);
    /* both: one is used */
    assert_stream(OPENAI_CHAT,
                  EVENTS(DELTA("'reasoning_content':'2+2','reasoning':'2+2'"), DELTA("'content':'4'"), FINISH("stop"), "[DONE]"), wanted);
    assert_body(OPENAI_CHAT, CHOICE(0, "'message':{'content':'4','reasoning_content':null,'reasoning':'2+2'},'finish_reason':'stop'"),
                wanted);
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'reasoning':'2'"), FINISH("length"), "[DONE]"), "{'reasoning':'2','finish_reason':'length'}");
}

static void tool_calls_are_merged(void **state)
{
    (void)state;
    static const char wanted[] = "{'tool_calls':[{'id':'a','type':'function','function':{'name':'f','arguments':'{\\'x\\':1}'}},"
                                 "{'id':'b','type':'function','function':{'name':'g','arguments':'{}'}}],'finish_reason':'tool_calls'}";
    assert_stream(
        OPENAI_CHAT,
        EVENTS(DELTA("'content':null,'tool_calls':[{'index':0,'id':'a','type':'function','function':{'name':'f','arguments':''}}]"),
               DELTA("'tool_calls':[{'index':0,'function':{'arguments':'{\\'x\\''}}]"),
               DELTA("'tool_calls':[{'index':1,'id':'b','function':{'name':'g','arguments':'{'}}]"),
               DELTA("'tool_calls':[{'index':0,'function':{'arguments':':1}'}},{'index':1,'id':'b','function':{'arguments':'}'}}]"),
               FINISH("tool_calls"), "[DONE]"),
        wanted);
    assert_body(OPENAI_CHAT,
                CHOICE(0, "'message':{'content':null,'tool_calls':[{'id':'a','function':{'name':'f','arguments':'{\\'x\\':1}'}},"
                          "{'id':'b','function':{'name':'g','arguments':'{}'}}]},'finish_reason':'tool_calls'"),
                wanted);
    static const char alone[] = "{'tool_calls':[{'type':'function','function':{'name':'f','arguments':'{\\'x\\':[1,2]}'}}],"
                                "'finish_reason':'tool_calls'}";
    assert_body(OPENAI_CHAT, CHOICE(0, "'message':{'tool_calls':[{'index':3,'function':{'name':'f','arguments':{'x':[1,2]}}}]},"
                                       "'finish_reason':'tool_calls'"), alone);
    assert_body(OPENAI_CHAT, CHOICE(0, "'message':{'tool_calls':[{'index':1000000}]},'finish_reason':'stop'"),
                "{'text':'','finish_reason':'stop','error':{'kind':'parse','message':'over 1024 tool calls'}}");
}

static void logprobs_have_one_form(void **state)
{
    (void)state;
    static const char chat[] = "'logprobs':{'content':[{'id':7,'token':'a','logprob':-0.5,'bytes':[97],'top_logprobs':["
                               "{'token':'a','logprob':-0.5,'bytes':[97]},{'token':'\xc3\xa9','logprob':-1.5,'bytes':null}]}]}";
    static const char wanted[] = "'logprobs':[{'token':'a','bytes':[97],'logprob':-0.5,'top':[{'token':'a','bytes':[97],'logprob':-0.5},"
                                 "{'token':'\xc3\xa9','bytes':[195,169],'logprob':-1.5}]}]}";
    char event[512], response[512];
    snprintf(event, sizeof event, "{'choices':[{'index':0,'delta':{'content':'a'},%s,'finish_reason':'stop'}]}", chat);
    snprintf(response, sizeof response, "{'text':'a','finish_reason':'stop',%s", wanted);
    assert_stream(OPENAI_CHAT, EVENTS(event, "[DONE]"), response);
    /* llama.cpp has the same in completions */
    snprintf(event, sizeof event, "{'choices':[{'index':0,'text':'a',%s,'finish_reason':'stop'}]}", chat);
    assert_stream(OPENAI_COMPLETIONS, EVENTS(event, "[DONE]"), response);
    /* the others have arrays side by side */
    snprintf(event, sizeof event,
             "{'choices':[{'index':0,'text':'a','logprobs':{'text_offset':[0],'token_logprobs':[-0.5],'tokens':['a'],"
             "'top_logprobs':[{'a':-0.5,'\xc3\xa9':-1.5}]},'finish_reason':'stop'}]}");
    assert_stream(OPENAI_COMPLETIONS, EVENTS(event, "[DONE]"), response);
}

static void logprobs_of_echo_begin_with_null(void **state)
{
    (void)state;
    assert_body(
        OPENAI_COMPLETIONS,
        CHOICE(0, "'text':'a b','finish_reason':'length','logprobs':{'token_logprobs':[null,-2],'tokens':['a',' b'],'top_logprobs':null}"),
        "{'text':'a b','finish_reason':'length','logprobs':[{'token':'a','bytes':[97],'top':[]},"
        "{'token':' b','bytes':[32,98],'logprob':-2,'top':[]}]}");
    assert_stream(
        OPENAI_COMPLETIONS,
        EVENTS(CHOICE(0, "'text':'a','logprobs':{'token_logprobs':[null],'tokens':['a'],'top_logprobs':[null]}"),
               CHOICE(0, "'text':'b','finish_reason':'stop','logprobs':{'token_logprobs':[-1],'tokens':['b'],'top_logprobs':[{'b':-1}]}"),
               "[DONE]"),
        "{'text':'ab','finish_reason':'stop','logprobs':[{'token':'a','bytes':[97],'top':[]},"
        "{'token':'b','bytes':[98],'logprob':-1,'top':[{'token':'b','bytes':[98],'logprob':-1}]}]}");
}

#define FAILED(kind, message) "'error':{'kind':'" kind "','message':'" message "'}}"

static void errors_fail_and_text_stays(void **state)
{
    (void)state;
    static const char wanted[] = "{'text':'par'," FAILED("error_event", "died");
    assert_stream(OPENAI_CHAT,
                  EVENTS(DELTA("'content':'par'"), "{'error':{'message':'died','type':'InternalServerError','code':500}}", "[DONE]"),
                  wanted);
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'par'"), "{'error':{'code':500,'message':'died','type':'server_error'}}"), wanted);
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'par'"), "!{'code':500,'message':'died','type':'server_error'}"), wanted);
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'par'"), "!{'error':{'message':'died'}}"), wanted);
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'par'"), "{'error':'died'}", "{'error':'again'}"), wanted);
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'par'"), "!'died'"), wanted);
    assert_stream(OPENAI_CHAT, EVENTS("!{'code':500}"), "{" FAILED("error_event", "{\\'code\\':500}"));
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'a'"), "{'error':null}", FINISH("stop"), "[DONE]"),
                  "{'text':'a','finish_reason':'stop'}");
}

static void answers_cut_short_fail(void **state)
{
    (void)state;
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'a'")), "{'text':'a'," FAILED("truncated", "ended without a finish_reason"));
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'a'"), "[DONE]"),
                  "{'text':'a'," FAILED("truncated", "ended without a finish_reason"));
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'a'"), FINISH("stop")), "{'text':'a','finish_reason':'stop'}"); // llama.cpp may
    /* a chunk behind the reason, such as SGLang's hidden states, opens nothing again */
    assert_stream(OPENAI_CHAT, EVENTS(DELTA("'content':'a'"), FINISH("stop"), DELTA("'hidden_states':[]"), "[DONE]"),
                  "{'text':'a','finish_reason':'stop'}");
    assert_stream(OPENAI_CHAT, EVENTS("[DONE]"), "{" FAILED("no_tokens", "no choices in the answer"));
    assert_stream(OPENAI_CHAT, EVENTS("{'choices':[]}", "[DONE]"), "{" FAILED("no_tokens", "no choices in the answer"));
    assert_body(OPENAI_CHAT, CHOICE(0, "'message':{'content':'a'}"), "{'text':'a'," FAILED("truncated", "ended without a finish_reason"));
}

/* The first is the answer; all must end. */
static void several_choices(void **state)
{
    (void)state;
    assert_stream(OPENAI_COMPLETIONS,
                  EVENTS(CHOICE(1, "'text':'x'"), CHOICE(0, "'text':'a'"), CHOICE(1, "'text':'y','finish_reason':'length'"),
                         CHOICE(0, "'text':'b','finish_reason':'stop'"), "[DONE]"),
                  "{'text':'ab','finish_reason':'stop'}");
    assert_stream(OPENAI_COMPLETIONS, EVENTS(CHOICE(0, "'text':'a','finish_reason':'stop'"), CHOICE(1, "'text':'x'"), "[DONE]"),
                  "{'text':'a','finish_reason':'stop'," FAILED("truncated", "ended without a finish_reason"));
    assert_body(OPENAI_CHAT,
                "{'choices':[{'index':1,'message':{'content':'x'},'finish_reason':'length'},"
                "{'index':0,'message':{'content':'a'},'finish_reason':'stop'}]}",
                "{'text':'a','finish_reason':'stop'}");
}

static void what_is_no_json_fails(void **state)
{
    (void)state;
    static const char *const events[] = {"{'choices':", "7", "[]", ""};
    for (size_t i = 0; i < COUNT(events); i++) {
        struct reply reply;
        reply_init(&reply, OPENAI_CHAT);
        take(&reply, EVENTS(DELTA("'content':'a'"), events[i], DELTA("'content':'b'")));
        assert_int_equal(reply.failure, FAILURE_PARSE);
        assert_true(str_eq(buf_str(&reply.text), STR("ab"))); // what comes after is read all the same
        reply_release(&reply);
    }
}

static void events_say_what_they_were(void **state)
{
    (void)state;
    static const struct {
        const char *event;
        int seen;
    } cases[] = {
        {ROLE, REPLY_CHOICES},
        {DELTA("'content':'a'"), REPLY_CHOICES | REPLY_CONTENT},
        {DELTA("'reasoning':'a'"), REPLY_CHOICES | REPLY_CONTENT},
        {DELTA("'tool_calls':[{'index':0}]"), REPLY_CHOICES | REPLY_CONTENT},
        {CHOICE(0, "'text':'a'"), REPLY_CHOICES | REPLY_CONTENT},
        {CHOICE(0, "'text':''"), REPLY_CHOICES},
        {FINISH("stop"), REPLY_CHOICES},
        {"{'choices':[],'usage':{}}", 0},
        {"{'error':{}}", 0},
        {" [DONE] ", REPLY_DONE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reply reply;
        reply_init(&reply, OPENAI_CHAT);
        assert_int_equal(take(&reply, EVENTS(cases[i].event)), cases[i].seen);
        reply_release(&reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chat_of_each_server),
        cmocka_unit_test(completions_of_each_server),
        cmocka_unit_test(ids_count_where_no_usage_is),
        cmocka_unit_test(running_usage_ends_with_the_last),
        cmocka_unit_test(reasoning_has_two_names),
        cmocka_unit_test(tool_calls_are_merged),
        cmocka_unit_test(logprobs_have_one_form),
        cmocka_unit_test(logprobs_of_echo_begin_with_null),
        cmocka_unit_test(errors_fail_and_text_stays),
        cmocka_unit_test(answers_cut_short_fail),
        cmocka_unit_test(several_choices),
        cmocka_unit_test(what_is_no_json_fails),
        cmocka_unit_test(events_say_what_they_were),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
