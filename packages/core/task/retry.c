/* Retry policy. See retry.h. */
#include "task/retry.h"

#include <string.h>
#include <time.h>

#define YEAR_MS (INT64_C(366) * 86400 * 1000)

/* SplitMix64 (Steele, Lea, Flood 2014): well mixed bits from a counter. */
static uint64_t mix(uint64_t x)
{
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        return x ^ x >> 31;
}

int64_t retry_delay_ns(const struct retry_policy *p, int attempt, uint64_t seed,
                       int64_t retry_after_ms)
{
        if (attempt >= p->attempts || (p->after_ms && retry_after_ms > p->after_ms))
                return -1;
        int64_t ceiling = p->base_ms, most = p->cap_ms ? p->cap_ms : INT64_MAX / 2 / NS_PER_MS;

        for (int i = 1; i < attempt && ceiling < most; i++)
                ceiling *= 2;
        ceiling = MIN_OF(ceiling, most) * NS_PER_MS;
        int64_t delay = ceiling;

        if (!p->exact)
                delay = (int64_t)(mix(seed ^ mix((uint64_t)attempt)) % ((uint64_t)ceiling + 1));
        return MAX_OF(delay, MIN_OF(retry_after_ms, YEAR_MS) * NS_PER_MS);
}

bool retry_worth_status(int status)
{
        switch (status) {
        case 408:
        case 425:
        case 429:
        case 500:
        case 502:
        case 503:
        case 504: return true;
        default: return false;
        }
}

int64_t retry_after_parse(struct str value, int64_t wall_now_us)
{
        static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT",
                                            "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"};
        char text[64] = {0};
        int64_t seconds;

        value = str_trim(value);
        if (str_to_i64(value, &seconds))
                return seconds <= 0 ? 0 : MIN_OF(seconds, YEAR_MS / 1000) * 1000;
        if (value.len == 0 || value.len >= sizeof text)
                return 0;
        memcpy(text, value.ptr, value.len);
        for (size_t i = 0; i < ELEMENTS(forms); i++) {
                struct tm tm = {0};
                const char *end = strptime(text, forms[i], &tm);

                if (!end || *end)
                        continue;
                int64_t ms = (int64_t)timegm(&tm) * 1000 - wall_now_us / 1000;

                return ms <= 0 ? 0 : MIN_OF(ms, YEAR_MS);
        }
        return 0;
}

uint64_t retry_seed(struct str text)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < text.len; i++)
                h = (h ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001b3);
        return h;
}
