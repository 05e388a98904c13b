/* Questions on their way: looked up, called through the gates, tried again, answered. */
#include "features/enrichment/internal.h"

#include "enrichment_sql.h"
#include "task/retry.h"

#define CLAIM_CALLS   100 /* calls that credits are claimed for at once */
#define CLAIM_WAIT_NS (50 * NS_PER_MS)
#define TAKE_MAX      400 /* results taken in one turn: bounds the scratch memory */

static const struct retry_policy retries = {
        .attempts = CALL_TRIES,
        .base_ms = 250,
        .cap_ms = 5000,
        .after_ms = 30000,
};

/* ---- what a cell asks ---- */

/* The text of an input: what this batch has just found where that is waited for, else what the grid
 * held when the batch began. */
static struct str input_text(struct run *run, const struct wf_cell *cell,
                             const struct job_input *in)
{
        struct str column = in->column_id;

        for (size_t f = 0; in->waits && f < run->fields.len; f++) {
                const struct wf_cell *other = wf_cell(&run->wf, cell->record, f);
                const struct json *value;

                if (other == cell || !str_eq(run->fields.ptr[f].column_id, column) ||
                    other->state != WF_DONE || !other->value.ptr)
                        continue;
                if (json_parse(run->ctx, other->value, &value) != OK)
                        continue;
                return json_is_string(value) ? json_get_str(value) : other->value;
        }
        for (size_t c = 0; c < run->columns.len; c++)
                if (str_eq(run->columns.ptr[c], column))
                        return grid_values_at(&run->values, cell->record, c).text;
        return STR_NULL;
}

static struct str missing_text(struct run *run, const struct provider_question *q)
{
        struct buf b;

        buf_init(&b, run->ctx->arena, 1024);
        buf_add(&b, STR("the record has no usable "));
        LIST_EACH (key, &q->missing) {
                if (key != q->missing.ptr)
                        buf_add(&b, STR(", "));
                buf_add(&b, *key);
        }
        return buf_str(&b);
}

static struct str attempt_key(struct run *run, const struct wf_cell *cell, struct str slug)
{
        int64_t index = run->first_index + (int64_t)cell->record;

        return str_printf(run->ctx->arena, "%.*s:%lld:%.*s:%.*s", FMT(run->lease->job),
                          (long long)index, FMT(run->fields.ptr[cell->field].name), FMT(slug));
}

enum err ask_question(void *owner, const struct wf_cell *cell, const struct wf_step *wf_step,
                      struct wf_question *ret)
{
        struct run *run = owner;
        const struct step *step = wf_step->user;
        struct provider_inputs inputs = {0};
        struct provider_question q;

        if (!step->lane) {
                *ret = (struct wf_question){.kind = WF_UNAVAILABLE, .error = step->why};
                return OK;
        }
        LIST_EACH (in, &step->job->inputs) {
                struct str text = input_text(run, cell, in);

                if (text.len)
                        provider_inputs_put(run->ctx, &inputs, in->key, text);
        }
        TRY(provider_question(run->ctx, step->lane->def, &inputs, &q));
        if (!q.complete) {
                *ret = (struct wf_question){.kind = WF_LACKS_INPUT, .error = missing_text(run, &q)};
                return OK;
        }
        struct ask *ask = arena_new(run->ctx->arena, struct ask);

        ask->lane = step->lane;
        ask->inputs = q.inputs;
        ask->key = q.key;
        ask->idempotency_key = attempt_key(run, cell, step->job->slug);
        ask->price = MAX_OF(wf_step->hit, wf_step->miss);
        *ret = (struct wf_question){.kind = WF_ASK, .key = q.key, .user = ask};
        return OK;
}

/* ---- looking up ---- */

static void lane_push(struct lane *lane, struct ask *ask)
{
        ask->next = NULL;
        *lane->last = ask;
        lane->last = &ask->next;
}

static void lane_pop(struct lane *lane)
{
        lane->first = lane->first->next;
        if (!lane->first)
                lane->last = &lane->first;
}

static bool is_kept(const struct ask *ask)
{
        return ask->lane->route.source != SOURCE_BUILTIN && ask->lane->def->cache_ttl_s > 0;
}

static enum err answer_stored(struct run *run, struct ask *ask, const struct db_result *r, int row)
{
        LIST(struct wf_value) outputs = {0};
        const struct json *doc;
        struct wf_answer answer = {
                .kind = str_eq_c(db_text(r, row, 1), "hit") ? WF_HIT : WF_MISS,
                .confidence = db_double(r, row, 3),
                .cached = true,
                .started_us = time_wall_us(),
        };

