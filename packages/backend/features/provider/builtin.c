/* The free built-in providers: e-mail syntax and MX, domains, phone numbers (names: person.c). */
#include "features/provider/builtin.h"

#include <string.h>
#include "dns/dns.h"
#include "text/fold.h"

/* ---- e-mail ---- */

static void put_text(struct ctx *ctx, struct provider_result *r, const char *key, struct str text)
{
        result_put(ctx, r, key, json_from_str(ctx->arena, text));
}

static void hit_status(struct ctx *ctx, struct provider_result *r, const char *status,
                       double confidence)
{
        r->outcome = PROVIDER_HIT;
        r->confidence = confidence;
        put_text(ctx, r, "email_status", str_from(status));
}

/* DNS that did not answer is worth another try; ctx keeps nothing of it. */
static void no_dns(struct ctx *ctx, struct provider_result *r)
{
        *r = (struct provider_result){.outcome = PROVIDER_RETRY,
                                      .detail = str_dup(ctx->arena, ctx->message)};
        ctx_clear(ctx);
}

enum err builtin_email(struct ctx *ctx, const struct provider_def *def,
                       const struct provider_inputs *in, struct provider_result *ret)
{
        struct provider_result r = {0};
        struct str email = STR_NULL;
        enum dns_mail mail = DNS_MAIL_NONE;
        const char *why = NULL;

        if (!normal_email(ctx->arena, provider_inputs_get(in, STR("email")), &email, &why)) {
                hit_status(ctx, &r, "invalid", 0.99);
                r.detail = str_from(why);
        } else if (dns_mail(ctx, def->local_data,
                            str_slice(email, str_find_char(email, '@') + 1, email.len),
                            &mail) != OK) {
                no_dns(ctx, &r);
        } else if (mail == DNS_MAIL_NO_DOMAIN) {
                hit_status(ctx, &r, "invalid", 0.98);
                r.detail = STR("the domain does not exist");
        } else if (mail == DNS_MAIL_NONE) {
                hit_status(ctx, &r, "invalid", 0.95);
                r.detail = STR("the domain takes no mail");
        } else {
                /* that the domain takes mail does not say that the mailbox is there */
                hit_status(ctx, &r, "unknown", mail == DNS_MAIL_MX ? 0.5 : 0.3);
                r.detail = STR("syntax and mail server are fine; the mailbox was not asked");
        }
        *ret = r;
        return OK;
}

/* ---- domains ---- */

static void hit_domain(struct ctx *ctx, struct provider_result *r, struct str domain,
                       double confidence)
{
        r->outcome = PROVIDER_HIT;
        r->confidence = confidence;
        put_text(ctx, r, "domain", domain);
}

enum err builtin_domain_from_url(struct ctx *ctx, const struct provider_def *def,
                                 const struct provider_inputs *in, struct provider_result *ret)
{
        struct provider_result r = {.outcome = PROVIDER_MISS,
                                    .detail = STR("there is no domain in it")};
        static const char *const keys[] = {"website", "domain", "email"};

        for (size_t i = 0; i < ELEMENTS(keys) && r.outcome != PROVIDER_HIT; i++) {
                struct str text = provider_inputs_get(in, str_from(keys[i])), host = STR_NULL;
                bool mail = !strcmp(keys[i], "email");

                if (!text.len || !normal_domain(ctx->arena, text, &host))
                        continue;
                host = normal_registrable(ctx->arena, host);
                if (mail && normal_is_freemail(host))
                        r.detail = STR("the address is at a free mail provider");
                else if (host.len)
                        hit_domain(ctx, &r, host, mail ? 0.9 : 0.98);
        }
        if (r.outcome == PROVIDER_HIT)
                r.detail = STR_NULL;
        *ret = r;
        return OK;
}

