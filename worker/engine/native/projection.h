/* Projections: rows of inputs times packed weights, and what becomes of the products. */
#pragma once
#include "model.h"

/* What happens to the outputs of a projection. */
typedef enum { STORE, ADD, GELU, GATE } Then;

typedef struct {
    const float *x;     /* [rows][inputs] */
    const int16_t *q;   /* the same for INT8, with its scales */
    const float *scales;
    int rows;
    Then then;
    float *to; /* [rows][stride], of which the first `channels` exist */
    size_t stride;
    int channels;
} Product;

/* Bytes of one panel in one GROUP of inputs. */
#define INT8_BYTES (PANEL * 4 + PANEL * GROUP)

/* What is fetched from memory while a tile is computed: `step` bytes further for each 64
 * bytes of weights that the tile reads. */
typedef struct {
    const char *at;
    size_t step;
} Ahead;
/* How far a single tile reads ahead of itself. */
#define AHEAD_BYTES 4096

static size_t panel_bytes(const Projection *p)
{
    if (p->kind == INT8) return (size_t)p->inputs / GROUP * INT8_BYTES;
    return (size_t)p->inputs * PANEL * (p->kind == FP32 ? 4 : 2);
}

/* Integers are summed exactly within a group: 64 products of at most 127 * 32,768 are
 * 266 million, an eighth of what 32 bits hold. */
static INLINE void int8_tile(const int rows, const int8_t *weight, const int16_t *q,
                             int inputs, const float *scales, const float *bias,
                             Ahead ahead, float (*to)[PANEL])
{
    Panel total[TILE];
    for (int r = 0; r < rows; r++) total[r] = panel_of(0);
    for (int first = 0; first < inputs; first += GROUP) {
        Sums sums[TILE];
        memset(sums, 0, sizeof sums);
        const int8_t *pairs = weight + PANEL * 4;
        for (int k = 0; k < GROUP; k += 4) {
            __builtin_prefetch(ahead.at);
            ahead.at += ahead.step;
            for (int two = k; two < k + 4; two += 2) {
                Pairs weights = load_pairs(pairs + PANEL * two);
                for (int r = 0; r < rows; r++)
                    sums[r] = add_products(sums[r], weights,
                                           q + (size_t)r * inputs + first + two);
            }
        }
        Panel scale = load_panel((const float *)weight);
        for (int r = 0; r < rows; r++)
            total[r] = fma_panel(floats_of(sums[r]), scale, total[r]);
        weight += INT8_BYTES;
    }
    for (int r = 0; r < rows; r++) {
        total[r] = fma_panel(total[r], panel_of(scales[r]), load_panel(bias));
        store_panel(to[r], total[r]);
    }
}

static INLINE void float_tile(const int rows, const int is_half, const void *weight,
                              const float *x, int inputs, const float *bias,
                              Ahead ahead, float (*to)[PANEL])
{
    Panel total[TILE];
    for (int r = 0; r < rows; r++) total[r] = panel_of(0);
    for (int k = 0; k < inputs; k++) {
        size_t at = (size_t)k * PANEL;
        if (!is_half || k % 2) {
            __builtin_prefetch(ahead.at);
            ahead.at += ahead.step;
        }
        Panel w = is_half ? load_half_panel((const uint16_t *)weight + at)
                          : load_panel((const float *)weight + at);
        for (int r = 0; r < rows; r++)
            total[r] = fma_panel(w, panel_of(x[(size_t)r * inputs + k]), total[r]);
    }
    for (int r = 0; r < rows; r++) {
        total[r] = fma_panel(total[r], panel_of(1), load_panel(bias));
        store_panel(to[r], total[r]);
    }
}

static INLINE void tile_of(const int rows, const Projection *p, const Product *product,
                           int panel, int row, Ahead ahead, float (*to)[PANEL])
{
    const void *weight = (const char *)p->weight + panel * panel_bytes(p);
    const float *bias = p->bias + panel * PANEL;
    size_t at = (size_t)row * p->inputs;
    if (p->kind == INT8)
        int8_tile(rows, weight, product->q + at, p->inputs, product->scales + row, bias,
                  ahead, to);
    else if (p->kind == FP16)
        float_tile(rows, 1, weight, product->x + at, p->inputs, bias, ahead, to);
    else
        float_tile(rows, 0, weight, product->x + at, p->inputs, bias, ahead, to);
}

