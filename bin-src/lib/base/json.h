/*
 * base/json.h: the writer of JSON text, onto a buf
 *
 *     json_object(out);
 *     json_key(out, "id"), json_str(out, id);
 *     json_key(out, "chunks_ns"), json_array(out);
 *     json_int(out, 1234);
 *     json_array_end(out);
 *     json_object_end(out);
 *
 * Commas come by themselves: a value or key puts one in front unless the byte before it opens something. So a text
 * starts in an empty buf, or behind json_raw of whatever must stand before it. Strings are UTF-8 and are escaped;
 * bytes that are no UTF-8 become U+FFFD, so that what is written is always valid. NaN and infinities are null. A
 * double is written so that it reads back equal. Out of memory: the buf says so.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

#include <stdint.h>

void json_object(struct buf *out);
void json_object_end(struct buf *out);
void json_array(struct buf *out);
void json_array_end(struct buf *out);
void json_key(struct buf *out, const char *key); // any UTF-8: it is escaped
void json_key_str(struct buf *out, struct str key);
void json_str(struct buf *out, struct str text);
void json_cstr(struct buf *out, const char *text);
void json_int(struct buf *out, int64_t value);
void json_double(struct buf *out, double value);
void json_bool(struct buf *out, bool value);
void json_null(struct buf *out);
/* A member; nothing where the value is no number: what is not known is absent. */
void json_figure(struct buf *out, const char *key, double value);
void json_count(struct buf *out, const char *key, uint64_t count);
/* A value that is JSON already, as it is. */
void json_raw(struct buf *out, struct str json);

#endif
