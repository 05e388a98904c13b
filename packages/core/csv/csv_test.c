/* Unit tests of the CSV reader, writer, sniffing and type inference. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "csv/csv.h"
#include "csv/infer.h"
#include "csv/scan.h"
#include "csv/write.h"

/* Rows as text: cells between brackets, one row a line, "12:" in front when lines are asked for. */
struct seen {
        struct buf text;
        bool lines;
        unsigned flags;
};

static enum err see(void *user, struct ctx *c, const struct csv_row *row)
{
        struct seen *s = user;

        if (s->lines)
                buf_printf(&s->text, "%lld:", (long long)row->line);
        if (row->header)
                buf_add_c(&s->text, "H");
        for (size_t i = 0; i < MAX_OF(row->count, row->width); i++) {
                buf_add_c(&s->text, i < row->count ? "[" : "(");
                buf_add(&s->text, row->cells[i]);
                buf_add_c(&s->text, i < row->count ? "]" : ")");
        }
        buf_add_char(&s->text, '\n');
        s->flags |= row->flags;
        return OK;
}

static struct seen seen;

static enum err read_steps(struct csv_options o, struct str text, size_t step)
{
        seen = (struct seen){.lines = seen.lines};
        buf_init(&seen.text, &arena, 64 << 20);
        o.row = see;
        o.user = &seen;
        _cleanup_(csv_reader_closep) struct csv_reader *r = csv_reader_open(&o);

        for (size_t i = 0; i < text.len; i += step)
                TRY(csv_reader_push(&ctx, r, str_slice(text, i, step)));
        return csv_reader_finish(&ctx, r);
}

/* Expects the same rows whatever way the file is split. */
static void expect_with(struct csv_options o, struct str text, const char *want)
{
        static const size_t steps[] = {1, 2, 3, 7, 63, 64, 65, 4096, 1 << 30};

        for (size_t i = 0; i < ELEMENTS(steps); i++) {
                assert_int_equal(read_steps(o, text, steps[i]), OK);
                assert_string_equal(seen.text.ptr ? seen.text.ptr : "", want);
        }
}

static void expect(struct str text, const char *want)
{
        struct csv_options o = {.dialect = {.delimiter = ',', .header = CSV_HEADER_NO}};

        expect_with(o, text, want);
}

static void plain_rows_with_every_line_end(void **state)
{
        expect(STR("a,b\n1,2\n"), "[a][b]\n[1][2]\n");
        expect(STR("a,b\r\n1,2\r\n"), "[a][b]\n[1][2]\n");
        expect(STR("a,b\r1,2\r"), "[a][b]\n[1][2]\n");
        expect(STR("a,b\n1,2"), "[a][b]\n[1][2]\n");
        expect(STR("a,b\r\n\n\r\n1,"), "[a][b]\n[1][]\n");
        expect(STR(""), "");
        expect(STR("\n"), "");
        expect(STR(","), "[][]\n");
        expect(STR("a\n\"\"\nb\n"), "[a]\n[]\n[b]\n");
        expect_with((struct csv_options){.dialect = {.delimiter = ',', .header = CSV_HEADER_NO},
                                         .keep_blank = true},
                    STR("a\r\n\r\nb\n\n"), "[a]\n()\n[b]\n()\n");
}

static void quoted_cells(void **state)
{
        expect(STR("\"a\",\"b,c\"\n\"d\ne\",f\n"), "[a][b,c]\n[d\ne][f]\n");
        expect(STR("\"say \"\"hi\"\"\",x\n"), "[say \"hi\"][x]\n");
        expect(STR("\"\"\"\",\"\",\"\"\"a\"\n"), "[\"][][\"a]\n");
        expect(STR("\"a\r\nb\",\"c\rd\"\r\n"), "[a\r\nb][c\rd]\n");
        expect(STR("a,\"b\""), "[a][b]\n");
}

