/*
 * load/job.h: one record on its way through lm-send
 *
 * The feed makes it from a line of the input, a worker sends it and fills in what came back, the sink writes it. It
 * belongs to whoever holds it: no two threads have it at once.
 *
 * A batch (load/batch.h) is one such job too, with no line of its own but members, the jobs of the records that share
 * its request. Until it is over they are the whole's; the channel fills in each one's reply, chunks, first_ns and last_ns.
 */
#ifndef LOAD_JOB_H
#define LOAD_JOB_H

#include "load/cancel.h"
#include "net/loop.h"
#include "openai/reply.h"
#include "record/timing.h"
#include "tap/packet.h"

/* What becomes of it at the sink. */
enum job_kind {
    JOB_REQUEST, // an answer, or a failure, is appended
    JOB_PASS,    // reported already; the line goes out as it came
};

struct job {
    struct job *next, *prev;
    enum job_kind kind;

    struct jsonl_record record; // line is a copy of ours, with padding behind it
    struct buf line;
    struct buf head; // of the HTTP request
    struct buf changed;
    struct str body; // in line, or in changed
    struct buf blanks; // struct blank: what answers of its session are to be filled in
    enum openai_api api;
    bool stream;
    struct buf id;           // the record's; empty: it has none
    struct str asked_model;  // of several; a view that outlives the job
    size_t target;           // where it goes, of the options
    bool has_target;         // its session goes there
    struct str url;          // that target's, where there are several; likewise
    struct cancel_when cancel;

    struct reply reply;
    int status; // HTTP's; below 0: none came
    struct timing timing; // times are ns after the start of the run
    struct buf chunks;    // int64_t
    struct buf attempts;  // struct timing_attempt
    bool reached;  // some attempt had a connection
    struct packet_end own_end; // with --clock packet: of the connection of the last attempt,
    uint64_t nth;              // on which it was so manieth, from 1; 0: not known
    bool unsent;   // cancelled before it was sent
    bool reopened; // a connection that the server had closed was opened anew
    bool cancelled; // given up, as cancel says
    bool had_content; // the latest chunk had text, reasoning or a tool call

    struct job **members; // of a batch
    struct reply **parts; // theirs
    size_t member_count;  // 0: it is no batch
    struct str prompt;    // in body: what a batch would gather; empty: it goes alone
    struct buf batch_id;  // of a batch's member; empty: it is none
    size_t batch_index, batch_size;

    struct turn *turn;  // of a session; NULL: of none
    struct job *child;  // of a due_queue, and so is
    uint64_t place;
    bool follows;       // a later turn of a session, due by the end of the former
    size_t weight;      // bytes that the feed counts for it

    // Of the worker that has it; times on CLOCK_MONOTONIC.
    struct loop_timer timer;  // of its waiting between two attempts
    struct worker *worker;
    struct worker_slot *slot; // of a closed loop
    int64_t read_ns;          // when the feed had it ready
    int64_t first_sent_ns;    // of the first attempt
    int64_t failed_ns;        // when the last attempt did, while it waits for the next
    int64_t retries;          // done so far
    int64_t retry_after_ns;   // what the server asked for; below 0: nothing
};

struct job *job_new(void); // NULL: out of memory
void job_free(struct job *job); // members too; NULL is fine

/* Makes it ready for another attempt: what the last one brought is dropped, due_ns and attempts stay. */
void job_again(struct job *job);
/* Notes the attempt that has just failed. */
int job_note_attempt(struct job *job, int64_t end_ns);

#endif
