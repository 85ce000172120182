/* Jobs by when they are due (load/due.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "load/due.h"
#include "stats/rng.h"

enum { JOBS = 2000 };

static int by_due(const void *a, const void *b)
{
    const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;
    if (x->timing.due_ns != y->timing.due_ns)
        return x->timing.due_ns < y->timing.due_ns ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static void they_come_in_their_order_and_equal_ones_as_they_were_put(void **state)
{
    struct due_queue queue = {0};
    struct job *jobs = calloc(JOBS, sizeof *jobs), **sorted = calloc(JOBS, sizeof(struct job *));
    struct rng rng = rng_stream(1, "test", 0);
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < JOBS; i++) {
            jobs[i].timing.due_ns = (int64_t)rng_below(&rng, 300); // most are equal to some other
            sorted[i] = &jobs[i];
            due_put(&queue, &jobs[i]);
        }
        qsort(sorted, JOBS, sizeof *sorted, by_due);
        for (int i = 0; i < JOBS; i++) {
            assert_ptr_equal(queue.first, sorted[i]);
            assert_ptr_equal(due_take(&queue), sorted[i]);
        }
        assert_null(queue.first);
    }
    free(sorted);
    free(jobs);
}

static void they_are_put_and_taken_by_turns(void **state)
{
    struct due_queue queue = {0};
    struct job *jobs = calloc(JOBS, sizeof *jobs);
    struct rng rng = rng_stream(2, "test", 0);
    int64_t last_ns = 0;
    (void)state;
    for (int i = 0; i < JOBS; i++) { // as a run does: what is put is due later than what was taken
        jobs[i].timing.due_ns = last_ns + (int64_t)rng_below(&rng, 50);
        due_put(&queue, &jobs[i]);
        if (i % 3 == 0)
            continue;
        struct job *taken = due_take(&queue);
        assert_true(taken->timing.due_ns >= last_ns);
        last_ns = taken->timing.due_ns;
    }
    free(jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_in_their_order_and_equal_ones_as_they_were_put),
        cmocka_unit_test(they_are_put_and_taken_by_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
