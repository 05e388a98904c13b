/*
 * millrace-ledger-probe: the ledger's functions over standard input and output, one JSON object a
 * line, each operation in a transaction of its own. For tests/property/test_ledger.py; not shipped.
 */
#include <stdio.h>
#include <stdlib.h>

#include "features/credit/credit.h"

static struct str text(const struct json *in, const char *key)
{
        struct str s = json_member_text(in, key);

        return s.len ? s : STR_NULL;
}

static enum err spend(struct ctx *c, struct tx *tx, const struct json *in, int64_t *moved)
{
        const struct json *items = json_member(in, "list");
        LIST(struct credit_spend) list = {0};

        JSON_EACH_ITEM (i, item, items) {
                struct credit_spend s = {
                        .amount = json_get_i64(json_member(item, "amount"), 0),
                        .key = text(item, "key"),
                        .job = text(item, "job"),
                };

                LIST_PUSH(c->arena, &list, s);
        }
        return credit_spend_bulk(c, tx, text(in, "workspace"), list.ptr, list.len, moved);
}

static enum err change(struct ctx *c, struct tx *tx, const struct json *in, int64_t *moved)
{
        struct str op = text(in, "op"), w = text(in, "workspace"), key = text(in, "key");
        int64_t amount = json_get_i64(json_member(in, "amount"), 0);

        if (str_eq_c(op, "open"))
                return credit_account_open(c, tx, w);
        if (str_eq_c(op, "grant"))
                return credit_grant(c, tx, w, amount, key, STR("granted in a test"));
        if (str_eq_c(op, "revoke"))
                return credit_revoke(c, tx, w, amount, key, STR_NULL);
        if (str_eq_c(op, "reserve"))
                return credit_reserve(c, tx, w, amount, key, text(in, "job"));
        if (str_eq_c(op, "refund"))
                return credit_refund(c, tx, w, amount, key, text(in, "job"));
        if (str_eq_c(op, "spend"))
                return spend(c, tx, in, moved);
        return fail(c, ERR_VALIDATION, "unknown op");
}

static enum err balance(struct ctx *c, struct db *db, const struct json *in, struct json_out *o)
{
        struct credit_balance b;

        TRY(credit_read(c, db, text(in, "workspace"), &b));
        out_i64(o, "issued", b.issued);
        out_i64(o, "available", b.available);
        out_i64(o, "reserved", b.reserved);
        out_i64(o, "spent", b.spent);
        return OK;
}

static enum err reconcile(struct ctx *c, struct db *db, struct json_out *o)
{
        struct credit_report report;

        TRY(credit_reconcile(c, db, &report));
        out_array(o, "discrepancies");
        LIST_EACH (d, &report.discrepancies) {
                out_object(o, NULL);
                out_str(o, "check", d->check);
                out_str(o, "workspace", d->workspace);
                out_str(o, "expected", d->expected);
                out_str(o, "actual", d->actual);
                out_end_object(o);
        }
        out_end_array(o);
        return OK;
}

static enum err run(struct ctx *c, struct db *db, const struct json *in, struct json_out *o)
{
        _cleanup_(tx_end) struct tx tx = {0};
        int64_t moved = -1;

        if (str_eq_c(text(in, "op"), "balance"))
                return balance(c, db, in, o);
        if (str_eq_c(text(in, "op"), "reconcile"))
                return reconcile(c, db, o);
        TRY(tx_begin(c, db, &tx));
        TRY(change(c, &tx, in, &moved));
        TRY(tx_commit(&tx));
        if (moved >= 0)
                out_i64(o, "moved", moved);
        return OK;
}

static void answer(struct db *db, struct str line)
{
        struct arena arena;
        struct ctx ctx;
        struct buf body, whole;
        const struct json *in;

        arena_init(&arena, 64 << 20);
        ctx_init(&ctx, &arena);
        buf_init(&body, &arena, 1 << 20);
        buf_init(&whole, &arena, 1 << 20);
        struct json_out o = {&body, false}, out = {&whole, false};

        out_object(&o, NULL);
        enum err e = json_parse(&ctx, line, &in);

        if (e == OK)
                e = run(&ctx, db, in, &o);
        out_end_object(&o);
        out_object(&out, NULL);
        out_c(&out, "code", err_code(e));
        if (e != OK)
                out_str(&out, "message", ctx.message);
        else
                out_raw(&out, "data", buf_str(&body));
        out_end_object(&out);
        puts(buf_str(&whole).ptr);
        fflush(stdout);
        arena_finish(&arena);
}

int main(int argc, char **argv)
{
        if (argc != 2) {
                fputs("usage: millrace-ledger-probe DATABASE_URL\n", stderr);
                return 2;
        }
        struct db *db = db_open(&(struct db_config){
                .url = str_from(argv[1]),
                .connections = 1,
                .queue_timeout_ms = 10000,
                .statement_timeout_ms = 30000,
                .application_name = "millrace-ledger-probe",
        });
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;

        while ((n = getline(&line, &cap, stdin)) > 0)
                answer(db, str_trim((struct str){line, (size_t)n}));
        free(line);
        db_close(db);
        return 0;
}
