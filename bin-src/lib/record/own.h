/*
 * record/own.h: may a filter append its members to this record?
 *
 *     static const char *const own[] = {"api", "request", NULL};
 *     struct own_place place;
 *     if (own_claim(rec, own, opt.replace ? OWN_REPLACE : 0, &place, err) < 0)
 *         return -1;            // the record is passed on as it came
 *     ... work out what to append ...
 *     own_cut(rec, &place);     // nothing, unless what was there is to be replaced
 *     json_str(jsonl_append(rec, "api"), ...);
 *
 * A member that is there already is an error, ERR_EXISTS. With OWN_REPLACE it and all behind it is cut, which was
 * computed from it (design, section 2, "Appending"); but not where that would cut what nobody can compute again: id,
 * input, gold, and request (unless OWN_REQUEST: lm-prompt makes it).
 */
#ifndef RECORD_OWN_H
#define RECORD_OWN_H

#include "jsonl/jsonl.h"

enum { OWN_REPLACE = 1, OWN_REQUEST = 2 };

struct own_place {
    struct jsonl_member first; // of those to be cut
    bool cuts;
};

/* names ends with NULL. Changes nothing in the record. */
int own_claim(const struct jsonl_record *rec, const char *const names[], unsigned flags, struct own_place *place, struct err *err);
void own_cut(struct jsonl_record *rec, const struct own_place *place);

#endif
