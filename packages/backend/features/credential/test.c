/* Trying a credential out on its provider. See credential.h. */
#include "features/credential/credential.h"

#include "features/provider/provider.h"
#include "fetch/fetch.h"

/* A subject that every provider should know or plainly not know. */
static const struct {
        const char *key, *text;
} sample[] = {
        {"company_name", "Stripe"},
        {"domain", "stripe.com"},
        {"website", "stripe.com"},
        {"email", "support@stripe.com"},
        {"full_name", "Jane Doe"},
        {"first_name", "Jane"},
        {"last_name", "Doe"},
        {"phone", "+14155550100"},
        {"country", "US"},
        {"city", "San Francisco"},
        {"title", "Head of Marketing"},
        {"linkedin_url", "https://www.linkedin.com/company/stripe"},
};

static enum err find_def(struct ctx *ctx, struct str workspace_id, struct str slug,
                         const struct provider_def **ret)
{
        provider_list own = {0};

        *ret = provider_find(ctx->app->providers, slug);
        if (*ret)
                return OK;
        TRY(provider_own_load(ctx, workspace_id, &own));
        LIST_EACH (def, &own)
                if (str_eq((*def)->slug, slug))
                        *ret = *def;
        return *ret ? OK : fail_not_found(ctx, "provider");
}

static void conclude(const struct provider_result *r, struct credential_test *t)
{
        t->outcome = str_from(provider_outcome_name(r->outcome));
        t->message = r->detail;
        switch (r->outcome) {
        case PROVIDER_HIT:
        case PROVIDER_MISS:
                t->ok = true;
                t->message = STR("the provider accepts this credential");
                break;
        case PROVIDER_RATE_LIMITED:
                t->ok = true;
                t->message = STR("the provider knows this credential, but asks to wait");
                break;
        default: break;
        }
}

static enum err ask(struct ctx *ctx, const struct provider_def *def,
                    const struct provider_question *q, const struct json *secret,
                    struct credential_test *t)
{
        struct provider_route route;
        struct provider_result result = {0};
        struct fetch_req req = {0};
        struct fetch_res res = {0};

        TRY(provider_route(ctx, ctx->app->providers, def, true, &route));
        TRY(provider_request(ctx, def, &q->inputs, secret, route.base_url, STR_NULL, &req));
        req.timeout_ms = route.timeout_ms;
        req.body_max = PROVIDER_BODY_CAP;
        if (fetch(ctx, ctx->app->fetch, &req, &res) != OK)
                ctx_clear(ctx); /* what went wrong is in res */
        TRY(provider_interpret(ctx, def, &res, &result));
        t->latency_ms = res.duration_us / 1000;
        conclude(&result, t);
        return OK;
}

enum err credential_test(struct ctx *ctx, struct str workspace_id, struct str id,
                         struct credential_test *ret)
{
        struct credential_secret s;
        struct credential_test t = {0};
        const struct provider_def *def;
        struct provider_inputs inputs = {0};
        struct provider_question q;

        TRY(credential_open(ctx, id, &s));
        if (!str_eq_nocase(s.workspace_id, workspace_id))
                return fail_not_found(ctx, "credential");
        TRY(find_def(ctx, workspace_id, s.provider, &def));
        for (size_t i = 0; i < ELEMENTS(sample); i++)
                provider_inputs_put(ctx, &inputs, str_from(sample[i].key),
                                    str_from(sample[i].text));
        TRY(provider_question(ctx, def, &inputs, &q));
        if (def->builtin || !q.complete) {
                t.outcome = STR("not_testable");
                t.message = STR("there is no sample question for this provider");
        } else {
                TRY(ask(ctx, def, &q, s.secret, &t));
        }
        *ret = t;
        return OK;
}
