/*
 * fuzz/tap.c: packets of anything are taken, and a stream comes out as it went in, however its packets came
 *
 * The bytes are, first, a packet of each link type, which is handed on to the connections if it has a segment: views stay
 * within the packet. Then they are orders: a stream of known bytes is cut into packets, which come in any order, again and
 * overlapping, while nobody acknowledges what was not seen. What is delivered must be the stream, once and in order, each
 * byte at the time of the latest of the packets that first brought it or a byte before it.
 */
#include "padded.h"
#include "tap/flow.h"
#include "tap/tcp.h"

#include <pcap/dlt.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAM = 512 };

static void on_seen(void *arg, struct seen *seen)
{
    struct buf *lines = arg, scratch = {0};
    struct seen_form form = {.start = STR("1970-01-01T00:00:00Z"), .load = STR("{}"), .shows = SEEN_TEXTS};
    buf_clear(lines);
    seen_write(seen, &form, &scratch, lines);
    must(!lines->failed && lines->ptr[lines->len - 1] == '\n');
    must(memchr(lines->ptr, '\n', lines->len) == lines->ptr + lines->len - 1); // one line, whatever was in it
    must(seen->end_ns >= seen->sent_ns);
    buf_release(&scratch);
    seen_free(seen);
}

static void take_anything(struct str bytes)
{
    static const int links[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_RAW, DLT_USB};
    static const uint16_t ports[] = {8000};
    struct buf lines = {0};
    struct err err;
    struct flows *flows = flows_new(&(struct flows_options){.ports = ports, .port_count = 1, .done = on_seen, .arg = &lines}, &err);
    must(flows != NULL);
    for (size_t i = 0; i < COUNT(links); i++) {
        struct packet packet = {.at_ns = (int64_t)i};
        if (!packet_parse(&packet, links[i], bytes))
            continue;
        must(packet.payload.len <= packet.payload_len && packet.payload.ptr >= bytes.ptr);
        must(packet.payload.ptr + packet.payload.len <= bytes.ptr + bytes.len);
        packet.to.port = 8000;
        must(flows_take(flows, &packet, &err) == 0);
        for (size_t cut = 0; cut < 2; cut++) { // the payload as what client and server say
            struct packet other = {.from = packet.to, .to = packet.from, .payload = packet.payload, .payload_len = packet.payload.len,
                                   .at_ns = (int64_t)i};
            if (cut == 1)
                other.from = packet.from, other.to = packet.to, other.to.port = 8000, other.seq = packet.seq + (uint32_t)packet.payload_len;
            must(flows_take(flows, &other, &err) == 0);
        }
    }
    must(flows_finish(flows, 100, &err) == 0);
    flows_free(flows);
    buf_release(&lines);
}

/* Both sides of a conversation: what comes before the first zero byte is the client's. */
static void take_talk(struct str bytes)
{
    static const uint16_t ports[] = {8000};
    static const struct packet_end client = {.port = 40000}, server = {.port = 8000};
    struct buf lines = {0};
    struct err err;
    struct flows *flows = flows_new(&(struct flows_options){.ports = ports, .port_count = 1, .done = on_seen, .arg = &lines}, &err);
    must(flows != NULL);
    const char *zero = bytes.len > 0 ? memchr(bytes.ptr, '\0', bytes.len) : NULL;
    size_t asked = zero ? (size_t)(zero - bytes.ptr) : bytes.len, behind = zero ? asked + 1 : asked;
    struct str said = {bytes.ptr + behind, bytes.len - behind};
    struct packet packets[] = {
        {.from = client, .to = server, .flags = PACKET_SYN, .seq = 0, .at_ns = 1},
        {.from = client, .to = server, .seq = 1, .payload = {bytes.ptr, asked}, .payload_len = asked, .at_ns = 2},
        {.from = server, .to = client, .seq = 1, .payload = said, .payload_len = said.len, .at_ns = 3},
        {.from = server, .to = client, .seq = 1 + (uint32_t)said.len, .flags = PACKET_FIN, .at_ns = 4},
    };
    for (size_t i = 0; i < COUNT(packets); i++)
        must(flows_take(flows, &packets[i], &err) == 0);
    must(flows_finish(flows, 100, &err) == 0);
    flows_free(flows);
    buf_release(&lines);
}

struct story {
    size_t delivered;
    int64_t first_ns[STREAM]; // when each byte first came; 0: it has not
    int64_t latest_ns;
};

static char byte_at(size_t place)
{
    return (char)(place * 7 + place / 256);
}

static void on_bytes(void *arg, struct str bytes, int64_t at_ns)
{
    struct story *story = arg;
    for (size_t i = 0; i < bytes.len; i++, story->delivered++) {
        must(story->delivered < STREAM && bytes.ptr[i] == byte_at(story->delivered) && story->first_ns[story->delivered] > 0);
        if (story->first_ns[story->delivered] > story->latest_ns)
            story->latest_ns = story->first_ns[story->delivered];
    }
    must(at_ns == story->latest_ns);
}

static void on_lost(void *arg, size_t count, int64_t at_ns)
{
    (void)arg, (void)count, (void)at_ns;
    must(false);
}

static void take_in_any_order(const uint8_t *orders, size_t size)
{
    struct story story = {0};
    struct tcp tcp = {.bytes = on_bytes, .lost = on_lost, .arg = &story};
    uint32_t isn = size >= 4 ? (uint32_t)orders[0] << 24 | 0xffff00u | orders[1] : 0;
    char bytes[STREAM];
    size_t whole = 0;
    struct err err;
    for (size_t i = 0; i < STREAM; i++)
        bytes[i] = byte_at(i);
    must(tcp_take(&tcp, &(struct packet){.seq = isn - 1, .flags = PACKET_SYN, .at_ns = 1}, &err) == 0);
    for (size_t i = 4; i + 2 < size; i += 3) {
        size_t from = (size_t)(orders[i] | (orders[i + 2] & 1) << 8), len = orders[i + 1];
        len = len < STREAM - from ? len : STREAM - from;
        int64_t now_ns = (int64_t)i;
        for (size_t at = from; at < from + len; at++)
            if (story.first_ns[at] == 0)
                story.first_ns[at] = now_ns;
        struct packet packet = {.seq = isn + (uint32_t)from, .payload = {bytes + from, len}, .payload_len = len, .at_ns = now_ns};
        must(tcp_take(&tcp, &packet, &err) == 0);
    }
    while (whole < STREAM && story.first_ns[whole] > 0)
        whole++;
    must(story.delivered == whole);
    tcp_release(&tcp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); // without room behind: packets have none
    must(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    struct str bytes = {copy, size};
    take_anything(bytes);
    take_talk(bytes);
    take_in_any_order(data, size);
    free(copy);
    return 0;
}
