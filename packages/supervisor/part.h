/*
 * A part of the stack: one program that the supervisor runs, with its state, its log and its
 * process group. part.c starts, signals and reaps; supervise.c decides when. One thread.
 */
#ifndef MILLRACE_SUPERVISOR_PART_H
#define MILLRACE_SUPERVISOR_PART_H

#include <sys/types.h>

#include "plog.h"
#include "probe.h"
#include "spec.h"

enum part_state {
        PART_WAITING,  /* for the parts it comes after */
        PART_STARTING, /* runs, not ready yet */
        PART_READY,
        PART_DONE,     /* a step that ended well */
        PART_BACKOFF,  /* died; runs again at wake_ns */
        PART_STOPPING, /* told to end; killed at wake_ns */
        PART_STOPPED,
};

struct part {
        const struct part_spec *spec;
        enum part_state state;
        pid_t pid; /* 0 when it does not run */
        int out;   /* its output, -1 when closed */
        struct plog log;
        struct probe probe;
        int64_t probe_ns;       /* next probe; 0 for none */
        int64_t probe_pause_ns; /* and the pause after that one */
        int64_t wake_ns;        /* when the state's time is up; 0 for never */
        int64_t started_ns;
        int64_t changed_us; /* wall clock of the last change of state */
        int restarts;
        int failures; /* in a row */
        char last_exit[48];
};

const char *part_state_name(enum part_state state);

/* Starts the program in a session of its own; `notify` is the value of NOTIFY_SOCKET. False with
 * errno. */
bool part_spawn(struct part *part, const struct spec *spec, const char *notify);

/* Sends a signal to the program (SIGKILL goes to its whole process group). */
void part_signal(const struct part *part, int number);

/* Kills what the ended program left in its group, reaps it, and notes how it ended. */
bool part_reap(struct part *part, int *ret_status);

/* Moves what the program has written into its log; false at the end of its output. */
bool part_drain(struct part *part);

#endif
