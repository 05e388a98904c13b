/* Proof of the books: everything that must add up, compared in one snapshot. See credit.h. */
#include "features/credit/credit.h"

#include "credit_sql.h"

enum err credit_reconcile(struct ctx *ctx, struct db *db, struct credit_report *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct credit_report report = {0};
        struct db_result r;

        TRY(tx_begin(ctx, db, &tx));
        TRY(tx_script(&tx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"));
        TRY(tx_query(&tx, &sql_totals, NO_PARAMS, &r));
        report.workspaces = db_i64(&r, 0, 0);
        report.accounts = db_i64(&r, 0, 1);
        report.transfers = db_i64(&r, 0, 2);
        report.jobs = db_i64(&r, 0, 3);
        report.attempts = db_i64(&r, 0, 4);
        TRY(tx_query(&tx, &sql_reconcile, NO_PARAMS, &r));
        for (int i = 0; i < r.rows; i++) {
                struct credit_discrepancy d = {
                        .check = db_text(&r, i, 0),
                        .workspace = db_text(&r, i, 1),
                        .subject = db_text(&r, i, 2),
                        .expected = db_text(&r, i, 3),
                        .actual = db_text(&r, i, 4),
                };

                LIST_PUSH(ctx->arena, &report.discrepancies, d);
        }
        TRY(tx_commit(&tx));
        *ret = report;
        return OK;
}