static void quotes_in_odd_places(void **state)
{
        expect(STR("5\" pipe,6\"\" x,a\"b\"c\n1,2,3\n"),
               "[5\" pipe][6\"\" x][a\"b\"c]\n[1][2][3]\n");
        assert_int_equal(seen.flags, 0);
        expect(STR("\"a\"b,c\n"), "[ab][c]\n");
        assert_int_equal(seen.flags, CSV_ROW_AFTER_QUOTE);
        expect(STR("\"a\"\"b\"c\"d\"\",e\n"), "[a\"bc\"d\"\"][e]\n");
        expect(STR("\"he said \"hello\" to me\",next\n"), "[he said hello\" to me\"][next]\n");
        expect(STR("a, \"b\"\n"), "[a][ \"b\"]\n");
        expect(STR("a,\"open\nnever,closed\n"), "[a][open\nnever,closed\n]\n");
        assert_int_equal(seen.flags, CSV_ROW_UNTERMINATED);
        expect(STR("a,\"x\" "), "[a][x ]\n");
        assert_int_equal(seen.flags, CSV_ROW_AFTER_QUOTE);
}

static void uneven_rows_are_padded_and_flagged(void **state)
{
        expect(STR("a,b,c\n1\n1,2,3,4\n"), "[a][b][c]\n[1]()()\n[1][2][3][4]\n");
        assert_int_equal(seen.flags, CSV_ROW_SHORT | CSV_ROW_LONG);
        struct csv_row row = {.count = 1, .width = 3, .flags = CSV_ROW_SHORT | CSV_ROW_NUL};

        assert_true(str_eq(csv_row_problem(&arena, &row),
                           STR("1 cells where the header has 3; NUL bytes")));
}

static void lines_are_physical(void **state)
{
        seen.lines = true;
        expect(STR("a,b\n\"1\n2\r\n3\r4\",x\n\ny,z\r\nq,\"\r\n\"\r\nlast,1\n"),
               "1:[a][b]\n2:[1\n2\r\n3\r4][x]\n7:[y][z]\n8:[q][\r\n]\n10:[last][1]\n");
        seen.lines = false;
}

static void nul_bytes_are_kept_or_dropped(void **state)
{
        static const struct str text = {"a\0b,c\nd,\0\n", 10};
        struct csv_options o = {
                .dialect = {.delimiter = ',', .encoding = CSV_UTF8, .header = CSV_HEADER_NO}};

        assert_int_equal(read_steps(o, text, 3), OK);
        assert_int_equal(seen.flags, CSV_ROW_NUL);
        assert_int_equal(seen.text.len, 16);
        assert_memory_equal(seen.text.ptr, "[a\0b][c]\n[d][\0]\n", 16);
        o.drop_nul = true;
        expect_with(o, text, "[ab][c]\n[d][]\n");
}

static void encodings_become_utf8(void **state)
{
        struct csv_options o = {.dialect = {.delimiter = ',', .header = CSV_HEADER_NO}};

        expect_with(o, STR("\xef\xbb\xbf\"\xc3\xa4\",b\n"), "[\xc3\xa4][b]\n");
        expect_with(o, STR("M\xfcller,\x80 5\n"), "[M\xc3\xbcller][\xe2\x82\xac 5]\n");
        static const struct str le = {"\xff\xfe"
                                      "a\0,\0\x3d\xd8\x00\xde\n\0",
                                      12};
        static const struct str be = {"\xfe\xff\0a\0,\xd8\x3d\xde\x00\0\n", 12};

        expect_with(o, le, "[a][\xf0\x9f\x98\x80]\n");
        expect_with(o, be, "[a][\xf0\x9f\x98\x80]\n");
        static const struct str no_bom = {"a\0b\0,\0c\0d\0\n\0", 12};

        expect_with(o, no_bom, "[ab][cd]\n");
        static const struct str lone = {"\xff\xfe"
                                        "a\0\x3d\xd8,\0b\0\n\0",
                                        12};

        expect_with(o, lone, "[a\xef\xbf\xbd][b]\n");
        assert_int_equal(seen.flags, CSV_ROW_BAD_UTF8);
}

static void bytes_that_are_not_utf8_are_read_as_windows_1252(void **state)
{
        struct csv_options o = {
                .dialect = {.delimiter = ',', .encoding = CSV_UTF8, .header = CSV_HEADER_NO}};

        expect_with(o, STR("\xc3\xa9t\xe9,\xed\xa0\x80,ok\n\xc3\xa4,x,y\n"),
                    "[\xc3\xa9t\xc3\xa9][\xc3\xad\xc2\xa0\xe2\x82\xac][ok]\n[\xc3\xa4][x][y]\n");
        assert_int_equal(seen.flags, CSV_ROW_BAD_UTF8);
}

