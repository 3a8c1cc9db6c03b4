/* Limits seen are told apart by tier: each tier of the catalogue by its own figures, and what
 * lies between, above, below or beside them; what was paid earns what the facts say. */
#include "check.h"
#include "tier_fit.h"

#define G(rpm, tpm)                                                                            \
    {STR("gpt-4o"), DIM_RPM, rpm},                                                             \
    {                                                                                          \
        STR("gpt-4o"), DIM_TPM, tpm                                                            \
    }
#define M(rpm, tpm)                                                                            \
    {STR("gpt-4o-mini"), DIM_RPM, rpm},                                                        \
    {                                                                                          \
        STR("gpt-4o-mini"), DIM_TPM, tpm                                                       \
    }
#define S(rpm, tpm)                                                                            \
    {STR("gpt-5.6-sol"), DIM_RPM, rpm},                                                        \
    {                                                                                          \
        STR("gpt-5.6-sol"), DIM_TPM, tpm                                                       \
    }

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

static void places(void **state)
{
    static const struct {
        const char *what;
        struct seen_limit seen[6];
        enum fit_kind kind;
        const char *tiers; /* names, a blank after each */
    } rows[] = {
        {"nothing", {{{0}, 0, 0}}, FIT_UNKNOWN, ""},
        {"a model nobody knows", {{STR("house-7b"), DIM_RPM, 5}}, FIT_UNKNOWN, ""},
        {"tier 2", {G(5000, 450000), M(5000, 2000000)}, FIT_ONE, "2 "},
        {"a snapshot", {{STR("gpt-4o-2024-11-20"), DIM_TPM, 800000}}, FIT_ONE, "3 "},
        {"one figure of two tiers", {{STR("gpt-4o"), DIM_RPM, 5000}}, FIT_SEVERAL, "2 3 "},
        {"both programmes", {S(5000, 1000000)}, FIT_SEVERAL, "2 build "},
        {"the older one tells more", {S(5000, 1000000), G(5000, 450000)}, FIT_ONE, "2 "},
        {"free", {{STR("gpt-4o-mini"), DIM_RPD, 200}, M(3, 40000)}, FIT_ONE, "free "},
        {"between", {G(5000, 600000), M(5000, 3000000)}, FIT_BETWEEN, "2 3 "},
        {"between, nothing equal", {G(700, 50000)}, FIT_BETWEEN, "1 2 "},
        {"higher", {G(20000, 60000000), M(90000, 400000000)}, FIT_HIGHER, "5 "},
        {"lower", {G(100, 9000)}, FIT_LOWER, "1 "},
        {"one raised", {G(5000, 450000), M(5000, 2500000)}, FIT_BUT_FOR, "2 "},
        {"one lowered", {G(5000, 450000), M(100, 2000000)}, FIT_BUT_FOR, "2 "},
        {"of its own", {G(100, 450000), M(9000, 1000)}, FIT_CUSTOM, "2 "},
        {"of its own, far from all", {G(1, 99000000)}, FIT_CUSTOM, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = 0;
        while (n < 6 && rows[i].seen[n].model.n)
            n++;
        struct tier_fit f = tier_fit(catalogue, STR("openai"), rows[i].seen, n);
        struct buf names = {0};
        for (size_t k = 0; k < f.n; k++)
            buf_printf(&names, "%.*s ", STR_ARG(f.tiers[k]->name));
        if (f.kind != rows[i].kind || strcmp(buf_cstr(&names), rows[i].tiers) != 0)
            fail_msg("%s: kind %d, \"%s\"", rows[i].what, (int)f.kind, buf_cstr(&names));
        buf_free(&names);
    }
    assert_int_equal(tier_fit(catalogue, STR("azure"), NULL, 0).kind, FIT_UNKNOWN);
}

struct all {
    struct seen_limit list[512];
    size_t n;
};

static void take(void *ctx, struct str model, const struct tier_limit *limits, size_t n)
{
    struct all *a = ctx;
    for (size_t i = 0; i < n; i++) {
        assert_true(a->n < 512);
        a->list[a->n++] = (struct seen_limit){model, limits[i].dim, limits[i].limit};
    }
}

static void every_tier_is_recognised_by_all_its_limits(void **state)
{
    static const char *const providers[] = {"openai", "anthropic", "groq", "gemini"};
    size_t recognised = 0;
    for (size_t p = 0; p < 4; p++) {
        const struct tier *tiers[TIERS_MAX];
        struct str provider = str_of(providers[p]);
        size_t count = catalogue_tier_list(catalogue, provider, tiers, TIERS_MAX);
        for (size_t t = 0; t < count; t++) {
            static struct all all;
            all.n = 0;
            catalogue_each_limit(catalogue, provider, tiers[t]->name, take, &all);
            struct tier_fit f = tier_fit(catalogue, provider, all.list, all.n);
            if (all.n == 0 ? f.kind != FIT_UNKNOWN
                           : f.kind != FIT_ONE || f.tiers[0] != tiers[t])
                fail_msg("%s %.*s: kind %d", providers[p], STR_ARG(tiers[t]->name),
                         (int)f.kind);
            recognised += all.n > 0;
        }
    }
    assert_true(recognised >= 20);
}

static void what_was_paid_earns(void **state)
{
    static const struct {
        const char *provider, *programme;
        int64_t cents, days;
        const char *today, *earlier;
    } rows[] = {
        {"openai", "tiers 1-5", 6000, 9, "2", "2"},
        {"openai", "tiers 1-5", 6000, 3, "2", "1"},
        {"openai", "tiers 1-5", 6000, -1, "2", "1"},
        {"openai", "tiers 1-5", 4999, 400, "1", "1"},
        {"openai", "tiers 1-5", 100000, 13, "5", "3"},
        {"openai", "tiers 1-5", 100000, 30, "5", "5"},
        {"openai", "tiers 1-5", 0, 0, "free", "free"},
        {"openai", "tiers 1-5", -1, 90, NULL, NULL},
        {"openai", "levels", 12000, 0, "launch", "launch"},
        {"anthropic", "tiers 1-4", 20000, -1, "3", "3"},
        {"anthropic", "levels", 1000000, 900, NULL, NULL},
        {"gemini", "usage tiers", 15000, 5, "2", "1"},
        {"gemini", "usage tiers", 15000, -1, "1", "1"},
        {"gemini", "usage tiers", 30000, 31, "2", "2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str provider = str_of(rows[i].provider);
        struct tier_earned e = tier_earned(catalogue, provider, str_of(rows[i].programme),
                                           rows[i].cents, rows[i].days);
        if (e.today != (rows[i].today
                            ? catalogue_tier(catalogue, provider, str_of(rows[i].today))
                            : NULL) ||
            e.earlier != (rows[i].earlier
                              ? catalogue_tier(catalogue, provider, str_of(rows[i].earlier))
                              : NULL))
            fail_msg("%s %lld cents, %lld days: %.*s", rows[i].provider,
                     (long long)rows[i].cents, (long long)rows[i].days,
                     e.today ? (int)e.today->name.n : 4, e.today ? e.today->name.p : "none");
    }
}

static void tiers_are_ordered_within_a_programme(void **state)
{
    struct str o = STR("openai");
    const struct tier *one = catalogue_tier(catalogue, o, STR("1"));
    const struct tier *five = catalogue_tier(catalogue, o, STR("5"));
    const struct tier *grow = catalogue_tier(catalogue, o, STR("grow"));
    assert_true(tier_above(catalogue, o, five, one));
    assert_false(tier_above(catalogue, o, one, five));
    assert_false(tier_above(catalogue, o, one, one));
    assert_false(tier_above(catalogue, o, grow, one));
    assert_true(tier_above(catalogue, o, one, NULL));
    assert_false(tier_above(catalogue, o, NULL, one));
    assert_false(tier_above(catalogue, o, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(every_tier_is_recognised_by_all_its_limits),
        cmocka_unit_test(what_was_paid_earns),
        cmocka_unit_test(tiers_are_ordered_within_a_programme),
    };
    return cmocka_run_group_tests(tests, open_catalogue, close_catalogue);
}
