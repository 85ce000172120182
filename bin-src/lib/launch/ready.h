/*
 * launch/ready.h: is an OpenAI-compatible server ready to answer?
 *
 *     struct ready_options options = {.url = "http://127.0.0.1:8000/v1", .timeout_ns = 1800 * NS_PER_S, .retries = READY_NO_LIMIT};
 *     char *model;
 *     switch (ready_wait(&options, &model, &err)) {
 *     case READY_YES:     // model is the name that it answered to; free it
 *     case READY_NO:      // err says why: died, timed out, wrong model name, unreachable
 *     case READY_STOPPED: // one of options.stops is readable
 *     }
 *
 * A try has three steps, and a server that passes all of them in one try is ready:
 *   1. GET /health, beside /v1, answers 200. Where it does not exist (404, 405, 501) the next step stands for it.
 *   2. GET /v1/models answers 200 and lists the model. Without a model, the first of the list is taken. Where it does
 *      not exist (404, 405, 501) and a model was named, that name is taken.
 *   3. One real request for one token is answered, by chat or, where that is refused, by completions. Only this shows
 *      that weights are loaded and kernels compiled: servers say 200 to the rest before.
 * A try that fails is repeated after 0.1 s, and then ever more slowly, up to every 5 s. What waiting does not cure ends
 * it at once: a key or a certificate that is refused, a list of models that has others and not ours, a real request
 * that is called wrong in both forms.
 *
 * By libcurl, blocking. It reads no proxy from the environment. Messages hold no key, and no user of a URL.
 */
#ifndef LAUNCH_READY_H
#define LAUNCH_READY_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READY_NO_LIMIT (-1)
#define READY_STOPS_MAX 4

enum ready { READY_YES, READY_NO, READY_STOPPED };

struct ready_options {
    const char *url;     // of the server, with or without /v1
    const char *model;   // NULL: the first that the server lists
    const char *key;     // sent as a bearer token; NULL: none
    struct str headers;  // more of them, each with CRLF (net/header.h)
    const char *cacert;  // certificates to trust; NULL: the system's
    bool insecure;       // any certificate will do
    int64_t timeout_ns;  // for all tries and pauses together
    int64_t retries;     // so many tries after the first, READY_NO_LIMIT: as many as there is time for
    int stops[READY_STOPS_MAX]; // file descriptors; when one is readable, the wait ends
    size_t stop_count;
};

/* Logs why it is not ready yet: each try at level debug, and one every 30 s at info.
 * *model is NULL unless READY_YES. err's kind for READY_NO: ERR_TIMEOUT, it is not ready after all the time or tries;
 * ERR_NET, it never will be; ERR_PARSE, a bad URL; ERR_NOMEM. */
enum ready ready_wait(const struct ready_options *options, char **model, struct err *err);

/* Nobody accepts connections at the URL's host and port? -1: somebody does, so a server that is started there would not
 * get it, and theirs would pass for ours; or it is no URL. */
int ready_is_free(const char *url, struct err *err);

#endif
