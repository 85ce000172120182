/* tap/packet.c: see packet.h */
#include "tap/packet.h"

#include <arpa/inet.h>
#include <pcap/dlt.h>
#include <stdio.h>

enum { IPV4 = 0x0800, IPV6 = 0x86dd, VLAN = 0x8100, VLAN_OUTER = 0x88a8, TCP = 6, VLAN_TAGS_MAX = 4, EXTENSIONS_MAX = 16 };

static unsigned be16(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;
    return (unsigned)byte[0] << 8 | byte[1];
}

static uint32_t be32(const char *at)
{
    return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static bool skip(struct str *bytes, size_t len)
{
    if (bytes->len < len)
        return false;
    *bytes = (struct str){bytes->ptr + len, bytes->len - len};
    return true;
}

/* --- the link --- */

/* What comes before the IP packet, by link type: so many bytes, of which two say which protocol follows, at type_at;
 * below 0: none do. */
static const struct link {
    int type;
    size_t len;
    int type_at;
} links[] = {
    {DLT_EN10MB, 14, 12}, {DLT_LINUX_SLL, 16, 14}, {DLT_LINUX_SLL2, 20, 0}, {DLT_NULL, 4, -1}, {DLT_LOOP, 4, -1},
    {DLT_RAW, 0, -1},     {DLT_IPV4, 0, -1},       {DLT_IPV6, 0, -1},
};

static const struct link *find_link(int type)
{
    for (size_t i = 0; i < COUNT(links); i++)
        if (links[i].type == type)
            return &links[i];
    return NULL;
}

bool packet_knows(int link_type)
{
    return find_link(link_type) != NULL;
}

/* Leaves the IP packet in bytes. */
static bool strip_link(struct str *bytes, int link_type)
{
    const struct link *link = find_link(link_type);
    if (!link || bytes->len < link->len)
        return false;
    unsigned protocol = link->type_at < 0 ? IPV4 : be16(bytes->ptr + link->type_at);
    skip(bytes, link->len);
    for (int i = 0; i < VLAN_TAGS_MAX && (protocol == VLAN || protocol == VLAN_OUTER); i++) {
        if (bytes->len < 4)
            return false;
        protocol = be16(bytes->ptr + 2);
        skip(bytes, 4);
    }
    return protocol == IPV4 || protocol == IPV6;
}

/* --- IP --- */

static void set_ipv4(struct packet_end *end, const char *address)
{
    memset(end->address, 0, 10);
    memset(end->address + 10, 0xff, 2);
    memcpy(end->address + 12, address, 4);
}

/* Leaves what IP carries in bytes, with what the network padded taken off; *len is how long it was on the wire. */
static bool cut_to(struct str *bytes, size_t header, size_t total, size_t *len)
{
    if (total == 0) // a segment too long for the field, which the card would have cut up
        total = bytes->len;
    if (total < header || !skip(bytes, header))
        return false;
    *len = total - header;
    bytes->len = bytes->len < *len ? bytes->len : *len;
    return true;
}

static bool strip_ipv4(struct packet *packet, struct str *bytes, size_t *len)
{
    if (bytes->len < 20)
        return false;
    size_t header = 4 * ((size_t)bytes->ptr[0] & 15);
    bool fragment = be16(bytes->ptr + 6) & 0x3fff; // more follow, or it is not the first
    if (header < 20 || fragment || bytes->ptr[9] != TCP)
        return false;
    set_ipv4(&packet->from, bytes->ptr + 12);
    set_ipv4(&packet->to, bytes->ptr + 16);
    return cut_to(bytes, header, be16(bytes->ptr + 2), len);
}

/* Steps over an extension header. False: it is none, or a fragment's. */
static bool skip_extension(struct str *bytes, int *next, size_t *len)
{
    enum { HOPS = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60, MOBILITY = 135 };
    if (bytes->len < 8)
        return false;
    size_t units = (unsigned char)bytes->ptr[1], size = 8 * units + 8;
    if (*next == AUTHENTICATION)
        size = 4 * units + 8;
    else if (*next == FRAGMENT) {
        size = 8;
        if (be16(bytes->ptr + 2) & 0xfff9) // but one that is all of it
            return false;
    } else if (*next != HOPS && *next != ROUTING && *next != DESTINATION && *next != MOBILITY)
        return false;
    *next = (unsigned char)bytes->ptr[0];
    if (*len < size || !skip(bytes, size))
        return false;
    *len -= size;
    return true;
}

static bool strip_ipv6(struct packet *packet, struct str *bytes, size_t *len)
{
    enum { HEADER = 40 };
    if (bytes->len < HEADER)
        return false;
    int next = (unsigned char)bytes->ptr[6];
    size_t carried = be16(bytes->ptr + 4);
    memcpy(packet->from.address, bytes->ptr + 8, 16);
    memcpy(packet->to.address, bytes->ptr + 24, 16);
    if (!cut_to(bytes, HEADER, carried == 0 ? 0 : carried + HEADER, len))
        return false;
    for (int i = 0; next != TCP; i++)
        if (i == EXTENSIONS_MAX || !skip_extension(bytes, &next, len))
            return false;
    return true;
}

/* --- TCP --- */

static bool strip_tcp(struct packet *packet, struct str bytes, size_t len)
{
    if (bytes.len < 20)
        return false;
    size_t header = 4 * ((size_t)(unsigned char)bytes.ptr[12] >> 4);
    if (header < 20 || header > len)
        return false;
    packet->from.port = (uint16_t)be16(bytes.ptr);
    packet->to.port = (uint16_t)be16(bytes.ptr + 2);
    packet->seq = be32(bytes.ptr + 4);
    packet->ack = be32(bytes.ptr + 8);
    packet->flags = (unsigned char)bytes.ptr[13];
    packet->payload_len = len - header;
    packet->payload = header < bytes.len ? (struct str){bytes.ptr + header, bytes.len - header} : (struct str){bytes.ptr, 0};
    return true;
}

bool packet_parse(struct packet *packet, int link_type, struct str bytes)
{
    size_t len;
    if (!strip_link(&bytes, link_type) || bytes.len == 0)
        return false;
    int version = (unsigned char)bytes.ptr[0] >> 4;
    if (version == 4 ? !strip_ipv4(packet, &bytes, &len) : version != 6 || !strip_ipv6(packet, &bytes, &len))
        return false;
    return strip_tcp(packet, bytes, len);
}

bool packet_same_end(const struct packet_end *a, const struct packet_end *b)
{
    return a->port == b->port && memcmp(a->address, b->address, sizeof a->address) == 0;
}

void packet_format_end(const struct packet_end *end, char text[PACKET_END_SIZE])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char address[INET6_ADDRSTRLEN] = "";
    bool is_ipv4 = memcmp(end->address, mapped, sizeof mapped) == 0;
    inet_ntop(is_ipv4 ? AF_INET : AF_INET6, end->address + (is_ipv4 ? sizeof mapped : 0), address, sizeof address);
    snprintf(text, PACKET_END_SIZE, is_ipv4 ? "%s:%u" : "[%s]:%u", address, end->port);
}
