/*
 * load/cancel.h: requests that are given up in mid-stream, as impatient users do
 *
 *     struct cancel cancel;
 *     if (cancel_parse(&cancel, "10%", "exp:2s", &err) < 0) ...
 *     job->cancel = cancel_draw(&cancel, seed, place);
 *
 * Which requests, and when, goes by the seed and the record's place in the input alone: neither by time nor by what the
 * server does. So two runs, and the parts of a resumed one, give up the same. One that ends sooner is an ordinary one.
 */
#ifndef LOAD_CANCEL_H
#define LOAD_CANCEL_H

#include "base/buf.h"
#include "stats/distribution.h"

struct cancel {
    double share; // of the requests, 0 to 1; 0: none
    int64_t chunks; // after so many with content; 0: by time
    struct distribution after; // ns after it was sent, once there is a connection
    const char *when; // as it was given; NULL: at the first chunk with content
};

/* share: "0.1" or "10%"; when: a time or distribution with a unit ("500ms", "exp:2s"), or a bare number, of chunks; NULL: 1.
 * Keeps when. */
int cancel_parse(struct cancel *cancel, const char *share, const char *when, struct err *err);

/* When a request is given up: after so long, and after so many chunks. */
struct cancel_when {
    int64_t after_ns; // below 0: not by time
    int64_t chunks;   // 0: not by chunks
};
#define CANCEL_NEVER ((struct cancel_when){-1, 0})

struct cancel_when cancel_draw(const struct cancel *cancel, int64_t seed, int64_t place);
/* Writes what timing.load says of it, behind a key. */
void cancel_describe(const struct cancel *cancel, struct buf *out);

#endif
