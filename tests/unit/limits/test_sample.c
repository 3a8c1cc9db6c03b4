/* Which models are asked: few, of this day, and enough to tell all tiers apart. */
#include "check.h"
#include "sample.h"
#include "tier_fit.h"

static struct catalogue *catalogue;

static int open_catalogue(void **state)
{
    struct diag diag;
    catalogue = catalogue_open((struct str){0}, NULL, &diag);
    return catalogue ? 0 : -1;
}

static int close_catalogue(void **state)
{
    catalogue_close(&catalogue);
    return 0;
}

static bool holds(const struct model *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(list[i]->name, str_of(name)))
            return true;
    }
    return false;
}

static void models_of_the_day(void **state)
{
    const struct model *list[SAMPLE_MAX];
    size_t n = sample_models(catalogue, STR("openai"), STR("2026-11-26"), list);
    assert_in_range(n, 5, 12);
    for (size_t i = 0; i < n; i++) {
        assert_true(!list[i]->shutdown.n || memcmp(list[i]->shutdown.p, "2026-11-26", 10) > 0);
        for (size_t k = 0; k < i; k++)
            assert_ptr_not_equal(list[i], list[k]);
    }
    assert_true(holds(list, n, "gpt-4.1"));        /* not o3, which ends sooner */
    assert_false(holds(list, n, "gpt-4o"));        /* the same limits */
    assert_false(holds(list, n, "gpt-3.5-turbo")); /* shut down */
    assert_true(holds(list, n, "text-embedding-3-large"));
    n = sample_models(catalogue, STR("openai"), STR("2028-01-01"), list);
    assert_false(holds(list, n, "gpt-4.1"));
    assert_true(n > 0);
    assert_int_equal(sample_models(catalogue, STR("azure"), STR("2026-11-26"), list), 0);
}

struct known {
    struct str provider;
    const struct model **sample;
    size_t sample_count;
    struct seen_limit seen[256];
    size_t n;
};

static void take(void *ctx, struct str model, const struct tier_limit *limits, size_t n)
{
    struct known *k = ctx;
    for (size_t i = 0; i < k->sample_count; i++) {
        for (size_t d = 0; d < n && str_eq(k->sample[i]->name, model); d++)
            k->seen[k->n++] = (struct seen_limit){model, limits[d].dim, limits[d].limit};
    }
}

static void the_sample_tells_all_tiers_apart(void **state)
{
    static const char *const providers[] = {"openai", "anthropic", "groq", "gemini"};
    for (size_t p = 0; p < 4; p++) {
        const struct model *list[SAMPLE_MAX];
        const struct tier *tiers[TIERS_MAX];
        struct str provider = str_of(providers[p]);
        size_t n = sample_models(catalogue, provider, STR("2026-11-26"), list);
        size_t count = catalogue_tier_list(catalogue, provider, tiers, TIERS_MAX);
        for (size_t t = 0; t < count; t++) {
            struct known k = {.provider = provider, .sample = list, .sample_count = n};
            catalogue_each_limit(catalogue, provider, tiers[t]->name, take, &k);
            struct tier_fit f = tier_fit(catalogue, provider, k.seen, k.n);
            if (k.n && (f.kind != FIT_ONE || f.tiers[0] != tiers[t]))
                fail_msg("%s %.*s: kind %d", providers[p], STR_ARG(tiers[t]->name),
                         (int)f.kind);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_of_the_day),
        cmocka_unit_test(the_sample_tells_all_tiers_apart),
    };
    return cmocka_run_group_tests(tests, open_catalogue, close_catalogue);
}
