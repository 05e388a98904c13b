/* Text made comparable, over libunistring. See fold.h. */
#include "text/fold.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* The code point at s[*at]; moves past it. U+FFFD for bytes that are not UTF-8. */
static ucs4_t next_char(struct str s, size_t *at)
{
        ucs4_t c;
        int n = u8_mbtoucr(&c, (const uint8_t *)s.ptr + *at, s.len - *at);

        if (n <= 0) {
                *at += 1;
                return 0xFFFD;
        }
        *at += (size_t)n;
        return c;
}

static void add_char(struct buf *b, ucs4_t c)
{
        uint8_t bytes[6];
        int n = u8_uctomb(bytes, c, sizeof(bytes));

        if (n > 0)
                buf_add_mem(b, bytes, (size_t)n);
}

/* A copy that is UTF-8 throughout. */
static struct str valid_utf8(struct arena *a, struct str s)
{
        struct buf b;

        if (!s.len || !u8_check((const uint8_t *)s.ptr, s.len))
                return s;
        buf_init(&b, a, s.len * 3 + 1);
        for (size_t at = 0; at < s.len;)
                add_char(&b, next_char(s, &at));
        return buf_str(&b);
}

/* Copies a libunistring result into the arena and frees it. */
static struct str adopt(struct arena *a, uint8_t *text, size_t len)
{
        struct str out = str_dup(a, (struct str){(const char *)text, len});

        free(text);
        return out;
}

struct str text_casefold(struct arena *a, struct str s)
{
        size_t len;
        uint8_t *out;

        s = valid_utf8(a, s);
        if (!s.len)
                return STR("");
        out = u8_casefold((const uint8_t *)s.ptr, s.len, NULL, UNINORM_NFC, NULL, &len);
        return out ? adopt(a, out, len) : STR("");
}

static struct str decomposed(struct arena *a, struct str s)
{
        size_t len;
        uint8_t *out = u8_normalize(UNINORM_NFKD, (const uint8_t *)s.ptr, s.len, NULL, &len);

        return out ? adopt(a, out, len) : STR("");
}

struct str text_fold(struct arena *a, struct str s)
{
        struct buf b;
        bool gap = false;

        s = text_casefold(a, s);
        if (s.len)
                s = decomposed(a, s);
        buf_init(&b, a, s.len + 1);
        for (size_t at = 0; at < s.len;) {
                ucs4_t c = next_char(s, &at);

                if (uc_is_general_category(c, UC_MARK) || c == '\'' || c == 0x2019)
                        continue;
                if (!uc_is_general_category(c, UC_LETTER) &&
                    !uc_is_general_category(c, UC_NUMBER)) {
                        gap = true;
                        continue;
                }
                if (gap && b.len)
                        buf_add_char(&b, ' ');
                gap = false;
                add_char(&b, c);
        }
        return buf_str(&b);
}

struct str text_tidy(struct arena *a, struct str s)
{
        struct buf b;
        bool gap = false;

        s = valid_utf8(a, s);
        buf_init(&b, a, s.len + 1);
        for (size_t at = 0; at < s.len;) {
                ucs4_t c = next_char(s, &at);

                if (c < 0x20 || c == 0x7F || uc_is_property_white_space(c)) {
                        gap = true;
                        continue;
                }
                if (gap && b.len)
                        buf_add_char(&b, ' ');
                gap = false;
                add_char(&b, c);
        }
        return buf_str(&b);
}

struct str text_titlecase(struct arena *a, struct str s)
{
        struct buf b;
        bool inside = false;

        s = valid_utf8(a, s);
        buf_init(&b, a, s.len * 2 + 8);
        for (size_t at = 0; at < s.len;) {
                ucs4_t c = next_char(s, &at);
                bool letter = uc_is_general_category(c, UC_LETTER) ||
                              uc_is_general_category(c, UC_MARK) || c == '\'';

                add_char(&b, letter ? (inside ? uc_tolower(c) : uc_totitle(c)) : c);
                inside = letter;
        }
        return buf_str(&b);
}
