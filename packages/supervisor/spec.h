/*
 * The supervisor's specification: which programs make up the stack, in which order they start, how
 * each shows that it is ready, and how each is stopped. ./run writes it; README.md describes it.
 *
 * Everything lives in the arena of the ctx that parsed it and is read-only afterwards.
 */
#ifndef MILLRACE_SUPERVISOR_SPEC_H
#define MILLRACE_SUPERVISOR_SPEC_H

#include "err/ctx.h"

enum ready_kind {
        READY_AT_ONCE, /* as soon as it runs */
        READY_NOTIFY,  /* sends READY=1 to NOTIFY_SOCKET (sd_notify) */
        READY_HTTP,    /* answers GET path with 200 */
        READY_EXIT,    /* a step: it ends with status 0, once */
};

struct part_spec {
        char *name;
        LIST(char *) argv;  /* program first; ends with NULL once parsed */
        LIST(char *) env;   /* KEY=VALUE, added to the common ones */
        LIST(size_t) after; /* parts that must be ready before this one starts */
        enum ready_kind ready;
        uint32_t host;     /* READY_HTTP: IPv4 address in network byte order, */
        uint16_t port;     /* port in host byte order, */
        char *path;        /* and path */
        int start_seconds; /* how long it may take to become ready */
        int stop_signal;   /* asks it to end */
        int stop_seconds;  /* how long it may take to end before it is killed */
        int death_signal;  /* what it gets when the supervisor dies */
};

struct spec {
        char *lock_path;   /* held while the supervisor runs; contains its pid */
        char *status_path; /* rewritten at every change */
        char *log_dir;
        size_t log_bytes; /* a log is rotated when it is larger, */
        int log_keep;     /* and this many old ones are kept */
        LIST(char *) env; /* for every part */
        LIST(struct part_spec) parts;
};

/* Parses a specification; ERR_VALIDATION names the line of the first fault. */
enum err spec_parse(struct ctx *ctx, struct str text, struct spec *ret) _must_check_;

#endif
