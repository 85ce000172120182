/* load/channel.c: see channel.h */
#include "load/channel.h"

#include "base/clock.h"
#include "base/num.h"
#include "load/packets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { READS_A_TURN = 16, ERROR_BODY_MAX = 1 << 20, LATE_NS = 1000 * 1000 };
static const int64_t after_done_ns = NS_PER_S; // a body that goes on after [DONE] is given so long to end

static int64_t since_start(const struct channel *channel, int64_t at_ns)
{
    return at_ns - channel->context->start_ns;
}

/* Out of memory: the run cannot go on, and this answer has lost something. */
static void give_up(struct channel *channel, const struct err *err)
{
    reply_fail(&channel->job->reply, FAILURE_CANCELLED, "%s", err->msg);
    if (!channel->context->failed)
        channel->context->err = *err;
    channel->context->failed = true;
}

/* When the latest chunk came, by its time in the record; TIMING_NEVER: there was none. */
static int64_t latest_chunk_ns(const struct job *job)
{
    int64_t at_ns = TIMING_NEVER;
    if (job->chunks.len > 0)
        memcpy(&at_ns, job->chunks.ptr + job->chunks.len - sizeof at_ns, sizeof at_ns);
    return at_ns;
}

static void end_attempt(struct channel *channel, int64_t end_ns, bool reusable)
{
    int64_t chunk_ns = channel->chunk_ns;
    if (chunk_ns != TIMING_NEVER && chunk_ns > since_start(channel, end_ns)) // by the ns that set it apart
        end_ns = chunk_ns + channel->context->start_ns;
    loop_timer_stop(channel->context->loop, &channel->timer);
    channel->over(channel, end_ns, reusable);
}

static void fail(struct channel *channel, enum failure failure, const char *why, int64_t end_ns)
{
    reply_fail(&channel->job->reply, failure, "%s", why);
    end_attempt(channel, end_ns, false);
}

/* Gives the request up as it was told to: what arrived is kept, and the server sees the connection close. */
static void cancel(struct channel *channel, int64_t end_ns)
{
    channel->job->cancelled = true;
    end_attempt(channel, end_ns, false);
}

/* The answer was whole, [DONE] and all; only the end of HTTP's message is missing. */
static void end_without_http(struct channel *channel)
{
    reply_end(&channel->job->reply, true);
    end_attempt(channel, channel->byte_ns, false);
}

/* --- limits of time --- */

/* When the job's next limit is reached, and which it is, NULL for that it is to be cancelled; INT64_MAX: it has none. */
static int64_t deadline(const struct channel *channel, const char **name)
{
    const struct load_options *options = channel->context->options;
    const struct job *job = channel->job;
    int64_t at_ns = INT64_MAX, sent_ns = job->timing.sent_ns + channel->context->start_ns;
    bool may_cancel = channel->connected && job->cancel.after_ns >= 0; // before, no server would see it
    const struct {
        const char *name;
        int64_t limit_ns, from_ns;
    } limits[] = {
        {"the whole request", options->timeout_ns, job->first_sent_ns},
        {"the first token", job->stream && job->timing.first_ns == TIMING_NEVER ? options->timeout_first_ns : 0, sent_ns},
        {"the next token", job->stream && channel->token_ns != TIMING_NEVER ? options->timeout_gap_ns : 0, channel->token_ns},
        {"the end after [DONE]", job->reply.done ? after_done_ns : 0, channel->byte_ns},
        {NULL, may_cancel ? job->cancel.after_ns + 1 : 0, sent_ns},
    };
    for (size_t i = 0; i < COUNT(limits); i++)
        if (limits[i].limit_ns > 0 && limits[i].from_ns + limits[i].limit_ns < at_ns) {
            at_ns = limits[i].from_ns + limits[i].limit_ns;
            *name = limits[i].name;
        }
    return at_ns;
}

/* The timer is moved when it fires, not at each token. */
static void on_time(struct loop_timer *timer, int64_t now_ns)
{
    struct channel *channel = (struct channel *)((char *)timer - offsetof(struct channel, timer));
    const char *name = "";
    int64_t at_ns = deadline(channel, &name);
    if (at_ns > now_ns) {
        if (at_ns != INT64_MAX)
            loop_timer_set(channel->context->loop, timer, at_ns);
        return;
    }
    if (channel->job->reply.done) {
        end_without_http(channel);
        return;
    }
    if (!name) {
        cancel(channel, now_ns);
        return;
    }
    char why[96];
    snprintf(why, sizeof why, "no time left for %s", name);
    fail(channel, FAILURE_TIMEOUT, why, now_ns);
}

