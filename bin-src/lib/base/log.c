/* base/log.c: see log.h */
#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "base/out.h"
#include "base/progress.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const level_names[] = {[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warning", [LOG_ERROR] = "error"};
static enum log_level lowest = LOG_INFO; // the process has one stderr, and so one level

void log_set_level(enum log_level level)
{
    lowest = level;
}

enum log_form log_form(void)
{
    const char *form = getenv("LM_LOG");
    return form && strcmp(form, "json") == 0 ? LOG_JSON : LOG_TEXT;
}

static void add_json(struct buf *line, enum log_level level, struct str message, const struct log_field *fields)
{
    char ts[CLOCK_UTC_SIZE];
    const char *job = getenv("SLURM_JOB_ID");
    clock_format_utc(ts, clock_utc_ns(), 6);
    json_object(line);
    json_key(line, "ts"), json_cstr(line, ts);
    json_key(line, "level"), json_cstr(line, level_names[level]);
    json_key(line, "logger"), json_cstr(line, program_invocation_short_name);
    json_key(line, "message"), json_str(line, message);
    if (job)
        json_key(line, "job_id"), json_cstr(line, job);
    for (; fields->key; fields++) {
        json_key(line, fields->key);
        if (fields->text)
            json_cstr(line, fields->text);
        else
            json_double(line, fields->number);
    }
    json_object_end(line);
}

/* A count whole, however large, and a measured value as far as a person reads it. */
static void add_number(struct buf *line, double number)
{
    bool whole = fabs(number) < 1e15 && number == trunc(number);
    buf_addf(line, whole ? "%.0f" : "%.6g", number);
}

static void add_text(struct buf *line, const char *message, const struct log_field *fields)
{
    buf_add_str(line, str_of(program_invocation_short_name));
    buf_add_str(line, STR(": "));
    buf_add_str(line, str_of(message));
    for (; fields->key; fields++) {
        buf_addf(line, " %s=", fields->key);
        if (fields->text)
            buf_add_str(line, str_of(fields->text));
        else
            add_number(line, fields->number);
    }
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    if (level < lowest)
        return;
    struct buf line = {0};
    if (log_form() == LOG_JSON)
        add_json(&line, level, str_of(message), fields);
    else
        add_text(&line, message, fields);
    buf_add_char(&line, '\n');
    progress_erase();
    // A log that cannot be written has nowhere to be reported; without memory the bare message goes out.
    ssize_t ignored = line.failed ? write(2, message, strlen(message)) : write(2, line.ptr, line.len);
    ignored = line.failed ? write(2, "\n", 1) : ignored;
    (void)ignored;
    buf_release(&line);
}

void log_lines(enum log_level level, const char *from, struct str lines)
{
    struct buf object = {0};
    struct err ignored; // a log that cannot be written has nowhere to be reported
    if (level < lowest)
        return;
    progress_erase();
    if (log_form() == LOG_TEXT)
        out_all(STDERR_FILENO, lines.ptr, lines.len, &ignored);
    while (log_form() == LOG_JSON && lines.len > 0) {
        const char *feed = memchr(lines.ptr, '\n', lines.len);
        size_t len = feed ? (size_t)(feed - lines.ptr) : lines.len, whole = len + (feed != NULL);
        buf_clear(&object);
        add_json(&object, level, (struct str){lines.ptr, len}, (struct log_field[]){log_kv("from", from), {0}});
        buf_add_char(&object, '\n');
        struct str out = object.failed ? (struct str){lines.ptr, whole} : buf_str(&object);
        out_all(STDERR_FILENO, out.ptr, out.len, &ignored);
        lines = (struct str){lines.ptr + whole, lines.len - whole};
    }
    buf_release(&object);
}
