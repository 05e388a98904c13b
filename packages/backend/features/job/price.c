/* From fields and counted cells to credits: measured hit rates, the questions that fields share. */
#include "features/job/internal.h"

#include "job_sql.h"

#define MEANINGFUL 0.005 /* of a share of records, for warnings */

struct pricing {
        struct ctx *ctx;
        const job_field_list *fields;
        LIST(struct plan_question) questions;
        LIST(const struct job_step *) asked_by; /* the step that a question was made from */
        LIST(const struct job_field *) first;   /* and its field */
        LIST(struct plan_field) plan;
};

static bool same_question(const struct job_step *a, const struct job_step *b)
{
        if (!str_eq(a->slug, b->slug) || a->inputs.len != b->inputs.len)
                return false;
        for (size_t i = 0; i < a->inputs.len; i++)
                if (!str_eq(a->inputs.ptr[i].key, b->inputs.ptr[i].key) ||
                    !str_eq(a->inputs.ptr[i].column_id, b->inputs.ptr[i].column_id) ||
                    a->inputs.ptr[i].waits != b->inputs.ptr[i].waits)
                        return false;
        return true;
}

static int question_of(struct pricing *p, const struct job_field *f, const struct job_step *step)
{
        for (size_t i = 0; i < p->asked_by.len; i++)
                if (same_question(p->asked_by.ptr[i], step))
                        return (int)i;
        struct plan_question q = {
                .hit_rate = step->def->expected_hit_rate,
                .certainty = PLAN_PRIOR,
                .askable = 1,
                .hit = step->hit,
                .miss = step->miss,
                .shared = step->def->cache_ttl_s > 0,
        };

        LIST_PUSH(p->ctx->arena, &p->questions, q);
        LIST_PUSH(p->ctx->arena, &p->asked_by, step);
        LIST_PUSH(p->ctx->arena, &p->first, f);
        return (int)p->questions.len - 1;
}

static void plan_fields(struct pricing *p)
{
        LIST_EACH (f, p->fields) {
                int *steps = arena_alloc_array(p->ctx->arena, f->steps.len, sizeof *steps);

                for (size_t i = 0; i < f->steps.len; i++)
                        steps[i] = question_of(p, f, &f->steps.ptr[i]);
                LIST_PUSH(p->ctx->arena, &p->plan, ((struct plan_field){steps, f->steps.len}));
        }
}

void job_price_max(struct ctx *ctx, const job_field_list *fields, const plan_group_list *groups,
                   struct plan_cost *ret)
{
        struct pricing p = {.ctx = ctx, .fields = fields};

        plan_fields(&p);
        plan_cost(p.questions.ptr, p.questions.len, p.plan.ptr, p.plan.len, groups->ptr,
                  groups->len, ret);
}

static enum err measure(struct pricing *p, struct tx *tx)
{
        struct db_array slugs;
        struct db_result r;

        db_array_init(p->ctx, &slugs);
        LIST_EACH (step, &p->asked_by)
                db_array_str(&slugs, (*step)->slug);
        TRY(tx_query(tx, &sql_hit_rates, PARAMS(p_array(&slugs)), &r));
        for (int i = 0; i < r.rows; i++)
                for (size_t k = 0; k < p->questions.len; k++) {
                        const struct provider_def *def = p->asked_by.ptr[k]->def;
                        struct plan_question *q = &p->questions.ptr[k];

                        if (str_eq(def->slug, db_text(&r, i, 0)))
                                q->hit_rate = plan_rate(def->expected_hit_rate, db_i64(&r, i, 1),
                                                        db_i64(&r, i, 2), &q->certainty);
                }
        return OK;
}

/* ---- how many records have what a provider needs ---- */

struct filled {
        str_list columns;
        double *share;
};

static double filled_share(const struct filled *filled, struct str column)
{
        for (size_t i = 0; i < filled->columns.len; i++)
                if (str_eq(filled->columns.ptr[i], column))
                        return filled->share[i];
        return 0;
}

/* A column that this job fills as well has what it has and what it will get. */
static double expected_share(struct pricing *p, const struct filled *filled,
                             const struct job_field *reader, struct str column)
{
        double share = filled_share(filled, column);

        for (size_t f = 0; f < p->fields->len; f++) {
                const struct job_field *other = &p->fields->ptr[f];
                double missed = 1;

                if (!str_eq(other->column_id, column) || other->ordinal >= reader->ordinal)
                        continue;
                for (size_t i = 0; i < p->plan.ptr[f].count; i++) {
                        const struct plan_question *q = &p->questions.ptr[p->plan.ptr[f].steps[i]];

                        missed *= 1 - q->hit_rate * q->askable;
                }
                share += (1 - share) * (1 - missed);
        }
        return share;
}

