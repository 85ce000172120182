/*
 * load/packets.h: a job's times of arrival, as the packets have them
 *
 * With --clock packet a thread sees the server's packets (tap/witness.h). A job whose answer was whole gets its arrivals from
 * there, however late our own reads were; when it was due and sent stays as it is.
 */
#ifndef LOAD_PACKETS_H
#define LOAD_PACKETS_H

#include "load/job.h"
#include "load/target.h"
#include "tap/packet.h"

/* Watches what goes to the servers. Fails where nobody can tell by which interface, or packets may not be seen. */
struct packets *packets_watch(const struct targets *targets, struct err *err);
void packets_stop(struct packets *packets); // NULL is fine

/* The end of the connection that is ours. False: it is none of IP. */
bool packets_own_end(int fd, struct packet_end *end);

/* Waits for the packets of the job's answer, if need be, and takes their times. False: they were not seen, and the job keeps its
 * own. start_ns is the run's. */
bool packets_time(struct packets *packets, struct job *job, int64_t start_ns);

#endif
