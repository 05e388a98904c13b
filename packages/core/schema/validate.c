/*
 * Walking a value along the compiled schema. Everything recursive keeps its frames small: the
 * deepest walk has to fit a server thread's stack.
 */
#include "schema/run.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX       1100                /* nested schemas; JSON itself is at most 512 deep */
#define STEPS_MAX       UINT64_C(100000000) /* schemas applied in one validation */
#define STEPS_PER_CLOCK UINT64_C(0x3fff)    /* how often the deadline is looked at */

void marks_init(struct marks *m, const struct json *v)
{
        size_t words = (json_len(v) + 63) / 64;

        *m = (struct marks){.count = json_len(v)};
        m->bits = words > 1 ? mem_alloc(words * sizeof *m->bits) : NULL;
}

void marks_finish(struct marks *m)
{
        mem_free(m->bits);
}

static uint64_t *marks_words(struct marks *m)
{
        return m->bits ? m->bits : &m->small;
}

void marks_add(struct marks *m, size_t i)
{
        if (m)
                marks_words(m)[i / 64] |= UINT64_C(1) << (i % 64);
}

void marks_add_all(struct marks *m)
{
        if (m)
                memset(marks_words(m), 0xff, MAX_OF((m->count + 63) / 64, (size_t)1) * 8);
}

void marks_merge(struct marks *m, const struct marks *more)
{
        const uint64_t *from = more->bits ? more->bits : &more->small;

        for (size_t i = 0; i < (m->count + 63) / 64; i++)
                marks_words(m)[i] |= from[i];
}

bool marks_has(const struct marks *m, size_t i)
{
        const uint64_t *words = m->bits ? m->bits : &m->small;

        return words[i / 64] >> (i % 64) & 1;
}

bool run_match(struct run *r, const struct pattern *p, struct str text, const struct place *at)
{
        enum pattern_result got = pattern_match(p, &r->patterns, text);

        if (got == PATTERN_LIMIT)
                report_limit(r, at, "takes too much work to compare with the schema's patterns");
        return got == PATTERN_YES;
}

bool eval_quiet(struct run *r, const struct node *n, const struct json *v, const struct place *at,
                struct marks *marks, struct reason *reason)
{
        struct reason *before = r->reason;

        r->quiet++;
        r->reason = reason;
        bool ok = eval(r, n, v, at, marks);

        r->reason = before;
        r->quiet--;
        return ok;
}

/* As eval_quiet, but marks only what a match evaluated. */
static bool eval_branch(struct run *r, const struct node *n, const struct json *v,
                        const struct place *at, struct marks *marks, struct reason *reason)
{
        if (!marks)
                return eval_quiet(r, n, v, at, NULL, reason);
        _cleanup_(marks_finish) struct marks mine;

        marks_init(&mine, v);
        bool ok = eval_quiet(r, n, v, at, &mine, reason);

        if (ok)
                marks_merge(marks, &mine);
        return ok;
}

/* Says of the branch that came furthest why it did not match. */
static __attribute__((noinline)) bool report_nearest(struct run *r, const struct node_list *list,
                                                     const struct json *v, const struct place *at,
                                                     const char *rule)
{
        struct reason best = {0};

        if (r->quiet && !r->reason)
                return false;
        for (size_t i = 0; i < list->len && i < 16; i++) {
                struct reason why = {0};

                eval_quiet(r, list->ptr[i], v, at, NULL, &why);
                if (why.rule && (!best.rule || why.depth > best.depth))
                        best = why;
        }
        if (list->len == 1)
                return report(r, at, rule, "does not match: %.200s", best.text);
        return report(r, at, rule, "matches none of the %zu allowed forms (nearest: %.200s)",
                      list->len, best.text);
}

static bool eval_any_of(struct run *r, const struct node_list *list, const struct json *v,
                        const struct place *at, struct marks *marks)
{
        bool ok = false;

        for (size_t i = 0; i < list->len && !(ok && !marks) && !r->stopped; i++)
                ok |= eval_branch(r, list->ptr[i], v, at, marks, NULL);
        return ok || report_nearest(r, list, v, at, "anyOf");
}

static bool eval_one_of(struct run *r, const struct node_list *list, const struct json *v,
                        const struct place *at, struct marks *marks)
{
        size_t matches = 0, first = 0;

        for (size_t i = 0; i < list->len && matches < 2 && !r->stopped; i++) {
                if (!eval_branch(r, list->ptr[i], v, at, marks, NULL))
                        continue;
                if (++matches == 2)
                        return report(r, at, "oneOf",
                                      "matches forms %zu and %zu where exactly one is allowed",
                                      first + 1, i + 1);
                first = i;
        }
        return matches == 1 || report_nearest(r, list, v, at, "oneOf");
}

