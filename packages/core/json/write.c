/* JSON output: values, and the streaming writer. See json.h. */
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* How many bytes from p on stand for themselves: ASCII without controls, quote and backslash. */
static size_t plain_run(const unsigned char *p, size_t n)
{
        size_t i = 0;

#ifdef __SSE2__
        const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'),
                      backslash = _mm_set1_epi8('\\');

        for (; i + 16 <= n; i += 16) {
                __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
                /* signed compare: bytes from 0x80 on are below a space too */
                __m128i special = _mm_or_si128(
                        _mm_cmplt_epi8(v, space),
                        _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
                int mask = _mm_movemask_epi8(special);

                if (mask)
                        return i + (size_t)__builtin_ctz((unsigned)mask);
        }
#endif
        while (i < n && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
                i++;
        return i;
}

static void write_str_rest(struct buf *b, const unsigned char *p, size_t n)
{
        while (n) {
                size_t run = plain_run(p, n);

                buf_add_mem(b, p, run);
                p += run;
                n -= run;
                if (n == 0)
                        break;
                size_t len = *p >= 0x80 ? str_utf8_len(p, n) : 0;

                if (len)
                        buf_add_mem(b, p, len);
                else if (*p >= 0x80)
                        buf_add(b, STR("\xef\xbf\xbd"));
                else
                        write_escape(b, *p);
                p += MAX_OF(len, (size_t)1);
                n -= MAX_OF(len, (size_t)1);
        }
}

void json_write_str(struct buf *b, struct str s)
{
        const unsigned char *p = (const unsigned char *)s.ptr;
        size_t run = plain_run(p, s.len);

        if (run == s.len && buf_reserve(b, s.len + 2)) { /* nearly always */
                char *out = b->ptr + b->len;

                *out++ = '"';
                if (s.len)
                        memcpy(out, p, s.len);
                out += s.len;
                *out++ = '"';
                *out = '\0';
                b->len += s.len + 2;
                return;
        }
        buf_add_char(b, '"');
        if (s.len)
                write_str_rest(b, p, s.len);
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
                size_t n = strlen(key);

                if (!buf_reserve(o->buf, n + 3))
                        return;
                char *out = o->buf->ptr + o->buf->len;

                *out++ = '"'; /* keys of this kind are our own words: nothing to escape */
                memcpy(out, key, n);
                out += n;
                *out++ = '"';
                *out++ = ':';
                *out = '\0';
                o->buf->len += n + 3;
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
