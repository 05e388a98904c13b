/* Splitting a person's name into given and family name. A heuristic, and it says how sure it is. */
#include "features/provider/builtin.h"

#include "text/fold.h"

static const char *const titles[] = {"mr",   "mrs",  "ms",   "miss",      "mx",    "dr",   "prof",
                                     "sir",  "dame", "lord", "lady",      "herr",  "frau", "mme",
                                     "mlle", "m",    "sr",   "sra",       "dott",  "ing",  "dipl",
                                     "mag",  "rev",  "hon",  "professor", "doctor"};
static const char *const suffixes[] = {"jr",  "sr",  "ii",  "iii", "iv",  "phd",
                                       "md",  "mba", "msc", "bsc", "cpa", "esq",
                                       "cfa", "llm", "pmp", "dds", "ba",  "ma"};
/* Words that belong to the family name that follows them. */
static const char *const particles[] = {"van", "von",   "der", "den", "de",  "del", "della", "di",
                                        "da",  "do",    "dos", "das", "du",  "la",  "le",    "lo",
                                        "el",  "al",    "bin", "ibn", "ben", "abu", "ter",   "ten",
                                        "te",  "zu",    "zum", "zur", "af",  "av",  "mac",   "san",
                                        "st",  "saint", "d",   "o",   "y",   "e"};

static bool among(struct str word, const char *const *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (str_eq_c(word, list[i]))
                        return true;
        return false;
}

static str_list split(struct ctx *ctx, struct str text)
{
        str_list out = {0};
        struct str rest = text_tidy(ctx->arena, text), word;

        while (str_split(&rest, ' ', &word))
                if (word.len)
                        LIST_PUSH(ctx->arena, &out, word);
        return out;
}

static struct str join(struct ctx *ctx, const str_list *words, size_t from, size_t to)
{
        struct buf b;

        buf_init(&b, ctx->arena, 2048);
        for (size_t i = from; i < to; i++) {
                if (b.len)
                        buf_add_char(&b, ' ');
                buf_add(&b, words->ptr[i]);
        }
        return buf_str(&b);
}

/* Takes titles off the front and degrees off the end. */
static void strip(struct ctx *ctx, str_list *words)
{
        size_t from = 0, to = words->len;

        while (from + 1 < to &&
               among(text_fold(ctx->arena, words->ptr[from]), titles, ELEMENTS(titles)))
                from++;
        while (to - from > 2 &&
               among(text_fold(ctx->arena, words->ptr[to - 1]), suffixes, ELEMENTS(suffixes)))
                to--;
        words->ptr += from;
        words->len = to - from;
}

/* Index of the first word of the family name. */
static size_t family_at(struct ctx *ctx, const str_list *words)
{
        size_t at = words->len - 1;

        while (at > 1 &&
               among(text_fold(ctx->arena, words->ptr[at - 1]), particles, ELEMENTS(particles)))
                at--;
        return at;
}

static bool has_digit(struct str s)
{
        for (size_t i = 0; i < s.len; i++)
                if ((s.ptr[i] >= '0' && s.ptr[i] <= '9') || s.ptr[i] == '@')
                        return true;
        return false;
}

/* "Lovelace, Ada" or the words in turn; false when it is no full name. */
static bool split_name(struct ctx *ctx, struct str name, struct str *ret_first,
                       struct str *ret_last, double *ret_confidence)
{
        size_t comma = str_find_char(name, ','), at;
        str_list words, given;

        if (has_digit(name))
                return false;
        if (comma != SIZE_MAX) {
                words = split(ctx, str_slice(name, 0, comma));
                given = split(ctx, str_slice(name, comma + 1, name.len));
                if (words.len && given.len &&
                    !among(text_fold(ctx->arena, given.ptr[0]), suffixes, ELEMENTS(suffixes))) {
                        strip(ctx, &given);
                        *ret_first = join(ctx, &given, 0, given.len);
                        *ret_last = join(ctx, &words, 0, words.len);
                        *ret_confidence = words.len == 1 && given.len == 1 ? 0.95 : 0.85;
                        return true;
                }
                name = str_slice(name, 0, comma);
        }
        words = split(ctx, name);
        if (words.len)
                strip(ctx, &words);
        if (words.len < 2)
                return false;
        at = family_at(ctx, &words);
        *ret_first = join(ctx, &words, 0, at);
        *ret_last = join(ctx, &words, at, words.len);
        *ret_confidence = words.len == 2 ? 0.95 : at > 1 ? 0.7 : 0.85;
        return true;
}

enum err builtin_name_split(struct ctx *ctx, const struct provider_def *def,
                            const struct provider_inputs *in, struct provider_result *ret)
{
        struct provider_result r = {.outcome = PROVIDER_MISS,
                                    .detail = STR("that is not a full name")};
        struct str first = STR_NULL, last = STR_NULL;

        if (split_name(ctx, provider_inputs_get(in, STR("full_name")), &first, &last,
                       &r.confidence)) {
                r.outcome = PROVIDER_HIT;
                r.detail = STR_NULL;
                result_put(ctx, &r, "first_name", json_from_str(ctx->arena, first));
                result_put(ctx, &r, "last_name", json_from_str(ctx->arena, last));
        }
        *ret = r;
        return OK;
}
