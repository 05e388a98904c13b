/*
 * Which columns to fill and whom to ask. The list of providers is the server's: its prices, sources
 * and the workspace's own definitions.
 */
#include "enrich/enrich.h"

#include <stdlib.h>
#include <string.h>

#define WATERFALL_MAX 4

/* What the default run looks for, in this order. */
static const char *const wanted[] = {"domain",  "industry",    "employee_count",
                                     "country", "description", "email"};

static bool in_list(const struct json *list, const char *key)
{
        JSON_EACH_ITEM (i, item, list)
                if (str_eq_c(json_get_str(item), key))
                        return true;
        return false;
}

static bool takes(const struct json *provider, const char *key, bool only_required)
{
        JSON_EACH_ITEM (i, input, json_member(provider, "inputs"))
                if (str_eq_c(json_member_text(input, "key"), key) &&
                    (!only_required || json_get_bool(json_member(input, "required"), false)))
                        return true;
        return false;
}

static bool has(const str_list *keys, struct str key)
{
        LIST_EACH (k, keys)
                if (str_eq(*k, key))
                        return true;
        return false;
}

/* The inputs that the file and the columns to be filled give. */
static str_list available_inputs(struct cli *cli, const struct input *in,
                                 const target_list *targets)
{
        str_list keys = {0};

        LIST_EACH (f, &in->known)
                if (*f)
                        LIST_PUSH(&cli->arena, &keys, str_from((*f)->key));
        LIST_EACH (t, targets)
                LIST_PUSH(&cli->arena, &keys, str_from(t->field->key));
        /* a provider is asked for the one by the other */
        if (has(&keys, STR("website")) || has(&keys, STR("email")))
                LIST_PUSH(&cli->arena, &keys, STR("domain"));
        if (has(&keys, STR("domain")))
                LIST_PUSH(&cli->arena, &keys, STR("website"));
        if (has(&keys, STR("first_name")) && has(&keys, STR("last_name")))
                LIST_PUSH(&cli->arena, &keys, STR("full_name"));
        return keys;
}

static bool names_people(const str_list *inputs)
{
        return has(inputs, STR("full_name")) || has(inputs, STR("first_name")) ||
               has(inputs, STR("linkedin_url"));
}

static bool all_there(const struct json *keys, const str_list *inputs)
{
        JSON_EACH_ITEM (i, key, keys)
                if (!has(inputs, json_get_str(key)))
                        return false;
        return true;
}

/* One of the provider's alternatives is wholly there, where it has any. */
static bool feeds_one_of(const struct json *provider, const str_list *inputs)
{
        const struct json *groups = json_member(provider, "requireOneOf");

        JSON_EACH_ITEM (i, group, groups)
                if (all_there(group, inputs))
                        return true;
        return json_len(groups) == 0;
}

/* What a provider about companies says of some contact there, not of the person a row names. */
static bool is_of_another(const struct json *provider, const char *key, const str_list *inputs)
{
        static const char *const personal[] = {
                "email", "phone", "title", "full_name", "first_name", "last_name", "linkedin_url"};
        bool about_person = false;

        for (size_t i = 0; i < ELEMENTS(personal); i++)
                about_person |= !strcmp(key, personal[i]);
        return about_person && names_people(inputs) &&
               str_eq_c(json_member_text(provider, "subject"), "company");
}

/* All required inputs are there, at least one of any, and it is not about people nobody named. */
static bool can_feed(const struct json *provider, const str_list *inputs)
{
        const struct json *list = json_member(provider, "inputs");
        bool any = json_len(list) == 0, person = false;

        JSON_EACH_ITEM (i, input, list) {
                struct str key = json_member_text(input, "key");
                bool there = has(inputs, key);

                if (!there && json_get_bool(json_member(input, "required"), false))
                        return false;
                any |= there;
                person |= str_eq_c(key, "full_name") || str_eq_c(key, "first_name");
        }
        return any && (!person || names_people(inputs)) && feeds_one_of(provider, inputs);
}

/* A remote provider without a key cannot be asked; the server lists it all the same. */
static bool is_open(const struct json *provider)
{
        return !str_eq_c(json_member_text(provider, "source"), "remote") ||
               !json_get_bool(json_member(provider, "requiresCredential"), false) ||
               json_get_bool(json_member(provider, "hasCredential"), false);
}

static int64_t price(const struct json *provider, const char *outcome)
{
        return json_get_i64(json_member(json_member(provider, "credits"), outcome), 0);
}

/* An address or domain says which company is meant; a name only suggests it. */
static bool goes_by_address(const struct json *provider)
{
        return !takes(provider, "company_name", true) &&
               (takes(provider, "website", false) || takes(provider, "domain", false));
}

