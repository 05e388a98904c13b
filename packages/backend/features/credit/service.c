/* The ledger's transfers and balances. See credit.h. */
#include "features/credit/credit.h"

#include "credit_sql.h"

enum { AVAILABLE, ISSUED, RESERVED, SPENT, ACCOUNTS }; /* in the order of their names: the lock's */

struct accounts {
        struct str id[ACCOUNTS];
        int64_t balance[ACCOUNTS];
};

static const struct str account_names[ACCOUNTS] = {
        STR("available"),
        STR("issued"),
        STR("reserved"),
        STR("spent"),
};

/* One kind of movement. */
struct movement {
        const char *kind;
        int debit, credit;
};

static const struct movement GRANT = {"grant", ISSUED, AVAILABLE};
static const struct movement REVOKE = {"revoke", AVAILABLE, ISSUED};
static const struct movement RESERVE = {"reserve", AVAILABLE, RESERVED};
static const struct movement SPEND = {"spend", RESERVED, SPENT};
static const struct movement REFUND = {"refund", RESERVED, AVAILABLE};

static enum err accounts_take(struct ctx *ctx, const struct db_result *r, struct accounts *ret)
{
        if (r->rows != ACCOUNTS)
                return fail(ctx, ERR_NOT_FOUND, "workspace not found");
        for (int i = 0; i < ACCOUNTS; i++) {
                if (!str_eq(db_text(r, i, 0), account_names[i]))
                        return fail(ctx, ERR_INTERNAL, "the workspace's accounts are damaged");
                ret->id[i] = db_text(r, i, 1);
                ret->balance[i] = db_i64(r, i, 2);
        }
        return OK;
}

static enum err accounts_lock(struct ctx *ctx, struct tx *tx, struct str workspace,
                              struct accounts *ret)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_lock, PARAMS(p_str(workspace)), &r));
        return accounts_take(ctx, &r, ret);
}

static struct credit_balance balance_of(const struct accounts *a)
{
        return (struct credit_balance){
                .issued = -a->balance[ISSUED],
                .available = a->balance[AVAILABLE],
                .reserved = a->balance[RESERVED],
                .spent = a->balance[SPENT],
        };
}

static enum err refuse(struct ctx *ctx, const struct movement *m, int64_t need, int64_t have)
{
        return fail(ctx, ERR_CREDITS, "%lld credits are needed and %lld are %s: %lld are missing",
                    (long long)need, (long long)have, account_names[m->debit].ptr,
                    (long long)(need - have));
}

static enum err transfer(struct ctx *ctx, struct tx *tx, struct str workspace,
                         const struct movement *m, const struct credit_spend *list, size_t count,
                         struct str memo, int64_t *ret_moved)
{
        struct db_array amounts, keys, jobs;
        struct accounts a;
        struct db_result r;

        db_array_init(ctx, &amounts);
        db_array_init(ctx, &keys);
        db_array_init(ctx, &jobs);
        for (size_t i = 0; i < count; i++) {
                if (list[i].amount <= 0 || list[i].key.len == 0)
                        return fail(ctx, ERR_VALIDATION,
                                    "a transfer needs a key and an amount above 0");
                db_array_i64(&amounts, list[i].amount);
                db_array_str(&keys, list[i].key);
                db_array_str(&jobs, list[i].job);
        }
        struct db_param p_amounts = p_array(&amounts), p_keys = p_array(&keys);

        TRY(accounts_lock(ctx, tx, workspace, &a));
        struct db_param debit = p_str(a.id[m->debit]), credit = p_str(a.id[m->credit]);

        TRY(tx_query(tx, &sql_examine, PARAMS(debit, credit, p_c(m->kind), p_amounts, p_keys), &r));
        int64_t fresh = db_i64(&r, 0, 1), fresh_count = db_i64(&r, 0, 2);

        if (db_i64(&r, 0, 0) != 0)
                return fail(ctx, ERR_CONFLICT,
                            "a credit transfer with this key was made with other values");
        if (m->debit != ISSUED && fresh > a.balance[m->debit])
                return refuse(ctx, m, fresh, a.balance[m->debit]);
        if (fresh_count > 0) {
                TRY(tx_query(tx, &sql_transfer,
                             PARAMS(debit, credit, p_c(m->kind), p_amounts, p_keys, p_array(&jobs),
                                    p_str(memo)),
                             &r));
                if (db_i64(&r, 0, 1) != fresh_count) /* another workspace took the key meanwhile */
                        return fail(ctx, ERR_CONFLICT,
                                    "a credit transfer with this key was made elsewhere");
        }
        if (ret_moved)
                *ret_moved = fresh;
        return OK;
}

static enum err transfer_one(struct ctx *ctx, struct tx *tx, struct str workspace,
                             const struct movement *m, int64_t amount, struct str key,
                             struct str job, struct str memo)
{
        struct credit_spend one = {.amount = amount, .key = key, .job = job};

        return transfer(ctx, tx, workspace, m, &one, 1, memo, NULL);
}

enum err credit_account_open(struct ctx *ctx, struct tx *tx, struct str workspace)
{
        return tx_exec(tx, &sql_account_open, PARAMS(p_str(workspace)), NULL);
}

enum err credit_grant(struct ctx *ctx, struct tx *tx, struct str workspace, int64_t amount,
                      struct str key, struct str memo)
{
        return transfer_one(ctx, tx, workspace, &GRANT, amount, key, STR_NULL, memo);
}

enum err credit_revoke(struct ctx *ctx, struct tx *tx, struct str workspace, int64_t amount,
                       struct str key, struct str memo)
{
        return transfer_one(ctx, tx, workspace, &REVOKE, amount, key, STR_NULL, memo);
}

enum err credit_reserve(struct ctx *ctx, struct tx *tx, struct str workspace, int64_t amount,
                        struct str key, struct str job)
{
        if (amount == 0)
                return OK;
        return transfer_one(ctx, tx, workspace, &RESERVE, amount, key, job, STR_NULL);
}

enum err credit_refund(struct ctx *ctx, struct tx *tx, struct str workspace, int64_t amount,
                       struct str key, struct str job)
{
        if (amount == 0)
                return OK;
        return transfer_one(ctx, tx, workspace, &REFUND, amount, key, job, STR_NULL);
}

enum err credit_spend_bulk(struct ctx *ctx, struct tx *tx, struct str workspace,
                           const struct credit_spend *list, size_t count, int64_t *ret_moved)
{
        if (count == 0) {
                *ret_moved = 0;
                return OK;
        }
        return transfer(ctx, tx, workspace, &SPEND, list, count, STR_NULL, ret_moved);
}

enum err credit_lock(struct ctx *ctx, struct tx *tx, struct str workspace,
                     struct credit_balance *ret)
{
        struct accounts a;

        TRY(accounts_lock(ctx, tx, workspace, &a));
        *ret = balance_of(&a);
        return OK;
}

enum err credit_read(struct ctx *ctx, struct db *db, struct str workspace,
                     struct credit_balance *ret)
{
        struct accounts a;
        struct db_result r;

        TRY(db_query(ctx, db, &sql_read, PARAMS(p_str(workspace)), &r));
        TRY(accounts_take(ctx, &r, &a));
        *ret = balance_of(&a);
        return OK;
}
