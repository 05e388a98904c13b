/* The state machine of a batch. See waterfall.h. */
#include "features/enrichment/waterfall.h"

#include <string.h>

static const struct {
        const char *name;
        bool clean;
} outcomes[] = {
#define ATTEMPT(name, text, clean) [ATTEMPT_##name] = {text, clean},
#include "features/enrichment/attempt.def"
#undef ATTEMPT
};

const char *attempt_outcome_name(enum attempt_outcome o)
{
        return outcomes[o].name;
}

bool attempt_outcome_clean(enum attempt_outcome o)
{
        return outcomes[o].clean;
}

bool attempt_outcome_parse(struct str text, enum attempt_outcome *ret)
{
        for (size_t i = 0; i < ELEMENTS(outcomes); i++)
                if (str_eq_c(text, outcomes[i].name)) {
                        *ret = (enum attempt_outcome)i;
                        return true;
                }
        return false;
}

/* ---- asks by key ---- */

static size_t slot_of(struct str key, size_t size)
{
        uint64_t h = 0xcbf29ce484222325;

        for (size_t i = 0; i < key.len; i++)
                h = (h ^ (unsigned char)key.ptr[i]) * 0x100000001b3;
        return h & (size - 1);
}

static void table_grow(struct waterfall *wf)
{
        size_t size = wf->table_size ? wf->table_size * 4 : 1024;
        struct wf_ask **table = arena_alloc_array(wf->arena, size, sizeof(struct wf_ask *));

        for (size_t i = 0; i < wf->table_size; i++)
                for (struct wf_ask *a = wf->table[i], *next; a; a = next) {
                        struct wf_ask **slot = &table[slot_of(a->key, size)];

                        next = a->chain;
                        a->chain = *slot;
                        *slot = a;
                }
        wf->table = table;
        wf->table_size = size;
}

static struct wf_ask *ask_find(struct waterfall *wf, struct str key)
{
        if (!wf->table_size)
                return NULL;
        struct wf_ask *a = wf->table[slot_of(key, wf->table_size)];

        while (a && !str_eq(a->key, key))
                a = a->chain;
        return a;
}

static struct wf_ask *ask_new(struct waterfall *wf, const struct wf_question *q)
{
        if (wf->ask_count >= wf->table_size)
                table_grow(wf);
        struct wf_ask *a = arena_new(wf->arena, struct wf_ask);
        struct wf_ask **slot = &wf->table[slot_of(q->key, wf->table_size)];

        a->key = q->key;
        a->user = q->user;
        a->last = &a->waiting;
        a->chain = *slot;
        *slot = a;
        wf->ask_count++;
        LIST_PUSH(wf->arena, &wf->fresh, a);
        return a;
}

/* ---- cells ---- */

void wf_init(struct waterfall *wf, struct arena *arena, const struct wf_field *fields,
             size_t field_count, size_t record_count, wf_question_fn *question, void *owner)
{
        *wf = (struct waterfall){
                .arena = arena,
                .fields = fields,
                .field_count = field_count,
                .record_count = record_count,
                .question = question,
                .owner = owner,
        };
        wf->cells = arena_alloc_array(arena, record_count * field_count, sizeof *wf->cells);
}

struct wf_cell *wf_cell(struct waterfall *wf, size_t record, size_t field)
{
        return &wf->cells[record * wf->field_count + field];
}

void wf_add(struct waterfall *wf, size_t record, size_t field)
{
        struct wf_cell *cell = wf_cell(wf, record, field);

        cell->state = WF_BLOCKED;
        cell->record = (uint32_t)record;
        cell->field = (uint32_t)field;
        wf->open++;
}

static const struct wf_field *field_of(const struct waterfall *wf, const struct wf_cell *cell)
{
        return &wf->fields[cell->field];
}

/* Inputs that the cell's step waits for are there, or will not come. */
static bool inputs_ready(struct waterfall *wf, const struct wf_cell *cell)
{
        uint32_t reads = field_of(wf, cell)->steps[cell->step].reads;

        for (size_t f = 0; f < wf->field_count; f++) {
                const struct wf_cell *input = wf_cell(wf, cell->record, f);

                if ((reads & (1u << f)) && input->state != WF_ABSENT && input->state != WF_DONE)
                        return false;
        }
        return true;
}

static void cell_ready(struct waterfall *wf, struct wf_cell *cell)
{
        cell->state = WF_RUNNING;
        LIST_PUSH(wf->arena, &wf->ready, cell);
}

