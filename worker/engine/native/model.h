/* The model, one step of it, and what its phases pass to one another.
 * Model, Batch, Draw and what they consist of are mirrored in library.py.
 */
#pragma once
#include "threads.h"
#include "vectors.h"

enum { FP32, FP16, INT8 };

/* What a step or a row of Draw ends with. */
enum { OK, NO_MEMORY, OUT_OF_RANGE, NOT_FINITE };

/* Packed weights: for every PANEL channels one run of memory, read from beginning to
 * end. FP32 and FP16: [inputs][PANEL]. INT8: for every GROUP inputs PANEL scales as
 * float, then [GROUP / 2][PANEL][2] integers from -127 to 127. `inputs` is a multiple of
 * GROUP and `channels` of PANEL; what is padded is zero. */
typedef struct {
    int32_t kind, inputs, channels;
    const void *weight;
    const float *bias; /* [channels] */
} Projection;

/* LayerNorm, or RMS norm without a bias: [width]. */
typedef struct {
    const float *weight, *bias;
} Norm;

/* `up` of a gated model holds panels of gate and up channels alternately. */
typedef struct {
    Norm attention_norm;
    Projection qkv, attention_output;
    Norm mlp_norm;
    Projection up, down;
} Block;

typedef struct {
    int32_t layers, width, hidden, heads, key_heads, head_size, vocabulary, context;
    int32_t is_gated;
    float epsilon;
    const float *embedding;               /* [vocabulary, width] */
    const float *positions;               /* [context, width], or NULL */
    const float *rotary_cos, *rotary_sin; /* [context, head size], or NULL */
    Norm final_norm;
    Projection output;
    const Block *blocks;
} Model;

/* The tokens of a step, packed one after another. */
typedef struct {
    int32_t tokens, sampled;
    const int64_t *ids, *rows, *positions; /* [tokens] */
    const int64_t *last;                   /* [sampled], indices of packed tokens */
    int32_t cache_rows, cache_tokens;
    int32_t is_half_cache; /* keys and values are in half precision, not floats */
    void *const *layers; /* of each: [2, cache rows, key heads, cache tokens, head size] */
    float *logits;        /* [sampled, vocabulary] */
} Batch;

/* Tokens of one row, side by side, whose attention shares the loads of keys and values. */
#define QUERIES 8
typedef struct {
    int32_t first, count;
} Run;

/* What the phases of a step pass to one another: floats of [tokens][padded width]. */
typedef struct {
    float *residual, *normed, *qkv, *attended, *hidden;
    int16_t *quantised;  /* the inputs of an INT8 projection, [tokens][its inputs] */
    float *scales;       /* [tokens] */
    Run *runs;           /* [tokens] at most */
    float *scores;       /* [threads][QUERIES * heads a key head][context] */
    float *products;     /* [threads][PRODUCTS]: of a projection, in the order of a task */
    int32_t run_count;
} Buffers;

/* What is asked of rows of logits: the likeliest tokens and the sum of all weights, or,
 * where `noisy` is given, the tokens with much noise. */
typedef struct {
    int32_t rows, vocabulary, size;
    const float *logits;           /* [any number, vocabulary] */
    const int64_t *numbers;        /* [rows], which of them */
    const float *factors;          /* [rows], one over temperature; 0 asks for no sum */
    float *top;                    /* [rows, size] */
    int64_t *tokens;               /* [rows, size] */
    double *masses;                /* [rows], sums of weights */
    int32_t *outcomes;             /* [rows] */
    const uint64_t *keys, *bounds; /* [rows] */
    int64_t *noisy;                /* [rows, size], or NULL */
    int64_t *counts;               /* [rows], how many were found */
} Draw;

typedef struct {
    const Model *model;
    Draw draw; /* of no rows, if the step is one of the model */
    Batch batch;
    Buffers buffers;
    int32_t threads;
} Step;

static size_t padded(size_t n, size_t to) { return (n + to - 1) / to * to; }
static int least(int a, int b) { return a < b ? a : b; }
