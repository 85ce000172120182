/*
 * net/sse.h: server-sent events out of bytes (WHATWG HTML, 9.2), with the time that each arrived
 *
 *     struct sse sse = {0};
 *     struct sse_event event;
 *     struct str input = body;
 *     while ((got = sse_next(&sse, &input, arrived_ns, &event)) > 0)
 *         ... event.data
 *     sse_release(&sse);
 *
 * Lines end in LF, CRLF or CR; "data:" may lack the blank; several data lines are joined with LF; comments, ids and
 * retry fields are skipped. An event's data is a view into the input where it stood there whole, else a copy; either
 * way it lives until the next call, and SSE_PADDING bytes behind it are readable if they are behind the input.
 *
 * An event has arrived when the last byte of its last data line has: a blank line that comes later changes nothing.
 */
#ifndef NET_SSE_H
#define NET_SSE_H

#include "base/buf.h"

#include <stdint.h>

#define SSE_PADDING 64
#define SSE_EVENT_MAX (64 << 20)

struct sse_event {
    struct str data;
    bool is_error;      // it is named "error", or came in a field of that name (llama.cpp before 2025)
    int64_t arrived_ns;
};

struct sse {
    struct buf line;     // of which only a part has come
    struct buf held;     // data of the event so far, where it is not in the input
    struct str data;     // the same, as far as it is: a view into the input or into held
    bool has_data, is_error;
    bool after_cr;       // a line feed now belongs to the line before
    bool begun;          // a line came: a byte order mark can stand before the first alone
    int64_t data_ns, line_ns; // arrival of the last byte of data, and of line's last byte
};

/* The next whole event. 1: got one, 0: the input is used up, -1: out of memory, or over SSE_EVENT_MAX. */
int sse_next(struct sse *sse, struct str *input, int64_t arrived_ns, struct sse_event *event);
/* At the end of the body: an event whose blank line is missing. As sse_next. */
int sse_end(struct sse *sse, struct sse_event *event);
void sse_reset(struct sse *sse); // for another stream; keeps the memory
void sse_release(struct sse *sse);

#endif
