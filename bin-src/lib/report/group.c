/* report/group.c: see group.h */
#include "report/group.h"

#include "base/json.h"

#include <search.h>
#include <stdlib.h>

enum rank { RANK_NUMBER, RANK_OTHER, RANK_MISSING };

/* A group with what orders it in front. */
struct branch {
    struct group group;
    struct summary *whole; // of the first reading; NULL: there was one only
    enum rank rank;
    double number;
};

struct groups {
    const struct summary_plan *plan;
    char *path;      // "/timing/load/rate_rps"; NULL: no member
    bool by_file;
    char **files;    // their names, as they came: their place is what orders them
    size_t file_count;
    void *tree;      // of branches (tsearch)
    struct branch *last;
    struct buf key;  // of the record that is being looked up
};

static void branch_free(void *arg)
{
    struct branch *branch = arg;
    if (!branch)
        return;
    summary_free(branch->group.summary);
    summary_free(branch->whole);
    free((char *)branch->group.key.ptr);
    free(branch);
}

void groups_free(struct groups *groups)
{
    if (!groups)
        return;
    tdestroy(groups->tree, branch_free);
    for (size_t i = 0; i < groups->file_count; i++)
        free(groups->files[i]);
    free(groups->files);
    buf_release(&groups->key);
    free(groups->path);
    free(groups);
}

static int compare(const void *left, const void *right)
{
    const struct branch *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->rank == RANK_NUMBER && a->number != b->number)
        return a->number < b->number ? -1 : 1;
    size_t shorter = a->group.key.len < b->group.key.len ? a->group.key.len : b->group.key.len;
    int order = a->rank == RANK_NUMBER || shorter == 0 ? 0 : memcmp(a->group.key.ptr, b->group.key.ptr, shorter);
    if (order != 0 || a->rank == RANK_NUMBER)
        return order;
    return (a->group.key.len > b->group.key.len) - (a->group.key.len < b->group.key.len);
}

/* Puts a copy of the branch, with a summary, into the tree. */
static struct branch *add(struct groups *groups, const struct branch *like)
{
    struct branch *branch = calloc(1, sizeof *branch);
    if (!branch)
        return NULL;
    *branch = *like;
    char *key = malloc(like->group.key.len + 1);
    branch->group.key.ptr = key;
    branch->group.summary = summary_new(groups->plan);
    if (key)
        memcpy(key, like->group.key.ptr, like->group.key.len);
    if (key && branch->group.summary && tsearch(branch, &groups->tree, compare))
        return branch;
    branch_free(branch);
    return NULL;
}

char *group_path(const char *member)
{
    size_t len = strlen(member);
    bool pointer = member[0] == '/';
    char *path = calloc(1, len + 2);
    if (!path)
        return NULL;
    path[0] = '/';
    memcpy(path + !pointer, member, len);
    for (char *c = path; !pointer && *c; c++)
        *c = *c == '.' ? '/' : *c;
    return path;
}

struct groups *groups_new(const struct summary_plan *plan, const char *member)
{
    struct groups *groups = calloc(1, sizeof *groups);
    if (!groups)
        return NULL;
    groups->plan = plan;
    if (member) {
        groups->by_file = strcmp(member, "file") == 0;
        groups->path = group_path(member);
    } else
        groups->last = add(groups, &(struct branch){.rank = RANK_MISSING, .group.key = STR("")});
    if (member ? (void *)groups->path : groups->last)
        return groups;
    groups_free(groups);
    return NULL;
}

/* The file's place; the latest is mostly the one. -1: out of memory. */
static double file_place(struct groups *groups, const char *file)
{
    size_t i = groups->file_count;
    while (i > 0 && strcmp(groups->files[i - 1], file) != 0)
        i--;
    if (i > 0)
        return (double)(i - 1);
    char **files = realloc(groups->files, (groups->file_count + 1) * sizeof *files), *name = files ? strdup(file) : NULL;
    groups->files = files ? files : groups->files;
    if (!name)
        return -1;
    groups->files[groups->file_count] = name;
    return (double)groups->file_count++;
}

struct summary *groups_find(struct groups *groups, struct jval record, const char *file, struct err *err)
{
    struct branch wanted = {.rank = RANK_MISSING};
    struct jval value;
    if (!groups->path)
        return groups->last->group.summary;
    buf_clear(&groups->key);
    if (groups->by_file) {
        wanted.rank = RANK_NUMBER;
        wanted.number = file_place(groups, file);
        groups->key.failed |= wanted.number < 0;
        json_cstr(&groups->key, file);
    } else if (strcmp(groups->path, "/cache") == 0) {
        int64_t cached;
        if (jval_int_at(record, MEASURED_CACHED, &cached)) {
            wanted.rank = RANK_OTHER;
            json_cstr(&groups->key, cached > 0 ? "warm" : "cold");
        }
    } else if (jval_at(record, groups->path, &value)) {
        wanted.rank = jval_double(value, &wanted.number) ? RANK_NUMBER : RANK_OTHER;
        jval_write(value, &groups->key);
    }
    wanted.group.key = buf_str(&groups->key);
    if (!groups->last || compare(groups->last, &wanted) != 0) {
        struct branch **found = tfind(&wanted, &groups->tree, compare);
        groups->last = found ? *found : groups->key.failed ? NULL : add(groups, &wanted);
    }
    if (groups->last && !groups->key.failed)
        return groups->last->group.summary;
    err_nomem(err);
    return NULL;
}

struct walk {
    int (*each)(void *arg, struct group *group, struct err *err); // NULL: within
    void *arg;
    struct err *err;
    int rc;
};

static int within(struct branch *branch, struct err *err)
{
    if (summary_finish(branch->group.summary, err) < 0)
        return -1;
    branch->whole = branch->group.summary;
    branch->group.summary = summary_within(branch->whole);
    return branch->group.summary ? 0 : err_nomem(err);
}

static void visit(const void *node, VISIT when, void *arg)
{
    struct walk *walk = arg;
    struct branch *branch = *(struct branch *const *)node;
    if ((when == postorder || when == leaf) && walk->rc == 0) // postorder: between the two subtrees
        walk->rc = walk->each ? walk->each(walk->arg, &branch->group, walk->err) : within(branch, walk->err);
}

int groups_each(struct groups *groups, int (*each)(void *arg, struct group *group, struct err *err), void *arg, struct err *err)
{
    struct walk walk = {each, arg, err, 0};
    twalk_r(groups->tree, visit, &walk);
    return walk.rc;
}

int groups_within(struct groups *groups, struct err *err)
{
    return groups_each(groups, NULL, NULL, err);
}
