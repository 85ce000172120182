/*
 * fuzz/sse.c: events are the same, in however many pieces they come, and each has arrived with its last data byte
 *
 * Byte by byte, an event's arrival is the place of that byte; in pieces it must be the number of the piece that holds
 * it. The padding behind data is read.
 */
#include "net/sse.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t one_piece[PIECES_SIZES], byte_by_byte[PIECES_SIZES] = {1, 1, 1, 1};

struct story {
    struct buf events;
    struct buf arrived; // int64_t each
};

static void tell(struct story *story, const struct sse_event *event)
{
    volatile char seen;
    for (size_t i = 0; i < event->data.len + SSE_PADDING; i++)
        seen = event->data.ptr[i];
    (void)seen;
    buf_addf(&story->events, "%d %zu ", event->is_error, event->data.len);
    buf_add_str(&story->events, event->data);
    buf_add(&story->arrived, &event->arrived_ns, sizeof event->arrived_ns);
}

static struct story read_all(struct pieces pieces)
{
    struct story story = {0};
    struct sse sse = {0};
    struct sse_event event;
    size_t len;
    char *piece;
    int got;
    for (int64_t number = 0; (piece = pieces_next(&pieces, SSE_PADDING, &len)) != NULL; number++) {
        struct str input = {piece, len};
        while ((got = sse_next(&sse, &input, number, &event)) > 0)
            tell(&story, &event);
        must(got == 0 && input.len == 0);
        free(piece);
    }
    if ((got = sse_end(&sse, &event)) > 0)
        tell(&story, &event);
    must(got == 0 || sse_end(&sse, &event) == 0);
    must(!story.events.failed && !story.arrived.failed);
    sse_release(&sse);
    return story;
}

/* The number of the piece that holds the byte. */
static int64_t piece_of(const uint8_t *sizes, size_t size, int64_t byte)
{
    int64_t number = 0;
    for (size_t end = 0;; number++) {
        size_t next = sizes[number % PIECES_SIZES];
        end = next == 0 ? size : end + next;
        if ((size_t)byte < end)
            return number;
    }
}

static void compare(struct pieces pieces, const struct story *bytes)
{
    struct story story = read_all(pieces);
    must(str_eq(buf_str(&story.events), buf_str(&bytes->events)) && story.arrived.len == bytes->arrived.len);
    for (size_t at = 0; at < story.arrived.len; at += sizeof(int64_t)) {
        int64_t byte, number;
        memcpy(&byte, bytes->arrived.ptr + at, sizeof byte);
        memcpy(&number, story.arrived.ptr + at, sizeof number);
        must(byte >= 0 && (size_t)byte < pieces.left && pieces.rest[byte] != '\n' && pieces.rest[byte] != '\r');
        must(number == piece_of(pieces.sizes, pieces.left, byte));
    }
    buf_release(&story.events);
    buf_release(&story.arrived);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < PIECES_SIZES)
        return 0;
    struct pieces pieces = {.sizes = byte_by_byte, .rest = data + PIECES_SIZES, .left = size - PIECES_SIZES};
    struct story bytes = read_all(pieces);
    pieces.sizes = one_piece;
    compare(pieces, &bytes);
    pieces.sizes = data;
    compare(pieces, &bytes);
    buf_release(&bytes.events);
    buf_release(&bytes.arrived);
    return 0;
}
