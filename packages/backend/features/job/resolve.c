/* From a request to fields: columns, outputs, providers and their inputs are found or named. */
#include "features/job/internal.h"

#include "job_sql.h"

enum err job_providers_load(struct ctx *ctx, struct tx *tx, struct str workspace,
                            struct job_providers *ret)
{
        struct job_providers p = {.registry = ctx->app->providers};
        struct db_result r;

        TRY(tx_query(tx, &sql_own_providers, PARAMS(p_str(workspace)), &r));
        for (int i = 0; i < r.rows; i++) {
                const struct provider_def *def;

                if (provider_compile(ctx, db_text(&r, i, 0), &def) == OK)
                        LIST_PUSH(ctx->arena, &p.own, def);
                else
                        ctx_clear(ctx); /* a definition of an older format is as good as none */
        }
        TRY(tx_query(tx, &sql_credential_slugs, PARAMS(p_str(workspace)), &r));
        for (int i = 0; i < r.rows; i++)
                LIST_PUSH(ctx->arena, &p.credentials, db_text(&r, i, 0));
        *ret = p;
        return OK;
}

const struct provider_def *job_provider(const struct job_providers *p, struct str slug)
{
        const struct provider_def *def = provider_find(p->registry, slug);

        if (def)
                return def;
        LIST_EACH (own, &p->own)
                if (str_eq((*own)->slug, slug))
                        return *own;
        return NULL;
}

bool job_has_credential(const struct job_providers *p, struct str slug)
{
        LIST_EACH (s, &p->credentials)
                if (str_eq(*s, slug))
                        return true;
        return false;
}

/* ---- what columns mean ---- */

struct meaning {
        const struct grid_column *column;
        struct str key; /* of the vocabulary; STR_NULL when unknown */
        double score;
};
typedef LIST(struct meaning) meaning_list;

static struct meaning meaning_of(const struct grid_column *c)
{
        double by_key = 0, by_name = 0;
        const struct field *exact = field_find(c->key);
        const struct field *name = field_find_by_alias(c->name, &by_name);
        const struct field *key = field_find_by_alias(c->key, &by_key);
        struct meaning m = {.column = c, .score = by_name};

        if (exact) {
                m.key = str_from(exact->key);
                m.score = 2;
        } else if (name && by_name >= by_key) {
                m.key = str_from(name->key);
        } else if (key) {
                m.key = str_from(key->key);
                m.score = by_key;
        }
        return m;
}

static const struct grid_column *column_meaning(const meaning_list *all, struct str key,
                                                const struct grid_column *except)
{
        const struct meaning *best = NULL;

        LIST_EACH (m, all)
                if (str_eq(m->key, key) && m->column != except && (!best || m->score > best->score))
                        best = m;
        return best ? best->column : NULL;
}

/* ---- one field ---- */

struct resolver {
        struct ctx *ctx;
        const struct job_providers *providers;
        const struct grid_table *table;
        const struct job_request *request;
        meaning_list meanings;
};

static struct str path(struct ctx *ctx, size_t field, const char *rest)
{
        return str_printf(ctx->arena, "/fields/%zu%s", field, rest);
}

static struct str step_path(struct ctx *ctx, size_t field, size_t step)
{
        return str_printf(ctx->arena, "/fields/%zu/waterfall/%zu", field, step);
}

static void resolve_output(struct resolver *r, size_t i, const struct job_request_field *in,
                           const struct grid_column *column, struct job_field *f)
{
        if (in->output.ptr) {
                if (!field_find(in->output))
                        ctx_fault(r->ctx, path(r->ctx, i, "/output"), "enum",
                                  "\"%.*s\" is not a known field", FMT(in->output));
                f->output = in->output;
                return;
        }
        f->output = meaning_of(column).key;
        if (!f->output.ptr)
                ctx_fault(r->ctx, path(r->ctx, i, "/output"), "required",
                          "it is not plain what column \"%.*s\" holds: say it in output",
                          FMT(column->name));
}

static void put_input(struct resolver *r, struct job_step *step, struct str key,
                      const struct grid_column *column)
{
        LIST_EACH (in, &step->inputs)
                if (str_eq(in->key, key))
                        return;
        LIST_PUSH(r->ctx->arena, &step->inputs,
                  ((struct job_input){.key = key, .column_id = column->id}));
}

