/*
 * The waterfall's state machine: order of steps, shared questions, who pays, inputs that other
 * cells fill, what a restart goes on from; and random batches against their invariants.
 */
#include "test.h"

#include "features/enrichment/waterfall.h"

#define RECORDS 12

/* A question's key is "provider/subject"; subject of a record is subjects[record]. */
struct world {
        struct waterfall wf;
        const char *subjects[RECORDS];
        const char *lacking;     /* provider whose inputs nobody has */
        const char *unavailable; /* provider that is gone */
        int questions;
};

static enum err question(void *owner, const struct wf_cell *cell, const struct wf_step *step,
                         struct wf_question *ret)
{
        struct world *w = owner;
        const char *provider = step->user;

        w->questions++;
        *ret = (struct wf_question){.error = STR("because")};
        if (w->lacking && str_eq_c(str_from(provider), w->lacking))
                ret->kind = WF_LACKS_INPUT;
        else if (w->unavailable && str_eq_c(str_from(provider), w->unavailable))
                ret->kind = WF_UNAVAILABLE;
        else
                ret->key = str_printf(&arena, "%s/%s", provider, w->subjects[cell->record]);
        return OK;
}

static const struct wf_step two_steps[] = {
        {.hit = 5, .miss = 1, .user = "a"},
        {.hit = 9, .miss = 0, .user = "b", .min_confidence = 0.6},
};
static const struct wf_field one_field[] = {
        {.output = STR("email"), .steps = two_steps, .step_count = 2}};

static struct world *world_of(const struct wf_field *fields, size_t field_count, size_t records)
{
        struct world *w = arena_new(&arena, struct world);

        for (size_t i = 0; i < RECORDS; i++)
                w->subjects[i] = arena_printf(&arena, "s%zu", i);
        wf_init(&w->wf, &arena, fields, field_count, records, question, w);
        for (size_t r = 0; r < records; r++)
                for (size_t f = 0; f < field_count; f++)
                        wf_add(&w->wf, r, f);
        return w;
}

static struct wf_ask *ask_at(struct world *w, size_t i, const char *key)
{
        assert_true(i < w->wf.fresh.len);
        assert_true(str_eq_c(w->wf.fresh.ptr[i]->key, key));
        return w->wf.fresh.ptr[i];
}

static struct wf_answer hit(const char *key, const char *json, double confidence)
{
        struct wf_value *v = arena_new(&arena, struct wf_value);

        *v = (struct wf_value){str_from(key), str_from(json)};
        return (struct wf_answer){.kind = WF_HIT,
                                  .outputs = v,
                                  .output_count = 1,
                                  .confidence = confidence,
                                  .calls = 1,
                                  .latency_ms = 7};
}

static const struct wf_answer a_miss = {.kind = WF_MISS, .calls = 1};
static const struct wf_answer a_fault = {
        .kind = WF_FAULT, .fault = ATTEMPT_TIMEOUT, .calls = 3, .error = STR("it took too long")};

static void test_stops_at_the_first_complete_answer(void **state)
{
        struct world *w = world_of(one_field, 1, 1);
        struct wf_answer answer = hit("email", "\"x@y.z\"", 0.9);

        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 0, "a/s0"), &a_miss), OK);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 1, "b/s0"), &answer), OK);
        assert_int_equal(w->wf.open, 0);
        assert_int_equal(w->wf.attempts.len, 2);
        assert_int_equal(w->wf.attempts.ptr[0].outcome, ATTEMPT_MISS);
        assert_int_equal(w->wf.attempts.ptr[0].credits, 1);
        assert_int_equal(w->wf.attempts.ptr[1].outcome, ATTEMPT_HIT);
        assert_int_equal(w->wf.attempts.ptr[1].credits, 9);
        assert_int_equal(w->wf.attempts.ptr[1].latency_ms, 7);
        assert_int_equal(w->wf.done.len, 1);
        assert_int_equal(w->wf.done.ptr[0].cell->end, WF_COMPLETE);
        assert_int_equal(w->wf.done.ptr[0].after, 2);
        assert_true(str_eq_c(w->wf.done.ptr[0].cell->value, "\"x@y.z\""));
}