        TRY(json_parse(&run->scratch, db_text(r, row, 2), &doc));
        JSON_EACH_MEMBER (it, doc) {
                struct wf_value v = {str_dup(run->scratch.arena, it.key),
                                     json_text(run->scratch.arena, it.value)};

                LIST_PUSH(run->scratch.arena, &outputs, v);
        }
        answer.outputs = outputs.ptr;
        answer.output_count = outputs.len;
        return wf_answer(&run->wf, ask->wf, &answer);
}

static enum err look_up(struct run *run, struct ask **asks, size_t count)
{
        struct db_array slugs, hashes;
        struct db_result r;

        db_array_init(&run->scratch, &slugs);
        db_array_init(&run->scratch, &hashes);
        for (size_t i = 0; i < count; i++) {
                db_array_str(&slugs, asks[i]->lane->answers_slug);
                db_array_str(&hashes, asks[i]->key);
        }
        TRY(db_query(&run->scratch, run->app->db, &sql_answers,
                     PARAMS(p_str(run->workspace), p_array(&slugs), p_array(&hashes)), &r));
        for (int i = 0; i < r.rows; i++)
                TRY(answer_stored(run, asks[db_i64(&r, i, 0) - 1], &r, i));
        for (size_t i = 0; i < count; i++)
                if (!asks[i]->wf->answered)
                        lane_push(asks[i]->lane, asks[i]);
        return OK;
}

enum err asks_look_up(struct run *run)
{
        while (run->wf.fresh.len) {
                LIST(struct ask *) wanted = {0};

                LIST_EACH (fresh, &run->wf.fresh) {
                        struct ask *ask = (*fresh)->user;

                        ask->wf = *fresh;
                        if (is_kept(ask))
                                LIST_PUSH(run->scratch.arena, &wanted, ask);
                        else
                                lane_push(ask->lane, ask);
                }
                run->wf.fresh.len = 0;
                if (wanted.len)
                        TRY(look_up(run, wanted.ptr, wanted.len));
        }
        return OK;
}

/* ---- ends of an ask ---- */

static void ask_over(struct run *run, struct ask *ask)
{
        run->release += ask->held; /* given back with the settle of its attempts */
        ask->held = 0;
}

static enum err ask_fault(struct run *run, struct ask *ask, enum attempt_outcome outcome,
                          struct str error)
{
        struct wf_answer answer = {
                .kind = WF_FAULT,
                .fault = outcome,
                .calls = ask->tries,
                .latency_ms = ask->latency_us / 1000,
                .started_us = ask->started_us ? ask->started_us : time_wall_us(),
                .error = error,
        };

        ask_over(run, ask);
        return wf_answer(&run->wf, ask->wf, &answer);
}

static enum err ask_answered(struct run *run, struct ask *ask, const struct provider_result *res)
{
        LIST(struct wf_value) outputs = {0};
        struct wf_answer answer = {
                .kind = res->outcome == PROVIDER_HIT ? WF_HIT : WF_MISS,
                .confidence = res->confidence,
                .calls = ask->tries,
                .latency_ms = ask->latency_us / 1000,
                .started_us = ask->started_us,
        };

        if (res->outcome == PROVIDER_HIT)
                LIST_EACH (o, &res->outputs) {
                        struct wf_value v = {o->key, json_text(run->scratch.arena, o->value)};

                        LIST_PUSH(run->scratch.arena, &outputs, v);
                }
        answer.outputs = outputs.ptr;
        answer.output_count = outputs.len;
        ask_over(run, ask);
        return wf_answer(&run->wf, ask->wf, &answer);
}

static enum err ask_try_again(struct run *run, struct ask *ask, int64_t after_ms,
                              enum attempt_outcome outcome, struct str error)
{
        int64_t now = time_mono_ns();
        int64_t delay =
                retry_delay_ns(&retries, ask->tries, retry_seed(ask->idempotency_key), after_ms);

        if (delay < 0)
                return ask_fault(run, ask, outcome, error);
        ask->last_fault = outcome;
        ask->last_error = str_dup(run->ctx->arena, error);
        ask->ready_ns = now + delay;
        ask->next = ask->lane->delayed;
        ask->lane->delayed = ask;
        return OK;
}

static enum gate_report report_of(enum provider_outcome outcome)
{
        /* 429 and a refused credential say nothing about the provider's health */
        return outcome == PROVIDER_RETRY || outcome == PROVIDER_INVALID ? GATE_FAILED : GATE_WORKED;
}

