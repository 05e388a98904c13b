/*
 * One HTTP question of whether a part is ready: connect, GET, look at the status. It never blocks:
 * the owner waits for the descriptor as probe_events() says and calls probe_advance(). One thread.
 */
#ifndef MILLRACE_SUPERVISOR_PROBE_H
#define MILLRACE_SUPERVISOR_PROBE_H

#include "spec.h"

enum probe_result { PROBE_PENDING, PROBE_READY, PROBE_NOT_READY };

struct probe {
        bool open; /* a question is under way on fd */
        bool sent;
        int fd;
        char answer[16];
        size_t got;
};

enum probe_result probe_start(struct probe *probe, const struct part_spec *part);
enum probe_result probe_advance(struct probe *probe, const struct part_spec *part);
uint32_t probe_events(const struct probe *probe); /* EPOLLOUT or EPOLLIN */
void probe_close(struct probe *probe);            /* accepts a zeroed one */

#endif
