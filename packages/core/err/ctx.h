/*
 * Context and errors.
 *
 * `struct ctx` goes first everywhere: it carries the arena, the deadline and the error of one
 * request, job batch or command. One thread uses a ctx at a time. A function that can fail returns
 * `enum err`; fail() records the message and place once and returns the code; TRY() passes it up.
 * Outputs (`ret…`) are written only on success.
 */
#ifndef MILLRACE_CORE_ERR_CTX_H
#define MILLRACE_CORE_ERR_CTX_H

#include "core.h"
#include "mem/arena.h"
#include "mem/list.h"
#include "str/str.h"

enum err {
        OK = 0,
#define ERR(name, status, code) ERR_##name,
#include "err/err.def"
#undef ERR
        ERR_MAX
};

int err_status(enum err e);       /* HTTP status */
const char *err_code(enum err e); /* the API's stable code */

/* One fault of an input, as the API's `error.details` lists them. */
struct fault {
        struct str path; /* JSON pointer, or column/line for a file */
        struct str rule; /* the JSON Schema keyword or a short stable word */
        struct str message;
};

struct app;   /* everything built at start; the program defines it */
struct actor; /* who asks; the program defines it, NULL for nobody */

struct ctx {
        struct arena *arena;
        int64_t deadline_ns; /* monotonic; 0 is none */
        struct app *app;
        const struct actor *actor;
        struct str request_id;

        enum err err; /* the last recorded failure */
        struct str message;
        LIST(struct fault) faults;
        const char *err_file;
        int err_line;
        int64_t retry_after_ms; /* for ERR_RATE_LIMITED and ERR_UNAVAILABLE; 0 is unknown */
};

void ctx_init(struct ctx *ctx, struct arena *arena);

/* Records a failure, returns its code. A NULL ctx is allowed and records nothing. */
#define fail(ctx, code, ...) ctx_fail((ctx), (code), __FILE__, __LINE__, __VA_ARGS__)
enum err ctx_fail(struct ctx *ctx, enum err code, const char *file, int line, const char *fmt, ...)
        _printf_(5, 6);

/* Adds to the list of faults that goes with an ERR_VALIDATION or ERR_CONFLICT. */
void ctx_fault(struct ctx *ctx, struct str path, const char *rule, const char *fmt, ...)
        _printf_(4, 5);

/* Forgets the recorded failure, where a caller has dealt with it. */
void ctx_clear(struct ctx *ctx);

/* Milliseconds left until the deadline: INT32_MAX when there is none, 0 when it has passed. */
int ctx_time_left_ms(const struct ctx *ctx);

#define TRY(expr)                           \
        do {                                \
                enum err try_err_ = (expr); \
                if (try_err_ != OK)         \
                        return try_err_;    \
        } while (0)

#endif
