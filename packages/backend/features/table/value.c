/*
 * One cell's value on its way in and out: what fits which column type, the text PostgreSQL takes,
 * and the text and JSON that people see. See grid.h; the SQL twins are in value_sql.c.
 */
#include <stdio.h>
#include <string.h>
#include "features/table/internal.h"

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static size_t digits_at(struct str s, size_t at)
{
        size_t n = 0;

        while (at + n < s.len && is_digit(s.ptr[at + n]))
                n++;
        return n;
}

/* [+-] digits [. digits] [e [+-] digits], at most 200 digits a part and 2 of the exponent: always
 * within a double. */
bool value_is_number(struct str s)
{
        size_t i = 0;

        if (i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-'))
                i++;
        size_t whole = digits_at(s, i), part = 0;

        i += whole;
        if (i < s.len && s.ptr[i] == '.') {
                part = digits_at(s, i + 1);
                i += 1 + part;
        }
        if (whole > 200 || part > 200 || whole + part == 0)
                return false;
        if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
                i++;
                if (i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-'))
                        i++;
                size_t n = digits_at(s, i);

                if (n < 1 || n > 2)
                        return false;
                i += n;
        }
        return i == s.len;
}

bool value_is_boolean(struct str s, bool *ret)
{
        static const char *const yes[] = {"true", "t", "yes", "y", "on", "1"};
        static const char *const no[] = {"false", "f", "no", "n", "off", "0"};

        for (size_t i = 0; i < ELEMENTS(yes); i++) {
                if (str_eq_nocase(s, str_from(yes[i])))
                        return *ret = true, true;
                if (str_eq_nocase(s, str_from(no[i])))
                        return *ret = false, true;
        }
        return false;
}

static bool has_space(struct str s)
{
        for (size_t i = 0; i < s.len; i++)
                if (s.ptr[i] == ' ' || (s.ptr[i] >= '\t' && s.ptr[i] <= '\r'))
                        return true;
        return false;
}

/* No white space; a host with a dot inside, or any scheme://. */
bool value_is_url(struct str s)
{
        size_t dot = str_find_char(s, '.'), scheme = str_find(s, STR("://"));

        if (s.len > 2048 || has_space(s))
                return false;
        return (dot != SIZE_MAX && dot > 0 && dot + 1 < s.len) ||
               (scheme != SIZE_MAX && scheme > 0 && scheme + 3 < s.len);
}

/* One @ with something before it, and behind it a dot that is neither first nor last. */
bool value_is_email(struct str s)
{
        size_t at = str_find_char(s, '@');

        if (s.len > 320 || has_space(s) || at == SIZE_MAX || at == 0)
                return false;
        struct str host = str_slice(s, at + 1, s.len);

        if (str_find_char(host, '@') != SIZE_MAX)
                return false;
        for (size_t i = 1; i + 1 < host.len; i++)
                if (host.ptr[i] == '.')
                        return true;
        return false;
}

bool value_is_phone(struct str s)
{
        size_t digits = 0;

        if (s.len > 64)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                if (strchr("@<>{}", s.ptr[i]) || s.ptr[i] == '\n' || s.ptr[i] == '\r')
                        return false;
                digits += is_digit(s.ptr[i]);
        }
        return digits >= 3;
}

bool value_is_choice(const struct json *options, struct str s)
{
        const struct json *choices = json_member(options, "choices");

        if (json_len(choices) == 0)
                return true;
        JSON_EACH_ITEM (i, item, choices)
                if (str_eq(json_get_str(item), s))
                        return true;
        return false;
}

static int two(struct str s, size_t at)
{
        return (s.ptr[at] - '0') * 10 + (s.ptr[at + 1] - '0');
}

