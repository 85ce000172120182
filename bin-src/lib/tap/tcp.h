/*
 * tap/tcp.h: one direction of a TCP connection, its bytes in order, each with the time at which it could be read
 *
 *     struct tcp up = {.bytes = on_bytes, .lost = on_lost, .arg = connection};
 *     tcp_take(&up, &packet, &err);                          // a packet of this direction
 *     tcp_acked(&up, packet.ack, packet.at_ns, &err);        // one of the other direction
 *     tcp_flush(&up);                                        // no more will come
 *     tcp_release(&up);
 *
 * What is sent again is skipped: the first copy's stamp counts. Segments ahead of a hole are held; when it is filled,
 * they have the time of the packet that filled it, for no reader had them before. A hole is lost when the other side has
 * acknowledged it for TCP_LOST_NS (so it was there, and only the capture missed it), when more is held behind it than
 * TCP_HELD_BYTES in TCP_HELD_COUNT segments, or at the end. A direction first seen in the middle begins there.
 */
#ifndef TAP_TCP_H
#define TAP_TCP_H

#include "base/err.h"
#include "tap/packet.h"

#define TCP_LOST_NS (100 * 1000 * 1000)
#define TCP_HELD_BYTES (4 << 20)
#define TCP_HELD_COUNT 4096

struct tcp_held;

struct tcp {
    /* Times never go back. lost: so many bytes are missing here. */
    void (*bytes)(void *arg, struct str bytes, int64_t at_ns);
    void (*lost)(void *arg, size_t count, int64_t at_ns);
    void *arg;

    bool begun;     // next is known
    bool over;      // its FIN came, and all before it
    bool has_end;   // its FIN is known, at sequence number end
    bool has_ack;   // all below ack has reached the other side; since ack_ns, if that is beyond next
    uint32_t next, end, ack;
    int64_t at_ns, ack_ns;
    struct tcp_held *held; // by sequence number; all beyond next
    size_t held_bytes, held_count;
};

/* -1: out of memory. */
int tcp_take(struct tcp *tcp, const struct packet *packet, struct err *err);
void tcp_acked(struct tcp *tcp, uint32_t ack, int64_t at_ns);
void tcp_flush(struct tcp *tcp);
void tcp_release(struct tcp *tcp);

#endif