static bool eval_combine(struct run *r, const struct combine_rules *k, const struct json *v,
                         const struct place *at, struct marks *marks)
{
        bool ok = true;

        if (k->ref)
                ok &= eval(r, k->ref, v, at, marks);
        for (size_t i = 0; i < k->all_of.len && run_goes_on(r, ok); i++)
                ok &= eval(r, k->all_of.ptr[i], v, at, marks);
        if (k->any_of.len && run_goes_on(r, ok))
                ok &= eval_any_of(r, &k->any_of, v, at, marks);
        if (k->one_of.len && run_goes_on(r, ok))
                ok &= eval_one_of(r, &k->one_of, v, at, marks);
        if (k->not &&run_goes_on(r, ok) && eval_quiet(r, k->not, v, at, NULL, NULL))
                ok = report(r, at, "not", "is of a form that is not allowed");
        if (k->when && run_goes_on(r, ok)) {
                const struct node *next =
                        eval_branch(r, k->when, v, at, marks, NULL) ? k->then : k->otherwise;

                if (next && !r->stopped)
                        ok &= eval(r, next, v, at, marks);
        }
        return ok && !r->stopped;
}

static bool has_type(unsigned types, const struct json *v)
{
        switch (json_kind(v)) {
        case JSON_KIND_NULL: return types & TYPE_NULL;
        case JSON_KIND_BOOL: return types & TYPE_BOOLEAN;
        case JSON_KIND_STRING: return types & TYPE_STRING;
        case JSON_KIND_ARRAY: return types & TYPE_ARRAY;
        case JSON_KIND_OBJECT: return types & TYPE_OBJECT;
        case JSON_KIND_INT: return types & (TYPE_INTEGER | TYPE_NUMBER);
        default: break;
        }
        double d = json_get_double(v, 0);

        return (types & TYPE_NUMBER) ||
               ((types & TYPE_INTEGER) && !(d < __builtin_trunc(d) || d > __builtin_trunc(d)));
}

static const char *kind_name(const struct json *v)
{
        switch (json_kind(v)) {
        case JSON_KIND_NULL: return "null";
        case JSON_KIND_BOOL: return "a boolean";
        case JSON_KIND_STRING: return "a string";
        case JSON_KIND_ARRAY: return "an array";
        case JSON_KIND_OBJECT: return "an object";
        default: return "a number";
        }
}

static bool in_enum(const struct node *n, const struct json *v)
{
        size_t low = 0, high = json_len(n->choices);
        uint64_t hash = hash_json(v);

        while (low < high) {
                size_t mid = (low + high) / 2;

                if (n->choice_index[mid].hash < hash)
                        low = mid + 1;
                else
                        high = mid;
        }
        for (; low < json_len(n->choices) && n->choice_index[low].hash == hash; low++)
                if (json_same(json_at(n->choices, n->choice_index[low].index), v))
                        return true;
        return false;
}

static __attribute__((noinline, cold)) bool report_enum(struct run *r, const struct node *n,
                                                        const struct place *at)
{
        struct shown s;
        struct buf b;
        size_t count = json_len(n->choices), i = 0;

        buf_init(&b, NULL, 4096);
        for (; i < count && i < 20 && b.len < 240; i++) {
                buf_add_c(&b, i ? ", " : "");
                buf_add_c(&b, show_json(&s, json_at(n->choices, i)));
        }
        report(r, at, "enum", "must be %s%.*s%s", count > 1 ? "one of " : "", FMT(buf_str(&b)),
               i < count ? ", …" : "");
        buf_finish(&b);
        return false;
}

static __attribute__((noinline)) bool eval_value(struct run *r, const struct node *n,
                                                 const struct json *v, const struct place *at)
{
        bool ok = true;

        if (n->types && !has_type(n->types, v))
                ok = report(r, at, "type", "must be %.*s, not %s", FMT(n->said), kind_name(v));
        if (n->constant && !json_same(n->constant, v)) {
                struct shown s;

                ok = report(r, at, "const", "must be %s", show_json(&s, n->constant));
        }
        if (n->choices && !in_enum(n, v))
                ok = report_enum(r, n, at);
        return ok;
}

/* Exact for all 64-bit integers and doubles. */
static long double number(const struct json *v)
{
        return json_kind(v) == JSON_KIND_INT ? (long double)json_get_i64(v, 0)
                                             : (long double)json_get_double(v, 0);
}

static __attribute__((noinline)) bool eval_number(struct run *r, const struct number_rules *k,
                                                  const struct json *v, const struct place *at)
{
        long double x = number(v);
        bool ok = true;
        struct shown s;

        if (k->min && x < number(k->min))
                ok = report(r, at, "minimum", "must be at least %s", show_json(&s, k->min));
        if (k->max && x > number(k->max))
                ok = report(r, at, "maximum", "must be at most %s", show_json(&s, k->max));
        if (k->above && x <= number(k->above))
                ok = report(r, at, "exclusiveMinimum", "must be more than %s",
                            show_json(&s, k->above));
        if (k->below && x >= number(k->below))
                ok = report(r, at, "exclusiveMaximum", "must be less than %s",
                            show_json(&s, k->below));
        if (k->step && !decimal_multiple(v, k->step))
                ok = report(r, at, "multipleOf", "must be a multiple of %s",
                            show_json(&s, k->step));
        return ok;
}

static size_t code_points(struct str s)
{
        size_t n = 0;

        for (size_t i = 0; i < s.len; i++)
                n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
        return n;
}

