/* Two sides compared, on requests whose latencies are drawn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "near.h"

#include "report/compare.h"
#include "stats/rng.h"

#include <stdlib.h>

static const struct figure asked[] = {
    {.kind = FIGURE_MEAN, .metric = METRIC_E2E},
    {FIGURE_PERCENTILE, METRIC_E2E, 50, 0},
    {FIGURE_PERCENTILE, METRIC_E2E, 90, 0},
    {.kind = FIGURE_REQUESTS_RPS},
    {.kind = FIGURE_SUCCESS},
};
enum { MEAN, MEDIAN, P90, RPS, SUCCESS, ASKED };

static const struct compare_plan usual = {
    .summary = {.keep = 100000, .ci_level = 0.95, .resamples = 300}, .figures = asked, .figure_count = ASKED};

/* How the requests of a run come about: an item is as hard in all runs of one seed. */
struct law {
    size_t requests;
    double factor;      // of all latencies
    double of_items, of_requests, of_runs; // sigma of the logarithms
    size_t samples;     // of each item
};

/* Adds one run. ids: items have the same in all runs, or not. */
static void add_run(struct compare *compare, enum compare_side side, const struct law *law, int64_t seed, int64_t run, const char *ids)
{
    struct rng items = rng_stream(seed, "items", 0), rng = rng_stream(seed, "run", run * 2 + (int64_t)side);
    struct jdoc *doc = jdoc_new();
    struct buf line = {0};
    struct err err;
    double of_run = law->factor * rng_lognormal(&rng, law->of_runs), hard = 0;
    int64_t at_ns = 0;
    assert_int_equal(compare_run(compare, side, &err), 0);
    for (size_t i = 0; i < law->requests; i++) {
        struct jval root;
        size_t samples = law->samples > 0 ? law->samples : 1;
        hard = i % samples == 0 ? rng_lognormal(&items, law->of_items) : hard;
        int64_t took_ns = (int64_t)(1e8 * of_run * hard * rng_lognormal(&rng, law->of_requests));
        buf_clear(&line);
        buf_addf(&line, "{\"id\":\"%zu%s\",\"meta\":{\"item\":\"%zu%s\"}}", i, ids, i / samples, ids);
        size_t len = line.len;
        buf_reserve(&line, JDOC_PADDING);
        assert_int_equal(jdoc_parse(doc, line.ptr, len, &root, &err), 0);
        struct measured request = {.timing = timing_none(), .outcome = OUTCOME_COMPLETED, .input_tokens = -1, .output_tokens = -1};
        request.timing.sent_ns = at_ns;
        request.timing.end_ns = at_ns = at_ns + took_ns;
        assert_int_equal(compare_add(compare, root, &request, &err), 0);
    }
    buf_release(&line);
    jdoc_free(doc);
}

static struct compare *compared(const struct law *a, const struct law *b, int64_t seed, size_t runs, const char *ids_of_b)
{
    struct compare *compare = compare_new(&usual);
    struct err err;
    for (size_t run = 0; run < runs; run++) {
        add_run(compare, COMPARE_A, a, seed, (int64_t)run, "");
        add_run(compare, COMPARE_B, b, seed, (int64_t)run, ids_of_b);
    }
    assert_int_equal(compare_finish(compare, &err), 0);
    return compare;
}

static double width(const struct compare_result *result)
{
    return result->difference_interval.high - result->difference_interval.low;
}

static void intervals_hold_what_is_true_as_often_as_they_say(void **state)
{
    (void)state;
    enum { REPEATS = 200 };
    struct law law = {.requests = 200, .factor = 1, .of_requests = 0.3};
    int held[ASKED] = {0}, verdicts = 0;
    for (int seed = 0; seed < REPEATS; seed++) {
        struct compare *compare = compared(&law, &law, seed, 1, "'"); // both sides alike: no difference
        for (int i = 0; i < ASKED; i++) {
            struct bootstrap_interval interval = compare->results[i].difference_interval;
            held[i] += interval.low <= 0 && 0 <= interval.high;
        }
        bool any = false;
        for (int i = 0; i < ASKED; i++)
            any = any || compare->results[i].verdict == COMPARE_BETTER || compare->results[i].verdict == COMPARE_WORSE;
        verdicts += any;
        compare_free(compare);
    }
    // 95% of 200: fewer than 180 once in 400; the same for more than 20 false verdicts of any kind.
    for (int i = 0; i < ASKED; i++)
        assert_true(held[i] >= 180);
    assert_true(verdicts <= 20);
}

