/* tap/flow.c: see flow.h */
#include "tap/flow.h"

#include "tap/tcp.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS_FIRST = 256, BODY_MAX = 64 << 20 };

/* A connection. */
struct flow {
    struct flow *in_bucket;   // the next there
    size_t hash;
    struct flow *older, *newer;
    struct flows *all;
    struct packet_end client, server;
    struct tcp up, down;      // to the server, and from it
    struct http http;         // of the requests
    int64_t head_ns;          // the first byte of the request that is coming in
    int64_t syn_ns;           // TIMING_NEVER: was not seen
    uint32_t syn_seq;
    int64_t left_ns;          // the client closed its side; TIMING_NEVER: it has not
    uint64_t requests;
    struct seen *first, **last; // asked, and not answered to the end yet
    struct seen *asking;        // the one whose request is still coming in, if any; it may be answered already
    bool up_begun;              // the client said something
    bool up_skips, down_skips;  // until a message begins at the beginning of a packet
    bool unread;                // nothing here is for us
};

struct flows {
    struct flows_options options;
    struct flows_counts counts;
    struct flow **buckets;
    size_t bucket_count, count; // a power of two
    struct flow *oldest, *newest;
    struct jdoc *doc;
    struct buf bytes; // of the packet at hand, with room behind
    bool failed;
    struct err err;
};

/* Out of memory within a callback: shows when the packet has been taken. */
static void fail(struct flows *flows, const struct err *err)
{
    if (!flows->failed)
        flows->err = *err;
    flows->failed = true;
}

static void fail_nomem(struct flows *flows)
{
    struct err err;
    err_nomem(&err);
    fail(flows, &err);
}

/* --- the end of a request --- */

/* Of a request that breaks off, or is answered before it is whole, no body is kept. */
static void stop_asking(struct flow *flow)
{
    if (flow->asking)
        buf_release(&flow->asking->body);
    flow->asking = NULL;
}

static void finish_first(struct flow *flow, int64_t end_ns)
{
    struct seen *seen = flow->first;
    const struct answer *answer = &seen->answer;
    flow->first = seen->next;
    if (!flow->first)
        flow->last = &flow->first;
    if (flow->asking == seen)
        stop_asking(flow);
    size_t chunks = answer_chunk_count(answer);
    seen->end_ns = end_ns > seen->sent_ns ? end_ns : seen->sent_ns;
    if (chunks > 0 && answer_chunks_ns(answer)[chunks - 1] > seen->end_ns) // by the ns that sets it apart
        seen->end_ns = answer_chunks_ns(answer)[chunks - 1];
    str_conceal(buf_str(&seen->answer.reply.message), buf_str(&seen->secret));
    if (seen->is_ours && !flow->all->failed) // else it may lack something
        flow->all->options.done(flow->all->options.arg, seen);
    else
        seen_free(seen);
}

/* The capture missed something of the first request or its answer. */
static void finish_partial(struct flow *flow, const char *why, int64_t at_ns)
{
    struct seen *seen = flow->first;
    seen->partial = true;
    reply_fail(&seen->answer.reply, FAILURE_TRUNCATED, "captured in part: %s", why);
    finish_first(flow, at_ns);
}

/* No more will come of the answers. */
static void finish_all(struct flow *flow, const char *why, int64_t at_ns)
{
    while (flow->first) {
        struct answer *answer = &flow->first->answer;
        struct err err;
        enum answer_got got = answer_end(answer, flow->all->doc, &err);
        if (got == ANSWER_FAILED && err.kind == ERR_NOMEM)
            fail(flow->all, &err);
        if (got == ANSWER_FAILED)
            reply_fail(&answer->reply, FAILURE_TRUNCATED, "%s", why);
        finish_first(flow, got == ANSWER_WHOLE ? answer->byte_ns : at_ns);
    }
}

/* --- requests --- */