static double input_share(struct pricing *p, const struct filled *filled,
                          const struct job_field *reader, const struct job_input *in)
{
        return in->waits ? expected_share(p, filled, reader, in->column_id)
                         : filled_share(filled, in->column_id);
}

static double key_share(struct pricing *p, const struct filled *filled,
                        const struct job_field *reader, const struct job_step *step, struct str key)
{
        double best = -1;

        LIST_EACH (in, &step->inputs)
                if (str_eq(in->key, key))
                        best = input_share(p, filled, reader, in);
        if (best >= 0)
                return best;
        LIST_EACH (in, &step->inputs) { /* derived from another column */
                double share = input_share(p, filled, reader, in);

                if (str_eq_c(key, "domain") && str_eq_c(in->key, "website"))
                        return share;
                if (str_eq_c(key, "full_name") && str_eq_c(in->key, "last_name"))
                        return share;
        }
        return 0;
}

static double askable(struct pricing *p, const struct filled *filled,
                      const struct job_field *reader, const struct job_step *step)
{
        double share = 1, any = step->def->require_one_of.len ? 0 : 1;

        LIST_EACH (in, &step->def->inputs)
                if (in->required) {
                        double known = key_share(p, filled, reader, step, in->key);

                        share = MIN_OF(share, known);
                }
        LIST_EACH (group, &step->def->require_one_of) {
                double all = 1;

                LIST_EACH (key, group) {
                        double known = key_share(p, filled, reader, step, *key);

                        all = MIN_OF(all, known);
                }
                any = MAX_OF(any, all);
        }
        return MIN_OF(share, any);
}

static enum err measure_inputs(struct pricing *p, struct tx *tx, const struct grid_table *t,
                               const struct job_scope *scope)
{
        struct filled filled = {0};

        LIST_EACH (step, &p->asked_by)
                LIST_EACH (in, &(*step)->inputs) {
                        bool known = false;

                        LIST_EACH (c, &filled.columns)
                                known = known || str_eq(*c, in->column_id);
                        if (!known)
                                LIST_PUSH(p->ctx->arena, &filled.columns, in->column_id);
                }
        filled.share = arena_alloc_array(p->ctx->arena, filled.columns.len, sizeof(double));
        TRY(job_scope_filled(p->ctx, tx, t, scope, p->fields, &filled.columns, filled.share));
        for (size_t k = 0; k < p->questions.len; k++)
                p->questions.ptr[k].askable =
                        askable(p, &filled, p->first.ptr[k], p->asked_by.ptr[k]);
        return OK;
}

/* ---- the answer ---- */

static void add_provider(struct ctx *ctx, struct job_estimate *e, struct str slug,
                         const struct plan_question *q)
{
        LIST_EACH (p, &e->providers)
                if (str_eq(p->slug, slug)) {
                        p->expected_calls += q->ret_calls;
                        p->expected_credits += q->ret_credits;
                        return;
                }
        LIST_PUSH(ctx->arena, &e->providers,
                  ((struct job_estimate_provider){slug, q->ret_calls, q->ret_credits}));
}

static void warn_inputs(struct pricing *p, struct job_estimate *e)
{
        for (size_t k = 0; k < p->questions.len; k++) {
                double without = 1 - p->questions.ptr[k].askable;

                if (e->cells > 0 && without > MEANINGFUL)
                        LIST_PUSH(p->ctx->arena, &e->warnings,
                                  str_printf(p->ctx->arena,
                                             "about %.0f %% of the records lack what %.*s needs",
                                             without * 100, FMT(p->asked_by.ptr[k]->slug)));
        }
}

enum err job_price(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                   const struct job_scope *scope, const job_field_list *fields,
                   const plan_group_list *groups, struct job_estimate *ret)
{
        struct pricing p = {.ctx = ctx, .fields = fields};
        struct job_estimate e = {0};
        struct plan_cost cost;

        plan_fields(&p);
        TRY(measure(&p, tx));
        if (groups->len)
                TRY(measure_inputs(&p, tx, t, scope));
        plan_cost(p.questions.ptr, p.questions.len, p.plan.ptr, p.plan.len, groups->ptr,
                  groups->len, &cost);
        e.cells = cost.cells;
        e.expected = cost.expected;
        e.p90 = cost.p90;
        e.max = cost.max;
        for (size_t k = 0; k < p.questions.len; k++)
                add_provider(ctx, &e, p.asked_by.ptr[k]->slug, &p.questions.ptr[k]);
        warn_inputs(&p, &e);
        *ret = e;
        return OK;
}