static void test_unsure_or_other_answers_cost_no_hit(void **state)
{
        struct world *w = world_of(one_field, 1, 1);
        struct wf_answer other = hit("phone", "\"1\"", 1), unsure = hit("email", "\"x\"", 0.5);

        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 0, "a/s0"), &other), OK);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 1, "b/s0"), &unsure), OK);
        assert_int_equal(w->wf.attempts.ptr[0].outcome, ATTEMPT_MISS);
        assert_int_equal(w->wf.attempts.ptr[0].credits, 1);
        assert_int_equal(w->wf.attempts.ptr[1].outcome, ATTEMPT_LOW_CONFIDENCE);
        assert_int_equal(w->wf.attempts.ptr[1].credits, 0);
        assert_int_equal(w->wf.done.ptr[0].cell->end, WF_NOT_FOUND);
}

static void test_a_fault_makes_failed_unless_a_later_step_hits(void **state)
{
        struct world *w = world_of(one_field, 1, 2);
        struct wf_answer answer = hit("email", "\"x\"", 0.9);

        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 0, "a/s0"), &a_fault), OK);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 1, "a/s1"), &a_fault), OK);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 2, "b/s0"), &answer), OK);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 3, "b/s1"), &a_miss), OK);
        assert_int_equal(wf_cell(&w->wf, 0, 0)->end, WF_COMPLETE);
        assert_int_equal(wf_cell(&w->wf, 1, 0)->end, WF_FAILED);
        assert_true(str_eq_c(wf_cell(&w->wf, 1, 0)->fault, "it took too long"));
        assert_int_equal(w->wf.attempts.ptr[0].credits, 0);
        assert_int_equal(w->wf.attempts.ptr[0].calls, 3);
}

static void test_missing_inputs_and_lost_providers_are_passed_over(void **state)
{
        struct world *w = world_of(one_field, 1, 1);

        w->lacking = "a";
        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(w->wf.attempts.ptr[0].outcome, ATTEMPT_MISSING_INPUT);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 0, "b/s0"), &a_miss), OK);
        assert_int_equal(w->wf.done.ptr[0].cell->end, WF_NOT_FOUND);
        w = world_of(one_field, 1, 1);
        w->unavailable = "a";
        w->lacking = "b";
        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(w->wf.fresh.len, 0);
        assert_int_equal(w->wf.done.ptr[0].cell->end, WF_FAILED);
}

static void test_same_questions_are_put_and_paid_once(void **state)
{
        struct world *w = world_of(one_field, 1, 4);
        struct wf_answer answer = hit("email", "\"x\"", 0.9);

        for (size_t i = 1; i < 3; i++)
                w->subjects[i] = w->subjects[0];
        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(w->wf.fresh.len, 2);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 0, "a/s0"), &answer), OK);
        assert_int_equal(w->wf.attempts.len, 3);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(w->wf.attempts.ptr[i].outcome, ATTEMPT_HIT);
                assert_int_equal(w->wf.attempts.ptr[i].credits, i ? 0 : 5);
                assert_int_equal(w->wf.attempts.ptr[i].calls, i ? 0 : 1);
                assert_int_equal(w->wf.attempts.ptr[i].cached, i != 0);
        }
        assert_int_equal(w->wf.open, 1);
}

static void test_the_first_that_is_served_pays(void **state)
{
        static const struct wf_step strict[] = {
                {.hit = 5, .miss = 1, .user = "a", .min_confidence = 0.95}};
        static const struct wf_step loose[] = {{.hit = 5, .miss = 1, .user = "a"}};
        static const struct wf_field fields[] = {
                {.output = STR("email"), .steps = strict, .step_count = 1},
                {.output = STR("email"), .steps = loose, .step_count = 1},
        };
        struct world *w = world_of(fields, 2, 1);
        struct wf_answer answer = hit("email", "\"x\"", 0.9);

        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(w->wf.fresh.len, 1);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 0, "a/s0"), &answer), OK);
        assert_int_equal(w->wf.attempts.ptr[0].outcome, ATTEMPT_LOW_CONFIDENCE);
        assert_int_equal(w->wf.attempts.ptr[0].credits, 0);
        assert_int_equal(w->wf.attempts.ptr[1].outcome, ATTEMPT_HIT);
        assert_int_equal(w->wf.attempts.ptr[1].credits, 5);
}

static void test_cached_answers_cost_nothing(void **state)
{
        struct world *w = world_of(one_field, 1, 1);
        struct wf_answer answer = hit("email", "\"x\"", 0.9);

        answer.cached = true;
        answer.calls = 0;
        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(wf_answer(&w->wf, ask_at(w, 0, "a/s0"), &answer), OK);
        assert_true(w->wf.attempts.ptr[0].cached);
        assert_int_equal(w->wf.attempts.ptr[0].credits, 0);
}