/* Whether the job fills this column. */
static bool is_target(const struct resolver *r, struct str column_id)
{
        LIST_EACH (f, &r->request->fields)
                if (str_eq_nocase(f->column_id, column_id))
                        return true;
        return false;
}

/* Columns that the request names for inputs. */
static void named_inputs(struct resolver *r, struct str at, const struct json *named,
                         struct job_step *step)
{
        JSON_EACH_MEMBER (it, named) {
                const struct grid_column *c = grid_column_find(r->table, json_get_str(it.value));
                struct str key = str_dup(r->ctx->arena, it.key);

                if (!provider_takes(step->def, key))
                        ctx_fault(r->ctx, at, "enum", "%.*s does not take the input %.*s",
                                  FMT(step->slug), FMT(key));
                else if (!c)
                        ctx_fault(r->ctx, at, "column", "the column for %.*s is not in the table",
                                  FMT(key));
                else
                        put_input(r, step, key, c);
        }
        LIST_EACH (in, &step->inputs) /* what was asked for by name is worth waiting for */
                in->waits = is_target(r, in->column_id);
}

/* What provider_question() can derive an input from that the table does not have. */
static const struct {
        struct str input, unless, source;
} derivations[] = {
        {STR("domain"), STR("website"), STR("website")},
        {STR("full_name"), STR("first_name"), STR("first_name")},
        {STR("full_name"), STR("first_name"), STR("last_name")},
};

/* Columns found by what they mean: each input, and what an input can be derived from. */
static void found_inputs(struct resolver *r, const struct job_field *f, struct job_step *step)
{
        /* a cell that is only filled while empty cannot be its own input */
        const struct grid_column *self = grid_column_find(r->table, f->column_id);
        const struct grid_column *except = f->only_if_empty ? self : NULL;

        LIST_EACH (in, &step->def->inputs) {
                const struct grid_column *c = column_meaning(&r->meanings, in->key, except);

                if (c)
                        put_input(r, step, in->key, c);
        }
        for (size_t i = 0; i < ELEMENTS(derivations); i++) {
                const struct grid_column *c =
                        column_meaning(&r->meanings, derivations[i].source, except);

                if (c && provider_takes(step->def, derivations[i].input) &&
                    !provider_takes(step->def, derivations[i].unless) &&
                    !column_meaning(&r->meanings, derivations[i].input, except))
                        put_input(r, step, derivations[i].source, c);
        }
}

/* The question if every input had a value, asked with stand-ins; without those that the job is
 * still to find, unless they are waited for. */
static enum err trial_question(struct resolver *r, const struct job_step *step, bool all,
                               struct provider_question *ret)
{
        struct provider_inputs inputs = {0};

        LIST_EACH (in, &step->inputs) {
                if (!all && !in->waits && is_target(r, in->column_id))
                        continue;
                const char *text = str_eq_c(in->key, "email")     ? "someone@example.com"
                                   : str_eq_c(in->key, "domain")  ? "example.com"
                                   : str_eq_c(in->key, "website") ? "https://example.com"
                                                                  : "1";

                provider_inputs_put(r->ctx, &inputs, in->key, str_from(text));
        }
        return provider_question(r->ctx, step->def, &inputs, ret);
}

/*
 * A column that the job fills is read as it is (so that all fields put the same question, which is
 * paid once); only where the provider could not be asked without it, its cell is waited for.
 */
static enum err choose_waits(struct resolver *r, struct job_step *step)
{
        struct provider_question q;

        for (int pass = 0; pass < 2; pass++)
                LIST_EACH (in, &step->inputs) {
                        bool required = false;

                        TRY(trial_question(r, step, false, &q));
                        if (q.complete)
                                return OK;
                        LIST_EACH (i, &step->def->inputs)
                                required = required || (i->required && str_eq(i->key, in->key));
                        if ((required || pass) && is_target(r, in->column_id))
                                in->waits = true;
                }
        return OK;
}

/* Whether the provider could be asked if every input had a value. */
static enum err check_inputs(struct resolver *r, struct str at, struct job_step *step)
{
        struct provider_question q;
        struct buf names;

        TRY(trial_question(r, step, true, &q));
        if (q.complete)
                return choose_waits(r, step);
        buf_init(&names, r->ctx->arena, 4096);
        LIST_EACH (key, &q.missing) {
                if (names.len)
                        buf_add(&names, STR(", "));
                buf_add(&names, *key);
        }
        ctx_fault(r->ctx, at, "inputs", "%.*s needs %.*s, and no column of the table holds that",
                  FMT(step->slug), FMT(buf_str(&names)));
        return OK;
}