static void cell_finish(struct waterfall *wf, struct wf_cell *cell, enum wf_end end)
{
        cell->state = WF_DONE;
        cell->end = end;
        wf->open--;
        for (size_t f = 0; f < wf->field_count; f++) {
                struct wf_cell *reader = wf_cell(wf, cell->record, f);

                if (reader->state == WF_BLOCKED && inputs_ready(wf, reader))
                        cell_ready(wf, reader);
        }
}

static void cell_settle(struct waterfall *wf, struct wf_cell *cell, enum wf_end end)
{
        cell_finish(wf, cell, end);
        LIST_PUSH(wf->arena, &wf->done, ((struct wf_done){cell, wf->attempts.len}));
}

void wf_drop(struct waterfall *wf, struct wf_cell *cell)
{
        if (cell->state != WF_DONE && cell->state != WF_ABSENT) {
                cell->state = WF_DONE; /* before the begin nobody has to be told */
                cell->end = WF_SKIPPED;
                wf->open--;
        }
}

void wf_prior(struct waterfall *wf, struct wf_cell *cell, size_t step, enum attempt_outcome outcome,
              int64_t credits, struct str error)
{
        cell->settled |= 1u << step;
        cell->cost += credits;
        if (!attempt_outcome_clean(outcome))
                cell->fault = error.ptr ? error : str_from(attempt_outcome_name(outcome));
        size_t count = field_of(wf, cell)->step_count;
        uint32_t all = (uint32_t)((UINT64_C(1) << count) - 1);

        if (outcome == ATTEMPT_HIT || cell->settled == all)
                wf_drop(wf, cell);
}

/* ---- attempts ---- */

static struct wf_attempt *attempt_add(struct waterfall *wf, struct wf_cell *cell,
                                      enum attempt_outcome outcome, struct str error)
{
        struct wf_attempt *a = LIST_ADD(wf->arena, &wf->attempts);

        *a = (struct wf_attempt){
                .cell = cell,
                .step = cell->step,
                .outcome = outcome,
                .started_us = wf->now_us,
                .error = error,
        };
        if (!attempt_outcome_clean(outcome))
                cell->fault = error.ptr ? error : str_from(attempt_outcome_name(outcome));
        return a;
}

static struct str output_of(const struct wf_answer *answer, struct str key)
{
        for (size_t i = 0; i < answer->output_count; i++)
                if (str_eq(answer->outputs[i].key, key))
                        return answer->outputs[i].json;
        return STR_NULL;
}

/* What the answer is for this cell. */
static enum attempt_outcome outcome_for(const struct waterfall *wf, const struct wf_cell *cell,
                                        const struct wf_answer *answer)
{
        const struct wf_field *f = field_of(wf, cell);

        if (answer->kind == WF_FAULT)
                return answer->fault;
        if (answer->kind == WF_MISS || !output_of(answer, f->output).ptr)
                return ATTEMPT_MISS;
        if (answer->confidence < f->steps[cell->step].min_confidence)
                return ATTEMPT_LOW_CONFIDENCE;
        return ATTEMPT_HIT;
}

/* Records the attempt; the cell is done, or ready for its next step. */
static struct wf_attempt *cell_take(struct waterfall *wf, struct wf_cell *cell, struct wf_ask *ask)
{
        const struct wf_answer *answer = &ask->answer;
        enum attempt_outcome outcome = outcome_for(wf, cell, answer);
        struct wf_attempt *a =
                attempt_add(wf, cell, outcome, answer->kind == WF_FAULT ? answer->error : STR_NULL);

        a->ask = ask;
        a->cached = answer->kind != WF_FAULT;
        a->started_us = answer->started_us;
        if (answer->kind == WF_HIT) {
                a->confidence = answer->confidence;
                a->has_confidence = true;
        }
        if (outcome == ATTEMPT_HIT) {
                cell->value = output_of(answer, field_of(wf, cell)->output);
                cell->confidence = answer->confidence;
                cell_settle(wf, cell, WF_COMPLETE);
        } else {
                cell->step++;
                LIST_PUSH(wf->arena, &wf->ready, cell);
        }
        return a;
}

/* ---- driving ---- */

static enum err cell_advance(struct waterfall *wf, struct wf_cell *cell)
{
        const struct wf_field *f = field_of(wf, cell);
        struct wf_question q = {0};

        while (cell->step < f->step_count && (cell->settled & (1u << cell->step)))
                cell->step++;
        if (cell->step == f->step_count) {
                cell_settle(wf, cell, cell->fault.ptr ? WF_FAILED : WF_NOT_FOUND);
                return OK;
        }
        if (!inputs_ready(wf, cell)) {
                cell->state = WF_BLOCKED;
                return OK;
        }
        TRY(wf->question(wf->owner, cell, &f->steps[cell->step], &q));
        if (q.kind != WF_ASK) {
                attempt_add(wf, cell,
                            q.kind == WF_LACKS_INPUT ? ATTEMPT_MISSING_INPUT : ATTEMPT_UNAVAILABLE,
                            q.error);
                cell->step++;
                LIST_PUSH(wf->arena, &wf->ready, cell);
                return OK;
        }
        struct wf_ask *ask = ask_find(wf, q.key);