static void test_a_cell_waits_for_the_cells_it_reads(void **state)
{
        static const struct wf_step a[] = {{.hit = 1, .user = "a"}},
                                    b[] = {{.hit = 1, .user = "b", .reads = 1}};
        static const struct wf_field fields[] = {
                {.output = STR("domain"), .steps = a, .step_count = 1},
                {.output = STR("email"), .steps = b, .step_count = 1},
        };
        struct world *w = world_of(fields, 2, 2);
        struct wf_answer answer = hit("domain", "\"d\"", 1);

        wf_drop(&w->wf, wf_cell(&w->wf, 1, 0)); /* has its domain already */
        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(w->wf.fresh.len, 2);
        ask_at(w, 0, "a/s0");
        ask_at(w, 1, "b/s1");
        assert_int_equal(wf_answer(&w->wf, w->wf.fresh.ptr[0], &answer), OK);
        ask_at(w, 2, "b/s0");
}

static void test_a_restart_goes_on_behind_what_was_settled(void **state)
{
        struct world *w = world_of(one_field, 1, 4);

        wf_prior(&w->wf, wf_cell(&w->wf, 0, 0), 0, ATTEMPT_TIMEOUT, 0, STR("slow"));
        wf_prior(&w->wf, wf_cell(&w->wf, 1, 0), 0, ATTEMPT_HIT, 5, STR_NULL);
        wf_prior(&w->wf, wf_cell(&w->wf, 2, 0), 0, ATTEMPT_MISS, 1, STR_NULL);
        wf_prior(&w->wf, wf_cell(&w->wf, 2, 0), 1, ATTEMPT_MISS, 0, STR_NULL);
        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(w->wf.open, 2);
        ask_at(w, 0, "b/s0");
        ask_at(w, 1, "a/s3");
        assert_int_equal(wf_answer(&w->wf, w->wf.fresh.ptr[0], &a_miss), OK);
        assert_int_equal(wf_cell(&w->wf, 0, 0)->end, WF_FAILED); /* the former fault counts */
        assert_true(str_eq_c(wf_cell(&w->wf, 0, 0)->fault, "slow"));
}

static void test_without_budget_cells_end_skipped(void **state)
{
        struct world *w = world_of(one_field, 1, 3);

        w->subjects[1] = w->subjects[0];
        assert_int_equal(wf_begin(&w->wf), OK);
        assert_int_equal(wf_skip(&w->wf, ask_at(w, 0, "a/s0")), OK);
        assert_int_equal(w->wf.open, 1);
        assert_int_equal(w->wf.attempts.len + w->wf.done.len, 0);
        assert_int_equal(wf_cell(&w->wf, 1, 0)->end, WF_SKIPPED);
}

static void test_settled_parts_are_taken_from_the_front(void **state)
{
        struct world *w = world_of(one_field, 1, 3);
        struct wf_answer answer = hit("email", "\"x\"", 0.9);

        assert_int_equal(wf_begin(&w->wf), OK);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(wf_answer(&w->wf, w->wf.fresh.ptr[i], &answer), OK);
        assert_int_equal(wf_done_with(&w->wf, 2), 2);
        wf_taken(&w->wf, 2, 2);
        assert_int_equal(w->wf.attempts.len, 1);
        assert_int_equal(w->wf.done.ptr[0].after, 1);
        assert_int_equal(wf_done_with(&w->wf, 0), 0);
        assert_int_equal(wf_done_with(&w->wf, 1), 1);
}

/* ---- random batches ---- */

static uint64_t seed;

static unsigned roll(unsigned n)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return (unsigned)(seed % n);
}

static const char *const providers[] = {"a", "b", "c", "d"};

static const struct wf_field *random_fields(size_t count)
{
        struct wf_field *fields = arena_alloc_array(&arena, count, sizeof *fields);

        for (size_t f = 0; f < count; f++) {
                size_t steps = 1 + roll(4), first = roll(4);
                struct wf_step *list = arena_alloc_array(&arena, steps, sizeof *list);

                for (size_t i = 0; i < steps; i++)
                        list[i] = (struct wf_step){.hit = 1 + roll(9),
                                                   .miss = roll(2),
                                                   .min_confidence = roll(3) * 0.4,
                                                   .reads = f && roll(2) ? roll(1u << f) : 0,
                                                   .user = providers[(first + i) % 4]};
                fields[f] = (struct wf_field){
                        .output = roll(2) ? STR("email") : STR("phone"),
                        .steps = list,
                        .step_count = steps,
                };
        }
        return fields;
}

