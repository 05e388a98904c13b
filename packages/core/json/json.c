/* JSON values over jansson. See json.h. */
#include "json/json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* jansson has macros of these names; ours are functions. */
#undef json_is_null
#undef json_is_string
#undef json_is_number
#undef json_is_object
#undef json_is_array

#define DEPTH_MAX 512

static json_t *raw(const struct json *v)
{
        return (json_t *)(uintptr_t)v;
}

static struct json *wrap(json_t *v)
{
        return (struct json *)v;
}

static void release(void *v)
{
        json_decref(v);
}

static struct json *own(struct arena *a, json_t *v)
{
        if (!v)
                v = json_null();
        arena_defer(a, release, v);
        return wrap(v);
}

/* jansson's own limit is compiled in (2048), so the nesting is counted before it is called. */
static bool too_deep(struct str text)
{
        size_t depth = 0;
        bool in_string = false;

        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];

                if (in_string) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                in_string = false;
                } else if (c == '"') {
                        in_string = true;
                } else if (c == '[' || c == '{') {
                        if (++depth > DEPTH_MAX)
                                return true;
                } else if ((c == ']' || c == '}') && depth) {
                        depth--;
                }
        }
        return false;
}

enum err json_parse(struct ctx *ctx, struct str text, const struct json **ret)
{
        json_error_t e;

        if (too_deep(text))
                return fail(ctx, ERR_VALIDATION, "JSON is nested deeper than %d levels", DEPTH_MAX);
        json_t *v = json_loadb(text.ptr ? text.ptr : "", text.len,
                               JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);

        if (!v && json_error_code(&e) == json_error_numeric_overflow)
                v = json_loadb(text.ptr, text.len,
                               JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL |
                                       JSON_DECODE_INT_AS_REAL,
                               &e);
        if (!v)
                return fail(ctx, ERR_VALIDATION, "not valid JSON: %s (line %d, column %d)", e.text,
                            e.line, e.column);
        *ret = own(ctx->arena, v);
        return OK;
}

enum json_kind json_kind(const struct json *v)
{
        if (!v)
                return JSON_KIND_NULL;
        switch (json_typeof(raw(v))) {
        case JSON_OBJECT: return JSON_KIND_OBJECT;
        case JSON_ARRAY: return JSON_KIND_ARRAY;
        case JSON_STRING: return JSON_KIND_STRING;
        case JSON_INTEGER: return JSON_KIND_INT;
        case JSON_REAL: return JSON_KIND_DOUBLE;
        case JSON_TRUE:
        case JSON_FALSE: return JSON_KIND_BOOL;
        default: return JSON_KIND_NULL;
        }
}

bool json_is_string(const struct json *v)
{
        return json_kind(v) == JSON_KIND_STRING;
}

bool json_is_number(const struct json *v)
{
        return json_kind(v) == JSON_KIND_INT || json_kind(v) == JSON_KIND_DOUBLE;
}

bool json_is_object(const struct json *v)
{
        return json_kind(v) == JSON_KIND_OBJECT;
}

bool json_is_array(const struct json *v)
{
        return json_kind(v) == JSON_KIND_ARRAY;
}

bool json_is_bool(const struct json *v)
{
        return json_kind(v) == JSON_KIND_BOOL;
}

bool json_is_null(const struct json *v)
{
        return json_kind(v) == JSON_KIND_NULL;
}

bool json_get_bool(const struct json *v, bool otherwise)
{
        return json_is_bool(v) ? json_typeof(raw(v)) == JSON_TRUE : otherwise;
}

int64_t json_get_i64(const struct json *v, int64_t otherwise)
{
        if (json_kind(v) == JSON_KIND_INT)
                return json_integer_value(raw(v));
        if (json_kind(v) == JSON_KIND_DOUBLE) {
                double d = json_real_value(raw(v));

                if (d == trunc(d) && fabs(d) < 9.2e18)
                        return (int64_t)d;
        }
        return otherwise;
}

double json_get_double(const struct json *v, double otherwise)
{
        return json_is_number(v) ? json_number_value(raw(v)) : otherwise;
}

struct str json_get_str(const struct json *v)
{
        if (!json_is_string(v))
                return STR_NULL;
        return (struct str){json_string_value(raw(v)), json_string_length(raw(v))};
}

size_t json_len(const struct json *v)
{
        if (json_is_array(v))
                return json_array_size(raw(v));
        return json_is_object(v) ? json_object_size(raw(v)) : 0;
}

const struct json *json_at(const struct json *array, size_t i)
{
        return json_is_array(array) ? wrap(json_array_get(raw(array), i)) : NULL;
}

