/* Values out of an answer: found by pointer, changed as the definition says, typed by the field. */
#include "features/provider/definition.h"

#include <math.h>
#include <string.h>
#include "text/fold.h"

#define TEXT_MAX 4000 /* bytes of one output */
#define LIST_MAX 200  /* values a '*' may find */

static bool is_empty(const struct json *v)
{
        switch (json_kind(v)) {
        case JSON_KIND_NULL: return true;
        case JSON_KIND_STRING: return !str_trim(json_get_str(v)).len;
        case JSON_KIND_ARRAY:
        case JSON_KIND_OBJECT: return json_len(v) == 0;
        default: return false;
        }
}

/* `pointer` has at least one "/…" step, or is empty. */
static void find_from(struct arena *a, const struct json *v, struct str pointer, json_list *ret)
{
        size_t star = str_find(pointer, STR("/*"));
        bool whole = star != SIZE_MAX && (star + 2 == pointer.len || pointer.ptr[star + 2] == '/');
        struct str rest;

        if (!whole) {
                v = json_pointer(v, pointer);
                if (!is_empty(v) && ret->len < LIST_MAX)
                        LIST_PUSH(a, ret, v);
                return;
        }
        v = json_pointer(v, str_slice(pointer, 0, star));
        rest = str_slice(pointer, star + 2, pointer.len);
        if (json_is_array(v))
                JSON_EACH_ITEM (i, item, v)
                        find_from(a, item, rest, ret);
        else
                JSON_EACH_MEMBER (it, v)
                        find_from(a, it.value, rest, ret);
}

void pointer_find(struct arena *a, const struct json *doc, struct str pointer, json_list *ret)
{
        find_from(a, doc, pointer, ret);
}

struct str value_text(struct arena *a, const struct json *v)
{
        switch (json_kind(v)) {
        case JSON_KIND_STRING: return text_tidy(a, json_get_str(v));
        case JSON_KIND_INT:
        case JSON_KIND_DOUBLE: return json_text(a, v);
        case JSON_KIND_BOOL: return json_get_bool(v, false) ? STR("true") : STR("false");
        default: return STR_NULL;
        }
}

/* All found values as one text, each once, in order. */
static struct str join(struct arena *a, const json_list *found, struct str between, bool once)
{
        struct buf b;
        str_list seen = {0};

        buf_init(&b, a, TEXT_MAX);
        LIST_EACH (v, found) {
                struct str text = value_text(a, *v);
                bool doubled = !text.len || json_is_bool(*v);

                LIST_EACH (s, &seen)
                        doubled = doubled || (once && str_eq_nocase(*s, text));
                if (doubled || b.len + between.len + text.len > TEXT_MAX - 1)
                        continue;
                LIST_PUSH(a, &seen, text);
                if (b.len)
                        buf_add(&b, between);
                buf_add(&b, text);
        }
        return buf_str(&b);
}

/* Text of at most TEXT_MAX bytes, cut between characters. */
static struct str cut(struct str s)
{
        if (s.len <= TEXT_MAX)
                return s;
        s.len = TEXT_MAX;
        while (s.len && ((unsigned char)s.ptr[s.len] & 0xC0) == 0x80)
                s.len--;
        return s;
}

/* The transform on one text; false when the text does not fit it. */
static bool change(struct arena *a, enum transform t, struct str in, struct str *ret)
{
        const struct country *country;

        *ret = in;
        switch (t) {
        case TRANSFORM_lower: *ret = text_casefold(a, in); return true;
        case TRANSFORM_upper: {
                char *out = arena_dup(a, in.ptr, in.len + 1);

                for (size_t i = 0; i < in.len; i++)
                        if (out[i] >= 'a' && out[i] <= 'z')
                                out[i] = (char)(out[i] - 'a' + 'A');
                *ret = (struct str){out, in.len};
                return true;
        }
        case TRANSFORM_title: *ret = text_titlecase(a, in); return true;
        case TRANSFORM_url: return normal_url(a, in, ret);
        case TRANSFORM_domain: return normal_domain(a, in, ret);
        case TRANSFORM_country:
                country = country_find(in);
                if (country)
                        *ret = str_from(country->name);
                return true;
        default: return true;
        }
}

