/*
 * The supervisor's loop: starts the parts in order, waits until each is ready, starts a dead one
 * again with growing pauses, and at SIGTERM, SIGINT or SIGHUP stops them in reverse order.
 * One thread; one epoll descriptor for signals, timer, notifications, output and probes.
 */
#ifndef MILLRACE_SUPERVISOR_SUPERVISE_H
#define MILLRACE_SUPERVISOR_SUPERVISE_H

#include "spec.h"

/* Exit statuses of the program. */
enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LOCKED = 3 };

/* Runs the stack until it has been stopped; returns an exit status. */
int supervise(struct ctx *ctx, const struct spec *spec);

#endif
