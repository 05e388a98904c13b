/*
 * The waterfall of a batch of records, as a state machine without input or output: what each cell
 * asks next, which questions are the same, what an answer means for every cell that waits for it,
 * who pays for it. The runner (run.c) looks answers up, makes the calls and settles what comes out.
 *
 * A cell goes through its field's steps in order. At each step the owner's `question` function says
 * what would be asked; a question that is put already is not put again: the cell waits with the
 * others, or takes the answer that is there. A cell whose step needs what other cells of its record
 * are to find waits until those are done (fields come in such an order that this ends).
 *
 * What comes out: `fresh` (asks that nobody has answered yet), `attempts` and `done` (to be settled
 * together). The owner takes them from the front with wf_taken().
 *
 * One thread. Everything lives in the arena given at the start.
 */
#ifndef MILLRACE_FEATURES_ENRICHMENT_WATERFALL_H
#define MILLRACE_FEATURES_ENRICHMENT_WATERFALL_H

#include "err/ctx.h"

enum attempt_outcome {
#define ATTEMPT(name, text, clean) ATTEMPT_##name,
#include "features/enrichment/attempt.def"
#undef ATTEMPT
};
const char *attempt_outcome_name(enum attempt_outcome o);
bool attempt_outcome_parse(struct str text, enum attempt_outcome *ret);
bool attempt_outcome_clean(enum attempt_outcome o);

struct wf_step {
        double min_confidence;
        int64_t hit, miss; /* credits */
        uint32_t reads;    /* fields (bits) whose cells it waits for; lower ones only */
        const void *user;
};

struct wf_field {
        struct str output;
        const struct wf_step *steps;
        size_t step_count;
};

enum wf_end { WF_COMPLETE, WF_NOT_FOUND, WF_FAILED, WF_SKIPPED };

struct wf_cell {
        enum { WF_ABSENT, WF_BLOCKED, WF_RUNNING, WF_DONE } state;
        uint32_t record;
        uint32_t field;
        uint32_t step;
        uint32_t settled; /* steps (bits) asked in a former run */
        enum wf_end end;
        int64_t cost;         /* credits of settled attempts; the owner adds them */
        int64_t pending;      /* and of those being settled: the owner's */
        struct str fault;     /* why the last faulty step failed; STR_NULL when none did */
        struct str value;     /* complete: JSON text */
        double confidence;    /* complete */
        struct wf_cell *next; /* who waits for the same ask */
};

struct wf_value {
        struct str key, json;
};

struct wf_answer {
        enum { WF_HIT, WF_MISS, WF_FAULT } kind;
        enum attempt_outcome fault; /* of WF_FAULT */
        const struct wf_value *outputs;
        size_t output_count;
        double confidence;
        bool cached; /* from provider_answers: nothing was called, nothing is charged */
        int calls;
        int64_t latency_ms, started_us; /* wall clock */
        struct str error;
};

struct wf_ask {
        struct str key;
        void *user;
        struct wf_cell *waiting, **last;
        bool answered, skipped;
        struct wf_answer answer;
        struct wf_ask *chain;
};

struct wf_attempt {
        struct wf_cell *cell;
        struct wf_ask *ask; /* NULL: nothing could be asked */
        uint32_t step;
        enum attempt_outcome outcome;
        int64_t credits; /* to be charged when this settle is the first to know the answer */
        double confidence;
        bool has_confidence, cached;
        int calls;
        int64_t latency_ms, started_us;
        struct str error;
};

struct wf_done {
        struct wf_cell *cell;
        size_t after; /* so many of `attempts` come before it */
};

struct wf_question {
        enum { WF_ASK, WF_LACKS_INPUT, WF_UNAVAILABLE } kind;
        struct str key;   /* of WF_ASK: equal keys are the same question */
        void *user;       /* kept in the ask, when this is its first question */
        struct str error; /* otherwise: why not */
};
typedef enum err wf_question_fn(void *owner, const struct wf_cell *cell, const struct wf_step *step,
                                struct wf_question *ret);

struct waterfall {
        struct arena *arena;
        const struct wf_field *fields;
        size_t field_count, record_count;
        struct wf_cell *cells; /* record × field */
        size_t open;           /* cells not done */
        wf_question_fn *question;
        void *owner;
        struct wf_ask **table;
        size_t table_size, ask_count;
        LIST(struct wf_cell *) ready;
        int64_t now_us; /* wall clock, set by the owner: started_at of attempts without a call */

        LIST(struct wf_ask *) fresh;
        LIST(struct wf_attempt) attempts;
        LIST(struct wf_done) done;
};

void wf_init(struct waterfall *wf, struct arena *arena, const struct wf_field *fields,
             size_t field_count, size_t record_count, wf_question_fn *question, void *owner);
struct wf_cell *wf_cell(struct waterfall *wf, size_t record, size_t field);

/* Before wf_begin: the cell belongs to the batch. */
void wf_add(struct waterfall *wf, size_t record, size_t field);
/* An attempt that was settled in a former run; after one that ended the cell it is done. */
void wf_prior(struct waterfall *wf, struct wf_cell *cell, size_t step, enum attempt_outcome outcome,
              int64_t credits, struct str error);
/* The cell needs nothing (any more): done without a settle. */
void wf_drop(struct waterfall *wf, struct wf_cell *cell);

_must_check_ enum err wf_begin(struct waterfall *wf);
/* The answer is copied. */
_must_check_ enum err wf_answer(struct waterfall *wf, struct wf_ask *ask,
                                const struct wf_answer *answer);
/* The ask will not be put (no budget): its cells end skipped, without an attempt. */
_must_check_ enum err wf_skip(struct waterfall *wf, struct wf_ask *ask);

/* How many of `done` may be settled with the first `attempts` attempts. */
size_t wf_done_with(const struct waterfall *wf, size_t attempts);
/* The first attempts and done cells have been settled: takes them off. */
void wf_taken(struct waterfall *wf, size_t attempts, size_t done);

#endif
