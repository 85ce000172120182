/* jsonl/jdoc.cpp: see jdoc.h. The one C++ file of the library: simdjson's tape behind C functions. */
#define SIMDJSON_EXCEPTIONS 0
extern "C" {
#include "jsonl/jdoc.h"

#include "base/json.h"
}

#include <cctype>
#include <cmath>
#include <new>
#include <simdjson.h>

using simdjson::dom::document;
using simdjson::internal::tape_ref;
using simdjson::internal::tape_type;

static_assert(JDOC_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson reads so far beyond a text");

struct jdoc {
    simdjson::dom::parser parser;
};

/* Its first use names simdjson's kernels in strings, in functions that are noexcept: without memory it would end the
 * process then, in the middle of a run. So it is before main. */
__attribute__((constructor)) static void choose_kernel(void)
{
    (void)simdjson::get_active_implementation()->name();
}

static tape_ref tape_of(struct jval value)
{
    return tape_ref(static_cast<const document *>(value.doc), value.at);
}

struct jdoc *jdoc_new(void)
{
    return new (std::nothrow) jdoc;
}

void jdoc_free(struct jdoc *doc)
{
    delete doc;
}

/* Grows by half more than is asked for, so that a file of ever longer lines does not allocate at each. */
static bool make_room(struct jdoc *doc, size_t len)
{
    size_t want = len + len / 2 + 4096;
    if (doc->parser.capacity() < len && doc->parser.allocate(want) != simdjson::SUCCESS) {
        doc->parser = simdjson::dom::parser(); // one that is allocated in part says that it is whole
        return false;
    }
    return doc->parser.doc.capacity() >= len || doc->parser.doc.allocate(want) == simdjson::SUCCESS;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of the number that begins the text, by RFC 8259; 0: it is none. */
static size_t number_len(struct str text)
{
    size_t at = 0;
    auto here = [&](const char *any) { return at < text.len && text.ptr[at] != '\0' && strchr(any, text.ptr[at]); };
    auto digits = [&] {
        size_t from = at;
        while (at < text.len && is_digit(text.ptr[at]))
            at++;
        return at > from;
    };
    at += here("-");
    if (here("0"))
        at++;
    else if (!digits())
        return 0;
    if (here(".") && (at++, !digits()))
        return 0;
    if (here("eE")) {
        at++;
        at += here("+-");
        if (!digits())
            return 0;
    }
    return at == text.len || here(",]} \t\r\n") ? at : 0;
}

/* The length of the escape at the text's backslash; 0: it is none. */
static size_t escape_len(struct str text)
{
    if (text.len < 2 || text.ptr[1] == '\0' || !strchr("\"\\/bfnrtu", text.ptr[1]))
        return 0;
    if (text.ptr[1] != 'u')
        return 2;
    size_t hex = 0;
    while (2 + hex < text.len && hex < 4 && isxdigit(static_cast<unsigned char>(text.ptr[2 + hex])))
        hex++;
    return hex == 4 ? 6 : 0;
}

/* Is each number and each escape one, by the grammar? For what simdjson refused, since it has one code for those that
 * are none and those that are beyond it. */
static bool is_grammatical(struct str text)
{
    bool in_string = false;
    for (size_t at = 0, len = 1; at < text.len; at += len, len = 1) {
        struct str rest = {text.ptr + at, text.len - at};
        if (*rest.ptr == '"')
            in_string = !in_string;
        else if (in_string && *rest.ptr == '\\')
            len = escape_len(rest);
        else if (!in_string && (is_digit(*rest.ptr) || strchr("-+.", *rest.ptr)))
            len = number_len(rest);
        if (len == 0)
            return false;
    }
    return true;
}

static int explain(simdjson::error_code code, struct str text, struct err *err)
{
    if (code == simdjson::MEMALLOC)
        return err_nomem(err);
    if (code == simdjson::NUMBER_ERROR && is_grammatical(text))
        return err_set(err, ERR_PARSE, "a number beyond what is read (integers of 64 bits, fractions up to 1.7e308)");
    if (code == simdjson::STRING_ERROR && is_grammatical(text))
        return err_set(err, ERR_PARSE, "a string with half a surrogate pair (such as \\ud800 alone), which is no character");
    return err_set(err, ERR_PARSE, "not JSON: %s", simdjson::error_message(code));
}

int jdoc_parse(struct jdoc *doc, const char *text, size_t len, struct jval *root, struct err *err)
{
    if (len == 0)
        return err_set(err, ERR_PARSE, "empty");
    if (!make_room(doc, len))
        return err_nomem(err);
    simdjson::dom::element element;
    simdjson::error_code code = doc->parser.parse(text, len, false).get(element);
    if (code != simdjson::SUCCESS)
        return explain(code, {text, len}, err);
    root->doc = &doc->parser.doc;
    root->at = 1; // behind the root word of the tape
    return 0;
}

enum jtype jval_type(struct jval value)
{
    switch (tape_of(value).tape_ref_type()) {
    case tape_type::START_ARRAY:
        return JTYPE_ARRAY;
    case tape_type::START_OBJECT:
        return JTYPE_OBJECT;
    case tape_type::STRING:
        return JTYPE_STR;
    case tape_type::INT64:
    case tape_type::UINT64:
        return JTYPE_INT;
    case tape_type::DOUBLE:
        return JTYPE_DOUBLE;
    case tape_type::TRUE_VALUE:
    case tape_type::FALSE_VALUE:
        return JTYPE_BOOL;
    default:
        return JTYPE_NULL;
    }
}

static inline struct str text_of(tape_ref tape)
{
    return {tape.get_c_str(), tape.get_string_length()};
}

bool jval_str(struct jval value, struct str *out)
{
    tape_ref tape = tape_of(value);
    if (tape.tape_ref_type() != tape_type::STRING)
        return false;
    *out = text_of(tape);
    return true;
}

bool jval_int(struct jval value, int64_t *out)
{
    tape_ref tape = tape_of(value);
    switch (tape.tape_ref_type()) {
    case tape_type::INT64:
        *out = tape.next_tape_value<int64_t>();
        return true;
    case tape_type::DOUBLE: {
        double number = tape.next_tape_value<double>();
        if (number != std::trunc(number) || std::fabs(number) > 9e15)
            return false;
        *out = static_cast<int64_t>(number);
        return true;
    }
    default:
        return false;
    }
}

bool jval_double(struct jval value, double *out)
{
    tape_ref tape = tape_of(value);
    switch (tape.tape_ref_type()) {
    case tape_type::INT64:
        *out = static_cast<double>(tape.next_tape_value<int64_t>());
        return true;
    case tape_type::UINT64:
        *out = static_cast<double>(tape.next_tape_value<uint64_t>());
        return true;
    case tape_type::DOUBLE:
        *out = tape.next_tape_value<double>();
        return true;
    default:
        return false;
    }
}

bool jval_bool(struct jval value, bool *out)
{
    tape_type type = tape_of(value).tape_ref_type();
    if (type != tape_type::TRUE_VALUE && type != tape_type::FALSE_VALUE)
        return false;
    *out = type == tape_type::TRUE_VALUE;
    return true;
}

bool jval_is_null(struct jval value)
{
    return tape_of(value).tape_ref_type() == tape_type::NULL_VALUE;
}

struct jiter jval_items(struct jval value)
{
    tape_ref tape = tape_of(value);
    tape_type type = tape.tape_ref_type();
    struct jiter iter = {value.doc, 0, 0, type == tape_type::START_OBJECT};
    if (type == tape_type::START_OBJECT || type == tape_type::START_ARRAY) {
        iter.at = value.at + 1;
        iter.end = tape.after_element() - 1;
    }
    return iter;
}

bool jiter_next(struct jiter *iter, struct str *name, struct jval *value)
{
    if (iter->at >= iter->end)
        return false;
    if (iter->members) {
        if (name)
            *name = text_of(tape_of(jval{iter->doc, iter->at}));
        iter->at++;
    }
    *value = jval{iter->doc, iter->at};
    iter->at = tape_of(*value).after_element();
    return true;
}

/* jiter_next's walk, written out: it looks at the value of the found member only, which is 7 % of lm-prompt's time. */
static bool find(struct jval object, const char *name, size_t len, struct jval *out)
{
    struct jiter iter = jval_items(object);
    if (!iter.members)
        return false;
    while (iter.at < iter.end) {
        struct str at = text_of(tape_of(jval{iter.doc, iter.at}));
        struct jval value = {iter.doc, iter.at + 1};
        if (at.len == len && memcmp(at.ptr, name, len) == 0) {
            *out = value;
            return true;
        }
        iter.at = tape_of(value).after_element();
    }
    return false;
}

bool jval_member(struct jval object, const char *name, struct jval *out)
{
    return find(object, name, strlen(name), out);
}

bool jval_at(struct jval object, const char *path, struct jval *out)
{
    struct jval at = object;
    while (*path == '/') {
        size_t len = strcspn(path + 1, "/");
        if (!find(at, path + 1, len, &at))
            return false;
        path += 1 + len;
    }
    *out = at;
    return true;
}

bool jval_str_at(struct jval object, const char *path, struct str *out)
{
    struct jval value;
    return jval_at(object, path, &value) && jval_str(value, out);
}

bool jval_int_at(struct jval object, const char *path, int64_t *out)
{
    struct jval value;
    return jval_at(object, path, &value) && jval_int(value, out);
}

bool jval_double_at(struct jval object, const char *path, double *out)
{
    struct jval value;
    return jval_at(object, path, &value) && jval_double(value, out);
}

size_t jval_count(struct jval value)
{
    size_t count = 0;
    struct jval item;
    for (struct jiter iter = jval_items(value); jiter_next(&iter, nullptr, &item);)
        count++;
    return count;
}

long jval_ints(struct jval value, int64_t *out, size_t max)
{
    long count = 0;
    struct jval item;
    int64_t number;
    struct jiter iter = jval_items(value);
    if (jval_type(value) != JTYPE_ARRAY)
        return -1;
    while (jiter_next(&iter, nullptr, &item)) {
        if (!jval_int(item, &number))
            return -1;
        if (static_cast<size_t>(count) < max)
            out[count] = number;
        count++;
    }
    return count;
}

static void write_number(struct jval value, struct buf *out)
{
    tape_ref tape = tape_of(value);
    if (tape.is_int64())
        json_int(out, tape.next_tape_value<int64_t>());
    else if (tape.is_uint64()) {
        char text[24];
        int len = snprintf(text, sizeof text, "%llu", static_cast<unsigned long long>(tape.next_tape_value<uint64_t>()));
        json_raw(out, {text, static_cast<size_t>(len)});
    } else
        json_double(out, tape.next_tape_value<double>());
}

void jval_write(struct jval value, struct buf *out)
{
    struct jiter iter = jval_items(value);
    struct jval item;
    struct str text;
    bool flag = false;
    switch (jval_type(value)) {
    case JTYPE_NULL:
        json_null(out);
        return;
    case JTYPE_BOOL:
        jval_bool(value, &flag);
        json_bool(out, flag);
        return;
    case JTYPE_INT:
    case JTYPE_DOUBLE:
        write_number(value, out);
        return;
    case JTYPE_STR:
        jval_str(value, &text);
        json_str(out, text);
        return;
    case JTYPE_ARRAY:
        json_array(out);
        while (jiter_next(&iter, nullptr, &item))
            jval_write(item, out);
        json_array_end(out);
        return;
    case JTYPE_OBJECT:
        json_object(out);
        while (jiter_next(&iter, &text, &item)) {
            json_key_str(out, text);
            jval_write(item, out);
        }
        json_object_end(out);
        return;
    }
}
