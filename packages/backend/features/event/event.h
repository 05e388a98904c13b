/*
 * Events of a table: written in the transaction that makes the change, delivered to every open
 * browser, over all millraced processes, when that transaction commits.
 *
 * event_publish() inserts a row into table_events and notifies the channel millrace_events in the
 * caller's transaction; PostgreSQL delivers a notification exactly when its transaction commits.
 * The rows are what a browser resumes from by Last-Event-ID; they are kept for an hour and pruned
 * by the publishers themselves.
 *
 * The hub is the process's one LISTEN connection: a dispatcher from channels to whoever subscribed
 * (event_hub_on), and the registry of open event streams. A stream has a bounded queue: a browser
 * that reads too slowly loses the single events and gets one `records.changed` with
 * `{"resync":true}` instead, as it does whenever events may have been missed.
 *
 * The hub is thread-safe; a stream is read by one thread.
 */
#ifndef MILLRACE_FEATURES_EVENT_EVENT_H
#define MILLRACE_FEATURES_EVENT_EVENT_H

#include "db/db.h"

/*
 * record.updated: {"recordId": id} and the record (id, version, data, cells, …), one event a record
 * records.changed: {"kind": "inserted"|"updated"|"deleted", "count": n, "ids"?: […]}, or
 *                  {"resync": true}: events may be missing, load again
 * job.progress, job.finished: the job. table.changed: {"tableId", "kind", "columnId"?}: name or
 *                  columns changed, load the table again
 */
#define EVENT_RECORD_UPDATED  "record.updated"
#define EVENT_RECORDS_CHANGED "records.changed"
#define EVENT_JOB_PROGRESS    "job.progress"
#define EVENT_JOB_FINISHED    "job.finished"
#define EVENT_TABLE_CHANGED   "table.changed"

/* `data` is a JSON document. Delivered when tx commits, forgotten when it rolls back. */
_must_check_ enum err event_publish(struct ctx *ctx, struct tx *tx, struct str table_id,
                                    const char *type, struct str data_json);
/* Several of one type, in one statement. */
_must_check_ enum err event_publish_all(struct ctx *ctx, struct tx *tx, struct str table_id,
                                        const char *type, const str_list *data_json);

struct event_hub;
struct router;

/* Nothing is listened to before event_hub_start(). The database and config must outlive the hub. */
struct event_hub *event_hub_open(struct db *db, const struct db_config *config);

/*
 * Before the start only: `fn(user, channel, payload)` is called on the hub's thread for each
 * notification, and with channel NULL whenever the connection was (re)made and notifications may
 * have been missed. It must be quick: set a flag, push to a queue. At most 16.
 */
void event_hub_on(struct event_hub *hub, const char *channel, db_notify_fn *fn, void *user);

/* `session_sql` runs on each new connection of the hub (session advisory locks); may be NULL. */
_must_check_ enum err event_hub_start(struct ctx *ctx, struct event_hub *hub,
                                      const char *session_sql);
/* Ends all streams and refuses new ones; call when draining begins. */
void event_hub_shut(struct event_hub *hub);
/* Stops listening and frees; all streams must be closed. Accepts NULL. */
void event_hub_close(struct event_hub *hub);

size_t event_hub_streams(struct event_hub *hub); /* open streams, for /metrics */

struct event_stream;

/*
 * Subscribes to a table's events. `last_event_id` is the header's text or STR_NULL: what was
 * published behind it is replayed, and, as ids do not commit in order, what was published within
 * the 10 s before it as well (duplicates are harmless). ERR_UNAVAILABLE when too many are open.
 */
_must_check_ enum err event_stream_open(struct ctx *ctx, struct event_hub *hub, struct str table_id,
                                        struct str last_event_id, struct event_stream **ret);
/*
 * Waits for the next bytes of the text/event-stream and appends them: events, or a `: ping` after
 * 15 s of silence. ERR_CANCELLED when the stream has ended (shutdown, or its lifetime is over: the
 * browser connects again). `ctx` is only used for memory and errors; its arena may be reset between
 * calls.
 */
_must_check_ enum err event_stream_next(struct ctx *ctx, struct event_stream *s, struct buf *out);
void event_stream_close(struct event_stream *s); /* accepts NULL */

extern const struct router event_router; /* T/events */

#endif
