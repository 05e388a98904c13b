/*
 * Providers: where answers come from.
 *
 * A provider is a declarative definition (packages/backend/providers/<slug>.json, described in
 * docs/providers.md) or one of the free built-ins written in C. Both are a `struct provider_def`
 * with the same inputs, outputs and prices. This header is what the enrichment engine, the import
 * wizard, the command line and the HTTP routes use.
 *
 * One question to a remote provider goes like this:
 *
 *      provider_question()   normalise the inputs, name what is missing, make the cache key
 *      provider_route()      builtin, remote with the workspace's key, sandbox, or an error
 *      provider_request()    the HTTP call for core/fetch
 *      provider_interpret()  what the answer means: outcome, typed outputs, confidence
 *
 * and to a built-in: provider_question(), provider_run_local().
 *
 * Nothing here knows workspaces, credits booked or retries: that is the engine's. Everything is
 * thread-safe: a compiled definition and the registry never change after they are made. What a
 * function returns lives in the arena of the ctx it was given.
 */
#ifndef MILLRACE_FEATURES_PROVIDER_PROVIDER_H
#define MILLRACE_FEATURES_PROVIDER_PROVIDER_H

#include "err/ctx.h"
#include "json/json.h"

struct fetch_req;
struct fetch_res;

/* ---- the field vocabulary (field.def) ---- */

struct field {
        const char *key, *label, *type; /* type: a column type of the API */
        const char *aliases;            /* parted by '|' */
};

size_t field_count(void);
const struct field *field_at(size_t i);
const struct field *field_find(struct str key); /* exact key; NULL when unknown */

/*
 * The field a column header most probably means, by key, label or alias; case, accents, spaces and
 * punctuation are ignored. *ret_score: 1 for a whole match, less when only part of the header
 * matches ("HQ City (2024)"); NULL below 0.5. `ret_score` may be NULL.
 */
const struct field *field_find_by_alias(struct str header, double *ret_score);

/* ---- definitions ---- */

enum provider_auth { AUTH_NONE, AUTH_HEADER, AUTH_QUERY, AUTH_BEARER, AUTH_BASIC };

struct provider_input {
        struct str key;
        bool required;
};

struct provider_value {
        struct str key, text;
};

struct provider_inputs { /* what is known about the subject: key -> text */
        LIST(struct provider_value) list;
};

struct provider_def;
struct provider_program; /* the compiled request and response halves; see definition.h */
struct provider_result;
typedef enum err provider_local_fn(struct ctx *ctx, const struct provider_def *def,
                                   const struct provider_inputs *inputs,
                                   struct provider_result *ret);

struct provider_def {
        struct str slug, name, category, description, docs_url, base_url;
        /* "company", "person" or empty: whom its answers are about. The e-mail, phone or title from
         * one about companies is some contact's, not that of a person a row names. */
        struct str subject;
        LIST(struct provider_input) inputs;
        LIST(str_list) require_one_of; /* at least one of these groups must be wholly known */
        str_list outputs;
        int64_t credits_hit, credits_miss;
        bool requires_credential;
        bool builtin;          /* run by provider_run_local(), free, no HTTP */
        bool own;              /* a workspace's own definition, not the registry's */
        bool sandboxed;        /* the sandbox plays it: a definition that ships with Millrace */
        int64_t rate_requests; /* at most so many requests … */
        int64_t rate_per_ms;   /* … in so many milliseconds; 0 is no limit */
        int64_t concurrency;   /* calls in flight at once */
        int64_t timeout_ms;    /* for one attempt */
        int64_t cache_ttl_s;   /* how long an answer, hit or miss, stays good; 0 is not at all */
        double expected_hit_rate;
        struct str version; /* changes whenever the meaning of a question or answer changes */

        provider_local_fn *local; /* of a built-in */
        void *local_data;         /* what it needs, owned by the registry */
        const struct provider_program *program;
};

bool provider_takes(const struct provider_def *def, struct str input_key);
bool provider_gives(const struct provider_def *def, struct str output_key);

/*
 * Compiles one definition. ERR_VALIDATION with every fault of it in ctx->faults. The definition
 * lives in ctx->arena. Used for the registry and for a workspace's own definitions alike.
 */
_must_check_ enum err provider_compile(struct ctx *ctx, struct str json,
                                       const struct provider_def **ret);

/* ---- the registry ---- */

struct provider_settings {
        struct str dir;         /* MILLRACE_PROVIDERS_DIR: *.json read besides the shipped ones */
        struct str sandbox_url; /* MILLRACE_SANDBOX_URL; empty is no sandbox */
        struct str dns_servers; /* MILLRACE_DNS_SERVERS: "addr[:port],…"; empty is the system's */
};

struct provider_registry;

/*
 * Reads the embedded definitions, the directory and the built-ins. A definition in the directory
 * replaces the shipped one of the same slug, never a built-in. Call once at start.
 */
_must_check_ enum err provider_registry_open(struct ctx *ctx,
                                             const struct provider_settings *settings,
                                             struct provider_registry **ret);
void provider_registry_close(struct provider_registry *reg); /* accepts NULL */

const struct provider_def *provider_find(const struct provider_registry *reg, struct str slug);
size_t provider_count(const struct provider_registry *reg);
const struct provider_def *provider_at(const struct provider_registry *reg, size_t i); /* by slug */

/*
 * A workspace's own definitions, compiled into the ctx's arena; one that no longer compiles is left
 * out. (Only where the database is linked; the rest of this header works without.)
 */
