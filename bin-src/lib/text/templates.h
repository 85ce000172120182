/*
 * text/templates.h: the template of each task, found when it is first asked for
 *
 *     struct templates_options options = {.form = TEMPLATE_CHAT};
 *     struct templates *templates = templates_new(&options, &err);
 *     struct template *template;
 *     if (templates_find(templates, rec->root, &template, &err) == 1) ...
 *     templates_free(templates);
 *
 * That of task NAME is pipelines/prompts/NAME.txt, where it is installed or in the tree (base/share.h). One thread at a time.
 */
#ifndef TEXT_TEMPLATES_H
#define TEXT_TEMPLATES_H

#include "text/template.h"

/* What it points to must live as long as the templates. */
struct templates_options {
    enum template_form form;
    const char *path;         // this template for all; NULL: by task
    const char *task;         // of this task for all; NULL: by the record's own, "chat" where it has none
    const struct str *system; // in the place of theirs; NULL: theirs
    const char *examples;     // a file of items
    size_t shots;             // so many of its items of the task, and one more if there is: a record is no example of itself
};

struct templates;
struct templates *templates_new(const struct templates_options *options, struct err *err); // NULL: out of memory
void templates_free(struct templates *templates);                                          // NULL is fine

/* The record's template, which is the templates' own. 0: it has none, err says why; -1: the one that it has cannot be used. */
int templates_find(struct templates *templates, struct jval record, struct template **out, struct err *err);

#endif
