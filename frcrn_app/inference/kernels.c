/* The passes of the inference form between its matrix products, each over memory once.
 *
 * Compiled by kernels.py, once with -DBFLOAT16 and once without. Activations and products are
 * numbers of that type; sums, weights of the memory, gates and scales are float. Arithmetic is in
 * float. Every function is called with the number of threads to share the work.
 *
 * A "part" is 0, real, or 1, imaginary. C, the channels, run fastest in memory, F, the frequencies,
 * next; a "row" is the C numbers of one frequency. Strides count numbers.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#ifdef BFLOAT16
typedef uint16_t number;
#else
typedef float number;
#endif

#define LANES 16
#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 8")

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));

/* The first n of LANES numbers, the others 0. Where n is LANES the compiler knows it. */
INLINE vector load(const number *from, long n)
{
#ifdef BFLOAT16
    halves upper = {0};
    memcpy(&upper, from, n * sizeof(number));
#ifdef __AVX512F__ /* GCC 12 makes several instructions of the other form */
    return (vector)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)upper), 16);
#else
    return (vector)(__builtin_convertvector(upper, words) << 16);
#endif
#else
    vector value = {0};
    memcpy(&value, from, n * sizeof(number));
    return value;
#endif
}

INLINE void store(number *to, vector value, long n)
{
#if defined(BFLOAT16) && defined(__AVX512BF16__)
    __m256bh rounded = _mm512_cvtneps_pbh((__m512)value);
    memcpy(to, &rounded, n * sizeof(number));
#elif defined(BFLOAT16)
    /* To nearest, ties to even; what is added may carry into the exponent, as it should. */
    words pattern = (words)value;
    pattern += 0x7fff + ((pattern >> 16) & 1);
    halves rounded = __builtin_convertvector(pattern >> 16, halves);
    memcpy(to, &rounded, n * sizeof(number));
#else
    memcpy(to, &value, n * sizeof(number));
#endif
}

INLINE vector load_floats(const float *from, long n)
{
    vector value = {0};
    memcpy(&value, from, n * sizeof(float));
    return value;
}

INLINE void add_floats(float *to, vector value, long n)
{
    vector sum = load_floats(to, n) + value;
    memcpy(to, &sum, n * sizeof(float));
}

INLINE vector leaky(vector x)
{
    words positive = (words)(x > 0);
    return (vector)((positive & (words)x) | (~positive & (words)(x * 0.01f)));
}

/* ------------------------------------------------------------------------------------------------
 * Memory over frequency
 */

#define ROWS 8 /* outputs held in registers */

/* Weights of the taps of one block of channels, LANES at a time and with zeros at both ends, lie
 * together. Where the processor multiplies pairs of bfloat16 and sums them, they are pairs of taps
 * in that type, otherwise floats.
 */
#if defined(BFLOAT16) && defined(__AVX512BF16__)
#define PAIRS 1
#define PAD (ROWS / 2 - 1) /* entries of zeros at either end */
#define ENTRIES(taps) (((taps) + 1) / 2)
#else
#define PAIRS 0
#define PAD (ROWS - 1)
#define ENTRIES(taps) (taps)
#endif

int weights_in_pairs(void) { return PAIRS; }

int weights_pad(void) { return PAD; }

#define SEGMENT 64 /* outputs whose inputs are gathered at once, to lie in the nearest cache */
#define MOST_TAPS 32
#define STREAMS 4 /* real and imaginary part that memory re looks back on, then those of im */

/* Memory that will be read soon. Blocks of channels walk it in strides that the processor does not
 * foresee, so that it has to be told.
 */
struct ahead {
    const char *at, *end;
};

INLINE void fetch(struct ahead *ahead)
{
    if (ahead->at < ahead->end) {
        __builtin_prefetch(ahead->at, 0, 2);
        ahead->at += 64;
    }
}

/* The rows first to first + count of an input, as they are weighed: in pairs each with its
 * successor's numbers, or alone, as floats. Rows outside 0 to height are zeros.
 */
INLINE void lay_out(vector *to, const number *input, int negative, long first, long count,
                    long height, long channels, long n, struct ahead *ahead)
{
#if PAIRS
    __m512i sign = _mm512_set1_epi16(negative ? (short)0x8000 : 0), last = {0};
    for (long r = 0; r <= count; r++) {
        fetch(ahead);
        halves value = {0};
        if (first + r >= 0 && first + r < height)
            memcpy(&value, input + (first + r) * channels, n * sizeof(number));
        __m512i wide = _mm512_cvtepu16_epi32((__m256i)value);
        if (r > 0)
            to[(r - 1) * STREAMS] = (vector)_mm512_xor_si512(
                sign, _mm512_or_si512(last, _mm512_slli_epi32(wide, 16)));
        last = wide;
    }
#else
    for (long r = 0; r < count; r++) {
        fetch(ahead);
        fetch(ahead); /* of two, because floats are twice as long */
        vector value = {0};
        if (first + r >= 0 && first + r < height)
            value = load(input + (first + r) * channels, n);
        to[r * STREAMS] = negative ? -value : value;
    }
#endif
}

