/*
 * text/adapter.h: what makes items of a data set's rows, a jq program in a file of its own
 *
 *     struct adapter adapter = {0};
 *     struct adapter_source source;
 *     if (adapter_load(&adapter, "gsm8k", &err) < 0 || adapter_source(&adapter, NULL, &source, &err) < 0) ...
 *     adapter_program(&adapter, &program, &err);   // for jq, which gets rows and gives items
 *     adapter_release(&adapter);
 *
 * Adding a data set is adding pipelines/items/NAME.jq; lm-items(1) says how it is written. This module runs nothing.
 */
#ifndef TEXT_ADAPTER_H
#define TEXT_ADAPTER_H

#include "base/buf.h"
#include "base/err.h"
#include "text/rows.h"

struct adapter {
    const char *name; // the caller's
    struct buf text;  // zero-terminated
};

/* Where its data are: a line "# data: SPLIT FILE [SHA256 URL]". */
struct adapter_source {
    char split[32], file[128];
    char sha256[80], url[512]; // "": the file is beside an adapter of one's own, or came with lmutils, in configs/
};

/* name is one of pipelines/items/, or a path that ends in ".jq". ERR_MISSING: there is none; the message lists the known. */
int adapter_load(struct adapter *adapter, const char *name, struct err *err);
void adapter_release(struct adapter *adapter);

/* The first source, or that of the split. 1: found; 0: it has none, rows must be given; -1: it has, but not of this split. */
int adapter_source(const struct adapter *adapter, const char *split, struct adapter_source *source, struct err *err);

/* How its files hold rows: a line "# rows: FORM". Fails on one that there is not. */
int adapter_rows(const struct adapter *adapter, enum rows_form *form, struct err *err);

/* Makes path, which is empty, that of the file where it is beside the adapter: no url, and the adapter was named by its
 * path. Else path stays empty. */
int adapter_beside(const struct adapter *adapter, const struct adapter_source *source, struct buf *path, struct err *err);

/*
 * Adds jq's program, zero-terminated, for jq -n. It takes rows {where, split, line, text, exact}: text is a JSON value as
 * text, and exact what exact_hide (text/exact.h) makes of it, if it makes something. It gives for each item {where, item},
 * for exact_show, or {where, text} where the row is an item as it stands, or {where, error}; a row without text comes back
 * as it is. It needs $opt, an object with samples (0: the items themselves).
 */
int adapter_program(const struct adapter *adapter, struct buf *program, struct err *err);

#endif
