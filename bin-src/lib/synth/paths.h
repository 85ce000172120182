/*
 * synth/paths.h: the shortest paths of a graph
 *
 *     struct paths paths = {0};
 *     if (paths_find(&graph, source, target, 3, &paths, &err) < 0) ...
 *     for (size_t i = 0; i < paths.count; i++) ... paths.items[i] ...
 *     paths_release(&paths);
 *
 * The k simple paths (no node twice) of the least weight, by Yen's algorithm (Finding the k shortest loopless paths in a
 * network, Management Science 17, 1971), which asks for shortest paths of parts of the graph: Dijkstra's (1959). Paths come
 * by weight, and those of one weight in the order of their nodes, as words in a dictionary: so the first k are one list.
 */
#ifndef SYNTH_PATHS_H
#define SYNTH_PATHS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct paths_graph {
    int count;        // of nodes, which are 0 to count - 1
    int64_t *weights; // of the edge from u to v: weights[u * count + v], above 0; 0: there is none
};

struct paths_path {
    int64_t weight;
    int length; // in nodes, both ends among them
    int *nodes;
};

struct paths {
    struct paths_path *items;
    size_t count;
};

/* Adds at most k paths from source to another node, target, to an empty list. Sums of weights must fit. Fails without memory. */
int paths_find(const struct paths_graph *graph, int source, int target, size_t k, struct paths *out, struct err *err);
void paths_release(struct paths *paths);

#endif
