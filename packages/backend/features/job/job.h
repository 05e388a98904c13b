/*
 * Enrichment jobs: what is to be filled, what it may cost, and how it stands.
 *
 * A job is made in one transaction: fields resolved to columns and providers, cells counted
 * exactly, credits reserved, records split into batches of at most 1000, the channel millrace_jobs
 * notified. The row is the job's outbox: whichever engine hears of it (engine/engine.h) runs its
 * batches. A job ends in one transaction too: the rest of the reservation goes back, the counters
 * are final, job.finished is published.
 *
 * Which cells belong to a job is fixed when it is made: a batch has a mask for each record, with
 * bit n set for the cell of field n. Prices are fixed then as well.
 *
 * Cells are marked "queued" in the grid up to JOB_MARK_MAX cells; larger jobs leave the marks out.
 * Functions are thread-safe; what they return lives in the ctx's arena.
 */
#ifndef MILLRACE_FEATURES_JOB_JOB_H
#define MILLRACE_FEATURES_JOB_JOB_H

#include "db/db.h"
#include "features/provider/provider.h"
#include "features/table/table.h"

#define JOB_BATCH_RECORDS 1000
#define JOB_FIELDS_MAX    30              /* bits of a mask */
#define JOB_STEPS_MAX     20              /* providers of one waterfall */
#define JOB_MARK_MAX      20000           /* cells of a job whose cells are marked in the grid */
#define JOB_CHANNEL       "millrace_jobs" /* payload "" (work is there) or "cancel:<jobId>" */

struct router;
extern const struct router job_router;

/* ---- what a job asks ---- */

struct job_input { /* which column a provider's input is read from */
        struct str key, column_id;
        bool waits; /* the job fills that column, too, and this step needs what it will find */
};

struct job_step {
        struct str slug;
        const struct provider_def *def; /* NULL: the provider is gone (see job_fields_load) */
        bool has_credential;
        LIST(struct job_input) inputs;
        double min_confidence; /* the stricter of the step's and the field's */
        int64_t hit, miss;     /* prices, fixed when the job was made */
};

struct job_field {
        int ordinal; /* fields come in an order in which each finds its inputs filled */
        struct str column_id, output, name;
        bool only_if_empty;
        double min_confidence;
        LIST(struct job_step) steps;
};
typedef LIST(struct job_field) job_field_list;

/* ---- the row ---- */

struct job {
        struct str id, workspace_id, table_id, status, engine, retry_of, error;
        int64_t cells, complete, not_found, failed, skipped;
        int64_t reserved, spent, refunded;
        bool has_budget, budget_reached;
        int64_t budget;
        struct str created_by, created_at, started_at, finished_at, cancel_requested_at;
        struct str cursor_at; /* created_at to the microsecond, for the list's cursor */
};
typedef LIST(struct job) job_list;

/* ---- making ---- */

struct job_request_field {
        struct str column_id, output;
        const struct json *waterfall; /* as api.md has it */
        bool only_if_empty, has_only_if_empty;
        double min_confidence;
};

struct job_request {
        struct str table_id;
        str_list record_ids;
        bool has_record_ids;
        const struct json *filter; /* NULL: none */
        LIST(struct job_request_field) fields;
        int64_t budget;
        bool has_budget;
};

struct job_estimate_provider {
        struct str slug;
        double expected_calls, expected_credits;
};

struct job_estimate {
        int64_t cells;
        LIST(struct job_estimate_provider) providers;
        int64_t expected, p90, max; /* credits */
        str_list warnings;
};

_must_check_ enum err job_estimate(struct ctx *ctx, struct str workspace,
                                   const struct job_request *request, struct job_estimate *ret);
/* ERR_VALIDATION names every field, column, provider or input that does not fit; ERR_CREDITS says
 * how much is missing. */
_must_check_ enum err job_create(struct ctx *ctx, struct str workspace,
                                 const struct job_request *request, struct job *ret);
/* A new job over the cells that `job` left failed. ERR_CONFLICT while it runs or with none. */
_must_check_ enum err job_retry(struct ctx *ctx, struct str workspace, struct str job,
                                struct job *ret);

/* ---- looking and stopping ---- */

_must_check_ enum err job_get(struct ctx *ctx, struct str workspace, struct str job,
                              struct job *ret);
/* Newest first. `table` STR_NULL: of all tables. after_at, after_id: STR_NULL for the first page.
 */
_must_check_ enum err job_list_page(struct ctx *ctx, struct str workspace, struct str table,
                                    struct str after_at, struct str after_id, int64_t limit,
                                    job_list *ret);
/*
 * Asks for the end of a job: what has not begun is given up at once, what runs is stopped by its
 * engine. ERR_CONFLICT when it has finished. Again is no error.
 */
_must_check_ enum err job_cancel(struct ctx *ctx, struct str workspace, struct str job,
                                 struct job *ret);

/* ---- for engines and the enrichment ---- */

/*
 * The job's fields with their providers looked up, for running. Fields whose column was deleted
 * are left out; ordinals stay what they were.
 */
_must_check_ enum err job_fields_load(struct ctx *ctx, struct tx *tx, struct str workspace,
                                      struct str job, job_field_list *ret);

/*
 * Ends the job when none of its batches is open: refunds, counts, restores the cells that are still
 * marked, publishes. Locks the job's row: the caller may hold locks on its batches only. Does
 * nothing when batches are open or the job has ended. Call it in the transaction that closes a
 * batch.
 */
_must_check_ enum err job_finish(struct ctx *ctx, struct tx *tx, struct str job,
                                 bool *ret_finished);

/* Gives up a job that cannot go on (its table is gone): closes the batches nobody works on, asks
 * for the end of the others. */
_must_check_ enum err job_abandon(struct ctx *ctx, struct tx *tx, struct str job, const char *why);

/* Publishes job.progress with the row as it is in tx. */
_must_check_ enum err job_publish_progress(struct ctx *ctx, struct tx *tx, struct str job);

/* The job as the API shows it. */
void job_write(struct json_out *o, const char *key, const struct job *job);

#endif