static enum err ask_result(struct run *run, struct ask *ask, const struct provider_result *res,
                           bool timed_out)
{
        int64_t now = time_mono_ns();

        if (ask->lane->gate)
                gate_leave(ask->lane->gate, ask->permit, report_of(res->outcome), now);
        switch (res->outcome) {
        case PROVIDER_HIT:
        case PROVIDER_MISS: return ask_answered(run, ask, res);
        case PROVIDER_RATE_LIMITED:
                if (res->retry_after_ms > 0 && ask->lane->gate)
                        gate_hold(ask->lane->gate,
                                  now + MIN_OF(res->retry_after_ms, retries.after_ms) * NS_PER_MS);
                return ask_try_again(run, ask, res->retry_after_ms, ATTEMPT_RATE_LIMITED,
                                     res->detail);
        case PROVIDER_RETRY:
                return ask_try_again(run, ask, res->retry_after_ms,
                                     timed_out ? ATTEMPT_TIMEOUT : ATTEMPT_ERROR, res->detail);
        case PROVIDER_INVALID: return ask_fault(run, ask, ATTEMPT_INVALID, res->detail);
        case PROVIDER_AUTH:
                ask->lane->refused = true;
                return ask_fault(run, ask, ATTEMPT_AUTH, res->detail);
        case PROVIDER_PERMANENT: return ask_fault(run, ask, ATTEMPT_ERROR, res->detail);
        }
        return fail(run->ctx, ERR_INTERNAL, "a provider answered in an unknown way");
}

/* ---- calling ---- */

static enum err ask_send(struct run *run, struct ask *ask)
{
        struct lane *lane = ask->lane;
        struct fetch_req req;

        ask->tries++;
        if (!ask->started_us)
                ask->started_us = time_wall_us();
        if (!ask->tag) {
                LIST_PUSH(run->ctx->arena, &run->asks, ask);
                ask->tag = run->asks.len;
        }
        if (lane->route.source == SOURCE_BUILTIN) {
                TRY(local_start(run, ask));
                run->in_flight++;
                return OK;
        }
        if (provider_request(&run->scratch, lane->def, &ask->inputs, lane->credential,
                             lane->route.base_url, ask->idempotency_key, &req) != OK) {
                struct str why = run->scratch.message;

                ask->tries--;
                gate_leave(lane->gate, ask->permit, GATE_UNTRIED, time_mono_ns());
                lane->refused = true;
                return ask_fault(run, ask, ATTEMPT_AUTH, why);
        }
        req.timeout_ms = lane->route.timeout_ms;
        req.body_max = PROVIDER_BODY_CAP;
        run->scratch.deadline_ns = 0;
        fetch_start(&run->scratch, run->batch, &req, ask->tag, 0);
        run->in_flight++;
        return OK;
}

enum budget_answer { BUDGET_GO, BUDGET_WAIT, BUDGET_NONE };

static enum err budget_take(struct run *run, struct ask *ask, enum budget_answer *ret)
{
        int64_t now = time_mono_ns(), want = 0;
        bool others;
        size_t n = 0;

        *ret = BUDGET_GO;
        if (!run->budget_limited || ask->price == 0 || ask->held)
                return OK;
        if (run->budget_left < ask->price) {
                *ret = BUDGET_NONE;
                if (run->hopeless_price && ask->price >= run->hopeless_price)
                        return OK;
                *ret = BUDGET_WAIT;
                if (now < run->claim_again_ns)
                        return OK;
                for (struct ask *a = ask; a && n < CLAIM_CALLS; a = a->next, n++)
                        want += a->price;
                TRY(batch_claim(run, ask->price, want, &others));
                if (run->lost)
                        return OK;
                bool none = run->budget_left < ask->price;

                if (none && (run->in_flight || run->release || run->wf.attempts.len)) {
                        run->claim_again_ns = INT64_MAX; /* until the next settle */
                        return OK;
                }
                if (none && others) {
                        run->claim_again_ns = now + CLAIM_WAIT_NS;
                        return OK;
                }
                if (none) {
                        run->hopeless_price = ask->price;
                        *ret = BUDGET_NONE;
                        return OK;
                }
        }
        ask->held = ask->price;
        run->budget_left -= ask->price;
        *ret = BUDGET_GO;
        return OK;
}

static void budget_return(struct run *run, struct ask *ask)
{
        run->budget_left += ask->held;
        ask->held = 0;
}