static void limits_name_the_line(void **state)
{
        struct csv_options o = {.dialect = {.delimiter = ',', .header = CSV_HEADER_NO},
                                .max_cell = 1000,
                                .max_row = 3000,
                                .max_columns = 200};
        struct buf b;
        static const size_t steps[] = {1, 100, 1 << 20};

        for (size_t i = 0; i < ELEMENTS(steps); i++) {
                buf_init(&b, &arena, 1 << 20);
                buf_add_c(&b, "a,b\n1,\"");
                for (int k = 0; k < 1001; k++)
                        buf_add_char(&b, 'x');
                buf_add_c(&b, "\"\n");
                assert_int_equal(read_steps(o, buf_str(&b), steps[i]), ERR_TOO_LARGE);
                assert_non_null(strstr(str_to_c(&arena, ctx.message),
                                       "line 2: cell 2 is longer than 1000 bytes"));
                buf_reset(&b);
                for (int k = 0; k < 300; k++)
                        buf_add_c(&b, "x,");
                assert_int_equal(read_steps(o, buf_str(&b), steps[i]), ERR_TOO_LARGE);
                assert_non_null(strstr(str_to_c(&arena, ctx.message), "more than 200 columns"));
                buf_reset(&b);
                for (int k = 0; k < 9; k++)
                        buf_printf(&b, "%0400d,", k);
                buf_add_c(&b, "\n");
                assert_int_equal(read_steps(o, buf_str(&b), steps[i]), ERR_TOO_LARGE);
                assert_non_null(strstr(str_to_c(&arena, ctx.message), "row is longer"));
        }
        /* an open quote does not gather the rest of the file */
        buf_reset(&b);
        buf_add_c(&b, "a\n\"");
        for (int k = 0; k < 100000; k++)
                buf_add_c(&b, "row\n");
        assert_int_equal(read_steps(o, buf_str(&b), 512), ERR_TOO_LARGE);
}

/* Generates a file with cells around the sizes where buffers and blocks end. */
static void long_cells_and_rows_cross_the_buffers_edges(void **state)
{
        struct csv_options o = {
                .dialect = {.delimiter = ',', .encoding = CSV_UTF8, .header = CSV_HEADER_NO}};
        struct buf file, want;

        buf_init(&file, &arena, 32 << 20);
        buf_init(&want, &arena, 32 << 20);
        for (int i = 0; i < 40; i++) {
                int n = 20000 + i * 977;

                buf_printf(&file, "%d,\"", i);
                buf_printf(&want, "[%d][", i);
                for (int k = 0; k < n; k++) {
                        buf_add_c(&file, k % 100 == 99 ? "\"\"" : k % 50 ? "x" : "\n");
                        buf_add_c(&want, k % 100 == 99 ? "\"" : k % 50 ? "x" : "\n");
                }
                buf_add_c(&file, "\",end\r\n");
                buf_add_c(&want, "][end]\n");
        }
        static const size_t steps[] = {61, 4099, 262144, 1 << 30};

        for (size_t i = 0; i < ELEMENTS(steps); i++) {
                assert_int_equal(read_steps(o, buf_str(&file), steps[i]), OK);
                assert_int_equal(seen.text.len, want.len);
                assert_memory_equal(seen.text.ptr, want.ptr, want.len);
        }
}

static void space_and_commit_read_like_push(void **state)
{
        struct csv_options o = {.row = see, .user = &seen};
        struct buf file;

        buf_init(&file, &arena, 16 << 20);
        buf_add_c(&file, "name,size\n");
        for (int i = 0; i < 100000; i++)
                buf_printf(&file, "row %d,%d\n", i, i * 7);
        assert_int_equal(read_steps((struct csv_options){0}, buf_str(&file), 1 << 30), OK);
        struct buf want = seen.text;
        struct str rest = buf_str(&file);
        _cleanup_(csv_reader_closep) struct csv_reader *r = csv_reader_open(&o);

        buf_init(&seen.text, &arena, 64 << 20);
        while (rest.len) {
                size_t room;
                char *p = csv_reader_space(r, &room);

                assert_true(room >= 4096);
                room = MIN_OF(MIN_OF(room, rest.len), (size_t)50000);
                memcpy(p, rest.ptr, room);
                rest = str_slice(rest, room, rest.len);
                assert_int_equal(csv_reader_commit(&ctx, r, room), OK);
        }
        assert_int_equal(csv_reader_finish(&ctx, r), OK);
        assert_int_equal(csv_reader_rows(r), 100000);
        assert_int_equal(seen.text.len, want.len);
        assert_memory_equal(seen.text.ptr, want.ptr, want.len);
}

