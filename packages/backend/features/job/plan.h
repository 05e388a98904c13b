/*
 * What a job may cost: pure arithmetic over counts and hit rates, without database or clock.
 *
 * A question is a provider asked with the same inputs: fields of one record that put the same
 * question share one call, and pay once as long as answers are kept (`shared`).
 *
 * Highest cost: of a cell max over i of (misses before i + hit i); of a record the smaller of the
 * sum over its cells and the sum over its distinct questions. Expected cost: each step is reached
 * when those before it did not hit; outcomes of one question are taken as the same for all fields.
 * p90 adds 1.2816 standard deviations: chance within the job, and doubt about the rates.
 */
#ifndef MILLRACE_FEATURES_JOB_PLAN_H
#define MILLRACE_FEATURES_JOB_PLAN_H

#include "core.h"

struct plan_question {
        double hit_rate;  /* 0..1 */
        double certainty; /* how many observations the rate rests on; > 0 */
        double askable;   /* share of the records that have the inputs, 0..1 */
        int64_t hit, miss;
        bool shared;

        double ret_calls, ret_credits; /* expected */
};

struct plan_field {
        const int *steps; /* indexes of questions */
        size_t count;
};

struct plan_group { /* records with the same cells to fill */
        uint32_t mask;
        int64_t records;
};

struct plan_cost {
        int64_t cells, expected, p90, max;
};

/* Posterior mean of a hit rate: a Beta prior worth PLAN_PRIOR observations, then what was seen. */
#define PLAN_PRIOR 20.0
double plan_rate(double prior, int64_t hits, int64_t asked, double *ret_certainty);

/* max over i of (misses before i + hit i), and not below the sum of all misses. */
int64_t plan_cell_max(const struct plan_question *questions, const struct plan_field *field);

void plan_cost(struct plan_question *questions, size_t question_count,
               const struct plan_field *fields, size_t field_count, const struct plan_group *groups,
               size_t group_count, struct plan_cost *ret);

#endif