static enum err resolve_step(struct resolver *r, size_t i, size_t n, const struct json *item,
                             struct job_field *f)
{
        struct str at = step_path(r->ctx, i, n);
        struct job_step step = {.min_confidence = f->min_confidence};
        struct provider_route route;

        step.slug = json_is_string(item) ? json_get_str(item) : json_member_text(item, "provider");
        step.def = job_provider(r->providers, step.slug);
        if (!step.def) {
                ctx_fault(r->ctx, at, "provider", "there is no provider \"%.*s\"", FMT(step.slug));
                return OK;
        }
        if (f->output.ptr && field_find(f->output) && !provider_gives(step.def, f->output))
                ctx_fault(r->ctx, at, "output", "%.*s does not answer with %.*s", FMT(step.slug),
                          FMT(f->output));
        LIST_EACH (other, &f->steps)
                if (str_eq(other->slug, step.slug))
                        ctx_fault(r->ctx, at, "uniqueItems", "%.*s stands in the waterfall twice",
                                  FMT(step.slug));
        step.min_confidence = json_get_double(json_member(item, "minConfidence"), 0);
        step.min_confidence = MAX_OF(step.min_confidence, f->min_confidence);
        step.hit = step.def->credits_hit;
        step.miss = step.def->credits_miss;
        step.has_credential = job_has_credential(r->providers, step.slug);
        if (provider_route(r->ctx, r->providers->registry, step.def, step.has_credential, &route) !=
            OK) {
                struct str why = r->ctx->message;

                ctx_fault(r->ctx, at, "credential", "%.*s", FMT(why));
        }
        named_inputs(r, at, json_member(item, "inputs"), &step);
        found_inputs(r, f, &step);
        TRY(check_inputs(r, at, &step));
        LIST_PUSH(r->ctx->arena, &f->steps, step);
        return OK;
}

static enum err resolve_field(struct resolver *r, size_t i, job_field_list *out)
{
        const struct job_request_field *in = &r->request->fields.ptr[i];
        struct str id;
        const struct grid_column *column = grid_uuid(r->ctx->arena, in->column_id, &id)
                                                   ? grid_column_find(r->table, id)
                                                   : NULL;

        if (!column) {
                ctx_fault(r->ctx, path(r->ctx, i, "/columnId"), "column",
                          "the table has no such column");
                return OK;
        }
        LIST_EACH (other, out)
                if (str_eq(other->column_id, column->id))
                        ctx_fault(r->ctx, path(r->ctx, i, "/columnId"), "uniqueItems",
                                  "column \"%.*s\" is named twice", FMT(column->name));
        struct job_field f = {
                .column_id = column->id,
                .name = column->key,
                .only_if_empty = !in->has_only_if_empty || in->only_if_empty,
                .min_confidence = in->min_confidence,
        };

        resolve_output(r, i, in, column, &f);
        JSON_EACH_ITEM (n, item, in->waterfall)
                TRY(resolve_step(r, i, n, item, &f));
        *LIST_ADD(r->ctx->arena, out) = f;
        return OK;
}

/* ---- order: a field behind those whose columns it reads ---- */

static bool reads(const struct job_field *f, const struct job_field *other)
{
        LIST_EACH (step, &f->steps)
                LIST_EACH (in, &step->inputs)
                        if (in->waits && str_eq(in->column_id, other->column_id))
                                return true;
        return false;
}

static void sort_fields(struct ctx *ctx, const job_field_list *in, job_field_list *out)
{
        bool placed[JOB_FIELDS_MAX] = {0};

        while (out->len < in->len) {
                size_t next = SIZE_MAX;

                for (size_t i = 0; i < in->len && next == SIZE_MAX; i++) {
                        bool waits = placed[i];

                        for (size_t k = 0; k < in->len && !waits; k++)
                                waits = k != i && !placed[k] && reads(&in->ptr[i], &in->ptr[k]);
                        if (!waits)
                                next = i;
                }
                for (size_t i = 0; i < in->len && next == SIZE_MAX; i++)
                        if (!placed[i]) /* they read each other: the order asked for */
                                next = i;
                placed[next] = true;
                struct job_field *f = LIST_ADD(ctx->arena, out);

                *f = in->ptr[next];
                f->ordinal = (int)out->len - 1;
        }
}

