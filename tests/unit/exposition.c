/* meter/exposition and meter/served: series out of text. tests/fuzz/exposition.c has what must hold of all bytes. */
#include "meter/exposition.h"
#include "meter/served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>


/* Each series becomes "name{labels} value;", a bad line "!line;". */
static void assert_series(const char *text, const char *wanted)
{
    struct exposition exposition = {.rest = str_of(text)};
    struct exposition_series series;
    struct buf story = {0};
    struct err err;
    enum exposition_got got;
    while ((got = exposition_next(&exposition, &series, &err)) != EXPOSITION_END)
        if (got == EXPOSITION_BAD)
            buf_addf(&story, "!%zu;", exposition.line);
        else {
            exposition_write_name(&series, &story);
            buf_addf(&story, " %.17g;", series.value);
        }
    buf_add_char(&story, '\0');
    assert_string_equal(story.ptr, wanted);
    buf_release(&story);
}

static void series_have_names_labels_and_values(void **state)
{
    (void)state;
    assert_series("a 1\n", "a 1;");
    assert_series("a 1", "a 1;"); // the last line may lack its end
    assert_series("vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 3.0\n",
                  "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 3;");
    assert_series("a{} 2\na { b = \"c\" , d=\"e\", } 3\n\ta\t4 \n", "a 2;a{b=\"c\",d=\"e\"} 3;a 4;");
    assert_series("a{b=\"}\"}5\na{b=\"x y,#=\"} 6\n", "a{b=\"}\"} 5;a{b=\"x y,#=\"} 6;");
    assert_series("_a:b9 1e-3\r\na_bucket{le=\"+Inf\"} 7\n", "_a:b9 0.001;a_bucket{le=\"+Inf\"} 7;");
}

static void escapes_in_labels_stay(void **state)
{
    (void)state;
    assert_series("a{p=\"C:\\\\DIR\\\\\",q=\"say \\\"hi\\\"\\n\"} 1\n", "a{p=\"C:\\\\DIR\\\\\",q=\"say \\\"hi\\\"\\n\"} 1;");
}

static void values_may_be_no_numbers(void **state)
{
    (void)state;
    assert_series("a NaN\nb +Inf\nc -Inf\nd Nan\ne +2\nf -0.5E2\ng .5\n", "a nan;b inf;c -inf;d nan;e 2;f -50;g 0.5;");
}

static void comments_times_and_exemplars_are_skipped(void **state)
{
    (void)state;
    assert_series("# HELP a says \\n what it is\n# TYPE a counter\n#\n\n   \n# anything\na 1 1395066363000\n", "a 1;");
    assert_series("a_total 17 1520879607.789 # {trace_id=\"x\"} 0.67 1.5\nb 2 # {} 1\n", "a_total 17;b 2;");
    assert_series("# UNIT a seconds\na 1\n# EOF\nb 2\n", "a 1;"); // nothing counts behind the end
}

static void bad_lines_are_told_and_the_rest_is_read(void **state)
{
    (void)state;
    assert_series("a 1\nb\nc 3\n", "a 1;!2;c 3;");
    assert_series("1a 1\na x\na 1 2 3\na 1 x\na 0x10\na infx\na{b} 1\na{b=c} 1\na{b=\"c\n", "!1;!2;!3;!4;!5;!6;!7;!8;!9;");
    assert_series("a{b=\"c\"d=\"e\"} 1\na{b=\"\\\"} 1\na{,} 1\n"
                  "a{b=\"c\",,} 1\n{a=\"b\"} 1\na{b=\"c\"}\na{b=\"c\" 1\n", "!1;!2;!3;!4;!5;!6;!7;");
    assert_series("<html>\n<body>Not found</body>\n", "!1;!2;");
    assert_series("", "");
}

static struct served read_served(const char *text)
{
    struct exposition exposition = {.rest = str_of(text)};
    struct exposition_series series;
    struct served served;
    struct err err;
    served_init(&served);
    while (exposition_next(&exposition, &series, &err) == EXPOSITION_SERIES)
        served_add(&served, &series);
    return served;
}

static void servers_figures_have_our_names(void **state)
{
    (void)state;
    struct served vllm = read_served("vllm:num_requests_running{engine=\"0\"} 3\nvllm:num_requests_running{engine=\"1\"} 4\n"
                                     "vllm:kv_cache_usage_perc{engine=\"0\"} 0.25\nvllm:kv_cache_usage_perc{engine=\"1\"} 0.75\n"
                                     "vllm:prompt_tokens_total 10\nvllm:prompt_tokens_created 1.7e9\n");
    assert_true(served_value(&vllm, SERVED_RUNNING) == 7); // the sum of the engines'
    assert_true(served_value(&vllm, SERVED_KV_CACHE_USAGE) == 0.5); // their mean
    assert_true(served_value(&vllm, SERVED_PROMPT_TOKENS) == 10);
    assert_false(served_has(&vllm, SERVED_WAITING)); // absent, and not 0

    struct served sglang = read_served("sglang:prompt_tokens_total{m=\"x\"} 100\nsglang:cached_tokens_total{cache_source=\"device\"} 30\n"
                                       "sglang:cached_tokens_total{cache_source=\"host\"} 12\nsglang:token_usage NaN\n");
    assert_true(served_value(&sglang, SERVED_PREFIX_QUERIES) == 100);
    assert_true(served_value(&sglang, SERVED_PREFIX_HITS) == 42);
    assert_false(served_has(&sglang, SERVED_KV_CACHE_USAGE)); // NaN says nothing

    struct served llama = read_served("llamacpp:prompt_tokens_total 60\nllamacpp:prompt_tokens_cached_total 40\n"
                                      "llamacpp:tokens_predicted_total 7\nllamacpp:requests_deferred 2\n");
    assert_true(served_value(&llama, SERVED_PROMPT_TOKENS) == 100); // computed and cached
    assert_true(served_value(&llama, SERVED_PREFIX_QUERIES) == 100);
    assert_true(served_value(&llama, SERVED_PREFIX_HITS) == 40);
    assert_true(served_value(&llama, SERVED_GENERATION_TOKENS) == 7);
    assert_true(served_value(&llama, SERVED_WAITING) == 2);
}

static void an_old_name_beside_the_new_one_does_not_count_twice(void **state)
{
    (void)state;
    struct served old_first = read_served("vllm:gpu_prefix_cache_hits_total 5\nvllm:prefix_cache_hits_total 6\n");
    struct served new_first = read_served("vllm:prefix_cache_hits_total 6\nvllm:gpu_prefix_cache_hits_total 5\n");
    struct served old_alone = read_served("vllm:gpu_prefix_cache_hits_total 5\n");
    assert_true(served_value(&old_first, SERVED_PREFIX_HITS) == 6);
    assert_true(served_value(&new_first, SERVED_PREFIX_HITS) == 6);
    assert_true(served_value(&old_alone, SERVED_PREFIX_HITS) == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_have_names_labels_and_values),
        cmocka_unit_test(escapes_in_labels_stay),
        cmocka_unit_test(values_may_be_no_numbers),
        cmocka_unit_test(comments_times_and_exemplars_are_skipped),
        cmocka_unit_test(bad_lines_are_told_and_the_rest_is_read),
        cmocka_unit_test(servers_figures_have_our_names),
        cmocka_unit_test(an_old_name_beside_the_new_one_does_not_count_twice),
    };
    return cmocka_run_group_tests_name("exposition", tests, NULL, NULL);
}