const struct json *json_member(const struct json *object, const char *key)
{
        return json_is_object(object) ? wrap(json_object_get(raw(object), key)) : NULL;
}

const struct json *json_member_str(const struct json *object, struct str key)
{
        if (!json_is_object(object))
                return NULL;
        return wrap(json_object_getn(raw(object), key.ptr ? key.ptr : "", key.len));
}

struct str json_member_text(const struct json *object, const char *key)
{
        return json_get_str(json_member(object, key));
}

static const struct json *pointer_step(const struct json *v, struct str token)
{
        char tmp[512];
        size_t n = 0;

        if (token.len >= sizeof tmp)
                return NULL;
        for (size_t i = 0; i < token.len; i++) {
                char c = token.ptr[i];

                if (c == '~' && i + 1 < token.len)
                        c = token.ptr[++i] == '1' ? '/' : '~';
                tmp[n++] = c;
        }
        if (json_is_array(v)) {
                int64_t at;

                if (!str_to_i64((struct str){tmp, n}, &at) || at < 0 || (n > 1 && tmp[0] == '0'))
                        return NULL;
                return json_at(v, (size_t)at);
        }
        return json_member_str(v, (struct str){tmp, n});
}

const struct json *json_pointer(const struct json *v, struct str pointer)
{
        struct str rest = pointer, token;

        if (pointer.len == 0)
                return v;
        if (pointer.ptr[0] != '/')
                return NULL;
        rest = str_slice(rest, 1, rest.len - 1);
        while (v && str_split(&rest, '/', &token))
                v = pointer_step(v, token);
        return v;
}

struct json_iter json_iter_begin(const struct json *object)
{
        return (struct json_iter){.object = object};
}

bool json_iter_next(struct json_iter *it)
{
        if (!json_is_object(it->object))
                return false;
        it->at = it->at ? json_object_iter_next(raw(it->object), it->at)
                        : json_object_iter(raw(it->object));
        if (!it->at)
                return false;
        it->key = (struct str){json_object_iter_key(it->at), json_object_iter_key_len(it->at)};
        it->value = wrap(json_object_iter_value(it->at));
        return true;
}

static bool same_members(const struct json *a, const struct json *b)
{
        JSON_EACH_MEMBER (it, a) {
                const struct json *other = json_member_str(b, it.key);

                if (!other || !json_same(it.value, other))
                        return false;
        }
        return true;
}

bool json_same(const struct json *a, const struct json *b)
{
        if (json_is_number(a) && json_is_number(b)) {
                if (json_kind(a) == JSON_KIND_INT && json_kind(b) == JSON_KIND_INT)
                        return json_get_i64(a, 0) == json_get_i64(b, 0);
                double x = json_get_double(a, 0), y = json_get_double(b, 0);

                return !(x < y) && !(x > y);
        }
        if (json_kind(a) != json_kind(b) || json_len(a) != json_len(b))
                return false;
        switch (json_kind(a)) {
        case JSON_KIND_STRING: return str_eq(json_get_str(a), json_get_str(b));
        case JSON_KIND_BOOL: return json_get_bool(a, false) == json_get_bool(b, false);
        case JSON_KIND_OBJECT: return same_members(a, b);
        case JSON_KIND_ARRAY:
                for (size_t i = 0; i < json_len(a); i++)
                        if (!json_same(json_at(a, i), json_at(b, i)))
                                return false;
                return true;
        default: return true;
        }
}

struct json *json_new_object(struct arena *a)
{
        return own(a, json_object());
}

struct json *json_new_array(struct arena *a)
{
        return own(a, json_array());
}

const struct json *json_from_str(struct arena *a, struct str s)
{
        json_t *v = json_stringn(s.ptr ? s.ptr : "", s.len);

        if (v)
                return own(a, v);
        struct buf b; /* invalid UTF-8: keep what is valid */

        buf_init(&b, a, s.len * 6 + 16);
        json_write_str(&b, s);
        return own(a, json_loadb(b.ptr, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
}

const struct json *json_from_i64(struct arena *a, int64_t v)
{
        return own(a, json_integer(v));
}

const struct json *json_from_double(struct arena *a, double v)
{
        return own(a, json_real(v));
}

const struct json *json_from_bool(struct arena *a, bool v)
{
        return own(a, json_boolean(v));
}

const struct json *json_from_null(struct arena *a)
{
        return own(a, json_null());
}

void json_put(struct json *object, struct str key, const struct json *value)
{
        json_object_setn(raw(object), key.ptr ? key.ptr : "", key.len,
                         value ? raw(value) : json_null());
}

void json_push(struct json *array, const struct json *value)
{
        json_array_append(raw(array), value ? raw(value) : json_null());
}
