/*
 * Circuit breaker over a sliding window of calls. Closed: calls pass, the last `window` outcomes
 * are kept; `failures` of them failed: it opens. Open: calls are refused for `cooldown_ns`. Then
 * half-open: one probe passes; its success closes the breaker with an empty window, its failure
 * opens it again. A probe nobody reports on gives way to another after a cooldown.
 *
 * Time is passed in (time_mono_ns() in programs, a made-up clock in tests). Any thread.
 *
 *   struct breaker_permit permit;
 *   if (breaker_admit(&b, now, &permit))
 *           … call …, breaker_report(&b, permit, worked, now)
 */
#ifndef MILLRACE_CORE_TASK_BREAKER_H
#define MILLRACE_CORE_TASK_BREAKER_H

#include <pthread.h>
#include "core.h"

#define BREAKER_WINDOW_MAX 64

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker_config {
        int window;   /* 1..BREAKER_WINDOW_MAX calls */
        int failures; /* 1..window */
        int64_t cooldown_ns;
};

struct breaker {
        pthread_mutex_t lock; /* guards everything below but the config */
        struct breaker_config config;
        enum breaker_state state;
        uint64_t outcomes; /* newest in bit 0; 1 is a failure */
        int count;         /* outcomes kept */
        uint32_t epoch;    /* grows with each change of state: late reports are told by it */
        int64_t until_ns;  /* OPEN: end of the cooldown; HALF_OPEN: when the probe is given up */
        uint64_t trips;
};

struct breaker_permit {
        uint32_t epoch;
};

/* What an operator wants to see. */
struct breaker_view {
        enum breaker_state state;
        int calls, failures; /* within the window */
        uint64_t trips;      /* times it opened */
        int64_t wait_ns;     /* until a call may pass */
};

void breaker_init(struct breaker *b, const struct breaker_config *config);
void breaker_finish(struct breaker *b);

bool breaker_admit(struct breaker *b, int64_t now_ns, struct breaker_permit *ret);
/* Once for each admitted call. A report about a call admitted in an earlier state is ignored. */
void breaker_report(struct breaker *b, struct breaker_permit permit, bool worked, int64_t now_ns);
/* The call never went out: gives the probe's place back. */
void breaker_withdraw(struct breaker *b, struct breaker_permit permit, int64_t now_ns);

struct breaker_view breaker_view(struct breaker *b, int64_t now_ns);
const char *breaker_state_name(enum breaker_state state); /* "closed", "open", "half_open" */

#endif