/* Adds what a stream gives to each of ROWS outputs in one step: two rows in pairs, or one. */
INLINE void weigh(vector *y, const vector *stream, const float *weights)
{
    UNROLLED
    for (int i = 0; i < ROWS; i++) {
#if PAIRS
        __m512bh weight = (__m512bh)_mm512_load_ps(weights - i / 2 * LANES);
        y[i] = (vector)_mm512_dpbf16_ps((__m512)y[i], (__m512bh)stream[i % 2 * STREAMS], weight);
#else
        y[i] += *(const vector *)(weights - i * LANES) * *stream;
#endif
    }
}

/* One block of n channels of one frame. inputs: the STREAMS. All pointers but those of weights are
 * to the block's channels of the first row. ROWS outputs are held in registers while the inputs
 * that reach them pass by.
 */
INLINE void memory_block(const number *const inputs[STREAMS], const number *const x[2],
                         const float *weight_re, const float *weight_im, number *const out[3],
                         float *const sums[2], struct ahead ahead[STREAMS], long height,
                         long channels, long taps, long n)
{
    const long rows_a_step = PAIRS ? 2 : 1, steps = ENTRIES(taps) + PAD;
    vector laid_out[SEGMENT + ROWS + MOST_TAPS][STREAMS], total[2] = {{0}};
    for (long segment = 0; segment < height; segment += SEGMENT) {
        long stop = height - segment < SEGMENT ? height : segment + SEGMENT;
        long outputs = (stop - segment + ROWS - 1) / ROWS * ROWS;
        for (int i = 0; i < STREAMS; i++)
            lay_out(&laid_out[0][i], inputs[i], i == STREAMS - 1, segment - (taps - 1),
                    outputs + taps, height, channels, n, &ahead[i]);
        for (long first = segment; first < stop; first += ROWS) {
            vector y_re[ROWS], y_im[ROWS];
            UNROLLED
            for (int i = 0; i < ROWS; i++) {
                vector x_re = {0}, x_im = {0};
                if (first + i < height) {
                    x_re = load(x[0] + (first + i) * channels, n);
                    x_im = load(x[1] + (first + i) * channels, n);
                }
                y_re[i] = x_re - x_im;
                y_im[i] = x_re + x_im;
            }
            for (long step = 0; step < steps; step++) {
                const vector *stream = laid_out[first - segment + step * rows_a_step];
                const float *w_re = weight_re + (step + PAD) * LANES;
                const float *w_im = weight_im + (step + PAD) * LANES;
                weigh(y_re, stream, w_re);
                weigh(y_im, stream + 1, w_re);
                weigh(y_im, stream + 2, w_im);
                weigh(y_re, stream + 3, w_im);
            }
            UNROLLED
            for (int i = 0; i < ROWS; i++) {
                if (first + i >= height)
                    break;
                long row = (first + i) * channels;
                store(out[0] + row, y_re[i], n);
                store(out[1] + row, y_im[i], n);
                if (out[2])
                    store(out[2] + row, y_re[i] + y_im[i], n);
                total[0] += y_re[i];
                total[1] += y_im[i];
            }
        }
    }
    for (int part = 0; part < 2; part++)
        if (sums[part])
            memcpy(sums[part], &total[part], n * sizeof(float));
}

/* y = x + memory_re(re) + i (x + memory_im(im)) of complex re, im, x: [frames][2][height][channels].
 *
 * weights: [2: re, im][blocks][PAD + ENTRIES(taps) + PAD][LANES], 64-byte aligned.
 * out: parts at out_part, frames at out_frame; parts = 3 adds real + imaginary as a third.
 * sums: NULL or [frames][2][channels], the sums over frequency.
 */
