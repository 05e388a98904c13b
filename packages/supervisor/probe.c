/* The HTTP readiness probe: see probe.h. */
#include "probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum probe_result probe_start(struct probe *probe, const struct part_spec *part)
{
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(part->port),
                                 .sin_addr.s_addr = part->host};

        *probe = (struct probe){
                .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
        if (probe->fd < 0)
                return PROBE_NOT_READY;
        probe->open = true;
        if (connect(probe->fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS)
                return PROBE_PENDING;
        probe_close(probe);
        return PROBE_NOT_READY;
}

static bool send_question(struct probe *probe, const struct part_spec *part)
{
        char question[512];
        int len = snprintf(question, sizeof(question),
                           "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                           part->path);

        if (len < 0 || (size_t)len >= sizeof(question))
                return false;
        probe->sent = true;
        return send(probe->fd, question, (size_t)len, MSG_NOSIGNAL) == (ssize_t)len;
}

enum probe_result probe_advance(struct probe *probe, const struct part_spec *part)
{
        if (!probe->sent)
                return send_question(probe, part) ? PROBE_PENDING : PROBE_NOT_READY;
        ssize_t n =
                recv(probe->fd, probe->answer + probe->got, sizeof(probe->answer) - probe->got, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return PROBE_PENDING;
        if (n <= 0)
                return PROBE_NOT_READY;
        probe->got += (size_t)n;
        if (probe->got < 12)
                return PROBE_PENDING;
        return memcmp(probe->answer, "HTTP/1.", 7) == 0 && memcmp(probe->answer + 8, " 200", 4) == 0
                       ? PROBE_READY
                       : PROBE_NOT_READY;
}

uint32_t probe_events(const struct probe *probe)
{
        return probe->sent ? EPOLLIN : EPOLLOUT;
}

void probe_close(struct probe *probe)
{
        if (probe->open)
                close(probe->fd);
        *probe = (struct probe){0};
}
