/* What drawing tokens asks of rows of logits: the likeliest tokens, the sum of the weights
 * of many, and the tokens with much noise. sampling.py decides by them; draw.py calls.
 *
 * Nothing that is drawn depends on how a sum is rounded here: where that could matter,
 * sampling.py compares exactly. All else is exact.
 */
#pragma once
#include "model.h"

/* A block is the same lane of so many neighbouring vectors. */
#define BLOCK 32
#define CHUNK (BLOCK * LANES)
/* Half of the lanes of a Vec, which take a whole vector as doubles, like Words. */
#define HALF (LANES / 2)
typedef float HalfVec __attribute__((vector_size(4 * HALF)));
typedef double Doubles __attribute__((vector_size(8 * HALF)));
typedef uint64_t Words __attribute__((vector_size(8 * HALF)));
/* Constants of SplitMix64; see gumbel_noise.py. */
#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)
#define FIRST_FACTOR UINT64_C(0xBF58476D1CE4E5B9)
#define SECOND_FACTOR UINT64_C(0x94D049BB133111EB)

/* ---- The likeliest tokens ----------------------------------------------------------- */

/* Integers in the order of the floats, and back. */
static int32_t order_of(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? bits ^ INT32_MAX : bits;
}

static float at_order(int32_t order)
{
    int32_t bits = order < 0 ? order ^ INT32_MAX : order;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* How many of some numbers, a multiple of LANES, reach a bound. */
static long count_from(const float *numbers, long count, float bound)
{
    Bits found = {0};
    for (long n = 0; n < count; n += LANES)
        found -= (Bits)(load(numbers + n) >= broadcast(bound));
    long sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += found[lane];
    return sum;
}

/* A bound that at least `size` of some numbers reach, and few more; found by halving. */
static float bound_of(const float *numbers, long count, long size)
{
    if (count < size) return -INFINITY;
    int32_t low = order_of(-INFINITY), high = order_of(INFINITY);
    while (low < high) {
        int32_t middle = (int32_t)(((int64_t)low + high + 1) >> 1);
        long found = count_from(numbers, count, at_order(middle));
        if (found < size) {
            high = middle - 1;
            continue;
        }
        low = middle;
        if (found <= size + size / 4) break;
    }
    return at_order(low);
}

/* Write the largest of each block, [vocabulary / CHUNK][LANES]. Returns whether every
 * logit is a number below infinity. */
static int find_largest(const float *logits, long vocabulary, float *largest)
{
    Bits are_numbers = ~(Bits){0};
    long n = 0;
    for (; n + CHUNK <= vocabulary; n += CHUNK, largest += LANES) {
        Vec most = load(logits + n);
        for (int i = 0; i < CHUNK; i += LANES) {
            Vec v = load(logits + n + i);
            are_numbers &= (Bits)(v <= broadcast(FLT_MAX));
            most = larger(v, most);
        }
        store(largest, most);
    }
    int all = !is_any(~are_numbers);
    for (; n < vocabulary; n++) all &= logits[n] <= FLT_MAX;
    return all;
}

/* A token that is the larger, the larger its logit is, and of equal ones the lower it is. */
static uint64_t ranked(float logit, long token)
{
    /* Adding 0 makes -0 equal to 0. */
    return (uint64_t)((uint32_t)order_of(logit + 0.0f) ^ 1u << 31) << 32 | ~(uint32_t)token;
}

/* Find the tokens whose logits reach a bound, in any order. A token that is in no whole
 * chunk is in no block. */
static long collect(const float *logits, long vocabulary, const float *largest, float bound,
                    uint64_t *to)
{
    long found = 0, whole = vocabulary / CHUNK * CHUNK;
    for (long block = 0; block < whole / BLOCK; block++) {
        if (largest[block] < bound) continue;
        long first = block / LANES * CHUNK + block % LANES;
        for (long n = first; n < first + CHUNK; n += LANES) {
            if (logits[n] < bound) continue;
            to[found++] = ranked(logits[n], n);
        }
    }
    for (long n = whole; n < vocabulary; n++) {
        if (logits[n] < bound) continue;
        to[found++] = ranked(logits[n], n);
    }
    return found;
}

/* Merge two neighbouring sorted runs. Which number is the larger is a matter of chance, so
 * there is no branch on it: guessing wrong would cost more than all else. */
static void merge(const uint64_t *from, long middle, long end, uint64_t *to)
{
    long a = 0, b = middle;
    while (a < middle && b < end) {
        uint64_t left = from[a], right = from[b];
        long is_left = left > right;
        *to++ = is_left ? left : right;
        a += is_left;
        b += !is_left;
    }
    while (a < middle) *to++ = from[a++];
    while (b < end) *to++ = from[b++];
}

/* Sort numbers, the largest first. Returns the sorted ones, which are in either memory. */
static uint64_t *sort(uint64_t *from, long count, uint64_t *to)
{
    for (long size = 1; size < count; size *= 2) {
        for (long n = 0; n < count; n += 2 * size) {
            long rest = count - n, end = rest < 2 * size ? rest : 2 * size;
            merge(from + n, size < end ? size : end, end, to + n);
        }
        uint64_t *sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

/* The `size` largest logits of a row and their tokens, the largest first, of equal ones
 * the lower token. At least so many reach the bound of the largest of the blocks. */
static int find_top(const Draw *draw, const float *logits, float *top, int64_t *tokens)
{
    long vocabulary = draw->vocabulary, blocks = vocabulary / CHUNK * LANES;
    float *largest = malloc(sizeof(float) * (size_t)(blocks + 1));
    if (!largest) return NO_MEMORY;
    int is_finite = find_largest(logits, vocabulary, largest);
    float bound = bound_of(largest, blocks, draw->size);
    long most = count_from(largest, blocks, bound) * BLOCK + vocabulary % CHUNK;
    uint64_t *memory = malloc(2 * sizeof *memory * (size_t)(most + 1));
    if (is_finite && memory) {
        long found = collect(logits, vocabulary, largest, bound, memory);
        const uint64_t *sorted = sort(memory, found, memory + most);
        for (int n = 0; n < draw->size; n++) {
            tokens[n] = ~(uint32_t)sorted[n];
            top[n] = logits[tokens[n]];
        }
        is_finite = top[0] >= -FLT_MAX;
    }
    int outcome = !memory ? NO_MEMORY : is_finite ? OK : NOT_FINITE;
    free(largest), free(memory);
    return outcome;
}

/* ---- Weights ------------------------------------------------------------------------ */

/* LANES logits from the n-th on; behind the last one -infinity. */
static Vec logits_from(const float *logits, long n, long vocabulary)
{
    if (n + LANES <= vocabulary) return load(logits + n);
    float lanes[LANES];
    for (int i = 0; i < LANES; i++) lanes[i] = n + i < vocabulary ? logits[n + i] : -INFINITY;
    return load(lanes);
}

/* e^x for x of at most 0, with a relative error of at most 2^-22; below -87 that of -87.
 * Like exponential(), but with the polynomial of degree 5 whose largest relative error
 * within ln(2) / 2 is the smallest, 2^-23.3. */
static INLINE Vec weight_of(Vec x)
{
    x = larger(x, broadcast(-87.0f));
    Bits n = (Bits)fma_vec(x, broadcast(1.44269504f), broadcast(ROUNDING));
    Vec whole = (Vec)n - broadcast(ROUNDING);
    Vec rest = fma_vec(whole, broadcast(-0.693359375f), x);
    rest = fma_vec(whole, broadcast(2.12194440e-4f), rest);
    Vec power = broadcast(0.008290272f);
    power = fma_vec(power, rest, broadcast(0.04189816f));
    power = fma_vec(power, rest, broadcast(0.16667639f));
    power = fma_vec(power, rest, broadcast(0.49999148f));
    power = fma_vec(power, rest, broadcast(0.9999997f));
    power = fma_vec(power, rest, broadcast(1.0f));
    return (Vec)((Bits)power + (n << 23));
}

/* The sum of the weights of all tokens with a larger logit than `bound`. A weight is e to
 * the power of a score, which is the logit minus the best one, times `factor`. A few are
 * added as floats, which adds an error of at most 3 * 2^-24, and these sums as doubles. */
static double mass_above(const float *logits, long vocabulary, float best, float factor,
                         float bound)
{
    enum { UNROLL = 4 };
    Doubles low = {0}, high = {0};
    for (long n = 0; n < vocabulary; n += UNROLL * LANES) {
        Vec some = {0};
        for (int i = 0; i < UNROLL; i++) {
            Vec v = logits_from(logits, n + i * LANES, vocabulary);
            Vec weights = weight_of((v - broadcast(best)) * broadcast(factor));
            some += (Vec)((Bits)(v > broadcast(bound)) & (Bits)weights);
        }
        HalfVec half[2];
        memcpy(half, &some, sizeof half);
        low += __builtin_convertvector(half[0], Doubles);
        high += __builtin_convertvector(half[1], Doubles);
    }
    double sum = 0;
    for (int lane = 0; lane < HALF; lane++) sum += low[lane] + high[lane];
    return sum;
}

/* ---- Noise -------------------------------------------------------------------------- */

/* The bits of some tokens before the last step of SplitMix64, which changes none of those
 * that are compared. `tokens`: times GOLDEN. */
static INLINE Words random_bits(Words tokens, uint64_t key)
{
    Words words = tokens ^ tokens >> 30 ^ (key ^ key >> 30);
    words *= FIRST_FACTOR;
    words ^= words >> 27;
    return words * SECOND_FACTOR;
}

/* Write the tokens whose random bits reach a bound, no more than `most`; returns how many
 * these are, the others included. */
static long find_noisy(long vocabulary, uint64_t key, uint64_t bound, long most, int64_t *to)
{
    enum { UNROLL = 4, SOME = UNROLL * HALF };
    Words tokens[UNROLL] = {{0}}, words[UNROLL];
    for (int n = 0; n < SOME; n++) tokens[n / HALF][n % HALF] = (uint64_t)n * GOLDEN;
    long found = 0;
    for (long first = 0; first < vocabulary; first += SOME) {
        Words reach = {0};
        for (int i = 0; i < UNROLL; i++) {
            words[i] = random_bits(tokens[i], key);
            reach |= (Words)(words[i] >= bound);
            tokens[i] += SOME * GOLDEN;
        }
        if (!is_any((Bits)reach)) continue;
        for (long n = 0; n < SOME && first + n < vocabulary; n++) {
            if (words[n / HALF][n % HALF] < bound) continue;
            if (found < most) to[found] = first + n;
            found++;
        }
    }
    return found;
}

/* ---- One row ------------------------------------------------------------------------ */

static void draw_row(const Draw *draw, long row)
{
    long size = draw->size, vocabulary = draw->vocabulary;
    if (draw->noisy) {
        draw->counts[row] = find_noisy(vocabulary, draw->keys[row], draw->bounds[row], size,
            draw->noisy + row * size);
        return;
    }
    const float *logits = draw->logits + draw->numbers[row] * vocabulary;
    float *top = draw->top + row * size;
    int outcome = find_top(draw, logits, top, draw->tokens + row * size);
    draw->outcomes[row] = outcome;
    if (outcome == OK && draw->factors[row] > 0)
        draw->masses[row] = mass_above(logits, vocabulary, top[0], draw->factors[row],
            -INFINITY);
}