/* "1,234", "10 001+" and "1.5": a number without its grouping; false for ranges and words. */
static bool read_number(struct arena *a, struct str text, double *ret)
{
        struct buf b;

        buf_init(&b, a, 64);
        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];
                bool last = i + 1 == text.len;
                bool grouping = (c == ',' || c == ' ' || c == '\'') && b.len && !last;

                if (!grouping && !(c == '+' && last))
                        buf_add_char(&b, c);
        }
        return !buf_full(&b) && str_to_double(buf_str(&b), ret) && isfinite(*ret);
}

static enum value_result as_number(struct arena *a, const struct json *v, struct str text,
                                   const struct field *field, const struct json **ret)
{
        bool year = !strcmp(field->key, "founded_year");
        double n = json_get_double(v, NAN);

        if (!json_is_number(v) && !read_number(a, text, &n))
                return VALUE_BAD;
        if (!isfinite(n) || fabs(n) > 1e15 || n < 0 || (year && (n < 500 || n > 2200)))
                return VALUE_BAD;
        *ret = n == floor(n) ? json_from_i64(a, (int64_t)n) : json_from_double(a, n);
        return VALUE_GOOD;
}

static enum value_result as_phone(struct arena *a, struct str text, const struct json **ret)
{
        char e164[32];
        size_t digits = 0;

        for (size_t i = 0; i < text.len; i++)
                digits += text.ptr[i] >= '0' && text.ptr[i] <= '9';
        if (digits < 5 || digits > 20)
                return VALUE_BAD;
        if (phone_normalise(str_to_c(a, text), "", e164, sizeof(e164)) == 0)
                text = str_dup(a, str_from(e164));
        *ret = json_from_str(a, text);
        return VALUE_GOOD;
}

static enum value_result as_field(struct arena *a, const struct json *v, struct str text,
                                  const struct field *field, const struct json **ret)
{
        const char *why;

        if (!strcmp(field->type, "number"))
                return as_number(a, v, text, field, ret);
        if (!strcmp(field->type, "phone"))
                return as_phone(a, text, ret);
        if (!strcmp(field->type, "email") && !normal_email(a, text, &text, &why))
                return VALUE_BAD;
        if (!strcmp(field->type, "url") && !normal_url(a, text, &text))
                return VALUE_BAD;
        if (!strcmp(field->key, "domain") && !normal_domain(a, text, &text))
                return VALUE_BAD;
        *ret = json_from_str(a, cut(text));
        return VALUE_GOOD;
}

enum value_result value_extract(struct arena *a, const struct json *doc, const struct mapped *m,
                                const struct json **ret)
{
        const struct extract *e = &m->extract;
        json_list found = {0};
        const struct json *v;
        struct str text;

        LIST_EACH (pointer, &e->pointers) {
                if (found.len && e->transform != TRANSFORM_words)
                        break;
                pointer_find(a, doc, *pointer, &found);
        }
        if (!found.len)
                return VALUE_NONE;
        v = found.ptr[0];
        text = value_text(a, v);
        if (e->transform == TRANSFORM_join)
                text = join(a, &found, STR(", "), true);
        else if (e->transform == TRANSFORM_words)
                text = join(a, &found, STR(" "), false);
        else if (json_is_bool(v) && strcmp(m->field->type, "boolean") != 0)
                return VALUE_NONE; /* "there is one, but your plan does not show it" */
        if (!text.len)
                return VALUE_NONE;
        if (e->values) {
                v = json_member_str(e->values, text);
                if (!v)
                        return VALUE_NONE;
                text = value_text(a, v);
        }
        if (e->prefix.len)
                text = str_printf(a, "%.*s%.*s", FMT(e->prefix), FMT(text));
        if (!change(a, e->transform, text, &text))
                return VALUE_BAD;
        return as_field(a, v, text, m->field, ret);
}
