/* openai/embedding.c: see embedding.h */
#include "openai/embedding.h"

#include "base/json.h"

#include <math.h>

static const char *write_numbers(struct jval value, struct buf *out)
{
    struct jval number;
    double any;
    for (struct jiter iter = jval_items(value); jiter_next(&iter, NULL, &number);)
        if (!jval_double(number, &any))
            return "an embedding that holds something else than numbers";
    jval_write(value, out);
    return NULL;
}

/* What the character stands for (RFC 4648, 4); -1: nothing. */
static int bits_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static float float_of(const unsigned char bytes[4])
{
    uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static const char *write_base64(struct str text, struct buf *out)
{
    unsigned char bytes[4];
    uint32_t held = 0;
    size_t held_bits = 0, count = 0;
    while (text.len > 0 && text.ptr[text.len - 1] == '=')
        text.len--;
    if (text.len * 6 / 8 % sizeof bytes != 0)
        return "an embedding in base64 that is no row of 32-bit floats";
    json_array(out);
    for (size_t i = 0; i < text.len; i++) {
        int bits = bits_of(text.ptr[i]);
        if (bits < 0)
            return "an embedding that is no base64";
        held = held << 6 | (uint32_t)bits;
        held_bits += 6;
        if (held_bits < 8)
            continue;
        held_bits -= 8;
        bytes[count++ % sizeof bytes] = (unsigned char)(held >> held_bits);
        if (count % sizeof bytes != 0)
            continue;
        double value = float_of(bytes);
        if (!isfinite(value))
            return "an embedding with a value that is no number";
        json_double(out, value);
    }
    json_array_end(out);
    return NULL;
}

const char *embedding_write(struct jval value, struct buf *out)
{
    struct str text;
    size_t before = out->len;
    const char *why = "an embedding that is neither an array nor base64";
    if (jval_type(value) == JTYPE_ARRAY)
        why = write_numbers(value, out);
    else if (jval_str(value, &text))
        why = write_base64(text, out);
    if (why)
        out->len = before;
    return why;
}
