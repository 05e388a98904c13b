/* One function for each shape of keyword: checks its value and fills the node. */
#include "schema/internal.h"

#include <stdlib.h>
#include <string.h>

/* What a keyword's function works on. */
struct site {
        struct compiler *c;
        struct entry *e;
        const struct json *value;
        struct str name;    /* the keyword */
        struct str pointer; /* of its value */
};

struct keyword {
        const char *name;
        void (*compile)(struct site *s, void *field);
        enum group { NODE, COMBINE, NUMBER, TEXT, ARRAY, OBJECT } group;
        size_t offset; /* of the field, in the group's struct */
};

static struct arena *own(struct site *s)
{
        return &s->c->schema->arena;
}

static bool expect(struct site *s, bool ok, const char *what)
{
        if (!ok)
                compile_fault(s->c, s->pointer, s->name.ptr, "\"%.*s\" must be %s", FMT(s->name),
                              what);
        return ok;
}

static const struct node *subschema(struct site *s, const struct json *v, struct str pointer)
{
        if (json_is_bool(v))
                return json_get_bool(v, false) ? &s->c->schema->yes : &s->c->schema->no;
        struct entry *e = json_is_object(v) ? refs_entry(s->c, v) : NULL;

        if (e)
                return e->node;
        compile_fault(s->c, pointer, s->name.ptr, "must be a schema: an object, true or false%s",
                      json_is_array(v) && str_eq_c(s->name, "items")
                              ? " (a list of schemas is called \"prefixItems\")"
                              : "");
        return &s->c->schema->yes;
}

static void on_schema(struct site *s, void *field)
{
        *(const struct node **)field = subschema(s, s->value, s->pointer);
}

static void on_schemas(struct site *s, void *field)
{
        struct node_list *list = field;

        if (!expect(s, json_is_array(s->value) && json_len(s->value), "a list of schemas"))
                return;
        list->ptr = arena_alloc_array(own(s), json_len(s->value), sizeof *list->ptr);
        for (size_t i = 0; i < json_len(s->value); i++)
                list->ptr[list->len++] = subschema(s, json_at(s->value, i),
                                                   pointer_add_index(&s->c->tmp, s->pointer, i));
}

static void on_ref(struct site *s, void *field)
{
        const struct node **ref = field;

        if (!expect(s, json_is_string(s->value), "a URI reference"))
                return;
        *ref = refs_resolve(s->c, s->e, json_get_str(s->value));
        if (!*ref)
                compile_fault(s->c, s->pointer, "$ref", "\"%.*s\" leads nowhere",
                              FMT(json_get_str(s->value)));
}