static void set_timer(struct channel *channel)
{
    const char *name;
    int64_t at_ns = deadline(channel, &name);
    if (at_ns != INT64_MAX && (!channel->timer.set || at_ns < channel->timer.at_ns))
        loop_timer_set(channel->context->loop, &channel->timer, at_ns);
}

/* --- the answer --- */

/*
 * The time of a chunk. What one read brought has one stamp; a chunk without content (the role before, the finish behind)
 * and its neighbour with content get different ones all the same, 1 ns apart: so a record tells which chunks lie between
 * first_ns and last_ns.
 */
static int64_t time_of_chunk(const struct channel *channel, const struct job *job, int64_t arrived_ns, bool content)
{
    int64_t at_ns = since_start(channel, arrived_ns), before_ns = latest_chunk_ns(job);
    if (before_ns == TIMING_NEVER)
        return at_ns;
    before_ns += content != job->had_content;
    return at_ns > before_ns ? at_ns : before_ns;
}

/* Notes a chunk of the job, or of one of a batch's. */
static void note_chunk(struct channel *channel, struct job *job, int64_t arrived_ns, bool content)
{
    struct err err;
    int64_t at_ns = time_of_chunk(channel, job, arrived_ns, content);
    job->had_content = content;
    buf_add(&job->chunks, &at_ns, sizeof at_ns);
    if (job->chunks.failed) {
        err_nomem(&err);
        give_up(channel, &err);
    }
    if (content && job->timing.first_ns == TIMING_NEVER)
        job->timing.first_ns = at_ns;
    if (content)
        job->timing.last_ns = at_ns;
    channel->chunk_ns = at_ns > channel->chunk_ns ? at_ns : channel->chunk_ns;
}

/* The choices of the latest event, each with whose they are; the first content of all is what limits of time go by. */
static void note_choices(struct channel *channel, int64_t arrived_ns, bool content)
{
    struct job *job = channel->job;
    for (struct reply *seen = job->reply.first_seen; seen; seen = seen->next_seen)
        note_chunk(channel, (struct job *)((char *)seen - offsetof(struct job, reply)), arrived_ns, seen->seen & REPLY_CONTENT);
    if (content && job->timing.first_ns == TIMING_NEVER) // of a batch
        job->timing.first_ns = since_start(channel, arrived_ns);
    channel->contents += content;
    channel->gives_up = channel->gives_up || (content && channel->contents == job->cancel.chunks);
}

static void take_event(struct channel *channel, const struct sse_event *event)
{
    struct job *job = channel->job;
    struct err err;
    int seen = 0;
    if (reply_event(&job->reply, channel->context->doc, event->data, event->is_error, &seen, &err) < 0)
        give_up(channel, &err);
    channel->last_is_token = seen & REPLY_CHOICES;
    if (!(seen & (REPLY_CHOICES | REPLY_DONE)))
        return;
    if (seen & REPLY_DONE) {
        set_timer(channel);
        return;
    }
    bool content = seen & REPLY_CONTENT, first = content && job->timing.first_ns == TIMING_NEVER;
    note_choices(channel, event->arrived_ns, content);
    if (job->timing.first_ns != TIMING_NEVER) // the role's chunk is no token: a server may send it long before
        channel->token_ns = event->arrived_ns;
    if (first)
        set_timer(channel);
    channel->merged++;
}

static void take_events(struct channel *channel, struct str body, int64_t arrived_ns)
{
    struct sse_event event;
    int got;
    while ((got = sse_next(&channel->sse, &body, arrived_ns, &event)) > 0)
        take_event(channel, &event);
    struct err err;
    if (got < 0 && channel->sse.line.len <= SSE_EVENT_MAX && channel->sse.held.len <= SSE_EVENT_MAX) {
        err_nomem(&err);
        give_up(channel, &err);
    } else if (got < 0) {
        reply_fail(&channel->job->reply, FAILURE_PARSE, "an event over %d MiB", SSE_EVENT_MAX >> 20);
        sse_reset(&channel->sse);
    }
}

static void take_body(struct channel *channel, struct str body)
{
    size_t max = channel->job->status == 200 ? REPLY_MAX : ERROR_BODY_MAX;
    struct err err;
    if (channel->body.len + body.len > max) {
        reply_fail(&channel->job->reply, FAILURE_PARSE, "a body over %zu MiB", max >> 20);
        channel->too_long = true; // nothing of what follows is wanted
        return;
    }
    buf_add_str(&channel->body, body);
    if (channel->body.failed) {
        err_nomem(&err);
        give_up(channel, &err);
    }
}