static bool is_shape(struct str s, const char *shape)
{
        size_t n = strlen(shape);

        if (s.len < n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (shape[i] == '9' ? !is_digit(s.ptr[i])
                                    : s.ptr[i] != shape[i] && !(shape[i] == 'T' && s.ptr[i] == ' '))
                        return false;
        return true;
}

static bool is_calendar_day(struct str s)
{
        static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        int year = two(s, 0) * 100 + two(s, 2), month = two(s, 5), day = two(s, 8);
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        if (year < 1000 || month < 1 || month > 12 || day < 1 || day > days[month - 1])
                return false;
        return month != 2 || day < 29 || leap;
}

/* Z, or +hh, +hhmm, +hh:mm up to 14:59, or nothing: UTC. */
static bool is_offset(struct str s)
{
        if (s.len == 0 || (s.len == 1 && (s.ptr[0] == 'Z' || s.ptr[0] == 'z')))
                return true;
        if (s.ptr[0] != '+' && s.ptr[0] != '-')
                return false;
        s = str_slice(s, 1, s.len);
        if (s.len == 5 && s.ptr[2] == ':')
                return is_shape(s, "99:99") && two(s, 0) <= 14 && two(s, 3) <= 59;
        if (s.len == 4)
                return is_shape(s, "9999") && two(s, 0) <= 14 && two(s, 2) <= 59;
        return s.len == 2 && is_shape(s, "99") && two(s, 0) <= 14;
}

/* YYYY-MM-DD [T or space HH:MM [:SS [.ffffff]] [offset]], years 1000 to 9999. */
bool value_is_date(struct arena *a, struct str s, struct str *ret)
{
        size_t i = 10;

        if (!is_shape(s, "9999-99-99") || !is_calendar_day(s))
                return false;
        if (s.len == 10) {
                *ret = str_printf(a, "%.*sT00:00:00Z", FMT(s));
                return true;
        }
        if (!is_shape(str_slice(s, 10, 6), "T99:99") || two(s, 11) > 23 || two(s, 14) > 59)
                return false;
        i = 16;
        if (is_shape(str_slice(s, i, 3), ":99")) {
                if (two(s, i + 1) > 59)
                        return false;
                i += 3;
                if (i < s.len && s.ptr[i] == '.') {
                        size_t n = digits_at(s, i + 1);

                        if (n < 1 || n > 6)
                                return false;
                        i += 1 + n;
                }
        }
        struct str offset = str_slice(s, i, s.len);

        if (!is_offset(offset))
                return false;
        *ret = offset.len ? s : str_printf(a, "%.*sZ", FMT(s));
        return true;
}

const char *value_misfit(enum grid_type type)
{
        switch (type) {
        case GRID_NUMBER: return "is not a number";
        case GRID_BOOLEAN: return "is not true or false";
        case GRID_DATE: return "is not a date (2026-12-31 or 2026-12-31T23:59:59Z)";
        case GRID_URL: return "is not a web address";
        case GRID_EMAIL: return "is not an e-mail address";
        case GRID_PHONE: return "is not a phone number";
        case GRID_SELECT: return "is none of the column's choices";
        case GRID_JSON: return "is not JSON that can be kept";
        default: return "is not text";
        }
}

/* Text without NUL bytes, which PostgreSQL cannot keep, and not over the limit. */
static struct str keepable(struct arena *a, struct str text)
{
        text.len = MIN_OF(text.len, GRID_TEXT_MAX);
        while (text.len && text.len == GRID_TEXT_MAX &&
               ((unsigned char)text.ptr[text.len - 1] & 0x80))
                text.len--; /* not in the middle of a character */
        if (str_find_char(text, '\0') == SIZE_MAX)
                return text;
        char *p = arena_alloc(a, text.len + 1);
        size_t n = 0;

        for (size_t i = 0; i < text.len; i++)
                if (text.ptr[i])
                        p[n++] = text.ptr[i];
        return (struct str){p, n};
}

static struct grid_value fits(struct str sql)
{
        return (struct grid_value){.sql = sql};
}

static struct grid_value misfit(struct arena *a, struct str text, const char *why)
{
        return (struct grid_value){.raw = keepable(a, text), .why = why};
}

static struct grid_value json_value(struct arena *a, const struct json *v);

/* Objects and arrays are taken as such, anything else is a text. */
static struct grid_value json_from_text(struct arena *a, struct str text)
{
        struct str inner = str_trim(text);
        const struct json *v = NULL;
        struct ctx own;

        ctx_init(&own, a);
        if (inner.len && (inner.ptr[0] == '{' || inner.ptr[0] == '[') &&
            json_parse(&own, inner, &v) == OK)
                return json_value(a, v);
        return json_value(a, json_from_str(a, text));
}

struct grid_value grid_from_text(struct arena *a, const struct grid_column *c, struct str text)
{
        struct str s = str_trim(text), date;
        bool yes;

        if (!text.ptr || text.len == 0 || (c->type != GRID_TEXT && s.len == 0))
                return fits(STR_NULL);
        if (text.len > GRID_TEXT_MAX)
                return misfit(a, text, "is too long");
        if (str_find_char(text, '\0') != SIZE_MAX)
                return misfit(a, text, "holds a NUL character");
        switch (c->type) {
        case GRID_TEXT: return fits(text);
        case GRID_NUMBER:
                if (value_is_number(s))
                        return fits(s);
                break;
        case GRID_BOOLEAN:
                if (value_is_boolean(s, &yes))
                        return fits(yes ? STR("true") : STR("false"));
                break;
        case GRID_DATE:
                if (value_is_date(a, s, &date))
                        return fits(date);
                break;
        case GRID_URL:
                if (value_is_url(s))
                        return fits(s);
                break;
        case GRID_EMAIL:
                if (value_is_email(s))
                        return fits(s);
                break;
        case GRID_PHONE:
                if (value_is_phone(s))
                        return fits(s);
                break;
        case GRID_SELECT:
                if (value_is_choice(c->options, s))
                        return fits(s);
                break;
        case GRID_JSON: return json_from_text(a, text);
        case GRID_TYPES: break;
        }
        return misfit(a, text, value_misfit(c->type));
}

/* jsonb takes neither NUL in strings nor numbers beyond a double; the parser refused the latter. */
static bool holds_nul(const struct json *v)
{
        if (json_is_string(v))
                return str_find_char(json_get_str(v), '\0') != SIZE_MAX;
        JSON_EACH_ITEM (i, item, v)
                if (holds_nul(item))
                        return true;
        JSON_EACH_MEMBER (m, v)
                if (str_find_char(m.key, '\0') != SIZE_MAX || holds_nul(m.value))
                        return true;
        return false;
}

static struct grid_value json_value(struct arena *a, const struct json *v)
{
        struct str text = json_text(a, v);

        if (text.len > GRID_TEXT_MAX)
                return misfit(a, text, "is too long");
        if (holds_nul(v))
                return misfit(a, text, value_misfit(GRID_JSON));
        return fits(text);
}

struct grid_value grid_from_json(struct arena *a, const struct grid_column *c, const struct json *v)
{
        switch (json_kind(v)) {
        case JSON_KIND_NULL: return fits(STR_NULL);
        case JSON_KIND_STRING:
                if (c->type == GRID_JSON && json_get_str(v).len)
                        return json_value(a, v);
                return grid_from_text(a, c, json_get_str(v));
        case JSON_KIND_BOOL:
        case JSON_KIND_INT:
        case JSON_KIND_DOUBLE:
                if (c->type == GRID_JSON)
                        return json_value(a, v);
                if (c->type == GRID_NUMBER && json_is_number(v))
                        return fits(json_text(a, v));
                return grid_from_text(a, c, json_text(a, v));
        case JSON_KIND_ARRAY:
        case JSON_KIND_OBJECT: break;
        }
        return c->type == GRID_JSON ? json_value(a, v)
                                    : misfit(a, json_text(a, v), value_misfit(c->type));
}

/* ---- out ---- */

void grid_out_expr(struct buf *sql, const struct grid_column *c)
{
        if (c->type == GRID_DATE)
                buf_printf(sql, "(t.%s AT TIME ZONE 'UTC')", c->ident);
        else
                buf_printf(sql, "t.%s", c->ident);
}

/* "2026-12-31 23:59:59.5" to RFC 3339, midnight to the date alone. */
static struct str date_text(struct arena *a, struct str db)
{
        size_t space = str_find_char(db, ' ');

        if (space == SIZE_MAX)
                return db;
        struct str time = str_slice(db, space + 1, db.len);

        if (str_eq(time, STR("00:00:00")))
                return str_slice(db, 0, space);
        return str_printf(a, "%.*sT%.*sZ", (int)space, db.ptr, FMT(time));
}

struct str grid_to_text(struct arena *a, enum grid_type type, struct str db)
{
        const struct json *v = NULL;
        struct ctx own;

        if (!db.ptr || db.len == 0)
                return STR_NULL;
        switch (type) {
        case GRID_BOOLEAN: return db.ptr[0] == 't' ? STR("true") : STR("false");
        case GRID_DATE: return date_text(a, db);
        case GRID_JSON:
                ctx_init(&own, a);
                if (db.ptr[0] == '"' && json_parse(&own, db, &v) == OK)
                        return json_get_str(v);
                return db;
        default: return db;
        }
}

void grid_to_json(struct json_out *o, const char *key, enum grid_type type, struct str db)
{
        char text[64];

        if (!db.ptr || (db.len == 0 && grid_type_is_text(type))) {
                out_null(o, key);
                return;
        }
        switch (type) {
        case GRID_NUMBER:
        case GRID_JSON: out_raw(o, key, db); break;
        case GRID_BOOLEAN: out_bool(o, key, db.ptr[0] == 't'); break;
        case GRID_DATE: {
                size_t space = str_find_char(db, ' ');
                struct str day = str_slice(db, 0, MIN_OF(space, db.len));
                struct str time = str_slice(db, day.len + 1, db.len);

                if (!time.len || str_eq(time, STR("00:00:00"))) {
                        out_str(o, key, day);
                        break;
                }
                int n = snprintf(text, sizeof text, "%.*sT%.*sZ", FMT(day), FMT(time));

                out_str(o, key, (struct str){text, n > 0 ? (size_t)n : 0});
                break;
        }
        default: out_str(o, key, db); break;
        }
}

/* ---- COPY ---- */

void grid_copy_columns(struct buf *sql, const struct grid_column *const *columns, size_t count,
                       bool with_id)
{
        buf_add_c(sql, with_id ? "position, id" : "position");
        for (size_t i = 0; i < count; i++)
                buf_printf(sql, ", %s", columns[i]->ident);
}

void grid_copy_field(struct buf *out, struct str text)
{
        size_t start = 0;

        if (!text.ptr) {
                buf_add(out, STR("\\N"));
                return;
        }
        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];

                if (c != '\\' && c != '\n' && c != '\r' && c != '\t')
                        continue;
                buf_add_mem(out, text.ptr + start, i - start);
                buf_add_char(out, '\\');
                buf_add_char(out, c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c);
                start = i + 1;
        }
        buf_add_mem(out, text.ptr + start, text.len - start);
}
