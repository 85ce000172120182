/* tap/capture.c: see capture.h */
#include "tap/capture.h"

#include "base/buf.h"
#include "base/num.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RING_BYTES = 128 << 20, SNAP_BYTES = 262144, FILE_PACKETS = 256 };

struct capture {
    pcap_t *pcap;
    int link_type;
    bool live;
    int batch; // packets that are taken at a time; below 0: what is there
    int (*take)(void *arg, const struct packet *packet, struct err *err);
    void *arg;
    struct err *err;
    bool failed;
    uint64_t dropped;
    uint32_t dropped_last; // libpcap counts in 32 bits
};

void capture_close(struct capture *capture)
{
    if (!capture)
        return;
    if (capture->pcap)
        pcap_close(capture->pcap);
    free(capture);
}

static struct capture *capture_new(struct err *err)
{
    struct capture *capture = calloc(1, sizeof *capture);
    if (!capture)
        err_nomem(err);
    return capture;
}

static int check_link(struct capture *capture, const char *name, struct err *err)
{
    capture->link_type = pcap_datalink(capture->pcap);
    if (packet_knows(capture->link_type))
        return 0;
    const char *link = pcap_datalink_val_to_name(capture->link_type);
    return err_set(err, ERR_PARSE, "%s: packets of link type %s cannot be read", name, link ? link : "unknown");
}

/* --- an interface --- */

static int say_permission(const char *interface, struct err *err)
{
    char program[300];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    return err_set(err, ERR_IO, "%s: to see packets needs the right CAP_NET_RAW: sudo setcap cap_net_raw+ep %s", interface,
                   len > 0 ? program : "PROGRAM");
}

static int activate(struct capture *capture, const char *interface, struct err *err)
{
    int status = pcap_activate(capture->pcap);
    if (status >= 0)
        return 0;
    if (status == PCAP_ERROR_PERM_DENIED)
        return say_permission(interface, err);
    if (status == PCAP_ERROR_NO_SUCH_DEVICE)
        return err_set(err, ERR_MISSING, "%s: there is no such interface", interface);
    const char *why = pcap_geterr(capture->pcap);
    return err_set(err, ERR_IO, "%s: %s", interface, *why ? why : pcap_statustostr(status));
}

static int set_filter(struct capture *capture, const uint16_t *ports, size_t count, struct err *err)
{
    struct buf text = {0};
    struct bpf_program program;
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%stcp port %u", i > 0 ? " or " : "", ports[i]);
    buf_add_char(&text, '\0');
    int rc = text.failed ? err_nomem(err) : 0;
    if (rc == 0 && pcap_compile(capture->pcap, &program, text.ptr, 1, PCAP_NETMASK_UNKNOWN) < 0)
        rc = err_set(err, ERR_IO, "%s: %s", text.ptr, pcap_geterr(capture->pcap));
    else if (rc == 0) {
        if (pcap_setfilter(capture->pcap, &program) < 0)
            rc = err_set(err, ERR_IO, "%s: %s", text.ptr, pcap_geterr(capture->pcap));
        pcap_freecode(&program);
    }
    buf_release(&text);
    return rc;
}

static int set_up(struct capture *capture, const char *interface, const uint16_t *ports, size_t count, struct err *err)
{
    char why[PCAP_ERRBUF_SIZE];
    capture->live = true;
    capture->batch = -1;
    capture->pcap = pcap_create(interface, why);
    if (!capture->pcap)
        return err_set(err, ERR_IO, "%s: %s", interface, why);
    pcap_set_snaplen(capture->pcap, SNAP_BYTES);
    pcap_set_timeout(capture->pcap, (int)(CAPTURE_DELAY_NS / NS_PER_MS));
    pcap_set_buffer_size(capture->pcap, RING_BYTES);
    pcap_set_tstamp_precision(capture->pcap, PCAP_TSTAMP_PRECISION_NANO);
    if (activate(capture, interface, err) < 0 || set_filter(capture, ports, count, err) < 0)
        return -1;
    if (pcap_setnonblock(capture->pcap, 1, why) < 0)
        return err_set(err, ERR_IO, "%s: %s", interface, why);
    if (strcmp(interface, "lo") == 0) // an older kernel gives both: the second copy is skipped as one that was sent again
        setsockopt(pcap_fileno(capture->pcap), SOL_PACKET, PACKET_IGNORE_OUTGOING, &(int){1}, sizeof(int));
    return check_link(capture, interface, err);
}