enum err job_resolve(struct ctx *ctx, const struct job_providers *providers,
                     const struct grid_table *table, const struct job_request *request,
                     job_field_list *ret)
{
        struct resolver r = {
                .ctx = ctx, .providers = providers, .table = table, .request = request};
        job_field_list fields = {0}, sorted = {0};

        LIST_EACH (c, &table->columns) {
                struct meaning m = meaning_of(c);

                LIST_PUSH(ctx->arena, &r.meanings, m);
        }
        for (size_t i = 0; i < request->fields.len; i++)
                TRY(resolve_field(&r, i, &fields));
        if (ctx->faults.len)
                return fail(ctx, ERR_VALIDATION, "%.*s", FMT(ctx->faults.ptr[0].message));
        sort_fields(ctx, &fields, &sorted);
        *ret = sorted;
        return OK;
}

/* ---- the stored form ---- */

struct str job_waterfall_text(struct ctx *ctx, const struct job_field *f)
{
        struct buf b;

        buf_init(&b, ctx->arena, 1 << 20);
        struct json_out o = {.buf = &b};

        out_array(&o, NULL);
        LIST_EACH (step, &f->steps) {
                out_object(&o, NULL);
                out_str(&o, "provider", step->slug);
                out_object(&o, "inputs");
                LIST_EACH (in, &step->inputs) {
                        out_key_str(&o, in->key);
                        out_str(&o, NULL, in->column_id);
                }
                out_end_object(&o);
                out_array(&o, "waits");
                LIST_EACH (in, &step->inputs)
                        if (in->waits)
                                out_str(&o, NULL, in->key);
                out_end_array(&o);
                out_double(&o, "minConfidence", step->min_confidence);
                out_i64(&o, "hit", step->hit);
                out_i64(&o, "miss", step->miss);
                out_end_object(&o);
        }
        out_end_array(&o);
        return buf_str(&b);
}

static bool is_listed(const struct json *list, struct str text)
{
        for (size_t i = 0; i < json_len(list); i++)
                if (str_eq(json_get_str(json_at(list, i)), text))
                        return true;
        return false;
}

enum err job_waterfall_parse(struct ctx *ctx, const struct job_providers *providers,
                             struct str text, struct job_field *f)
{
        const struct json *doc;

        TRY(json_parse(ctx, text, &doc));
        JSON_EACH_ITEM (i, item, doc) {
                struct job_step *step = LIST_ADD(ctx->arena, &f->steps);

                step->slug = json_member_text(item, "provider");
                step->def = job_provider(providers, step->slug);
                step->has_credential = job_has_credential(providers, step->slug);
                step->min_confidence = json_get_double(json_member(item, "minConfidence"), 0);
                step->hit = json_get_i64(json_member(item, "hit"), 0);
                step->miss = json_get_i64(json_member(item, "miss"), 0);
                JSON_EACH_MEMBER (it, json_member(item, "inputs")) {
                        struct job_input in = {.key = str_dup(ctx->arena, it.key),
                                               .column_id = json_get_str(it.value)};

                        in.waits = is_listed(json_member(item, "waits"), in.key);
                        LIST_PUSH(ctx->arena, &step->inputs, in);
                }
        }
        return OK;
}

enum err job_fields_load(struct ctx *ctx, struct tx *tx, struct str workspace, struct str job,
                         job_field_list *ret)
{
        struct job_providers providers;
        job_field_list fields = {0};
        struct db_result r;

        TRY(job_providers_load(ctx, tx, workspace, &providers));
        TRY(tx_query(tx, &sql_fields, PARAMS(p_str(job)), &r));
        for (int i = 0; i < r.rows; i++) {
                struct job_field *f = LIST_ADD(ctx->arena, &fields);

                f->ordinal = (int)db_i64(&r, i, 0);
                f->column_id = db_text(&r, i, 1);
                f->output = db_text(&r, i, 2);
                f->name = db_text(&r, i, 3);
                f->only_if_empty = db_bool(&r, i, 4);
                f->min_confidence = db_double(&r, i, 5);
                TRY(job_waterfall_parse(ctx, &providers, db_text(&r, i, 6), f));
        }
        *ret = fields;
        return OK;
}