/* The first ask of the lane: *ret_more is false when the lane has to wait. */
static enum err dispatch_one(struct run *run, struct lane *lane, bool *ret_more)
{
        struct ask *ask = lane->first;
        enum budget_answer budget;
        int64_t at;

        *ret_more = true;
        if (lane->refused) {
                lane_pop(lane);
                return ask_fault(run, ask, ATTEMPT_AUTH,
                                 STR("the provider refused the credential"));
        }
        TRY(budget_take(run, ask, &budget));
        if (budget == BUDGET_NONE) {
                lane_pop(lane);
                run->budget_reached = true;
                return wf_skip(&run->wf, ask->wf);
        }
        if (budget == BUDGET_WAIT) {
                if (run->claim_again_ns != INT64_MAX)
                        run_wake_at(run, run->claim_again_ns);
                *ret_more = false;
                return OK;
        }
        if (!lane->gate) {
                lane_pop(lane);
                return ask_send(run, ask);
        }
        switch (gate_enter(lane->gate, run->batch, time_mono_ns(), &ask->permit, &at)) {
        case GATE_GO: lane_pop(lane); return ask_send(run, ask);
        case GATE_OPEN:
                lane_pop(lane);
                budget_return(run, ask);
                return ask_fault(run, ask, ask->tries ? ask->last_fault : ATTEMPT_CIRCUIT_OPEN,
                                 ask->tries ? ask->last_error
                                            : STR("the provider has failed too often, it is left "
                                                  "alone for a minute"));
        case GATE_WAIT:
                if (at)
                        run_wake_at(run, at);
                *ret_more = false;
                return OK;
        }
        return OK;
}

/* Asks whose wait is over go in line first. */
static void lane_wake(struct run *run, struct lane *lane, int64_t now)
{
        for (struct ask **at = &lane->delayed; *at;) {
                struct ask *ask = *at;

                if (ask->ready_ns > now) {
                        run_wake_at(run, ask->ready_ns);
                        at = &ask->next;
                        continue;
                }
                *at = ask->next;
                ask->next = lane->first;
                lane->first = ask;
                if (!ask->next)
                        lane->last = &ask->next;
        }
}

enum err asks_dispatch(struct run *run)
{
        int64_t now = time_mono_ns();

        for (struct lane *lane = run->lanes; lane; lane = lane->next) {
                bool more = true;

                lane_wake(run, lane, now);
                while (lane->first && more && !run->lost)
                        TRY(dispatch_one(run, lane, &more));
        }
        return OK;
}

/* ---- taking results ---- */

static enum err take_call(struct run *run, struct fetch_res *res)
{
        struct ask *ask = run->asks.ptr[res->tag - 1];
        struct provider_result result = {0};

        run->in_flight--;
        ask->latency_us += res->duration_us;
        if (res->outcome == FETCH_CANCELLED) {
                gate_leave(ask->lane->gate, ask->permit, GATE_UNTRIED, time_mono_ns());
                return OK;
        }
        TRY(provider_interpret(&run->scratch, ask->lane->def, res, &result));
        return ask_result(run, ask, &result, res->outcome == FETCH_TIMED_OUT);
}

static enum err take_locals(struct run *run)
{
        struct provider_result result;
        struct ask *ask;
        int64_t latency;

        while (local_next(run, &ask, &result, &latency)) {
                run->in_flight--;
                ask->latency_us += latency;
                TRY(ask_result(run, ask, &result, false));
        }
        return OK;
}

enum err asks_take(struct run *run)
{
        struct fetch_res res;

        for (int i = 0; i < TAKE_MAX; i++) {
                run->scratch.deadline_ns = 1; /* long past: only what is there */
                enum err e = fetch_batch_next(&run->scratch, run->batch, &res);

                run->scratch.deadline_ns = 0;
                if (e != OK) {
                        ctx_clear(&run->scratch);
                        break;
                }
                TRY(take_call(run, &res));
        }
        return take_locals(run);
}

void asks_abandon(struct run *run)
{
        struct fetch_res res;

        fetch_batch_cancel(run->batch);
        while (fetch_batch_pending(run->batch) > 0) {
                run->scratch.deadline_ns = 0;
                if (fetch_batch_next(&run->scratch, run->batch, &res) != OK)
                        break;
                struct ask *ask = run->asks.ptr[res.tag - 1];

                gate_leave(ask->lane->gate, ask->permit, GATE_UNTRIED, time_mono_ns());
        }
}
