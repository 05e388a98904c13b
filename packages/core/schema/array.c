/* The keywords of arrays. */
#include "schema/run.h"

#include <stdlib.h>

static bool eval_items(struct run *r, const struct array_rules *a, const struct json *v,
                       const struct place *at, struct marks *marks)
{
        bool ok = true;
        size_t count = json_len(v);
        struct place item = {.up = at};

        for (size_t i = 0; i < count && run_goes_on(r, ok); i++) {
                const struct node *n = i < a->prefix.len ? a->prefix.ptr[i] : a->items;

                if (!n)
                        break;
                item.index = i;
                if (i >= a->prefix.len && n->fixed && !n->accepts)
                        return report(r, at, "items", "must have at most %zu item%s", a->prefix.len,
                                      a->prefix.len == 1 ? "" : "s");
                ok &= eval(r, n, json_at(v, i), &item, NULL);
                marks_add(marks, i);
        }
        return ok;
}

static bool eval_contains(struct run *r, const struct array_rules *a, const struct json *v,
                          const struct place *at, struct marks *marks)
{
        size_t found = 0, count = json_len(v);
        struct place item = {.up = at};

        for (size_t i = 0; i < count && !r->stopped; i++) {
                item.index = i;
                if (!eval_quiet(r, a->contains, json_at(v, i), &item, NULL, NULL))
                        continue;
                marks_add(marks, i);
                found++;
                if (!marks && found >= a->min_contains && a->max_contains == COUNT_NONE)
                        return true;
        }
        if (r->stopped)
                return false;
        if (found < a->min_contains)
                return report(r, at, a->min_contains == 1 ? "contains" : "minContains",
                              "must have at least %zu item%s of the form that is asked for",
                              a->min_contains, a->min_contains == 1 ? "" : "s");
        if (found > a->max_contains)
                return report(r, at, "maxContains",
                              "must have at most %zu item%s of the form that is counted",
                              a->max_contains, a->max_contains == 1 ? "" : "s");
        return true;
}

/* Sorts by hash, then compares only neighbours of the same hash. */
static __attribute__((noinline)) bool eval_unique(struct run *r, const struct json *v,
                                                  const struct place *at)
{
        size_t count = json_len(v);
        _cleanup_(mem_freep) struct hashed *items = mem_alloc(count * sizeof *items);

        for (size_t i = 0; i < count; i++)
                items[i] = (struct hashed){hash_json(json_at(v, i)), i};
        qsort(items, count, sizeof *items, hashed_cmp);
        for (size_t i = 0; i < count; i++)
                for (size_t k = i + 1; k < count && items[k].hash == items[i].hash; k++)
                        if (json_same(json_at(v, items[i].index), json_at(v, items[k].index)))
                                return report(r, at, "uniqueItems",
                                              "must not repeat an item (%zu and %zu are equal)",
                                              items[i].index, items[k].index);
        return true;
}

static __attribute__((noinline)) bool eval_size(struct run *r, const struct array_rules *a,
                                                size_t n, const struct place *at)
{
        bool ok = true;

        if (n < a->min)
                ok = report(r, at, "minItems", "must have at least %zu item%s", a->min,
                            a->min == 1 ? "" : "s");
        if (n > a->max)
                ok = report(r, at, "maxItems", "must have at most %zu item%s", a->max,
                            a->max == 1 ? "" : "s");
        return ok;
}

bool eval_array(struct run *r, const struct array_rules *a, const struct json *v,
                const struct place *at, struct marks *marks)
{
        bool ok = eval_size(r, a, json_len(v), at);

        if (a->unique && json_len(v) > 1 && run_goes_on(r, ok))
                ok &= eval_unique(r, v, at);
        if ((a->prefix.len || a->items) && run_goes_on(r, ok))
                ok &= eval_items(r, a, v, at, marks);
        if (a->contains && run_goes_on(r, ok))
                ok &= eval_contains(r, a, v, at, marks);
        return ok;
}

bool eval_unevaluated_items(struct run *r, const struct node *rule, const struct json *v,
                            const struct place *at, struct marks *marks)
{
        bool ok = true;
        size_t count = json_len(v);
        struct place item = {.up = at};

        for (size_t i = 0; i < count && run_goes_on(r, ok); i++) {
                if (marks_has(marks, i))
                        continue;
                item.index = i;
                if (rule->fixed && !rule->accepts)
                        ok = report(r, &item, "unevaluatedItems", "is one item too many");
                else
                        ok &= eval(r, rule, json_at(v, i), &item, NULL);
        }
        if (ok)
                marks_add_all(marks);
        return ok;
}
