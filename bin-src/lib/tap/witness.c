/* tap/witness.c: see witness.h */
#include "tap/witness.h"

#include "base/clock.h"
#include "base/num.h"
#include "net/stamp.h"
#include "tap/capture.h"
#include "tap/flow.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct witness {
    struct loop *loop;
    struct stamp_clock stamps;
    struct loop_watch packets, told;
    struct capture *capture;
    struct flows *flows;
    uint16_t port;
    int stop_fd;
    pthread_t thread;
    bool started, stopping;

    pthread_mutex_t lock;
    pthread_cond_t more;
    bool over; // no more will come
    struct seen *places[WITNESS_PLACES]; // what nobody has taken yet, the latest first
};

/* --- what was seen --- */

static struct seen **place_of(struct witness *witness, const struct packet_end *client, uint64_t nth)
{
    return &witness->places[(client->port + nth * 7919) % WITNESS_PLACES];
}

/* A port is used again by a later connection: the latest is the one that is meant. */
static struct seen *find(struct witness *witness, const struct packet_end *client, uint64_t nth)
{
    struct seen **at = place_of(witness, client, nth);
    while (*at && !((*at)->nth == nth && packet_same_end(&(*at)->client, client)))
        at = &(*at)->next;
    struct seen *seen = *at;
    if (seen)
        *at = seen->next;
    return seen;
}

static void on_seen(void *arg, struct seen *seen)
{
    struct witness *witness = arg;
    pthread_mutex_lock(&witness->lock);
    struct seen **at = place_of(witness, &seen->client, seen->nth);
    seen->next = *at;
    *at = seen;
    for (int i = 0; i < WITNESS_DEEP && *at; i++)
        at = &(*at)->next;
    struct seen *old = *at;
    *at = NULL;
    pthread_cond_broadcast(&witness->more);
    pthread_mutex_unlock(&witness->lock);
    if (old)
        seen_free(old);
}

struct seen *witness_take(struct witness *witness, const struct packet_end *client, uint64_t nth, int64_t until_ns)
{
    struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    struct seen *seen;
    int late = 0;
    pthread_mutex_lock(&witness->lock);
    while (!(seen = find(witness, client, nth)) && !witness->over && late == 0)
        late = pthread_cond_timedwait(&witness->more, &witness->lock, &until);
    pthread_mutex_unlock(&witness->lock);
    return seen;
}

/* --- the thread --- */

static int on_packet(void *arg, const struct packet *packet, struct err *err)
{
    struct witness *witness = arg;
    struct packet timed = *packet;
    timed.at_ns -= witness->stamps.offset_ns;
    return flows_take(witness->flows, &timed, err);
}

static void on_packets(struct loop_watch *watch, int what)
{
    struct witness *witness = (struct witness *)((char *)watch - offsetof(struct witness, packets));
    struct err err;
    int got;
    (void)what;
    while ((got = capture_take(witness->capture, on_packet, witness, &err)) > 0)
        ;
    witness->stopping |= got < 0; // records keep their own clock from here on
}

static void on_told(struct loop_watch *watch, int what)
{
    struct witness *witness = (struct witness *)((char *)watch - offsetof(struct witness, told));
    (void)what;
    witness->stopping = true;
}

static void *run(void *arg)
{
    struct witness *witness = arg;
    struct err err;
    while (!witness->stopping && loop_turn(witness->loop, &err) == 0)
        ;
    pthread_mutex_lock(&witness->lock);
    witness->over = true;
    pthread_cond_broadcast(&witness->more);
    pthread_mutex_unlock(&witness->lock);
    return NULL;
}

static int set_up(struct witness *witness, const char *interface, struct err *err)
{
    struct flows_options options = {.ports = &witness->port, .port_count = 1, .bodies = FLOWS_DROP_BODIES, .done = on_seen, .arg = witness};
    witness->packets.ready = on_packets;
    witness->told.ready = on_told;
    if (!(witness->loop = loop_new(err)) || stamp_clock_init(&witness->stamps, witness->loop, err) < 0)
        return -1;
    if (!(witness->flows = flows_new(&options, err)) || !(witness->capture = capture_open(interface, &witness->port, 1, err)))
        return -1;
    witness->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (witness->stop_fd < 0)
        return err_errno(err, "eventfd");
    if (loop_watch(witness->loop, &witness->packets, capture_fd(witness->capture), LOOP_READ, err) < 0 ||
        loop_watch(witness->loop, &witness->told, witness->stop_fd, LOOP_READ, err) < 0)
        return -1;
    if (pthread_create(&witness->thread, NULL, run, witness) != 0)
        return err_set(err, ERR_NOMEM, "cannot start a thread");
    witness->started = true;
    return 0;
}

struct witness *witness_start(const char *interface, uint16_t port, struct err *err)
{
    struct witness *witness = calloc(1, sizeof *witness);
    pthread_condattr_t monotonic;
    if (!witness) {
        err_nomem(err);
        return NULL;
    }
    witness->port = port;
    witness->stop_fd = -1;
    pthread_mutex_init(&witness->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&witness->more, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (set_up(witness, interface, err) == 0)
        return witness;
    witness_stop(witness);
    return NULL;
}

void witness_stop(struct witness *witness)
{
    if (!witness)
        return;
    if (witness->started) {
        eventfd_write(witness->stop_fd, 1);
        pthread_join(witness->thread, NULL);
    }
    if (witness->stamps.loop)
        stamp_clock_release(&witness->stamps);
    loop_free(witness->loop);
    capture_close(witness->capture);
    if (witness->stop_fd >= 0)
        close(witness->stop_fd);
    flows_free(witness->flows);
    for (size_t i = 0; i < WITNESS_PLACES; i++)
        for (struct seen *seen = witness->places[i], *next; seen; seen = next) {
            next = seen->next;
            seen_free(seen);
        }
    pthread_cond_destroy(&witness->more);
    pthread_mutex_destroy(&witness->lock);
    free(witness);
}
