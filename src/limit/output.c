/* output.c: see output.h. Sums are halved at FORGET answers, so that old ones fade. */
#include "output.h"

enum { FORGET = 4096, DEVIATIONS = 3 };

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int class_of(int64_t max_tokens)
{
    int c = 0;
    while (c < OUTPUT_CLASSES - 1 && ((int64_t)1 << c) < max_tokens)
        c++;
    return c;
}

int64_t output_expect(const struct output *o, int64_t max_tokens)
{
    const struct output_class *c = &o->classes[class_of(max_tokens)];
    if (c->n >= OUTPUT_ENOUGH)
        return min64(max_tokens, (c->sum + c->n - 1) / c->n);
    if (o->n < OUTPUT_ENOUGH || o->asked <= 0)
        return o->hopeful ? (max_tokens + 1) / 2 : max_tokens;
    __int128 part = ((__int128)max_tokens * o->sum + o->asked - 1) / o->asked;
    return part < max_tokens ? (int64_t)part : max_tokens;
}

void output_learn(struct output *o, int64_t max_tokens, int64_t tokens)
{
    if (o->n >= OUTPUT_ENOUGH) {
        __int128 off = tokens - output_expect(o, max_tokens);
        o->squares += off * off;
        if (++o->checked >= FORGET) {
            o->squares /= 2;
            o->checked /= 2;
        }
    }
    struct output_class *c = &o->classes[class_of(max_tokens)];
    c->sum += tokens;
    if (++c->n >= FORGET) {
        c->sum /= 2;
        c->n /= 2;
    }
    o->sum += tokens;
    o->asked += max_tokens;
    if (++o->n >= FORGET) {
        o->sum /= 2;
        o->asked /= 2;
        o->n /= 2;
    }
}

static int64_t root(__int128 x)
{
    int64_t low = 0, high = INT64_C(1) << 62;
    while (low < high) {
        int64_t mid = low + (high - low + 1) / 2;
        if ((__int128)mid * mid <= x)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

int64_t output_margin(const struct output *o, int64_t in_flight)
{
    if (o->checked == 0)
        return 0;
    return DEVIATIONS * root(o->squares * in_flight / o->checked);
}