static void scan_variants_agree(void **state)
{
        char text[64 * 16 + 1];
        struct csv_masks want[16], got[16];
        csv_scan_fn *all[8];
        size_t n = csv_scan_variants(all, ELEMENTS(all));

        srand(7);
        for (int round = 0; round < 500; round++) {
                for (size_t i = 0; i < sizeof text; i++)
                        text[i] = rand() % 3 ? ",\"\n\r;x\0\x80"[rand() % 8] : (char)rand();
                csv_scan_scalar(text + 1, 16, ',', '"', want);
                for (size_t v = 1; v < n; v++) {
                        all[v](text + 1, 16, ',', '"', got);
                        for (int i = 0; i < 16; i++) {
                                assert_int_equal(got[i].delimiter, want[i].delimiter);
                                assert_int_equal(got[i].quote, want[i].quote);
                                assert_int_equal(got[i].lf, want[i].lf);
                                assert_int_equal(got[i].cr, want[i].cr);
                                assert_int_equal(!got[i].odd, !want[i].odd);
                        }
                }
        }
}

static struct csv_dialect sniffed(struct str text)
{
        struct csv_dialect d;

        csv_sniff(text, true, &(struct csv_dialect){0}, &d);
        return d;
}

static void delimiters_are_found(void **state)
{
        assert_int_equal(sniffed(STR("a,b\n1,2\n")).delimiter, ',');
        assert_int_equal(sniffed(STR("a;b\n1,5;2,5\n3,5;4\n")).delimiter, ';');
        assert_int_equal(sniffed(STR("a\tb\nx, y\tz\n")).delimiter, '\t');
        assert_int_equal(sniffed(STR("a|b|c\n1|2|3\n")).delimiter, '|');
        assert_int_equal(sniffed(STR("name\nAcme, Inc.\nBeta; Co\n")).delimiter, ',');
        assert_int_equal(sniffed(STR("n;t\n1;\"a,b,c\"\n2;\"d,e,f\"\n")).delimiter, ';');
        assert_int_equal(sniffed(STR("company,tags\nAcme,a;b;c\nBeta,d;e;f\n")).delimiter, ',');
        struct csv_dialect d = sniffed(STR("sep=|\r\nx|y\r\n1|2\r\n"));

        assert_int_equal(d.delimiter, '|');
        assert_true(d.sep_line);
        assert_int_equal(d.newline, CSV_CRLF);
        expect_with((struct csv_options){0}, STR("sep=|\r\nx|y\r\n1|2\r\n"), "H[x][y]\n[1][2]\n");
}

static void headers_are_told_from_data(void **state)
{
        assert_int_equal(sniffed(STR("Company,Domain\nAcme,acme.com\n")).header, CSV_HEADER_YES);
        assert_int_equal(sniffed(STR("id,n\n1,2\n3,4\n")).header, CSV_HEADER_YES);
        assert_int_equal(sniffed(STR("id,name,name\n007,a,b\n08,c,d\n")).header, CSV_HEADER_YES);
        assert_int_equal(sniffed(STR("Rome,Rome,x\nOslo,Oslo,z\n")).header, CSV_HEADER_NO);
        assert_int_equal(sniffed(STR("1,2\n3,4\n")).header, CSV_HEADER_NO);
        assert_int_equal(sniffed(STR("Ann,ann@x.org\nBob,bob@y.org\n")).header, CSV_HEADER_NO);
        assert_int_equal(sniffed(STR("Acme,Germany\nBeta,Germany\nC,France\n")).header,
                         CSV_HEADER_NO);
        assert_int_equal(sniffed(STR("country,2023,2024\nDE,1,2\nFR,3,4\n")).header, CSV_HEADER_NO);
        assert_int_equal(sniffed(STR("name,email,2024\nA,a@b.org,2\nB,c@d.org,4\n")).header,
                         CSV_HEADER_NO);
}