void memory(const number *re, const number *im, const number *x, const float *weights, number *out,
            ptrdiff_t out_frame, ptrdiff_t out_part, long parts, float *sums, long frames,
            long height, long channels, long taps, int threads)
{
    long blocks = (channels + LANES - 1) / LANES, plane = height * channels;
#pragma omp parallel for collapse(2) schedule(static) num_threads(threads)
    for (long frame = 0; frame < frames; frame++)
        for (long block = 0; block < blocks; block++) {
            long c = block * LANES, n = channels - c < LANES ? channels - c : LANES;
            long at = frame * 2 * plane + c;
            const number *inputs[STREAMS] = {re + at, re + at + plane, im + at, im + at + plane};
            const number *of_x[2] = {x + at, x + at + plane};
            const float *w_re = weights + block * (ENTRIES(taps) + 2 * PAD) * LANES;
            const float *w_im = w_re + blocks * (ENTRIES(taps) + 2 * PAD) * LANES;
            number *y = out + frame * out_frame + c;
            number *to[3] = {y, y + out_part, parts == 3 ? y + 2 * out_part : NULL};
            float *sum = sums ? sums + frame * 2 * channels + c : NULL;
            float *sum_to[2] = {sum, sum ? sum + channels : NULL};
            struct ahead ahead[STREAMS] = {{NULL, NULL}}; /* this block's share of the next frame */
            for (int i = 0; i < STREAMS && frame + 1 < frames; i++) {
                const number *next = inputs[i] - c + 2 * plane;
                ahead[i].at = (const char *)(next + plane * block / blocks);
                ahead[i].end = (const char *)(next + plane * (block + 1) / blocks);
            }
            if (n < LANES)
                memory_block(inputs, of_x, w_re, w_im, to, sum_to, ahead, height, channels, taps, n);
            else
                memory_block(inputs, of_x, w_re, w_im, to, sum_to, ahead, height, channels, taps,
                             LANES);
        }
}

/* ------------------------------------------------------------------------------------------------
 * What convolutions multiply
 */

struct source {
    const number *x; /* the first frame */
    ptrdiff_t frame, part;
    const void *factors; /* gates, float [2][channels], or NULL for none; weights in `last_layer` */
    long channels;
};

/* One part of one frame with its gates; frames from `valid` on are zeros. */
INLINE vector gated(const struct source *source, long frame, long valid, int part, long row,
                    long c, long n)
{
    vector x = {0};
    if (frame < valid) {
        x = load(source->x + frame * source->frame + part * source->part
                     + row * source->channels + c, n);
        const float *gates = source->factors;
        if (gates)
            x *= load_floats(gates + part * source->channels + c, n);
    }
    return x;
}

INLINE void gather_block(const struct source *source, long one, long other, float factor,
                         long valid, long row, long c, number *sum, number *re, number *im, long n)
{
    vector y[2];
    for (int part = 0; part < 2; part++) {
        y[part] = gated(source, one, valid, part, row, c, n);
        if (factor != 0)
            y[part] += factor * gated(source, other, valid, part, row, c, n);
    }
    store(sum + c, y[0] + y[1], n);
    store(re + c, y[0], n);
    store(im + c, y[1], n);
}

/* A row of frame `one`, plus `factor` times that of frame `other` unless it is 0: sum, real and
 * imaginary part.
 */
INLINE void gather_row(const struct source *source, long one, long other, float factor, long valid,
                       long row, number *sum, number *re, number *im)
{
    long channels = source->channels, c = 0;
    for (; c + LANES <= channels; c += LANES)
        gather_block(source, one, other, factor, valid, row, c, sum, re, im, LANES);
    if (c < channels)
        gather_block(source, one, other, factor, valid, row, c, sum, re, im, channels - c);
}

/* Gates the sources, puts their channels side by side, and writes what is multiplied.
 *
 * out: tiled, [4: first, middle, half, last][3: sum, re, im][tiles][height][all channels], a tile
 * being frames 3 i to 3 i + 3; else [3][tiles = frames][height][all channels]. Frames from `valid`
 * on count as zeros.
 */
void gather(const struct source *sources, long count, long valid, number *out, long tiles,
            long height, int tiled, int threads)
{
    long channels = 0;
    for (long s = 0; s < count; s++)
        channels += sources[s].channels;
    ptrdiff_t plane = tiles * height * channels;
    static const int one[] = {0, 1, 2, 3}, other[] = {2, 2, 1, 1};
    static const float factor[] = {-1, 1, -1, -1};
    int products = tiled ? 4 : 1;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long tile = 0; tile < tiles; tile++)
        for (long row = 0; row < height; row++)
            for (int j = 0; j < products; j++) {
                /* Row by row: twelve streams at once would drive each other from the cache. */
                number *to = out + 3 * j * plane + (tile * height + row) * channels;
                for (long s = 0; s < count; s++) {
                    const struct source *source = sources + s;
                    long frame = tiled ? 3 * tile : tile;
                    gather_row(source, frame + one[j], frame + other[j], tiled ? factor[j] : 0,
                               valid, row, to, to + plane, to + 2 * plane);
                    to += source->channels;
                }
            }
}

