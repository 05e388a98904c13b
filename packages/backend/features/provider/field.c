/* The field vocabulary and finding a field by what a column is called. */
#include "features/provider/provider.h"

#include <string.h>
#include "text/fold.h"

static const struct field fields[] = {
#define FIELD(key, label, type, aliases) {#key, label, type, aliases},
#include "features/provider/field.def"
#undef FIELD
};

size_t field_count(void)
{
        return ELEMENTS(fields);
}

const struct field *field_at(size_t i)
{
        return i < ELEMENTS(fields) ? &fields[i] : NULL;
}

const struct field *field_find(struct str key)
{
        for (size_t i = 0; i < ELEMENTS(fields); i++)
                if (str_eq_c(key, fields[i].key))
                        return &fields[i];
        return NULL;
}

/* Without its spaces, so that "CompanyName" and "company name" are one. */
static struct str squash(struct arena *a, struct str s)
{
        struct buf b;

        buf_init(&b, a, s.len + 1);
        for (size_t i = 0; i < s.len; i++)
                if (s.ptr[i] != ' ')
                        buf_add_char(&b, s.ptr[i]);
        return buf_str(&b);
}

static size_t words(struct str s)
{
        size_t n = s.len > 0;

        for (size_t i = 0; i < s.len; i++)
                n += s.ptr[i] == ' ';
        return n;
}

/* Where the words of `part` stand in `whole`; SIZE_MAX when they do not. */
static size_t word_find(struct str whole, struct str part)
{
        for (size_t at = 0; at + part.len <= whole.len; at++) {
                bool starts = at == 0 || whole.ptr[at - 1] == ' ';
                bool ends = at + part.len == whole.len || whole.ptr[at + part.len] == ' ';

                if (starts && ends && !memcmp(whole.ptr + at, part.ptr, part.len))
                        return at;
        }
        return SIZE_MAX;
}

/*
 * 1 for the same words, 0.98 when only the spaces differ; a part of the header scores by how much
 * of it is matched, a little more at the end, where most languages put what the thing is.
 */
static double score(struct arena *a, struct str header, struct str alias)
{
        size_t at;
        double share;

        if (str_eq(header, alias))
                return 1;
        if (str_eq(squash(a, header), squash(a, alias)))
                return 0.98;
        if (alias.len < 3 || (at = word_find(header, alias)) == SIZE_MAX)
                return 0;
        share = (double)words(alias) / (double)words(header);
        return 0.4 + 0.5 * share + (at + alias.len == header.len ? 0.05 : 0);
}

struct match {
        const struct field *field;
        double score;
        size_t length;
};

static void consider(struct arena *a, struct str header, struct str alias, const struct field *f,
                     struct match *best)
{
        struct str folded = text_fold(a, alias);
        double s = score(a, header, folded);

        if (s > best->score || (s == best->score && s > 0 && folded.len > best->length))
                *best = (struct match){f, s, folded.len};
}

const struct field *field_find_by_alias(struct str header, double *ret_score)
{
        struct arena arena;
        struct match best = {0};
        struct str folded;

        arena_init(&arena, 8 << 20);
        folded = text_fold(&arena, str_slice(header, 0, 200));
        for (size_t i = 0; folded.len && i < ELEMENTS(fields); i++) {
                struct str rest = str_from(fields[i].aliases), alias;

                consider(&arena, folded, str_from(fields[i].key), &fields[i], &best);
                consider(&arena, folded, str_from(fields[i].label), &fields[i], &best);
                while (str_split(&rest, '|', &alias))
                        consider(&arena, folded, alias, &fields[i], &best);
        }
        arena_finish(&arena);
        if (best.score < 0.5)
                return NULL;
        if (ret_score)
                *ret_score = best.score;
        return best.field;
}
