/* The data set: read from the embedded TSV files into indexes. */
#include "sandbox.h"

#include <stdlib.h>
#include "embed/embed.h"
#include "text/fold.h"

extern const struct embedded_file sandbox_files[];

/* A sorted index from text to something. */
struct entry {
        struct str key;
        const void *value;
};

struct index {
        LIST(struct entry) list;
};

struct data {
        LIST(struct company *) companies;
        LIST(struct person *) people;
        struct index by_domain, by_name, by_ticker, by_linkedin, by_email, by_profile;
};

static int by_key(const void *a, const void *b)
{
        return str_cmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static void index_add(struct ctx *ctx, struct index *ix, struct str key, const void *value)
{
        if (key.len)
                LIST_PUSH(ctx->arena, &ix->list, ((struct entry){key, value}));
}

static void index_sort(struct index *ix)
{
        if (ix->list.len)
                qsort(ix->list.ptr, ix->list.len, sizeof(struct entry), by_key);
}

static const void *index_get(const struct index *ix, struct str key)
{
        size_t low = 0, high = ix->list.len;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                int c = str_cmp(key, ix->list.ptr[mid].key);

                if (c == 0)
                        return ix->list.ptr[mid].value;
                if (c < 0)
                        high = mid;
                else
                        low = mid + 1;
        }
        return NULL;
}

/* ---- keys ---- */

static const char *const legal_forms[] = {
        "inc", "corp",    "corporation", "co",      "company", "companies", "llc",
        "ltd", "limited", "plc",         "gmbh",    "ag",      "kg",        "kgaa",
        "se",  "sa",      "sas",         "spa",     "nv",      "bv",        "ab",
        "asa", "oyj",     "group",       "holding", "holdings"};

static bool is_legal_form(struct str word)
{
        for (size_t i = 0; i < ELEMENTS(legal_forms); i++)
                if (str_eq_c(word, legal_forms[i]))
                        return true;
        return false;
}

/* Folded, without "the" in front, legal forms behind and dots inside ("S.A."). */
static struct str name_key(struct arena *a, struct str name)
{
        struct buf b;
        struct str key;
        size_t at;

        buf_init(&b, a, name.len + 1);
        for (size_t i = 0; i < name.len; i++)
                if (name.ptr[i] != '.')
                        buf_add_char(&b, name.ptr[i]);
        key = text_fold(a, buf_str(&b));
        if (str_starts(key, STR("the ")))
                key = str_slice(key, 4, key.len);
        for (;;) {
                at = key.len;
                while (at && key.ptr[at - 1] != ' ')
                        at--;
                if (at < 2 || !is_legal_form(str_slice(key, at, key.len)))
                        return key;
                key = str_slice(key, 0, at - 1);
        }
}

/* The last part of a profile address: "https://linkedin.com/company/sap/" gives "sap". */
static struct str profile_key(struct arena *a, struct str url)
{
        size_t at;

        url = str_trim(url);
        while (str_ends(url, STR("/")))
                url.len--;
        for (at = url.len; at && url.ptr[at - 1] != '/';)
                at--;
        return str_lower(a, str_slice(url, at, url.len));
}

struct str host_of(struct ctx *ctx, struct str text)
{
        size_t at = str_find(text, STR("://"));
        struct str host = at == SIZE_MAX ? text : str_slice(text, at + 3, text.len);

        at = str_find_char(host, '/');
        if (at != SIZE_MAX)
                host.len = at;
        host = str_lower(ctx->arena, str_trim(host));
        return str_starts(host, STR("www.")) ? str_slice(host, 4, host.len) : host;
}

/* ---- reading ---- */

/* Takes the next line's tab-parted columns; missing ones are empty. */
static bool next_row(struct str *rest, struct str *columns, size_t n)
{
        struct str line;

        if (!str_split(rest, '\n', &line) || !line.len)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!str_split(&line, '\t', &columns[i]))
                        columns[i] = STR("");
        return true;
}

static struct str file(const char *name)
{
        struct str text = embedded_text(sandbox_files, name), header;

        (void)str_split(&text, '\n', &header);
        return text;
}

static void load_companies(struct ctx *ctx, struct data *d)
{
        struct str rest = file("companies.tsv"), c[10];

        while (next_row(&rest, c, ELEMENTS(c))) {
                struct company *co = arena_new(ctx->arena, struct company);

                *co = (struct company){.name = c[0],
                                       .domain = c[1],
                                       .industry = c[2],
                                       .employees = c[3],
                                       .founded = c[4],
                                       .country_code = c[5],
                                       .country = c[5],
                                       .city = c[6],
                                       .ticker = c[7],
                                       .linkedin = c[8],
                                       .description = c[9]};
                LIST_PUSH(ctx->arena, &d->companies, co);
                index_add(ctx, &d->by_domain, co->domain, co);
                index_add(ctx, &d->by_name, name_key(ctx->arena, co->name), co);
                index_add(ctx, &d->by_ticker, co->ticker, co);
                index_add(ctx, &d->by_linkedin, str_lower(ctx->arena, co->linkedin), co);
        }
        index_sort(&d->by_domain);
        index_sort(&d->by_name);
        index_sort(&d->by_ticker);
        index_sort(&d->by_linkedin);
}

