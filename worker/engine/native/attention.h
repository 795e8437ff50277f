/* Attention: rotary positions, the KV cache, and the softmax over the keys of a row. */
#pragma once
#include "model.h"
#include <math.h>

/* Keys that stay in the L1 cache while the queries of a run pass by. */
#define KEY_BLOCK 32

/* The keys or the values of one head in one row of the KV cache, and their width. */
typedef struct {
    float *floats;
    uint16_t *halves; /* NULL for a cache of floats */
    int size;
} HeadSlice;

static HeadSlice slice_of(const Step *s, int layer, int is_value, int64_t row, int head)
{
    const Batch *b = &s->batch;
    int size = s->model->head_size;
    size_t n = ((size_t)is_value * b->cache_rows + row) * s->model->key_heads + head;
    n *= (size_t)b->cache_tokens * size;
    if (b->is_half_cache) return (HeadSlice){NULL, (uint16_t *)b->layers[layer] + n, size};
    return (HeadSlice){(float *)b->layers[layer] + n, NULL, size};
}

static void write_slice(HeadSlice slice, int64_t position, const float *from)
{
    size_t at = (size_t)position * slice.size;
    if (!slice.halves)
        memcpy(slice.floats + at, from, sizeof(float) * (size_t)slice.size);
    else
        for (int n = 0; n < slice.size; n += LANES)
            store_half(slice.halves + at + n, load(from + n));
}

/* The keys or values of the positions from `first` to `stop`, as floats: those of the
 * cache itself or, from half precision, converted into `to`. */
static const float *read_slice(HeadSlice slice, int first, int stop, float *to)
{
    size_t at = (size_t)first * slice.size;
    if (!slice.halves) return slice.floats + at;
    int count = (stop - first) * slice.size;
    for (int n = 0; n < count; n += LANES) {
        if (n % 32 == 0) __builtin_prefetch(slice.halves + at + n + KEY_BLOCK * slice.size);
        store(to + n, load_half(slice.halves + at + n));
    }
    return to;
}

static void rotate(float *head, const float *cos, const float *sin, int size)
{
    int half = size / 2;
    for (int n = 0; n < half; n++) {
        float a = head[n], b = head[n + half];
        head[n] = a * cos[n] - b * sin[n];
        head[n + half] = b * cos[n + half] + a * sin[n + half];
    }
}

/* Rotate the heads of one token, scale its queries, write its keys and values. */
static void store_keys_and_values(const Step *s, int layer, int stride, long token)
{
    const Model *m = s->model;
    int size = m->head_size, keys = m->heads + m->key_heads;
    int64_t row = s->batch.rows[token], position = s->batch.positions[token];
    float *qkv = s->buffers.qkv + (size_t)token * stride, scale = 1 / sqrtf(size);
    if (m->rotary_cos)
        for (int n = 0; n < keys; n++)
            rotate(qkv + n * size, m->rotary_cos + position * size,
                   m->rotary_sin + position * size, size);
    for (int n = 0; n < m->heads * size; n++) qkv[n] *= scale;
    for (int n = 0; n < 2 * m->key_heads; n++) {
        int is_value = n >= m->key_heads, head = n - is_value * m->key_heads;
        write_slice(slice_of(s, layer, is_value, row, head), position,
                   qkv + (m->heads + n) * size);
    }
}

/* The products of one query with `count` keys. */
static void score(const float *query, const float *keys, int count, int size, float *scores)
{
    for (int t = 0; t < count; t += LANES) {
        Vec sums[LANES] = {{0}};
        const float *key[LANES]; /* behind the end the last one, whose product is not used */
        for (int n = 0; n < LANES; n++) key[n] = keys + (size_t)least(t + n, count - 1) * size;
        for (int i = 0; i < size; i += LANES) {
            Vec q = load(query + i);
            for (int n = 0; n < LANES; n++) sums[n] = fma_vec(q, load(key[n] + i), sums[n]);
        }
        store(scores + t, sum_each(sums));
    }
}

