/*
 * base/log.h: one line an event, on stderr
 *
 *     log_info("served", log_kv("model", name), log_kv("port", port));
 *
 * Text: "lm-serve: served model=x port=8000". With LM_LOG=json: one object with ts, level, logger, message and the
 * fields, and job_id under SLURM. A line goes out in one write(2). For programs; libraries return errors.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_form { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *key; // NULL ends a list
    const char *text; // NULL: a number
    double number;
};

/* Lines below level are dropped; LOG_INFO at the start (-q: LOG_WARN, -v: LOG_DEBUG). */
void log_set_level(enum log_level level);
/* What LM_LOG says. */
enum log_form log_form(void);
void log_write(enum log_level level, const char *message, const struct log_field *fields);

/* Lines that somebody else wrote (from), each with its line feed: as they are, or with LM_LOG=json an object each, of
 * which the line is the message, and which has a member "from". */
void log_lines(enum log_level level, const char *from, struct str lines);

static inline struct log_field log_kv_text(const char *key, const char *text)
{
    return (struct log_field){key, text ? text : "", 0};
}

static inline struct log_field log_kv_number(const char *key, double number)
{
    return (struct log_field){key, 0, number};
}

static inline struct log_field log_kv_int(const char *key, int64_t value)
{
    return log_kv_number(key, (double)value); // a log needs no more than 2^53
}

static inline struct log_field log_kv_uint(const char *key, uint64_t value)
{
    return log_kv_number(key, (double)value);
}

#define log_kv(key, value) \
    _Generic((value), char *: log_kv_text, const char *: log_kv_text, long: log_kv_int, long long: log_kv_int, \
        unsigned long: log_kv_uint, unsigned long long: log_kv_uint, default: log_kv_number)(key, value)
#define log_at(level, message, ...) log_write(level, message, (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)

#endif
