/* JSON output: values, and the streaming writer. See json.h. */
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of the valid UTF-8 sequence at p (1..4), 0 when it is not one. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
        if (p[0] < 0x80)
                return 1;
        size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

        if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
                return 0;
        for (size_t i = 1; i < len; i++)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
            (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
                return 0;
        return len;
}

static void write_escape(struct buf *b, unsigned char c)
{
        switch (c) {
        case '"': buf_add(b, STR("\\\"")); break;
        case '\\': buf_add(b, STR("\\\\")); break;
        case '\n': buf_add(b, STR("\\n")); break;
        case '\r': buf_add(b, STR("\\r")); break;
        case '\t': buf_add(b, STR("\\t")); break;
        default: buf_printf(b, "\\u%04x", c);
        }
}

void json_write_str(struct buf *b, struct str s)
{
        const unsigned char *p = (const unsigned char *)s.ptr;
        size_t start = 0, i = 0;

        buf_add_char(b, '"');
        while (i < s.len) {
                unsigned char c = p[i];

                if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
                        i++;
                        continue;
                }
                size_t len = c >= 0x80 ? utf8_len(p + i, s.len - i) : 0;

                if (len) {
                        i += len;
                        continue;
                }
                buf_add_mem(b, p + start, i - start);
                if (c >= 0x80)
                        buf_add(b, STR("\xef\xbf\xbd"));
                else
                        write_escape(b, c);
                start = ++i;
        }
        if (s.len)
                buf_add_mem(b, p + start, s.len - start);
        buf_add_char(b, '"');
}

void json_write_double(struct buf *b, double v)
{
        char tmp[40];

        if (!isfinite(v)) {
                buf_add(b, STR("null"));
                return;
        }
        if (v == trunc(v) && fabs(v) < 1e15) {
                buf_add_i64(b, (int64_t)v);
                return;
        }
        for (int digits = 15; digits <= 17; digits++) {
                snprintf(tmp, sizeof tmp, "%.*g", digits, v);
                double back = strtod(tmp, NULL);

                if (!(back < v) && !(back > v))
                        break;
        }
        buf_add_c(b, tmp);
}

static int by_key(const void *a, const void *b)
{
        return str_cmp(((const struct json_iter *)a)->key, ((const struct json_iter *)b)->key);
}

static void write_value(struct buf *b, const struct json *v, bool sorted);

static void write_members_sorted(struct buf *b, const struct json *v)
{
        size_t n = 0;
        struct json_iter *all = mem_alloc(json_len(v) * sizeof *all);

        JSON_EACH_MEMBER (it, v)
                all[n++] = it;
        qsort(all, n, sizeof *all, by_key);
        for (size_t i = 0; i < n; i++) {
                if (i)
                        buf_add_char(b, ',');
                json_write_str(b, all[i].key);
                buf_add_char(b, ':');
                write_value(b, all[i].value, true);
        }
        mem_free(all);
}

static void write_members(struct buf *b, const struct json *v)
{
        bool comma = false;

        JSON_EACH_MEMBER (it, v) {
                if (comma)
                        buf_add_char(b, ',');
                comma = true;
                json_write_str(b, it.key);
                buf_add_char(b, ':');
                write_value(b, it.value, false);
        }
}

static void write_value(struct buf *b, const struct json *v, bool sorted)
{
        switch (json_kind(v)) {
        case JSON_KIND_NULL: buf_add(b, STR("null")); break;
        case JSON_KIND_BOOL: buf_add_c(b, json_get_bool(v, false) ? "true" : "false"); break;
        case JSON_KIND_INT: buf_add_i64(b, json_get_i64(v, 0)); break;
        case JSON_KIND_DOUBLE: json_write_double(b, json_get_double(v, 0)); break;
        case JSON_KIND_STRING: json_write_str(b, json_get_str(v)); break;
        case JSON_KIND_ARRAY:
                buf_add_char(b, '[');
                JSON_EACH_ITEM (i, item, v) {
                        if (i)
                                buf_add_char(b, ',');
                        write_value(b, item, sorted);
                }
                buf_add_char(b, ']');
                break;
        case JSON_KIND_OBJECT:
                buf_add_char(b, '{');
                if (sorted)
                        write_members_sorted(b, v);
                else
                        write_members(b, v);
                buf_add_char(b, '}');
                break;
        }
}

void json_write(struct buf *b, const struct json *v)
{
        write_value(b, v, false);
}

void json_write_sorted(struct buf *b, const struct json *v)
{
        write_value(b, v, true);
}

struct str json_text(struct arena *a, const struct json *v)
{
        struct buf b;

        buf_init(&b, a, SIZE_MAX / 4);
        json_write(&b, v);
        return buf_str(&b);
}

static void before(struct json_out *o, const char *key)
{
        if (o->comma)
                buf_add_char(o->buf, ',');
        o->comma = true;
        if (key) {
                json_write_str(o->buf, str_from(key));
                buf_add_char(o->buf, ':');
        }
}

void out_object(struct json_out *o, const char *key)
{
        before(o, key);
        buf_add_char(o->buf, '{');
        o->comma = false;
}

void out_end_object(struct json_out *o)
{
        buf_add_char(o->buf, '}');
        o->comma = true;
}

void out_array(struct json_out *o, const char *key)
{
        before(o, key);
        buf_add_char(o->buf, '[');
        o->comma = false;
}

void out_end_array(struct json_out *o)
{
        buf_add_char(o->buf, ']');
        o->comma = true;
}

void out_key_str(struct json_out *o, struct str key)
{
        before(o, NULL);
        json_write_str(o->buf, key);
        buf_add_char(o->buf, ':');
        o->comma = false;
}

void out_str(struct json_out *o, const char *key, struct str s)
{
        before(o, key);
        if (s.ptr)
                json_write_str(o->buf, s);
        else
                buf_add(o->buf, STR("null"));
}

void out_c(struct json_out *o, const char *key, const char *s)
{
        out_str(o, key, str_from(s));
}

void out_i64(struct json_out *o, const char *key, int64_t v)
{
        before(o, key);
        buf_add_i64(o->buf, v);
}

void out_double(struct json_out *o, const char *key, double v)
{
        before(o, key);
        json_write_double(o->buf, v);
}

void out_bool(struct json_out *o, const char *key, bool v)
{
        before(o, key);
        buf_add_c(o->buf, v ? "true" : "false");
}

void out_null(struct json_out *o, const char *key)
{
        before(o, key);
        buf_add(o->buf, STR("null"));
}

void out_raw(struct json_out *o, const char *key, struct str json)
{
        before(o, key);
        buf_add(o->buf, json);
}

void out_json(struct json_out *o, const char *key, const struct json *v)
{
        before(o, key);
        json_write(o->buf, v);
}