static void cells_have_types(void **state)
{
        static const struct {
                const char *cell;
                enum csv_type type;
        } cases[] = {
                {"", CSV_TEXT},
                {"12", CSV_NUMBER},
                {"-1.5e3", CSV_NUMBER},
                {"1,234,567.89", CSV_NUMBER},
                {"1.234.567,89", CSV_NUMBER},
                {"00123", CSV_TEXT},
                {"12345678901234567890", CSV_TEXT},
                {"1,23,4", CSV_TEXT},
                {"TRUE", CSV_BOOLEAN},
                {"no", CSV_BOOLEAN},
                {"2024-02-29", CSV_DATE},
                {"2023-02-29", CSV_TEXT},
                {"31/12/2024", CSV_DATE},
                {"12/31/2024 9:05", CSV_DATE},
                {"31.12.2024", CSV_DATE},
                {"12.31.2024", CSV_TEXT},
                {"2024-01-02T03:04:05.678+02:00", CSV_DATE},
                {"2024-01-02T25:04", CSV_TEXT},
                {"a.b+c@example.co.uk", CSV_EMAIL},
                {"a@b", CSV_TEXT},
                {"a b@c.de", CSV_TEXT},
                {"https://example.com/x?y", CSV_URL},
                {"www.example.com", CSV_URL},
                {"https://", CSV_TEXT},
                {"+49 30 901820", CSV_PHONE},
                {"+493090182000", CSV_PHONE},
                {"(555) 123-4567", CSV_PHONE},
                {"555-123-4567", CSV_PHONE},
                {"1000-5000", CSV_TEXT},
                {"10.0.0.1", CSV_TEXT},
                {"192.168.100.200", CSV_TEXT},
                {"Acme GmbH", CSV_TEXT},
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                if (csv_cell_type(str_from(cases[i].cell)) != cases[i].type)
                        fail_msg("%s is %s", cases[i].cell,
                                 csv_type_name(csv_cell_type(str_from(cases[i].cell))));
}

static enum csv_type column(struct csv_format *f, const char *const *cells, size_t n)
{
        struct csv_infer c = {0};

        for (size_t i = 0; i < n; i++)
                csv_infer_add(&c, str_from(cells[i]));
        return csv_infer_type(&c, f);
}

#define COLUMN(f, ...)                                  \
        column((f), (const char *const[]){__VA_ARGS__}, \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void columns_have_types_and_formats(void **state)
{
        struct csv_format f;

        assert_int_equal(COLUMN(&f, "1", "", "2.5", "3"), CSV_NUMBER);
        assert_false(f.decimal_comma);
        assert_int_equal(COLUMN(&f, "1,5", "2", "1.000"), CSV_NUMBER);
        assert_true(f.decimal_comma);
        assert_int_equal(COLUMN(&f, "01234", "90210", "10115"), CSV_TEXT);
        assert_int_equal(COLUMN(&f, "", ""), CSV_TEXT);
        assert_int_equal(COLUMN(&f, "1", "x"), CSV_TEXT);
        assert_int_equal(COLUMN(&f, "01/02/2024", "31/12/2024"), CSV_DATE);
        assert_false(f.month_first);
        assert_int_equal(COLUMN(&f, "01/02/2024", "12/31/2024"), CSV_DATE);
        assert_true(f.month_first);
        assert_int_equal(COLUMN(&f, "+1 555 1234567", "15551234567"), CSV_PHONE);
}

static void check_canonical(enum csv_type t, struct csv_format f, const char *cell,
                            const char *want)
{
        struct buf b;

        buf_init(&b, &arena, 1000);
        bool fits = csv_canonical(t, &f, str_from(cell), &b);

        if (fits != (want != NULL) || (want && !str_eq(buf_str(&b), str_from(want))))
                fail_msg("%s gives %s", cell, fits ? buf_str(&b).ptr : "nothing");
        if (!fits)
                assert_int_equal(b.len, 0);
}

static void values_become_canonical(void **state)
{
        struct csv_format plain = {0}, us = {.month_first = true}, eu = {.decimal_comma = true};

        check_canonical(CSV_NUMBER, plain, " 1,234.50 ", "1234.50");
        check_canonical(CSV_NUMBER, eu, "1.234,5", "1234.5");
        check_canonical(CSV_NUMBER, eu, "+7", "7");
        check_canonical(CSV_NUMBER, plain, ".5", "0.5");
        check_canonical(CSV_NUMBER, plain, "-.5", "-0.5");
        check_canonical(CSV_NUMBER, plain, "007", "007");
        check_canonical(CSV_NUMBER, plain, "12 apples", NULL);
        check_canonical(CSV_NUMBER, plain, "1e999", NULL);
        check_canonical(CSV_NUMBER, plain, "", NULL);
        check_canonical(CSV_BOOLEAN, plain, "Yes", "true");
        check_canonical(CSV_BOOLEAN, plain, "0", "false");
        check_canonical(CSV_BOOLEAN, plain, "2", NULL);
        check_canonical(CSV_DATE, plain, "3/4/2024", "2024-04-03");
        check_canonical(CSV_DATE, us, "3/4/2024", "2024-03-04");
        check_canonical(CSV_DATE, us, "3.4.2024", "2024-04-03");
        check_canonical(CSV_DATE, us, "31/12/2024", NULL);
        check_canonical(CSV_DATE, plain, "2024/1/2 9:05", "2024-01-02T09:05:00");
        check_canonical(CSV_DATE, plain, "2024-01-02 03:04:05.6 +0200",
                        "2024-01-02T03:04:05.6+0200");
        check_canonical(CSV_EMAIL, plain, " a@b.org ", "a@b.org");
        check_canonical(CSV_EMAIL, plain, "nobody", NULL);
        check_canonical(CSV_TEXT, plain, " x ", "x");
}

static struct buf written;

static const char *write_row(struct csv_writer w, size_t n, const struct str *cells)
{
        buf_init(&written, &arena, 1 << 20);
        w.out = &written;
        csv_write_row(&w, cells, n);
        return written.ptr;
}

#define WRITE(w, ...) \
        write_row((w), ELEMENTS(((struct str[]){__VA_ARGS__})), (const struct str[]){__VA_ARGS__})

static void the_writer_quotes_what_needs_it(void **state)
{
        struct csv_writer w = {0}, semi = {.delimiter = ';', .crlf = true};

        assert_string_equal(WRITE(w, STR("a"), STR("b c"), STR("")), "a,b c,\n");
        assert_string_equal(WRITE(w, STR("a,b"), STR("c\"d"), STR("e\nf"), STR("g\rh")),
                            "\"a,b\",\"c\"\"d\",\"e\nf\",\"g\rh\"\n");
        assert_string_equal(WRITE(w, STR("")), "\"\"\n");
        assert_string_equal(WRITE(w, STR(""), STR("")), ",\n");
        assert_string_equal(WRITE(semi, STR("a,b"), STR("c;d")), "a,b;\"c;d\"\r\n");
}

static void formulas_are_made_safe(void **state)
{
        struct csv_writer w = {.formula_safe = true};

        assert_string_equal(WRITE(w, STR("=1+1"), STR("@x"), STR("+a"), STR("-b"), STR("\tc")),
                            "'=1+1,'@x,'+a,'-b,'\tc\n");
        assert_string_equal(WRITE(w, STR("-5"), STR("+3.25"), STR("-1e5"), STR("a=b"), STR("-3,5")),
                            "-5,+3.25,-1e5,a=b,\"-3,5\"\n");
        assert_string_equal(WRITE(w, STR("=HYPERLINK(\"x\",\"y\")"), STR("\r=1")),
                            "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\",\"'\r=1\"\n");
        assert_string_equal(WRITE(w, STR("-1+cmd|'/C calc'!A0"), STR("+1-2"), STR("-")),
                            "'-1+cmd|'/C calc'!A0,'+1-2,'-\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(plain_rows_with_every_line_end),
                TEST(quoted_cells),
                TEST(quotes_in_odd_places),
                TEST(uneven_rows_are_padded_and_flagged),
                TEST(lines_are_physical),
                TEST(nul_bytes_are_kept_or_dropped),
                TEST(encodings_become_utf8),
                TEST(bytes_that_are_not_utf8_are_read_as_windows_1252),
                TEST(limits_name_the_line),
                TEST(long_cells_and_rows_cross_the_buffers_edges),
                TEST(space_and_commit_read_like_push),
                TEST(scan_variants_agree),
                TEST(delimiters_are_found),
                TEST(headers_are_told_from_data),
                TEST(cells_have_types),
                TEST(columns_have_types_and_formats),
                TEST(values_become_canonical),
                TEST(the_writer_quotes_what_needs_it),
                TEST(formulas_are_made_safe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