/* ------------------------------------------------------------------------------------------------
 * What convolutions make
 */

INLINE void combine_block(const number *const *products, const float *scale, number *out,
                          ptrdiff_t out_frame, ptrdiff_t out_part, float *sums, long frames,
                          long at, long c, long channels, int tiled, long n)
{
    vector y[3][3]; /* of sum, re, im; frames */
    for (int name = 0; name < 3; name++) {
        if (!tiled) {
            y[name][0] = load(products[name] + at, n);
            continue;
        }
        const number *const *p = products + 4 * name;
        vector middle = load(p[1] + at, n), half = load(p[2] + at, n), outer = middle + half;
        y[name][0] = load(p[0] + at, n) + outer;
        y[name][1] = middle - half;
        y[name][2] = load(p[3] + at, n) + outer;
    }
    for (int part = 0; part < 2; part++) {
        vector factor = load_floats(scale + part * channels + c, n), total = {0};
        for (int i = 0; i < (tiled ? 3 : 1); i++) {
            if (i >= frames)
                break;
            vector z = leaky(y[2 - part][i] + y[0][i] * factor);
            store(out + i * out_frame + part * out_part + c, z, n);
            total += z;
        }
        if (sums)
            add_floats(sums + part * channels + c, total, n);
    }
}

/* Leaky ReLU of the complex convolution that the products make up.
 *
 * products: of sum, re and im, [tiles][height][channels] each; tiled, of each its first, middle,
 * half and last. The real part is scale[0] * sum + im, the imaginary part scale[1] * sum + re.
 * scale: [2][channels]. sums: NULL or zeros [tiles][2][channels], that the results are added to.
 * out: frames at out_frame, of which there are `frames`, parts at out_part, rows at out_row.
 */
void combine(const number *const *products, const float *scale, number *out, ptrdiff_t out_frame,
             ptrdiff_t out_part, ptrdiff_t out_row, float *sums, long tiles, long frames,
             long height, long channels, int tiled, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long tile = 0; tile < tiles; tile++) {
        long first = tiled ? 3 * tile : tile;
        float *sum = sums ? sums + tile * 2 * channels : NULL;
        for (long row = 0; row < height; row++) {
            long at = (tile * height + row) * channels, c = 0;
            number *to = out + first * out_frame + row * out_row;
            for (; c + LANES <= channels; c += LANES)
                if (tiled)
                    combine_block(products, scale, to, out_frame, out_part, sum, frames - first,
                                  at + c, c, channels, 1, LANES);
                else
                    combine_block(products, scale, to, out_frame, out_part, sum, frames - first,
                                  at + c, c, channels, 0, LANES);
            if (c < channels)
                combine_block(products, scale, to, out_frame, out_part, sum, frames - first, at + c,
                              c, channels, tiled, channels - c);
        }
    }
}

/* ------------------------------------------------------------------------------------------------
 * The first and the last layer, whose few channels of sound are too few for a fast convolution
 */

/* One block of n channels of ROWS rows, from `first` on. */
INLINE void first_block(const float *const frames[2], long parts, long width,
                        const float *weights, const float *bias, number *out, float *sum,
                        long first, long height, long channels, long taps, long stride, long n)
{
    vector y[ROWS], total = {0};
    long at[ROWS];
    UNROLLED
    for (int i = 0; i < ROWS; i++) {
        y[i] = load_floats(bias, n);
        at[i] = (first + i < height ? first + i : height - 1) * stride;
    }
    for (int frame = 0; frame < 2; frame++)
        for (long part = 0; part < parts && frames[frame]; part++) {
            const float *x = frames[frame] + part * width;
            const float *weight = weights + (frame * parts + part) * taps * channels;
            for (long k = 0; k < taps; k++) {
                vector w = load_floats(weight + k * channels, n);
                UNROLLED
                for (int i = 0; i < ROWS; i++)
                    y[i] += w * x[at[i] + k];
            }
        }
    UNROLLED
    for (int i = 0; i < ROWS; i++)
        if (first + i < height) {
            y[i] = leaky(y[i]);
            store(out + (first + i) * channels, y[i], n);
            total += y[i];
        }
    add_floats(sum, total, n);
}

/* Leaky ReLU of the first convolution, two frames by `taps` frequencies, of sound with a frame of
 * zeros before and after.
 *
 * x: [frames][parts][width], the parts of one complex input or of several. weights:
 * [2: output part][2: frame][parts][taps][channels]; bias: [2][channels]. out:
 * [frames + 1][2][height][channels]. sums: zeros [frames + 1][2][channels] that the results are
 * added to.
 */
