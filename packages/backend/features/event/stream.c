/* One browser's event stream: what it missed, then what comes, and a ping now and then. See
 * event.h. */
#include <string.h>
#include "features/event/hub.h"
#include "features/event/repo.h"

#define PING_NS (15 * NS_PER_S)
#define LIFETIME_NS \
        (900 * NS_PER_S) /* as long as an access token: whoever lost access is gone then */
#define REPLAY_MAX   1000
#define BATCH_BYTES  ((size_t)64 << 10)
#define STREAM_BYTES ((size_t)16 << 20)

static void add_resync(struct buf *out, int64_t id)
{
        event_format(out, id, STR(EVENT_RECORDS_CHANGED), STR("{\"resync\":true}"));
}

/*
 * What is sent first: the id to resume from (an event without data moves the browser's
 * Last-Event-ID and nothing else), or what was missed since the last one.
 */
static enum err prepare(struct ctx *ctx, struct event_stream *s, struct str last_event_id)
{
        struct str table = str_from(s->table_id);
        event_row_list rows = {0};
        int64_t last, newest;
        bool known = false;

        TRY(repo_event_newest(ctx, s->hub->db, table, &newest));
        buf_add(&s->replay, STR("retry: 2000\n"));
        if (!last_event_id.len) {
                buf_printf(&s->replay, "id: %lld\n\n", (long long)newest);
                return OK;
        }
        buf_add_char(&s->replay, '\n');
        if (str_to_i64(last_event_id, &last))
                TRY(repo_event_replay(ctx, s->hub->db, table, last, REPLAY_MAX + 1, &known, &rows));
        if (!known || rows.len > REPLAY_MAX) {
                add_resync(&s->replay, newest);
                return OK;
        }
        LIST_EACH (row, &rows)
                event_format(&s->replay, row->id, row->type, row->data);
        if (buf_full(&s->replay)) {
                buf_reset(&s->replay);
                add_resync(&s->replay, newest);
        }
        return OK;
}

enum err event_stream_open(struct ctx *ctx, struct event_hub *hub, struct str table_id,
                           struct str last_event_id, struct event_stream **ret)
{
        struct event_stream *s = mem_alloc(sizeof *s);

        *s = (struct event_stream){.hub = hub};
        memcpy(s->table_id, table_id.ptr, MIN_OF(table_id.len, sizeof s->table_id - 1));
        s->queue = queue_open(HUB_QUEUE);
        s->until_ns = time_mono_ns() + LIFETIME_NS;
        buf_init(&s->replay, NULL, STREAM_BYTES);
        enum err e = hub_join(ctx, hub, s);

        if (e != OK) {
                buf_finish(&s->replay);
                queue_close(s->queue);
                mem_free(s);
                return e;
        }
        e = prepare(ctx, s, last_event_id); /* joined before it reads: nothing falls in between */
        if (e != OK) {
                event_stream_close(s);
                return e;
        }
        *ret = s;
        return OK;
}

static enum err add_msg(struct ctx *ctx, struct event_stream *s, const struct event_msg *m,
                        struct buf *out)
{
        struct event_row row;

        if (m->len || !m->id) {
                buf_add_mem(out, m->text, m->len);
                return OK;
        }
        TRY(repo_event_get(ctx, s->hub->db, m->id, &row));
        if (row.id)
                event_format(out, row.id, row.type, row.data);
        return OK;
}

/* Drops what is queued: the browser loads everything again. */
static void skip_queue(struct event_stream *s)
{
        void *m;

        while (queue_try_pop(s->queue, &m))
                event_msg_release(m);
}

/* The message and those queued behind it, as far as one write should hold. */
static enum err take(struct ctx *ctx, struct event_stream *s, void *m, struct buf *out)
{
        do {
                enum err e = add_msg(ctx, s, m, out);

                event_msg_release(m);
                TRY(e);
        } while (out->len < BATCH_BYTES && queue_try_pop(s->queue, &m));
        return OK;
}

enum err event_stream_next(struct ctx *ctx, struct event_stream *s, struct buf *out)
{
        struct ctx own = *ctx;
        void *m;

        if (s->replay.len) {
                buf_add(out, buf_str(&s->replay));
                buf_finish(&s->replay);
                buf_init(&s->replay, NULL, STREAM_BYTES);
                return OK;
        }
        if (time_mono_ns() >= s->until_ns)
                return fail(ctx, ERR_CANCELLED, "the stream's time is over");
        own.deadline_ns = time_mono_ns() + PING_NS;
        enum err e = queue_pop(&own, s->queue, &m);

        if (e == ERR_TIMEOUT) {
                buf_add(out, STR(": ping\n\n"));
                return OK;
        }
        if (e != OK)
                return fail(ctx, e, "the stream has ended");
        if (__atomic_exchange_n(&s->lost, false, __ATOMIC_ACQ_REL)) {
                event_msg_release(m);
                skip_queue(s);
                add_resync(out, __atomic_load_n(&s->newest, __ATOMIC_RELAXED));
                return OK;
        }
        return take(ctx, s, m, out);
}

void event_stream_close(struct event_stream *s)
{
        if (!s)
                return;
        hub_leave(s->hub, s);
        skip_queue(s);
        queue_close(s->queue);
        buf_finish(&s->replay);
        mem_free(s);
}
