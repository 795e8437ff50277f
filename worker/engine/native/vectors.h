/* Vectors of floats, and of the integers of int8 weights, in the words of the instruction
 * set that the compiler was told to use: AVX-512, AVX2, NEON, or none in particular.
 *
 * Everything above this file is written once. The order in which numbers are added is
 * spelled out here and there, and the compiler may not fuse on its own
 * (-ffp-contract=off): how many tokens are computed together changes no bit of any.
 */
#pragma once
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define INLINE inline __attribute__((always_inline))
/* Output channels that are computed together; a packed weight consists of such panels. */
#define PANEL 16
/* Inputs that share one scale in int8. */
#define GROUP 64

/* ---- Vec: LANES floats ---------------------------------------------------------- */

#if defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif
typedef float Vec __attribute__((vector_size(4 * LANES)));
typedef uint32_t Bits __attribute__((vector_size(4 * LANES)));
typedef Vec LooseVec __attribute__((aligned(4), may_alias));

static INLINE Vec load(const float *from) { return *(const LooseVec *)from; }
static INLINE void store(float *to, Vec v) { *(LooseVec *)to = v; }
static INLINE Vec broadcast(float x) { return x - (Vec){0}; }

static INLINE Vec choose(Bits mask, Vec yes, Vec no)
{
    return (Vec)((mask & (Bits)yes) | (~mask & (Bits)no));
}

/* The larger and the smaller of two; b where either is NaN. */
#if defined(__AVX2__)
static INLINE Vec larger(Vec a, Vec b) { return _mm256_max_ps(a, b); }
static INLINE Vec smaller(Vec a, Vec b) { return _mm256_min_ps(a, b); }
#else
static INLINE Vec larger(Vec a, Vec b) { return choose((Bits)(a > b), a, b); }
static INLINE Vec smaller(Vec a, Vec b) { return choose((Bits)(a < b), a, b); }
#endif
static INLINE Vec absolute(Vec a) { return (Vec)((Bits)a & 0x7fffffffu); }

/* Whether any lane of a comparison holds. */
static INLINE int is_any(Bits mask)
{
#if defined(__AVX2__)
    return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#elif defined(__aarch64__)
    return vmaxvq_u32((uint32x4_t)mask) != 0;
#else
    uint32_t any = 0;
    for (int n = 0; n < LANES; n++) any |= mask[n];
    return any != 0;
#endif
}

/* a * b + c: rounded once, where the processor can. */
static INLINE Vec fma_vec(Vec a, Vec b, Vec c)
{
#if defined(__AVX2__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}

/* Half precision: read exactly, written as the nearest. */
static INLINE Vec load_half(const uint16_t *from)
{
#if defined(__AVX2__)
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from));
#elif defined(__aarch64__)
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from)));
#else
    /* The exponent of a float is 112 higher; the product also makes subnormals right. */
    Vec v;
    for (int n = 0; n < LANES; n++) {
        uint32_t rest = from[n] & 0x7fffu, bits = rest << 13;
        float number;
        memcpy(&number, &bits, 4);
        number = rest < 0x7c00 ? number * 0x1p112f : rest == 0x7c00 ? INFINITY : NAN;
        v[n] = from[n] & 0x8000 ? -number : number;
    }
    return v;
#endif
}

/* The largest number in half precision, which also stands for larger ones; infinity stays. */
#define HALF_MAX 65504.0f
static INLINE void store_half(uint16_t *to, Vec v)
{
    Vec finite = smaller(broadcast(HALF_MAX), larger(broadcast(-HALF_MAX), v));
    v = choose((Bits)(absolute(v) > broadcast(FLT_MAX)), v, finite);
#if defined(__AVX2__)
    _mm_storeu_si128((__m128i *)to, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__aarch64__)
    vst1_u16(to, vreinterpret_u16_f16(vcvt_f16_f32(v)));
#else
    Bits bits = (Bits)v;
    for (int n = 0; n < LANES; n++) {
        uint32_t rest = bits[n] & 0x7fffffff, half;
        if (rest >= 0x7f800000)
            half = rest > 0x7f800000 ? 0x7e00 : 0x7c00;
        else if (rest < 113u << 23) /* subnormal: a multiple of 2^-24 */
            half = (uint32_t)lrintf(fabsf(v[n]) * 0x1p24f);
        else /* ties go to the even one */
            half = (rest + 0xfff + (rest >> 13 & 1) - (112u << 23)) >> 13;
        to[n] = (uint16_t)(bits[n] >> 16 & 0x8000) | (uint16_t)half;
    }
#endif
}

