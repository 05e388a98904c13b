/* Helpers over names and values for the schema compiler and validator: maps, hashes, decimals. */
#include "schema/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t mix(uint64_t a, uint64_t b)
{
        __uint128_t p = (__uint128_t)a * b;

        return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t seed;

__attribute__((constructor)) static void seed_make(void)
{
        if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
                seed = (uint64_t)time_mono_ns();
}

/* After wyhash's structure: 128-bit multiplications folded together, keyed by the seed. */
static uint64_t hash_bytes(const void *p, size_t n, uint64_t kind)
{
        const unsigned char *at = p;
        uint64_t h = mix(seed ^ 0xa0761d6478bd642full, (uint64_t)n ^ kind ^ 0xe7037ed1a0b428dbull);

        for (; n > 8; n -= 8, at += 8) {
                uint64_t w;

                memcpy(&w, at, 8);
                h = mix(h ^ w, seed | 0x8ebc6af09c88c6e3ull);
        }
        uint64_t w = 0;

        memcpy(&w, at, n);
        return mix(h ^ w, seed ^ 0x589965cc75374cc3ull);
}

uint64_t hash_str(struct str s)
{
        return hash_bytes(s.ptr ? s.ptr : "", s.len, 1);
}

uint64_t hash_json(const struct json *v)
{
        double number;
        uint64_t h = 0;

        switch (json_kind(v)) {
        case JSON_KIND_INT:
        case JSON_KIND_DOUBLE:
                number = json_get_double(v, 0) + 0.0; /* -0.0 becomes 0.0 */
                return hash_bytes(&number, sizeof number, 2);
        case JSON_KIND_STRING: return hash_bytes(json_get_str(v).ptr, json_get_str(v).len, 3);
        case JSON_KIND_ARRAY:
                h = hash_bytes("", 0, 4);
                for (size_t i = 0; i < json_len(v); i++)
                        h = mix(h ^ hash_json(json_at(v, i)), seed | 0x1d8e4e27c47d124full);
                return h;
        case JSON_KIND_OBJECT: /* the order of members does not matter */
                JSON_EACH_MEMBER (it, v)
                        h += mix(hash_str(it.key), hash_json(it.value) | 1);
                return mix(h ^ seed, 0xeb44accab455d165ull);
        case JSON_KIND_BOOL: return hash_bytes(json_get_bool(v, false) ? "t" : "f", 1, 5);
        default: return hash_bytes("", 0, 6);
        }
}

int hashed_cmp(const void *a, const void *b)
{
        const struct hashed *x = a, *y = b;

        if (x->hash != y->hash)
                return x->hash < y->hash ? -1 : 1;
        return (x->index > y->index) - (x->index < y->index);
}

static struct map_slot *map_find(const struct map *m, struct str key, uint64_t hash)
{
        for (size_t i = (size_t)hash & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
                struct map_slot *s = &m->slots[i];

                if (!s->value || (s->hash == hash && str_eq(s->key, key)))
                        return s;
        }
}

static void map_grow(struct arena *a, struct map *m)
{
        struct map old = *m;

        m->size = old.size ? old.size * 2 : 8;
        m->slots = arena_alloc_array(a, m->size, sizeof *m->slots);
        for (size_t i = 0; i < old.size; i++)
                if (old.slots[i].value)
                        *map_find(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
}

void map_put(struct arena *a, struct map *m, struct str key, void *value)
{
        uint64_t hash = hash_str(key);

        if (m->len * 2 >= m->size)
                map_grow(a, m);
        struct map_slot *s = map_find(m, key, hash);

        m->len += s->value == NULL;
        *s = (struct map_slot){.key = key, .hash = hash, .value = value};
}

void *map_get(const struct map *m, struct str key)
{
        return m->len ? map_find(m, key, hash_str(key))->value : NULL;
}

/* A number as mantissa × 10^exponent, exactly as its shortest decimal text says. */
struct decimal {
        uint64_t mantissa;
        int exponent;
};

static struct decimal decimal_of(const struct json *v)
{
        struct decimal d = {0};
        char text[40];

        if (json_kind(v) == JSON_KIND_INT) {
                int64_t i = json_get_i64(v, 0);

                d.mantissa = i < 0 ? -(uint64_t)i : (uint64_t)i;
                return d;
        }
        double x = fabs(json_get_double(v, 0));

        for (int digits = 14; digits <= 16; digits++) {
                snprintf(text, sizeof text, "%.*e", digits, x);
                if (digits == 16 || !(strtod(text, NULL) < x || strtod(text, NULL) > x))
                        break;
        }
        char *e = strchr(text, 'e');

        d.exponent = e ? (int)strtol(e + 1, NULL, 10) : 0;
        for (const char *p = text; p < e; p++) {
                if (*p == '.')
                        continue;
                d.mantissa = d.mantissa * 10 + (uint64_t)(*p - '0');
                d.exponent -= p > text;
        }
        return d;
}

bool decimal_multiple(const struct json *v, const struct json *step)
{
        struct decimal a = decimal_of(v), b = decimal_of(step);
        int shift = a.exponent - b.exponent;

        if (a.mantissa == 0)
                return true;
        if (b.mantissa == 0)
                return false;
        if (shift >= 0) { /* a·10^shift mod b, step by step: no overflow below 2^128 */
                __uint128_t r = a.mantissa % b.mantissa;

                for (; shift > 0 && r; shift--)
                        r = r * 10 % b.mantissa;
                return r == 0;
        }
        __uint128_t big = b.mantissa;

        for (; shift < 0; shift++) {
                big *= 10;
                if (big > a.mantissa)
                        return false;
        }
        return a.mantissa % big == 0;
}