/* Which of openai_apis the path asks for: whatever stands before it, and without what stands behind "?". */
static bool api_of_path(struct str target, enum openai_api *api)
{
    const char *question = memchr(target.ptr, '?', target.len);
    if (question)
        target.len = (size_t)(question - target.ptr);
    for (int i = 0; i < OPENAI_API_COUNT; i++) { // "/chat/completions" comes before "/completions"
        struct str path = str_of(openai_paths[i]);
        if (target.len >= path.len && memcmp(target.ptr + target.len - path.len, path.ptr, path.len) == 0) {
            *api = (enum openai_api)i;
            return true;
        }
    }
    return false;
}

static void note_header(const struct http *http, const char *name, struct buf *to)
{
    struct str value;
    if (to->len == 0 && http_header(http, name, &value))
        buf_add_str(to, value);
}

/* The key is what stands behind "Bearer". */
static void note_secret(const struct http *http, struct seen *seen)
{
    struct str value;
    if (http_header(http, "authorization", &value)) {
        const char *blank = memrchr(value.ptr, ' ', value.len);
        buf_add_str(&seen->secret, blank ? (struct str){blank + 1, value.len - (size_t)(blank + 1 - value.ptr)} : value);
    }
    note_header(http, "api-key", &seen->secret);
    note_header(http, "x-api-key", &seen->secret);
}

static void begin_request(struct flow *flow)
{
    struct flows *flows = flow->all;
    struct seen *seen = seen_new();
    if (!seen) {
        fail_nomem(flows);
        return;
    }
    enum openai_api api = OPENAI_CHAT;
    seen->is_ours = str_is(flow->http.method, "POST") && api_of_path(flow->http.target, &api);
    answer_init(&seen->answer, api, ANSWER_EITHER);
    seen->answer.headless = str_is(flow->http.method, "HEAD");
    seen->client = flow->client;
    seen->server = flow->server;
    seen->nth = ++flow->requests;
    seen->syn_ns = seen->nth == 1 ? flow->syn_ns : TIMING_NEVER;
    seen->sent_ns = flow->head_ns;
    seen->number = seen->is_ours ? ++flows->counts.requests : 0;
    flows->counts.others += !seen->is_ours;
    note_header(&flow->http, "x-request-id", &seen->id);
    note_secret(&flow->http, seen);
    if (seen->id.failed || seen->secret.failed)
        fail_nomem(flows);
    *flow->last = seen;
    flow->last = &seen->next;
    flow->asking = seen;
}

static void add_request_body(struct flow *flow, struct str body)
{
    struct seen *seen = flow->asking;
    if (!seen)
        return;
    seen->body_bytes += body.len;
    if (!seen->is_ours || seen->body.len + body.len > BODY_MAX)
        return;
    buf_add_str(&seen->body, body);
    if (seen->body.failed)
        fail_nomem(flow->all);
}

/* The request is whole: what does it ask for? */
static void end_request(struct flow *flow)
{
    struct seen *seen = flow->asking;
    struct flows *flows = flow->all;
    struct jval root, stream;
    struct err err;
    bool asks = false;
    flow->asking = NULL;
    if (!seen || !seen->is_ours)
        return;
    err.kind = ERR_NONE;
    if (!buf_reserve(&seen->body, JDOC_PADDING))
        err_nomem(&err);
    bool whole = err.kind == ERR_NONE && seen->body.len == seen->body_bytes;
    bool is_json = whole && jdoc_parse(flows->doc, seen->body.ptr, seen->body.len, &root, &err) == 0 && jval_type(root) == JTYPE_OBJECT;
    if (err.kind == ERR_NOMEM)
        fail(flows, &err);
    if (is_json) {
        if (jval_member(root, "stream", &stream))
            jval_bool(stream, &asks);
        seen->answer.asked = asks ? ANSWER_STREAM : ANSWER_BODY;
    }
    struct buf line = {0};
    if (is_json && flows->options.bodies == FLOWS_KEEP_BODIES)
        jval_write(root, &line);
    buf_release(&seen->body);
    seen->body = line;
    if (line.failed)
        fail_nomem(flows);
}

