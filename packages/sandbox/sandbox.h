/*
 * millrace-sandbox: a local HTTP server that plays data providers over a shipped data set, with
 * faults on demand and an exact log of the calls it answered. Never used with real credentials.
 *
 * `struct sandbox` is built at start and lives as long as the server. The data set never changes;
 * knobs, log and attempt counters hold their own locks. Handlers run one thread a connection.
 */
#ifndef MILLRACE_SANDBOX_SANDBOX_H
#define MILLRACE_SANDBOX_SANDBOX_H

#include <pthread.h>
#include "err/ctx.h"
#include "http/http.h"
#include "json/json.h"

/* ---- data.c: the data set, read-only after data_load() ---- */

struct company {
        struct str name, domain, industry, employees, founded, country_code, country, city, ticker,
                linkedin, description;
        struct str technologies; /* joined by ',' */
        struct str phone;
        LIST(const struct person *) people;
        bool catch_all; /* its mail server takes any address */
};

struct person {
        struct str first, last, title, email, status, phone, linkedin;
        const struct company *company;
};

struct data;
_must_check_ enum err data_load(struct ctx *ctx, struct data **ret); /* lives in ctx->arena */
const struct company *data_company_by_domain(const struct data *d, struct str domain);
/* By its name as people write it: case, accents and legal form do not matter. */
const struct company *data_company_by_name(const struct data *d, struct str name);
const struct company *data_company_by_ticker(const struct data *d, struct str ticker);
const struct company *data_company_by_linkedin(const struct data *d, struct str url);
const struct person *data_person_by_email(const struct data *d, struct str email);
const struct person *data_person_by_linkedin(const struct data *d, struct str url);
const struct person *data_person_by_name(const struct company *c, struct str full_name);
size_t data_companies(const struct data *d);
size_t data_people(const struct data *d);

/* ---- knobs.c ---- */

enum knob {
#define KNOB(name, key, most, otherwise) KNOB_##name,
#include "knobs.def"
#undef KNOB
        KNOB_MAX
};

enum latency_kind { LATENCY_FIXED, LATENCY_UNIFORM, LATENCY_LOGNORMAL };

struct latency {
        enum latency_kind kind;
        double a, b; /* fixed: a ms; uniform: a..b ms; lognormal: median a ms, sigma b */
};

struct knob_set {
        double value[KNOB_MAX];
        struct latency latency;
};

struct knobs;
/* `text`: JSON as PUT /_sandbox/knobs takes it, or empty. */
_must_check_ enum err knobs_open(struct ctx *ctx, struct str text, struct knobs **ret);
void knobs_close(struct knobs *k);
/* What holds for this provider now, and the seed. */
struct knob_set knobs_of(struct knobs *k, size_t player, uint64_t *ret_seed);
/* Changes what the JSON names. ERR_VALIDATION names the fault; then nothing is changed. */
_must_check_ enum err knobs_change(struct ctx *ctx, struct knobs *k, const struct json *doc);
void knobs_reset(struct knobs *k); /* to what knobs_open() was given */
void knobs_write(struct knobs *k, struct json_out *o);

/* ---- fate.c: chance, but the same for the same question ---- */

/* A number in [0,1) made of the seed and the texts. */
double chance(uint64_t seed, struct str a, struct str b, uint64_t n);

enum mishap {
#define MISHAP(name, text) MISHAP_##name,
#include "mishap.def"
#undef MISHAP
};
const char *mishap_name(enum mishap f);

/* What befalls this attempt of this question. */
enum mishap fate_of(const struct knob_set *k, uint64_t seed, struct str slug, struct str question,
                    uint64_t attempt);
int64_t latency_ms(const struct knob_set *k, uint64_t seed, struct str slug, struct str question,
                   uint64_t attempt);
/* Whether this provider knows this subject at all, and this field of it. */
bool fate_knows(const struct knob_set *k, uint64_t seed, struct str slug, struct str subject);
bool fate_has_field(const struct knob_set *k, uint64_t seed, struct str slug, struct str subject,
                    const char *field);

