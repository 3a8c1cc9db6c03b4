/* output.c: see output.h. */
#include "output.h"

#include <stddef.h>

enum { FORGET = 2048, DEVIATIONS = 3, BACK = OUTPUT_COHORT - OUTPUT_COHORT / 8 };

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
    __int128 expected = max_tokens;
    if (c->n > 0)
        expected = (c->sum + c->n - 1) / c->n;
    else if (o->asked > 0)
        expected = ((__int128)max_tokens * o->sum + o->asked - 1) / o->asked;
    else if (o->hopeful)
        expected = (max_tokens + 1) / 2;
    return expected < max_tokens ? (int64_t)expected : max_tokens;
}

uint32_t output_follow(struct output *o, int64_t max_tokens)
{
    struct output_class *c = &o->classes[class_of(max_tokens)];
    if (c->sent == OUTPUT_COHORT)
        return 0;
    if (c->sent++ == 0)
        c->cohort++;
    c->missing += max_tokens;
    return c->cohort;
}

static void complete(struct output *o, struct output_class *c, int64_t max_tokens)
{
    int64_t rest = (c->sent - c->back) * (c->longest + c->longest / 2);
    int64_t sum = c->tokens + (rest < c->missing ? rest : c->missing);
    o->sum += sum;
    o->asked += OUTPUT_COHORT * max_tokens;
    c->n += OUTPUT_COHORT;
    c->sum += sum;
    if (c->n >= FORGET) {
        c->n /= 2;
        c->sum /= 2;
    }
    c->sent = c->back = 0;
    c->tokens = c->missing = c->longest = 0;
    o->cohorts++;
}

/* The cohort's class, or NULL if it is over or never was. */
static struct output_class *followed(struct output *o, uint32_t cohort, int64_t max_tokens)
{
    struct output_class *c = &o->classes[class_of(max_tokens)];
    return cohort != 0 && c->sent > 0 && c->cohort == cohort ? c : NULL;
}

void output_learn(struct output *o, uint32_t cohort, int64_t max_tokens, int64_t tokens,
                  int64_t expected)
{
    if (o->cohorts > 0) {
        o->squares += (__int128)(tokens - expected) * (tokens - expected);
        if (++o->checked >= FORGET) {
            o->squares /= 2;
            o->checked /= 2;
        }
    }
    struct output_class *c = followed(o, cohort, max_tokens);
    if (!c)
        return;
    c->tokens += tokens;
    c->missing -= max_tokens;
    if (tokens > c->longest)
        c->longest = tokens;
    if (++c->back >= BACK && c->sent == OUTPUT_COHORT)
        complete(o, c, max_tokens);
}

void output_lose(struct output *o, uint32_t cohort, int64_t max_tokens)
{
    struct output_class *c = followed(o, cohort, max_tokens);
    if (!c)
        return;
    c->missing -= max_tokens;
    c->sent--;
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
    /* The errors of many cancel out, but the mean's own error is in all of them alike. */
    int64_t samples = o->cohorts < FORGET / OUTPUT_COHORT ? o->cohorts * OUTPUT_COHORT : FORGET;
    __int128 errors = in_flight + (__int128)in_flight * in_flight / samples;
    return DEVIATIONS * root(o->squares * errors / o->checked);
}