void first_layer(const float *x, const float *weights, const float *bias, number *out, float *sums,
                 long frames, long parts, long width, long height, long channels, long taps,
                 long stride, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long frame = 0; frame <= frames; frame++) {
        const float *in[2] = {NULL};
        for (int i = 0; i < 2; i++)
            if (frame - 1 + i >= 0 && frame - 1 + i < frames)
                in[i] = x + (frame - 1 + i) * parts * width;
        for (int part = 0; part < 2; part++) {
            const float *w = weights + part * 2 * parts * taps * channels;
            const float *b = bias + part * channels;
            number *y = out + (frame * 2 + part) * height * channels;
            float *sum = sums + (frame * 2 + part) * channels;
            for (long first = 0; first < height; first += ROWS) {
                long c = 0;
                for (; c + LANES <= channels; c += LANES)
                    first_block(in, parts, width, w + c, b + c, y + c, sum + c, first, height,
                                channels, taps, stride, LANES);
                if (c < channels)
                    first_block(in, parts, width, w + c, b + c, y + c, sum + c, first, height,
                                channels, taps, stride, channels - c);
            }
        }
    }
}

#if PAIRS
#define WIDE (2 * LANES) /* channels that are multiplied at once */
#else
#define WIDE LANES
#endif

/* sum += x * weights, lane by lane; what is beyond n numbers counts as 0. */
INLINE vector multiplied(vector sum, const number *x, const number *weights, long n)
{
#if PAIRS
    __m512i one = {0}, two = {0};
    memcpy(&one, x, n * sizeof(number));
    memcpy(&two, weights, n * sizeof(number));
    return (vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)one, (__m512bh)two);
#else
    return sum + load(x, n) * load(weights, n);
#endif
}

INLINE float summed(vector x)
{
#ifdef __AVX512F__
    return _mm512_reduce_add_ps((__m512)x);
#else
    float sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += x[i];
    return sum;
#endif
}

#define MOST_RESULTS 12 /* of taps over frequency, times two */

/* What one row of a frame gives to its results, products of channels with as many weights. */
INLINE void row_products(vector *y, const number *x, const number *weights, long channels,
                         const int results)
{
    long c = 0;
    for (; c + WIDE <= channels; c += WIDE)
        UNROLLED
        for (int i = 0; i < results; i++)
            y[i] = multiplied(y[i], x + c, weights + i * channels + c, WIDE);
    if (c < channels)
        for (int i = 0; i < results; i++)
            y[i] = multiplied(y[i], x + c, weights + i * channels + c, channels - c);
}

/* The last transposed convolution, to two channels, with leaky ReLU and the linear layer after it.
 *
 * sources: as for `gather`, frames + 1 each, but their factors are weights, numbers [2: input frame,
 * the later first][2: part][taps][2: output][channels]. linear: bias of the convolution [2],
 * linear layer [2][2], its bias [2]. out: [frames][2][2 (height - 1) + taps].
 */
void last_layer(const struct source *sources, long count, const float *linear, float *out,
                long frames, long height, long taps, int threads)
{
    long width = 2 * (height - 1) + taps;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long frame = 0; frame < frames; frame++) {
        float y[width][2];
        for (long i = 0; i < width; i++)
            memcpy(y[i], linear, sizeof(y[i]));
        for (long row = 0; row < height; row++) {
            vector products[MOST_RESULTS] = {{0}};
            for (long s = 0; s < count; s++) {
                const struct source *source = sources + s;
                const number *weights = source->factors;
                long channels = source->channels;
                for (int i = 0; i < 2; i++)
                    for (int part = 0; part < 2; part++) {
                        const number *x = source->x + (frame + 1 - i) * source->frame
                                          + part * source->part + row * channels;
                        if (taps == 5)
                            row_products(products, x, weights, channels, 10);
                        else
                            row_products(products, x, weights, channels, 2 * taps);
                        weights += 2 * taps * channels;
                    }
            }
            for (long k = 0; k < taps; k++)
                for (int i = 0; i < 2; i++)
                    y[2 * row + k][i] += summed(products[2 * k + i]);
        }
        for (long i = 0; i < width; i++) {
            float a = y[i][0] > 0 ? y[i][0] : y[i][0] * 0.01f;
            float b = y[i][1] > 0 ? y[i][1] : y[i][1] * 0.01f;
            for (int part = 0; part < 2; part++)
                out[(frame * 2 + part) * width + i]
                    = linear[2 + 2 * part] * a + linear[3 + 2 * part] * b + linear[6 + part];
        }
    }
}
