/* One step of a decoder model on a CPU: any number of tokens of any rows go in, their keys
 * and values are written into the cache, the logits that are wanted come out.
 *
 * Decode and prefill are the same. Each token is computed by the same additions in the same
 * order whatever else is in the step, so its logits are the same to the last bit.
 */
#define _POSIX_C_SOURCE 200809L /* for clock_gettime */
#include "attention.h"
#include "draw.h"
#include "projection.h"
#include <math.h>

typedef struct {
    Model model;
    Team team;
    Buffers buffers;
    void *memory;
    int32_t capacity; /* rows that the buffers hold */
} Engine;

/* ---- Norms and quantisation of one token ------------------------------------------ */

static float sum_of(const float *x, int count)
{
    Vec sums = {0};
    int n = 0;
    for (; n + LANES <= count; n += LANES) sums = sums + load(x + n);
    float sum = sum_lanes(sums);
    for (; n < count; n++) sum += x[n];
    return sum;
}

static float sum_of_squares(const float *x, float mean, int count)
{
    Vec sums = {0};
    int n = 0;
    for (; n + LANES <= count; n += LANES) {
        Vec gap = load(x + n) - broadcast(mean);
        sums = fma_vec(gap, gap, sums);
    }
    float sum = sum_lanes(sums);
    for (; n < count; n++) sum += (x[n] - mean) * (x[n] - mean);
    return sum;
}

static void normalise(const Model *model, const Norm *norm, const float *x, float *to)
{
    int width = model->width;
    float mean = norm->bias ? sum_of(x, width) / width : 0;
    float variance = sum_of_squares(x, mean, width) / width;
    float factor = 1 / sqrtf(variance + model->epsilon);
    for (int n = 0; n < width; n++) {
        float value = (x[n] - mean) * factor * norm->weight[n];
        to[n] = norm->bias ? value + norm->bias[n] : value;
    }
}

/* 16-bit integers and their scale, `count` a multiple of GROUP. A value that is not
 * finite makes the scale NaN, and with it every output of this token. */
static void quantise(const float *x, int count, int16_t *to, float *scale)
{
    Vec most = {0}, poison = {0};
    for (int n = 0; n < count; n += LANES) {
        most = larger(absolute(load(x + n)), most);
        poison = fma_vec(load(x + n), broadcast(0), poison);
    }
    float largest = 0;
    for (int n = 0; n < LANES; n++) largest = most[n] > largest ? most[n] : largest;
    float factor = largest > 1e-30f ? 32767 / largest : 0;
    *scale = largest / 32767 + sum_lanes(poison);
    for (int n = 0; n < count; n += LANES) {
        Bits whole = nearest_bits(load(x + n) * broadcast(factor));
        for (int lane = 0; lane < LANES; lane++) to[n + lane] = (int16_t)whole[lane];
    }
}

/* ---- The step --------------------------------------------------------------------- */

static void embed(const Step *s, long token)
{
    const Model *m = s->model;
    float *to = s->buffers.residual + (size_t)token * padded(m->width, GROUP);
    const float *from = m->embedding + s->batch.ids[token] * m->width;
    memcpy(to, from, sizeof(float) * (size_t)m->width);
    if (m->positions)
        for (int n = 0; n < m->width; n++)
            to[n] += m->positions[s->batch.positions[token] * m->width + n];
}

/* Quantise the inputs of a projection, rows of `x`, if it takes integers. */
static void quantise_inputs(const Step *s, const Projection *p, const float *x, long row)
{
    size_t at = (size_t)row * p->inputs;
    if (p->kind == INT8)
        quantise(x + at, p->inputs, s->buffers.quantised + at, s->buffers.scales + row);
}

/* `row` of the normed rows from that of the residual stream which belongs to `token`. */
static void norm_token(const Step *s, const Norm *norm, const Projection *p, long row,
                       long token)
{
    size_t width = padded(s->model->width, GROUP);
    float *to = s->buffers.normed + row * width;
    normalise(s->model, norm, s->buffers.residual + token * width, to);
    quantise_inputs(s, p, s->buffers.normed, row);
}

#define EACH(task, count) for (long task; (task = next_task(worker, count)) >= 0;)

