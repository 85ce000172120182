/*
 * tap/capture.h: packets with the kernel's stamps, from an interface or a file (libpcap)
 *
 *     struct capture *capture = capture_open("lo", ports, 1, &err);     // or capture_read_file("x.pcap", &err)
 *     poll(&(struct pollfd){.fd = capture_fd(capture), .events = POLLIN}, 1, 100);
 *     while ((got = capture_take(capture, on_packet, arg, &err)) > 0) ...
 *     capture_close(capture);
 *
 * An interface's packets are put into a ring of 128 MB by the kernel, which wakes the reader when a block of it is full or
 * CAPTURE_DELAY_NS old: so stamps are right however late anybody reads, and a packet costs no wake. Only TCP of the ports is
 * captured. On "lo" each packet comes by twice; the kernel is asked for one copy. "any" is all interfaces.
 */
#ifndef TAP_CAPTURE_H
#define TAP_CAPTURE_H

#include "base/err.h"
#include "tap/packet.h"

#include <stdbool.h>

#define CAPTURE_DELAY_NS (20 * 1000 * 1000)

struct capture;

/* Needs CAP_NET_RAW. Fails, naming what would help, where it may not or the interface is none. */
struct capture *capture_open(const char *interface, const uint16_t *ports, size_t count, struct err *err);
/* A capture file, pcap or pcapng, of any precision; "-": standard input. */
struct capture *capture_read_file(const char *path, struct err *err);
void capture_close(struct capture *capture); // NULL is fine

/* For poll, of an interface: readable when there are packets. */
int capture_fd(const struct capture *capture);

/* Hands on what is there, which of a file is a few hundred packets; at_ns is UTC. How many packets that were; 0: none now, or
 * the file's end; -1: it cannot go on, or take returned -1. */
int capture_take(struct capture *capture, int (*take)(void *arg, const struct packet *packet, struct err *err), void *arg,
                 struct err *err);

/* How many packets the kernel had no room for, so far. */
uint64_t capture_dropped(struct capture *capture);

/* The interface on which this host's packets to the address go out: "lo", too, for its own addresses. false: nobody knows. */
bool capture_interface_to(const char *host, int port, char interface[64]);

#endif
