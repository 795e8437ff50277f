/* Projections: rows of inputs times packed weights, and what becomes of the products. */
#pragma once
#include "model.h"

/* What happens to the outputs of a projection. */
typedef enum { STORE, ADD, GELU, GATE } Epilogue;

typedef struct {
    const float *x;     /* [rows][inputs] */
    const int16_t *q;   /* the same for INT8, with its scales */
    const float *scales;
    int rows;
    Epilogue epilogue;
    float *to; /* [rows][stride], of which the first `channels` exist */
    size_t stride;
    int channels;
} Product;

/* Bytes of one panel in one GROUP of inputs. */
#define INT8_BYTES (PANEL * 4 + PANEL * GROUP)

/* Up to TILE pairs of a row and a panel, as many as the registers hold. */
typedef struct {
    const char *weight; /* of the first panel */
    size_t panel_bytes; /* from one panel to the next */
    const float *bias;
    int inputs;
    const float *x;     /* of the first row */
    const int16_t *q;
    const float *scales;
    /* What is fetched from memory meanwhile: `step` bytes further for each 64 bytes of
     * weights that are read. */
    const char *ahead;
    size_t step;
    float *to; /* [rows][stride], from the first panel on */
    size_t stride;
} Tile;
/* Panels that a tile has at most, and how far it reads ahead, all panels together. */
#define PANELS 4
#define AHEAD_BYTES 8192

static size_t panel_bytes(const Projection *p)
{
    if (p->kind == INT8) return (size_t)p->inputs / GROUP * INT8_BYTES;
    return (size_t)p->inputs * PANEL * (p->kind == FP32 ? 4 : 2);
}

static INLINE void prefetch(const int panels, Tile *t)
{
    for (int n = 0; n < panels; n++) __builtin_prefetch(t->ahead + n * t->panel_bytes);
    t->ahead += t->step;
}

/* Integers are summed exactly within a group: 64 products of at most 127 * 32,768 are
 * 266 million, an eighth of what 32 bits hold. */
static INLINE void int8_tile(const int rows, const int panels, Tile t)
{
    Panel total[TILE];
    for (int n = 0; n < panels * rows; n++) total[n] = panel_of(0);
    for (int first = 0; first < t.inputs; first += GROUP) {
        const int8_t *weight = (const int8_t *)t.weight + first / GROUP * INT8_BYTES;
        Sums sums[TILE];
        memset(sums, 0, sizeof sums);
        for (int k = 0; k < GROUP; k += 4) {
            prefetch(panels, &t);
            for (int i = k; i < k + 4; i += 2)
                for (int n = 0; n < panels; n++) {
                    Pairs pairs = load_pairs(weight + n * t.panel_bytes + PANEL * (4 + i));
                    for (int r = 0; r < rows; r++)
                        sums[n * rows + r] = add_products(
                            sums[n * rows + r], pairs, t.q + (size_t)r * t.inputs + first + i);
                }
        }
        for (int n = 0; n < panels; n++) {
            Panel scale = load_panel((const float *)(weight + n * t.panel_bytes));
            for (int r = n * rows; r < (n + 1) * rows; r++)
                total[r] = fma_panel(floats_of(sums[r]), scale, total[r]);
        }
    }
    for (int n = 0; n < panels; n++)
        for (int r = 0; r < rows; r++)
            store_panel(t.to + r * t.stride + n * PANEL,
                        fma_panel(total[n * rows + r], panel_of(t.scales[r]),
                                  load_panel(t.bias + n * PANEL)));
}

static INLINE void float_tile(const int rows, const int panels, const int is_half, Tile t)
{
    Panel total[TILE];
    for (int n = 0; n < panels * rows; n++) total[n] = panel_of(0);
    for (int k = 0; k < t.inputs; k++) {
        if (!is_half || k % 2) prefetch(panels, &t);
        for (int n = 0; n < panels; n++) {
            const char *at = t.weight + n * t.panel_bytes;
            Panel w = is_half ? load_half_panel((const uint16_t *)at + (size_t)k * PANEL)
                              : load_panel((const float *)at + (size_t)k * PANEL);
            for (int r = 0; r < rows; r++)
                total[n * rows + r] = fma_panel(
                    w, panel_of(t.x[(size_t)r * t.inputs + k]), total[n * rows + r]);
        }
    }
    for (int n = 0; n < panels; n++)
        for (int r = 0; r < rows; r++)
            store_panel(t.to + r * t.stride + n * PANEL,
                        fma_panel(total[n * rows + r], panel_of(1),
                                  load_panel(t.bias + n * PANEL)));
}

