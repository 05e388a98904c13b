/* The arithmetic of estimates and reservations. See plan.h. */
#include "features/job/plan.h"

#include <math.h>

#define P90_DEVIATIONS 1.2816

double plan_rate(double prior, int64_t hits, int64_t asked, double *ret_certainty)
{
        *ret_certainty = PLAN_PRIOR + (double)asked;
        return (prior * PLAN_PRIOR + (double)hits) / *ret_certainty;
}

int64_t plan_cell_max(const struct plan_question *questions, const struct plan_field *field)
{
        int64_t misses = 0, most = 0;

        for (size_t i = 0; i < field->count; i++) {
                const struct plan_question *q = &questions[field->steps[i]];

                most = MAX_OF(most, misses + q->hit);
                misses += q->miss;
        }
        return MAX_OF(most, misses);
}

static bool asks(const struct plan_field *f, int question)
{
        for (size_t i = 0; i < f->count; i++)
                if (f->steps[i] == question)
                        return true;
        return false;
}

/* The most that one record with these cells can cost. */
static int64_t record_max(const struct plan_question *questions, size_t question_count,
                          const struct plan_field *fields, size_t field_count, uint32_t mask)
{
        int64_t by_cell = 0, by_question = 0;

        for (size_t f = 0; f < field_count; f++)
                if (mask & (1u << f))
                        by_cell += plan_cell_max(questions, &fields[f]);
        for (size_t q = 0; q < question_count; q++) {
                int64_t times = 0;

                for (size_t f = 0; f < field_count; f++)
                        times += (mask & (1u << f)) && asks(&fields[f], (int)q);
                if (questions[q].shared)
                        times = MIN_OF(times, 1);
                by_question += times * MAX_OF(questions[q].hit, questions[q].miss);
        }
        return MIN_OF(by_cell, by_question);
}

/* How probable it is that a record with these cells puts this question at all. */
static double reach(const struct plan_question *questions, const struct plan_field *fields,
                    size_t field_count, uint32_t mask, int question)
{
        double most = 0;

        for (size_t f = 0; f < field_count; f++) {
                double p = 1;

                if (!(mask & (1u << f)))
                        continue;
                for (size_t i = 0; i < fields[f].count; i++) {
                        const struct plan_question *q = &questions[fields[f].steps[i]];

                        if (fields[f].steps[i] == question)
                                most = fmax(most, p * q->askable);
                        p *= 1 - q->askable * q->hit_rate;
                }
        }
        return most;
}

void plan_cost(struct plan_question *questions, size_t question_count,
               const struct plan_field *fields, size_t field_count, const struct plan_group *groups,
               size_t group_count, struct plan_cost *ret)
{
        double expected = 0, chance = 0, doubt = 0;
        struct plan_cost cost = {0};

        for (size_t g = 0; g < group_count; g++) {
                cost.cells += groups[g].records * __builtin_popcount(groups[g].mask);
                cost.max += groups[g].records * record_max(questions, question_count, fields,
                                                           field_count, groups[g].mask);
        }
        for (size_t i = 0; i < question_count; i++) {
                struct plan_question *q = &questions[i];
                double h = q->hit_rate, hit = (double)q->hit, miss = (double)q->miss;
                double each = h * hit + (1 - h) * miss;
                double square = h * hit * hit + (1 - h) * miss * miss;

                q->ret_calls = 0;
                for (size_t g = 0; g < group_count; g++) {
                        double p = reach(questions, fields, field_count, groups[g].mask, (int)i);

                        q->ret_calls += (double)groups[g].records * p;
                        chance += (double)groups[g].records * (p * square - p * p * each * each);
                }
                q->ret_credits = q->ret_calls * each;
                expected += q->ret_credits;
                double slope = q->ret_calls * (hit - miss);

                doubt += slope * slope * h * (1 - h) / (q->certainty + 1);
        }
        cost.expected = (int64_t)ceil(expected - 1e-9);
        cost.p90 = (int64_t)ceil(expected + P90_DEVIATIONS * sqrt(chance + doubt) - 1e-9);
        cost.expected = MIN_OF(cost.expected, cost.max);
        cost.p90 = MIN_OF(cost.p90, cost.max);
        *ret = cost;
}
