/*
 * The hub: notifications of one LISTEN connection to whoever subscribed, and events of tables into
 * the queues of their streams. See event.h.
 */
#include "features/event/hub.h"

#include <assert.h>
#include <string.h>

#define CHANNEL "millrace_events"

void event_msg_release(struct event_msg *m)
{
        if (m && __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) == 0)
                mem_free(m);
}

void event_format(struct buf *out, int64_t id, struct str type, struct str data)
{
        buf_printf(out, "id: %lld\nevent: %.*s\ndata: ", (long long)id, FMT(type));
        for (struct str line; str_split(&data, '\n', &line);) {
                buf_add(out, line);
                if (data.ptr)
                        buf_add(out, STR("\ndata: "));
        }
        buf_add(out, STR("\n\n"));
}

/* "<tableId>:<eventId>[:<type>:<data>]" to a message; NULL when it is not that. */
static struct event_msg *parse(struct str payload, struct str *ret_table)
{
        struct str id, type;
        struct buf text;
        int64_t number;

        if (!str_split(&payload, ':', ret_table) || !str_split(&payload, ':', &id) ||
            !str_to_i64(id, &number))
                return NULL;
        buf_init(&text, NULL, 16 << 10);
        if (str_split(&payload, ':', &type) && payload.ptr)
                event_format(&text, number, type, payload);
        size_t len = buf_full(&text) ? 0 : text.len;
        struct event_msg *m = mem_alloc(sizeof *m + len + 1);

        m->refs = 1;
        m->id = number;
        m->len = len;
        if (len)
                memcpy(m->text, text.ptr, len);
        buf_finish(&text);
        return m;
}

static void push(struct event_stream *s, struct event_msg *m)
{
        if (m->id > __atomic_load_n(&s->newest, __ATOMIC_RELAXED))
                __atomic_store_n(&s->newest, m->id, __ATOMIC_RELAXED);
        __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
        if (!queue_try_push(s->queue, m)) {
                __atomic_store_n(&s->lost, true, __ATOMIC_RELEASE);
                event_msg_release(m);
        }
}

static void deliver(struct event_hub *hub, const char *payload)
{
        struct str table;
        struct event_msg *m = parse(str_from(payload), &table);

        if (!m)
                return;
        pthread_mutex_lock(&hub->lock);
        for (struct event_stream *s = hub->streams; s; s = s->next)
                if (str_eq_c(table, s->table_id))
                        push(s, m);
        pthread_mutex_unlock(&hub->lock);
        event_msg_release(m);
}

/* The connection was made anew: every stream may have missed something. */
static void lose_all(struct event_hub *hub)
{
        struct event_msg *wake = mem_alloc(sizeof *wake + 1);

        wake->refs = 1;
        pthread_mutex_lock(&hub->lock);
        for (struct event_stream *s = hub->streams; s; s = s->next) {
                __atomic_store_n(&s->lost, true, __ATOMIC_RELEASE);
                push(s, wake);
        }
        pthread_mutex_unlock(&hub->lock);
        event_msg_release(wake);
}

static void on_notify(void *user, const char *channel, const char *payload)
{
        struct event_hub *hub = user;

        if (!channel)
                lose_all(hub);
        else if (strcmp(channel, CHANNEL) == 0)
                deliver(hub, payload);
        for (size_t i = 0; i < hub->listener_count; i++)
                if (!channel || strcmp(channel, hub->listeners[i].channel) == 0)
                        hub->listeners[i].fn(hub->listeners[i].user, channel, payload);
}

struct event_hub *event_hub_open(struct db *db, const struct db_config *config)
{
        struct event_hub *hub = mem_alloc(sizeof *hub);

        *hub = (struct event_hub){.db = db, .config = *config, .channels = {CHANNEL}};
        pthread_mutex_init(&hub->lock, NULL);
        return hub;
}

void event_hub_on(struct event_hub *hub, const char *channel, db_notify_fn *fn, void *user)
{
        size_t known = 0;

        assert(!hub->listener && hub->listener_count < HUB_LISTENERS_MAX - 1);
        hub->listeners[hub->listener_count].channel = channel;
        hub->listeners[hub->listener_count].fn = fn;
        hub->listeners[hub->listener_count++].user = user;
        while (hub->channels[known] && strcmp(hub->channels[known], channel) != 0)
                known++;
        hub->channels[known] = channel;
}

enum err event_hub_start(struct ctx *ctx, struct event_hub *hub, const char *session_sql)
{
        hub->listener = db_listen(&hub->config, hub->channels, session_sql, on_notify, hub);
        return hub->listener ? OK : fail(ctx, ERR_INTERNAL, "no thread for the event hub");
}

void event_hub_shut(struct event_hub *hub)
{
        pthread_mutex_lock(&hub->lock);
        hub->shut = true;
        for (struct event_stream *s = hub->streams; s; s = s->next)
                queue_shut(s->queue);
        pthread_mutex_unlock(&hub->lock);
}

void event_hub_close(struct event_hub *hub)
{
        if (!hub)
                return;
        if (hub->listener)
                db_unlisten(hub->listener);
        assert(!hub->streams);
        pthread_mutex_destroy(&hub->lock);
        mem_free(hub);
}

size_t event_hub_streams(struct event_hub *hub)
{
        pthread_mutex_lock(&hub->lock);
        size_t n = hub->stream_count;

        pthread_mutex_unlock(&hub->lock);
        return n;
}

enum err hub_join(struct ctx *ctx, struct event_hub *hub, struct event_stream *s)
{
        pthread_mutex_lock(&hub->lock);
        bool refused = hub->shut || hub->stream_count >= HUB_STREAMS_MAX;

        if (!refused) {
                s->next = hub->streams;
                if (s->next)
                        s->next->prev = s;
                hub->streams = s;
                hub->stream_count++;
        }
        pthread_mutex_unlock(&hub->lock);
        if (!refused)
                return OK;
        ctx->retry_after_ms = 5000;
        return fail(ctx, ERR_UNAVAILABLE, "too many event streams are open");
}

void hub_leave(struct event_hub *hub, struct event_stream *s)
{
        pthread_mutex_lock(&hub->lock);
        if (s->prev)
                s->prev->next = s->next;
        else
                hub->streams = s->next;
        if (s->next)
                s->next->prev = s->prev;
        hub->stream_count--;
        pthread_mutex_unlock(&hub->lock);
}
