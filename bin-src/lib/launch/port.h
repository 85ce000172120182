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

/* Does {port} stand in the text? */
bool port_is_marked(const char *text);

/* The text with the number wherever {port} stands, for the caller to free; NULL: out of memory. */
char *port_fill(const char *text, int port, struct err *err);

#endif
