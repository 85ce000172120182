/*
 * tap/witness.h: when the answers to our own requests arrived, from a thread that sees their packets
 *
 *     struct witness *witness = witness_start("lo", 8000, &err);
 *     struct seen *seen = witness_take(witness, &our_end, 3, end_ns + NS_PER_S); // the third request of that connection
 *     ... seen->answer.first_ns, ...
 *     seen_free(seen);
 *     witness_stop(witness);
 *
 * All times are on CLOCK_MONOTONIC. Connections are counted from their first packet, so they must begin after the start.
 * What nobody takes (that of other clients of the port, too) is kept until newer ones need its place: of those whose
 * port and number share one, the latest WITNESS_DEEP.
 */
#ifndef TAP_WITNESS_H
#define TAP_WITNESS_H

#include "tap/seen.h"

#define WITNESS_PLACES 8192
#define WITNESS_DEEP 8

struct witness;
/* Needs CAP_NET_RAW (tap/capture.h). When it returns, packets are being captured. */
struct witness *witness_start(const char *interface, uint16_t port, struct err *err);
void witness_stop(struct witness *witness); // NULL is fine

/* The nth request, from 1, of the connection that begins at client, once its answer is over; the caller frees it. Waits until
 * until_ns. NULL: it was not seen. From any thread. */
struct seen *witness_take(struct witness *witness, const struct packet_end *client, uint64_t nth, int64_t until_ns);

#endif
