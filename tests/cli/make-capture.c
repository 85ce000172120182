/*
 * make-capture: a capture file out of a description, for tests of lm-tap
 *
 * Reads lines "MICROSECONDS SIDE WHAT [TEXT]" from standard input and writes the file to standard output. SIDE is c (the
 * client, 10.0.0.1:40000 or fd00::1) or s (the server, 10.0.0.2 or fd00::2, port 8000). WHAT:
 *
 *   syn, fin, rst, ack     a packet of that kind (ack: of all that the other side has sent)
 *   data TEXT              the next bytes; \r \n \\ and \xNN stand for theirs
 *   lost TEXT              the next bytes, in a packet that the capture missed
 *   later NAME TEXT        the next bytes, in a packet that comes with "emit NAME"
 *   emit NAME
 *   again                  the side's last packet of data once more
 *   port N                 the client goes on from port N: another connection
 *
 * Options: --link en10mb|vlan|sll|sll2|null|raw, --ip 4|6 (4: with an option; 6: with two extension headers), --isn N (both
 * sides' first sequence number), --ns (nanoseconds), --ng (pcapng), --cut N (data in packets of N bytes), --snap N (so many
 * bytes of each packet are kept).
 */
#include "base/buf.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, NAMES_MAX = 16 };

static struct {
    const char *link;
    int ip;
    uint32_t isn;
    bool ns, ng;
    size_t cut, snap;
} opt = {.link = "en10mb", .ip = 4, .cut = 65000, .snap = 262144};

struct side {
    uint32_t next;
    unsigned port;
    unsigned char last; // of its address
};

struct kept {
    char name[32];
    struct buf text;
    uint32_t seq;
};

static struct side sides[2] = {{.port = 40000, .last = 1}, {.port = 8000, .last = 2}};
static struct kept names[NAMES_MAX], again[2];

static void be(struct buf *out, uint64_t value, int bytes)
{
    while (bytes-- > 0)
        buf_add_char(out, (char)(bytes < 8 ? value >> (8 * bytes) : 0));
}

static void le(struct buf *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_add_char(out, (char)(i < 8 ? value >> (8 * i) : 0));
}

static void put(const struct buf *bytes)
{
    if (bytes->failed || fwrite(bytes->ptr, 1, bytes->len, stdout) != bytes->len)
        exit(3);
}

static int link_number(void)
{
    static const struct {
        const char *name;
        int number;
    } links[] = {{"en10mb", 1}, {"vlan", 1}, {"sll", 113}, {"sll2", 276}, {"null", 0}, {"raw", 101}};
    for (size_t i = 0; i < COUNT(links); i++)
        if (strcmp(opt.link, links[i].name) == 0)
            return links[i].number;
    exit(2);
}

static void add_link(struct buf *out)
{
    unsigned protocol = opt.ip == 4 ? 0x0800 : 0x86dd;
    if (strcmp(opt.link, "sll") == 0)
        be(out, 0, 14), be(out, protocol, 2);
    else if (strcmp(opt.link, "sll2") == 0)
        be(out, protocol, 2), be(out, 0, 18);
    else if (strcmp(opt.link, "null") == 0)
        le(out, opt.ip == 4 ? 2 : 10, 4);
    else if (strcmp(opt.link, "vlan") == 0)
        be(out, 0, 12), be(out, 0x8100, 2), be(out, 7, 2), be(out, protocol, 2);
    else if (strcmp(opt.link, "en10mb") == 0)
        be(out, 0, 12), be(out, protocol, 2);
}

