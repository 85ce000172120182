/*
 * openai/body.h: the body of a request, as it came but for what was asked to be set
 */
#ifndef OPENAI_BODY_H
#define OPENAI_BODY_H

#include "jsonl/jsonl.h"

enum openai_api { OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS, OPENAI_API_COUNT };
extern const char *const openai_apis[OPENAI_API_COUNT];  // "chat", ...
extern const char *const openai_paths[OPENAI_API_COUNT]; // below /v1: "/chat/completions", ...

/* A member to set, whatever the body says. */
struct body_change {
    struct str name;
    struct str value; // JSON text
};

/* The members of the object that json is, at most max. Names and values are views into *text, to which json is copied; the
 * count, or -1: it is no object, has too many, or memory ran out. */
int body_changes(const char *json, struct body_change *changes, size_t max, struct buf *text, struct err *err);

/* The record's api: its own "api", else by what its request holds. Fails where neither tells. */
int body_api(struct jval record, enum openai_api *api, struct err *err);

/*
 * Adds body to out, byte for byte but for the values of the members in changes; those that it lacks come at its end.
 * body has JDOC_PADDING readable bytes behind it; doc is used for the time of the call.
 */
int body_write(struct jdoc *doc, struct str body, const struct body_change *changes, size_t count, struct buf *out, struct err *err);

#endif
