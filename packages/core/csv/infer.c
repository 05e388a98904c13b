/* Types of cells and columns, and canonical values. See infer.h. */
#include "csv/infer.h"

#include <string.h>

#define SHARE_PERCENT 95
#define EXACT_DIGITS  15 /* a double holds every integer of that many digits */

static const char *const names[CSV_TYPES] = {"text", "number", "boolean", "date",
                                             "url",  "email",  "phone"};

const char *csv_type_name(enum csv_type t)
{
        return names[t];
}

bool csv_type_parse(struct str name, enum csv_type *ret)
{
        for (int t = 0; t < CSV_TYPES; t++) {
                if (str_eq_c(name, names[t])) {
                        *ret = (enum csv_type)t;
                        return true;
                }
        }
        return false;
}

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static size_t count_digits(struct str s)
{
        size_t n = 0;

        while (n < s.len && is_digit(s.ptr[n]))
                n++;
        return n;
}

static struct str skip(struct str s, size_t n)
{
        return str_slice(s, n, s.len);
}

/* ---- numbers ---- */

enum number { NOT_NUMBER, NUMBER, CODE };

/* Digits, plain or in groups of three; the digits alone go to *out. Returns the length, 0 for none.
 */
static size_t take_integer(struct str s, char separator, char *out, size_t *ret_digits)
{
        size_t n = count_digits(s), digits = n;

        if (n == 0 || n > 40)
                return 0;
        memcpy(out, s.ptr, n);
        if (n <= 3 && s.ptr[0] != '0') {
                while (n + 3 < s.len && s.ptr[n] == separator &&
                       count_digits(skip(s, n + 1)) == 3 && digits < 40) {
                        memcpy(out + digits, s.ptr + n + 1, 3);
                        digits += 3;
                        n += 4;
                }
        }
        *ret_digits = digits;
        return n;
}

/* "192.168.100.200" would also do for a number in groups of three. */
static bool is_ipv4(struct str s)
{
        struct str part;
        int64_t v;
        int parts = 0;

        while (str_split(&s, '.', &part)) {
                if (!is_digit(part.len ? part.ptr[0] : 0) || !str_to_i64(part, &v) || v > 255)
                        return false;
                parts++;
        }
        return parts == 4;
}

/* "1,234.5" or, with a decimal comma, "1.234,5"; as SQL writes it into out (at least 128 bytes). */
static enum number read_number(struct str s, bool comma, char *out, size_t *ret_len)
{
        size_t len = 0, digits = 0, n;
        bool fraction = false, exponent = false,
             sign = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+');
        bool plus = sign && s.ptr[0] == '+';
        const struct str whole = s;
        double ignored;

        if (s.len == 0 || s.len > 100)
                return NOT_NUMBER;
        if (sign && !plus)
                out[len++] = '-';
        s = skip(s, sign);
        n = take_integer(s, comma ? '.' : ',', out + len, &digits);
        bool zeros = digits > 1 && out[len] == '0';

        if (n == 0)
                out[len] = '0';
        len += MAX_OF(digits, (size_t)1);
        s = skip(s, n);
        if (s.len > 1 && s.ptr[0] == (comma ? ',' : '.') && is_digit(s.ptr[1])) {
                size_t f = count_digits(skip(s, 1));

                out[len] = '.';
                memcpy(out + len + 1, s.ptr + 1, f);
                len += f + 1;
                s = skip(s, f + 1);
                fraction = true;
        }
        if (n == 0 && !fraction)
                return NOT_NUMBER;
        if (s.len > 1 && (s.ptr[0] == 'e' || s.ptr[0] == 'E')) {
                memcpy(out + len, s.ptr, s.len);
                len += s.len;
                s = STR("");
                exponent = true;
        }
        if (s.len || (exponent && !str_to_double((struct str){out, len}, &ignored)))
                return NOT_NUMBER;
        if ((plus && digits >= 7) || (comma && is_ipv4(whole))) /* a telephone number; an address */
                return NOT_NUMBER;
        *ret_len = len;
        return zeros || (!fraction && digits > EXACT_DIGITS) ? CODE : NUMBER;
}

