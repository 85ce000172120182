/* load/due.c: see due.h */
#include "load/due.h"

/* A job's next is its sibling, its child the first of those that are due after it. */
static struct job *join(struct job *a, struct job *b)
{
    bool b_first = b->timing.due_ns < a->timing.due_ns || (b->timing.due_ns == a->timing.due_ns && b->place < a->place);
    struct job *first = b_first ? b : a, *later = b_first ? a : b;
    later->next = first->child;
    first->child = later;
    return first;
}

void due_put(struct due_queue *queue, struct job *job)
{
    job->next = job->child = NULL;
    job->place = queue->count++;
    queue->first = queue->first ? join(queue->first, job) : job;
}

struct job *due_take(struct due_queue *queue)
{
    struct job *taken = queue->first, *pairs = NULL, *whole = NULL;
    for (struct job *job = taken->child, *next; job; job = next) { // in twos, from the front
        struct job *other = job->next;
        next = other ? other->next : NULL;
        struct job *pair = other ? join(job, other) : job;
        pair->next = pairs;
        pairs = pair;
    }
    for (struct job *next; pairs; pairs = next) { // and all of these, from the back
        next = pairs->next;
        whole = whole ? join(whole, pairs) : pairs;
    }
    if (whole)
        whole->next = NULL;
    queue->first = whole;
    taken->next = taken->child = NULL;
    return taken;
}