static void ten_percent_more_are_found_and_paired_with_fewer(void **state)
{
    (void)state;
    struct law a = {.requests = 150, .factor = 1, .of_items = 0.5, .of_requests = 0.1}, b = a;
    b.factor = 1.1;
    int paired = 0, unpaired = 0;
    for (int seed = 0; seed < 30; seed++) {
        struct compare *same = compared(&a, &b, seed, 1, ""), *other = compared(&a, &b, seed, 1, "'");
        assert_int_equal(same->shared_units, 150);
        assert_int_equal(other->shared_units, 0);
        assert_true(width(&same->results[MEAN]) < 0.5 * width(&other->results[MEAN]));
        assert_near(same->results[MEAN].difference, other->results[MEAN].difference, 0);
        paired += same->results[MEAN].verdict == COMPARE_WORSE;
        unpaired += other->results[MEAN].verdict == COMPARE_WORSE;
        assert_int_not_equal(same->results[MEAN].verdict, COMPARE_BETTER);
        compare_free(same);
        compare_free(other);
    }
    assert_true(paired >= 28);
    assert_true(unpaired <= 15);
}

static void samples_of_one_item_are_one_unit(void **state)
{
    (void)state;
    // Ten alike samples of each of 30 items tell little more than one of each.
    struct law many = {.requests = 300, .factor = 1, .of_items = 0.3, .samples = 10}, few = {.requests = 30, .factor = 1, .of_items = 0.3};
    struct compare *ten = compared(&many, &many, 3, 1, "'"), *one = compared(&few, &few, 3, 1, "'");
    assert_int_equal(ten->unit_count, one->unit_count);
    assert_near(width(&ten->results[MEAN]) / width(&one->results[MEAN]), 1, 0.25);
    compare_free(ten);
    compare_free(one);
}

static void what_runs_differ_by_is_in_the_interval_of_several(void **state)
{
    (void)state;
    enum { REPEATS = 200 };
    struct law law = {.requests = 100, .factor = 1, .of_requests = 0.2, .of_runs = 0.1};
    int held = 0, single_held = 0;
    for (int seed = 0; seed < REPEATS; seed++) {
        struct compare *several = compared(&law, &law, seed, 4, "'"), *single = compared(&law, &law, seed, 1, "'");
        struct bootstrap_interval of_several = several->results[MEAN].difference_interval;
        struct bootstrap_interval of_one = single->results[MEAN].difference_interval;
        held += of_several.low <= 0 && 0 <= of_several.high;
        single_held += of_one.low <= 0 && 0 <= of_one.high;
        assert_int_equal(several->results[MEAN].method, COMPARE_RUNS);
        compare_free(several);
        compare_free(single);
    }
    assert_true(held >= 180);
    assert_true(single_held < 120); // which is why the table says so
}

static void verdicts_are_holms(void **state)
{
    (void)state;
    struct law a = {.requests = 200, .factor = 1, .of_requests = 0.3}, b = a;
    b.factor = 1.08;
    struct compare *compare = compared(&a, &b, 5, 1, "'");
    double order[ASKED], last = 0;
    assert_int_equal(compare->looked_at, ASKED);
    for (int i = 0; i < ASKED; i++)
        order[i] = compare->results[i].p;
    for (int rank = 0; rank < ASKED; rank++) {
        int least = 0;
        for (int i = 1; i < ASKED; i++)
            least = order[i] < order[least] ? i : least;
        last = fmax(last, fmin(1, order[least] * (ASKED - rank)));
        assert_near(compare->results[least].p_holm, last, 1e-12);
        order[least] = INFINITY;
    }
    compare_free(compare);
}

static void names_of_figures_are_read_as_they_are_written(void **state)
{
    (void)state;
    static const char *const names[] = {"ttft_ms.p99", "e2e_ms.p99.9", "tokens_per_s.mean", "request_throughput_rps", "success_rate",
                                        "attainment", "attainment.3"};
    char name[FIGURE_NAME_SIZE];
    struct figure figure;
    struct err err;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(figure_parse(&figure, str_of(names[i]), &err), 0);
        figure_name(&figure, name);
        assert_string_equal(name, names[i]);
    }
    assert_int_equal(figure_parse(&figure, STR("ttft.p99"), &err), 0);
    figure_label(&figure, name);
    assert_string_equal(name, "TTFT ms p99");
    static const char *const wrong[] = {"", "ttft", "ttft.", "ttft.99", "ttft.p101", "foo.mean", "ttft_ms.max", "attainment.x", "."};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(figure_parse(&figure, str_of(wrong[i]), &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_hold_what_is_true_as_often_as_they_say),
        cmocka_unit_test(ten_percent_more_are_found_and_paired_with_fewer),
        cmocka_unit_test(samples_of_one_item_are_one_unit),
        cmocka_unit_test(what_runs_differ_by_is_in_the_interval_of_several),
        cmocka_unit_test(verdicts_are_holms),
        cmocka_unit_test(names_of_figures_are_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
