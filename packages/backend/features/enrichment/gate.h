/*
 * Gates: what all batches of this process share about a provider. One for each slug and the way it
 * is asked (a workspace's own definition has its own, the sandbox another): circuit breaker (10
 * calls, 5 failures, 60 s), the rate limit, and the number of calls in flight.
 *
 * A caller that finds no free place leaves its fetch batch to be woken; it must gates_forget() the
 * batch before it closes it. Thread-safe. Gates live as long as the set.
 */
#ifndef MILLRACE_FEATURES_ENRICHMENT_GATE_H
#define MILLRACE_FEATURES_ENRICHMENT_GATE_H

#include "features/provider/provider.h"
#include "task/breaker.h"
#include "task/bucket.h"

struct fetch_batch;
struct gates;
struct gate;

struct gates *gates_open(void);
void gates_close(struct gates *gs); /* accepts NULL */

/* The provider's gate, set to the route's limits. */
struct gate *gate_of(struct gates *gs, const struct provider_def *def,
                     const struct provider_route *route, struct str workspace);

enum gate_answer {
        GATE_GO,   /* a place is taken: gate_leave() gives it back */
        GATE_WAIT, /* for a token until *ret_at_ns, or (0) for a place: the batch will be woken */
        GATE_OPEN, /* the breaker refuses */
};
enum gate_answer gate_enter(struct gate *g, struct fetch_batch *waiter, int64_t now_ns,
                            struct breaker_permit *ret_permit, int64_t *ret_at_ns);

/* How the call ended, for the breaker. GATE_UNTRIED: it never went out or was cancelled. */
enum gate_report { GATE_WORKED, GATE_FAILED, GATE_UNTRIED };
void gate_leave(struct gate *g, struct breaker_permit permit, enum gate_report report,
                int64_t now_ns);

/* The provider asked for quiet. */
void gate_hold(struct gate *g, int64_t until_ns);

void gates_forget(struct gates *gs, struct fetch_batch *waiter);

#endif
