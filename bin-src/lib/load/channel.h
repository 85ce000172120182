/*
 * load/channel.h: a connection, and the answer that comes in on it
 *
 * One request at a time. The channel reads, takes HTTP, SSE and JSON apart and fills in the job's reply and timing;
 * what is done with a job whose attempt is over is its owner's business (over, below).
 */
#ifndef LOAD_CHANNEL_H
#define LOAD_CHANNEL_H

#include "load/job.h"
#include "load/options.h"
#include "net/http.h"
#include "net/sse.h"

/* What the channels of one thread share. */
struct channel_context {
    const struct load_options *options;
    struct loop *loop;
    struct dialer **dialers; // one a target
    struct stamp_clock stamps;
    struct jdoc *doc;
    char *bytes; // to read into: CHANNEL_READ_BYTES, and padding
    int64_t start_ns;
    struct err err;  // why the thread cannot go on (out of memory)
    bool failed;
};
#define CHANNEL_READ_BYTES (256 << 10)

struct channel {
    struct loop_watch watch;
    struct loop_timer timer; // for the job's limits of time
    struct dial dial;
    struct channel_context *context;
    size_t target; // of the options
    struct job *job; // NULL: idle
    /* The attempt is over, at end_ns: job->reply.failure says how. reusable: the connection may carry another. Of an
     * idle channel: the server closed it. The channel may be freed in it. */
    void (*over)(struct channel *channel, int64_t end_ns, bool reusable);
    struct channel *next, *prev;

    struct http http;
    struct sse sse;
    struct buf body;       // of an answer that is no stream
    size_t sent;           // of head and body
    int send_errno;        // what sending them ended with
    bool connected;
    int64_t carried;       // requests, this one among them
    bool answered;         // a byte of this answer came
    bool streamed;         // this answer is a stream of events
    int64_t empty_ns;      // when the socket was last known to hold nothing
    int64_t token_ns;      // arrival of the latest event with choices, from the first content on; TIMING_NEVER: none
    int64_t byte_ns;       // arrival of the latest byte
    int64_t merged;        // events with choices in this read
    int64_t chunk_ns;      // the latest time that a chunk was given, as the record has it; TIMING_NEVER: none
    int64_t contents;      // events with content so far
    bool last_is_token;    // the latest event was one
    bool too_long;         // the body is
    bool gives_up;         // the job is to be cancelled now
};

struct channel *channel_new(struct channel_context *context, size_t target, void (*over)(struct channel *, int64_t, bool),
                            struct err *err);
/* Closes and frees it. Its job, if any, is the caller's. */
void channel_free(struct channel *channel);

/* Sends the job, connecting if need be. The job's sent_ns is set already. */
void channel_send(struct channel *channel, struct job *job);
#endif
