/*
 * jsonl/jsonl.h: records in, records out, a line each
 *
 *     struct jsonl_reader *in = jsonl_open(paths, &err); // no path, or "-": stdin; .gz as plain text
 *     struct jsonl_record *rec;
 *     enum jsonl_got got;
 *     while ((got = jsonl_next(in, &rec, &err)) != JSONL_END) {
 *         if (got == JSONL_FAILED)
 *             die(EXIT_CANNOT, &err);
 *         if (got == JSONL_BAD) {
 *             warn("%s: %s", jsonl_where(in), err.msg); // items.jsonl:17: why
 *             continue;
 *         }
 *         struct buf *out = jsonl_append(rec, "answer");
 *         json_str(out, answer);
 *         if (jsonl_write(rec, &err) < 0)
 *             die(EXIT_CANNOT, &err);
 *     }
 *     jsonl_close(in);
 *
 * A line has any length. It is parsed whole: it must be one JSON object whose names, compared unescaped, are all
 * different at the top level. A byte order mark at the start of a file belongs to no line. A record is copied through
 * byte for byte, and members are appended at its end (design, section 2). What a record holds lives until the next
 * jsonl_next. One thread at a time.
 */
#ifndef JSONL_JSONL_H
#define JSONL_JSONL_H

#include "jsonl/jdoc.h"

struct jsonl_reader;

/* A record; its members are jsonl.c's own, but for these two, which callers read. */
struct jsonl_record {
    struct jval root;
    struct str line; // as it stands in the file, without the line feed
    struct buf added;
    size_t cut; // what is kept of line
    bool empty; // nothing stands before what is added
};

/* Where a top-level member stands in the line. */
struct jsonl_member {
    struct str name;   // unescaped
    struct str value;  // its text
    size_t from;       // of the name's quote, in the line
    size_t kept;       // what stands before it and its comma
};

enum jsonl_got { JSONL_RECORD, JSONL_BAD, JSONL_END, JSONL_FAILED };

/* paths ends with NULL and must live as long as the reader. Opens the first file; the others as they are reached. */
struct jsonl_reader *jsonl_open(char *const *paths, struct err *err);
void jsonl_close(struct jsonl_reader *reader); // NULL is fine

/* JSONL_BAD: this line is no record, err says why; go on. JSONL_FAILED: a file cannot be read on (a .gz that ends too
 * early is such a case), or no memory; err names the file. */
enum jsonl_got jsonl_next(struct jsonl_reader *reader, struct jsonl_record **rec, struct err *err);
/* For other programs' files: the line that was just read, good or bad, and all that follows in its file, as
 * one object written over several lines. JSONL_BAD: they are none, and jsonl_next goes on behind that line. */
enum jsonl_got jsonl_join(struct jsonl_reader *reader, struct jsonl_record **rec, struct err *err);
/* The file of the line that was read last; stdin is "-". */
const char *jsonl_name(const struct jsonl_reader *reader);
/* "FILE:LINE" of the line that was read last; stdin is "-". Lives until the next jsonl_next. */
const char *jsonl_where(const struct jsonl_reader *reader);

bool jsonl_has(const struct jsonl_record *rec, const char *name);
/* Finds a top-level member's text. False: there is none. */
bool jsonl_member(const struct jsonl_record *rec, const char *name, struct jsonl_member *member);
/* for (struct jsonl_walk walk = jsonl_members(rec); jsonl_each(rec, &walk, &member);) ... : in their order. */
struct jsonl_walk {
    size_t at; // of the brace or comma before the next
    struct jiter names;
};
struct jsonl_walk jsonl_members(const struct jsonl_record *rec);
bool jsonl_each(const struct jsonl_record *rec, struct jsonl_walk *walk, struct jsonl_member *member);

/* The next element of an array's text, which was parsed: size_t at = 0; while (jsonl_element(array, &at, &element)) ... */
bool jsonl_element(struct str array, size_t *at, struct str *element);

/* Begins the member: write its one value onto what is returned. */
struct buf *jsonl_append(struct jsonl_record *rec, const char *name);
/* Drops the member and all that follows it, appended members too. */
void jsonl_cut(struct jsonl_record *rec, const struct jsonl_member *member);

/* Adds the record as it now stands, and a line feed, to out, or writes it to standard output. */
int jsonl_format(const struct jsonl_record *rec, struct buf *out, struct err *err);
int jsonl_write(const struct jsonl_record *rec, struct err *err);

/* Parses one line as jsonl_next would; the line has JDOC_PADDING readable bytes behind it. rec->added is cleared, and
 * the caller releases it at the end. */
int jsonl_parse(struct jdoc *doc, struct str line, struct jsonl_record *rec, struct err *err);

#endif