/* ---- log.c: calls answered, in memory and in a file ---- */

struct call_log;

struct call_entry {
        const char *slug, *fate;
        struct str question, idempotency_key;
        uint64_t attempt;
        int status; /* 0: never answered */
};

/* `file`: appended to with one write a line, empty for none. `max`: entries kept in memory. */
_must_check_ enum err log_open(struct ctx *ctx, struct str file, int64_t max,
                               struct call_log **ret);
void log_close(struct call_log *l);
/* The number of this attempt of this question, from 1. */
uint64_t log_attempt(struct call_log *l, const char *slug, struct str question);
void log_add(struct call_log *l, const struct call_entry *e);
/*
 * Copies the first entry with an id over `after` as one JSON line into `b`; its id, or 0 when there
 * is none. `slug`: only this provider's, or STR_NULL.
 */
uint64_t log_next(struct call_log *l, uint64_t after, struct str slug, struct buf *b);
void log_clear(struct call_log *l); /* entries, counters and attempts */
void log_stats(struct call_log *l, struct json_out *o);

/* ---- gate.c: waiting that ends when the server stops ---- */

struct gate {
        pthread_mutex_t lock;
        pthread_cond_t cond;
        bool open;
};
void gate_init(struct gate *g);
void gate_open(struct gate *g);             /* lets everyone go */
bool gate_wait(struct gate *g, int64_t ms); /* false when the gate was opened */

/* ---- the server ---- */

struct sandbox {
        const struct data *data;
        struct knobs *knobs;
        struct call_log *log;
        struct gate gate;
        int64_t started_us;
        int active, active_most; /* provider calls being answered; atomics */
};

/* ---- play*.c ---- */

enum auth_style { BY_HEADER, BY_QUERY };
enum error_style {
        STYLE_HUNTER,
        STYLE_PDL,
        STYLE_ABSTRACT,
        STYLE_ANYMAIL,
        STYLE_ZEROBOUNCE,
        STYLE_BUILTWITH
};

struct call {
        struct ctx *ctx;
        struct sandbox *box;
        struct req *req;
        const struct player *player;
        struct knob_set knobs;
        uint64_t seed;
        const struct json *body; /* of a POST */

        int status;
        const char *fate;
        struct buf out;
};

struct player {
        const char *slug, *path;
        enum http_method method;
        enum auth_style auth;
        const char *auth_name;
        enum error_style errors;
        void (*answer)(struct call *c);
};

extern const struct player players[];
size_t player_count(void);

struct str call_query(const struct call *c, const char *name);
struct str call_member(const struct call *c, const char *name); /* of the JSON body */
bool call_knows(const struct call *c, struct str subject);
/* The text, or STR_NULL where the provider has a gap for this subject. */
struct str call_field(const struct call *c, struct str subject, const char *field, struct str text);
/* An error as the provider documents it. */
void call_error(struct call *c, int status, const char *fate, const char *id, const char *message);
int64_t call_score(const struct call *c, struct str subject, int from, int to);
int64_t number_of(struct str text);
/* A query parameter as the host it means: no scheme, path or "www.", lower case. */
struct str host_of(struct ctx *ctx, struct str text);

void answer_hunter_company(struct call *c);
void answer_hunter_finder(struct call *c);
void answer_hunter_search(struct call *c);
void answer_hunter_verifier(struct call *c);
void answer_pdl_company(struct call *c);
void answer_pdl_person(struct call *c);
void answer_abstract(struct call *c);
void answer_anymail_person(struct call *c);
void answer_anymail_company(struct call *c);
void answer_zerobounce(struct call *c);
void answer_builtwith(struct call *c);

/* ---- serve.c, control.c ---- */

void serve_provider(struct sandbox *box, struct http_exchange *x);
void serve_control(struct sandbox *box, struct http_exchange *x);

#endif