struct capture *capture_open(const char *interface, const uint16_t *ports, size_t count, struct err *err)
{
    struct capture *capture = capture_new(err);
    if (!capture || set_up(capture, interface, ports, count, err) == 0)
        return capture;
    capture_close(capture);
    return NULL;
}

int capture_fd(const struct capture *capture)
{
    return pcap_get_selectable_fd(capture->pcap);
}

uint64_t capture_dropped(struct capture *capture)
{
    struct pcap_stat stat;
    if (capture->live && pcap_stats(capture->pcap, &stat) == 0) {
        capture->dropped += stat.ps_drop - capture->dropped_last;
        capture->dropped_last = stat.ps_drop;
    }
    return capture->dropped;
}

/* --- a file --- */

struct capture *capture_read_file(const char *path, struct err *err)
{
    char why[PCAP_ERRBUF_SIZE];
    struct capture *capture = capture_new(err);
    if (!capture)
        return NULL;
    capture->batch = strcmp(path, "-") == 0 ? 1 : FILE_PACKETS; // a pipe may bring no more for long
    errno = 0;
    capture->pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
    bool names_it = str_starts(str_of(why), str_of(path));
    if (!capture->pcap && errno == ENOMEM)
        err_nomem(err);
    else if (!capture->pcap)
        err_set(err, ERR_PARSE, "%s%s%s", names_it ? "" : path, names_it ? "" : ": ", why);
    else if (check_link(capture, path, err) == 0)
        return capture;
    capture_close(capture);
    return NULL;
}

/* --- packets --- */

static void on_packet(unsigned char *user, const struct pcap_pkthdr *header, const unsigned char *bytes)
{
    struct capture *capture = (struct capture *)(void *)user;
    struct packet packet = {.at_ns = header->ts.tv_sec * NS_PER_S + header->ts.tv_usec}; // asked for in ns
    if (capture->failed || !packet_parse(&packet, capture->link_type, (struct str){(const char *)bytes, header->caplen}))
        return;
    if (capture->take(capture->arg, &packet, capture->err) < 0) {
        capture->failed = true;
        pcap_breakloop(capture->pcap);
    }
}

int capture_take(struct capture *capture, int (*take)(void *arg, const struct packet *packet, struct err *err), void *arg,
                 struct err *err)
{
    capture->take = take;
    capture->arg = arg;
    capture->err = err;
    int got = pcap_dispatch(capture->pcap, capture->batch, on_packet, (unsigned char *)capture);
    if (capture->failed)
        return -1;
    return got >= 0 ? got : err_set(err, ERR_IO, "%s", pcap_geterr(capture->pcap));
}

/* --- which interface --- */

/* The address that this host has on the way to the other; a connected datagram socket sends nothing. */
static bool local_address(const struct addrinfo *to, struct sockaddr_storage *from)
{
    socklen_t len = sizeof *from;
    int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known = fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) == 0 && getsockname(fd, (struct sockaddr *)from, &len) == 0;
    if (fd >= 0)
        close(fd);
    return known;
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (!a || !b || a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr, &((const struct sockaddr_in *)(const void *)b)->sin_addr,
                      sizeof(struct in_addr)) == 0;
    return a->sa_family == AF_INET6 && memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                                              &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

static bool interface_of(const struct sockaddr *address, char interface[64])
{
    struct ifaddrs *all;
    bool found = false;
    if (getifaddrs(&all) < 0)
        return false;
    for (const struct ifaddrs *at = all; at && !found; at = at->ifa_next)
        if (same_address(at->ifa_addr, address)) {
            snprintf(interface, 64, "%s", at->ifa_name);
            found = true;
        }
    freeifaddrs(all);
    return found;
}

bool capture_interface_to(const char *host, int port, char interface[64])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    struct sockaddr_storage from;
    char service[8];
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return false;
    bool known = false;
    for (const struct addrinfo *at = found; at && !known; at = at->ai_next) {
        if (!local_address(at, &from))
            continue;
        known = true;
        if (same_address(at->ai_addr, (const struct sockaddr *)&from)) // its own address
            snprintf(interface, 64, "lo");
        else
            known = interface_of((const struct sockaddr *)&from, interface);
    }
    freeaddrinfo(found);
    return known;
}