static struct wf_answer random_answer(void)
{
        switch (roll(4)) {
        case 0: return a_miss;
        case 1: return a_fault;
        case 2: return hit("email", "\"x\"", roll(10) / 10.0);
        default: return hit("phone", "\"1\"", roll(10) / 10.0);
        }
}

/* Every attempt of a cell in the order of its steps, the last of a complete cell its only hit. */
static void check_attempts(const struct world *w)
{
        size_t count = w->wf.record_count * w->wf.field_count;
        uint32_t *next = arena_alloc_array(&arena, count, sizeof *next);
        bool *hits = arena_alloc_array(&arena, count, sizeof *hits);

        LIST_EACH (a, &w->wf.attempts) {
                size_t i = (size_t)(a->cell - w->wf.cells);
                const struct wf_step *step = &w->wf.fields[a->cell->field].steps[a->step];

                assert_int_equal(a->step, next[i]++);
                assert_false(hits[i]);
                hits[i] = a->outcome == ATTEMPT_HIT;
                assert_true(a->credits == 0 || !a->cached);
                if (a->credits)
                        assert_int_equal(a->credits,
                                         a->outcome == ATTEMPT_HIT ? step->hit : step->miss);
        }
        for (size_t i = 0; i < count; i++) {
                const struct wf_cell *cell = &w->wf.cells[i];

                if (cell->end == WF_SKIPPED)
                        continue;
                assert_int_equal(cell->end == WF_COMPLETE, hits[i]);
                if (!hits[i])
                        assert_int_equal(next[i], w->wf.fields[cell->field].step_count);
        }
}

/* No question is charged more than once. */
static void check_charges(const struct world *w)
{
        for (size_t i = 0; i < w->wf.attempts.len; i++)
                for (size_t k = i + 1; k < w->wf.attempts.len; k++) {
                        const struct wf_attempt *a = &w->wf.attempts.ptr[i];
                        const struct wf_attempt *b = &w->wf.attempts.ptr[k];

                        assert_false(a->ask && a->ask == b->ask && a->credits && b->credits);
                }
}

static void test_random_batches_end_and_hold_their_invariants(void **state)
{
        for (int round = 0; round < 300; round++) {
                seed = 0x9e3779b97f4a7c15 + (uint64_t)round * 7919;
                size_t fields = 1 + roll(5), records = 1 + roll(RECORDS);
                struct world *w = world_of(random_fields(fields), fields, records);

                for (size_t i = 0; i < records; i++)
                        if (roll(3) == 0)
                                w->subjects[i] = w->subjects[0];
                w->lacking = roll(4) ? NULL : "c";
                w->unavailable = roll(6) ? NULL : "d";
                assert_int_equal(wf_begin(&w->wf), OK);
                while (w->wf.fresh.len) {
                        size_t i = roll((unsigned)w->wf.fresh.len);
                        struct wf_ask *ask = w->wf.fresh.ptr[i];
                        struct wf_answer answer = random_answer();

                        w->wf.fresh.ptr[i] = w->wf.fresh.ptr[--w->wf.fresh.len];
                        if (roll(12) == 0)
                                assert_int_equal(wf_skip(&w->wf, ask), OK);
                        else
                                assert_int_equal(wf_answer(&w->wf, ask, &answer), OK);
                }
                assert_int_equal(w->wf.open, 0);
                check_attempts(w);
                check_charges(w);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_stops_at_the_first_complete_answer),
                TEST(test_unsure_or_other_answers_cost_no_hit),
                TEST(test_a_fault_makes_failed_unless_a_later_step_hits),
                TEST(test_missing_inputs_and_lost_providers_are_passed_over),
                TEST(test_same_questions_are_put_and_paid_once),
                TEST(test_the_first_that_is_served_pays),
                TEST(test_cached_answers_cost_nothing),
                TEST(test_a_cell_waits_for_the_cells_it_reads),
                TEST(test_a_restart_goes_on_behind_what_was_settled),
                TEST(test_without_budget_cells_end_skipped),
                TEST(test_settled_parts_are_taken_from_the_front),
                TEST(test_random_batches_end_and_hold_their_invariants),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
