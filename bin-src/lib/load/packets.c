/* load/packets.c: see packets.h */
#include "load/packets.h"

#include "base/num.h"
#include "tap/capture.h"
#include "tap/witness.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct packets {
    size_t count;
    struct witness *of[]; // each target
};

static const int64_t patience_ns = 2 * NS_PER_S; // from the answer's end: packets come within some 20 ms

/* "host:8000", "[::1]:8000", or without a port. */
static bool split_host(struct str text, char host[256], int *port)
{
    struct err err;
    int64_t number = 80;
    const char *colon = memrchr(text.ptr, ':', text.len), *bracket = memrchr(text.ptr, ']', text.len);
    if (colon && colon > bracket) {
        if (num_int((struct str){colon + 1, text.len - (size_t)(colon + 1 - text.ptr)}, 1, 65535, &number, &err) < 0)
            return false;
        text.len = (size_t)(colon - text.ptr);
    }
    if (bracket && text.ptr[0] == '[')
        text = (struct str){text.ptr + 1, (size_t)(bracket - text.ptr) - 1};
    *port = (int)number;
    return (size_t)snprintf(host, 256, "%.*s", STR_ARG(text)) < 256;
}

static struct witness *watch(const struct url *url, struct err *err)
{
    char host[256], interface[64];
    int port;
    if (split_host(buf_str(&url->host), host, &port) && capture_interface_to(host, port, interface))
        return witness_start(interface, (uint16_t)port, err);
    err_set(err, ERR_NET, "%.*s: nobody knows by which interface its packets come", STR_ARG(buf_str(&url->shown)));
    return NULL;
}

struct packets *packets_watch(const struct targets *targets, struct err *err)
{
    struct packets *packets = calloc(1, sizeof *packets + targets->count * sizeof *packets->of);
    if (!packets) {
        err_nomem(err);
        return NULL;
    }
    for (; packets->count < targets->count; packets->count++)
        if (!(packets->of[packets->count] = watch(&targets->each[packets->count].url, err))) {
            packets_stop(packets);
            return NULL;
        }
    return packets;
}

void packets_stop(struct packets *packets)
{
    for (size_t i = 0; packets && i < packets->count; i++)
        witness_stop(packets->of[i]);
    free(packets);
}

bool packets_own_end(int fd, struct packet_end *end)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } own;
    socklen_t len = sizeof own;
    if (getsockname(fd, &own.any, &len) < 0)
        return false;
    if (own.any.sa_family == AF_INET) {
        memcpy(end->address, mapped, sizeof mapped);
        memcpy(end->address + sizeof mapped, &own.v4.sin_addr, 4);
        end->port = ntohs(own.v4.sin_port);
        return true;
    }
    memcpy(end->address, &own.v6.sin6_addr, 16);
    end->port = ntohs(own.v6.sin6_port);
    return own.any.sa_family == AF_INET6;
}

/* A client that gave up did so by its own clock. */
static bool ended_by_server(const struct job *job)
{
    switch (job->reply.failure) {
    case FAILURE_NONE:
    case FAILURE_HTTP_STATUS:
    case FAILURE_ERROR_EVENT:
    case FAILURE_NO_TOKENS:
        return true;
    case FAILURE_CONNECT:
    case FAILURE_TLS:
    case FAILURE_TIMEOUT:
    case FAILURE_CANCELLED:
    case FAILURE_TRUNCATED:
    case FAILURE_PARSE:
    case FAILURE_COUNT:
        break;
    }
    return false;
}

static bool is_same(const struct job *job, const struct seen *seen)
{
    return !seen->partial && seen->answer.status == job->status && seen->answer.reply.failure == job->reply.failure &&
           seen->answer.chunks.len == job->chunks.len;
}

static int64_t since(int64_t at_ns, int64_t start_ns)
{
    return at_ns == TIMING_NEVER ? TIMING_NEVER : at_ns - start_ns;
}

static void take_times(struct job *job, const struct seen *seen, int64_t start_ns)
{
    const struct answer *answer = &seen->answer;
    int64_t *chunks = (int64_t *)(void *)job->chunks.ptr;
    job->timing.headers_ns = since(answer->headers_ns, start_ns);
    job->timing.first_ns = since(answer->first_ns, start_ns);
    job->timing.last_ns = since(answer->last_ns, start_ns);
    job->timing.end_ns = since(seen->end_ns, start_ns);
    for (size_t i = 0; i < answer_chunk_count(answer); i++)
        chunks[i] = answer_chunks_ns(answer)[i] - start_ns;
    job->timing.clock = TIMING_CLOCK_PACKET;
    if (job->timing.late != TIMING_NEVER)
        job->timing.late = 0;
}

bool packets_time(struct packets *packets, struct job *job, int64_t start_ns)
{
    if (job->nth == 0 || !ended_by_server(job))
        return false;
    struct seen *seen = witness_take(packets->of[job->target], &job->own_end, job->nth, job->timing.end_ns + start_ns + patience_ns);
    if (!seen)
        return false;
    bool same = is_same(job, seen);
    if (same)
        take_times(job, seen, start_ns);
    seen_free(seen);
    return same;
}
