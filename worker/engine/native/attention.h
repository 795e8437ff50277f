/* Attention: rotary positions, the KV cache, and the softmax over the keys of a row. */
#pragma once
#include "model.h"
#include <math.h>

/* Keys that stay in the first cache while the queries of a run pass by. */
#define KEYS 32

static float *row_of(const Step *s, int layer, int is_value, int64_t row, int head)
{
    const Model *m = s->model;
    size_t n = ((size_t)is_value * s->batch.cache_rows + row) * m->key_heads + head;
    return s->batch.layers[layer] + n * s->batch.cache_tokens * m->head_size;
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
static void write_keys(const Step *s, int layer, int stride, long token)
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
        memcpy(row_of(s, layer, is_value, row, head) + position * size,
               qkv + (m->heads + n) * size, sizeof(float) * (size_t)size);
    }
}

/* The products of one query with the keys from `first` to `stop`. */
static void score(const float *query, const float *keys, int first, int stop, int size,
                  float *scores)
{
    for (int t = first; t < stop; t += LANES) {
        Vec sums[LANES] = {{0}};
        const float *key[LANES]; /* behind the last one the last one again */
        for (int n = 0; n < LANES; n++) key[n] = keys + (size_t)least(t + n, stop - 1) * size;
        for (int i = 0; i < size; i += LANES) {
            Vec q = load(query + i);
            for (int n = 0; n < LANES; n++) sums[n] = fma_vec(q, load(key[n] + i), sums[n]);
        }
        store(scores + t, sum_each(sums));
    }
}

/* Turn `count` scores into e^(score - largest); returns 1 / their sum. */
static float soften(float *scores, int count)
{
    int whole = (int)padded((size_t)count, LANES);
    for (int n = count; n < whole; n++) scores[n] = -INFINITY;
    Vec most = all(-INFINITY), sums = {0};
    for (int n = 0; n < whole; n += LANES) most = larger(load(scores + n), most);
    float largest = most[0];
    for (int n = 1; n < LANES; n++) largest = most[n] > largest ? most[n] : largest;
    for (int n = 0; n < whole; n += LANES) {
        Vec power = exponential(load(scores + n) - all(largest));
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
            sums[i] = fma_vec(all(weights[t]), load(values + (size_t)t * size + i * LANES),
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
    const float *keys = row_of(s, layer, 0, row, key_head);
    const float *values = row_of(s, layer, 1, row, key_head);
    int longest = (int)position[run->count - 1] + 1;
    size_t line = padded((size_t)longest, LANES), width = padded(m->heads * size, GROUP);
#define QUERY(n) (s->buffers.qkv + (size_t)(run->first + (n) / group) * stride \
                  + (size_t)(key_head * group + (n) % group) * size)
#define TARGET(n) (s->buffers.attended + (size_t)(run->first + (n) / group) * width \
                   + (size_t)(key_head * group + (n) % group) * size)
    for (int t = 0; t < longest; t += KEYS)
        for (int n = 0; n < count; n++)
            score(QUERY(n), keys, t, least(t + KEYS, (int)position[n / group] + 1), size,
                  scores + n * line);
    float factors[count];
    for (int n = 0; n < count; n++) {
        factors[n] = soften(scores + n * line, (int)position[n / group] + 1);
        memset(TARGET(n), 0, sizeof(float) * (size_t)size);
    }
    for (int t = 0; t < longest; t += KEYS)
        for (int n = 0; n < count; n++)
            add_values(scores + n * line + t, values + (size_t)t * size,
                       least(KEYS, (int)position[n / group] + 1 - t), size, TARGET(n));
    for (int n = 0; n < count; n++)
        for (int i = 0; i < size; i++) TARGET(n)[i] *= factors[n];
#undef QUERY
#undef TARGET
}