/* "Retry-After: 3", or a date (RFC 9110, 10.2.3), as ns from now; below 0: there is none. */
static int64_t retry_after(const struct http *http)
{
    struct str value;
    int64_t seconds;
    struct err err;
    struct tm tm = {0};
    char text[64];
    if (!http_header(http, "retry-after", &value) || value.len >= sizeof text)
        return -1;
    if (num_int(value, 0, 1000000, &seconds, &err) == 0)
        return seconds * NS_PER_S;
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    if (!strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        return -1;
    int64_t left_ns = timegm(&tm) * NS_PER_S - clock_utc_ns();
    return left_ns > 0 ? left_ns : 0;
}

static void take_head(struct channel *channel, int64_t arrived_ns)
{
    struct job *job = channel->job;
    struct str type = {"", 0};
    job->status = channel->http.status;
    job->timing.headers_ns = since_start(channel, arrived_ns);
    http_header(&channel->http, "content-type", &type);
    const char *semicolon = type.len > 0 ? memchr(type.ptr, ';', type.len) : NULL;
    if (semicolon)
        type.len = (size_t)(semicolon - type.ptr);
    type = str_trim(type);
    bool is_stream = str_is_nocase(type, "text/event-stream"), is_json = str_is_nocase(type, "application/json");
    channel->streamed = job->status == 200 && (is_stream || (job->stream && !is_json)); // a wrong type is read all the same
    if (job->status != 200)
        job->retry_after_ns = retry_after(&channel->http);
    else if (job->stream && !is_stream)
        reply_fail(&job->reply, FAILURE_PARSE, "asked for a stream, got content type \"%.*s\"", type.len < 80 ? (int)type.len : 80,
                   type.ptr);
    else if (!job->stream && !is_json)
        reply_fail(&job->reply, FAILURE_PARSE, "asked for no stream, got content type \"%.*s\"", type.len < 80 ? (int)type.len : 80,
                   type.ptr);
}

static void finish_status(struct channel *channel)
{
    struct job *job = channel->job;
    struct jval root;
    struct err err;
    bool padded = buf_reserve(&channel->body, JDOC_PADDING); // before anything points into it
    struct str says = str_trim(buf_str(&channel->body)), message;
    if (padded && jdoc_parse(channel->context->doc, channel->body.ptr, channel->body.len, &root, &err) == 0 && reply_why(root, &message))
        says = message;
    reply_fail(&job->reply, FAILURE_HTTP_STATUS, "%d%s%.*s", job->status, says.len > 0 ? ": " : "", says.len < 400 ? (int)says.len : 400,
               says.ptr);
}

/* The HTTP message is whole. */
static void finish_answer(struct channel *channel)
{
    struct job *job = channel->job;
    struct sse_event event;
    struct err err;
    if (job->status != 200) {
        finish_status(channel);
        return;
    }
    if (channel->streamed) {
        if (sse_end(&channel->sse, &event) > 0)
            take_event(channel, &event);
    } else if (!buf_reserve(&channel->body, JDOC_PADDING) ||
               reply_body(&job->reply, channel->context->doc, buf_str(&channel->body), &err) < 0) {
        err_nomem(&err);
        give_up(channel, &err);
    }
    reply_end(&job->reply, channel->streamed);
}

/* The connection ended, or broke, where the message had not. */
static void finish_broken(struct channel *channel, const char *why, int64_t now_ns)
{
    struct sse_event event;
    if (channel->streamed && sse_end(&channel->sse, &event) > 0)
        take_event(channel, &event);
    if (channel->streamed && channel->job->reply.done)
        end_without_http(channel);
    else
        fail(channel, FAILURE_TRUNCATED, why, now_ns);
}

/* Takes what one read brought: HTTP_MORE, HTTP_DONE or HTTP_BAD. */
static enum http_got take_bytes(struct channel *channel, struct str *input, int64_t arrived_ns, struct err *err)
{
    struct str body;
    for (;;) {
        enum http_got got = http_next(&channel->http, input, &body, err);
        if (got == HTTP_HEAD)
            take_head(channel, arrived_ns);
        else if (got == HTTP_BODY && channel->streamed)
            take_events(channel, body, arrived_ns);
        else if (got == HTTP_BODY)
            take_body(channel, body);
        else
            return got;
    }
}

/*
 * Counts the chunks whose arrival is uncertain. All that one read brings has one stamp, that of its last byte; an
 * event with others behind it came at some time between the last moment at which the socket was empty and the stamp.
 */
static void count_late(struct channel *channel, int64_t arrived_ns)
{
    bool token_is_last = channel->last_is_token && channel->sse.line.len == 0 && !channel->sse.has_data;
    int64_t uncertain = channel->merged - (token_is_last ? 1 : 0);
    if (uncertain <= 0 || arrived_ns - channel->empty_ns <= LATE_NS)
        return;
    int64_t quiet_ns = loop_quiet_ns(channel->context->loop, &channel->watch);
    if (quiet_ns == INT64_MIN || arrived_ns - quiet_ns > LATE_NS)
        channel->job->timing.late += uncertain;
}

/* Notes what the read says of the clock. */
static void note_read(struct channel *channel, enum dial_stamp stamped, int64_t arrived_ns, int64_t read_ns)
{
    static const enum timing_clock clocks[] = {
        [DIAL_STAMP_KERNEL] = TIMING_CLOCK_KERNEL, [DIAL_STAMP_TLS] = TIMING_CLOCK_TLS, [DIAL_STAMP_READ] = TIMING_CLOCK_READ};
    struct timing *timing = &channel->job->timing;
    if (timing->clock == TIMING_CLOCK_COUNT || clocks[stamped] > timing->clock)
        timing->clock = clocks[stamped];
    if (stamped != DIAL_STAMP_READ && read_ns - arrived_ns > timing->read_lag_ns)
        timing->read_lag_ns = read_ns - arrived_ns;
    if (channel->job->stream && timing->late == TIMING_NEVER)
        timing->late = 0;
}

static const char *why_ended(int error)
{
    if (error == ECONNRESET)
        return "the server reset the connection";
    return error == 0 || error == EPIPE ? "the server closed the connection before an answer" : strerror(error);
}

/* What came from the socket is its end, or an error. */
static void take_end(struct channel *channel, ssize_t got, int64_t now_ns)
{
    struct err err;
    if (got < 0)
        finish_broken(channel, why_ended(errno), now_ns);
    else if (!channel->answered)
        finish_broken(channel, why_ended(channel->send_errno), now_ns);
    else if (http_end(&channel->http, &err) == HTTP_DONE) {
        finish_answer(channel);
        end_attempt(channel, channel->byte_ns, false);
    } else
        finish_broken(channel, err.msg, now_ns);
}

/* False: nothing more is to be read now, or the attempt is over. */
static bool read_once(struct channel *channel)
{
    struct channel_context *context = channel->context;
    int64_t arrived_ns, read_ns;
    enum dial_stamp stamped;
    struct err err;
    ssize_t got = dial_recv(&channel->dial, &context->stamps, context->bytes, CHANNEL_READ_BYTES, &arrived_ns, &read_ns, &stamped);
    if (got < 0 && errno == EINTR)
        return true;
    if (got < 0 && errno == EAGAIN) {
        channel->empty_ns = read_ns;
        return false;
    }
    if (got <= 0) {
        take_end(channel, got, read_ns);
        return false;
    }
    if (arrived_ns == INT64_MIN)
        arrived_ns = read_ns;
    channel->answered = true;
    channel->byte_ns = arrived_ns;
    channel->merged = 0;
    note_read(channel, stamped, arrived_ns, read_ns);
    struct str input = {context->bytes, (size_t)got};
    enum http_got end = take_bytes(channel, &input, arrived_ns, &err);
    if (channel->merged > 0)
        count_late(channel, arrived_ns);
    if (channel->too_long) {
        end_attempt(channel, arrived_ns, false);
        return false;
    }
    if (end == HTTP_MORE && channel->gives_up && !channel->job->reply.done) {
        cancel(channel, arrived_ns);
        return false;
    }
    if (end == HTTP_DONE) {
        finish_answer(channel);
        end_attempt(channel, arrived_ns, channel->http.keep_alive && input.len == 0);
        return false;
    }
    if (end == HTTP_BAD) {
        if (err.kind == ERR_NOMEM)
            give_up(channel, &err);
        fail(channel, FAILURE_PARSE, err.msg, arrived_ns);
        return false;
    }
    if ((size_t)got == CHANNEL_READ_BYTES || channel->dial.tls) // there may be more, in the socket or in the TLS library
        return true;
    channel->empty_ns = read_ns;
    return false;
}

/* --- sending --- */

/* By what the packets of this request and its answer will be known. */
static void note_place(struct channel *channel)
{
    struct job *job = channel->job;
    if (channel->context->options->clock == LOAD_CLOCK_PACKET && packets_own_end(channel->dial.fd, &job->own_end))
        job->nth = (uint64_t)channel->carried;
}

static void send_more(struct channel *channel)
{
    struct job *job = channel->job;
    size_t head = job->head.len, all = head + job->body.len;
    struct err err;
    while (channel->sent < all) {
        struct iovec parts[2];
        int count = 0;
        if (channel->sent < head)
            parts[count++] = (struct iovec){job->head.ptr + channel->sent, head - channel->sent};
        size_t from = channel->sent > head ? channel->sent - head : 0;
        parts[count++] = (struct iovec){(char *)job->body.ptr + from, job->body.len - from};
        ssize_t sent = dial_send(&channel->dial, parts, count);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            loop_ask(channel->context->loop, &channel->watch, LOOP_READ | LOOP_WRITE, &err);
            return;
        }
        if (sent < 0) { // the server may have answered before it closed: reads tell, and then come to the end
            channel->send_errno = errno;
            shutdown(channel->dial.fd, SHUT_RDWR);
            break;
        }
        channel->sent += (size_t)sent;
    }
    channel->sent = all;
    loop_ask(channel->context->loop, &channel->watch, LOOP_READ, &err);
}

