/*
 * search/sender.h: one run of lm-send, looked at while it goes
 *
 *     struct sender sender = {.options = {passed, own}, .path = "dir/rate-12-1.jsonl", .take = judge, .arg = &trial,
 *                             .drain_ns = 60 * NS_PER_S};
 *     if (sender_run(&sender, &prompts, 550, &err) < 0) ...     // sender.how says where the records are from
 *
 * Each record goes to path.part, and to take, in the order in which they ended. When take says so, nothing more is sent
 * (SIGINT: lm-send lets what is in flight end, so that the server is idle after); what then still comes is kept in the
 * file, and not given to take. After drain_ns it is killed. The file gets its name at the end; where it is there already, a
 * former run's, its records are taken instead. Should we die, lm-send is told to end.
 */
#ifndef SEARCH_SENDER_H
#define SEARCH_SENDER_H

#include "jsonl/jsonl.h"
#include "report/measured.h"
#include "search/prompts.h"

enum sender_wish { SENDER_GO_ON, SENDER_STOP };

enum sender_how { SENDER_SENT, SENDER_FOUND, SENDER_KILLED, SENDER_HOWS }; // found: in a former run's file
extern const char *const sender_hows[SENDER_HOWS];

struct sender {
    char *const *options[2]; // of lm-send, which is found on PATH, the second behind the first; NULL ends each
    const char *path;
    int64_t drain_ns;
    int (*take)(void *arg, const struct jsonl_record *rec, const struct measured *request, struct err *err); // a wish; -1: cannot
    void *arg;
    uint64_t records;        // in the file, when done
    enum sender_how how;     // when done
};

/* With as many of the prompts. */
int sender_run(struct sender *sender, struct prompts *prompts, size_t count, struct err *err);

/* Makes the folder, if it is not there, and its settings.json: what the records in it are sent with. Fails with
 * ERR_EXISTS where that is there and says something else. */
int sender_settle(const char *folder, struct str settings, struct err *err);

#endif