static int name_cmp(const void *a, const void *b)
{
        return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool repeated(const struct name_list *list)
{
        _cleanup_(mem_freep) struct str *sorted = mem_alloc((list->len + 1) * sizeof *sorted);

        if (list->len)
                memcpy(sorted, list->ptr, list->len * sizeof *sorted);
        qsort(sorted, list->len, sizeof *sorted, name_cmp);
        for (size_t i = 1; i < list->len; i++)
                if (str_eq(sorted[i - 1], sorted[i]))
                        return true;
        return false;
}

static unsigned type_bits(struct str name)
{
        static const struct {
                const char *name;
                unsigned bits;
        } types[] = {
                {"null", TYPE_NULL},     {"boolean", TYPE_BOOLEAN},
                {"string", TYPE_STRING}, {"integer", TYPE_INTEGER},
                {"array", TYPE_ARRAY},   {"number", TYPE_NUMBER | TYPE_INTEGER},
                {"object", TYPE_OBJECT},
        };

        for (size_t i = 0; i < ELEMENTS(types); i++)
                if (str_eq_c(name, types[i].name))
                        return types[i].bits;
        return 0;
}

static void on_type(struct site *s, void *field)
{
        struct node *n = field;
        size_t count = json_is_array(s->value) ? json_len(s->value) : 1;
        struct name_list names = {
                .ptr = arena_alloc_array(&s->c->tmp, count + 1, sizeof *names.ptr)};
        struct buf said;
        bool ok = count > 0;

        buf_init(&said, own(s), 400);
        for (size_t i = 0; i < count && ok; i++) {
                struct str name =
                        json_get_str(json_is_array(s->value) ? json_at(s->value, i) : s->value);
                unsigned bits = type_bits(name);
                bool vowel = name.len && strchr("aio", name.ptr[0]);

                names.ptr[names.len++] = name;
                n->types |= bits;
                ok = bits != 0;
                buf_printf(&said, "%s%s%.*s", i ? " or " : "",
                           bits == TYPE_NULL ? ""
                           : vowel           ? "an "
                                             : "a ",
                           FMT(name));
        }
        if (expect(s, ok && !repeated(&names),
                   "one or several of null, boolean, integer, number, string, array, object"))
                n->said = buf_str(&said);
}

static void on_const(struct site *s, void *field)
{
        *(const struct json **)field = s->value;
}

static void on_enum(struct site *s, void *field)
{
        struct node *n = field;
        size_t count = json_len(s->value);

        if (!expect(s, json_is_array(s->value), "a list of values"))
                return;
        struct hashed *index = arena_alloc_array(own(s), count + 1, sizeof *index);

        for (size_t i = 0; i < count; i++)
                index[i] = (struct hashed){hash_json(json_at(s->value, i)), i};
        qsort(index, count, sizeof *index, hashed_cmp);
        n->choices = s->value;
        n->choice_index = index;
}

static void on_number(struct site *s, void *field)
{
        if (expect(s, json_is_number(s->value), "a number"))
                *(const struct json **)field = s->value;
}

static void on_step(struct site *s, void *field)
{
        if (expect(s, json_get_double(s->value, 0) > 0, "a number above 0"))
                *(const struct json **)field = s->value;
}

static void on_count(struct site *s, void *field)
{
        int64_t v = json_get_i64(s->value, -1);

        if (expect(s, v >= 0, "a whole number that is not negative"))
                *(size_t *)field = (size_t)v;
}

static void on_bool(struct site *s, void *field)
{
        if (expect(s, json_is_bool(s->value), "true or false"))
                *(bool *)field = json_get_bool(s->value, false);
}

static const struct pattern *compile_pattern(struct site *s, struct str text, struct str pointer)
{
        char why[160] = "";
        const struct pattern *p = NULL;

        if (!pattern_compile(own(s), text, why, sizeof why, &p))
                compile_fault(s->c, pointer, s->name.ptr, "is not a regular expression: %s", why);
        return p;
}

static void on_pattern(struct site *s, void *field)
{
        if (expect(s, json_is_string(s->value), "a regular expression"))
                *(const struct pattern **)field =
                        compile_pattern(s, json_get_str(s->value), s->pointer);
}

static void on_format(struct site *s, void *field)
{
        if (expect(s, json_is_string(s->value), "the name of a format"))
                *(const struct format **)field = format_find(json_get_str(s->value));
}

static void on_properties(struct site *s, void *field)
{
        if (!expect(s, json_is_object(s->value), "an object of schemas"))
                return;
        JSON_EACH_MEMBER (it, s->value) {
                struct str at = pointer_add(&s->c->tmp, s->pointer, it.key);

                map_put(own(s), field, it.key, (void *)(uintptr_t)subschema(s, it.value, at));
        }
}

static void on_pattern_properties(struct site *s, void *field)
{
        struct object_rules *o = field;

        if (!expect(s, json_is_object(s->value), "an object of schemas"))
                return;
        o->patterns = arena_alloc_array(own(s), json_len(s->value) + 1, sizeof *o->patterns);
        JSON_EACH_MEMBER (it, s->value) {
                struct str at = pointer_add(&s->c->tmp, s->pointer, it.key);
                const struct node *n = subschema(s, it.value, at);
                const struct pattern *p = compile_pattern(s, it.key, at);

                if (p)
                        o->patterns[o->pattern_count++] = (struct named_pattern){p, n};
        }
}

static void fill_names(struct site *s, const struct json *v, struct str pointer,
                       struct name_list *list)
{
        size_t count = json_len(v);
        bool ok = json_is_array(v);

        list->ptr = arena_alloc_array(own(s), count + 1, sizeof *list->ptr);
        for (size_t i = 0; i < count && ok; i++) {
                ok = json_is_string(json_at(v, i));
                list->ptr[list->len++] = json_get_str(json_at(v, i));
        }
        if (!ok || repeated(list))
                compile_fault(s->c, pointer, s->name.ptr,
                              "must be a list of different property names");
}

static void on_names(struct site *s, void *field)
{
        fill_names(s, s->value, s->pointer, field);
}

static void on_dependent_required(struct site *s, void *field)
{
        struct object_rules *o = field;

        if (!expect(s, json_is_object(s->value), "an object of lists of property names"))
                return;
        o->needs = arena_alloc_array(own(s), json_len(s->value) + 1, sizeof *o->needs);
        JSON_EACH_MEMBER (it, s->value) {
                struct dependency *d = &o->needs[o->needs_count++];

                d->name = it.key;
                fill_names(s, it.value, pointer_add(&s->c->tmp, s->pointer, it.key), &d->required);
        }
}

static void on_dependent_schemas(struct site *s, void *field)
{
        struct object_rules *o = field;

        if (!expect(s, json_is_object(s->value), "an object of schemas"))
                return;
        o->schemas = arena_alloc_array(own(s), json_len(s->value) + 1, sizeof *o->schemas);
        JSON_EACH_MEMBER (it, s->value) {
                struct str at = pointer_add(&s->c->tmp, s->pointer, it.key);

                o->schemas[o->schemas_count++] =
                        (struct dependency){.name = it.key, .schema = subschema(s, it.value, at)};
        }
}

/* $defs and definitions: their schemas were found by refs_index; only their shape is checked. */
static void on_definitions(struct site *s, void *field)
{
        if (!expect(s, json_is_object(s->value), "an object of schemas"))
                return;
        JSON_EACH_MEMBER (it, s->value)
                subschema(s, it.value, pointer_add(&s->c->tmp, s->pointer, it.key));
}

static void on_text(struct site *s, void *field)
{
        expect(s, json_is_string(s->value), "a string");
}

static void on_list(struct site *s, void *field)
{
        expect(s, json_is_array(s->value), "a list");
}

static void on_flag(struct site *s, void *field)
{
        expect(s, json_is_bool(s->value), "true or false");
}

static void on_dialect(struct site *s, void *field)
{
        struct str v = json_get_str(s->value);

        if (str_ends(v, STR("#")))
                v.len--;
        expect(s, str_eq_c(v, "https://json-schema.org/draft/2020-12/schema"),
               "https://json-schema.org/draft/2020-12/schema; other dialects are not read");
}

static void on_unsupported(struct site *s, void *field)
{
        compile_fault(s->c, s->pointer, s->name.ptr, "\"%.*s\" is not supported", FMT(s->name));
}

static const struct keyword keywords[] = {
        {"$ref", on_ref, COMBINE, offsetof(struct combine_rules, ref)},
        {"allOf", on_schemas, COMBINE, offsetof(struct combine_rules, all_of)},
        {"anyOf", on_schemas, COMBINE, offsetof(struct combine_rules, any_of)},
        {"oneOf", on_schemas, COMBINE, offsetof(struct combine_rules, one_of)},
        {"not", on_schema, COMBINE, offsetof(struct combine_rules, not )},
        {"if", on_schema, COMBINE, offsetof(struct combine_rules, when)},
        {"then", on_schema, COMBINE, offsetof(struct combine_rules, then)},
        {"else", on_schema, COMBINE, offsetof(struct combine_rules, otherwise)},
        {"type", on_type, NODE, 0},
        {"const", on_const, NODE, offsetof(struct node, constant)},
        {"enum", on_enum, NODE, 0},
        {"minimum", on_number, NUMBER, offsetof(struct number_rules, min)},
        {"maximum", on_number, NUMBER, offsetof(struct number_rules, max)},
        {"exclusiveMinimum", on_number, NUMBER, offsetof(struct number_rules, above)},
        {"exclusiveMaximum", on_number, NUMBER, offsetof(struct number_rules, below)},
        {"multipleOf", on_step, NUMBER, offsetof(struct number_rules, step)},
        {"minLength", on_count, TEXT, offsetof(struct text_rules, min)},
        {"maxLength", on_count, TEXT, offsetof(struct text_rules, max)},
        {"pattern", on_pattern, TEXT, offsetof(struct text_rules, pattern)},
        {"format", on_format, TEXT, offsetof(struct text_rules, format)},
        {"minItems", on_count, ARRAY, offsetof(struct array_rules, min)},
        {"maxItems", on_count, ARRAY, offsetof(struct array_rules, max)},
        {"uniqueItems", on_bool, ARRAY, offsetof(struct array_rules, unique)},
        {"prefixItems", on_schemas, ARRAY, offsetof(struct array_rules, prefix)},
        {"items", on_schema, ARRAY, offsetof(struct array_rules, items)},
        {"contains", on_schema, ARRAY, offsetof(struct array_rules, contains)},
        {"minContains", on_count, ARRAY, offsetof(struct array_rules, min_contains)},
        {"maxContains", on_count, ARRAY, offsetof(struct array_rules, max_contains)},
        {"unevaluatedItems", on_schema, ARRAY, offsetof(struct array_rules, unevaluated)},
        {"minProperties", on_count, OBJECT, offsetof(struct object_rules, min)},
        {"maxProperties", on_count, OBJECT, offsetof(struct object_rules, max)},
        {"required", on_names, OBJECT, offsetof(struct object_rules, required)},
        {"properties", on_properties, OBJECT, offsetof(struct object_rules, properties)},
        {"patternProperties", on_pattern_properties, OBJECT, 0},
        {"additionalProperties", on_schema, OBJECT, offsetof(struct object_rules, additional)},
        {"propertyNames", on_schema, OBJECT, offsetof(struct object_rules, names)},
        {"unevaluatedProperties", on_schema, OBJECT, offsetof(struct object_rules, unevaluated)},
        {"dependentRequired", on_dependent_required, OBJECT, 0},
        {"dependentSchemas", on_dependent_schemas, OBJECT, 0},
        {"$defs", on_definitions, NODE, 0},
        {"definitions", on_definitions, NODE, 0},
        {"$schema", on_dialect, NODE, 0},
        {"$id", on_text, NODE, 0},
        {"$anchor", on_text, NODE, 0},
        {"$dynamicAnchor", on_text, NODE, 0},
        {"$comment", on_text, NODE, 0},
        {"title", on_text, NODE, 0},
        {"description", on_text, NODE, 0},
        {"examples", on_list, NODE, 0},
        {"deprecated", on_flag, NODE, 0},
        {"readOnly", on_flag, NODE, 0},
        {"writeOnly", on_flag, NODE, 0},
        {"contentEncoding", on_text, NODE, 0},
        {"contentMediaType", on_text, NODE, 0},
        {"$dynamicRef", on_unsupported, NODE, 0},
};

static void *group_of(struct arena *a, struct node *n, enum group group)
{
        switch (group) {
        case COMBINE:
                if (!n->combine)
                        n->combine = arena_new(a, struct combine_rules);
                return n->combine;
        case NUMBER:
                if (!n->number)
                        n->number = arena_new(a, struct number_rules);
                return n->number;
        case TEXT:
                if (!n->text) {
                        n->text = arena_new(a, struct text_rules);
                        n->text->max = COUNT_NONE;
                }
                return n->text;
        case ARRAY:
                if (!n->array) {
                        n->array = arena_new(a, struct array_rules);
                        n->array->max = n->array->max_contains = COUNT_NONE;
                        n->array->min_contains = 1;
                }
                return n->array;
        case OBJECT:
                if (!n->object) {
                        n->object = arena_new(a, struct object_rules);
                        n->object->max = COUNT_NONE;
                }
                return n->object;
        default: return n;
        }
}

static bool only_ref(const struct node *n)
{
        return n->combine && n->combine->ref && !n->types && !n->constant && !n->choices &&
               !n->number && !n->text && !n->array && !n->object && !n->combine->all_of.len &&
               !n->combine->any_of.len && !n->combine->one_of.len &&
               !n->combine->not &&!n->combine->when;
}

void keywords_compile(struct compiler *c, struct entry *e)
{
        struct node *n = e->node;

        for (size_t i = 0; i < ELEMENTS(keywords); i++) {
                const struct keyword *k = &keywords[i];
                const struct json *value = json_member(e->source, k->name);

                if (!value)
                        continue;
                struct site s = {.c = c,
                                 .e = e,
                                 .value = value,
                                 .name = str_from(k->name),
                                 .pointer = pointer_add(&c->tmp, e->pointer, str_from(k->name))};

                k->compile(&s, (char *)group_of(&c->schema->arena, n, k->group) + k->offset);
        }
        n->alias = only_ref(n);
}
