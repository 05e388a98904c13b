/* Keyset paging of simple lists. See keyset.h. */
#include "base/keyset.h"

#include <string.h>

/* What PostgreSQL writes for a timestamptz or a number; anything else is not from us. */
static bool is_key(struct str s)
{
        for (size_t i = 0; i < s.len; i++)
                if (!s.ptr[i] || !strchr("0123456789-+:. ", s.ptr[i]))
                        return false;
        return s.len > 0 && s.len < 40 && s.ptr[0] >= '0' && s.ptr[0] <= '9';
}

enum err keyset_read(struct ctx *ctx, const struct list_query *q, struct keyset *ret)
{
        struct keyset k = {.limit = q->has_limit ? q->limit : LIST_LIMIT_DEFAULT};

        if (q->cursor.ptr) {
                TRY(cursor_decode(ctx, q->cursor, &k.at, &k.id));
                if (!is_key(k.at) || !str_is_uuid(k.id)) {
                        ctx_fault(ctx, STR("/query/cursor"), "cursor",
                                  "is not a cursor of this list");
                        return fail(ctx, ERR_VALIDATION, "the cursor is not one of this list");
                }
        }
        *ret = k;
        return OK;
}

enum err keyset_fault(struct ctx *ctx, enum err e)
{
        if (e != ERR_INTERNAL || strncmp(db_sqlstate(ctx), "22", 2) != 0)
                return e;
        return fail(ctx, ERR_VALIDATION, "the cursor or a filter is not valid");
}

int64_t keyset_fetch(const struct keyset *k)
{
        return k->limit + 1;
}

void keyset_page(struct ctx *ctx, const struct keyset *k, struct db_result *r, const char *at_col,
                 const char *id_col, struct page *ret)
{
        *ret = (struct page){.limit = k->limit, .total = -1};
        if (r->rows <= k->limit)
                return;
        r->rows = (int)k->limit;
        ret->next_cursor = cursor_encode(ctx, db_text(r, r->rows - 1, db_column(r, at_col)),
                                         db_text(r, r->rows - 1, db_column(r, id_col)));
}
