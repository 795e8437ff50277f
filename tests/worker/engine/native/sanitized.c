/* Runs steps of small models and draws from logits, with every array exactly as large as it
 * must be, for the sanitizers of the compiler to watch; compares several threads with one.
 * Whether the results are right is tested elsewhere. */
#include "step.c"
#include <stdio.h>

static uint32_t state = 1;

static int below(int limit)
{
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (uint32_t)limit);
}

static float *floats(size_t count)
{
    float *numbers = malloc(sizeof(float) * count);
    for (size_t n = 0; n < count; n++) numbers[n] = (below(2001) - 1000) / 1000.0f;
    return numbers;
}

static Projection projection(int kind, int outputs, int inputs)
{
    Projection p = {kind, (int)padded(inputs, GROUP), (int)padded(outputs, PANEL), 0, 0};
    size_t size = panel_bytes(&p) * (size_t)(p.channels / PANEL);
    char *weight = malloc(size);
    float *numbers = (float *)weight;
    if (kind == FP32)
        for (size_t n = 0; n < size / 4; n++) numbers[n] = (below(2001) - 1000) / 4000.0f;
    else /* halves below 2, or scales that are small as floats */
        for (size_t n = 0; n < size; n++) weight[n] = (char)(below(0x3e) + (n % 2) * -0x100);
    p.weight = weight;
    p.bias = floats((size_t)p.channels);
    return p;
}

static Model model(int kind, int is_gated, int head_size)
{
    Model m = {.layers = 2, .width = 50 + below(90), .hidden = 10 + below(300),
               .key_heads = 1 + below(2), .head_size = head_size,
               .vocabulary = 20 + below(40), .context = 40, .is_gated = is_gated,
               .epsilon = 1e-5f};
    m.heads = m.key_heads * (1 + below(3));
    size_t width = (size_t)m.width, turns = 40 * (size_t)head_size;
    m.embedding = floats((size_t)m.vocabulary * width);
    m.positions = is_gated ? NULL : floats(40 * width);
    m.rotary_cos = is_gated ? floats(turns) : NULL;
    m.rotary_sin = is_gated ? floats(turns) : NULL;
    m.final_norm = (Norm){floats(width), is_gated ? NULL : floats(width)};
    m.output = projection(kind, m.vocabulary, m.width);
    Block *blocks = malloc(2 * sizeof *blocks);
    for (int n = 0; n < 2; n++) {
        blocks[n].attention_norm = blocks[n].mlp_norm = m.final_norm;
        blocks[n].qkv = projection(
            kind, (m.heads + 2 * m.key_heads) * head_size, m.width);
        blocks[n].attention_output = projection(kind, m.width, m.heads * head_size);
        int panels = (int)padded(m.hidden, PANEL);
        blocks[n].up = projection(kind, is_gated ? 2 * panels : m.hidden, m.width);
        blocks[n].down = projection(kind, m.width, m.hidden);
    }
    m.blocks = blocks;
    return m;
}

static uint32_t bits_of(const float *numbers, int count)
{
    uint32_t sum = 0, bits;
    for (int n = 0; n < count; n++) {
        memcpy(&bits, numbers + n, sizeof bits);
        sum = sum * 31 + bits;
    }
    return sum;
}

/* Returns what tells the logits from others. */
static uint32_t run_steps(Engine *engine, const Model *m, int is_half_cache,
                          void *const *layers, int rows)
{
    int64_t length[4] = {0};
    uint32_t sum = 0;
    for (int step = 0; step < 12; step++) {
        int64_t *ids = malloc(8 * 64), *row = malloc(8 * 64), *position = malloc(8 * 64);
        int tokens = 0;
        for (int r = 0; r < rows; r++)
            for (int left = below(step % 3 ? 2 : 14); left && length[r] < 40; left--) {
                ids[tokens] = below(m->vocabulary);
                row[tokens] = r;
                position[tokens++] = length[r]++;
            }
        int64_t last = tokens - 1;
        float *logits = malloc(sizeof(float) * (size_t)m->vocabulary);
        Batch batch = {tokens, tokens > 0, ids, row, position, &last, rows, 40,
                       is_half_cache, layers, logits};
        if (engine_step(engine, &batch) != OK) exit(1);
        if (tokens) sum = sum * 31 + bits_of(logits, m->vocabulary);
        free(ids), free(row), free(position), free(logits);
    }
    return sum;
}