static void on_ready(struct loop_watch *watch, int what)
{
    struct channel *channel = (struct channel *)((char *)watch - offsetof(struct channel, watch));
    if (!channel->job) { // idle: the server closed it, or says what nobody asked
        channel->over(channel, 0, false);
        return;
    }
    if (what & LOOP_WRITE)
        send_more(channel);
    if (what & (LOOP_READ | LOOP_HANGUP))
        for (int i = 0; i < READS_A_TURN && read_once(channel); i++)
            ;
}

static void on_dialed(struct dial *dial)
{
    static const enum failure failures[] = {[DIAL_CONNECT] = FAILURE_CONNECT, [DIAL_TLS] = FAILURE_TLS, [DIAL_TIMEOUT] = FAILURE_TIMEOUT};
    struct channel *channel = (struct channel *)((char *)dial - offsetof(struct channel, dial));
    struct err err;
    int64_t now_ns = clock_ns();
    if (dial->failed != DIAL_OK) {
        fail(channel, failures[dial->failed], dial->why, now_ns);
        return;
    }
    if (loop_watch(channel->context->loop, &channel->watch, dial->fd, LOOP_READ, &err) < 0) {
        fail(channel, FAILURE_CONNECT, err.msg, now_ns);
        return;
    }
    channel->connected = true;
    channel->job->reached = true;
    channel->job->timing.connected_ns = since_start(channel, now_ns);
    channel->empty_ns = now_ns;
    set_timer(channel);
    note_place(channel);
    send_more(channel);
}

