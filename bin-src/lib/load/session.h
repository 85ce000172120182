/*
 * load/session.h: conversations, a turn after the other
 *
 *     struct sessions *sessions = sessions_new(1 << 30);
 *     struct session_place place;
 *     if (sessions_find(sessions, rec->root, &place, &err) > 0)    // each record, in the order of the input
 *         job->turn = sessions_add(sessions, &place, &err);        // of those that are ours
 *     switch (sessions_wait(job->turn, job)) ...                   // a later turn: may it be sent?
 *     next = sessions_end(job->turn, TURN_ANSWERED, ...);          // an answer came: the job that waited for it
 *     session_fill(next->turn, ...);
 *     sessions_free(sessions);
 *
 * A session's turns stand in the input in their order, whatever lies between them, and are numbered without a gap, from 0 or
 * from 1. Nobody knows which is the last: the text of answers is kept until it is more than so many bytes, and then that of
 * the sessions goes whose turns all ended longest ago. A turn that would have needed it cannot be sent. What a turn needs
 * besides, some 200 bytes, is kept to the end. Found and added by one thread; all others may be called by any.
 */
#ifndef LOAD_SESSION_H
#define LOAD_SESSION_H

#include "load/job.h"

enum turn_state {
    TURN_OPEN,     // it is not over
    TURN_ANSWERED,
    TURN_FAILED,   // and so did all that follow
    TURN_UNSENT,   // it cannot be sent: nor can those that follow
};

struct session;
struct sessions;

struct turn {
    struct session *session;
    struct turn *former, *next; // NULL: the first; the last so far
    int64_t number, think_ns;
    size_t index;          // its place among the session's turns, from 0 on
    enum turn_state state; // what follows is set with it
    int64_t end_ns;        // ns after the start
    struct buf text;       // of the answer
    struct job *waiting;   // for the former turn's end
};

/* One that follows another; NULL: of no session. */
static inline bool turn_is_later(const struct turn *turn)
{
    return turn && turn->former;
}

/* Where a record stands in its session. */
struct session_place {
    struct session *session;
    int64_t number, think_ns;
    bool is_first;
    int64_t *dealt; // for the caller to keep, one of the session: 0 at first
};

struct sessions *sessions_new(size_t keep_bytes); // NULL: out of memory
/* Frees the jobs that wait, too. NULL is fine. */
void sessions_free(struct sessions *sessions);

/* 1: the record's "session" is the next turn of a session, or its first; 0: it has none; -1: it is malformed, or not the next. */
int sessions_find(struct sessions *sessions, struct jval record, struct session_place *place, struct err *err);
/* Adds what was found. It lives as long as the sessions. NULL: out of memory. */
struct turn *sessions_add(struct sessions *sessions, const struct session_place *place, struct err *err);

/* How the former turn ended; where that is open, the job is the session's until sessions_end gives it back. */
enum turn_state sessions_wait(struct sessions *sessions, struct turn *turn, struct job *job);
/* The turn is over. *next: the job that waited for that, which is the caller's again; NULL: none did. -1: out of memory. */
int sessions_end(struct sessions *sessions, struct turn *turn, enum turn_state state, int64_t end_ns, struct str text, struct job **next,
                 struct err *err);

/* Are the answers there, or to come, that the turn's blanks (openai/blanks.h) ask for? */
int session_check(const struct turn *turn, struct str blanks, struct err *err);
/* Adds the body to out, its blanks filled with the text of the former turns' answers, which are there. Out of memory: out says so. */
void session_fill(const struct turn *turn, struct str body, struct str blanks, struct buf *out);

#endif