/* Built-ins first, then what costs least on a miss, then on a hit, then what cannot be mistaken. */
static int cheaper(const void *pa, const void *pb)
{
        const struct json *a = *(const struct json *const *)pa;
        const struct json *b = *(const struct json *const *)pb;
        int64_t x = !str_eq_c(json_member_text(a, "source"), "builtin");
        int64_t y = !str_eq_c(json_member_text(b, "source"), "builtin");

        if (x == y) {
                x = price(a, "miss");
                y = price(b, "miss");
        }
        if (x == y) {
                x = price(a, "hit");
                y = price(b, "hit");
        }
        if (x == y) {
                x = !goes_by_address(a);
                y = !goes_by_address(b);
        }
        if (x != y)
                return x < y ? -1 : 1;
        return str_cmp(json_member_text(a, "slug"), json_member_text(b, "slug"));
}

static str_list waterfall_for(struct cli *cli, const struct json *providers, const char *key,
                              const str_list *inputs)
{
        str_list slugs = {0};
        LIST(const struct json *) usable = {0};

        JSON_EACH_ITEM (i, p, providers)
                if (in_list(json_member(p, "outputs"), key) && !takes(p, key, true) &&
                    can_feed(p, inputs) && !is_of_another(p, key, inputs) && is_open(p))
                        LIST_PUSH(&cli->arena, &usable, p);
        if (usable.len)
                qsort(usable.ptr, usable.len, sizeof *usable.ptr, cheaper);
        for (size_t i = 0; i < usable.len && i < WATERFALL_MAX; i++)
                LIST_PUSH(&cli->arena, &slugs, json_member_text(usable.ptr[i], "slug"));
        return slugs;
}

enum err plan_default(struct cli *cli, const struct input *in, const struct json *providers,
                      target_list *ret)
{
        target_list targets = {0};

        for (size_t i = 0; i < ELEMENTS(wanted); i++) {
                str_list inputs = available_inputs(cli, in, &targets);
                size_t column = input_column(in, str_from(wanted[i]));
                struct target t = {.field = field_find(str_from(wanted[i])), .csv_column = column};

                if (!t.field || (column != SIZE_MAX && in->empty.ptr[column] == 0))
                        continue; /* nothing is missing */
                t.waterfall = waterfall_for(cli, providers, wanted[i], &inputs);
                if (t.waterfall.len)
                        LIST_PUSH(&cli->arena, &targets, t);
        }
        if (targets.len == 0)
                return fail(&cli->ctx, ERR_VALIDATION,
                            "there is nothing to fill: no column of %.*s is known to say which "
                            "company or person a row is about (say what to fill with --column)",
                            FMT(in->path));
        *ret = targets;
        return OK;
}

static const struct json *provider_named(const struct json *providers, struct str slug)
{
        JSON_EACH_ITEM (i, p, providers)
                if (str_eq(json_member_text(p, "slug"), slug))
                        return p;
        return NULL;
}

static enum err take_waterfall(struct cli *cli, const struct json *providers, const char *key,
                               struct str text, str_list *ret)
{
        struct str rest = text, slug;

        while (rest.ptr && str_split(&rest, ',', &slug)) {
                const struct json *p = provider_named(providers, str_trim(slug));

                if (!p)
                        return fail(&cli->ctx, ERR_VALIDATION,
                                    "there is no provider \"%.*s\" (millrace providers list)",
                                    FMT(str_trim(slug)));
                if (!in_list(json_member(p, "outputs"), key))
                        return fail(&cli->ctx, ERR_VALIDATION,
                                    "the provider %.*s does not give \"%s\"", FMT(str_trim(slug)),
                                    key);
                LIST_PUSH(&cli->arena, ret, str_trim(slug));
        }
        return OK;
}

static enum err ask_for(struct cli *cli, const struct input *in, const struct json *providers,
                        struct str column, struct str waterfall, target_list *targets)
{
        const struct field *f = field_find(column);
        str_list inputs = available_inputs(cli, in, targets);
        double sure = 1;

        if (!f)
                f = field_find_by_alias(column, &sure);
        if (!f || sure < 1)
                return fail(&cli->ctx, ERR_VALIDATION,
                            "\"%.*s\" is not a field that providers can fill (email, domain, "
                            "industry, phone, title, …; GET /api/v1/fields lists all)",
                            FMT(column));
        struct target t = {.field = f, .csv_column = input_column(in, str_from(f->key))};

        if (waterfall.ptr)
                TRY(take_waterfall(cli, providers, f->key, waterfall, &t.waterfall));
        else
                t.waterfall = waterfall_for(cli, providers, f->key, &inputs);
        if (!t.waterfall.len)
                return fail(&cli->ctx, ERR_VALIDATION,
                            "no provider can find \"%s\" from the columns of %.*s", f->key,
                            FMT(in->path));
        LIST_PUSH(&cli->arena, targets, t);
        return OK;
}

enum err plan_asked(struct cli *cli, const struct input *in, const struct json *providers,
                    target_list *ret)
{
        target_list targets = {0};

        for (size_t i = 0; i < cli->values.len; i++) {
                const struct option_value *v = &cli->values.ptr[i];
                struct str waterfall = STR_NULL;

                if (strcmp(v->spec->name, "column") != 0)
                        continue;
                if (i + 1 < cli->values.len && strcmp(v[1].spec->name, "waterfall") == 0)
                        waterfall = v[1].text;
                TRY(ask_for(cli, in, providers, v->text, waterfall, &targets));
        }
        *ret = targets;
        return OK;
}
