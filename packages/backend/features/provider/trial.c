/* Asking a provider one question by hand. See trial.h. */
#include "features/provider/trial.h"

#include "base/route.h"
#include "features/credential/credential.h"
#include "features/provider/own.h"
#include "fetch/fetch.h"

static enum err find(struct ctx *ctx, struct str workspace_id, struct str slug,
                     const struct provider_def **ret)
{
        struct own_provider own = {0};

        *ret = provider_find(ctx->app->providers, slug);
        if (*ret)
                return OK;
        TRY(own_get(ctx, workspace_id, slug, &own));
        *ret = own.def;
        return OK;
}

static enum err ask(struct ctx *ctx, const struct provider_def *def, const struct json *inputs,
                    struct provider_question *ret)
{
        struct provider_inputs in = {0};
        struct provider_question q = {0};

        JSON_EACH_MEMBER (it, inputs)
                provider_inputs_put(ctx, &in, it.key, json_get_str(it.value));
        TRY(provider_question(ctx, def, &in, &q));
        LIST_EACH (key, &q.missing)
                ctx_fault(ctx, str_printf(ctx->arena, "/inputs/%.*s", FMT(*key)), "required",
                          "%.*s is missing or not of its kind", FMT(*key));
        if (!q.complete)
                return fail(ctx, ERR_VALIDATION, "an input that \"%.*s\" needs is missing",
                            FMT(def->slug));
        *ret = q;
        return OK;
}

static enum err call_out(struct ctx *ctx, const struct provider_def *def,
                         const struct provider_question *q, const struct json *secret,
                         const struct provider_route *route, struct provider_trial *trial,
                         struct provider_result *ret)
{
        struct fetch_req req = {0};
        struct fetch_res res = {0};

        TRY(provider_request(ctx, def, &q->inputs, secret, route->base_url, STR_NULL, &req));
        req.timeout_ms = route->timeout_ms;
        if (fetch(ctx, ctx->app->fetch, &req, &res) != OK)
                ctx_clear(ctx); /* what became of it is the result */
        trial->has_status = res.outcome == FETCH_ANSWERED;
        trial->status = res.status;
        return provider_interpret(ctx, def, &res, ret);
}

static void conclude(struct ctx *ctx, const struct provider_result *r, struct provider_trial *trial)
{
        struct json *outputs = json_new_object(ctx->arena);

        LIST_EACH (out, &r->outputs)
                json_put(outputs, out->key, out->value);
        trial->outputs = outputs;
        trial->outcome = str_from(provider_outcome_name(r->outcome));
        trial->detail = r->detail.len ? r->detail : STR_NULL;
        trial->has_confidence = r->outcome == PROVIDER_HIT;
        trial->confidence = r->confidence;
}

enum err provider_try(struct ctx *ctx, struct str workspace_id, struct str slug,
                      const struct json *inputs, struct provider_trial *ret)
{
        const struct provider_def *def = NULL;
        const struct json *secret = NULL;
        struct provider_question q = {0};
        struct provider_route route = {0};
        struct provider_result result = {0};
        struct provider_trial trial = {0};
        int64_t began;

        TRY(find(ctx, workspace_id, slug, &def));
        TRY(ask(ctx, def, inputs, &q));
        if (!def->builtin)
                TRY(credential_find(ctx, workspace_id, slug, &secret));
        TRY(provider_route(ctx, ctx->app->providers, def, secret != NULL, &route));
        trial.source = str_from(provider_source_name(route.source));
        began = time_mono_ns();
        if (route.source == SOURCE_BUILTIN)
                TRY(provider_run_local(ctx, def, &q.inputs, &result));
        else
                TRY(call_out(ctx, def, &q, secret, &route, &trial, &result));
        trial.latency_ms = (time_mono_ns() - began) / NS_PER_MS;
        conclude(ctx, &result, &trial);
        *ret = trial;
        return OK;
}
