/* Chance that repeats itself: the same seed, provider and question give the same fate. */
#include "sandbox.h"

#include <math.h>

static uint64_t mix(uint64_t h)
{
        h ^= h >> 30;
        h *= UINT64_C(0xbf58476d1ce4e5b9);
        h ^= h >> 27;
        h *= UINT64_C(0x94d049bb133111eb);
        return h ^ (h >> 31);
}

static uint64_t add_text(uint64_t h, struct str s)
{
        for (size_t i = 0; i < s.len; i++)
                h = (h ^ (unsigned char)s.ptr[i]) * UINT64_C(1099511628211);
        return (h ^ 0xFF) * UINT64_C(1099511628211);
}

double chance(uint64_t seed, struct str a, struct str b, uint64_t n)
{
        uint64_t h = mix(seed + UINT64_C(0x9e3779b97f4a7c15));

        h = add_text(add_text(h, a), b);
        h = mix(h ^ mix(n));
        return (double)(h >> 11) * 0x1p-53;
}

const char *mishap_name(enum mishap f)
{
        static const char *const names[] = {
#define MISHAP(name, text) text,
#include "mishap.def"
#undef MISHAP
        };

        return names[f];
}

enum mishap fate_of(const struct knob_set *k, uint64_t seed, struct str slug, struct str question,
                    uint64_t attempt)
{
        static const struct {
                enum knob knob;
                enum mishap mishap;
        } order[] = {{KNOB_429, MISHAP_429},       {KNOB_5XX, MISHAP_5XX},
                     {KNOB_HANG, MISHAP_HANG},     {KNOB_MALFORMED, MISHAP_MALFORMED},
                     {KNOB_SCHEMA, MISHAP_SCHEMA}, {KNOB_DRIP, MISHAP_DRIP}};
        double u = chance(seed, slug, question, attempt), sum = 0;

        for (size_t i = 0; i < ELEMENTS(order); i++) {
                sum += k->value[order[i].knob];
                if (u < sum)
                        return order[i].mishap;
        }
        return MISHAP_NONE;
}

int64_t latency_ms(const struct knob_set *k, uint64_t seed, struct str slug, struct str question,
                   uint64_t attempt)
{
        double u = chance(seed ^ 1, slug, question, attempt);
        double v = chance(seed ^ 2, slug, question, attempt), ms;

        switch (k->latency.kind) {
        case LATENCY_UNIFORM: ms = k->latency.a + u * (k->latency.b - k->latency.a); break;
        case LATENCY_LOGNORMAL: /* Box-Muller */
                ms = k->latency.a *
                     exp(k->latency.b * sqrt(-2 * log(1 - u)) * cos(2 * 3.14159265358979 * v));
                break;
        default: ms = k->latency.a; break;
        }
        return (int64_t)fmin(fmax(ms, 0), 600000);
}

bool fate_knows(const struct knob_set *k, uint64_t seed, struct str slug, struct str subject)
{
        return chance(seed ^ 3, slug, subject, 0) >= k->value[KNOB_MISS];
}

bool fate_has_field(const struct knob_set *k, uint64_t seed, struct str slug, struct str subject,
                    const char *field)
{
        uint64_t n = add_text(0, str_from(field));

        return chance(seed ^ 4, slug, subject, n) >= k->value[KNOB_GAP];
}
