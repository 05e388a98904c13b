/* Streamed calls: the body is handed to the calling thread as it comes. See fetch.h. */
#include "fetch/internal.h"

#include "task/task.h"

struct reader {
        struct ctx *ctx;
        struct fetch_batch *batch;
        const struct fetch_stream *stream;
        const struct fetch_req *req;
        struct buf piece; /* changes places with the batch's */
        bool head_seen;
};

enum event { EVENT_HEAD, EVENT_DATA, EVENT_END, EVENT_SILENCE };

/* Called and left with the batch locked. */
static enum event next_event(struct reader *r)
{
        struct fetch_batch *b = r->batch;
        int64_t until = r->stream->idle_ms ? time_mono_ns() + r->stream->idle_ms * NS_PER_MS : 0;
        bool in_time = true;

        for (;;) {
                if (b->stream_status && !r->head_seen)
                        return EVENT_HEAD;
                if (b->stream.len)
                        return EVENT_DATA;
                if (!b->running)
                        return EVENT_END;
                if (!in_time)
                        return EVENT_SILENCE;
                in_time = task_cond_wait(&b->changed, &b->lock, until);
        }
}

static bool hand_head(struct reader *r)
{
        struct fetch_batch *b = r->batch;
        struct fetch_res head = {.status = b->stream_status};
        struct str text = str_dup(r->ctx->arena, buf_str(&b->stream_head));

        r->head_seen = true;
        pthread_mutex_unlock(&b->lock);
        head_parse(r->ctx->arena, text, &head);
        head.url = r->req->url;
        bool more = !r->stream->on_head || r->stream->on_head(r->stream->arg, &head);

        pthread_mutex_lock(&b->lock);
        return more;
}

static bool hand_data(struct reader *r)
{
        struct fetch_batch *b = r->batch;
        struct buf full = b->stream;
        bool paused = b->stream_paused;

        b->stream = r->piece;
        r->piece = full;
        b->stream_paused = false;
        pthread_mutex_unlock(&b->lock);
        if (paused)
                batch_command(b, COMMAND_RESUME);
        bool more = r->stream->on_data(r->stream->arg, buf_str(&r->piece));

        buf_reset(&r->piece);
        pthread_mutex_lock(&b->lock);
        return more;
}

/* Answers what ended it: EVENT_END, EVENT_SILENCE, or EVENT_DATA for the reader itself. */
static enum event read_all(struct reader *r)
{
        for (;;) {
                enum event e = next_event(r);

                if (e == EVENT_HEAD ? !hand_head(r) : e == EVENT_DATA ? !hand_data(r) : true)
                        return e == EVENT_HEAD ? EVENT_DATA : e;
        }
}

enum err fetch_streamed(struct ctx *ctx, struct fetch_client *client, const struct fetch_req *req,
                        const struct fetch_stream *stream, struct fetch_res *ret)
{
        _cleanup_(fetch_batch_closep) struct fetch_batch *b = batch_new(client, true);
        struct reader r = {.ctx = ctx, .batch = b, .stream = stream, .req = req};

        buf_init(&r.piece, NULL, b->stream.max);
        batch_start(ctx, b, req, 0, 0, true);
        pthread_mutex_lock(&b->lock);
        enum event end = read_all(&r);

        b->stream_stop = end != EVENT_END;
        pthread_mutex_unlock(&b->lock);
        buf_finish(&r.piece);
        if (end != EVENT_END)
                batch_command(b, COMMAND_CANCEL);
        TRY(batch_next_at_last(ctx, b, ret));
        if (end == EVENT_SILENCE) {
                ret->outcome = FETCH_TIMED_OUT;
                ret->message = STR("the other side fell silent");
        } else if (end == EVENT_DATA) {
                ret->outcome = FETCH_CANCELLED;
                ret->message = STR("ended by the reader");
        }
        return result_err(ctx, ret);
}
