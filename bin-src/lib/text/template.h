/*
 * text/template.h: prompts out of items, by a text that says how
 *
 *     struct template *t = template_parse(text, TEMPLATE_CHAT, &err);
 *     template_add_example(t, example, &err);          // as often as there are
 *     template_render(t, item, shots, &body, &err);    // the value of "messages", or of "prompt"
 *     template_free(t);
 *
 * A template is text in parts. A line that is "[system]", "[user]", "[assistant]" or "[answer]" and nothing else begins
 * one, which goes on to the next such line, less empty lines at both ends; what stands before the first is a comment. A
 * text without such lines is one [user] part. A byte order mark in front is no text, and a line end is a line feed, also
 * where the file has CR LF.
 *
 *     [system]
 *     Answer with a number behind ####.
 *     [user]
 *     {{input.question}}
 *     [answer]
 *     {{meta.solution}}
 *     #### {{gold}}
 *
 * {{a.b.0}} stands for that member of the record: a string's text, anything else as JSON; a whole number picks out of an
 * array. A record that lacks it, or where it is null, cannot be rendered. "\{{" is "{{", and "\[" at the start of a line "[".
 *
 * Parts are messages in their order, [system] first. [answer] is none: it is what an example answers. An example stands
 * behind [system] as the template's parts with the example's members, less a last [assistant] (which begins the answer),
 * and its [answer]. An example that is the record itself, by id or by meta.item, is passed over.
 *
 * TEMPLATE_CHAT gives an array of messages; TEMPLATE_TEXT one string, as completions take it: the parts with a line end
 * between them, [system] and each example with an empty line behind. One thread at a time.
 */
#ifndef TEXT_TEMPLATE_H
#define TEXT_TEMPLATE_H

#include "jsonl/jdoc.h"

struct template;
enum template_form { TEMPLATE_CHAT, TEMPLATE_TEXT };

/* NULL: the text is wrong, "LINE: why" ("3: [sytem]: ..."), or no memory. */
struct template *template_parse(struct str text, enum template_form form, struct err *err);
void template_free(struct template *t); // NULL is fine

/* Puts the text, as it is, in the place of the [system] parts; an empty one takes them out. */
int template_set_system(struct template *t, struct str text, struct err *err);
/* Takes an item whose answer is known. Fails, too, where the template has no [answer]. */
int template_add_example(struct template *t, struct jval item, struct err *err);
size_t template_examples(const struct template *t);

/* Writes the JSON value for the record, with the first examples, as many as shots says. On failure, such as "input.question: is
 * missing", what was written is in out still. */
int template_render(struct template *t, struct jval record, size_t shots, struct buf *out, struct err *err);

#endif
