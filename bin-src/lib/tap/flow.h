/*
 * tap/flow.h: connections to a server, and the requests and answers on them
 *
 *     struct flows *flows = flows_new(&(struct flows_options){.ports = ports, .port_count = 1, .done = on_seen, .arg = x}, &err);
 *     flows_take(flows, &packet, &err);   // each packet, in the order of capture
 *     flows_finish(flows, now_ns, &err);  // the capture ends
 *     flows_free(flows);
 *
 * A connection may carry many requests, one after the other or several ahead of their answers. One that is seen first in
 * its middle is of use from its next request on. Where bytes were lost, what they belonged to is partial, and reading goes
 * on with the next request. Memory is bounded by what is under way: a request's body and what has come of its answer.
 */
#ifndef TAP_FLOW_H
#define TAP_FLOW_H

#include "tap/seen.h"

struct flows_options {
    const uint16_t *ports; // of the server; as long as the flows
    size_t port_count;
    enum { FLOWS_KEEP_BODIES, FLOWS_DROP_BODIES } bodies; // of requests, as one line of JSON, once they are read
    /* A request is over. The seen is the callee's to free. */
    void (*done)(void *arg, struct seen *seen);
    void *arg;
};

struct flows_counts {
    uint64_t packets;     // of the ports
    uint64_t requests;    // that asked for one of openai_apis, and have begun
    uint64_t others;      // that asked for something else
    uint64_t joined;      // connections that were in the middle of an answer when they were first seen
    uint64_t sealed;      // connections that carry TLS
    uint64_t unread;      // connections that carry something else than HTTP/1
    uint64_t lost_bytes;
};

struct flows;
struct flows *flows_new(const struct flows_options *options, struct err *err);
void flows_free(struct flows *flows); // NULL is fine

/* -1: out of memory. */
int flows_take(struct flows *flows, const struct packet *packet, struct err *err);
/* What is under way is given away as it stands, the oldest connection first. */
int flows_finish(struct flows *flows, int64_t now_ns, struct err *err);
struct flows_counts flows_counts(const struct flows *flows);

#endif
