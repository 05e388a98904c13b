/* The keywords of objects. */
#include "schema/run.h"

static __attribute__((noinline, cold)) bool report_unknown(struct run *r,
                                                           const struct place *member,
                                                           const struct object_rules *o,
                                                           const char *rule)
{
        struct str meant = STR_NULL;
        struct shown s;

        if (o && !r->quiet)
                meant = suggest_name(&o->properties, member->key);
        if (meant.ptr)
                return report(r, member, rule, "is an unknown field; is %s meant?",
                              show(&s, meant));
        return report(r, member, rule, "is an unknown field");
}

static __attribute__((noinline)) bool check_name(struct run *r, const struct node *rule,
                                                 const struct place *member)
{
        const struct place name = {.up = member->up, .key = member->key};
        struct reason why = {0}, *before = r->reason;

        r->reason = r->quiet && !before ? NULL : &why;
        r->quiet++;
        bool ok = eval_name(r, rule, member->key, &name);

        r->quiet--;
        r->reason = before;
        return ok || report(r, member, "propertyNames", "is not an allowed name: %s",
                            why.text + why.predicate);
}

static bool eval_member(struct run *r, const struct object_rules *o, const struct json *v,
                        const struct place *at, struct marks *marks)
{
        const struct node *n = map_get(&o->properties, at->key);
        bool ok = true, known = n != NULL;

        if (n)
                ok &= eval(r, n, v, at, NULL);
        for (size_t i = 0; i < o->pattern_count && run_goes_on(r, ok); i++)
                if (run_match(r, o->patterns[i].pattern, at->key, at)) {
                        known = true;
                        ok &= eval(r, o->patterns[i].node, v, at, NULL);
                }
        if (!known && o->additional && run_goes_on(r, ok)) {
                known = true;
                if (o->additional->fixed && !o->additional->accepts)
                        ok = report_unknown(r, at, o, "additionalProperties");
                else
                        ok &= eval(r, o->additional, v, at, NULL);
        }
        if (known)
                marks_add(marks, at->index);
        if (o->names && run_goes_on(r, ok))
                ok &= check_name(r, o->names, at);
        return ok;
}

static bool eval_members(struct run *r, const struct object_rules *o, const struct json *v,
                         const struct place *at, struct marks *marks)
{
        bool ok = true;
        struct place member = {.up = at};

        JSON_EACH_MEMBER (it, v) {
                member.key = it.key;
                ok &= eval_member(r, o, it.value, &member, marks);
                if (!run_goes_on(r, ok))
                        break;
                member.index++;
        }
        return ok;
}

static __attribute__((noinline)) bool eval_required(struct run *r, const struct name_list *list,
                                                    const struct json *v, const struct place *at,
                                                    const struct str *because)
{
        bool ok = true;

        for (size_t i = 0; i < list->len && run_goes_on(r, ok); i++) {
                struct place member = {.up = at, .key = list->ptr[i]};

                if (json_member_str(v, list->ptr[i]))
                        continue;
                ok = false;
                if (because) {
                        struct shown s;

                        report(r, &member, "dependentRequired", "is required when %s is there",
                               show(&s, *because));
                } else {
                        report(r, &member, "required", "is required");
                }
        }
        return ok;
}

static __attribute__((noinline)) bool eval_size(struct run *r, const struct object_rules *o,
                                                size_t n, const struct place *at)
{
        bool ok = true;

        if (n < o->min)
                ok = report(r, at, "minProperties", "must have at least %zu propert%s", o->min,
                            o->min == 1 ? "y" : "ies");
        if (n > o->max)
                ok = report(r, at, "maxProperties", "must have at most %zu propert%s", o->max,
                            o->max == 1 ? "y" : "ies");
        return ok;
}

bool eval_object(struct run *r, const struct object_rules *o, const struct json *v,
                 const struct place *at, struct marks *marks)
{
        bool ok = eval_size(r, o, json_len(v), at);

        if (run_goes_on(r, ok))
                ok &= eval_required(r, &o->required, v, at, NULL);
        for (size_t i = 0; i < o->needs_count && run_goes_on(r, ok); i++)
                if (json_member_str(v, o->needs[i].name))
                        ok &= eval_required(r, &o->needs[i].required, v, at, &o->needs[i].name);
        if ((o->properties.len || o->pattern_count || o->additional || o->names) &&
            run_goes_on(r, ok))
                ok &= eval_members(r, o, v, at, marks);
        for (size_t i = 0; i < o->schemas_count && run_goes_on(r, ok); i++)
                if (json_member_str(v, o->schemas[i].name))
                        ok &= eval(r, o->schemas[i].schema, v, at, marks);
        return ok;
}

bool eval_unevaluated_members(struct run *r, const struct node *rule, const struct json *v,
                              const struct place *at, struct marks *marks)
{
        bool ok = true;
        struct place member = {.up = at};

        JSON_EACH_MEMBER (it, v) {
                member.key = it.key;
                if (!marks_has(marks, member.index)) {
                        if (rule->fixed && !rule->accepts)
                                ok = report_unknown(r, &member, NULL, "unevaluatedProperties");
                        else
                                ok &= eval(r, rule, it.value, &member, NULL);
                }
                if (!run_goes_on(r, ok))
                        return false;
                member.index++;
        }
        marks_add_all(marks);
        return ok;
}
