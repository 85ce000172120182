/*
 * synth/graph.c: shortest-path problems, with their true answers
 *
 * A graph that has a path grows from the source by a random tree, so that all nodes are reached, one without from two trees
 * that no edge leads from the first to the second; then edges are added, each possible one as likely, until the density is
 * reached. Nodes have their numbers by chance, edges their order.
 */
#include "base/json.h"
#include "synth/paths.h"
#include "synth/synth.h"

#include <math.h>
#include <stdlib.h>

enum { NODES_MAX = 1000, WEIGHT_MAX = 1000000000 };

struct edge {
    int from, to;
};

struct problem {
    const struct synth_options *options;
    struct rng rng;
    struct paths_graph graph;
    int *order; // all nodes; the first side_a of them are reached from the source, order[0]
    int side_a;
    int source, target;
    struct edge *edges, *others; // those that are there; those that could be
    size_t edge_count, other_count;
};

static size_t draw_below(struct problem *problem, size_t n)
{
    return (size_t)rng_below(&problem->rng, n);
}

static int64_t *weight_at(struct problem *problem, int from, int to)
{
    return &problem->graph.weights[(size_t)from * (size_t)problem->graph.count + (size_t)to];
}

static void add_edge(struct problem *problem, struct edge edge)
{
    int64_t weight = synth_draw(&problem->options->weights, &problem->rng, 1);
    weight = weight < WEIGHT_MAX ? weight : WEIGHT_MAX;
    if (!problem->options->directed && draw_below(problem, 2) == 1)
        edge = (struct edge){edge.to, edge.from};
    *weight_at(problem, edge.from, edge.to) = weight;
    if (!problem->options->directed)
        *weight_at(problem, edge.to, edge.from) = weight;
    problem->edges[problem->edge_count++] = edge;
}

/* Joins each of order[from] to order[to - 1] to one before it. */
static void add_tree(struct problem *problem, int from, int to)
{
    for (int i = from + 1; i < to; i++) {
        int before = from + (int)draw_below(problem, (size_t)(i - from));
        add_edge(problem, (struct edge){problem->order[before], problem->order[i]});
    }
}

/* All edges that are not there and may be: none from the source's side to the other. */
static void list_others(struct problem *problem)
{
    bool directed = problem->options->directed;
    problem->other_count = 0;
    for (int i = 0; i < problem->graph.count; i++)
        for (int j = directed ? 0 : i + 1; j < problem->graph.count; j++) {
            bool i_in_a = i < problem->side_a, j_in_a = j < problem->side_a;
            struct edge edge = {problem->order[i], problem->order[j]};
            if (i != j && (i_in_a == j_in_a || (directed && j_in_a)) && *weight_at(problem, edge.from, edge.to) == 0)
                problem->others[problem->other_count++] = edge;
        }
}

static void shuffle_order(struct problem *problem)
{
    for (int i = 0; i < problem->graph.count; i++) {
        size_t j = draw_below(problem, (size_t)i + 1);
        problem->order[i] = problem->order[j];
        problem->order[j] = i;
    }
}

static void draw_graph(struct problem *problem)
{
    const struct synth_options *options = problem->options;
    int count = problem->graph.count;
    size_t pairs = (size_t)count * (size_t)(count - 1) / (options->directed ? 1 : 2);
    size_t wanted = (size_t)llrint(options->density * (double)pairs);
    bool reachable = rng_uniform(&problem->rng) >= options->unreachable;
    shuffle_order(problem);
    problem->side_a = reachable ? count : 1 + (int)draw_below(problem, (size_t)count - 1);
    size_t target = reachable ? 1 + draw_below(problem, (size_t)count - 1)
                              : (size_t)problem->side_a + draw_below(problem, (size_t)(count - problem->side_a));
    problem->source = problem->order[0];
    problem->target = problem->order[target];
    problem->edge_count = 0;
    add_tree(problem, 0, problem->side_a);
    add_tree(problem, problem->side_a, count);
    list_others(problem);
    while (problem->edge_count < wanted && problem->other_count > 0) {
        size_t i = draw_below(problem, problem->other_count);
        add_edge(problem, problem->others[i]);
        problem->others[i] = problem->others[--problem->other_count];
    }
    for (size_t i = problem->edge_count; i > 1; i--) { // so that the trees do not stand first
        size_t j = draw_below(problem, i);
        struct edge edge = problem->edges[i - 1];
        problem->edges[i - 1] = problem->edges[j];
        problem->edges[j] = edge;
    }
}

