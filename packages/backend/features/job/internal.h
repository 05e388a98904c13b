/* Inside features/job: resolving a request, choosing its cells, and the row. */
#ifndef MILLRACE_FEATURES_JOB_INTERNAL_H
#define MILLRACE_FEATURES_JOB_INTERNAL_H

#include "base/route.h"
#include "features/job/job.h"
#include "features/job/plan.h"

/* The providers that a workspace can ask. */
struct job_providers {
        const struct provider_registry *registry;
        LIST(const struct provider_def *) own;
        str_list credentials; /* slugs that the workspace has a key for */
};
_must_check_ enum err job_providers_load(struct ctx *ctx, struct tx *tx, struct str workspace,
                                         struct job_providers *ret);
const struct provider_def *job_provider(const struct job_providers *p, struct str slug);
bool job_has_credential(const struct job_providers *p, struct str slug);

/* The request's fields with columns, outputs, providers and inputs found, sorted so that a field
 * comes behind those it reads. ERR_VALIDATION with every fault. */
_must_check_ enum err job_resolve(struct ctx *ctx, const struct job_providers *providers,
                                  const struct grid_table *table, const struct job_request *request,
                                  job_field_list *ret);

/* JSON of a waterfall for job_fields, and back. */
struct str job_waterfall_text(struct ctx *ctx, const struct job_field *f);
_must_check_ enum err job_waterfall_parse(struct ctx *ctx, const struct job_providers *providers,
                                          struct str text, struct job_field *f);

/* Which records and cells: of a request, or those that a former job left failed. */
struct job_scope {
        const struct job_request *request;
        struct str failed_of; /* a job's id, or STR_NULL */
};

typedef LIST(struct plan_group) plan_group_list;

/* Counts the cells without writing anything. */
_must_check_ enum err job_scope_count(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                      const struct job_scope *scope, const job_field_list *fields,
                                      plan_group_list *ret);
/* Writes the job's batches and counts their cells. */
_must_check_ enum err job_scope_batches(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                        const struct job_scope *scope, const job_field_list *fields,
                                        struct str job, plan_group_list *ret);
/* Share of the records in scope whose cell in each column is filled; in the order of `columns`. */
_must_check_ enum err job_scope_filled(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                       const struct job_scope *scope, const job_field_list *fields,
                                       const str_list *columns, double *ret);

/* The cost of fields over groups of records, from measured hit rates. */
_must_check_ enum err job_price(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                const struct job_scope *scope, const job_field_list *fields,
                                const plan_group_list *groups, struct job_estimate *ret);
/* Only the highest cost, exactly as job_price() has it. */
void job_price_max(struct ctx *ctx, const job_field_list *fields, const plan_group_list *groups,
                   struct plan_cost *ret);

/* What the job's row is called in queries.sql, as a struct. */
extern const struct desc job_row_desc;
_must_check_ enum err job_row(struct ctx *ctx, struct tx *tx, struct str job, struct job *ret);

#endif
