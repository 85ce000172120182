/*
 * tap/seen.h: a request and its answer as they crossed the wire, and the record of them
 */
#ifndef TAP_SEEN_H
#define TAP_SEEN_H

#include "openai/answer.h"
#include "record/timing.h"
#include "tap/packet.h"

struct seen {
    struct seen *next;
    struct packet_end client, server;
    uint64_t nth;      // request of its connection, from 1, as far as that was seen
    uint64_t number;   // of the capture, from 1
    bool is_ours;      // it asks for one of openai_apis; else nothing is told of it
    struct buf id;     // X-Request-Id; empty: it had none
    struct buf secret; // the key of its Authorization, which no record may hold
    struct buf body;   // while it comes in; then, if texts are kept, as JSON on one line
    uint64_t body_bytes;
    int64_t syn_ns;    // the connection was begun, if this is its first request; TIMING_NEVER: that was not seen
    int64_t sent_ns;   // its first byte
    int64_t end_ns;    // the answer's last byte, or when it was given up
    struct answer answer;
    bool partial;      // the capture missed some of it
};

struct seen *seen_new(void); // NULL: out of memory
void seen_free(struct seen *seen);

/* What all records of a capture have in common. */
struct seen_form {
    struct str start;  // UTC
    int64_t start_ns;  // TIMING_NEVER: not known, of a capture file
    struct str load;   // JSON text
    enum { SEEN_LENGTHS, SEEN_TEXTS } shows; // without texts, nothing that a person or a model said is in the record
};

/* Adds the record, with its line feed, to out. scratch is used. */
void seen_write(const struct seen *seen, const struct seen_form *form, struct buf *scratch, struct buf *out);

#endif