static void name_countries(struct data *d)
{
        struct str rest = file("countries.tsv"), c[3];

        while (next_row(&rest, c, ELEMENTS(c)))
                LIST_EACH (co, &d->companies)
                        if (str_eq((*co)->country_code, c[0]))
                                (*co)->country = c[1];
}

static void load_extras(const struct data *d)
{
        struct str rest = file("extras.tsv"), c[3];

        while (next_row(&rest, c, ELEMENTS(c)))
                LIST_EACH (co, &d->companies)
                        if (str_eq((*co)->domain, c[0])) {
                                (*co)->technologies = c[1];
                                (*co)->phone = c[2];
                        }
}

static enum err load_people(struct ctx *ctx, struct data *d)
{
        struct str rest = file("people.tsv"), c[8];

        while (next_row(&rest, c, ELEMENTS(c))) {
                struct person *p = arena_new(ctx->arena, struct person);
                struct company *co = (struct company *)data_company_by_domain(d, c[3]);

                if (!co)
                        return fail(ctx, ERR_INTERNAL, "people.tsv: no company %.*s", FMT(c[3]));
                *p = (struct person){c[0], c[1], c[2], c[4], c[5], c[6], c[7], co};
                co->catch_all = co->catch_all || str_eq(p->status, STR("catch_all"));
                LIST_PUSH(ctx->arena, &co->people, p);
                LIST_PUSH(ctx->arena, &d->people, p);
                index_add(ctx, &d->by_email, p->email, p);
                index_add(ctx, &d->by_profile, p->linkedin, p);
        }
        index_sort(&d->by_email);
        index_sort(&d->by_profile);
        return OK;
}

enum err data_load(struct ctx *ctx, struct data **ret)
{
        struct data *d = arena_new(ctx->arena, struct data);

        load_companies(ctx, d);
        name_countries(d);
        load_extras(d);
        TRY(load_people(ctx, d));
        *ret = d;
        return OK;
}

/* ---- looking up ---- */

const struct company *data_company_by_domain(const struct data *d, struct str domain)
{
        return index_get(&d->by_domain, domain);
}

const struct company *data_company_by_name(const struct data *d, struct str name)
{
        const struct company *found;
        struct arena a;

        arena_init(&a, 4 << 20);
        found = index_get(&d->by_name, name_key(&a, str_slice(name, 0, 500)));
        arena_finish(&a);
        return found;
}

const struct company *data_company_by_ticker(const struct data *d, struct str ticker)
{
        return index_get(&d->by_ticker, ticker);
}

const struct company *data_company_by_linkedin(const struct data *d, struct str url)
{
        const struct company *found;
        struct arena a;

        arena_init(&a, 4 << 20);
        found = index_get(&d->by_linkedin, profile_key(&a, str_slice(url, 0, 500)));
        arena_finish(&a);
        return found;
}

const struct person *data_person_by_email(const struct data *d, struct str email)
{
        const struct person *found;
        struct arena a;

        arena_init(&a, 4 << 20);
        found = index_get(&d->by_email, str_lower(&a, str_trim(str_slice(email, 0, 500))));
        arena_finish(&a);
        return found;
}

const struct person *data_person_by_linkedin(const struct data *d, struct str url)
{
        const struct person *found;
        struct arena a;

        arena_init(&a, 4 << 20);
        found = index_get(&d->by_profile, profile_key(&a, str_slice(url, 0, 500)));
        arena_finish(&a);
        return found;
}

const struct person *data_person_by_name(const struct company *c, struct str full_name)
{
        const struct person *found = NULL;
        struct str wanted;
        struct arena a;

        arena_init(&a, 4 << 20);
        wanted = text_fold(&a, str_slice(full_name, 0, 500));
        LIST_EACH (p, &c->people) {
                struct str name = str_printf(&a, "%.*s %.*s", FMT((*p)->first), FMT((*p)->last));

                if (!found && str_eq(text_fold(&a, name), wanted))
                        found = *p;
        }
        arena_finish(&a);
        return found;
}

size_t data_companies(const struct data *d)
{
        return d->companies.len;
}

size_t data_people(const struct data *d)
{
        return d->people.len;
}
