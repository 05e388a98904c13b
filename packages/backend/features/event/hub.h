/* Inside features/event: the hub and its streams. */
#ifndef MILLRACE_FEATURES_EVENT_HUB_H
#define MILLRACE_FEATURES_EVENT_HUB_H

#include <pthread.h>
#include "features/event/event.h"
#include "task/queue.h"

#define HUB_LISTENERS_MAX 16
#define HUB_STREAMS_MAX   256
#define HUB_QUEUE         2048 /* events a stream may be behind */

/* One event on its way to the streams of its table; freed with the last reference. */
struct event_msg {
        int refs; /* atomic */
        int64_t id;
        size_t len; /* 0: the text was too long for the notification and is read from the database
                     */
        char text[];
};

struct event_stream {
        struct event_hub *hub;
        struct event_stream *prev, *next;
        char table_id[37];
        struct queue *queue;
        bool lost;      /* atomic: events were dropped, the browser must load again */
        int64_t newest; /* atomic: id of the last event pushed or dropped */
        int64_t until_ns;
        struct buf replay; /* heap; what is sent before anything else */
};

struct event_hub {
        struct db *db;
        struct db_config config;
        struct {
                const char *channel;
                db_notify_fn *fn;
                void *user;
        } listeners[HUB_LISTENERS_MAX];
        size_t listener_count;
        const char *channels[HUB_LISTENERS_MAX + 1];
        struct db_listener *listener;

        pthread_mutex_t lock; /* guards what is below */
        struct event_stream *streams;
        size_t stream_count;
        bool shut;
};

_must_check_ enum err hub_join(struct ctx *ctx, struct event_hub *hub, struct event_stream *s);
void hub_leave(struct event_hub *hub, struct event_stream *s);
void event_msg_release(struct event_msg *m); /* accepts NULL */

/* id:, event: and data: lines of one event. */
void event_format(struct buf *out, int64_t id, struct str type, struct str data);

#endif