static __attribute__((noinline)) bool eval_text(struct run *r, const struct text_rules *k,
                                                struct str s, const struct place *at)
{
        bool ok = true;

        if (k->min || k->max != COUNT_NONE) {
                size_t n = code_points(s);

                if (n < k->min && n == 0)
                        ok = report(r, at, "minLength", "must not be empty");
                else if (n < k->min)
                        ok = report(r, at, "minLength", "must have at least %zu characters",
                                    k->min);
                if (n > k->max)
                        ok = report(r, at, "maxLength", "must have at most %zu character%s", k->max,
                                    k->max == 1 ? "" : "s");
        }
        if (k->pattern && !run_match(r, k->pattern, s, at))
                ok = report(r, at, "pattern", "must match the pattern %.*s",
                            FMT(str_slice(pattern_text(k->pattern), 0, 200)));
        if (k->format && !k->format->check(s))
                ok = report(r, at, "format", "must be %s", k->format->what);
        return ok;
}

bool eval_name(struct run *r, const struct node *n, struct str name, const struct place *at)
{
        struct arena a;

        while (n->alias)
                n = n->combine->ref;
        if (!n->fixed && !n->combine && !n->constant && !n->choices &&
            (!n->types || (n->types & TYPE_STRING)))
                return !n->text || eval_text(r, n->text, name, at);
        arena_init(&a, SIZE_MAX / 2); /* anything else is asked of a JSON string */
        bool ok = eval(r, n, json_from_str(&a, name), at, NULL);

        arena_finish(&a);
        return ok;
}

static bool eval_inside(struct run *r, const struct node *n, const struct json *v,
                        const struct place *at, struct marks *marks)
{
        if (n->number && json_is_number(v))
                return eval_number(r, n->number, v, at);
        if (n->text && json_is_string(v))
                return eval_text(r, n->text, json_get_str(v), at);
        if (n->array && json_is_array(v))
                return eval_array(r, n->array, v, at, marks);
        if (n->object && json_is_object(v))
                return eval_object(r, n->object, v, at, marks);
        return true;
}

static bool eval_rules(struct run *r, const struct node *n, const struct json *v,
                       const struct place *at, struct marks *marks)
{
        bool ok = eval_value(r, n, v, at);

        if (n->combine && run_goes_on(r, ok))
                ok &= eval_combine(r, n->combine, v, at, marks);
        if (run_goes_on(r, ok))
                ok &= eval_inside(r, n, v, at, marks);
        return ok;
}

/* unevaluated…: after all else, on what nothing else in this schema object has evaluated. */
static __attribute__((noinline)) bool eval_unevaluated(struct run *r, const struct node *n,
                                                       const struct json *v, const struct place *at,
                                                       struct marks *marks)
{
        _cleanup_(marks_finish) struct marks mine;

        marks_init(&mine, v);
        bool ok = eval_rules(r, n, v, at, &mine);

        if (run_goes_on(r, ok) && json_is_object(v))
                ok &= eval_unevaluated_members(r, n->object->unevaluated, v, at, &mine);
        if (run_goes_on(r, ok) && json_is_array(v))
                ok &= eval_unevaluated_items(r, n->array->unevaluated, v, at, &mine);
        if (ok && marks)
                marks_merge(marks, &mine);
        return ok;
}

static bool enter(struct run *r, const struct place *at)
{
        if (r->stopped)
                return false;
        if (r->depth >= DEPTH_MAX)
                return report_limit(r, at, "is nested too deeply for this schema");
        if (++r->steps > STEPS_MAX)
                return report_limit(r, at, "takes too much work to compare with the schema");
        if ((r->steps & STEPS_PER_CLOCK) == 0 && ctx_time_left_ms(r->ctx) == 0) {
                r->late = r->stopped = true;
                return false;
        }
        r->depth++;
        return true;
}

bool eval(struct run *r, const struct node *n, const struct json *v, const struct place *at,
          struct marks *marks)
{
        while (n->alias)
                n = n->combine->ref;
        if (n->fixed)
                return n->accepts || report(r, at, "false", "is not allowed here");
        if (!enter(r, at))
                return false;
        bool watched = (n->object && n->object->unevaluated && json_is_object(v)) ||
                       (n->array && n->array->unevaluated && json_is_array(v));
        bool ok = watched ? eval_unevaluated(r, n, v, at, marks) : eval_rules(r, n, v, at, marks);

        r->depth--;
        return ok;
}

enum err schema_validate(struct ctx *ctx, const struct schema *schema, const struct json *value,
                         struct str base)
{
        struct run r = {.ctx = ctx, .base = base};
        const struct place root = {0};
        size_t before = ctx->faults.len;
        bool ok = eval(&r, schema->root, value, &root, NULL);

        pattern_run_finish(&r.patterns);
        if (r.late)
                return fail(ctx, ERR_TIMEOUT, "checking the value took too long");
        if (ok)
                return OK;
        const struct fault *f = &ctx->faults.ptr[before];

        return fail(ctx, ERR_VALIDATION, "%.*s%s", FMT(f->message),
                    r.faults > 1 ? " (and more faults)" : "");
}
