/* report/foreign_own.c: a summary that lm-stat --format json wrote, which is one already; see foreign.h */
#include "report/foreign.h"

static bool tell(struct jval root)
{
    struct jval requests, tokens, timing;
    return jval_member(root, "requests", &requests) && jval_member(root, "tokens", &tokens) && !jval_member(root, "timing", &timing) &&
           jval_type(requests) == JTYPE_OBJECT && jval_type(tokens) == JTYPE_OBJECT;
}

static int convert(struct foreign *foreign, struct jval root, struct err *err)
{
    (void)err;
    jval_write(root, &foreign->summaries);
    buf_add_char(&foreign->summaries, '\n');
    return 0;
}

const struct foreign_tool foreign_own = {"lm-stat", tell, convert};
