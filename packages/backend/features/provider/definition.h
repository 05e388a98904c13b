/*
 * The compiled form of a provider definition, inside this feature only. docs/providers.md describes
 * the JSON it comes from. Everything lives in the arena of the ctx that compiled it and never
 * changes afterwards.
 */
#ifndef MILLRACE_FEATURES_PROVIDER_DEFINITION_H
#define MILLRACE_FEATURES_PROVIDER_DEFINITION_H

#include "features/provider/provider.h"
#include "schema/schema.h"

/* "/v2/{{domain}}": literal pieces and input keys in turn. */
struct template_part {
        struct str text;
        bool is_key;
};

struct template
{
        LIST(struct template_part) parts;
};

/* A query parameter or header: the first choice all of whose inputs are known is sent. */
struct parameter {
        struct str name;
        LIST(struct template) choices;
};

enum transform {
#define TRANSFORM(name) TRANSFORM_##name,
#include "features/provider/transform.def"
#undef TRANSFORM
        TRANSFORM_MAX
};

/* Where a value comes from in an answer and what is done to it. */
struct extract {
        str_list pointers; /* the first that gives something; all of them for TRANSFORM_words */
        enum transform transform;
        struct str prefix;
        const struct json *values; /* NULL, or an object: found text -> value; others are dropped */
};

struct mapped {
        const struct field *field;
        struct extract extract;
};

/* Something to look for in an answer. */
struct condition {
        struct str pointer;
        str_list in;         /* the text there is one of these; empty: see `contains` */
        struct str contains; /* the text there contains this, any case; STR_NULL: see below */
        enum provider_outcome outcome; /* for errorIn200; matches anything that is not empty */
};

typedef LIST(int) status_list;

struct provider_program {
        enum provider_auth auth;
        struct str auth_name, auth_prefix;

        struct str method;
        struct template path;
        LIST(struct parameter) query;
        LIST(struct parameter) headers;
        const struct json *body; /* NULL, or JSON whose strings are templates */

        status_list hit, miss, retry, rate, refused;
        LIST(struct condition) error_in_200;
        LIST(struct condition) miss_when;
        struct schema *schema;
        const struct json *schema_source;
        LIST(struct mapped) map;

        struct str confidence_pointer;
        double confidence_scale, confidence_constant;
        const struct json *confidence_values;
};

/* ---- template.c ---- */

/* ERR_VALIDATION when braces are unbalanced or a key is malformed. */
_must_check_ enum err template_compile(struct ctx *ctx, struct str text, struct template *ret);
/* Whether every key of it is known; false for a key without value. */
bool template_ready(const struct template *t, const struct provider_inputs *in);
enum template_escape { ESCAPE_NONE, ESCAPE_URL };
void template_render(struct buf *b, const struct template *t, const struct provider_inputs *in,
                     enum template_escape escape);
void percent_encode(struct buf *b, struct str s); /* all but unreserved characters (RFC 3986) */

/* ---- value.c ---- */

/* Every value a pointer finds; '*' in it stands for each item or member. Null and empty are none.
 */
typedef LIST(const struct json *) json_list;
void pointer_find(struct arena *a, const struct json *doc, struct str pointer, json_list *ret);

enum value_result { VALUE_NONE, VALUE_BAD, VALUE_GOOD };
/* The output of a field from an answer, typed as the field wants it. */
enum value_result value_extract(struct arena *a, const struct json *doc, const struct mapped *m,
                                const struct json **ret);
/* The text of a scalar value; STR_NULL for null, arrays and objects. */
struct str value_text(struct arena *a, const struct json *v);

/* ---- normal.c: what counts as the same input ---- */

/*
 * The host of a domain, URL or e-mail address as lower-case ASCII (IDNA), without "www."; false
 * when there is no valid host with a dot.
 */
bool normal_domain(struct arena *a, struct str text, struct str *ret);
/* Lower case and trimmed; false when it cannot be an address (RFC 5321 lengths and characters). */
bool normal_email(struct arena *a, struct str text, struct str *ret, const char **ret_why);
/* http(s) URL, "https://" put in front when there is no scheme; false when it is none. */
bool normal_url(struct arena *a, struct str text, struct str *ret);
/* The part that is registered (public suffix list); STR_NULL for a bare suffix. */
struct str normal_registrable(struct arena *a, struct str host);
bool normal_is_freemail(struct str domain);

/* ---- country.c ---- */

struct country {
        const char *code, *name, *aliases;
};
/* By code, English name or alias; NULL when unknown. */
const struct country *country_find(struct str text);

/* ---- phone.cc ---- */

/*
 * E.164 of a phone number; `region` (ISO 3166 code or "") is where it is dialled when it has no
 * country code. 0: good; 1: it could be a number, but is not one in use; -1: not a number.
 */
int phone_normalise(const char *text, const char *region, char *ret, size_t size);

/* ---- builtin.c ---- */

struct dns_resolver;
/* Adds the built-ins to the list; they live in ctx->arena. */
typedef LIST(const struct provider_def *) provider_def_list;
_must_check_ enum err builtin_add(struct ctx *ctx, struct dns_resolver *dns,
                                  provider_def_list *list);

/* ---- question.c ---- */

_must_check_ enum err route_to(struct ctx *ctx, const struct provider_def *def, bool has_credential,
                               struct str sandbox_url, struct provider_route *ret);

/* ---- result helpers ---- */

void result_put(struct ctx *ctx, struct provider_result *r, const char *key,
                const struct json *value);

#endif
