/*
 * Credits: a double-entry, append-only ledger for each workspace.
 *
 * Four accounts: `issued` (the only one that may go below zero), `available`, `reserved`, `spent`.
 * A transfer moves an amount from one to another, so their sum is always zero. Flow of a job:
 * available -> reserved at its start, reserved -> spent for each charged answer, reserved ->
 * available for what is left.
 *
 * Every change runs in the caller's transaction: it locks the workspace's account rows (SELECT …
 * FOR UPDATE, always in the same order), so changes of one workspace come one after another; it
 * carries an idempotency key: the same key with the same amount is a success that changes nothing,
 * the same key with anything else is ERR_CONFLICT. What would make a balance negative is
 * ERR_CREDITS. After any error the transaction is good only for rolling back.
 *
 * Whoever also locks other rows takes them in this order: job_batches, jobs, accounts,
 * provider_answers, rows of the grid. Amounts are whole credits. Ids are UUIDs as text. All
 * functions are thread-safe; what they return lives in the ctx's arena.
 */
#ifndef MILLRACE_FEATURES_CREDIT_CREDIT_H
#define MILLRACE_FEATURES_CREDIT_CREDIT_H

#include "db/db.h"

struct router;
extern const struct router credit_router;

struct credit_balance {
        int64_t issued; /* granted so far, less what was revoked */
        int64_t available, reserved, spent;
};

/* The accounts of a new workspace; again is no error. Call in the transaction that makes it. */
_must_check_ enum err credit_account_open(struct ctx *ctx, struct tx *tx, struct str workspace);

/* issued -> available. `memo` (may be STR_NULL) is for people. */
_must_check_ enum err credit_grant(struct ctx *ctx, struct tx *tx, struct str workspace,
                                   int64_t amount, struct str key, struct str memo);
/* available -> issued: takes back credits that were not spent (a refunded payment). */
_must_check_ enum err credit_revoke(struct ctx *ctx, struct tx *tx, struct str workspace,
                                    int64_t amount, struct str key, struct str memo);

/* available -> reserved for a job. ERR_CREDITS says how much is missing. 0 is a no-op. */
_must_check_ enum err credit_reserve(struct ctx *ctx, struct tx *tx, struct str workspace,
                                     int64_t amount, struct str key, struct str job);
/* reserved -> available: what a job did not spend. 0 is a no-op. */
_must_check_ enum err credit_refund(struct ctx *ctx, struct tx *tx, struct str workspace,
                                    int64_t amount, struct str key, struct str job);

struct credit_spend {
        int64_t amount; /* > 0 */
        struct str key; /* idempotency key of the attempt */
        struct str job;
};

/*
 * reserved -> spent, any number at once in a constant number of statements. *ret_moved: credits
 * moved by this call, without those whose keys had been spent before.
 */
_must_check_ enum err credit_spend_bulk(struct ctx *ctx, struct tx *tx, struct str workspace,
                                        const struct credit_spend *list, size_t count,
                                        int64_t *ret_moved);

/* Locks the accounts until the transaction ends and reads them. */
_must_check_ enum err credit_lock(struct ctx *ctx, struct tx *tx, struct str workspace,
                                  struct credit_balance *ret);
/* Reads without locking. ERR_NOT_FOUND when the workspace has no accounts. */
_must_check_ enum err credit_read(struct ctx *ctx, struct db *db, struct str workspace,
                                  struct credit_balance *ret);

/* ---- Proof (`millrace admin reconcile`) ---- */

struct credit_discrepancy {
        struct str check;     /* stable word, see reconcile in queries.sql */
        struct str workspace; /* id */
        struct str subject;   /* account kind, job id or idempotency key */
        struct str expected, actual;
};

struct credit_report {
        int64_t workspaces, accounts, transfers, jobs, attempts; /* looked at */
        LIST(struct credit_discrepancy) discrepancies;           /* empty: the books are right */
};

/*
 * Compares accounts, transfers, jobs, batches and attempts in one consistent snapshot. OK also when
 * there are discrepancies: the caller looks at the list.
 */
_must_check_ enum err credit_reconcile(struct ctx *ctx, struct db *db, struct credit_report *ret);

#endif