static void run_block(const Step *s, Worker *worker, int layer)
{
    const Model *m = s->model;
    const Block *b = &m->blocks[layer];
    const Buffers *at = &s->buffers;
    int tokens = s->batch.tokens, width = b->down.channels, qkv = b->qkv.channels;
    size_t stride = padded(m->width, GROUP), hidden = b->down.inputs;
    float *scores = at->scores + (size_t)worker->number * QUERIES * m->heads / m->key_heads
        * padded(m->context, LANES);

    EACH(t, tokens) norm_token(s, &b->attention_norm, &b->qkv, t, t);
    project(s, worker, &b->qkv, (Product){.x = at->normed, .rows = tokens, .epilogue = STORE,
            .to = at->qkv, .stride = (size_t)qkv, .channels = qkv});
    EACH(t, tokens) store_keys_and_values(s, layer, qkv, t);
    EACH(t, (long)at->run_count * m->key_heads)
        attend(s, layer, qkv, &at->runs[t / m->key_heads], (int)(t % m->key_heads), scores);
    EACH(t, tokens) quantise_inputs(s, &b->attention_output, at->attended, t);
    project(s, worker, &b->attention_output, (Product){.x = at->attended, .rows = tokens,
            .epilogue = ADD, .to = at->residual, .stride = stride, .channels = width});
    EACH(t, tokens) norm_token(s, &b->mlp_norm, &b->up, t, t);
    project(s, worker, &b->up, (Product){.x = at->normed, .rows = tokens,
            .epilogue = m->is_gated ? GATE : GELU, .to = at->hidden, .stride = hidden,
            .channels = b->up.channels >> m->is_gated});
    EACH(t, tokens) quantise_inputs(s, &b->down, at->hidden, t);
    project(s, worker, &b->down, (Product){.x = at->hidden, .rows = tokens, .epilogue = ADD,
            .to = at->residual, .stride = stride, .channels = width});
}

static void run(const void *step, Worker *worker)
{
    const Step *s = step;
    const Model *m = s->model;
    EACH(row, s->draw.rows) draw_row(&s->draw, row);
    if (s->draw.rows) return;
    EACH(t, s->batch.tokens) embed(s, t);
    for (int n = 0; n < m->layers; n++) run_block(s, worker, n);
    EACH(t, s->batch.sampled) norm_token(s, &m->final_norm, &m->output, t, s->batch.last[t]);
    project(s, worker, &m->output, (Product){.x = s->buffers.normed,
            .rows = s->batch.sampled, .epilogue = STORE, .to = s->batch.logits,
            .stride = (size_t)m->vocabulary, .channels = m->vocabulary});
}

static int is_in_range(const Model *m, const Batch *b)
{
    if (b->tokens >> TASK_BITS) return 0;
    for (int n = 0; n < b->tokens; n++)
        if (b->ids[n] < 0 || b->ids[n] >= m->vocabulary || b->rows[n] < 0
            || b->rows[n] >= b->cache_rows || b->positions[n] < 0
            || b->positions[n] >= least(b->cache_tokens, m->context))
            return 0;
    for (int n = 0; n < b->sampled; n++)
        if (b->last[n] < 0 || b->last[n] >= b->tokens) return 0;
    return 1;
}

/* A part of `size` bytes of the memory; without memory it is only counted. */
static void *take(char *memory, size_t *used, size_t size)
{
    void *part = memory ? memory + *used : NULL;
    *used += padded(size, 64);
    return part;
}

/* Lay out the buffers for so many rows; returns how many bytes they take. What lies beyond
 * the width of a row is zero at first and stays so. */
