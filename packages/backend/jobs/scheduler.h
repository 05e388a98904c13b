/*
 * The scheduler role: what has to happen from time to time, whoever asks. Every ten minutes one of
 * the running processes (an advisory lock decides which) removes what has expired: sessions, their
 * tokens, stored answers of idempotent requests, cached provider answers.
 */
#ifndef MILLRACE_JOBS_SCHEDULER_H
#define MILLRACE_JOBS_SCHEDULER_H

#include "base/app.h"

struct scheduler;

_must_check_ enum err scheduler_open(struct ctx *ctx, struct app *app, struct scheduler **ret);
void scheduler_stop(struct scheduler *s);  /* no further runs; accepts NULL */
void scheduler_close(struct scheduler *s); /* waits for the run that may be under way */

#endif
