/* One validation in progress: shared by validate.c, object.c, array.c and report.c. */
#ifndef MILLRACE_CORE_SCHEMA_RUN_H
#define MILLRACE_CORE_SCHEMA_RUN_H

#include "schema/internal.h"

/* Where in the value we are: a chain on the stack, turned into a pointer only for a fault. */
struct place {
        const struct place *up; /* NULL: the value itself */
        struct str key;         /* ptr NULL: an array's item */
        size_t index;
};

/* The first reason why something did not match, where faults are not reported themselves. */
struct reason {
        size_t depth; /* of its place */
        const char *rule;
        size_t predicate; /* offset in text, behind the name of the place */
        char text[400];
};

struct run {
        struct ctx *ctx;
        struct str base;
        size_t faults;  /* found so far */
        unsigned quiet; /* above 0: only asking whether it matches; stop at the first fault */
        struct reason *reason; /* while quiet: note the first fault here, or NULL */
        bool stopped;          /* a limit was reached: everything ends */
        bool late;             /* … and that limit was the deadline */
        unsigned depth;
        uint64_t steps;
        struct pattern_run patterns;
};

/*
 * Which members or items of one value were evaluated, by position, for unevaluatedProperties and
 * unevaluatedItems. NULL wherever nobody asks.
 */
struct marks {
        uint64_t *bits;
        size_t count;
        uint64_t small;
};
void marks_init(struct marks *m, const struct json *v);
void marks_finish(struct marks *m);
void marks_add(struct marks *m, size_t i); /* m may be NULL */
void marks_add_all(struct marks *m);       /* m may be NULL */
void marks_merge(struct marks *m, const struct marks *more);
bool marks_has(const struct marks *m, size_t i);

bool eval(struct run *r, const struct node *n, const struct json *v, const struct place *at,
          struct marks *marks);
/* eval without reporting; `reason` may be NULL. */
bool eval_quiet(struct run *r, const struct node *n, const struct json *v, const struct place *at,
                struct marks *marks, struct reason *reason);
/* A property's name as the string that propertyNames' schema describes. */
bool eval_name(struct run *r, const struct node *n, struct str name, const struct place *at);
bool eval_object(struct run *r, const struct object_rules *o, const struct json *v,
                 const struct place *at, struct marks *marks);
bool eval_unevaluated_members(struct run *r, const struct node *rule, const struct json *v,
                              const struct place *at, struct marks *marks);
bool eval_array(struct run *r, const struct array_rules *a, const struct json *v,
                const struct place *at, struct marks *marks);
bool eval_unevaluated_items(struct run *r, const struct node *rule, const struct json *v,
                            const struct place *at, struct marks *marks);

/* True while evaluation should go on: nothing failed, or all faults are wanted. */
static inline bool run_goes_on(const struct run *r, bool ok)
{
        return !r->stopped && (ok || !r->quiet);
}

/* Does the text match? Reaching a limit is a fault and ends the run. */
bool run_match(struct run *r, const struct pattern *p, struct str text, const struct place *at);

/* The known name that is nearest to this unknown one; STR_NULL when none is near. */
struct str suggest_name(const struct map *known, struct str name);

/* Records a fault as "<the place's name> <message>". Always false. */
bool report(struct run *r, const struct place *at, const char *rule, const char *fmt, ...)
        _printf_(4, 5) __attribute__((noinline, cold));
bool report_limit(struct run *r, const struct place *at, const char *what)
        __attribute__((noinline, cold));

/* A name or value for a message: shortened, quoted and safe to print. */
struct shown {
        char text[120];
};
const char *show(struct shown *s, struct str name);
const char *show_json(struct shown *s, const struct json *v);

#endif
