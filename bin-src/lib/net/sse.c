/* net/sse.c: see sse.h */
#include "net/sse.h"

static bool hold(struct sse *sse, struct str more)
{
    buf_add_str(&sse->held, more);
    if (!buf_reserve(&sse->held, SSE_PADDING) || sse->held.len > SSE_EVENT_MAX)
        return false;
    sse->data = buf_str(&sse->held);
    return true;
}

/* A data line. The first stays where it is; a second makes a copy of both. */
static bool add_data(struct sse *sse, struct str value, int64_t arrived_ns)
{
    sse->data_ns = arrived_ns;
    if (!sse->has_data) {
        sse->has_data = true;
        sse->data = value;
        return true;
    }
    if (sse->data.ptr != sse->held.ptr) {
        struct str first = sse->data;
        buf_clear(&sse->held);
        if (!hold(sse, first))
            return false;
    }
    return hold(sse, STR("\n")) && hold(sse, value);
}

static bool take_line(struct sse *sse, struct str line, int64_t arrived_ns)
{
    if (!sse->begun)
        line = str_skip_bom(line);
    sse->begun = true;
    const char *colon = memchr(line.ptr, ':', line.len);
    struct str name = {line.ptr, colon ? (size_t)(colon - line.ptr) : line.len};
    struct str value = {line.ptr + line.len, 0}; // not "": room is behind it
    if (colon) {
        value = (struct str){colon + 1, line.len - name.len - 1};
        if (value.len > 0 && value.ptr[0] == ' ')
            value = (struct str){value.ptr + 1, value.len - 1};
    }
    if (str_eq(name, STR("data")))
        return add_data(sse, value, arrived_ns);
    if (str_eq(name, STR("event"))) {
        sse->is_error = str_eq(value, STR("error"));
        return true;
    }
    if (str_eq(name, STR("error"))) {
        sse->is_error = true;
        return add_data(sse, value, arrived_ns);
    }
    return true;
}

/* Gives the event away, if there is one. */
static bool finish(struct sse *sse, struct sse_event *event)
{
    bool has = sse->has_data;
    *event = (struct sse_event){sse->data, sse->is_error, sse->data_ns};
    sse->has_data = sse->is_error = false;
    return has;
}

/* The next line of the input, or what there is of it, in which case *whole is false. */
static struct str split_line(struct str *input, bool *whole, bool *after_cr)
{
    const char *end = memchr(input->ptr, '\n', input->len);
    size_t limit = end ? (size_t)(end - input->ptr) : input->len;
    const char *cr = limit > 0 ? memchr(input->ptr, '\r', limit) : NULL;
    size_t len = cr ? (size_t)(cr - input->ptr) : limit;
    struct str line = {input->ptr, len};
    *whole = cr || end;
    size_t used = len + (*whole ? 1 : 0);
    if (cr && used < input->len && input->ptr[used] == '\n')
        used++;
    else if (cr && used == input->len)
        *after_cr = true;
    *input = (struct str){input->ptr + used, input->len - used};
    return line;
}

/* The input ends within an event: what views point at it is copied. The view may be of line, which is never whole here. */
static bool keep(struct sse *sse)
{
    if (!sse->has_data || sse->data.ptr == sse->held.ptr)
        return true;
    struct str data = sse->data;
    buf_clear(&sse->held);
    return hold(sse, data);
}

int sse_next(struct sse *sse, struct str *input, int64_t arrived_ns, struct sse_event *event)
{
    if (sse->after_cr && input->len > 0) {
        if (*input->ptr == '\n')
            *input = (struct str){input->ptr + 1, input->len - 1};
        sse->after_cr = false;
    }
    while (input->len > 0) {
        bool whole;
        struct str line = split_line(input, &whole, &sse->after_cr);
        if (!whole || sse->line.len > 0) {
            int64_t line_ns = line.len > 0 ? arrived_ns : sse->line_ns;
            buf_add_str(&sse->line, line);
            sse->line_ns = line_ns;
            if (sse->line.failed || sse->line.len > SSE_EVENT_MAX)
                return -1;
            if (!whole)
                break;
            // The line outlives the next one only as data: as a view into the copy that held makes.
            bool had = sse->has_data && sse->data.ptr == sse->held.ptr;
            if (!take_line(sse, buf_str(&sse->line), line_ns))
                return -1;
            if (!had && sse->has_data && !keep(sse))
                return -1;
            buf_clear(&sse->line); // it was not empty, and so ends no event
            continue;
        }
        if (line.len == 0) {
            if (finish(sse, event))
                return 1;
        } else if (!take_line(sse, line, arrived_ns))
            return -1;
    }
    return keep(sse) ? 0 : -1;
}

int sse_end(struct sse *sse, struct sse_event *event)
{
    if (sse->line.len > 0) {
        bool kept = take_line(sse, buf_str(&sse->line), sse->line_ns) && keep(sse);
        buf_clear(&sse->line);
        if (!kept)
            return -1;
    }
    return finish(sse, event) ? 1 : 0;
}

void sse_reset(struct sse *sse)
{
    buf_clear(&sse->line);
    buf_clear(&sse->held);
    *sse = (struct sse){.line = sse->line, .held = sse->held};
}

void sse_release(struct sse *sse)
{
    buf_release(&sse->line);
    buf_release(&sse->held);
}
