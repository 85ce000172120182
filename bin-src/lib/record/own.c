/* record/own.c: see own.h */
#include "record/own.h"

static const char *const kept[] = {"id", "input", "gold", "request", NULL};

static bool is_one_of(struct str name, const char *const names[])
{
    for (; *names; names++)
        if (str_is(name, *names))
            return true;
    return false;
}

static const char *first_there(const struct jsonl_record *rec, const char *const names[])
{
    while (*names && !jsonl_has(rec, *names))
        names++;
    return *names;
}

int own_claim(const struct jsonl_record *rec, const char *const names[], unsigned flags, struct own_place *place, struct err *err)
{
    struct jsonl_member member;
    const char *there = first_there(rec, names);
    place->cuts = there != NULL;
    if (!there)
        return 0;
    if (!(flags & OWN_REPLACE))
        return err_set(err, ERR_EXISTS, "%s: is there already (--replace cuts it and what follows)", there);
    bool found = false;
    for (struct jsonl_walk walk = jsonl_members(rec); jsonl_each(rec, &walk, &member);) {
        if (!found && is_one_of(member.name, names)) {
            place->first = member;
            found = true;
        } else if (found && is_one_of(member.name, kept) && !(flags & OWN_REQUEST && str_is(member.name, "request")))
            return err_set(err, ERR_EXISTS, "%.*s: stands behind %.*s and would be cut with it", STR_ARG(member.name),
                           STR_ARG(place->first.name));
    }
    return 0;
}

void own_cut(struct jsonl_record *rec, const struct own_place *place)
{
    if (place->cuts)
        jsonl_cut(rec, &place->first);
}
