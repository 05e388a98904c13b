/*
 * ECMA-262 patterns over PCRE2. See pattern.h.
 *
 * The interpreter is used, not the JIT: its match limit counts the same steps on every machine, it
 * backtracks on the heap (the JIT uses the thread's stack), and field values are short.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "schema/pattern.h"

#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX     (64 * 1024)
#define MATCH_LIMIT  500000
#define DEPTH_LIMIT  100000
#define HEAP_KIB     (16 * 1024)
#define RUN_LIMIT_NS NS_PER_S /* all patterns of one validation together */

struct pattern {
        struct str text;
        pcre2_code *code;
};

/* General categories by the long names that ECMA-262 allows and PCRE2 10.42 does not know. */
static const struct {
        const char *name, *is;
} categories[] = {
        {"Letter", "L"},
        {"Lowercase_Letter", "Ll"},
        {"Uppercase_Letter", "Lu"},
        {"Titlecase_Letter", "Lt"},
        {"Modifier_Letter", "Lm"},
        {"Other_Letter", "Lo"},
        {"Mark", "M"},
        {"Nonspacing_Mark", "Mn"},
        {"Number", "N"},
        {"Decimal_Number", "Nd"},
        {"digit", "Nd"},
        {"Letter_Number", "Nl"},
        {"Punctuation", "P"},
        {"punct", "P"},
        {"Symbol", "S"},
        {"Currency_Symbol", "Sc"},
        {"Math_Symbol", "Sm"},
        {"Separator", "Z"},
        {"Space_Separator", "Zs"},
        {"Control", "Cc"},
        {"Alphabetic", "L"},
};

static void add_property(struct buf *b, struct str name)
{
        for (size_t i = 0; i < ELEMENTS(categories); i++)
                if (str_eq_c(name, categories[i].name))
                        name = str_from(categories[i].is);
        buf_add(b, name);
}

/* The escape at text[i] == '\\' in PCRE2's terms; gives the number of bytes it took, 0 if wrong. */
static size_t translate_escape(struct buf *b, struct str text, size_t i, bool in_class)
{
        char c = i + 1 < text.len ? text.ptr[i + 1] : '\0';

        if (c == 's' || (c == 'S' && !in_class)) { /* ECMA's white space is all of Unicode's */
                buf_add_c(b, in_class ? "" : c == 's' ? "[" : "[^");
                buf_add_c(b, "\\s\\p{Z}\\ufeff");
                buf_add_c(b, in_class ? "" : "]");
                return 2;
        }
        if ((c == 'p' || c == 'P') && i + 2 < text.len && text.ptr[i + 2] == '{') {
                struct str rest = str_slice(text, i + 3, text.len);
                size_t end = str_find_char(rest, '}');

                if (end == SIZE_MAX)
                        return 0;
                buf_add(b, str_slice(text, i, 3));
                add_property(b, str_slice(rest, 0, end));
                buf_add_char(b, '}');
                return end + 4;
        }
        if (c == '\0' || strchr("aeghlmoqyzACEFGHIJKLMNOQRTUVXYZ", c))
                return 0; /* letters that mean nothing in ECMA-262, or something else in PCRE2 */
        buf_add(b, str_slice(text, i, 2));
        return 2;
}

/* Rewrites what ECMA-262 and PCRE2 read differently. False: not ECMA-262. */
static bool translate(struct buf *b, struct str text, const char **why)
{
        bool in_class = false;

        for (size_t i = 0; i < text.len;) {
                char c = text.ptr[i];

                if (c == '\\') {
                        size_t n = translate_escape(b, text, i, in_class);

                        if (n == 0) {
                                *why = "unknown escape";
                                return false;
                        }
                        i += n;
                        continue;
                }
                if (c == '(' && !in_class && i + 1 < text.len && text.ptr[i + 1] == '*') {
                        *why = "nothing to repeat";
                        return false;
                }
                if (c == '[' && in_class)
                        buf_add_char(b, '\\'); /* "[" stands for itself; no POSIX classes */
                else if (c == '[')
                        in_class = true;
                else if (c == ']')
                        in_class = false;
                buf_add_char(b, c);
                i++;
        }
        return true;
}

static void code_free(void *p)
{
        pcre2_code_free(p);
}

static pcre2_code *compile(struct str text, char *why, size_t why_size)
{
        int code;
        PCRE2_SIZE at;
        pcre2_compile_context *cc = pcre2_compile_context_create(NULL);

        if (!cc)
                return NULL;
        pcre2_set_newline(cc, PCRE2_NEWLINE_ANYCRLF);
        pcre2_set_compile_extra_options(cc, PCRE2_EXTRA_ALT_BSUX);
        pcre2_code *re = pcre2_compile((PCRE2_SPTR)text.ptr, text.len,
                                       PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_DOLLAR_ENDONLY |
                                               PCRE2_MATCH_UNSET_BACKREF | PCRE2_ALLOW_EMPTY_CLASS |
                                               PCRE2_NEVER_BACKSLASH_C,
                                       &code, &at, cc);

        pcre2_compile_context_free(cc);
        if (!re) {
                int n = pcre2_get_error_message(code, (PCRE2_UCHAR *)why, why_size);

                if (n < 0 && why_size)
                        why[0] = '\0';
        }
        return re;
}

bool pattern_compile(struct arena *a, struct str text, char *why, size_t why_size,
                     const struct pattern **ret)
{
        struct buf b;
        const char *reason = "too long";

        buf_init(&b, NULL, TEXT_MAX);
        if (!translate(&b, text, &reason) || buf_full(&b)) {
                buf_finish(&b);
                snprintf(why, why_size, "%s", reason);
                return false;
        }
        pcre2_code *re = compile(b.ptr ? buf_str(&b) : STR(""), why, why_size);

        buf_finish(&b);
        if (!re)
                return false;
        struct pattern *p = arena_new(a, struct pattern);

        arena_defer(a, code_free, re);
        *p = (struct pattern){.text = str_dup(a, text), .code = re};
        *ret = p;
        return true;
}

struct str pattern_text(const struct pattern *p)
{
        return p->text;
}

static bool run_prepare(struct pattern_run *run)
{
        if (run->match_data)
                return true;
        pcre2_match_context *mc = pcre2_match_context_create(NULL);
        pcre2_match_data *md = pcre2_match_data_create(1, NULL);

        run->match_context = mc;
        run->match_data = md;
        if (!mc || !md)
                return false;
        pcre2_set_match_limit(mc, MATCH_LIMIT);
        pcre2_set_depth_limit(mc, DEPTH_LIMIT);
        pcre2_set_heap_limit(mc, HEAP_KIB);
        return true;
}

enum pattern_result pattern_match(const struct pattern *p, struct pattern_run *run, struct str text)
{
        if (run->spent_ns > RUN_LIMIT_NS || !run_prepare(run))
                return PATTERN_LIMIT;
        int64_t start = time_mono_ns();
        int rc = pcre2_match(p->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0,
                             run->match_data, run->match_context);

        run->spent_ns += time_mono_ns() - start;
        if (rc >= 0)
                return PATTERN_YES;
        return rc == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_LIMIT;
}

void pattern_run_finish(struct pattern_run *run)
{
        pcre2_match_data_free(run->match_data);
        pcre2_match_context_free(run->match_context);
        *run = (struct pattern_run){0};
}
