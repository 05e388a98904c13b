/* Estimates: rates, highest cost with and without shared questions, expectation, p90. */
#include "test.h"

#include <math.h>

#include "features/job/plan.h"

static struct plan_question question(double rate, int64_t hit, int64_t miss)
{
        return (struct plan_question){.hit_rate = rate,
                                      .certainty = 1000,
                                      .askable = 1,
                                      .hit = hit,
                                      .miss = miss,
                                      .shared = true};
}

static void test_rate_moves_from_prior_to_what_was_seen(void **state)
{
        double certainty;

        assert_true(fabs(plan_rate(0.6, 0, 0, &certainty) - 0.6) < 1e-12);
        assert_true(certainty == PLAN_PRIOR);
        assert_true(fabs(plan_rate(0.6, 0, 20, &certainty) - 0.3) < 1e-12);
        assert_true(plan_rate(0.6, 9000, 10000, &certainty) > 0.89);
        assert_true(certainty == PLAN_PRIOR + 10000);
}

static void test_cell_max_is_the_dearest_way_through(void **state)
{
        struct plan_question q[] = {question(0.5, 2, 1), question(0.5, 10, 0), question(0.5, 1, 4)};
        int steps[] = {0, 1, 2};

        assert_int_equal(plan_cell_max(q, &(struct plan_field){steps, 1}), 2);
        assert_int_equal(plan_cell_max(q, &(struct plan_field){steps, 2}), 11);
        /* misses of all three: 1 + 0 + 4 = 5, the hit of the second: 1 + 10 */
        assert_int_equal(plan_cell_max(q, &(struct plan_field){steps, 3}), 11);
        assert_int_equal(plan_cell_max(q, &(struct plan_field){steps + 2, 1}), 4);
        assert_int_equal(plan_cell_max(q, &(struct plan_field){steps, 0}), 0);
}

static void test_shared_question_is_paid_once_a_record(void **state)
{
        struct plan_question q[] = {question(1, 5, 0)};
        int step[] = {0};
        struct plan_field fields[] = {{step, 1}, {step, 1}, {step, 1}};
        struct plan_group groups[] = {{7, 100}, {1, 10}};
        struct plan_cost cost;

        plan_cost(q, 1, fields, 3, groups, 2, &cost);
        assert_int_equal(cost.cells, 310);
        assert_int_equal(cost.max, 110 * 5);
        assert_int_equal(cost.expected, 110 * 5);
        assert_true(fabs(q[0].ret_calls - 110) < 1e-9);
        q[0].shared = false; /* answers are not kept: each cell may have to pay */
        plan_cost(q, 1, fields, 3, groups, 2, &cost);
        assert_int_equal(cost.max, 310 * 5);
}

static void test_expected_follows_the_waterfall(void **state)
{
        struct plan_question q[] = {question(0.5, 2, 0), question(0.5, 10, 1)};
        int steps[] = {0, 1};
        struct plan_field field = {steps, 2};
        struct plan_group group = {1, 1000};
        struct plan_cost cost;

        plan_cost(q, 2, &field, 1, &group, 1, &cost);
        /* 1000 calls at 1 each, then 500 calls at 5.5 each */
        assert_true(fabs(q[0].ret_calls - 1000) < 1e-9);
        assert_true(fabs(q[1].ret_calls - 500) < 1e-9);
        assert_int_equal(cost.expected, 3750);
        assert_int_equal(cost.max, 10000);
        assert_true(cost.p90 > cost.expected && cost.p90 < 5000);
        q[0].askable = 0; /* nothing to ask the first with: all go to the second */
        plan_cost(q, 2, &field, 1, &group, 1, &cost);
        assert_true(q[0].ret_calls == 0);
        assert_int_equal(cost.expected, 5500);
}

static void test_p90_widens_with_doubt_and_never_passes_max(void **state)
{
        struct plan_question sure = question(0.5, 10, 0), unsure = question(0.5, 10, 0);
        int step[] = {0};
        struct plan_field field = {step, 1};
        struct plan_group group = {1, 10000}, few = {1, 1};
        struct plan_cost a, b;

        unsure.certainty = 20;
        plan_cost(&sure, 1, &field, 1, &group, 1, &a);
        plan_cost(&unsure, 1, &field, 1, &group, 1, &b);
        assert_int_equal(a.expected, b.expected);
        assert_true(b.p90 > a.p90);
        plan_cost(&unsure, 1, &field, 1, &few, 1, &b);
        assert_int_equal(b.p90, 10);
        assert_int_equal(b.max, 10);
}

static void test_no_cells_cost_nothing(void **state)
{
        struct plan_question q = question(0.5, 10, 1);
        int step[] = {0};
        struct plan_field field = {step, 1};
        struct plan_cost cost;

        plan_cost(&q, 1, &field, 1, NULL, 0, &cost);
        assert_int_equal(cost.cells + cost.max + cost.expected + cost.p90, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_rate_moves_from_prior_to_what_was_seen),
                TEST(test_cell_max_is_the_dearest_way_through),
                TEST(test_shared_question_is_paid_once_a_record),
                TEST(test_expected_follows_the_waterfall),
                TEST(test_p90_widens_with_doubt_and_never_passes_max),
                TEST(test_no_cells_cost_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
