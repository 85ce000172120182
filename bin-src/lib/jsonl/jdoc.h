/*
 * jsonl/jdoc.h: a JSON text, parsed whole and looked into
 *
 *     struct jdoc *doc = jdoc_new();
 *     struct jval root, choices;
 *     if (jdoc_parse(doc, text, len, &root, &err) == 0 && jval_member(root, "choices", &choices)) ...
 *     jdoc_free(doc);
 *
 * A jval is a place in the document: it lives until the jdoc parses again or is freed, and so do the strings got from
 * it. Values and their types are checked once, in jdoc_parse; every getter returns false for a value of another type,
 * and leaves *out alone. The parser is simdjson's; no more than this header shows of it.
 */
#ifndef JSONL_JDOC_H
#define JSONL_JDOC_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

/* So many bytes behind a text that is parsed must be readable, whatever they hold. */
#define JDOC_PADDING 64

struct jdoc;
struct jval {
    const void *doc;
    size_t at;
};
enum jtype { JTYPE_NULL, JTYPE_BOOL, JTYPE_INT, JTYPE_DOUBLE, JTYPE_STR, JTYPE_ARRAY, JTYPE_OBJECT };

struct jdoc *jdoc_new(void);      // NULL: out of memory
void jdoc_free(struct jdoc *doc); // NULL is fine

/* Parses one value, RFC 8259, UTF-8 checked; numbers must fit 64 bits or a double, and surrogates come in pairs: the
 * message tells what is beyond that from what is no JSON. text is only read. */
int jdoc_parse(struct jdoc *doc, const char *text, size_t len, struct jval *root, struct err *err);

enum jtype jval_type(struct jval value);
bool jval_str(struct jval value, struct str *out);
bool jval_int(struct jval value, int64_t *out);     // a whole number, also one written 3.0
bool jval_double(struct jval value, double *out);   // any number
bool jval_bool(struct jval value, bool *out);
bool jval_is_null(struct jval value);

/* The member of an object; the first where a name is repeated. */
bool jval_member(struct jval object, const char *name, struct jval *out);
/* Members of members: "/response/text". */
bool jval_at(struct jval object, const char *path, struct jval *out);
/* jval_at, and the type's getter. */
bool jval_str_at(struct jval object, const char *path, struct str *out);
bool jval_int_at(struct jval object, const char *path, int64_t *out);
bool jval_double_at(struct jval object, const char *path, double *out);

size_t jval_count(struct jval value); // elements or members; 0 for what has none

/* for (struct jiter it = jval_items(array); jiter_next(&it, NULL, &value);) ... ; names of members go to *name. */
struct jiter {
    const void *doc;
    size_t at, end;
    bool members;
};
struct jiter jval_items(struct jval value);
bool jiter_next(struct jiter *iter, struct str *name, struct jval *value);

/* The elements of an array of whole numbers, at most max of them, into out. Returns how many it has, or -1 where one
 * is something else or value is no array. */
long jval_ints(struct jval value, int64_t *out, size_t max);

/* Writes the value as JSON text. */
void jval_write(struct jval value, struct buf *out);

#endif
