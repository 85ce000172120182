/*
 * base/str.h: a string as a view, pointer and length
 *
 * JSON text may hold a zero byte, so strings are never measured by one. A view owns nothing: it lives as long as
 * what it points into.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_ARG(s) (int)(s).len, (s).ptr // for "%.*s"

static inline struct str str_of(const char *text)
{
    return (struct str){text, strlen(text)};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_of(text));
}

/* As str_is, upper and lower case alike (ASCII): for HTTP header names. */
static inline bool str_is_nocase(struct str a, const char *text)
{
    return a.len == strlen(text) && strncasecmp(a.ptr, text, a.len) == 0;
}

/* FNV-1a: texts that differ at their end alone differ little in its high bits. */
static inline uint64_t str_hash(struct str a)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < a.len; i++)
        hash = (hash ^ (unsigned char)a.ptr[i]) * 1099511628211u;
    return hash;
}

static inline bool str_starts(struct str a, struct str prefix)
{
    return a.len >= prefix.len && memcmp(a.ptr, prefix.ptr, prefix.len) == 0;
}

/* Overwrites the secret wherever it stands in the text, which must be writable. One of few bytes is none. */
static inline void str_conceal(struct str text, struct str secret)
{
    enum { LEAST = 6 };
    for (char *at; secret.len >= LEAST && text.len >= secret.len && (at = (char *)memmem(text.ptr, text.len, secret.ptr, secret.len));) {
        memset(at, '*', secret.len);
        text.len -= (size_t)(at + secret.len - text.ptr);
        text.ptr = at + secret.len;
    }
}

/* Without the byte order mark that some editors put in front of UTF-8. */
static inline struct str str_skip_bom(struct str a)
{
    size_t mark = str_starts(a, STR("\xef\xbb\xbf")) ? 3 : 0;
    return (struct str){a.ptr + mark, a.len - mark};
}

/* Without blanks, tabs, CR and LF at both ends. */
static inline struct str str_trim(struct str a)
{
    while (a.len > 0 && strchr(" \t\r\n", a.ptr[0]) && a.ptr[0] != '\0') {
        a.ptr++;
        a.len--;
    }
    while (a.len > 0 && strchr(" \t\r\n", a.ptr[a.len - 1]) && a.ptr[a.len - 1] != '\0')
        a.len--;
    return a;
}

#endif