/* The sum of the lanes: halves, then halves of halves. */
static INLINE float sum_lanes(Vec v)
{
    float lane[LANES];
    store(lane, v);
    for (int half = LANES / 2; half; half /= 2)
        for (int n = 0; n < half; n++) lane[n] += lane[n + half];
    return lane[0];
}

/* The sums of LANES vectors, one in each lane. */
static INLINE Vec sum_each(const Vec *v)
{
#if defined(__AVX2__)
    Vec low = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
    Vec high = _mm256_hadd_ps(_mm256_hadd_ps(v[4], v[5]), _mm256_hadd_ps(v[6], v[7]));
    return _mm256_permute2f128_ps(low, high, 0x20)
        + _mm256_permute2f128_ps(low, high, 0x31);
#else
    Vec sums = {0};
    for (int n = 0; n < LANES; n++) sums[n] = sum_lanes(v[n]);
    return sums;
#endif
}

/* Adding 1.5 * 2^23 leaves a float of up to 2^22 no bits after the point: its low bits
 * are then the nearest integer, as a two's complement. */
#define ROUNDING 12582912.0f
static INLINE Bits nearest_bits(Vec v) { return (Bits)(v + broadcast(ROUNDING)); }

/* e^x, to about one unit in the last place: 2^n times the Taylor series of the rest,
 * which is within ln(2) / 2. x is limited to -87 to 88, so no result is 0 or infinite. */
static INLINE Vec exponential(Vec x)
{
    x = smaller(broadcast(88.0f), larger(broadcast(-87.0f), x));
    Bits n = nearest_bits(x * broadcast(1.44269504f));
    Vec whole = (Vec)n - broadcast(ROUNDING);
    /* ln(2) in two parts, the first with few digits, so that the product is exact. */
    Vec rest = fma_vec(whole, broadcast(-0.693359375f), x);
    rest = fma_vec(whole, broadcast(2.12194440e-4f), rest);
    static const float inverse_factorials[] = {
        1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
    Vec power = broadcast(1.0f / 5040);
    for (int i = 0; i < 7; i++)
        power = fma_vec(power, rest, broadcast(inverse_factorials[i]));
    return (Vec)((Bits)power + (n << 23)); /* n is added to the exponent. */
}

/* ---- Panel: PANEL floats, one for each channel ----------------------------------- */

#if defined(__AVX512F__)
/* Tokens that are computed together, as many as the registers hold. */
#define TILE 12
typedef __m512 Part;
#define PARTS 1
#else
#define TILE 6
typedef Vec Part;
#define PARTS (PANEL / LANES)
#endif
typedef struct {
    Part part[PARTS];
} Panel;

static INLINE Panel panel_of(float x)
{
    Panel panel;
#if defined(__AVX512F__)
    panel.part[0] = _mm512_set1_ps(x);
#else
    for (int n = 0; n < PARTS; n++) panel.part[n] = broadcast(x);
#endif
    return panel;
}

static INLINE Panel load_panel(const float *from)
{
    Panel panel;
#if defined(__AVX512F__)
    panel.part[0] = _mm512_loadu_ps(from);
#else
    for (int n = 0; n < PARTS; n++) panel.part[n] = load(from + n * LANES);
#endif
    return panel;
}

static INLINE void store_panel(float *to, Panel panel)
{
#if defined(__AVX512F__)
    _mm512_storeu_ps(to, panel.part[0]);
#else
    for (int n = 0; n < PARTS; n++) store(to + n * LANES, panel.part[n]);
#endif
}

/* From half precision. */
static INLINE Panel load_half_panel(const uint16_t *from)
{
    Panel panel;
#if defined(__AVX512F__)
    panel.part[0] = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
#else
    for (int n = 0; n < PARTS; n++) panel.part[n] = load_half(from + n * LANES);
#endif
    return panel;
}

static INLINE Panel fma_panel(Panel a, Panel b, Panel c)
{
#if defined(__AVX512F__)
    c.part[0] = _mm512_fmadd_ps(a.part[0], b.part[0], c.part[0]);
#else
    for (int n = 0; n < PARTS; n++)
        c.part[n] = fma_vec(a.part[n], b.part[n], c.part[n]);
#endif
    return c;
}

/* ---- Sums: PANEL exact integers; Pairs: the int8 weights of two inputs for each ---
 *
 * Packed as [channel][2 inputs], sign-extended to 16 bits when they are loaded. */

#if defined(__AVX512BW__)
typedef __m512i Sums, Pairs;
#elif defined(__AVX2__)
typedef struct {
    __m256i low, high;
} Sums, Pairs;
#elif defined(__aarch64__)
typedef struct {
    int32x4_t part[4];
} Sums;
typedef struct {
    int16x8_t first[2], second[2];
} Pairs;
#else
typedef struct {
    int32_t channel[PANEL];
} Sums;
typedef struct {
    const int8_t *weight;
} Pairs;
#endif

static INLINE Pairs load_pairs(const int8_t *from)
{
    Pairs pairs;
#if defined(__AVX512BW__)
    pairs = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)from));
