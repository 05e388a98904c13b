/* CSV writer: quoting and formula safety. See write.h. */
#include "csv/write.h"

static char delimiter_of(const struct csv_writer *w)
{
        return w->delimiter ? w->delimiter : ',';
}

void csv_write_bom(struct csv_writer *w)
{
        buf_add_c(w->out, "\xef\xbb\xbf");
}

/* [+-]digits[.digits][e[+-]digits], also with a decimal comma. */
static bool is_plain_number(struct str s)
{
        double ignored;
        char tmp[64];

        if (s.len == 0 || s.len >= sizeof tmp)
                return false;
        for (size_t i = 0; i < s.len; i++)
                tmp[i] = s.ptr[i] == ',' ? '.' : s.ptr[i];
        return str_to_double((struct str){tmp, s.len}, &ignored);
}

bool csv_is_formula(struct str cell)
{
        if (cell.len == 0)
                return false;
        switch (cell.ptr[0]) {
        case '=':
        case '@':
        case '\t':
        case '\r':
        case '\n': return true;
        case '+':
        case '-': return !is_plain_number(cell);
        default: return false;
        }
}

static bool needs_quotes(struct str s, char delimiter)
{
        for (size_t i = 0; i < s.len; i++) {
                char c = s.ptr[i];

                if (c == delimiter || c == '"' || c == '\n' || c == '\r')
                        return true;
        }
        return false;
}

static void write_quoted(struct buf *b, struct str s)
{
        while (s.len) {
                size_t q = str_find_char(s, '"');
                size_t n = q == SIZE_MAX ? s.len : q + 1;

                buf_add(b, str_slice(s, 0, n));
                if (q != SIZE_MAX)
                        buf_add_char(b, '"');
                s = str_slice(s, n, s.len);
        }
}

void csv_write_cell(struct csv_writer *w, struct str cell)
{
        bool guard = w->formula_safe && csv_is_formula(cell);

        w->blank = w->cells == 0 && cell.len == 0;
        if (w->cells++)
                buf_add_char(w->out, delimiter_of(w));
        if (!needs_quotes(cell, delimiter_of(w))) {
                if (guard)
                        buf_add_char(w->out, '\'');
                buf_add(w->out, cell);
                return;
        }
        buf_add_c(w->out, guard ? "\"'" : "\"");
        write_quoted(w->out, cell);
        buf_add_char(w->out, '"');
}

void csv_write_end(struct csv_writer *w)
{
        if (w->blank) /* else the row would read as a blank line */
                buf_add_c(w->out, "\"\"");
        buf_add_c(w->out, w->crlf ? "\r\n" : "\n");
        w->cells = 0;
        w->blank = false;
}

void csv_write_row(struct csv_writer *w, const struct str *cells, size_t count)
{
        for (size_t i = 0; i < count; i++)
                csv_write_cell(w, cells[i]);
        csv_write_end(w);
}
