/* tap/tcp.c: see tcp.h */
#include "tap/tcp.h"

#include <stdlib.h>

/* A segment that waits for what is before it. */
struct tcp_held {
    struct tcp_held *next;
    uint32_t seq;
    size_t len, kept; // on the wire, and of it captured
    int64_t at_ns;
    char bytes[];
};

/* How far a is beyond b, around the wrap; below 0: before it. */
static int32_t beyond(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static void lose(struct tcp *tcp, size_t count, int64_t at_ns)
{
    tcp->at_ns = at_ns > tcp->at_ns ? at_ns : tcp->at_ns;
    tcp->next += (uint32_t)count;
    tcp->lost(tcp->arg, count, tcp->at_ns);
}

/* Hands on what is new of the segment at next, or before it. */
static void deliver(struct tcp *tcp, uint32_t seq, struct str bytes, size_t len, int64_t at_ns)
{
    size_t old = (size_t)-beyond(seq, tcp->next);
    if (old >= len)
        return;
    tcp->at_ns = at_ns > tcp->at_ns ? at_ns : tcp->at_ns;
    if (old < bytes.len) {
        struct str fresh = {bytes.ptr + old, bytes.len - old};
        tcp->next += (uint32_t)fresh.len;
        tcp->bytes(tcp->arg, fresh, tcp->at_ns);
        old = bytes.len;
    }
    if (old < len) // the capture cut the packet short
        lose(tcp, len - old, at_ns);
}

static void drop_first(struct tcp *tcp)
{
    struct tcp_held *first = tcp->held;
    tcp->held = first->next;
    tcp->held_bytes -= first->kept;
    tcp->held_count--;
    free(first);
}

/* Hands on what waited and need not any more. */
static void deliver_held(struct tcp *tcp)
{
    while (tcp->held && beyond(tcp->held->seq, tcp->next) <= 0) {
        deliver(tcp, tcp->held->seq, (struct str){tcp->held->bytes, tcp->held->kept}, tcp->held->len, tcp->held->at_ns);
        drop_first(tcp);
    }
    tcp->over = tcp->has_end && beyond(tcp->next, tcp->end) >= 0;
}

/* Is something missing that must have been there: what is held, or the end, lies beyond next? */
static bool has_hole(const struct tcp *tcp)
{
    return tcp->held || (tcp->has_end && beyond(tcp->end, tcp->next) > 0);
}

static void lose_hole(struct tcp *tcp)
{
    lose(tcp, (size_t)beyond(tcp->held ? tcp->held->seq : tcp->end, tcp->next), tcp->held ? tcp->held->at_ns : tcp->at_ns);
    deliver_held(tcp);
}

static int hold(struct tcp *tcp, const struct packet *packet, struct err *err)
{
    struct tcp_held **at = &tcp->held, *held = malloc(sizeof *held + packet->payload.len);
    if (!held)
        return err_nomem(err);
    while (*at && beyond((*at)->seq, packet->seq) <= 0) // the first copy comes first
        at = &(*at)->next;
    *held = (struct tcp_held){*at, packet->seq, packet->payload_len, packet->payload.len, packet->at_ns};
    if (packet->payload.len > 0)
        memcpy(held->bytes, packet->payload.ptr, packet->payload.len);
    *at = held;
    tcp->held_bytes += held->kept;
    tcp->held_count++;
    while (tcp->held_bytes > TCP_HELD_BYTES || tcp->held_count > TCP_HELD_COUNT)
        lose_hole(tcp);
    return 0;
}

/* Gives up the holes that the other side does not have. */
static void look_at_holes(struct tcp *tcp, int64_t now_ns)
{
    while (has_hole(tcp) && tcp->has_ack && beyond(tcp->ack, tcp->next) > 0 && now_ns - tcp->ack_ns >= TCP_LOST_NS)
        lose_hole(tcp);
}

int tcp_take(struct tcp *tcp, const struct packet *packet, struct err *err)
{
    uint32_t seq = packet->seq + (packet->flags & PACKET_SYN ? 1 : 0);
    struct packet data = *packet;
    data.seq = seq;
    if (!tcp->begun && (packet->payload_len > 0 || packet->flags & (PACKET_SYN | PACKET_FIN))) {
        tcp->begun = true;
        tcp->next = seq;
        tcp->at_ns = packet->at_ns;
    }
    if (!tcp->begun)
        return 0;
    look_at_holes(tcp, packet->at_ns);
    if (packet->flags & PACKET_FIN && !tcp->has_end) {
        tcp->has_end = true;
        tcp->end = seq + (uint32_t)packet->payload_len;
    }
    if (packet->payload_len > 0 && beyond(seq, tcp->next) > 0)
        return hold(tcp, &data, err);
    if (packet->payload_len > 0)
        deliver(tcp, seq, packet->payload, packet->payload_len, packet->at_ns);
    deliver_held(tcp);
    return 0;
}

void tcp_acked(struct tcp *tcp, uint32_t ack, int64_t at_ns)
{
    if (!tcp->begun)
        return;
    bool was_ahead = tcp->has_ack && beyond(tcp->ack, tcp->next) > 0;
    if (!tcp->has_ack || beyond(ack, tcp->ack) > 0)
        tcp->ack = ack;
    if (!was_ahead)
        tcp->ack_ns = at_ns;
    tcp->has_ack = true;
    look_at_holes(tcp, at_ns);
}

void tcp_flush(struct tcp *tcp)
{
    while (has_hole(tcp))
        lose_hole(tcp);
}

void tcp_release(struct tcp *tcp)
{
    while (tcp->held)
        drop_first(tcp);
}