static const char *const legal_forms[] = {
        "inc",   "incorporated", "corp",    "corporation", "co",   "company", "llc",     "llp",
        "lp",    "ltd",          "limited", "plc",         "gmbh", "mbh",     "ag",      "kg",
        "kgaa",  "ohg",          "ug",      "ek",          "ev",   "se",      "sa",      "sas",
        "sarl",  "sasu",         "srl",     "spa",         "snc",  "bv",      "nv",      "vof",
        "ab",    "as",           "asa",     "aps",         "oy",   "oyj",     "kk",      "pty",
        "pte",   "sdn",          "bhd",     "doo",         "dd",   "sro",     "zrt",     "kft",
        "sl",    "slu",          "lda",     "ltda",        "sp",   "zoo",     "holding", "holdings",
        "group", "gruppe",       "groupe",  "the"};

static bool is_legal_form(struct str word)
{
        for (size_t i = 0; i < ELEMENTS(legal_forms); i++)
                if (str_eq_c(word, legal_forms[i]))
                        return true;
        return false;
}

/* The name's words without its legal form; dots inside abbreviations ("S.p.A.") are closed up. */
static str_list name_words(struct ctx *ctx, struct str name)
{
        str_list out = {0};
        struct str rest, word;
        struct buf b;

        buf_init(&b, ctx->arena, name.len + 1);
        for (size_t i = 0; i < name.len; i++)
                if (name.ptr[i] != '.')
                        buf_add_char(&b, name.ptr[i]);
        rest = text_fold(ctx->arena, buf_str(&b));
        while (str_split(&rest, ' ', &word))
                if (word.len && (!is_legal_form(word)))
                        LIST_PUSH(ctx->arena, &out, word);
        return out;
}

static struct str candidate(struct ctx *ctx, const str_list *words, struct str tld)
{
        struct buf b;

        buf_init(&b, ctx->arena, 512);
        LIST_EACH (word, words)
                buf_add(&b, *word);
        buf_add(&b, tld);
        return buf_str(&b);
}

/* The country's own ending where it is common for firms there. */
static struct str country_tld(struct ctx *ctx, struct str text)
{
        const struct country *c = text.len ? country_find(text) : NULL;

        if (!c || !strcmp(c->code, "US"))
                return STR_NULL;
        if (!strcmp(c->code, "GB"))
                return STR(".co.uk");
        return str_printf(ctx->arena, ".%.*s", FMT(str_lower(ctx->arena, str_from(c->code))));
}

/*
 * Says how little is known: a name that resolves is 0.4 sure, one that DNS could not be asked about
 * 0.2; one that does not exist is no answer.
 */
enum err builtin_domain_from_name(struct ctx *ctx, const struct provider_def *def,
                                  const struct provider_inputs *in, struct provider_result *ret)
{
        struct provider_result r = {.outcome = PROVIDER_MISS,
                                    .detail = STR("no domain of that name exists")};
        str_list words = name_words(ctx, provider_inputs_get(in, STR("company_name")));
        struct str tlds[] = {STR(".com"),
                             country_tld(ctx, provider_inputs_get(in, STR("country")))};

        for (size_t i = 0; words.len && i < ELEMENTS(tlds) && r.outcome != PROVIDER_HIT; i++) {
                struct str host = STR_NULL;
                bool there = false;
                enum err e;

                if (!tlds[i].len ||
                    !normal_domain(ctx->arena, candidate(ctx, &words, tlds[i]), &host))
                        continue;
                e = dns_has_address(ctx, def->local_data, host, &there);
                if (e != OK)
                        ctx_clear(ctx);
                if (e == OK && there) {
                        hit_domain(ctx, &r, host, words.len > 1 ? 0.45 : 0.4);
                        r.detail = STR("a guess from the name; the domain exists");
                } else if (e != OK && i == 0) {
                        hit_domain(ctx, &r, host, 0.2);
                        r.detail = STR("a guess from the name; DNS could not be asked");
                }
        }
        *ret = r;
        return OK;
}

/* ---- phone numbers ---- */