static void write_prompt(struct problem *problem, struct buf *out)
{
    const struct synth_options *options = problem->options;
    int last = problem->graph.count - 1;
    buf_addf(out, "The nodes of a graph are numbered 0 to %d. Each line is %s, and behind it its weight:\n\n", last,
             options->directed ? "an edge, which leads from the first node to the second" : "an edge, which can be taken both ways");
    for (size_t i = 0; i < problem->edge_count; i++) {
        struct edge edge = problem->edges[i];
        buf_addf(out, "%d %s %d: %lld\n", edge.from, options->directed ? "->" : "-", edge.to,
                 (long long)*weight_at(problem, edge.from, edge.to));
    }
    buf_addf(out, "%s\n", problem->edge_count == 0 ? "(none)\n" : "");
    if (options->k == 0)
        buf_addf(out,
                 "Find a path of the least total weight from node %d to node %d. Write it alone on the last line, as "
                 "{\"path\": [%d, ..., %d], \"weight\": TOTAL}, or {\"path\": null, \"weight\": null} if there is no path.",
                 problem->source, problem->target, problem->source, problem->target);
    else
        buf_addf(out,
                 "Find the %lld paths of the least total weight from node %d to node %d on which no node comes twice, or all if they "
                 "are fewer. Write them alone on the last line, the lightest first, as [{\"path\": [%d, ..., %d], \"weight\": TOTAL}, "
                 "...], or [] if there is no path.",
                 (long long)options->k, problem->source, problem->target, problem->source, problem->target);
}

static void write_input(struct problem *problem, const struct buf *prompt, struct buf *out)
{
    json_object(out);
    json_key(out, "directed"), json_bool(out, problem->options->directed);
    json_key(out, "nodes"), json_array(out);
    for (int i = 0; i < problem->graph.count; i++)
        json_int(out, i);
    json_array_end(out);
    json_key(out, "edges"), json_array(out);
    for (size_t i = 0; i < problem->edge_count; i++) {
        struct edge edge = problem->edges[i];
        json_array(out);
        json_int(out, edge.from), json_int(out, edge.to), json_int(out, *weight_at(problem, edge.from, edge.to));
        json_array_end(out);
    }
    json_array_end(out);
    json_key(out, "source"), json_int(out, problem->source);
    json_key(out, "target"), json_int(out, problem->target);
    if (problem->options->k > 0)
        json_key(out, "k"), json_int(out, problem->options->k);
    json_key(out, "prompt"), json_str(out, buf_str(prompt));
    json_object_end(out);
}

/* path NULL: there is none. */
static void write_path(const struct paths_path *path, struct buf *out)
{
    json_object(out);
    json_key(out, "path");
    path ? json_array(out) : json_null(out);
    for (int i = 0; path && i < path->length; i++)
        json_int(out, path->nodes[i]);
    if (path)
        json_array_end(out);
    json_key(out, "weight");
    path ? json_int(out, path->weight) : json_null(out);
    json_object_end(out);
}

static int write_gold(struct problem *problem, struct buf *out, struct err *err)
{
    struct paths paths = {0};
    int64_t k = problem->options->k;
    int rc = paths_find(&problem->graph, problem->source, problem->target, k > 0 ? (size_t)k : 1, &paths, err);
    if (rc == 0 && k == 0)
        write_path(paths.count > 0 ? paths.items : NULL, out);
    else if (rc == 0) {
        json_array(out);
        for (size_t i = 0; i < paths.count; i++)
            write_path(&paths.items[i], out);
        json_array_end(out);
    }
    paths_release(&paths);
    return rc;
}

static int make_problem(struct problem *problem, int64_t number, struct buf *prompt, struct buf *out, struct err *err)
{
    const struct synth_options *options = problem->options;
    problem->rng = rng_stream(options->seed, "graph", number);
    int64_t nodes = synth_draw(&options->nodes, &problem->rng, 2);
    problem->graph.count = nodes < NODES_MAX ? (int)nodes : NODES_MAX;
    memset(problem->graph.weights, 0, (size_t)problem->graph.count * (size_t)problem->graph.count * sizeof(int64_t));
    draw_graph(problem);
    buf_clear(prompt);
    write_prompt(problem, prompt);
    synth_begin(options, "graph", number, "graph", out);
    json_key(out, "input"), write_input(problem, prompt, out);
    json_key(out, "gold");
    if (prompt->failed)
        return err_nomem(err);
    return write_gold(problem, out, err) < 0 ? -1 : synth_end(out, err);
}

int synth_graph(const struct synth_options *options, struct err *err)
{
    enum { PAIRS = NODES_MAX * NODES_MAX };
    struct buf prompt = {0}, out = {0};
    struct problem problem = {.options = options,
                              .graph.weights = malloc(PAIRS * sizeof(int64_t)),
                              .order = calloc(NODES_MAX, sizeof(int)),
                              .edges = malloc(PAIRS * sizeof(struct edge)),
                              .others = malloc(PAIRS * sizeof(struct edge))};
    int rc = problem.graph.weights && problem.order && problem.edges && problem.others ? 0 : err_nomem(err);
    for (int64_t number = 1; rc == 0 && number <= options->count; number++)
        rc = make_problem(&problem, number, &prompt, &out, err);
    free(problem.graph.weights);
    free(problem.order);
    free(problem.edges);
    free(problem.others);
    buf_release(&prompt);
    buf_release(&out);
    return rc;
}