static INLINE void tile_of(const int kind, const int rows, const int panels, Tile t)
{
    if (kind == INT8)
        int8_tile(rows, panels, t);
    else
        float_tile(rows, panels, kind == FP16, t);
}

/* Each number of rows and panels is compiled by itself. */
static INLINE void multiply_kind(const int kind, int rows, int panels, const Tile *t)
{
#define CASE(r, n) case r * 8 + n: tile_of(kind, r, n, *t); break;
    switch (rows * 8 + panels) {
        CASE(1, 1) CASE(1, 2) CASE(1, 4) CASE(2, 1) CASE(2, 2) CASE(3, 1) CASE(3, 2)
        CASE(4, 1) CASE(5, 1) CASE(6, 1)
#if TILE > 6
        CASE(2, 4) CASE(3, 4) CASE(4, 2) CASE(5, 2) CASE(6, 2)
        CASE(7, 1) CASE(8, 1) CASE(9, 1) CASE(10, 1) CASE(11, 1) CASE(12, 1)
#endif
    default: __builtin_trap(); /* TILE has changed and the cases have not */
    }
#undef CASE
}

/* A late thread reads inputs while others already write the next ones. Processors allow
 * that, and what it computes of them is never used. */
__attribute__((no_sanitize_thread))
static void multiply(int kind, int rows, int panels, const Tile *t)
{
    if (kind == INT8) multiply_kind(INT8, rows, panels, t);
    if (kind == FP16) multiply_kind(FP16, rows, panels, t);
    if (kind == FP32) multiply_kind(FP32, rows, panels, t);
}

/* x / (1 + e^-x) */
static INLINE Vec silu(Vec x) { return x / (broadcast(1) + exponential(-x)); }

/* The tanh approximation: (1 + tanh(z)) / 2 is 1 / (1 + e^-2z). */
static INLINE Vec gelu(Vec x)
{
    Vec z = broadcast(1.59576912f) * fma_vec(broadcast(0.044715f) * x * x, x, x);
    return x / (broadcast(1) + exponential(-z));
}

static INLINE void store_outputs(const Product *product, int row, int channel, const float *values,
                       const float *gates)
{
    float *to = product->to + row * product->stride + channel;
    if (channel + PANEL > product->channels) { /* of logits, which are only stored */
        memcpy(to, values, sizeof(float) * (size_t)(product->channels - channel));
        return;
    }
    for (int n = 0; n < PANEL; n += LANES) {
        Vec v = load(values + n);
        if (product->epilogue == ADD) v = load(to + n) + v;
        if (product->epilogue == GELU) v = gelu(v);
        if (product->epilogue == GATE) v = v * silu(load(gates + n));
        store(to + n, v);
    }
}

/* Panels that are computed at once, of those that are left: with few rows several, as
 * memory is faster when it is read at several places. */
static int at_once(int rows, int left)
{
    int panels = PANELS;
    while (panels > left || panels * rows > TILE) panels /= 2;
    return panels;
}

/* A strip of panels, for the rows of tile number `n` of all `tiles`. What a tile reads alone
 * it fetches a little ahead. Of what several read, each fetches its share of the next strip,
 * so that the memory is not idle while they compute. */
