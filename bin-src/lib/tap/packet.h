/*
 * tap/packet.h: the TCP segment in a captured packet
 *
 *     struct packet packet;
 *     if (packet_parse(&packet, DLT_EN10MB, bytes))
 *         ... packet.from, packet.seq, packet.payload
 *
 * Ethernet (VLAN tags too), Linux cooked captures, BSD loopback and bare IP; IPv4 with options, IPv6 with extension
 * headers. Checksums are not looked at: on a host's own packets the network card would have filled them in. Fragments of IP
 * packets are no segments here: their bytes count as lost (tap/tcp.h).
 */
#ifndef TAP_PACKET_H
#define TAP_PACKET_H

#include "base/str.h"

#include <stdint.h>

/* One end of a connection. IPv4 is written as IPv6 writes it, ::ffff:1.2.3.4, so that ends compare by their bytes. */
struct packet_end {
    unsigned char address[16];
    uint16_t port;
};

enum { PACKET_FIN = 1, PACKET_SYN = 2, PACKET_RST = 4, PACKET_ACK = 16 };

struct packet {
    struct packet_end from, to;
    uint32_t seq, ack;
    unsigned flags;
    struct str payload;  // as much of it as was captured: a view into the packet
    size_t payload_len;  // on the wire
    int64_t at_ns;       // set by whoever has the packet's stamp
};

/* Can packets of this link type (libpcap's DLT_) be read? */
bool packet_knows(int link_type);
/* False: it is no whole TCP segment. */
bool packet_parse(struct packet *packet, int link_type, struct str bytes);

bool packet_same_end(const struct packet_end *a, const struct packet_end *b);

#define PACKET_END_SIZE 56
/* "127.0.0.1:8000" or "[::1]:8000". */
void packet_format_end(const struct packet_end *end, char text[PACKET_END_SIZE]);

#endif
