/* synth/paths.c: see paths.h */
#include "synth/paths.h"

#include "base/str.h"

#include <stdlib.h>

/* What one search needs: memory for count nodes each. */
struct search {
    const struct paths_graph *graph;
    int target;
    int64_t *left;  // the least weight from a node to the target; INT64_MAX: none is known
    bool *done;     // left is final
    bool *removed;  // this node is not to be used
    bool *not_next; // nor this one as the next behind the first
    int *nodes;     // the path at hand
};

static int64_t weight_of(const struct search *search, int u, int v)
{
    return search->graph->weights[(size_t)u * (size_t)search->graph->count + (size_t)v];
}

static int nearest(const struct search *search)
{
    int best = -1;
    for (int v = 0; v < search->graph->count; v++)
        if (!search->done[v] && search->left[v] < INT64_MAX && (best < 0 || search->left[v] < search->left[best]))
            best = v;
    return best;
}

static bool usable(const struct search *search, int first, int u, int v)
{
    return weight_of(search, u, v) > 0 && !search->removed[u] && !(u == first && search->not_next[v]);
}

/* Dijkstra's algorithm, from the target against the edges. */
static void measure(struct search *search, int first)
{
    int count = search->graph->count, v;
    for (int u = 0; u < count; u++) {
        search->left[u] = INT64_MAX;
        search->done[u] = false;
    }
    search->left[search->target] = 0;
    while ((v = nearest(search)) >= 0 && v != first) {
        search->done[v] = true;
        for (int u = 0; u < count; u++)
            if (!search->done[u] && usable(search, first, u, v) && search->left[v] + weight_of(search, u, v) < search->left[u])
                search->left[u] = search->left[v] + weight_of(search, u, v);
    }
}

/* Writes the nodes behind first, up to the target, of the shortest path from it: the first in order where there are several.
 * How many; 0: there is no path. A node whose own way leads through first is farther than that, and is never taken. */
static int walk(struct search *search, int first, int *nodes)
{
    int count = 0, u = first;
    measure(search, first);
    if (search->left[first] == INT64_MAX)
        return 0;
    while (u != search->target) {
        int v = 0;
        while (!usable(search, first, u, v) || search->left[v] == INT64_MAX || search->left[v] + weight_of(search, u, v) != search->left[u])
            v++;
        nodes[count++] = u = v;
    }
    return count;
}

static int compare(const struct paths_path *a, const struct paths_path *b)
{
    if (a->weight != b->weight)
        return a->weight < b->weight ? -1 : 1;
    for (int i = 0; i < a->length && i < b->length; i++)
        if (a->nodes[i] != b->nodes[i])
            return a->nodes[i] < b->nodes[i] ? -1 : 1;
    return (a->length > b->length) - (a->length < b->length);
}

/* Puts a copy of the search's path in its place among the list from begin on, unless it is there. */
static int keep(struct paths *list, size_t begin, const struct search *search, int length, struct err *err)
{
    struct paths_path path = {.length = length, .nodes = search->nodes};
    for (int i = 1; i < length; i++)
        path.weight += weight_of(search, path.nodes[i - 1], path.nodes[i]);
    size_t at = begin;
    while (at < list->count && compare(&list->items[at], &path) < 0)
        at++;
    if (at < list->count && compare(&list->items[at], &path) == 0)
        return 0;
    struct paths_path *items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items)
        return err_nomem(err);
    list->items = items;
    path.nodes = malloc((size_t)length * sizeof *path.nodes);
    if (!path.nodes)
        return err_nomem(err);
    memcpy(path.nodes, search->nodes, (size_t)length * sizeof *path.nodes);
    memmove(items + at + 1, items + at, (list->count - at) * sizeof *items);
    items[at] = path;
    list->count++;
    return 0;
}

static bool begins_alike(const struct paths_path *a, const struct paths_path *b, int length)
{
    return a->length > length && memcmp(a->nodes, b->nodes, (size_t)length * sizeof *a->nodes) == 0;
}

/* The candidates that leave the last of the found paths at each of its nodes. */
static int branch_off(struct search *search, struct paths *list, size_t found, struct err *err)
{
    struct paths_path last = list->items[found - 1];
    int count = search->graph->count;
    memset(search->removed, 0, (size_t)count * sizeof *search->removed);
    for (int i = 0; i + 1 < last.length; i++) {
        memset(search->not_next, 0, (size_t)count * sizeof *search->not_next);
        for (size_t j = 0; j < found; j++)
            if (begins_alike(&list->items[j], &last, i + 1))
                search->not_next[list->items[j].nodes[i + 1]] = true;
        memcpy(search->nodes, last.nodes, (size_t)(i + 1) * sizeof *last.nodes);
        int more = walk(search, last.nodes[i], search->nodes + i + 1);
        if (more > 0 && keep(list, found, search, i + 1 + more, err) < 0)
            return -1;
        search->removed[last.nodes[i]] = true;
    }
    return 0;
}

/* The list holds what is found, and behind that the candidates, both in order: the first candidate is the next that is found. */
static int find(struct search *search, int source, size_t k, struct paths *list, struct err *err)
{
    search->nodes[0] = source;
    int more = walk(search, source, search->nodes + 1);
    if (more > 0 && keep(list, 0, search, more + 1, err) < 0)
        return -1;
    for (size_t found = 1; found < k && found <= list->count; found++)
        if (branch_off(search, list, found, err) < 0)
            return -1;
    for (; list->count > k; list->count--)
        free(list->items[list->count - 1].nodes);
    return 0;
}

int paths_find(const struct paths_graph *graph, int source, int target, size_t k, struct paths *out, struct err *err)
{
    size_t count = (size_t)graph->count;
    struct search search = {graph,
                            target,
                            calloc(count, sizeof *search.left),
                            calloc(count, sizeof(bool)),
                            calloc(count, sizeof(bool)),
                            calloc(count, sizeof(bool)),
                            calloc(count, sizeof *search.nodes)};
    int rc = search.left && search.done && search.removed && search.not_next && search.nodes ? find(&search, source, k, out, err)
                                                                                             : err_nomem(err);
    free(search.left);
    free(search.done);
    free(search.removed);
    free(search.not_next);
    free(search.nodes);
    return rc;
}

void paths_release(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->items[i].nodes);
    free(paths->items);
    *paths = (struct paths){0};
}
