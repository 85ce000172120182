/*
 * report/requests.h: requests in, from records and from other programs' results
 *
 *     struct requests *in = requests_open(paths, REQUESTS_ONCE, &err);
 *     struct request request;
 *     while ((got = requests_next(in, &request, &err)) != REQUESTS_END) ...
 *     requests_close(in);
 *
 * A line is a record of lm-send, or a result of another program (foreign.h), which becomes the records or the
 * summaries that it holds; an object over several lines, of which the first is "{", is read whole. What a request
 * holds lives until the next requests_next. One thread at a time.
 */
#ifndef REPORT_REQUESTS_H
#define REPORT_REQUESTS_H

#include "jsonl/jsonl.h"
#include "report/measured.h"

enum requests_got {
    REQUESTS_ONE,
    REQUESTS_SUMMARY, // figures without requests
    REQUESTS_BAD,     // this line is neither, err says why; go on
    REQUESTS_END,
    REQUESTS_FAILED,
};
enum requests_times { REQUESTS_ONCE, REQUESTS_TWICE };

struct request {
    struct jval root;          // the record; of a summary: the object with the members of lm-stat --format json
    struct str line;           // its text
    struct measured *measured; // of a record
    const char *file;          // as it was given; stdin is "-"
};

struct requests;

/* paths ends with NULL and must live as long. REQUESTS_TWICE: requests_again will be called; standard input that cannot
 * be read twice is kept in a file without a name then, and another pipe refused. */
struct requests *requests_open(char *const *paths, enum requests_times times, struct err *err);
void requests_close(struct requests *requests); // NULL is fine
enum requests_got requests_next(struct requests *requests, struct request *request, struct err *err);
/* From the first file on once more. */
int requests_again(struct requests *requests, struct err *err);
/* "FILE:LINE" of what was read last. */
const char *requests_where(const struct requests *requests);

#endif
