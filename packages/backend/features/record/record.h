/*
 * Records: the rows of a table as the API shows them, with each cell's status.
 *
 * A record's JSON is written by record_write() from typed rows straight into a buf. What changes
 * records publishes events in the same transaction, by record_publish().
 */
#ifndef MILLRACE_FEATURES_RECORD_RECORD_H
#define MILLRACE_FEATURES_RECORD_RECORD_H

#include "features/table/table.h"

struct router;
extern const struct router record_router;

/* Up to this many changed records travel whole in record.updated; more are named or counted. */
#define RECORD_EVENT_WHOLE 100
#define RECORD_EVENT_IDS   1000

/*
 * Tells everybody who watches the table that these records changed: their data, cells or both. Few
 * are sent whole (one record.updated each), more by id, very many by count (records.changed). Call
 * it after the change, in its transaction, once for a batch.
 */
_must_check_ enum err record_publish(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                     const str_list *record_ids);

/* kind: "inserted", "updated" or "deleted"; ids NULL: only the count is told (an import). */
_must_check_ enum err record_publish_changed(struct ctx *ctx, struct tx *tx,
                                             const struct grid_table *t, const char *kind,
                                             const str_list *ids, int64_t count);

#endif