        if (!ask)
                ask = ask_new(wf, &q);
        if (ask->skipped) {
                cell_finish(wf, cell, WF_SKIPPED);
        } else if (ask->answered) {
                cell_take(wf, cell, ask);
        } else {
                cell->next = NULL;
                *ask->last = cell;
                ask->last = &cell->next;
        }
        return OK;
}

static enum err drain(struct waterfall *wf)
{
        while (wf->ready.len)
                TRY(cell_advance(wf, wf->ready.ptr[--wf->ready.len]));
        return OK;
}

enum err wf_begin(struct waterfall *wf)
{
        size_t count = wf->record_count * wf->field_count;

        for (size_t i = count; i-- > 0;) /* the stack turns them round: first cell first */
                if (wf->cells[i].state == WF_BLOCKED)
                        cell_ready(wf, &wf->cells[i]);
        return drain(wf);
}

static void answer_copy(struct waterfall *wf, struct wf_ask *ask, const struct wf_answer *answer)
{
        struct wf_value *outputs =
                arena_alloc_array(wf->arena, answer->output_count, sizeof *outputs);

        for (size_t i = 0; i < answer->output_count; i++) {
                outputs[i].key = str_dup(wf->arena, answer->outputs[i].key);
                outputs[i].json = str_dup(wf->arena, answer->outputs[i].json);
        }
        ask->answer = *answer;
        ask->answer.outputs = outputs;
        if (answer->error.ptr)
                ask->answer.error = str_dup(wf->arena, answer->error);
        ask->answered = true;
}

/* The first cell that the answer serves pays; with a miss the first that asked. The others ride
 * along. Nobody pays for a fault or an answer too unsure for everybody. */
static size_t payer_of(struct waterfall *wf, const struct wf_ask *ask)
{
        size_t i = 0, first_miss = SIZE_MAX;

        for (const struct wf_cell *cell = ask->waiting; cell; cell = cell->next, i++) {
                enum attempt_outcome outcome = outcome_for(wf, cell, &ask->answer);

                if (outcome == ATTEMPT_HIT)
                        return i;
                if (outcome == ATTEMPT_MISS && first_miss == SIZE_MAX)
                        first_miss = i;
        }
        return first_miss;
}

enum err wf_answer(struct waterfall *wf, struct wf_ask *ask, const struct wf_answer *answer)
{
        struct wf_cell *cell, *next;

        answer_copy(wf, ask, answer);
        size_t payer = payer_of(wf, ask), i = 0;
        size_t caller = payer == SIZE_MAX ? 0 : payer; /* whose attempt shows the call itself */

        for (cell = ask->waiting; cell; cell = next, i++) {
                next = cell->next;
                const struct wf_step *step = &field_of(wf, cell)->steps[cell->step];
                struct wf_attempt *a = cell_take(wf, cell, ask);

                if (i != caller || answer->cached)
                        continue;
                a->cached = false;
                a->calls = answer->calls;
                a->latency_ms = answer->latency_ms;
                if (i == payer)
                        a->credits = a->outcome == ATTEMPT_HIT ? step->hit : step->miss;
        }
        ask->waiting = NULL;
        ask->last = &ask->waiting;
        return drain(wf);
}

enum err wf_skip(struct waterfall *wf, struct wf_ask *ask)
{
        struct wf_cell *next;

        ask->skipped = true;
        for (struct wf_cell *cell = ask->waiting; cell; cell = next) {
                next = cell->next;
                cell_finish(wf, cell, WF_SKIPPED);
        }
        ask->waiting = NULL;
        ask->last = &ask->waiting;
        return drain(wf);
}

size_t wf_done_with(const struct waterfall *wf, size_t attempts)
{
        size_t n = 0;

        while (n < wf->done.len && wf->done.ptr[n].after <= attempts)
                n++;
        return n;
}

void wf_taken(struct waterfall *wf, size_t attempts, size_t done)
{
        wf->attempts.len -= attempts;
        memmove(wf->attempts.ptr, wf->attempts.ptr + attempts,
                wf->attempts.len * sizeof *wf->attempts.ptr);
        wf->done.len -= done;
        memmove(wf->done.ptr, wf->done.ptr + done, wf->done.len * sizeof *wf->done.ptr);
        LIST_EACH (d, &wf->done)
                d->after -= attempts;
}
