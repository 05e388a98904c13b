/* Inside features/enrichment: one batch at work. See enrichment.h and waterfall.h. */
#ifndef MILLRACE_FEATURES_ENRICHMENT_INTERNAL_H
#define MILLRACE_FEATURES_ENRICHMENT_INTERNAL_H

#include <pthread.h>

#include "base/app.h"
#include "features/enrichment/enrichment.h"
#include "features/enrichment/gate.h"
#include "features/enrichment/waterfall.h"
#include "features/job/job.h"
#include "fetch/fetch.h"

#define SETTLE_RESULTS 200
#define SETTLE_NS      (50 * NS_PER_MS)
#define CALL_TRIES     3

struct task_pool;

struct enrichment {
        struct gates *gates;
        struct task_pool *locals; /* built-ins run here */
};

struct batch_control {
        pthread_mutex_t lock;
        bool cancel, stop;
        struct fetch_batch *batch; /* to be woken; NULL while none waits */
};

/* A provider as this batch asks it. */
struct lane {
        struct lane *next;
        const struct provider_def *def;
        struct provider_route route;
        bool wants_credential;
        const struct json *credential; /* NULL for none */
        struct str answers_slug;       /* of provider_answers: demo answers are kept apart */
        struct gate *gate;             /* NULL for a built-in */
        bool refused;                  /* the credential was: it is not tried again in this batch */
        struct ask *first, **last;     /* ready to be called, in order */
        struct ask *delayed;           /* to be tried again later */
};

/* A step of a field's waterfall as this batch takes it; the user pointer of a wf_step. */
struct step {
        const struct job_step *job;
        struct lane *lane; /* NULL: cannot be asked, `why` says so */
        struct str why;
};

/* One question on its way; the user pointer of a wf_ask. */
struct ask {
        struct ask *next;
        struct wf_ask *wf;
        struct lane *lane;
        struct provider_inputs inputs;
        struct str key, idempotency_key;
        uint64_t tag; /* place in run->asks + 1; 0 before the first call */
        struct breaker_permit permit;
        int tries;
        enum attempt_outcome last_fault; /* of the tries so far */
        struct str last_error;
        int64_t ready_ns, latency_us, started_us;
        int64_t price, held; /* most it can cost; credits claimed for it */
        enum { ANSWER_UNSTORED, ANSWER_WON, ANSWER_LOST } stored, storing;
};

/* Results of built-ins, on their way from the pool's threads; shared with them by reference. */
struct local_inbox;

struct run {
        struct ctx *ctx;    /* lives as long as the batch */
        struct ctx scratch; /* its arena is emptied at each turn */
        struct arena scratch_arena;
        struct app *app;
        struct enrichment *shared;
        const struct batch_lease *lease;
        struct batch_control *control;

        struct str workspace, table_id;
        struct grid_table table;
        job_field_list fields;
        int64_t first_index;
        str_list records;
        bool budget_limited, mark_cells;
        struct step *steps;
        str_list columns; /* of the values read */
        struct grid_values values;

        struct waterfall wf;
        struct lane *lanes;
        struct fetch_batch *batch;
        struct local_inbox *inbox;
        LIST(struct ask *) asks; /* tag of a call - 1 is its place here */
        size_t in_flight;

        int64_t budget_left;    /* claimed and not yet given to a call */
        int64_t release;        /* held for calls whose attempts are in the next settle */
        int64_t claim_again_ns; /* nothing could be claimed: not before this */
        int64_t hopeless_price; /* nothing of this price can be had; 0 is unknown */
        bool budget_reached;

        int64_t settle_due_ns;                /* 0: nothing waits */
        int64_t beat_ns;                      /* of the last sign of life */
        int64_t wake_ns;                      /* the next thing that waits for time */
        bool cancelled, stopping, lost, gone; /* gone: the table is */
};

/* load.c: reads the batch and starts its waterfall. Sets run->lost or run->gone. */
_must_check_ enum err batch_load(struct run *run);

/* ask.c: questions, calls and their results */
_must_check_ enum err ask_question(void *owner, const struct wf_cell *cell,
                                   const struct wf_step *step, struct wf_question *ret);
/* Answers fresh asks from provider_answers, lines up the others. */
_must_check_ enum err asks_look_up(struct run *run);
/* Starts what the gates and the budget let through. */
_must_check_ enum err asks_dispatch(struct run *run);
/* Takes all results that are there. */
_must_check_ enum err asks_take(struct run *run);
/* Gives up what is in flight; what has come in by then and was not taken is lost with it. */
void asks_abandon(struct run *run);

/* local.c: built-ins on the pool */
struct local_inbox *local_inbox_open(struct fetch_batch *batch);
void local_inbox_leave(struct local_inbox *inbox); /* results still to come are dropped */
_must_check_ enum err local_start(struct run *run, struct ask *ask);
/* The next result, copied to the scratch arena; false when there is none. */
bool local_next(struct run *run, struct ask **ret_ask, struct provider_result *ret,
                int64_t *ret_latency_us);

/* settle.c: one transaction for everything that has come out. `last`: closes the batch. Sets
 * run->lost, run->cancelled. */
_must_check_ enum err batch_settle(struct run *run, bool last);
_must_check_ enum err batch_beat(struct run *run); /* a sign of life; sees a cancel */
/*
 * Claims credits for calls of a budget-limited job: at least `price`, at most `want`, else none.
 * What was left of the former claim goes back first, so that no two batches sit on halves of a
 * price. *ret_others: other batches hold some, which may come back.
 */
_must_check_ enum err batch_claim(struct run *run, int64_t price, int64_t want, bool *ret_others);

void run_wake_at(struct run *run, int64_t at_ns);

#endif
