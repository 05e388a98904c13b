/* Knobs: for all providers, and for single ones on top of that. */
#include "sandbox.h"

#include <math.h>
#include <stdio.h>

#define PLAYERS_MAX 32

struct layer { /* what is set for one provider */
        struct knob_set set;
        bool has[KNOB_MAX];
        bool has_latency;
};

struct state {
        uint64_t seed;
        struct knob_set base;
        struct layer own[PLAYERS_MAX];
};

struct knobs {
        pthread_mutex_t lock; /* guards now */
        struct state now, start;
};

static const struct {
        const char *key;
        double most, otherwise;
} specs[] = {
#define KNOB(name, key, most, otherwise) {key, most, otherwise},
#include "knobs.def"
#undef KNOB
};

/* ---- latency as text: "fixed:100", "uniform:40-250", "lognormal:90,0.6" ---- */

static bool two_numbers(struct str s, char between, double *a, double *b)
{
        size_t at = str_find_char(s, between);

        return at != SIZE_MAX && str_to_double(str_slice(s, 0, at), a) &&
               str_to_double(str_slice(s, at + 1, s.len), b);
}

static bool latency_parse(struct str text, struct latency *ret)
{
        struct latency l = {0};
        size_t at = str_find_char(text, ':');
        struct str kind = str_slice(text, 0, at == SIZE_MAX ? text.len : at);
        struct str rest = at == SIZE_MAX ? STR("") : str_slice(text, at + 1, text.len);
        bool good;

        if (str_eq(kind, STR("fixed"))) {
                good = str_to_double(rest, &l.a);
        } else if (str_eq(kind, STR("uniform"))) {
                l.kind = LATENCY_UNIFORM;
                good = two_numbers(rest, '-', &l.a, &l.b) && l.b >= l.a && l.b <= 600000;
        } else {
                l.kind = LATENCY_LOGNORMAL;
                good = str_eq(kind, STR("lognormal")) && two_numbers(rest, ',', &l.a, &l.b) &&
                       l.b >= 0 && l.b <= 5;
        }
        if (!good || !(l.a >= 0 && l.a <= 600000))
                return false;
        *ret = l;
        return true;
}

static struct str latency_text(struct arena *a, const struct latency *l)
{
        switch (l->kind) {
        case LATENCY_UNIFORM: return str_printf(a, "uniform:%g-%g", l->a, l->b);
        case LATENCY_LOGNORMAL: return str_printf(a, "lognormal:%g,%g", l->a, l->b);
        default: return str_printf(a, "fixed:%g", l->a);
        }
}

/* ---- changing ---- */

static enum err set_one(struct ctx *ctx, struct str key, const struct json *v, struct knob_set *set,
                        bool *has, bool *has_latency)
{
        if (str_eq(key, STR("latency"))) {
                if (!latency_parse(json_get_str(v), &set->latency))
                        return fail(ctx, ERR_VALIDATION,
                                    "latency is \"fixed:MS\", \"uniform:MIN-MAX\" or "
                                    "\"lognormal:MEDIAN,SIGMA\"");
                *has_latency = true;
                return OK;
        }
        for (size_t i = 0; i < KNOB_MAX; i++) {
                double n = json_get_double(v, NAN);

                if (!str_eq_c(key, specs[i].key))
                        continue;
                if (!(n >= 0 && n <= specs[i].most))
                        return fail(ctx, ERR_VALIDATION, "%s must be a number from 0 to %g",
                                    specs[i].key, specs[i].most);
                set->value[i] = n;
                has[i] = true;
                return OK;
        }
        return fail(ctx, ERR_VALIDATION, "there is no knob \"%.*s\"", FMT(key));
}

static enum err set_all(struct ctx *ctx, const struct json *doc, struct knob_set *set, bool *has,
                        bool *has_latency)
{
        if (!json_is_object(doc))
                return fail(ctx, ERR_VALIDATION, "knobs are a JSON object");
        JSON_EACH_MEMBER (it, doc)
                TRY(set_one(ctx, it.key, it.value, set, has, has_latency));
        return OK;
}

static size_t player_of(struct str slug)
{
        for (size_t i = 0; i < player_count(); i++)
                if (str_eq_c(slug, players[i].slug))
                        return i;
        return SIZE_MAX;
}

static enum err change(struct ctx *ctx, struct state *s, const struct json *doc)
{
        bool has[KNOB_MAX], has_latency;