/* Ask for rows of logits of any length; returns what tells the answers from others. */
static uint32_t draw_rows(Engine *engine, int rows)
{
    int vocabulary = 1 + below(900), size = 1 + below(least(vocabulary, 80));
    size_t all = (size_t)rows * vocabulary, largest = (size_t)rows * size;
    float *logits = floats(all), *factors = floats((size_t)rows);
    float *top = calloc(largest, sizeof *top);
    int64_t *tokens = calloc(largest, 8), *numbers = malloc(8 * (size_t)rows);
    double *masses = calloc((size_t)rows, 8);
    int32_t *outcomes = malloc(4 * (size_t)rows);
    uint64_t *keys = malloc(8 * (size_t)rows), *bounds = malloc(8 * (size_t)rows);
    int64_t *noisy = calloc(largest, 8), *counts = malloc(8 * (size_t)rows);
    for (int n = 0; n < rows; n++) {
        numbers[n] = rows - 1 - n;
        keys[n] = (uint64_t)below(1 << 20) * GOLDEN;
        bounds[n] = (uint64_t)below(1 << 20) << 44;
    }
    if (below(4) == 0) logits[below((int)all)] = below(2) ? NAN : INFINITY;
    Draw draw = {.rows = rows, .vocabulary = vocabulary, .size = size, .logits = logits,
                 .numbers = numbers, .factors = factors, .top = top, .tokens = tokens,
                 .masses = masses, .outcomes = outcomes};
    engine_draw(engine, &draw);
    engine_draw(engine, &(Draw){.rows = rows, .vocabulary = vocabulary, .size = size,
                                .keys = keys, .bounds = bounds, .noisy = noisy,
                                .counts = counts});
    uint32_t sum = bits_of(top, (int)largest);
    for (int n = 0; n < rows; n++)
        sum = sum * 31 + (uint32_t)(tokens[n * size] + outcomes[n] + counts[n])
            + (uint32_t)(1000 * masses[n]);
    sum += engine_mass_above(logits, vocabulary, vocabulary - 1, 1, 1) > 0;
    free(logits), free(factors), free(top), free(tokens), free(numbers), free(masses);
    free(outcomes), free(keys), free(bounds), free(noisy), free(counts);
    return sum;
}

static uint32_t run_model(const Model *m, int is_half_cache, int threads)
{
    size_t count = 2 * 4 * (size_t)m->key_heads * 40 * (size_t)m->head_size;
    void *layers[2];
    for (int n = 0; n < 2; n++) layers[n] = calloc(count, 4 >> is_half_cache);
    Engine *engine = engine_open(m, threads);
    if (!engine) exit(1);
    uint32_t sum = run_steps(engine, m, is_half_cache, layers, 4);
    for (int rows = 1; rows < 5; rows++) sum = sum * 31 + draw_rows(engine, rows);
    engine_close(engine);
    free(layers[0]), free(layers[1]);
    return sum;
}

int main(void)
{
    static const int sizes[] = {8, 24, 64};
    for (int n = 0; n < 36; n++) {
        Model m = model(n % 3, n / 3 % 2, sizes[n / 6 % 3]);
        uint32_t begin = state, alone = run_model(&m, n / 18, 1);
        state = begin;
        if (run_model(&m, n / 18, 2 + n % 2) != alone) return 2;
    }
    puts("whole");
    return 0;
}
