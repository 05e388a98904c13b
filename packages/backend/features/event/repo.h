/* Statements on table_events. Inside features/event. */
#ifndef MILLRACE_FEATURES_EVENT_REPO_H
#define MILLRACE_FEATURES_EVENT_REPO_H

#include "db/db.h"

struct event_row {
        int64_t id;
        struct str type, data;
};
typedef LIST(struct event_row) event_row_list;

_must_check_ enum err repo_event_publish(struct ctx *ctx, struct tx *tx, struct str table_id,
                                         const char *type, const str_list *data,
                                         int64_t *ret_newest);
_must_check_ enum err repo_event_prune(struct tx *tx);
/* id 0 when it has been pruned. */
_must_check_ enum err repo_event_get(struct ctx *ctx, struct db *db, int64_t id,
                                     struct event_row *ret);
_must_check_ enum err repo_event_newest(struct ctx *ctx, struct db *db, struct str table_id,
                                        int64_t *ret);
/* What a browser missed that saw `last` last; *ret_known false when that cannot be told any more.
 */
_must_check_ enum err repo_event_replay(struct ctx *ctx, struct db *db, struct str table_id,
                                        int64_t last, int64_t limit, bool *ret_known,
                                        event_row_list *ret);
/* ERR_NOT_FOUND unless the workspace has the table. */
_must_check_ enum err repo_event_watchable(struct ctx *ctx, struct db *db, struct str workspace_id,
                                           struct str table_id);

#endif
