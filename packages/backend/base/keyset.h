/*
 * Keyset paging of simple lists that are ordered by (created_at, id): the statement takes the
 * keyset's two values (NULL on the first page) and its fetch limit as parameters.
 */
#ifndef MILLRACE_BASE_KEYSET_H
#define MILLRACE_BASE_KEYSET_H

#include "base/route.h"

struct keyset {
        int64_t limit;
        struct str at, id; /* behind these; STR_NULL from the start */
};

/* ERR_VALIDATION when the cursor is not one of ours. */
_must_check_ enum err keyset_read(struct ctx *ctx, const struct list_query *q, struct keyset *ret);
/* One row more than the page holds, to see whether there is another page. */
int64_t keyset_fetch(const struct keyset *k);
/*
 * Around a list's query: a cursor or filter of the right form that PostgreSQL still cannot read
 * (the 99th of a month) is the caller's fault.
 */
enum err keyset_fault(struct ctx *ctx, enum err e);
/* Cuts the extra row off; `at_col` and `id_col` are the names of the result's key columns. */
void keyset_page(struct ctx *ctx, const struct keyset *k, struct db_result *r, const char *at_col,
                 const char *id_col, struct page *ret);

#endif