static void add_ip(struct buf *out, const struct side *from, const struct side *to, size_t len)
{
    const struct side *ends[] = {from, to};
    if (opt.ip == 4) {
        be(out, 0x4600, 2), be(out, 24 + len, 2), be(out, 0, 4), be(out, 0x4006, 2), be(out, 0, 2);
        for (int i = 0; i < 2; i++)
            be(out, 0x0a000000u + ends[i]->last, 4);
        be(out, 0x01010100, 4);
        return;
    }
    be(out, 0x60000000, 4), be(out, 16 + len, 2), be(out, 0x0040, 2); // hop-by-hop options follow
    for (int i = 0; i < 2; i++)
        be(out, 0xfd00u, 2), be(out, 0, 6), be(out, ends[i]->last, 8);
    be(out, 0x3c00, 2), be(out, 0, 6); // destination options follow
    be(out, 0x0600, 2), be(out, 0, 6);
}

static void emit(int64_t at_us, int who, uint32_t seq, unsigned flags, struct str text)
{
    const struct side *from = &sides[who], *to = &sides[!who];
    struct buf packet = {0}, file = {0};
    add_link(&packet);
    add_ip(&packet, from, to, 20 + text.len);
    be(&packet, from->port, 2), be(&packet, to->port, 2), be(&packet, seq, 4), be(&packet, to->next, 4);
    be(&packet, 0x5000 | flags, 2), be(&packet, 65535, 2), be(&packet, 0, 4);
    buf_add_str(&packet, text);
    if (packet.len < 60 && link_number() == 1) // as Ethernet pads them
        be(&packet, 0, (int)(60 - packet.len));
    size_t kept = packet.len < opt.snap ? packet.len : opt.snap, padding = (4 - kept % 4) % 4;
    uint64_t time = (1700000000000000u + (uint64_t)at_us) * (opt.ns ? 1000 : 1);
    if (opt.ng)
        le(&file, 6, 4), le(&file, 32 + kept + padding, 4), le(&file, 0, 4), le(&file, time >> 32, 4);
    else
        le(&file, time / (opt.ns ? 1000000000 : 1000000), 4);
    le(&file, opt.ng ? time & 0xffffffff : time % (opt.ns ? 1000000000 : 1000000), 4);
    le(&file, kept, 4), le(&file, packet.len, 4);
    buf_add(&file, packet.ptr, kept);
    if (opt.ng)
        le(&file, 0, (int)padding), le(&file, 32 + kept + padding, 4);
    put(&file);
    buf_release(&packet);
    buf_release(&file);
}

static void begin_file(void)
{
    struct buf file = {0};
    if (opt.ng) {
        le(&file, 0x0a0d0d0a, 4), le(&file, 28, 4), le(&file, 0x1a2b3c4d, 4), le(&file, 1, 2), le(&file, 0, 2);
        le(&file, UINT64_MAX, 8), le(&file, 28, 4);
        le(&file, 1, 4), le(&file, 32, 4), le(&file, (uint64_t)link_number(), 2), le(&file, 0, 2), le(&file, opt.snap, 4);
        le(&file, 9, 2), le(&file, 1, 2), le(&file, opt.ns ? 9 : 6, 4), le(&file, 0, 4), le(&file, 32, 4); // the stamps' precision
    } else {
        le(&file, opt.ns ? 0xa1b23c4d : 0xa1b2c3d4, 4), le(&file, 2, 2), le(&file, 4, 2), le(&file, 0, 8);
        le(&file, opt.snap, 4), le(&file, (uint64_t)link_number(), 4);
    }
    put(&file);
    buf_release(&file);
}

/* The text with its escapes taken for what they stand for. */
static struct buf unescape(const char *text)
{
    struct buf out = {0};
    for (; *text && *text != '\n'; text++) {
        if (*text != '\\') {
            buf_add_char(&out, *text);
            continue;
        }
        text++;
        if (*text == 'x') {
            buf_add_char(&out, (char)strtol((char[]){text[1], text[2], '\0'}, NULL, 16));
            text += 2;
        } else
            buf_add_char(&out, *text == 'r' ? '\r' : *text == 'n' ? '\n' : *text);
    }
    return out;
}

static struct kept *find(const char *name, size_t len)
{
    for (size_t i = 0; i < NAMES_MAX; i++)
        if (names[i].name[0] == '\0' || (strlen(names[i].name) == len && strncmp(names[i].name, name, len) == 0))
            return &names[i];
    exit(2);
}