enum err builtin_phone(struct ctx *ctx, const struct provider_def *def,
                       const struct provider_inputs *in, struct provider_result *ret)
{
        struct provider_result r = {.outcome = PROVIDER_MISS,
                                    .detail = STR("that is not a phone number")};
        struct str text = provider_inputs_get(in, STR("phone"));
        struct str where = provider_inputs_get(in, STR("country"));
        const struct country *country = where.len ? country_find(where) : NULL;
        char e164[32];
        int rc = phone_normalise(str_to_c(ctx->arena, text), country ? country->code : "", e164,
                                 sizeof(e164));

        if (rc >= 0) {
                r.outcome = PROVIDER_HIT;
                r.confidence = rc == 0 ? 0.95 : 0.4;
                r.detail = rc == 0 ? STR_NULL : STR("no such number is in use");
                put_text(ctx, &r, "phone", str_dup(ctx->arena, str_from(e164)));
        } else if (text.len && text.ptr[0] != '+' && !country) {
                r.detail = STR("without a country code or a country it cannot be read");
        }
        *ret = r;
        return OK;
}

/* ---- their definitions ---- */

struct spec {
        const char *slug, *name, *category, *description;
        const char *inputs;  /* parted by spaces; "!" behind one that is required */
        const char *outputs; /* parted by spaces */
        const char *groups;  /* one-key groups, one of which must be known, or NULL */
        double rate;
        int64_t ttl_s;
        provider_local_fn *fn;
        bool dns;
};

static const struct spec specs[] = {
        {"domain-from-name", "Domain from company name", "company",
         "Guesses a domain from the company's name and looks whether it exists.",
         "company_name! country", "domain", NULL, 0.5, 86400, builtin_domain_from_name, true},
        {"domain-from-url", "Domain from website or e-mail", "company",
         "The registered domain inside a web address or a work e-mail.", "website domain email",
         "domain", "website domain email", 0.9, 0, builtin_domain_from_url, false},
        {"email-syntax-mx", "E-mail syntax and mail server", "email-verification",
         "Checks the address's form and whether its domain takes mail; does not ask the mailbox.",
         "email!", "email_status", NULL, 0.95, 86400, builtin_email, true},
        {"name-split", "Name splitter", "people", "Splits a full name into first and last name.",
         "full_name!", "first_name last_name", NULL, 0.95, 0, builtin_name_split, false},
        {"phone-normalise", "Phone number normaliser", "people",
         "Brings a phone number to its international form (E.164).", "phone! country", "phone",
         NULL, 0.9, 0, builtin_phone, false},
};

static void read_words(struct ctx *ctx, struct provider_def *def, const struct spec *spec)
{
        struct str rest = str_from(spec->inputs), word;

        while (str_split(&rest, ' ', &word)) {
                bool required = str_ends(word, STR("!"));
                struct provider_input in = {str_slice(word, 0, word.len - required), required};

                LIST_PUSH(ctx->arena, &def->inputs, in);
        }
        rest = str_from(spec->outputs);
        while (str_split(&rest, ' ', &word))
                LIST_PUSH(ctx->arena, &def->outputs, word);
        rest = str_from(spec->groups);
        while (rest.ptr && str_split(&rest, ' ', &word)) {
                str_list *group = LIST_ADD(ctx->arena, &def->require_one_of);

                LIST_PUSH(ctx->arena, group, word);
        }
}

enum err builtin_add(struct ctx *ctx, struct dns_resolver *dns, provider_def_list *list)
{
        for (size_t i = 0; i < ELEMENTS(specs); i++) {
                const struct spec *s = &specs[i];
                struct provider_def *def = arena_new(ctx->arena, struct provider_def);

                *def = (struct provider_def){.slug = str_from(s->slug),
                                             .name = str_from(s->name),
                                             .category = str_from(s->category),
                                             .description = str_from(s->description),
                                             .builtin = true,
                                             .concurrency = s->dns ? 32 : 64,
                                             .timeout_ms = s->dns ? 5000 : 1000,
                                             .cache_ttl_s = s->ttl_s,
                                             .expected_hit_rate = s->rate,
                                             .version = STR("1"),
                                             .local = s->fn,
                                             .local_data = s->dns ? dns : NULL};
                read_words(ctx, def, s);
                LIST_PUSH(ctx->arena, list, def);
        }
        return OK;
}