/* What tile number `tile` of the `tiles` that read a panel fetches: its share of the
 * panel that comes next, so that the memory is not idle while they compute. */
static Ahead ahead_of(const Projection *p, const Product *product, int panel, int tile,
                      int tiles)
{
    size_t bytes = panel_bytes(p);
    const char *own = (const char *)p->weight + panel * bytes;
    if (tiles == 1) return (Ahead){own + AHEAD_BYTES, 64};
    const char *next = own + (bytes << (product->then == GATE));
    return (Ahead){next + bytes / (size_t)tiles * (size_t)tile, 64 / (size_t)tiles};
}

/* PANEL channels of up to TILE rows; each number of rows is compiled by itself. */
static void multiply(const Projection *p, const Product *product, int panel, int row,
                     int rows, Ahead ahead, float (*to)[PANEL])
{
#define ROWS(n) case n: tile_of(n, p, product, panel, row, ahead, to); break;
    switch (rows) {
        ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6)
#if TILE > 6
        ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12)
#endif
    }
#undef ROWS
}

/* x / (1 + e^-x) */
static INLINE Vec silu(Vec x) { return x / (all(1) + exponential(-x)); }

/* The tanh approximation: (1 + tanh(z)) / 2 is 1 / (1 + e^-2z). */
static INLINE Vec gelu(Vec x)
{
    Vec z = all(1.59576912f) * fma_vec(all(0.044715f) * x * x, x, x);
    return x / (all(1) + exponential(-z));
}

static INLINE void put(const Product *product, int row, int channel, const float *values,
                       const float *gates)
{
    float *to = product->to + row * product->stride + channel;
    if (channel + PANEL > product->channels) {
        memcpy(to, values, sizeof(float) * (size_t)(product->channels - channel));
        return;
    }
    for (int n = 0; n < PANEL; n += LANES) {
        Vec v = load(values + n);
        if (product->then == ADD) v = load(to + n) + v;
        if (product->then == GELU) v = gelu(v);
        if (product->then == GATE) v = v * silu(load(gates + n));
        store(to + n, v);
    }
}

/* One unit (a panel, or a pair of gate and up) of the rows from `row` to `end`. */
static void multiply_unit(const Projection *p, const Product *product, int unit, int row,
                          int end)
{
    int is_pair = product->then == GATE, panel = unit << is_pair;
    float values[TILE][PANEL], gates[TILE][PANEL];
    int tiles = (end - row + TILE - 1) / TILE;
    for (int tile = 0, rows; tile < tiles; tile++, row += rows) {
        rows = (end - row + tiles - tile - 1) / (tiles - tile);
        Ahead ahead = ahead_of(p, product, panel, tile, tiles);
        multiply(p, product, panel, row, rows, ahead, is_pair ? gates : values);
        if (is_pair) {
            ahead = ahead_of(p, product, panel + 1, tile, tiles);
            multiply(p, product, panel + 1, row, rows, ahead, values);
        }
        for (int r = 0; r < rows; r++)
            put(product, row + r, unit * PANEL, values[r], gates[r]);
    }
}

/* Rows whose inputs stay in the cache while the units of a task pass by. */
#define ROWS_AT_ONCE (8 * TILE)

static void project(const Step *s, Worker *worker, const Projection *p, Product product)
{
    product.q = s->buffers.quantised;
    product.scales = s->buffers.scales;
    int units = p->channels / PANEL >> (product.then == GATE);
    size_t bytes = panel_bytes(p) << (product.then == GATE);
    /* Small enough that threads end together and the weights of a task stay in the cache. */
    int each = least(units / (8 * s->threads), (int)((128 << 10) / bytes));
    if (each < 1) each = 1;
    for (long t; (t = next_task(worker, (units + each - 1) / each)) >= 0;)
        for (int row = 0; row < product.rows; row += ROWS_AT_ONCE)
            for (int unit = (int)t * each; unit < least((int)(t + 1) * each, units); unit++)
                multiply_unit(p, &product, unit, row, least(row + ROWS_AT_ONCE, product.rows));
}