#elif defined(__AVX2__)
    pairs.low = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from));
    pairs.high = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(from + 16)));
#elif defined(__aarch64__)
    int8x16x2_t both = vld2q_s8(from);
    pairs.first[0] = vmovl_s8(vget_low_s8(both.val[0]));
    pairs.first[1] = vmovl_high_s8(both.val[0]);
    pairs.second[0] = vmovl_s8(vget_low_s8(both.val[1]));
    pairs.second[1] = vmovl_high_s8(both.val[1]);
#else
    pairs.weight = from;
#endif
    return pairs;
}

/* Add to each sum the products of its two weights and the two inputs, which are the
 * same for all channels. */
static INLINE Sums add_products(Sums sums, Pairs pairs, const int16_t *inputs)
{
#if defined(__AVX2__)
    int32_t two;
    memcpy(&two, inputs, sizeof two);
#endif
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
    return _mm512_dpwssd_epi32(sums, pairs, _mm512_set1_epi32(two));
#elif defined(__AVX512BW__)
    return _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi32(two)));
#elif defined(__AVX2__)
    __m256i both = _mm256_set1_epi32(two);
    sums.low = _mm256_add_epi32(sums.low, _mm256_madd_epi16(pairs.low, both));
    sums.high = _mm256_add_epi32(sums.high, _mm256_madd_epi16(pairs.high, both));
    /* Says that both are needed now: gcc would first multiply for all tokens, and then
     * lack registers for the products. */
    __asm__ volatile("" : "+x"(sums.low), "+x"(sums.high));
#elif defined(__aarch64__)
    for (int n = 0; n < 4; n++) {
        int16x4_t first = n % 2 ? vget_high_s16(pairs.first[n / 2])
                                : vget_low_s16(pairs.first[n / 2]);
        int16x4_t second = n % 2 ? vget_high_s16(pairs.second[n / 2])
                                 : vget_low_s16(pairs.second[n / 2]);
        sums.part[n] = vmlal_n_s16(sums.part[n], first, inputs[0]);
        sums.part[n] = vmlal_n_s16(sums.part[n], second, inputs[1]);
    }
#else
    for (int n = 0; n < PANEL; n++)
        sums.channel[n] += pairs.weight[2 * n] * inputs[0]
            + pairs.weight[2 * n + 1] * inputs[1];
#endif
    return sums;
}

/* The sums as floats, each rounded to the nearest. */
static INLINE Panel floats_of(Sums sums)
{
    Panel panel;
#if defined(__AVX512BW__)
    panel.part[0] = _mm512_cvtepi32_ps(sums);
#elif defined(__AVX2__)
    panel.part[0] = _mm256_cvtepi32_ps(sums.low);
    panel.part[1] = _mm256_cvtepi32_ps(sums.high);
#elif defined(__aarch64__)
    for (int n = 0; n < 4; n++) panel.part[n] = vcvtq_f32_s32(sums.part[n]);
#else
    float numbers[PANEL];
    for (int n = 0; n < PANEL; n++) numbers[n] = (float)sums.channel[n];
    panel = load_panel(numbers);
#endif
    return panel;
}