static bool begins_request(struct str bytes)
{
    static const char *const methods[] = {"POST ", "GET ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "PATCH "};
    for (size_t i = 0; i < COUNT(methods); i++)
        if (str_starts(bytes, str_of(methods[i])))
            return true;
    return false;
}

/* Is there something in it that we can read, by the client's first bytes? */
static void look_at_first(struct flow *flow, struct str bytes)
{
    bool handshake = bytes.len >= 2 && bytes.ptr[0] >= 0x14 && bytes.ptr[0] <= 0x17 && bytes.ptr[1] == 3; // a TLS record
    bool http2 = str_starts(bytes, STR("PRI * HTTP/2"));
    flow->all->counts.sealed += handshake;
    flow->all->counts.unread += http2;
    flow->unread = handshake || http2;
}

/* What the client sent is no HTTP/1: nothing is read before something looks like a request. */
static void skip_up(struct flow *flow)
{
    stop_asking(flow);
    flow->up_skips = true;
    http_reset(&flow->http);
}

static void take_up(void *arg, struct str bytes, int64_t at_ns)
{
    struct flow *flow = arg;
    struct err err;
    struct str body;
    if (!flow->up_begun)
        look_at_first(flow, bytes);
    flow->up_begun = true;
    if (flow->unread || (flow->up_skips && !begins_request(bytes)))
        return;
    flow->up_skips = false;
    while (!flow->all->failed) {
        if (flow->http.state == HTTP_IN_HEAD && flow->http.head.len == 0)
            flow->head_ns = at_ns;
        switch (http_next(&flow->http, &bytes, &body, &err)) {
        case HTTP_MORE:
            return;
        case HTTP_HEAD:
            begin_request(flow);
            break;
        case HTTP_BODY:
            add_request_body(flow, body);
            break;
        case HTTP_DONE:
            end_request(flow);
            http_reset(&flow->http);
            break;
        case HTTP_BAD:
            if (err.kind == ERR_NOMEM)
                fail(flow->all, &err);
            flow->all->counts.unread += flow->requests == 0;
            skip_up(flow);
            return;
        }
    }
}

static void lose_up(void *arg, size_t count, int64_t at_ns)
{
    struct flow *flow = arg;
    (void)at_ns;
    flow->all->counts.lost_bytes += count;
    if (flow->asking)
        flow->asking->partial = true;
    skip_up(flow);
}

/* --- answers --- */

static void take_down(void *arg, struct str bytes, int64_t at_ns)
{
    struct flow *flow = arg;
    struct flows *flows = flow->all;
    struct err err;
    if (flow->unread)
        return;
    if (!flow->first) {
        if (flow->requests == 0 && !flow->down_skips && flow->syn_ns == TIMING_NEVER)
            flows->counts.joined++;
        flow->down_skips = true;
        return;
    }
    if (flow->down_skips && !str_starts(bytes, STR("HTTP/1.")))
        return;
    flow->down_skips = false;
    buf_clear(&flows->bytes);
    buf_add_str(&flows->bytes, bytes);
    if (!buf_reserve(&flows->bytes, JDOC_PADDING)) {
        fail_nomem(flows);
        return;
    }
    struct str input = buf_str(&flows->bytes);
    while (input.len > 0 && flow->first) {
        enum answer_got got = answer_take(&flow->first->answer, flows->doc, &input, at_ns, &err);
        if (got == ANSWER_MORE)
            return;
        if (got == ANSWER_FAILED && err.kind == ERR_NOMEM)
            fail(flows, &err);
        finish_first(flow, at_ns);
        if (got == ANSWER_FAILED)
            break;
    }
    flow->down_skips = input.len > 0;
}

static void lose_down(void *arg, size_t count, int64_t at_ns)
{
    struct flow *flow = arg;
    char why[64];
    flow->all->counts.lost_bytes += count;
    flow->down_skips = true;
    if (!flow->first)
        return;
    snprintf(why, sizeof why, "%zu bytes of the answer are missing", count);
    finish_partial(flow, why, at_ns);
}

/* --- connections --- */

/* FNV-1a over both ends. */
static size_t hash_of(const struct packet_end *client, const struct packet_end *server)
{
    uint64_t hash = 14695981039346656037u;
    const struct packet_end *ends[] = {client, server};
    for (size_t end = 0; end < 2; end++) {
        uint64_t parts[3] = {ends[end]->port, 0, 0};
        memcpy(parts + 1, ends[end]->address, 16);
        for (size_t i = 0; i < 3; i++)
            hash = (hash ^ parts[i] ^ parts[i] >> 32) * 1099511628211u;
    }
    return (size_t)(hash ^ hash >> 29);
}

static struct flow **place_of(const struct flows *flows, const struct packet_end *client, const struct packet_end *server)
{
    size_t hash = hash_of(client, server);
    struct flow **at = &flows->buckets[hash & (flows->bucket_count - 1)];
    while (*at && !((*at)->hash == hash && packet_same_end(&(*at)->client, client) && packet_same_end(&(*at)->server, server)))
        at = &(*at)->in_bucket;
    return at;
}

/* Where there is no memory for more buckets, they are longer. */
static void make_buckets(struct flows *flows)
{
    size_t count = flows->bucket_count * 2;
    struct flow **buckets = flows->count > flows->bucket_count ? calloc(count, sizeof(struct flow *)) : NULL;
    if (!buckets)
        return;
    for (struct flow *flow = flows->oldest; flow; flow = flow->newer) {
        struct flow **to = &buckets[flow->hash & (count - 1)];
        flow->in_bucket = *to;
        *to = flow;
    }
    free(flows->buckets);
    flows->buckets = buckets;
    flows->bucket_count = count;
}

static struct flow *add_flow(struct flows *flows, const struct packet_end *client, const struct packet_end *server)
{
    struct flow *flow = calloc(1, sizeof *flow);
    if (!flow)
        return NULL;
    *flow = (struct flow){.all = flows, .hash = hash_of(client, server), .client = *client, .server = *server,
                          .syn_ns = TIMING_NEVER, .left_ns = TIMING_NEVER,
                          .up_skips = true, // until it is known to begin here
                          .up = {.bytes = take_up, .lost = lose_up, .arg = flow},
                          .down = {.bytes = take_down, .lost = lose_down, .arg = flow}};
    flow->last = &flow->first;
    http_init(&flow->http, HTTP_REQUEST);
    make_buckets(flows);
    *place_of(flows, client, server) = flow;
    flow->older = flows->newest;
    *(flows->newest ? &flows->newest->newer : &flows->oldest) = flow;
    flows->newest = flow;
    flows->count++;
    return flow;
}

static void free_flow(struct flow *flow)
{
    struct flows *flows = flow->all;
    struct flow **at = place_of(flows, &flow->client, &flow->server);
    *at = flow->in_bucket;
    *(flow->older ? &flow->older->newer : &flows->oldest) = flow->newer;
    *(flow->newer ? &flow->newer->older : &flows->newest) = flow->older;
    flows->count--;
    while (flow->first) {
        struct seen *seen = flow->first;
        flow->first = seen->next;
        seen_free(seen);
    }
    tcp_release(&flow->up);
    tcp_release(&flow->down);
    http_release(&flow->http);
    free(flow);
}

/* What is held behind holes is handed on, and what is left of its requests given away. */
static void end_flow(struct flow *flow, const char *why, int64_t at_ns)
{
    tcp_flush(&flow->up);
    tcp_flush(&flow->down);
    finish_all(flow, why, at_ns);
    free_flow(flow);
}

/* --- packets --- */

enum way { WAY_UP, WAY_DOWN, WAY_NONE };

static enum way way_of(const struct flows *flows, const struct packet *packet)
{
    for (size_t i = 0; i < flows->options.port_count; i++)
        if (packet->to.port == flows->options.ports[i])
            return WAY_UP;
    for (size_t i = 0; i < flows->options.port_count; i++)
        if (packet->from.port == flows->options.ports[i])
            return WAY_DOWN;
    return WAY_NONE;
}

/* A connection begins: the first packet of an old one of these ends may have been long ago. */
static struct flow *open_flow(struct flow *flow, struct flows *flows, const struct packet *packet)
{
    if (flow && flow->syn_ns != TIMING_NEVER && flow->syn_seq == packet->seq)
        return flow; // sent again
    if (flow)
        end_flow(flow, "the connection's end was not seen", packet->at_ns);
    flow = add_flow(flows, &packet->from, &packet->to);
    if (flow) {
        flow->syn_ns = packet->at_ns;
        flow->syn_seq = packet->seq;
        flow->up_skips = false;
    }
    return flow;
}

static const char *why_closed(const struct flow *flow)
{
    if (flow->left_ns != TIMING_NEVER)
        return "the client closed the connection before the answer was whole";
    return flow->first && flow->first->answer.status < 0 ? "the server closed the connection before an answer"
                                                         : "the server closed the connection in the middle of the answer";
}

static void look_at_end(struct flow *flow, enum way way, const struct packet *packet)
{
    if (packet->flags & PACKET_RST) {
        bool by_server = way == WAY_DOWN && flow->left_ns == TIMING_NEVER;
        end_flow(flow, by_server ? "the server reset the connection" : "the client closed the connection before the answer was whole",
                 packet->at_ns);
        return;
    }
    if (flow->up.over && flow->left_ns == TIMING_NEVER)
        flow->left_ns = packet->at_ns;
    if (flow->down.over && flow->first)
        finish_all(flow, why_closed(flow), flow->left_ns != TIMING_NEVER ? flow->left_ns : packet->at_ns);
    if (flow->up.over && flow->down.over)
        free_flow(flow);
}

int flows_take(struct flows *flows, const struct packet *packet, struct err *err)
{
    enum way way = way_of(flows, packet);
    if (way == WAY_NONE)
        return 0;
    flows->counts.packets++;
    const struct packet_end *client = way == WAY_UP ? &packet->from : &packet->to, *server = way == WAY_UP ? &packet->to : &packet->from;
    struct flow *flow = *place_of(flows, client, server);
    if (way == WAY_UP && (packet->flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN)
        flow = open_flow(flow, flows, packet);
    else if (!flow && packet->payload_len > 0)
        flow = add_flow(flows, client, server);
    else if (!flow)
        return 0; // what is left of a connection that is over
    if (!flow)
        return err_nomem(err);
    struct tcp *own = way == WAY_UP ? &flow->up : &flow->down, *other = way == WAY_UP ? &flow->down : &flow->up;
    if (packet->flags & PACKET_ACK)
        tcp_acked(other, packet->ack, packet->at_ns);
    int rc = packet->flags & PACKET_RST ? 0 : tcp_take(own, packet, err);
    if (rc == 0)
        look_at_end(flow, way, packet);
    if (!flows->failed)
        return rc;
    *err = flows->err;
    return -1;
}

int flows_finish(struct flows *flows, int64_t now_ns, struct err *err)
{
    while (flows->oldest) {
        struct flow *flow = flows->oldest;
        tcp_flush(&flow->up);
        tcp_flush(&flow->down);
        while (flow->first)
            finish_partial(flow, "it was not over when the capture ended", now_ns);
        free_flow(flow);
    }
    if (!flows->failed)
        return 0;
    *err = flows->err;
    return -1;
}

struct flows_counts flows_counts(const struct flows *flows)
{
    return flows->counts;
}

struct flows *flows_new(const struct flows_options *options, struct err *err)
{
    struct flows *flows = calloc(1, sizeof *flows);
    if (flows) {
        flows->options = *options;
        flows->bucket_count = BUCKETS_FIRST;
        flows->buckets = calloc(BUCKETS_FIRST, sizeof(struct flow *));
        flows->doc = jdoc_new();
    }
    if (flows && flows->buckets && flows->doc)
        return flows;
    flows_free(flows);
    err_nomem(err);
    return NULL;
}

void flows_free(struct flows *flows)
{
    if (!flows)
        return;
    while (flows->oldest)
        free_flow(flows->oldest);
    free(flows->buckets);
    jdoc_free(flows->doc);
    buf_release(&flows->bytes);
    free(flows);
}
