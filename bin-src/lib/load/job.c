/* load/job.c: see job.h */
#include "load/job.h"

#include <stdlib.h>

struct job *job_new(void)
{
    struct job *job = calloc(1, sizeof *job);
    if (job) {
        job->timing = timing_none();
        job->status = -1;
        job->cancel = CANCEL_NEVER;
    }
    return job;
}

void job_free(struct job *job)
{
    if (!job)
        return;
    struct buf *parts[] = {&job->record.added, &job->line, &job->head, &job->changed, &job->blanks, &job->chunks, &job->attempts, &job->id,
                           &job->batch_id};
    for (size_t i = 0; i < COUNT(parts); i++)
        buf_release(parts[i]);
    reply_release(&job->reply);
    for (size_t i = 0; i < job->member_count; i++)
        job_free(job->members[i]);
    free(job->members);
    free(job->parts);
    free(job);
}

void job_again(struct job *job)
{
    struct timing kept = job->timing;
    reply_reset(&job->reply);
    buf_clear(&job->chunks);
    job->status = -1;
    job->nth = 0;
    job->timing = timing_none();
    job->timing.due_ns = kept.due_ns;
    job->timing.warmup = kept.warmup;
    job->had_content = false;
    for (size_t i = 0; i < job->member_count; i++)
        job_again(job->members[i]);
}

int job_note_attempt(struct job *job, int64_t end_ns)
{
    struct timing_attempt attempt = {job->timing.sent_ns, end_ns, failure_names[job->reply.failure], job->status > 0 ? job->status : 0};
    buf_add(&job->attempts, &attempt, sizeof attempt);
    return job->attempts.failed ? -1 : 0;
}