static void keep(struct kept *to, uint32_t seq, struct str text)
{
    to->seq = seq;
    buf_clear(&to->text);
    buf_add_str(&to->text, text);
}

static void send_data(int64_t at_us, int who, struct str text)
{
    for (size_t at = 0; at < text.len; at += opt.cut) {
        struct str piece = {text.ptr + at, text.len - at < opt.cut ? text.len - at : opt.cut};
        keep(&again[who], sides[who].next, piece);
        emit(at_us, who, sides[who].next, ACK, piece);
        sides[who].next += (uint32_t)piece.len;
    }
}

static void take_line(int64_t at_us, int who, const char *what, size_t len, const char *rest)
{
    struct side *side = &sides[who];
    struct str word = {what, len};
    size_t name_len = strcspn(rest, " \n");
    struct buf text = unescape(str_is(word, "later") && rest[name_len] ? rest + name_len + 1 : rest);
    if (str_is(word, "syn")) {
        side->next = opt.isn;
        emit(at_us, who, side->next++, who == 0 ? SYN : SYN | ACK, STR(""));
    } else if (str_is(word, "fin"))
        emit(at_us, who, side->next++, FIN | ACK, STR(""));
    else if (str_is(word, "rst"))
        emit(at_us, who, side->next, RST, STR(""));
    else if (str_is(word, "ack"))
        emit(at_us, who, side->next, ACK, STR(""));
    else if (str_is(word, "data"))
        send_data(at_us, who, buf_str(&text));
    else if (str_is(word, "lost"))
        side->next += (uint32_t)text.len;
    else if (str_is(word, "later")) {
        struct kept *to = find(rest, name_len);
        memcpy(to->name, rest, name_len < sizeof to->name - 1 ? name_len : sizeof to->name - 1);
        keep(to, side->next, buf_str(&text));
        side->next += (uint32_t)text.len;
    } else if (str_is(word, "emit"))
        emit(at_us, who, find(rest, name_len)->seq, ACK, buf_str(&find(rest, name_len)->text));
    else if (str_is(word, "again"))
        emit(at_us, who, again[who].seq, ACK, buf_str(&again[who].text));
    else if (str_is(word, "port"))
        side->port = (unsigned)strtoul(rest, NULL, 10);
    else
        exit(2);
    buf_release(&text);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"link", 1, NULL, 'l'}, {"ip", 1, NULL, 'i'},  {"isn", 1, NULL, 's'}, {"ns", 0, NULL, 'n'},
                                            {"ng", 0, NULL, 'g'},   {"cut", 1, NULL, 'c'}, {"snap", 1, NULL, 'p'}, {NULL, 0, NULL, 0}};
    char *line = NULL, *end;
    size_t room = 0;
    for (int got; (got = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 0;
        switch (got) {
        case 'l': opt.link = optarg; break;
        case 'i': opt.ip = (int)value; break;
        case 's': opt.isn = (uint32_t)value; break;
        case 'n': opt.ns = true; break;
        case 'g': opt.ng = true; break;
        case 'c': opt.cut = value; break;
        case 'p': opt.snap = value; break;
        default: return 2;
        }
    }
    sides[0].next = sides[1].next = opt.isn;
    begin_file();
    while (getline(&line, &room, stdin) > 0) {
        int64_t at_us = strtoll(line, &end, 10);
        if (end == line) // empty, or a comment
            continue;
        int who = end[1] == 's';
        const char *what = end + 3;
        size_t len = strcspn(what, " \n");
        take_line(at_us, who, what, len, what[len] == ' ' ? what + len + 1 : "");
    }
    for (size_t i = 0; i < NAMES_MAX; i++)
        buf_release(&names[i].text);
    buf_release(&again[0].text);
    buf_release(&again[1].text);
    free(line);
    return fflush(stdout) == 0 ? 0 : 3;
}
