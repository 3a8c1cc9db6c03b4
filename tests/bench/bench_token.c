/* Speed of token_count over files, in MB/s of one core (1 MB = 10^6 bytes).
 *
 *     bench_token ENCODING FILE...
 *
 * For each file: its tokens; warm (the text counted again and again, the best of several
 * passes); slices (every 4 KB of it counted once, after noise has emptied the caches; the
 * median of several rounds). tests/bench/token_speed.py makes the inputs and sets tiktoken
 * beside. */
#include "file.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PASSES = 7, SLICE_BYTES = 4096, NOISE_BYTES = 4 << 20 };

/* of the processor: other work on the machine does not count */
static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double warm_mbs(const struct encoding *e, struct str text)
{
    double best = 1e9;
    for (int i = 0; i < PASSES; i++) {
        double start = now_s();
        token_count(e, text);
        double took = now_s() - start;
        best = took < best ? took : best;
    }
    return (double)text.n / best * 1e-6;
}

static double slices_mbs(const struct encoding *e, struct str text, struct str noise)
{
    double took[PASSES];
    for (int i = 0; i < PASSES; i++) {
        token_count(e, noise);
        double start = now_s();
        for (size_t at = 0; at < text.n; at += SLICE_BYTES)
            token_count(e, str_cut(str_from(text, at), SLICE_BYTES));
        took[i] = now_s() - start;
    }
    qsort(took, PASSES, sizeof *took, by_size);
    return (double)text.n / took[PASSES / 2] * 1e-6;
}

/* Words nobody writes, in several scripts' bytes. */
static struct str make_noise(void)
{
    static char noise[NOISE_BYTES];
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < NOISE_BYTES; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise[i] = state % 7 == 0 ? ' ' : (char)('a' + state % 26);
    }
    return (struct str){noise, NOISE_BYTES};
}

int main(int argc, char **argv)
{
    const struct encoding *e = encoding_named(str_of(argc > 1 ? argv[1] : NULL));
    if (!e || argc < 3) {
        fputs("usage: bench_token ENCODING FILE...\n", stderr);
        return 2;
    }
    struct str noise = make_noise();
    for (int i = 2; i < argc; i++) {
        struct buf text = {0};
        struct diag diag;
        if (file_read(argv[i], 1 << 30, &text, &diag) != SL_OK) {
            fprintf(stderr, "bench_token: %s: %s\n", diag.where, diag.what);
            return 4;
        }
        double slices = slices_mbs(e, buf_str(&text), noise);
        double warm = warm_mbs(e, buf_str(&text));
        printf("%s %zu %.1f %.1f\n", argv[i], token_count(e, buf_str(&text)), warm, slices);
        buf_free(&text);
    }
    return 0;
}