/* ---- dates ---- */

struct date {
        int year, month, day;
        bool ordered; /* year first, or with dots: no doubt about day and month */
        struct str time, zone;
};

static bool take_number(struct str *s, size_t least, size_t most, int *ret)
{
        size_t n = count_digits(*s);
        int v = 0;

        if (n < least || n > most)
                return false;
        for (size_t i = 0; i < n; i++)
                v = v * 10 + (s->ptr[i] - '0');
        *s = skip(*s, n);
        *ret = v;
        return true;
}

static bool take_char(struct str *s, char c)
{
        if (s->len == 0 || s->ptr[0] != c)
                return false;
        *s = skip(*s, 1);
        return true;
}

static bool is_day(int year, int month, int day)
{
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
               day <= days[month - 1] + (month == 2 && leap);
}

/* "Z", "+02", "+0200", "+02:00". */
static bool is_zone(struct str s)
{
        int h, m = 0;

        if (str_eq(s, STR("Z")) || str_eq(s, STR("z")))
                return true;
        if (s.len < 3 || (s.ptr[0] != '+' && s.ptr[0] != '-'))
                return false;
        s = skip(s, 1);
        if (s.len == 4 && count_digits(s) == 4)
                return str_cmp(s, STR("1560")) < 0;
        if (!take_number(&s, 2, 2, &h) || h > 15)
                return false;
        return s.len == 0 || (take_char(&s, ':') && take_number(&s, 2, 2, &m) && m < 60 && !s.len);
}

/* Behind a date: nothing, or 'T' or a space, hh:mm[:ss[.fraction]] and a zone. */
static bool take_time(struct str s, struct date *d)
{
        int h, m, sec = 0;

        if (s.len == 0)
                return true;
        if (!take_char(&s, 'T') && !take_char(&s, ' '))
                return false;
        struct str time = s;

        if (!take_number(&s, 1, 2, &h) || !take_char(&s, ':') || !take_number(&s, 2, 2, &m))
                return false;
        if (take_char(&s, ':')) {
                if (!take_number(&s, 2, 2, &sec))
                        return false;
                if (s.len > 1 && s.ptr[0] == '.' && is_digit(s.ptr[1]))
                        s = skip(s, 1 + count_digits(skip(s, 1)));
        }
        d->time = str_slice(time, 0, time.len - s.len);
        d->zone = str_trim(s);
        return h < 24 && m < 60 && sec < 60 && (s.len == 0 || is_zone(d->zone));
}

/* With the day and month of d/m/y as they stand; the caller puts them in order. */
static bool read_date(struct str s, struct date *ret)
{
        struct date d = {0};
        int a, b, c;
        size_t first = count_digits(s);

        if (s.len < 8 || s.len > 40 || first == 0 || first > 4 || first == s.len)
                return false;
        char sep = s.ptr[first];

        if (sep != '-' && sep != '/' && sep != '.')
                return false;
        if (!take_number(&s, 1, 4, &a) || !take_char(&s, sep) || !take_number(&s, 1, 2, &b) ||
            !take_char(&s, sep))
                return false;
        if (first == 4) {
                if (!take_number(&s, 1, 2, &c))
                        return false;
                d = (struct date){.year = a, .month = b, .day = c, .ordered = true};
        } else {
                if (first > 2 || !take_number(&s, 4, 4, &c))
                        return false;
                d = (struct date){.year = c, .month = b, .day = a, .ordered = sep == '.'};
        }
        if (!take_time(s, &d))
                return false;
        if (!is_day(d.year, d.month, d.day) && (d.ordered || !is_day(d.year, d.day, d.month)))
                return false;
        *ret = d;
        return true;
}

