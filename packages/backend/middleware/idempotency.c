/*
 * Idempotency-Key on POST: the same key and body within 24 hours gives the stored answer, another
 * body is a conflict. Answers are stored sealed (they may hold tokens). A failure of ours (5xx) is
 * not stored, so the request can be sent again. While the first request runs, and after a crash in
 * the middle of it, the key answers 409: whether it took effect is for the caller to look up.
 */
#include "middleware/call.h"

#include "crypto/crypto.h"
#include "log/log.h"
#include "middleware_sql.h"

static void body_hash(struct call *c, uint8_t hash[CRYPTO_HASH_SIZE])
{
        struct buf b;

        buf_init(&b, c->ctx->arena, SIZE_MAX / 4);
        buf_add(&b, c->req->target);
        buf_add_char(&b, '\n');
        buf_add(&b, c->req->body);
        LIST_EACH (p, &c->req->form) {
                buf_add(&b, p->name);
                buf_add_char(&b, '\0');
                buf_add(&b, p->value);
        }
        LIST_EACH (f, &c->req->files)
                buf_printf(&b, "\n%.*s\n%.*s\n%.*s", FMT(f->field), FMT(f->name), FMT(f->sha256));
        crypto_sha256(buf_str(&b), hash);
}

static enum err replay(struct call *c, struct str hash)
{
        struct db_result r;
        struct str plain;

        TRY(db_query(c->ctx, c->app->db, &sql_idempotency_find,
                     PARAMS(p_str(c->caller), p_str(c->idempotency_key)), &r));
        if (r.rows == 0 || db_is_null(&r, 0, 2)) {
                c->ctx->retry_after_ms = 1000;
                return fail(c->ctx, ERR_CONFLICT,
                            "a request with this Idempotency-Key is being answered");
        }
        if (!str_eq(db_bytes(c->ctx, &r, 0, 1), hash))
                return fail(c->ctx, ERR_CONFLICT,
                            "this Idempotency-Key was used for another request");
        TRY(crypto_unseal(c->ctx, c->app->keys, STR("idempotency"), c->idempotency_key,
                          db_bytes(c->ctx, &r, 0, 3), &plain));
        reply_text(c->reply, (int)db_i64(&r, 0, 2), "application/json; charset=utf-8", plain);
        reply_header(c->reply, "Idempotency-Replayed", STR("true"));
        c->answered = true;
        return OK;
}

enum err mw_idempotency_begin(struct call *c)
{
        struct str key = req_header(c->req, "Idempotency-Key");
        uint8_t hash[CRYPTO_HASH_SIZE];
        struct db_result r;
        enum err e;

        if (c->req->method != HTTP_POST || !key.ptr)
                return OK;
        if (key.len < 1 || key.len > 255) {
                ctx_fault(c->ctx, STR("/headers/Idempotency-Key"), "maxLength",
                          "must have 1 to 255 characters");
                return fail(c->ctx, ERR_VALIDATION, "the Idempotency-Key is not valid");
        }
        body_hash(c, hash);
        c->idempotency_key = key;
        e = db_query(c->ctx, c->app->db, &sql_idempotency_claim,
                     PARAMS(p_str(c->caller), p_str(key), p_str(c->route->path),
                            p_bytes(c->ctx, hash, sizeof hash)),
                     &r);
        if (e == OK && r.rows == 0)
                e = replay(c, (struct str){(const char *)hash, sizeof hash});
        if (e != OK || c->answered)
                c->idempotency_key = STR_NULL;
        return e;
}

void mw_idempotency_end(struct call *c)
{
        struct ctx own;
        struct str sealed;
        enum err e;

        if (!c->idempotency_key.ptr)
                return;
        ctx_init(&own, c->ctx->arena);
        own.app = c->app;
        own.deadline_ns = time_mono_ns() + 5 * NS_PER_S;
        if (c->reply->status >= 500 || c->reply->read) {
                e = db_exec(&own, c->app->db, &sql_idempotency_drop,
                            PARAMS(p_str(c->caller), p_str(c->idempotency_key)), NULL);
        } else {
                e = crypto_seal(&own, c->app->keys, STR("idempotency"), c->idempotency_key,
                                buf_str(&c->reply->body), &sealed);
                if (e == OK)
                        e = db_exec(&own, c->app->db, &sql_idempotency_store,
                                    PARAMS(p_str(c->caller), p_str(c->idempotency_key),
                                           p_i64(&own, c->reply->status),
                                           p_bytes(&own, sealed.ptr, sealed.len)),
                                    NULL);
        }
        if (e != OK)
                log_warn("idempotency key not stored", LOG_STR("requestId", c->ctx->request_id),
                         LOG_STR("error", own.message));
}
