/*
 * JSON: parse, look at, build and write.
 *
 * `struct json` is one immutable value of a parsed or built document; it belongs to the arena it
 * was made in. Parsing refuses duplicate keys, invalid UTF-8 and nesting deeper than 512. Output is
 * written straight into a buf with struct json_out, which places commas itself.
 * The parser underneath is jansson; no other file includes it.
 */
#ifndef MILLRACE_CORE_JSON_JSON_H
#define MILLRACE_CORE_JSON_JSON_H

#include "err/ctx.h"

struct json;

enum json_kind {
        JSON_KIND_NULL,
        JSON_KIND_BOOL,
        JSON_KIND_INT,    /* an integer that fits 64 bits */
        JSON_KIND_DOUBLE, /* any other number */
        JSON_KIND_STRING,
        JSON_KIND_ARRAY,
        JSON_KIND_OBJECT,
};

/* Any JSON value, not only objects. ERR_VALIDATION with place and reason when it is not JSON. */
_must_check_ enum err json_parse(struct ctx *ctx, struct str text, const struct json **ret);

/* All readers accept NULL, which reads as null. */
enum json_kind json_kind(const struct json *v);
bool json_is_null(const struct json *v);
bool json_is_string(const struct json *v);
bool json_is_number(const struct json *v);
bool json_is_object(const struct json *v);
bool json_is_array(const struct json *v);
bool json_is_bool(const struct json *v);

bool json_get_bool(const struct json *v, bool otherwise);
int64_t json_get_i64(const struct json *v, int64_t otherwise); /* also 3.0 */
double json_get_double(const struct json *v, double otherwise);
struct str json_get_str(const struct json *v); /* STR_NULL unless a string; may hold NUL bytes */

size_t json_len(const struct json *v); /* items of an array, members of an object, else 0 */
const struct json *json_at(const struct json *array, size_t i); /* NULL beyond the end */
const struct json *json_member(const struct json *object, const char *key); /* NULL when absent */
const struct json *json_member_str(const struct json *object, struct str key);
struct str json_member_text(const struct json *object, const char *key); /* json_get_str of it */

/* RFC 6901; NULL when nothing is there. The empty pointer is the value itself. */
const struct json *json_pointer(const struct json *v, struct str pointer);

/* Members in document order. */
struct json_iter {
        const struct json *object;
        void *at;
        struct str key;
        const struct json *value;
};
struct json_iter json_iter_begin(const struct json *object);
bool json_iter_next(struct json_iter *it);
#define JSON_EACH_MEMBER(it, object) \
        for (struct json_iter it = json_iter_begin(object); json_iter_next(&it);)
#define JSON_EACH_ITEM(i, item, array)                                                    \
        for (size_t i = 0; i < json_len(array); i++)                                      \
                for (const struct json *item = json_at((array), i), *once_ = item; once_; \
                     once_ = NULL)

/* Deep equality; 1 equals 1.0. */
bool json_same(const struct json *a, const struct json *b);

/* Values for building: each belongs to the arena. Objects and arrays may grow until shared. */
struct json *json_new_object(struct arena *a);
struct json *json_new_array(struct arena *a);
const struct json *json_from_str(struct arena *a, struct str s);
const struct json *json_from_i64(struct arena *a, int64_t v);
const struct json *json_from_double(struct arena *a, double v);
const struct json *json_from_bool(struct arena *a, bool v);
const struct json *json_from_null(struct arena *a);
void json_put(struct json *object, struct str key, const struct json *value);
void json_push(struct json *array, const struct json *value);

/* Compact text of a value; members in document order, or sorted for hashing. */
void json_write(struct buf *b, const struct json *v);
void json_write_sorted(struct buf *b, const struct json *v);
struct str json_text(struct arena *a, const struct json *v);

/* Text as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void json_write_str(struct buf *b, struct str s);
void json_write_double(struct buf *b, double v); /* shortest form; not finite gives null */

/*
 * Streaming writer: out_key() then one value, or values in an array; commas place themselves.
 *   struct json_out o = {&buf}; out_object(&o); out_str(&o, "name", s); out_end_object(&o);
 * A NULL key is for array items and the document itself.
 */
struct json_out {
        struct buf *buf;
        bool comma;
};
void out_object(struct json_out *o, const char *key);
void out_end_object(struct json_out *o);
void out_array(struct json_out *o, const char *key);
void out_end_array(struct json_out *o);
void out_key_str(struct json_out *o, struct str key); /* a key from data; then a value with NULL */
void out_str(struct json_out *o, const char *key, struct str s); /* STR_NULL writes null */
void out_c(struct json_out *o, const char *key, const char *s);  /* NULL writes null */
void out_i64(struct json_out *o, const char *key, int64_t v);
void out_double(struct json_out *o, const char *key, double v);
void out_bool(struct json_out *o, const char *key, bool v);
void out_null(struct json_out *o, const char *key);
void out_raw(struct json_out *o, const char *key, struct str json); /* text that is JSON already */
void out_json(struct json_out *o, const char *key, const struct json *v);

#endif
