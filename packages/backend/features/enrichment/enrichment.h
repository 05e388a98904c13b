/*
 * Enrichment: running one batch of a job to its end. An engine (engine/engine.h) leases batches and
 * calls batch_run(); everything here may be repeated at any point: what was settled is read back
 * from the database, the lease's token fences every transaction.
 *
 * A batch is one loop on the caller's thread over one fetch batch: answers are looked up in bulk,
 * calls are started up to the providers' limits, results are taken as they finish (a miss starts
 * the next provider at once) and settled in bulk: at most 200 results or 50 ms in one transaction
 * that writes attempts, charges, answers, cells, counters and events.
 *
 * Exactly once: an attempt's row and its charge are in the transaction that makes them known; a
 * charge is made only by the settle that is the first to store the answer; whoever comes after a
 * crash reads the attempts and goes on behind them.
 */
#ifndef MILLRACE_FEATURES_ENRICHMENT_ENRICHMENT_H
#define MILLRACE_FEATURES_ENRICHMENT_ENRICHMENT_H

#include "err/ctx.h"

struct enrichment; /* what all batches of a process share: limits, breakers, threads of built-ins */

_must_check_ enum err enrichment_open(struct ctx *ctx, struct enrichment **ret);
void enrichment_close(struct enrichment *e); /* no batch may run; accepts NULL */

#define BATCH_LEASE_S     15 /* how long a lease lasts without a sign of life */
#define BATCH_HEARTBEAT_S 5

struct batch_lease {
        struct str job, token; /* ids */
        int64_t seq;
};

/*
 * How an engine talks to a batch that runs: any thread may ask for its end. The engine makes one
 * for each batch; batch_run() uses it, nobody else frees it before batch_run() has returned.
 */
struct batch_control;
struct batch_control *batch_control_open(void);
void batch_control_close(struct batch_control *c);  /* accepts NULL */
void batch_control_cancel(struct batch_control *c); /* the job was cancelled: end it now */
void batch_control_stop(struct batch_control *c);   /* the process ends: settle and let go */

enum batch_end {
        BATCH_DONE,    /* closed; if it was the last, the job is finished */
        BATCH_STOPPED, /* let go on request, open for the next lease */
        BATCH_LOST,    /* somebody else has the lease: nothing more was written */
};

/*
 * Runs the batch until it is done, stopped or lost. On an error the lease is still held: the engine
 * lets go of it (and counts the fault). ctx->app must be set; its deadline is not used.
 */
_must_check_ enum err batch_run(struct ctx *ctx, struct enrichment *e,
                                const struct batch_lease *lease, struct batch_control *control,
                                enum batch_end *ret);

/* For a batch that failed too often: its remaining cells become failed with this reason, it is
 * closed, and the job finished if it was the last. */
_must_check_ enum err batch_give_up(struct ctx *ctx, struct enrichment *e,
                                    const struct batch_lease *lease, struct str reason);

#endif