/* Turn `count` scores into e^(score - largest); returns 1 / their sum. */
static float softmax_weights(float *scores, int count)
{
    int whole = (int)padded((size_t)count, LANES);
    for (int n = count; n < whole; n++) scores[n] = -INFINITY;
    Vec most = broadcast(-INFINITY), sums = {0};
    for (int n = 0; n < whole; n += LANES) most = larger(load(scores + n), most);
    float largest = most[0];
    for (int n = 1; n < LANES; n++) largest = most[n] > largest ? most[n] : largest;
    for (int n = 0; n < whole; n += LANES) {
        Vec power = exponential(load(scores + n) - broadcast(largest));
        store(scores + n, power);
        sums = sums + power;
    }
    return 1 / sum_lanes(sums);
}

static INLINE void add_slice(const int vectors, const float *weights, const float *values,
                             int count, int size, float *to)
{
    Vec sums[8];
    for (int i = 0; i < vectors; i++) sums[i] = load(to + i * LANES);
    for (int t = 0; t < count; t++)
        for (int i = 0; i < vectors; i++)
            sums[i] = fma_vec(broadcast(weights[t]), load(values + (size_t)t * size + i * LANES),
                              sums[i]);
    for (int i = 0; i < vectors; i++) store(to + i * LANES, sums[i]);
}

/* Add `count` weighted values to `to`. */
static void add_values(const float *weights, const float *values, int count, int size,
                       float *to)
{
    int i = 0;
    for (; i + 8 * LANES <= size; i += 8 * LANES)
        add_slice(8, weights, values + i, count, size, to + i);
    for (; i < size; i += LANES) add_slice(1, weights, values + i, count, size, to + i);
}

/* The attention of the tokens of a run, for the query heads of one key head. */
static void attend(const Step *s, int layer, int stride, const Run *run, int key_head,
                   float *scores)
{
    const Model *m = s->model;
    int size = m->head_size, group = m->heads / m->key_heads, count = run->count * group;
    const int64_t *position = s->batch.positions + run->first;
    int64_t row = s->batch.rows[run->first];
    HeadSlice keys = slice_of(s, layer, 0, row, key_head);
    HeadSlice values = slice_of(s, layer, 1, row, key_head);
    float block[KEY_BLOCK * size];
    int longest = (int)position[run->count - 1] + 1;
    size_t score_stride = padded((size_t)longest, LANES), width = padded(m->heads * size, GROUP);
#define QUERY(n) (s->buffers.qkv + (size_t)(run->first + (n) / group) * stride \
                  + (size_t)(key_head * group + (n) % group) * size)
#define TARGET(n) (s->buffers.attended + (size_t)(run->first + (n) / group) * width \
                   + (size_t)(key_head * group + (n) % group) * size)
#define SEEN(n, t) least(KEY_BLOCK, (int)position[(n) / group] + 1 - (t))
    for (int t = 0; t < longest; t += KEY_BLOCK) {
        const float *key = read_slice(keys, t, least(t + KEY_BLOCK, longest), block);
        for (int n = 0; n < count; n++)
            score(QUERY(n), key, SEEN(n, t), size, scores + n * score_stride + t);
    }
    float factors[count];
    for (int n = 0; n < count; n++) {
        factors[n] = softmax_weights(scores + n * score_stride, (int)position[n / group] + 1);
        memset(TARGET(n), 0, sizeof(float) * (size_t)size);
    }
    for (int t = 0; t < longest; t += KEY_BLOCK) {
        const float *value = read_slice(values, t, least(t + KEY_BLOCK, longest), block);
        for (int n = 0; n < count; n++)
            add_values(scores + n * score_stride + t, value, SEEN(n, t), size, TARGET(n));
    }
    for (int n = 0; n < count; n++)
        for (int i = 0; i < size; i++) TARGET(n)[i] *= factors[n];
#undef QUERY
#undef TARGET
#undef SEEN
}
