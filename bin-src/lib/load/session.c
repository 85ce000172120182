/* load/session.c: see session.h */
#include "load/session.h"

#include "base/json.h"
#include "openai/blanks.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>

struct session {
    struct str id;
    int64_t last; // number of its latest turn
    int64_t dealt;
    struct turn *turns, *tail;
    size_t bytes;    // of the text of its answers
    bool forgotten;  // which are gone
    size_t open;     // turns that are not over
    struct session *idle_before, *idle_next; // among those that have no such
    bool idle;
    char text[]; // what id views, once it is kept
};

struct sessions {
    void *tree;           // by id (tsearch)
    pthread_mutex_t lock; // of all below, of what turns say of their ends, and of next and waiting
    struct session *idle_first, *idle_last; // ended longest ago; last
    size_t bytes, keep_bytes;
};

struct sessions *sessions_new(size_t keep_bytes)
{
    struct sessions *sessions = calloc(1, sizeof *sessions);
    if (sessions) {
        sessions->keep_bytes = keep_bytes;
        pthread_mutex_init(&sessions->lock, NULL);
    }
    return sessions;
}

static void session_free(void *arg)
{
    struct session *session = arg;
    for (struct turn *turn = session->turns, *next; turn; turn = next) {
        next = turn->next;
        job_free(turn->waiting);
        buf_release(&turn->text);
        free(turn);
    }
    free(session);
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    tdestroy(sessions->tree, session_free);
    pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

/* --- what is kept; of the lock's holder --- */

static void set_idle(struct sessions *sessions, struct session *session)
{
    session->idle = true;
    session->idle_next = NULL;
    session->idle_before = sessions->idle_last;
    *(sessions->idle_last ? &sessions->idle_last->idle_next : &sessions->idle_first) = session;
    sessions->idle_last = session;
}

static void set_busy(struct sessions *sessions, struct session *session)
{
    if (!session->idle)
        return;
    session->idle = false;
    *(session->idle_before ? &session->idle_before->idle_next : &sessions->idle_first) = session->idle_next;
    *(session->idle_next ? &session->idle_next->idle_before : &sessions->idle_last) = session->idle_before;
}

/* Drops the text of those that ended longest ago, until there is not too much. */
static void forget(struct sessions *sessions)
{
    while (sessions->bytes > sessions->keep_bytes && sessions->idle_first) {
        struct session *session = sessions->idle_first;
        set_busy(sessions, session);
        for (struct turn *turn = session->turns; turn; turn = turn->next)
            buf_release(&turn->text);
        sessions->bytes -= session->bytes;
        session->bytes = 0;
        session->forgotten = true;
    }
}

/* --- from the input --- */

static int compare(const void *left, const void *right)
{
    const struct session *a = left, *b = right;
    size_t shorter = a->id.len < b->id.len ? a->id.len : b->id.len;
    int order = memcmp(a->id.ptr, b->id.ptr, shorter);
    return order != 0 ? order : (a->id.len > b->id.len) - (a->id.len < b->id.len);
}

/* Keeps a session of that id. NULL: out of memory. */
static struct session *add_session(struct sessions *sessions, struct str id)
{
    struct session *session = malloc(sizeof *session + id.len);
    if (!session)
        return NULL;
    *session = (struct session){.id = {session->text, id.len}};
    memcpy(session->text, id.ptr, id.len);
    if (tsearch(session, &sessions->tree, compare))
        return session;
    free(session);
    return NULL;
}

static int read_member(struct jval record, struct str *id, struct session_place *place, struct err *err)
{
    struct jval session, value;
    if (!jval_member(record, "session", &session) || jval_is_null(session))
        return 0;
    if (!jval_str_at(session, "/id", id) || id->len == 0)
        return err_set(err, ERR_PARSE, "session.id: not a string that names a session");
    if (!jval_int_at(session, "/turn", &place->number) || place->number < 0)
        return err_set(err, ERR_PARSE, "session.turn: not a whole number from 0 on");
    if (jval_member(session, "think_ns", &value) &&
        (!jval_int(value, &place->think_ns) || place->think_ns < 0 || place->think_ns > INT64_MAX / 4))
        return err_set(err, ERR_PARSE, "session.think_ns: not a whole number from 0 on, or beyond all time");
    return 1;
}

int sessions_find(struct sessions *sessions, struct jval record, struct session_place *place, struct err *err)
{
    struct session wanted;
    *place = (struct session_place){0};
    int got = read_member(record, &wanted.id, place, err);
    if (got <= 0)
        return got;
    struct session *const *found = tfind(&wanted, &sessions->tree, compare), *session = found ? *found : NULL;
    if (session ? place->number != session->last + 1 : place->number > 1)
        return err_set(err, ERR_RANGE, "session.turn: %lld of session %.*s, and %lld is not right before it in the input",
                       (long long)place->number, wanted.id.len < 80 ? (int)wanted.id.len : 80, wanted.id.ptr, (long long)place->number - 1);
    place->is_first = !session;
    if (!session && !(session = add_session(sessions, wanted.id)))
        return err_nomem(err);
    session->last = place->number;
    place->session = session;
    place->dealt = &session->dealt;
    return 1;
}

struct turn *sessions_add(struct sessions *sessions, const struct session_place *place, struct err *err)
{
    struct session *session = place->session;
    struct turn *turn = calloc(1, sizeof *turn);
    if (!turn) {
        err_nomem(err);
        return NULL;
    }
    *turn = (struct turn){.session = session, .former = session->tail, .number = place->number, .think_ns = place->think_ns,
                          .index = session->tail ? session->tail->index + 1 : 0};
    pthread_mutex_lock(&sessions->lock);
    set_busy(sessions, session);
    session->open++;
    if (session->tail)
        session->tail->next = turn;
    else
        session->turns = turn;
    pthread_mutex_unlock(&sessions->lock);
    session->tail = turn;
    return turn;
}

/* --- as turns end --- */

enum turn_state sessions_wait(struct sessions *sessions, struct turn *turn, struct job *job)
{
    pthread_mutex_lock(&sessions->lock);
    enum turn_state state = turn->former->state;
    if (state == TURN_OPEN)
        turn->waiting = job;
    pthread_mutex_unlock(&sessions->lock);
    return state;
}

int sessions_end(struct sessions *sessions, struct turn *turn, enum turn_state state, int64_t end_ns, struct str text, struct job **next,
                 struct err *err)
{
    struct buf copy = {0};
    buf_add_str(&copy, text);
    *next = NULL;
    if (copy.failed)
        return err_nomem(err);
    pthread_mutex_lock(&sessions->lock);
    turn->text = copy;
    turn->end_ns = end_ns;
    turn->state = state;
    if (turn->next) {
        *next = turn->next->waiting;
        turn->next->waiting = NULL;
    }
    if (--turn->session->open == 0)
        set_idle(sessions, turn->session);
    turn->session->bytes += text.len;
    sessions->bytes += text.len;
    forget(sessions);
    pthread_mutex_unlock(&sessions->lock);
    return 0;
}

/* --- bodies --- */

int session_check(const struct turn *turn, struct str blanks, struct err *err)
{
    const struct blank *first = (const struct blank *)(const void *)blanks.ptr; // which goes furthest back
    if (blanks.len == 0)
        return 0;
    if (first->back > turn->index)
        return err_set(err, ERR_MISSING, "request.messages: answers left open: %zu; turns of the session before this one: %zu", first->back,
                       turn->index);
    if (turn->session->forgotten)
        return err_set(err, ERR_MISSING, "session: stands too far behind the turn before it, whose answer is no longer in memory");
    return 0;
}

void session_fill(const struct turn *turn, struct str body, struct str blanks, struct buf *out)
{
    const struct blank *blank = (const struct blank *)(const void *)blanks.ptr, *end = blank + blanks.len / sizeof *blank;
    const struct turn *former = turn->session->turns;
    struct buf text = {0};
    size_t copied = 0;
    for (; blank < end; blank++) {
        while (former->index + blank->back < turn->index)
            former = former->next;
        buf_clear(&text);
        json_str(&text, buf_str(&former->text));
        buf_add(out, body.ptr + copied, blank->at - copied);
        buf_add_str(out, buf_str(&text));
        copied = blank->at + BLANK_LEN;
        out->failed = out->failed || text.failed;
    }
    buf_add(out, body.ptr + copied, body.len - copied);
    buf_release(&text);
}
