/* Questions: what is known about a subject, made canonical; and the way a question takes. */
#include "features/provider/definition.h"

#include <string.h>
#include "crypto/crypto.h"
#include "text/fold.h"

#define INPUT_MAX       1000 /* bytes of one input */
#define SANDBOX_TIMEOUT 10000
#define SANDBOX_WIDTH   64

bool provider_takes(const struct provider_def *def, struct str input_key)
{
        LIST_EACH (in, &def->inputs)
                if (str_eq(in->key, input_key))
                        return true;
        return false;
}

bool provider_gives(const struct provider_def *def, struct str output_key)
{
        LIST_EACH (out, &def->outputs)
                if (str_eq(*out, output_key))
                        return true;
        return false;
}

void provider_inputs_put(struct ctx *ctx, struct provider_inputs *in, struct str key,
                         struct str text)
{
        LIST_EACH (v, &in->list)
                if (str_eq(v->key, key)) {
                        v->text = text;
                        return;
                }
        LIST_PUSH(ctx->arena, &in->list, ((struct provider_value){key, text}));
}

struct str provider_inputs_get(const struct provider_inputs *in, struct str key)
{
        LIST_EACH (v, &in->list)
                if (str_eq(v->key, key))
                        return v->text;
        return STR_NULL;
}

/* ---- canonical inputs ---- */

/* What is known under this key, or what follows from something else that is known. */
static struct str known(struct ctx *ctx, const struct provider_def *def,
                        const struct provider_inputs *in, struct str key)
{
        struct str text = str_trim(provider_inputs_get(in, key)), first, last;

        if (text.len)
                return text;
        if (str_eq(key, STR("domain")) && !provider_takes(def, STR("website")))
                return str_trim(provider_inputs_get(in, STR("website")));
        if (str_eq(key, STR("full_name")) && !provider_takes(def, STR("first_name"))) {
                first = str_trim(provider_inputs_get(in, STR("first_name")));
                last = str_trim(provider_inputs_get(in, STR("last_name")));
                if (first.len && last.len)
                        return str_printf(ctx->arena, "%.*s %.*s", FMT(first), FMT(last));
        }
        return STR_NULL;
}

/* False when the text cannot be what the key says. A built-in is asked about bad text, too. */
static bool canonical(struct ctx *ctx, const struct provider_def *def, struct str key,
                      struct str text, struct str *ret)
{
        const char *why;

        if (!text.len || text.len > INPUT_MAX)
                return false;
        *ret = text_tidy(ctx->arena, text);
        if (def->builtin)
                return true;
        if (str_eq(key, STR("domain")))
                return normal_domain(ctx->arena, text, ret);
        if (str_eq(key, STR("email")))
                return normal_email(ctx->arena, text, ret, &why);
        return ret->len > 0;
}

static bool group_known(const str_list *group, const struct provider_inputs *in)
{
        LIST_EACH (key, group)
                if (!provider_inputs_get(in, *key).len)
                        return false;
        return true;
}

/* Names the keys that stand in the way: those required, then the shortest group's. */
static void find_missing(struct ctx *ctx, const struct provider_def *def,
                         struct provider_question *q)
{
        const str_list *nearest = NULL;
        bool any = def->require_one_of.len == 0;

        LIST_EACH (in, &def->inputs)
                if (in->required && !provider_inputs_get(&q->inputs, in->key).len)
                        LIST_PUSH(ctx->arena, &q->missing, in->key);
        LIST_EACH (group, &def->require_one_of) {
                any = any || group_known(group, &q->inputs);
                if (!nearest || group->len < nearest->len)
                        nearest = group;
        }
        if (!any)
                LIST_EACH (key, nearest)
                        if (!provider_inputs_get(&q->inputs, *key).len)
                                LIST_PUSH(ctx->arena, &q->missing, *key);
        q->complete = q->missing.len == 0;
}

/* slug, version and each key and value, every part ended by a NUL: no two questions collide. */
static struct str hash(struct ctx *ctx, const struct provider_def *def,
                       const struct provider_inputs *in)
{
        struct buf b;

        buf_init(&b, ctx->arena, 64 << 10);
        buf_add(&b, def->slug);
        buf_add_char(&b, 0);
        buf_add(&b, def->version);
        buf_add_char(&b, 0);
        LIST_EACH (v, &in->list) {
                buf_add(&b, v->key);
                buf_add_char(&b, 0);
                buf_add(&b, text_casefold(ctx->arena, v->text));
                buf_add_char(&b, 0);
        }
        return crypto_sha256_hex(ctx->arena, buf_str(&b));
}

enum err provider_question(struct ctx *ctx, const struct provider_def *def,
                           const struct provider_inputs *inputs, struct provider_question *ret)
{
        struct provider_question q = {0};

        LIST_EACH (in,
                   &def->inputs) { /* the definition's order, so the hash does not depend on ours */
                struct str text = STR_NULL;

                if (canonical(ctx, def, in->key, known(ctx, def, inputs, in->key), &text))
                        provider_inputs_put(ctx, &q.inputs, in->key, text);
        }
        find_missing(ctx, def, &q);
        q.key = hash(ctx, def, &q.inputs);
        *ret = q;
        return OK;
}

/* ---- the way ---- */

const char *provider_source_name(enum provider_source s)
{
        static const char *const names[] = {[SOURCE_BUILTIN] = "builtin",
                                            [SOURCE_REMOTE] = "remote",
                                            [SOURCE_WORKSPACE] = "workspace",
                                            [SOURCE_SANDBOX] = "sandbox"};

        return names[s];
}

const char *provider_outcome_name(enum provider_outcome o)
{
        static const char *const names[] = {
#define OUTCOME(name, text) text,
#include "features/provider/outcome.def"
#undef OUTCOME
        };

        return names[o];
}

enum err route_to(struct ctx *ctx, const struct provider_def *def, bool has_credential,
                  struct str sandbox_url, struct provider_route *ret)
{
        struct provider_route route = {.source = SOURCE_REMOTE,
                                       .rate_requests = def->rate_requests,
                                       .rate_per_ms = def->rate_per_ms,
                                       .concurrency = def->concurrency,
                                       .timeout_ms = def->timeout_ms};

        if (def->builtin) {
                route.source = SOURCE_BUILTIN;
        } else if (has_credential || !def->requires_credential) {
                route.source = def->own ? SOURCE_WORKSPACE : SOURCE_REMOTE;
        } else if (sandbox_url.len && def->sandboxed) {
                route.source = SOURCE_SANDBOX;
                route.base_url =
                        str_printf(ctx->arena, "%.*s/%.*s", FMT(sandbox_url), FMT(def->slug));
                route.rate_requests = route.rate_per_ms = 0;
                route.concurrency = SANDBOX_WIDTH;
                route.timeout_ms = MIN_OF(def->timeout_ms, SANDBOX_TIMEOUT);
        } else {
                return fail(ctx, ERR_VALIDATION,
                            "%.*s needs a credential: add one for \"%.*s\" to the workspace",
                            FMT(def->name), FMT(def->slug));
        }
        *ret = route;
        return OK;
}
