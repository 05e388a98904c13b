/* What an answer means. The answer comes from outside and is trusted in nothing. */
#include "features/provider/definition.h"

#include <math.h>
#include "fetch/fetch.h"
#include "text/fold.h"

void result_put(struct ctx *ctx, struct provider_result *r, const char *key,
                const struct json *value)
{
        LIST_PUSH(ctx->arena, &r->outputs, ((struct provider_output){str_from(key), value}));
}

const struct json *provider_result_get(const struct provider_result *r, struct str key)
{
        LIST_EACH (out, &r->outputs)
                if (str_eq(out->key, key))
                        return out->value;
        return NULL;
}

static bool has(const status_list *list, int status)
{
        LIST_EACH (s, list)
                if (*s == status)
                        return true;
        return false;
}

static void settle(struct provider_result *r, enum provider_outcome outcome, struct str detail)
{
        r->outcome = outcome;
        r->detail = detail;
}

/* ---- no answer ---- */

static void from_transport(const struct fetch_res *res, struct provider_result *r)
{
        switch (res->outcome) {
        case FETCH_TOO_LARGE:
                settle(r, PROVIDER_INVALID, STR("the answer is larger than allowed"));
                return;
        case FETCH_BAD_URL:
        case FETCH_REFUSED:
        case FETCH_REDIRECT:
        case FETCH_TLS: settle(r, PROVIDER_PERMANENT, res->message); return;
        default: settle(r, PROVIDER_RETRY, res->message); return;
        }
}

/* ---- statuses ---- */

/* True when the status alone says it all. */
static bool from_status(struct ctx *ctx, const struct provider_program *p,
                        const struct fetch_res *res, struct provider_result *r)
{
        struct str detail = str_printf(ctx->arena, "the provider answered HTTP %d", res->status);

        if (has(&p->hit, res->status))
                return false;
        if (has(&p->miss, res->status)) {
                settle(r, PROVIDER_MISS, STR("not known to the provider"));
        } else if (has(&p->rate, res->status)) {
                r->retry_after_ms = res->retry_after_ms;
                settle(r, PROVIDER_RATE_LIMITED, detail);
        } else if (has(&p->refused, res->status)) {
                settle(r, PROVIDER_AUTH,
                       str_printf(ctx->arena,
                                  "the provider refused the credential, or it is used up (HTTP %d)",
                                  res->status));
        } else if (has(&p->retry, res->status) || (res->status >= 500 && res->status <= 599)) {
                r->retry_after_ms = res->retry_after_ms;
                settle(r, PROVIDER_RETRY, detail);
        } else {
                settle(r, PROVIDER_PERMANENT, detail);
        }
        return true;
}

/* ---- conditions ---- */

static bool contains(struct arena *a, struct str text, struct str part)
{
        return str_find(text_casefold(a, text), text_casefold(a, part)) != SIZE_MAX;
}

/* Whether any value the pointer finds fits; with `want_empty` whether it finds nothing. */
static bool holds(struct arena *a, const struct json *doc, const struct condition *c,
                  bool want_empty)
{
        json_list found = {0};

        pointer_find(a, doc, c->pointer, &found);
        if (!c->in.len && !c->contains.len)
                return want_empty ? found.len == 0 : found.len > 0;
        LIST_EACH (v, &found) {
                struct str text = value_text(a, *v);

                LIST_EACH (word, &c->in)
                        if (str_eq_nocase(text, *word))
                                return true;
                if (c->contains.len && contains(a, text, c->contains))
                        return true;
        }
        return false;
}

/* True when the body says that it is an error in spite of its status. */
static bool from_error(struct ctx *ctx, const struct provider_program *p, const struct json *doc,
                       struct provider_result *r)
{
        LIST_EACH (c, &p->error_in_200) {
                if (!holds(ctx->arena, doc, c, false))
                        continue;
                settle(r, c->outcome,
                       c->outcome == PROVIDER_MISS
                               ? STR("not known to the provider")
                               : STR("the provider answered with an error in the body"));
                return true;
        }
        return false;
}

static bool is_miss(struct ctx *ctx, const struct provider_program *p, const struct json *doc)
{
        LIST_EACH (c, &p->miss_when)
                if (holds(ctx->arena, doc, c, true))
                        return true;
        return false;
}

/* ---- the body ---- */

/* A context of its own: what is wrong with an answer is a finding, not the caller's failure. */
static struct ctx scratch_of(const struct ctx *ctx)
{
        struct ctx scratch;

        ctx_init(&scratch, ctx->arena);
        scratch.deadline_ns = ctx->deadline_ns;
        return scratch;
}