static size_t lay_out(Buffers *at, const Model *m, int threads, size_t rows, char *memory)
{
    size_t used = 0, width = padded(m->width, GROUP), hidden = padded(m->hidden, GROUP);
    size_t attended = padded((size_t)m->heads * m->head_size, GROUP), widest = width;
    if (hidden > widest) widest = hidden;
    if (attended > widest) widest = attended;
    size_t qkv = padded((size_t)(m->heads + 2 * m->key_heads) * m->head_size, PANEL);
    size_t scores = padded(m->context, LANES) * QUERIES * m->heads / m->key_heads;
    at->residual = take(memory, &used, 4 * rows * width);
    at->normed = take(memory, &used, 4 * rows * width);
    at->qkv = take(memory, &used, 4 * rows * qkv);
    at->attended = take(memory, &used, 4 * rows * attended);
    at->hidden = take(memory, &used, 4 * rows * hidden);
    at->quantised = take(memory, &used, 2 * rows * widest);
    at->scales = take(memory, &used, 4 * rows);
    at->runs = take(memory, &used, sizeof(Run) * rows);
    at->scores = take(memory, &used, 4 * scores * (size_t)threads);
    at->products = take(memory, &used, 4 * PRODUCTS * (size_t)threads);
    return used;
}

static int reserve(Engine *engine, int rows)
{
    if (rows <= engine->capacity) return OK;
    int threads = engine->team.threads;
    wait_for_late_threads(&engine->team);
    size_t size = lay_out(&engine->buffers, &engine->model, threads, (size_t)rows, NULL);
    free(engine->memory);
    engine->capacity = 0;
    engine->memory = calloc(size + 64, 1);
    if (!engine->memory) return NO_MEMORY;
    char *aligned = (char *)padded((uintptr_t)engine->memory, 64);
    lay_out(&engine->buffers, &engine->model, threads, (size_t)rows, aligned);
    engine->capacity = rows;
    return OK;
}

static void find_runs(Buffers *buffers, const Batch *b)
{
    Run *run = NULL;
    buffers->run_count = 0;
    for (int n = 0; n < b->tokens; n++) {
        if (run && run->count < QUERIES && b->rows[n] == b->rows[n - 1]
            && b->positions[n] == b->positions[n - 1] + 1) {
            run->count++;
            continue;
        }
        run = &buffers->runs[buffers->run_count++];
        *run = (Run){n, 1};
    }
}

/* Run one step; returns OK or why not. One thread at a time may call for an engine. */
int engine_step(Engine *engine, const Batch *batch)
{
    if (!is_in_range(&engine->model, batch)) return OUT_OF_RANGE;
    if (reserve(engine, batch->tokens > batch->sampled ? batch->tokens : batch->sampled))
        return NO_MEMORY;
    find_runs(&engine->buffers, batch);
    Step step = {.model = &engine->model, .batch = *batch, .buffers = engine->buffers,
                 .threads = engine->team.threads};
    run_together(&engine->team, &step);
    return OK;
}

/* Answer what is asked of rows of logits; what was found of each row says its outcome. One
 * row takes less time than it takes to wake another thread. */
void engine_draw(Engine *engine, const Draw *draw)
{
    Step step = {.model = &engine->model, .draw = *draw};
    if (draw->rows == 1) draw_row(draw, 0);
    else run_together(&engine->team, &step);
}

/* The sum of the weights of the tokens with a larger logit than one: see mass_above. */
double engine_mass_above(const float *logits, int32_t vocabulary, int32_t token, float best,
                         float factor)
{
    return mass_above(logits, vocabulary, best, factor, logits[token]);
}

/* The most tasks that a projection is divided into: one for each panel. */
static size_t most_tasks(const Model *m)
{
    int channels = m->output.channels;
    for (int n = 0; n < m->layers; n++) {
        const Block *b = &m->blocks[n];
        const Projection *of_block[] = {&b->qkv, &b->attention_output, &b->up, &b->down};
        for (int i = 0; i < 4; i++)
            if (of_block[i]->channels > channels) channels = of_block[i]->channels;
    }
    return (size_t)channels / PANEL;
}

/* What `model` points to must stay. Returns NULL without memory. */
Engine *engine_open(const Model *model, int threads)
{
    Engine *engine = aligned_alloc(64, padded(sizeof *engine, 64));
    if (!engine) return NULL;
    memset(engine, 0, sizeof *engine);
    engine->model = *model;
    if (!open_team(&engine->team, threads, run, sizeof(Step), most_tasks(model))) return engine;
    close_team(&engine->team);
    free(engine);
    return NULL;
}

void engine_close(Engine *engine)
{
    close_team(&engine->team);
    free(engine->memory);
    free(engine);
}