/* ---- addresses ---- */

static bool is_email(struct str s)
{
        size_t at = str_find_char(s, '@');

        if (at == SIZE_MAX || at == 0 || at > 64 || s.len > 254)
                return false;
        struct str domain = skip(s, at + 1);
        size_t dot = str_find_char(domain, '.');

        for (size_t i = 0; i < s.len; i++)
                if ((unsigned char)s.ptr[i] <= ' ' || strchr("(),:;<>\"[]\\", s.ptr[i]))
                        return false;
        return dot != SIZE_MAX && dot > 0 && domain.ptr[domain.len - 1] != '.' &&
               str_find_char(domain, '@') == SIZE_MAX && str_find(domain, STR("..")) == SIZE_MAX;
}

static bool is_url(struct str s)
{
        static const struct str schemes[] = {{"http://", 7}, {"https://", 8}, {"www.", 4}};

        for (size_t i = 0; i < s.len; i++)
                if ((unsigned char)s.ptr[i] <= ' ')
                        return false;
        for (size_t i = 0; i < ELEMENTS(schemes); i++) {
                struct str rest = skip(s, schemes[i].len);

                if (rest.len >= 3 && str_eq_nocase(str_slice(s, 0, schemes[i].len), schemes[i]))
                        return rest.ptr[0] != '/' &&
                               (schemes[i].ptr[0] != 'w' || str_find_char(rest, '.') != SIZE_MAX);
        }
        return false;
}

/* Digits in groups. A bare range ("1000-5000") or an address ("10.0.0.1") is none. */
static bool is_phone(struct str s)
{
        size_t digits = 0, separators = 0, dots = 0;
        bool marked;

        if (s.len < 7 || s.len > 30)
                return false;
        marked = s.ptr[0] == '+' || s.ptr[0] == '(' || s.ptr[0] == '0';
        for (size_t i = 0; i < s.len; i++) {
                char c = s.ptr[i];

                if (is_digit(c))
                        digits++;
                else if (c == '+' && (i == 0 || s.ptr[i - 1] == '('))
                        continue;
                else if (strchr(" ()-./", c) && c)
                        separators += i == 0 || is_digit(s.ptr[i - 1]);
                else
                        return false;
                dots += c == '.';
        }
        if (dots == 3 && separators == 3)
                return false;
        if (digits < 7 || digits > 15)
                return false;
        return marked ? s.ptr[0] != '0' || separators > 0 : separators >= 2 && digits >= 9;
}

static bool read_boolean(struct str s, bool *ret)
{
        static const struct str yes[] = {{"true", 4}, {"yes", 3}, {"y", 1}, {"t", 1}};
        static const struct str no[] = {{"false", 5}, {"no", 2}, {"n", 1}, {"f", 1}};

        for (size_t i = 0; i < ELEMENTS(yes); i++) {
                if (str_eq_nocase(s, yes[i]) || str_eq_nocase(s, no[i])) {
                        *ret = str_eq_nocase(s, yes[i]);
                        return true;
                }
        }
        return false;
}

/* ---- cells and columns ---- */

static enum number number_of(struct str s, bool *ret_dot, bool *ret_comma)
{
        char tmp[192];
        size_t len;
        enum number dot = read_number(s, false, tmp, &len);
        enum number comma = read_number(s, true, tmp, &len);

        *ret_dot = dot != NOT_NUMBER;
        *ret_comma = comma != NOT_NUMBER;
        return MAX_OF(dot, comma);
}

static enum csv_type type_of(struct str s)
{
        struct date d;
        bool b, dot, comma;

        if (s.len == 0 || s.len > 2048)
                return CSV_TEXT;
        switch (number_of(s, &dot, &comma)) {
        case NUMBER: return CSV_NUMBER;
        case CODE: return CSV_TEXT;
        case NOT_NUMBER: break;
        }
        if (read_boolean(s, &b))
                return CSV_BOOLEAN;
        if (read_date(s, &d))
                return CSV_DATE;
        if (is_email(s))
                return CSV_EMAIL;
        if (is_url(s))
                return CSV_URL;
        return is_phone(s) ? CSV_PHONE : CSV_TEXT;
}