/* Against the documented schema; the first fault becomes the detail. */
static enum err check_schema(struct ctx *ctx, const struct provider_program *p,
                             const struct json *doc, struct provider_result *r, bool *ret_fits)
{
        struct ctx scratch = scratch_of(ctx);
        enum err e = schema_validate(&scratch, p->schema, doc, STR(""));

        *ret_fits = e == OK;
        if (e == OK)
                return OK;
        if (e != ERR_VALIDATION)
                return fail(ctx, e, "%.*s", FMT(scratch.message));
        settle(r, PROVIDER_INVALID,
               scratch.faults.len
                       ? str_printf(ctx->arena, "the answer breaks its schema at \"%.*s\": %.*s",
                                    FMT(scratch.faults.ptr[0].path),
                                    FMT(scratch.faults.ptr[0].message))
                       : STR("the answer breaks its schema"));
        return OK;
}

static double share(double v)
{
        return isfinite(v) ? fmin(1, fmax(0, v)) : 0;
}

static double confidence(struct ctx *ctx, const struct provider_program *p, const struct json *doc)
{
        json_list found = {0};
        const struct json *v;

        if (!p->confidence_pointer.len)
                return share(p->confidence_constant);
        pointer_find(ctx->arena, doc, p->confidence_pointer, &found);
        if (!found.len)
                return share(p->confidence_constant);
        v = found.ptr[0];
        if (p->confidence_values) {
                v = json_member_str(p->confidence_values, value_text(ctx->arena, v));
                return share(json_get_double(v, p->confidence_constant));
        }
        return share(json_get_double(v, p->confidence_constant * p->confidence_scale) /
                     p->confidence_scale);
}

static void take_outputs(struct ctx *ctx, const struct provider_program *p, const struct json *doc,
                         struct provider_result *r)
{
        struct str bad = STR_NULL;

        LIST_EACH (m, &p->map) {
                const struct json *value = NULL;
                enum value_result v = value_extract(ctx->arena, doc, m, &value);

                if (v == VALUE_GOOD)
                        result_put(ctx, r, m->field->key, value);
                else if (v == VALUE_BAD)
                        bad = str_from(m->field->key);
        }
        if (r->outputs.len)
                r->confidence = confidence(ctx, p, doc);
        else if (bad.len)
                settle(r, PROVIDER_INVALID,
                       str_printf(ctx->arena, "the answer's %.*s is not of its kind", FMT(bad)));
        else
                settle(r, PROVIDER_MISS, STR("the provider knows the subject, but none of this"));
}

static enum err from_body(struct ctx *ctx, const struct provider_program *p,
                          const struct fetch_res *res, struct provider_result *r)
{
        struct ctx scratch = scratch_of(ctx);
        const struct json *doc = NULL;
        bool fits = false;

        if (json_parse(&scratch, res->body, &doc) != OK) {
                settle(r, PROVIDER_INVALID, STR("the answer is not JSON"));
                return OK;
        }
        if (from_error(ctx, p, doc, r))
                return OK;
        TRY(check_schema(ctx, p, doc, r, &fits));
        if (!fits)
                return OK;
        if (is_miss(ctx, p, doc)) {
                settle(r, PROVIDER_MISS, STR("not known to the provider"));
                return OK;
        }
        take_outputs(ctx, p, doc, r);
        return OK;
}

enum err provider_interpret(struct ctx *ctx, const struct provider_def *def,
                            const struct fetch_res *res, struct provider_result *ret)
{
        const struct provider_program *p = def->program;
        struct provider_result r = {.outcome = PROVIDER_HIT};

        if (res->outcome != FETCH_ANSWERED)
                from_transport(res, &r);
        else if (res->body.len > PROVIDER_BODY_CAP)
                settle(&r, PROVIDER_INVALID, STR("the answer is larger than allowed"));
        else if (!from_status(ctx, p, res, &r))
                TRY(from_body(ctx, p, res, &r));
        if (r.outcome == PROVIDER_HIT)
                r.credits = def->credits_hit;
        else if (r.outcome == PROVIDER_MISS)
                r.credits = def->credits_miss;
        *ret = r;
        return OK;
}

enum err provider_run_local(struct ctx *ctx, const struct provider_def *def,
                            const struct provider_inputs *inputs, struct provider_result *ret)
{
        if (!def->builtin)
                return fail(ctx, ERR_INTERNAL, "\"%.*s\" is no built-in", FMT(def->slug));
        return def->local(ctx, def, inputs, ret);
}
