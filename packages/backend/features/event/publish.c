/* Publishing events in the transaction that makes the change. See event.h. */
#include "features/event/event.h"

#include "features/event/repo.h"

#define PRUNE_EVERY 500 /* events; each time at most 2000 old ones go, so pruning keeps up */

enum err event_publish_all(struct ctx *ctx, struct tx *tx, struct str table_id, const char *type,
                           const str_list *data_json)
{
        int64_t newest;

        if (data_json->len == 0)
                return OK;
        TRY(repo_event_publish(ctx, tx, table_id, type, data_json, &newest));
        if (newest / PRUNE_EVERY != (newest - (int64_t)data_json->len) / PRUNE_EVERY)
                TRY(repo_event_prune(tx));
        return OK;
}

enum err event_publish(struct ctx *ctx, struct tx *tx, struct str table_id, const char *type,
                       struct str data_json)
{
        str_list one = {.ptr = &data_json, .len = 1, .cap = 1};

        return event_publish_all(ctx, tx, table_id, type, &one);
}
