/* The k shortest paths, against all paths there are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "synth/paths.h"

#include "stats/rng.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NODES_MAX = 7, PATHS_MAX = 2000 };

/* All simple paths of a small graph. */
struct all {
    const struct paths_graph *graph;
    int target;
    bool used[NODES_MAX];
    struct paths_path now, found[PATHS_MAX];
    int nodes[PATHS_MAX][NODES_MAX], now_nodes[NODES_MAX];
    size_t count;
};

static void enumerate(struct all *all, int node)
{
    all->now_nodes[all->now.length++] = node;
    all->used[node] = true;
    if (node == all->target) {
        assert_true(all->count < PATHS_MAX);
        memcpy(all->nodes[all->count], all->now_nodes, sizeof all->now_nodes);
        all->found[all->count] = (struct paths_path){all->now.weight, all->now.length, all->nodes[all->count]};
        all->count++;
    }
    for (int next = 0; node != all->target && next < all->graph->count; next++) {
        int64_t weight = all->graph->weights[node * all->graph->count + next];
        if (weight == 0 || all->used[next])
            continue;
        all->now.weight += weight;
        enumerate(all, next);
        all->now.weight -= weight;
    }
    all->used[node] = false;
    all->now.length--;
}

/* By weight, and then by the nodes. */
static int compare(const void *a, const void *b)
{
    const struct paths_path *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? -1 : 1;
    for (int i = 0; i < x->length && i < y->length; i++)
        if (x->nodes[i] != y->nodes[i])
            return x->nodes[i] - y->nodes[i];
    return x->length - y->length;
}

static void must_be_the_first_of_all(const struct paths_graph *graph, int source, int target, size_t k)
{
    static struct all all;
    struct paths paths = {0};
    struct err err;
    all = (struct all){.graph = graph, .target = target};
    enumerate(&all, source);
    qsort(all.found, all.count, sizeof *all.found, compare);
    assert_int_equal(paths_find(graph, source, target, k, &paths, &err), 0);
    assert_int_equal(paths.count, k < all.count ? k : all.count);
    for (size_t i = 0; i < paths.count; i++) {
        assert_int_equal(paths.items[i].weight, all.found[i].weight);
        assert_int_equal(paths.items[i].length, all.found[i].length);
        assert_memory_equal(paths.items[i].nodes, all.found[i].nodes, (size_t)paths.items[i].length * sizeof(int));
    }
    paths_release(&paths);
}

static void a_thousand_small_graphs_by_brute_force(void **state)
{
    (void)state;
    int64_t weights[NODES_MAX * NODES_MAX];
    struct rng rng = rng_stream(0, "paths", 0);
    for (int round = 0; round < 1000; round++) {
        struct paths_graph graph = {2 + (int)rng_below(&rng, NODES_MAX - 1), weights};
        bool directed = rng_below(&rng, 2) == 1;
        uint64_t most = 1 + rng_below(&rng, 5), density = 1 + rng_below(&rng, 4); // small weights make ties
        memset(weights, 0, sizeof weights);
        for (int u = 0; u < graph.count; u++)
            for (int v = directed ? 0 : u + 1; v < graph.count; v++)
                if (u != v && rng_below(&rng, 4) < density) {
                    weights[u * graph.count + v] = 1 + (int64_t)rng_below(&rng, most);
                    if (!directed)
                        weights[v * graph.count + u] = weights[u * graph.count + v];
                }
        int source = (int)rng_below(&rng, (uint64_t)graph.count), target = (source + 1) % graph.count;
        must_be_the_first_of_all(&graph, source, target, 1);
        must_be_the_first_of_all(&graph, source, target, 4);
        must_be_the_first_of_all(&graph, source, target, PATHS_MAX);
    }
}

/* The example of Wikipedia's article on Yen's algorithm: C-E-F-H 5, C-E-G-H 7, C-D-F-H 8. */
static void the_textbook_example(void **state)
{
    (void)state;
    enum { C, D, E, F, G, H };
    static int64_t weights[36];
    static const int edges[][3] = {{C, D, 3}, {C, E, 2}, {D, F, 4}, {E, D, 1}, {E, F, 2}, {E, G, 3}, {F, G, 2}, {F, H, 1}, {G, H, 2}};
    static const int64_t want[] = {5, 7, 8};
    struct paths_graph graph = {6, weights};
    struct paths paths = {0};
    struct err err;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        weights[edges[i][0] * 6 + edges[i][1]] = edges[i][2];
    assert_int_equal(paths_find(&graph, C, H, 3, &paths, &err), 0);
    assert_int_equal(paths.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(paths.items[i].weight, want[i]);
    assert_memory_equal(paths.items[1].nodes, ((int[]){C, E, G, H}), 4 * sizeof(int));
    paths_release(&paths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_small_graphs_by_brute_force),
        cmocka_unit_test(the_textbook_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