static void multiply_strip(const Projection *p, const Product *product, int panel, int strip,
                           int row, int rows, int n, int tiles, float *to, size_t stride)
{
    size_t bytes = panel_bytes(p), at = (size_t)row * p->inputs;
    for (int done = 0, panels; done < strip; done += panels) {
        panels = at_once(rows, strip - done);
        const char *weight = (const char *)p->weight + (panel + done) * bytes;
        const char *next = weight + bytes * strip + bytes / (size_t)tiles * (size_t)n;
        Tile tile = {
            .weight = weight, .panel_bytes = bytes, .inputs = p->inputs,
            .bias = p->bias + (panel + done) * PANEL, .x = product->x + at,
            .q = product->q + at, .scales = product->scales + row,
            .ahead = tiles == 1 ? weight + AHEAD_BYTES / panels : next, .step = 64 / (size_t)tiles,
            .to = to + done * PANEL, .stride = stride};
        multiply(p->kind, rows, panels, &tile);
    }
}

/* The products of the panels from `first` to `stop` and the rows from `row` to `end`:
 * [rows][panels][PANEL]. */
static void multiply_panels(const Projection *p, const Product *product, int first, int stop,
                            int row, int end, float *to)
{
    int tiles = (end - row + TILE - 1) / TILE, strip = 1;
    size_t stride = (size_t)(stop - first) * PANEL;
    if (tiles == 1) strip = at_once(end - row, PANELS);
    for (int panel = first; panel < stop; panel += strip) {
        strip = least(strip, stop - panel);
        for (int n = 0, from = row, rows; n < tiles; n++, from += rows) {
            rows = (end - from + tiles - n - 1) / (tiles - n);
            multiply_strip(p, product, panel, strip, from, rows, n, tiles,
                           to + (from - row) * stride + (panel - first) * PANEL, stride);
        }
    }
}

static void store_products(const Product *product, int first, int stop, int row, int end,
                       const float *from)
{
    int is_pair = product->epilogue == GATE, units = (stop - first) >> is_pair;
    for (; row < end; row++)
        for (int unit = 0; unit < units; unit++, from += PANEL << is_pair)
            store_outputs(product, row, ((first >> is_pair) + unit) * PANEL,
                from + (is_pair ? PANEL : 0), from);
}

/* Rows whose inputs stay in the cache while the panels of a task pass by, and bytes of
 * weights that stay there while the rows pass by, if there are more. */
#define ROWS_AT_ONCE (8 * TILE)
#define BYTES_AT_ONCE (128 << 10)
/* Panels of a task at most, and the floats that they give for so many rows. */
#define PANELS_AT_ONCE 16
#define PRODUCTS (ROWS_AT_ONCE * PANELS_AT_ONCE * PANEL)

/* Panels of one task: so few that the threads end together. */
static int panels_of_task(const Projection *p, const Product *product, int threads)
{
    int panels = p->channels / PANEL / (4 * threads);
    int most = (int)(BYTES_AT_ONCE / panel_bytes(p));
    if (product->rows <= ROWS_AT_ONCE && most < PANELS) most = PANELS;
    panels = least(least(panels, most), PANELS_AT_ONCE);
    if (panels >= PANELS) return panels / PANELS * PANELS;
    return product->epilogue == GATE ? 2 : panels > 1 ? panels : 1;
}

static void project(const Step *s, Worker *worker, const Projection *p, Product product)
{
    product.q = s->buffers.quantised;
    product.scales = s->buffers.scales;
    float *values = s->buffers.products + (size_t)worker->number * PRODUCTS;
    int all_panels = p->channels / PANEL, rows = product.rows;
    int each = panels_of_task(p, &product, s->threads);
    long tasks = rows ? (all_panels + each - 1) / each : 0;
    /* With many rows a task takes longer than a thread is usually preempted. */
    int can_repeat = rows <= ROWS_AT_ONCE;
    long (*next)(Worker *, long) = can_repeat ? next_repeatable_task : next_task;
    for (long t; (t = next(worker, tasks)) >= 0;) {
        int first = (int)t * each, stop = least(first + each, all_panels);
        for (int row = 0; row < rows; row += ROWS_AT_ONCE) {
            int end = least(row + ROWS_AT_ONCE, rows);
            multiply_panels(p, &product, first, stop, row, end, values);
            if (!can_repeat || claim(worker, t))
                store_products(&product, first, stop, row, end, values);
        }
    }
}
