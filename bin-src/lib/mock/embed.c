/* mock/embed.c: see embed.h */
#include "mock/embed.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>

static uint64_t hash_of(const void *bytes, size_t len)
{
    uint64_t hash = str_hash((struct str){bytes, len});
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u; // short texts differ in its low bits alone
    return hash ^ hash >> 29;
}

static void add_word(float *vector, size_t dimensions, const void *bytes, size_t len)
{
    uint64_t hash = hash_of(bytes, len);
    vector[hash % dimensions] += hash >> 63 ? 1.0f : -1.0f;
}

/* Words between blanks, as asked_words counts them. */
static void add_words(float *vector, size_t dimensions, struct str text)
{
    for (size_t at = 0; at < text.len;) {
        size_t len = 0;
        while (at + len < text.len && !strchr(" \t\n\v\f\r", text.ptr[at + len]))
            len++;
        if (len > 0)
            add_word(vector, dimensions, text.ptr + at, len);
        at += len + 1;
    }
}

static void add_prompt(float *vector, size_t dimensions, struct jval prompt)
{
    struct str text;
    struct jval id;
    int64_t number;
    if (jval_str(prompt, &text))
        add_words(vector, dimensions, text);
    for (struct jiter iter = jval_items(prompt); jiter_next(&iter, NULL, &id);)
        if (jval_int(id, &number))
            add_word(vector, dimensions, &number, sizeof number);
}

static void make_unit(float *vector, size_t dimensions)
{
    double sum = 0;
    for (size_t i = 0; i < dimensions; i++)
        sum += (double)vector[i] * (double)vector[i];
    for (size_t i = 0; i < dimensions && sum > 0; i++)
        vector[i] = (float)((double)vector[i] / sqrt(sum));
}

static void write_base64(const float *vector, size_t dimensions, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t held = 0;
    int held_bits = 0;
    buf_add_char(out, '"');
    for (size_t i = 0; i < dimensions * sizeof *vector; i++) {
        uint32_t bits;
        memcpy(&bits, &vector[i / sizeof *vector], sizeof bits);
        held = held << 8 | (bits >> 8 * (i % sizeof *vector) & 0xff); // little-endian
        for (held_bits += 8; held_bits >= 6; held_bits -= 6)
            buf_add_char(out, digits[held >> (held_bits - 6) & 63]);
    }
    if (held_bits > 0)
        buf_add_char(out, digits[held << (6 - held_bits) & 63]);
    for (size_t bytes = dimensions * sizeof *vector; bytes % 3 != 0; bytes++)
        buf_add_char(out, '=');
    buf_add_char(out, '"');
}

static void write_one(const struct asked *request, struct jval prompt, int64_t index, float *vector, size_t dimensions, struct buf *out)
{
    memset(vector, 0, dimensions * sizeof *vector);
    add_prompt(vector, dimensions, prompt);
    make_unit(vector, dimensions);
    json_object(out);
    json_key(out, "object"), json_cstr(out, "embedding");
    json_key(out, "index"), json_int(out, index);
    json_key(out, "embedding");
    if (request->base64)
        write_base64(vector, dimensions, out);
    else {
        json_array(out);
        for (size_t i = 0; i < dimensions; i++)
            json_double(out, (double)vector[i]);
        json_array_end(out);
    }
    json_object_end(out);
}

void embed_write(const struct asked *request, struct buf *out)
{
    size_t dimensions = request->dimensions > 0 && request->dimensions <= EMBED_MOST ? (size_t)request->dimensions : EMBED_DIMENSIONS;
    float *vector = calloc(dimensions, sizeof *vector);
    struct jval prompt;
    int64_t index = 0;
    if (!vector) {
        out->failed = true;
        return;
    }
    json_array(out);
    if (!request->is_batch)
        write_one(request, request->prompt, 0, vector, dimensions, out);
    else
        for (struct jiter iter = jval_items(request->prompt); jiter_next(&iter, NULL, &prompt); index++)
            write_one(request, prompt, index, vector, dimensions, out);
    json_array_end(out);
    free(vector);
}