        if (!json_is_object(doc))
                return fail(ctx, ERR_VALIDATION, "knobs are a JSON object");
        JSON_EACH_MEMBER (it, doc) {
                if (str_eq(it.key, STR("seed"))) {
                        s->seed = (uint64_t)json_get_i64(it.value, 0);
                } else if (str_eq(it.key, STR("default"))) {
                        TRY(set_all(ctx, it.value, &s->base, has, &has_latency));
                } else if (str_eq(it.key, STR("providers"))) {
                        JSON_EACH_MEMBER (one, it.value) {
                                size_t i = player_of(one.key);

                                if (i == SIZE_MAX)
                                        return fail(ctx, ERR_VALIDATION,
                                                    "there is no provider \"%.*s\"", FMT(one.key));
                                TRY(set_all(ctx, one.value, &s->own[i].set, s->own[i].has,
                                            &s->own[i].has_latency));
                        }
                } else {
                        return fail(ctx, ERR_VALIDATION,
                                    "\"%.*s\" is none of seed, default, providers", FMT(it.key));
                }
        }
        return OK;
}

enum err knobs_change(struct ctx *ctx, struct knobs *k, const struct json *doc)
{
        struct state *next = arena_new(ctx->arena, struct state);
        enum err e;

        pthread_mutex_lock(&k->lock);
        *next = k->now;
        e = change(ctx, next, doc);
        if (e == OK)
                k->now = *next;
        pthread_mutex_unlock(&k->lock);
        return e;
}

void knobs_reset(struct knobs *k)
{
        pthread_mutex_lock(&k->lock);
        k->now = k->start;
        pthread_mutex_unlock(&k->lock);
}

enum err knobs_open(struct ctx *ctx, struct str text, struct knobs **ret)
{
        struct knobs *k = mem_alloc(sizeof(*k));
        const struct json *doc = NULL;
        enum err e = OK;

        *k = (struct knobs){0};
        pthread_mutex_init(&k->lock, NULL);
        k->now.seed = 1;
        k->now.base.latency = (struct latency){LATENCY_UNIFORM, 40, 250};
        for (size_t i = 0; i < KNOB_MAX; i++)
                k->now.base.value[i] = specs[i].otherwise;
        if (text.len)
                e = json_parse(ctx, text, &doc);
        if (e == OK && text.len)
                e = change(ctx, &k->now, doc);
        if (e != OK) {
                knobs_close(k);
                return e;
        }
        k->start = k->now;
        *ret = k;
        return OK;
}

void knobs_close(struct knobs *k)
{
        if (!k)
                return;
        pthread_mutex_destroy(&k->lock);
        mem_free(k);
}

/* ---- reading ---- */

struct knob_set knobs_of(struct knobs *k, size_t player, uint64_t *ret_seed)
{
        struct knob_set set;
        const struct layer *own = &k->now.own[player];

        pthread_mutex_lock(&k->lock);
        set = k->now.base;
        for (size_t i = 0; i < KNOB_MAX; i++)
                if (own->has[i])
                        set.value[i] = own->set.value[i];
        if (own->has_latency)
                set.latency = own->set.latency;
        *ret_seed = k->now.seed;
        pthread_mutex_unlock(&k->lock);
        return set;
}

static void write_set(struct json_out *o, const char *key, const struct knob_set *set,
                      const bool *has, bool has_latency)
{
        struct arena a;

        arena_init(&a, 1 << 20);
        out_object(o, key);
        if (has_latency)
                out_str(o, "latency", latency_text(&a, &set->latency));
        for (size_t i = 0; i < KNOB_MAX; i++)
                if (has[i])
                        out_double(o, specs[i].key, set->value[i]);
        out_end_object(o);
        arena_finish(&a);
}

void knobs_write(struct knobs *k, struct json_out *o)
{
        bool all[KNOB_MAX];
        struct state now;

        for (size_t i = 0; i < KNOB_MAX; i++)
                all[i] = true;
        pthread_mutex_lock(&k->lock);
        now = k->now;
        pthread_mutex_unlock(&k->lock);
        out_object(o, NULL);
        out_i64(o, "seed", (int64_t)now.seed);
        write_set(o, "default", &now.base, all, true);
        out_object(o, "providers");
        for (size_t p = 0; p < player_count(); p++) {
                bool any = now.own[p].has_latency;

                for (size_t i = 0; i < KNOB_MAX; i++)
                        any = any || now.own[p].has[i];
                if (any)
                        write_set(o, players[p].slug, &now.own[p].set, now.own[p].has,
                                  now.own[p].has_latency);
        }
        out_end_object(o);
        out_end_object(o);
}
