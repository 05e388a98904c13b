/* String slices and the capped builder. See str.h. */
#include "str/str.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct str str_from(const char *cstr)
{
        return cstr ? (struct str){cstr, strlen(cstr)} : STR_NULL;
}

bool str_eq(struct str a, struct str b)
{
        return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_c(struct str a, const char *b)
{
        return str_eq(a, str_from(b));
}

bool str_eq_nocase(struct str a, struct str b)
{
        return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

int str_cmp(struct str a, struct str b)
{
        size_t n = MIN_OF(a.len, b.len);
        int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

        return c ? c : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
        return s.len >= prefix.len && str_eq(str_slice(s, 0, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
        return s.len >= suffix.len && str_eq(str_slice(s, s.len - suffix.len, suffix.len), suffix);
}

static bool is_space(char c)
{
        return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
        while (s.len && is_space(s.ptr[0]))
                s = str_slice(s, 1, s.len - 1);
        while (s.len && is_space(s.ptr[s.len - 1]))
                s.len--;
        return s;
}

struct str str_slice(struct str s, size_t from, size_t len)
{
        if (!s.ptr)
                return STR_NULL;
        from = MIN_OF(from, s.len);
        return (struct str){s.ptr + from, MIN_OF(len, s.len - from)};
}

size_t str_find(struct str s, struct str needle)
{
        if (needle.len == 0)
                return 0;
        if (s.len < needle.len)
                return SIZE_MAX;
        const char *p = memmem(s.ptr, s.len, needle.ptr, needle.len);

        return p ? (size_t)(p - s.ptr) : SIZE_MAX;
}

size_t str_find_char(struct str s, char c)
{
        const char *p = s.len ? memchr(s.ptr, c, s.len) : NULL;

        return p ? (size_t)(p - s.ptr) : SIZE_MAX;
}

bool str_split(struct str *rest, char sep, struct str *ret)
{
        if (!rest->ptr)
                return false;
        size_t at = str_find_char(*rest, sep);

        if (at == SIZE_MAX) {
                *ret = *rest;
                *rest = STR_NULL;
        } else {
                *ret = str_slice(*rest, 0, at);
                *rest = str_slice(*rest, at + 1, rest->len - at - 1);
        }
        return true;
}

bool str_to_i64(struct str s, int64_t *ret)
{
        size_t i = 0;
        bool minus = s.len && s.ptr[0] == '-';
        int64_t v = 0;

        if (minus || (s.len && s.ptr[0] == '+'))
                i++;
        if (i == s.len)
                return false;
        for (; i < s.len; i++) {
                int digit = s.ptr[i] - '0';

                if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
                    __builtin_add_overflow(v, minus ? -digit : digit, &v))
                        return false;
        }
        *ret = v;
        return true;
}

bool str_to_double(struct str s, double *ret)
{
        char tmp[400], *end;

        if (s.len == 0 || s.len >= sizeof tmp || is_space(s.ptr[0]))
                return false;
        for (size_t i = 0; i < s.len; i++)
                if (!strchr("0123456789+-.eE", s.ptr[i]) || s.ptr[i] == '\0')
                        return false;
        memcpy(tmp, s.ptr, s.len);
        tmp[s.len] = '\0';
        double v = strtod(tmp, &end);

        if (end != tmp + s.len || !isfinite(v))
                return false;
        *ret = v;
        return true;
}

bool str_is_uuid(struct str s)
{
        for (size_t i = 0; i < s.len; i++) {
                char c = s.ptr[i];
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;
                bool hex = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');

                if (dash ? c != '-' : !hex)
                        return false;
        }
        return s.len == 36;
}

size_t str_utf8_len(const unsigned char *p, size_t room)
{
        if (room >= 1 && p[0] < 0x80)
                return 1;
        if (room >= 2 && p[0] >= 0xc2 && p[0] <= 0xdf && (p[1] & 0xc0) == 0x80)
                return 2;
        if (room >= 3 && (p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
                bool overlong = p[0] == 0xe0 && p[1] < 0xa0;
                bool surrogate = p[0] == 0xed && p[1] > 0x9f;

                return overlong || surrogate ? 0 : 3;
        }
        if (room >= 4 && p[0] >= 0xf0 && p[0] <= 0xf4 && (p[1] & 0xc0) == 0x80 &&
            (p[2] & 0xc0) == 0x80 && (p[3] & 0xc0) == 0x80) {
                bool overlong = p[0] == 0xf0 && p[1] < 0x90;
                bool beyond = p[0] == 0xf4 && p[1] > 0x8f;

                return overlong || beyond ? 0 : 4;
        }
        return 0;
}

struct str str_dup(struct arena *a, struct str s)
{
        char *p = arena_alloc(a, s.len + 1);

        if (s.len)
                memcpy(p, s.ptr, s.len);
        return (struct str){p, s.len};
}

struct str str_lower(struct arena *a, struct str s)
{
        char *p = arena_alloc(a, s.len + 1);

        for (size_t i = 0; i < s.len; i++)
                p[i] = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] + 32) : s.ptr[i];
        return (struct str){p, s.len};
}

char *str_to_c(struct arena *a, struct str s)
{
        char *p = arena_alloc(a, s.len + 1);

        if (s.len)
                memcpy(p, s.ptr, s.len);
        return p;
}

struct str str_vprintf(struct arena *a, const char *fmt, va_list ap)
{
        struct str s;

        s.ptr = arena_vprintf(a, &s.len, fmt, ap);
        return s;
}

struct str str_printf(struct arena *a, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        struct str s = str_vprintf(a, fmt, ap);

        va_end(ap);
        return s;
}

void buf_init(struct buf *b, struct arena *arena, size_t max)
{
        *b = (struct buf){.arena = arena, .max = max};
}

void buf_finish(struct buf *b)
{
        if (!b->arena)
                mem_free(b->ptr);
        *b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
        b->len = 0;
        b->full = false;
        if (b->ptr)
                b->ptr[0] = '\0';
}

bool buf_reserve(struct buf *b, size_t more)
{
        if (more > b->max || b->len > b->max - more) {
                b->full = true;
                return false;
        }
        size_t need = b->len + more + 1;

        if (need <= b->cap)
                return true;
        size_t cap = MAX_OF(b->cap * 2, (size_t)64);

        while (cap < need)
                cap *= 2;
        if (b->arena) {
                char *grown = arena_alloc(b->arena, cap);

                if (b->len)
                        memcpy(grown, b->ptr, b->len);
                b->ptr = grown;
        } else {
                b->ptr = mem_realloc(b->ptr, cap);
        }
        b->cap = cap;
        b->ptr[b->len] = '\0';
        return true;
}

void buf_add_mem(struct buf *b, const void *p, size_t n)
{
        if (n == 0 || !buf_reserve(b, n))
                return;
        memcpy(b->ptr + b->len, p, n);
        b->len += n;
        b->ptr[b->len] = '\0';
}

void buf_add(struct buf *b, struct str s)
{
        buf_add_mem(b, s.ptr, s.len);
}

void buf_add_c(struct buf *b, const char *cstr)
{
        buf_add_mem(b, cstr, strlen(cstr));
}

void buf_add_char(struct buf *b, char c)
{
        if (b->len + 2 > b->cap || b->len >= b->max) {
                buf_add_mem(b, &c, 1);
                return;
        }
        b->ptr[b->len++] = c;
        b->ptr[b->len] = '\0';
}

void buf_add_i64(struct buf *b, int64_t v)
{
        char tmp[24];
        char *p = tmp + sizeof tmp;
        uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

        do
                *--p = (char)('0' + u % 10);
        while (u /= 10);
        if (v < 0)
                *--p = '-';
        buf_add_mem(b, p, (size_t)(tmp + sizeof tmp - p));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
        va_list ap, again;

        va_start(ap, fmt);
        va_copy(again, ap);
        int len = vsnprintf(NULL, 0, fmt, ap);

        va_end(ap);
        if (len > 0 && buf_reserve(b, (size_t)len)) {
                vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, again);
                b->len += (size_t)len;
        }
        va_end(again);
}

bool buf_full(const struct buf *b)
{
        return b->full;
}

struct str buf_str(const struct buf *b)
{
        return (struct str){b->ptr ? b->ptr : "", b->len};
}
