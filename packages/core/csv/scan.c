/* Marks delimiters, quotes and line ends in blocks of 64 bytes: scalar, SSE2 and AVX2. See scan.h.
 */
#include "csv/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define BLOCK 64

void csv_scan_scalar(const char *p, size_t blocks, char delimiter, char quote,
                     struct csv_masks *ret)
{
        for (size_t b = 0; b < blocks; b++, p += BLOCK) {
                struct csv_masks m = {0};

                for (unsigned i = 0; i < BLOCK; i++) {
                        uint64_t bit = UINT64_C(1) << i;

                        m.delimiter |= p[i] == delimiter ? bit : 0;
                        m.quote |= p[i] == quote ? bit : 0;
                        m.lf |= p[i] == '\n' ? bit : 0;
                        m.cr |= p[i] == '\r' ? bit : 0;
                        m.odd |= p[i] == 0 || (p[i] & 0x80) ? bit : 0;
                }
                ret[b] = m;
        }
}

#if defined(__x86_64__)

static inline uint64_t match16(const __m128i v[4], __m128i c)
{
        uint64_t bits = 0;

        for (int k = 0; k < 4; k++)
                bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[k], c)) << (16 * k);
        return bits;
}

static void scan_sse2(const char *p, size_t blocks, char delimiter, char quote,
                      struct csv_masks *ret)
{
        const __m128i d = _mm_set1_epi8(delimiter), q = _mm_set1_epi8(quote);
        const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r'),
                      zero = _mm_setzero_si128();

        for (size_t b = 0; b < blocks; b++, p += BLOCK) {
                __m128i v[4], high = zero;

                for (int k = 0; k < 4; k++) {
                        v[k] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * k));
                        high = _mm_or_si128(high, _mm_or_si128(v[k], _mm_cmpeq_epi8(v[k], zero)));
                }
                ret[b] = (struct csv_masks){
                        .delimiter = match16(v, d),
                        .quote = match16(v, q),
                        .lf = match16(v, lf),
                        .cr = match16(v, cr),
                        .odd = (uint64_t)(uint32_t)_mm_movemask_epi8(high),
                };
        }
}

__attribute__((target("avx2"))) static inline uint64_t match32(__m256i a, __m256i b, __m256i c)
{
        uint64_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, c));
        uint64_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, c));

        return low | high << 32;
}

__attribute__((target("avx2"))) static void scan_avx2(const char *p, size_t blocks, char delimiter,
                                                      char quote, struct csv_masks *ret)
{
        const __m256i d = _mm256_set1_epi8(delimiter), q = _mm256_set1_epi8(quote);
        const __m256i lf = _mm256_set1_epi8('\n'), cr = _mm256_set1_epi8('\r');
        const __m256i zero = _mm256_setzero_si256();

        for (size_t n = 0; n < blocks; n++, p += BLOCK) {
                __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
                __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
                __m256i nul =
                        _mm256_or_si256(_mm256_cmpeq_epi8(a, zero), _mm256_cmpeq_epi8(b, zero));

                ret[n] = (struct csv_masks){
                        .delimiter = match32(a, b, d),
                        .quote = match32(a, b, q),
                        .lf = match32(a, b, lf),
                        .cr = match32(a, b, cr),
                        .odd = (uint32_t)_mm256_movemask_epi8(
                                _mm256_or_si256(nul, _mm256_or_si256(a, b))),
                };
        }
}

csv_scan_fn *csv_scan_best(void)
{
        return __builtin_cpu_supports("avx2") ? scan_avx2 : scan_sse2;
}

size_t csv_scan_variants(csv_scan_fn **ret, size_t room)
{
        csv_scan_fn *const all[] = {csv_scan_scalar, scan_sse2, scan_avx2};
        size_t n = __builtin_cpu_supports("avx2") ? 3 : 2;

        n = MIN_OF(n, room);
        for (size_t i = 0; i < n; i++)
                ret[i] = all[i];
        return n;
}

#else

csv_scan_fn *csv_scan_best(void)
{
        return csv_scan_scalar;
}

size_t csv_scan_variants(csv_scan_fn **ret, size_t room)
{
        if (room)
                ret[0] = csv_scan_scalar;
        return room ? 1 : 0;
}

#endif
