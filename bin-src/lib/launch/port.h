/*
 * launch/port.h: a port for a server, and its place in the server's command line
 */
#ifndef LAUNCH_PORT_H
#define LAUNCH_PORT_H

#include "base/err.h"

#include <stdbool.h>

/* A TCP port of 127.0.0.1 on which nobody listens; -1: there is none. It may be taken before the server comes to it,
 * which then says so and ends. */
int port_pick(struct err *err);

/* The port that the file holds; where there is no file, a free one, which is written to it. -1: cannot. */
int port_kept(const char *path, struct err *err);

/* Does {port} stand in any of the texts? NULL ends them. */
bool port_is_marked(char *const *texts);

/* Puts the number wherever {port} stands, in new texts in the place of the old. NULL ends them; those that had to
 * change are the caller's to free. */
int port_fill(char **texts, int port, struct err *err);

#endif