enum csv_type csv_cell_type(struct str cell)
{
        return type_of(str_trim(cell));
}

void csv_infer_add(struct csv_infer *c, struct str cell)
{
        struct str s = str_trim(cell);
        enum csv_type t = type_of(s);
        struct date d;
        bool dot, comma;

        c->cells++;
        if (s.len == 0) {
                c->empty++;
                return;
        }
        c->of[t]++;
        if (t == CSV_NUMBER || t == CSV_TEXT) {
                c->codes += number_of(s, &dot, &comma) == CODE;
                c->comma_numbers += comma && !dot;
                c->dot_numbers += dot && !comma;
        }
        if (t == CSV_DATE && read_date(s, &d) && !d.ordered) {
                c->day_over_12 += d.day > 12;
                c->month_over_12 += d.month > 12;
        }
}

enum csv_type csv_infer_type(const struct csv_infer *c, struct csv_format *ret_format)
{
        int64_t filled = c->cells - c->empty;

        *ret_format = (struct csv_format){
                .month_first = c->month_over_12 >= c->day_over_12,
                .decimal_comma = c->comma_numbers > c->dot_numbers,
        };
        if (filled == 0)
                return CSV_TEXT;
        for (int t = CSV_NUMBER; t < CSV_TYPES; t++) {
                int64_t n = c->of[t];

                if (t == CSV_NUMBER && c->codes)
                        continue;
                if (t == CSV_PHONE && n * 2 >= c->of[CSV_NUMBER]) /* some are bare digits */
                        n += c->of[CSV_NUMBER];
                if (n && n * 100 >= filled * SHARE_PERCENT)
                        return (enum csv_type)t;
        }
        return CSV_TEXT;
}

static bool canonical_number(const struct csv_format *f, struct str s, struct buf *out)
{
        char tmp[192];
        size_t len;

        if (read_number(s, f->decimal_comma, tmp, &len) == NOT_NUMBER)
                return false;
        buf_add_mem(out, tmp, len);
        return true;
}

static bool canonical_date(const struct csv_format *f, struct str s, struct buf *out)
{
        struct date d;

        if (!read_date(s, &d))
                return false;
        int month = d.month, day = d.day;

        if (!d.ordered && f->month_first) {
                month = d.day;
                day = d.month;
        }
        if (!is_day(d.year, month, day))
                return false;
        buf_printf(out, "%04d-%02d-%02d", d.year, month, day);
        if (d.time.len)
                buf_printf(out, "T%s%.*s%s%.*s", d.time.ptr[1] == ':' ? "0" : "", FMT(d.time),
                           d.time.len < 6 ? ":00" : "", FMT(d.zone));
        return true;
}

bool csv_canonical(enum csv_type t, const struct csv_format *f, struct str cell, struct buf *out)
{
        struct str s = str_trim(cell);
        bool b;

        if (s.len == 0)
                return false;
        switch (t) {
        case CSV_NUMBER: return canonical_number(f, s, out);
        case CSV_DATE: return canonical_date(f, s, out);
        case CSV_BOOLEAN:
                if (!read_boolean(s, &b)) {
                        if (s.len != 1 || (s.ptr[0] != '0' && s.ptr[0] != '1'))
                                return false;
                        b = s.ptr[0] == '1';
                }
                buf_add_c(out, b ? "true" : "false");
                return true;
        case CSV_EMAIL:
                if (!is_email(s))
                        return false;
                break;
        case CSV_URL:
        case CSV_PHONE:
        case CSV_TEXT:
        case CSV_TYPES: break;
        }
        buf_add(out, s);
        return true;
}
