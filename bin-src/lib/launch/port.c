/* launch/port.c: see port.h */
#include "launch/port.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/num.h"
#include "base/out.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char mark[] = "{port}";

int port_pick(struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = -1;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        err_errno(err, "no free port");
    else
        port = ntohs(address.sin_port);
    if (fd >= 0)
        close(fd);
    return port;
}

int port_kept(const char *path, struct err *err)
{
    char *line;
    int64_t port;
    if (access(path, F_OK) == 0) {
        if (file_read_line(path, &line, err) < 0)
            return -1;
        int rc = num_int(str_trim(str_of(line)), 1, 65535, &port, err);
        free(line);
        return rc < 0 ? err_prefix(err, "%s: ", path) : (int)port;
    }
    port = port_pick(err);
    if (port < 0)
        return -1;
    char text[24];
    size_t len = num_format_int(text, port);
    text[len++] = '\n';
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, "%s", path);
    int rc = out_all(fd, text, len, err);
    close(fd);
    return rc < 0 ? err_prefix(err, "%s: ", path) : (int)port;
}

bool port_is_marked(char *const *texts)
{
    for (; *texts; texts++)
        if (strstr(*texts, mark))
            return true;
    return false;
}

static char *fill_one(const char *text, int port)
{
    struct buf filled = {0};
    for (const char *at; (at = strstr(text, mark)); text = at + strlen(mark)) {
        buf_add(&filled, text, (size_t)(at - text));
        buf_addf(&filled, "%d", port);
    }
    buf_add(&filled, text, strlen(text) + 1);
    if (!filled.failed)
        return filled.ptr;
    buf_release(&filled);
    return NULL;
}

int port_fill(char **texts, int port, struct err *err)
{
    for (; *texts; texts++) {
        char *filled = strstr(*texts, mark) ? fill_one(*texts, port) : *texts;
        if (!filled)
            return err_nomem(err);
        *texts = filled;
    }
    return 0;
}