void channel_send(struct channel *channel, struct job *job)
{
    struct err err;
    channel->job = job;
    channel->sent = 0;
    channel->send_errno = 0;
    channel->carried++;
    channel->answered = channel->streamed = channel->last_is_token = channel->too_long = channel->gives_up = false;
    channel->contents = 0;
    channel->token_ns = channel->chunk_ns = TIMING_NEVER;
    channel->byte_ns = channel->empty_ns = job->timing.sent_ns + channel->context->start_ns;
    http_reset(&channel->http);
    sse_reset(&channel->sse);
    buf_clear(&channel->body);
    set_timer(channel);
    if (channel->connected) {
        note_place(channel);
        send_more(channel);
    } else if (dial_start(channel->context->dialers[channel->target], &channel->dial, &err) < 0) {
        if (err.kind == ERR_NOMEM)
            give_up(channel, &err);
        fail(channel, FAILURE_CONNECT, err.msg, clock_ns());
    }
}

struct channel *channel_new(struct channel_context *context, size_t target, void (*over)(struct channel *, int64_t, bool),
                            struct err *err)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel) {
        err_nomem(err);
        return NULL;
    }
    channel->context = context;
    channel->target = target;
    channel->over = over;
    channel->watch.ready = on_ready;
    channel->timer.fire = on_time;
    channel->dial = (struct dial){.fd = -1, .done = on_dialed};
    http_init(&channel->http, HTTP_RESPONSE);
    return channel;
}

void channel_free(struct channel *channel)
{
    loop_timer_stop(channel->context->loop, &channel->timer);
    if (channel->connected)
        loop_unwatch(channel->context->loop, &channel->watch);
    dial_close(&channel->dial);
    http_release(&channel->http);
    sse_release(&channel->sse);
    buf_release(&channel->body);
    free(channel);
}