typedef LIST(const struct provider_def *) provider_list;
_must_check_ enum err provider_own_load(struct ctx *ctx, struct str workspace_id,
                                        provider_list *ret);

/* ---- asking ---- */

void provider_inputs_put(struct ctx *ctx, struct provider_inputs *in, struct str key,
                         struct str text);
struct str provider_inputs_get(const struct provider_inputs *in, struct str key); /* or STR_NULL */

struct provider_question {
        struct provider_inputs inputs; /* only those the definition takes, normalised, non-empty */
        struct str key;                /* 64 hex digits: the same question has the same key */
        bool complete;                 /* false: cannot be asked, see `missing` */
        str_list missing;              /* required keys that are empty or unusable */
};

/*
 * Pass everything known about the subject; what the definition does not take is left out.
 * Normalises (e-mail and domain to lower case, white space; a domain from the website and a full
 * name from its parts where they are wanted and missing) and hashes: SHA-256 over slug, definition
 * version and inputs. An incomplete question is not an error: nothing is to be asked, nothing
 * charged.
 */
_must_check_ enum err provider_question(struct ctx *ctx, const struct provider_def *def,
                                        const struct provider_inputs *inputs,
                                        struct provider_question *ret);

enum provider_source { SOURCE_BUILTIN, SOURCE_REMOTE, SOURCE_WORKSPACE, SOURCE_SANDBOX };
const char *provider_source_name(enum provider_source s); /* as in the API */

struct provider_route {
        enum provider_source source;
        struct str base_url; /* override for provider_request(), or STR_NULL for the real one */
        /* Limits that hold on this way: the definition's, but none of rate in the sandbox. */
        int64_t rate_requests, rate_per_ms; /* 0 is no limit */
        int64_t concurrency;
        int64_t timeout_ms;
};

/*
 * Where a question to this provider goes. Built-in: SOURCE_BUILTIN. A credential, or none needed:
 * SOURCE_REMOTE (SOURCE_WORKSPACE for a workspace's own definition) at the definition's base URL.
 * Otherwise the sandbox, where one is set and it plays this provider (a shipped definition).
 * Otherwise ERR_VALIDATION whose message names the missing credential.
 */
_must_check_ enum err provider_route(struct ctx *ctx, const struct provider_registry *reg,
                                     const struct provider_def *def, bool has_credential,
                                     struct provider_route *ret);

/*
 * The HTTP request for one attempt. `credential`: the decrypted JSON object ({"apiKey": …}, or
 * {"username", "password"} for basic), NULL for none; the sandbox is sent a key of its own when it
 * is NULL and base_url is an override. `idempotency_key` goes out as the header Idempotency-Key
 * (STR_NULL: not sent).
 */
_must_check_ enum err provider_request(struct ctx *ctx, const struct provider_def *def,
                                       const struct provider_inputs *inputs,
                                       const struct json *credential, struct str base_url,
                                       struct str idempotency_key, struct fetch_req *ret);

enum provider_outcome {
#define OUTCOME(name, text) PROVIDER_##name,
#include "outcome.def"
#undef OUTCOME
};
const char *provider_outcome_name(enum provider_outcome o);

struct provider_output {
        struct str key;
        const struct json *value; /* string, number or boolean; never null or empty */
};

struct provider_result {
        enum provider_outcome outcome;
        LIST(struct provider_output) outputs; /* only for a hit; normalised to the field's type */
        double confidence;                    /* 0..1; only for a hit */
        int64_t credits;                      /* what the definition asks for this outcome */
        int64_t retry_after_ms;               /* rate limited: as told, else 0 */
        struct str detail;                    /* plain words why, for anything but a hit */
};

const struct json *provider_result_get(const struct provider_result *r, struct str key);

/*
 * What a finished call means, its transport's failures included (timed out, refused, too large, …).
 * The answer is not trusted: its size, syntax, schema and every mapped value are checked; anything
 * that does not fit makes PROVIDER_INVALID, never an error of ours. ERR only for the ctx deadline.
 */
_must_check_ enum err provider_interpret(struct ctx *ctx, const struct provider_def *def,
                                         const struct fetch_res *res, struct provider_result *ret);

/* Runs a built-in. May wait for DNS, up to the ctx deadline. */
_must_check_ enum err provider_run_local(struct ctx *ctx, const struct provider_def *def,
                                         const struct provider_inputs *inputs,
                                         struct provider_result *ret);

/* Largest answer body that is read; give it to core/fetch as the cap. */
#define PROVIDER_BODY_CAP (2u << 20)

/* ---- checking definitions (`millrace providers check`) ---- */

struct provider_check {
        struct str file, slug;
        LIST(struct fault) faults; /* empty: fine */
        size_t fixtures;           /* how many sample answers were interpreted */
};
typedef LIST(struct provider_check) provider_check_list;

/*
 * Checks one definition: the format's schema, templates only use declared inputs, mapped pointers
 * are reachable in the response schema, outputs are in the vocabulary, and every fixture is
 * interpreted as it says. `fixtures` may be STR_NULL.
 */
_must_check_ enum err provider_check_one(struct ctx *ctx, struct str file, struct str json,
                                         struct str fixtures, struct provider_check *ret);

/* All embedded definitions when `dir` is empty, else the .json files of `dir` and of its fixtures/.
 */
_must_check_ enum err provider_check_all(struct ctx *ctx, struct str dir, provider_check_list *ret);

/* ---- HTTP ---- */

struct router;
extern const struct router provider_router, provider_workspace_router;

#endif
