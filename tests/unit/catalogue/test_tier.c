/* Tiers, what they ask for, in both programmes; kinds of requests with limits of their own. */
#include "catalogue.h"
#include "check.h"

static struct catalogue *open_with(const char *override)
{
    struct diag diag = {0};
    struct catalogue *c = catalogue_open(str_of(override), "mine.json", &diag);
    if (!c)
        fail_msg("%s: %s", diag.where, diag.what);
    return c;
}

/* Source: facts/providers.md sections 2.2, 2.5 and 3. */
static void what_tiers_ask_for(void **state)
{
    static const struct {
        const char *provider, *tier, *programme;
        int64_t paid, days, cap, former_paid, former_days;
    } rows[] = {
        {"openai", "free", "tiers 1-5", 0, 0, 100, -1, -1},
        {"openai", "1", "tiers 1-5", 5, 0, 100, -1, -1},
        {"openai", "tier-2", "tiers 1-5", 50, 0, 500, 50, 7},
        {"openai", "3", "tiers 1-5", 100, 0, 1000, 100, 7},
        {"openai", "4", "tiers 1-5", 250, 0, 5000, 250, 14},
        {"openai", "5", "tiers 1-5", 1000, 0, 200000, 1000, 30},
        {"openai", "Build", "levels", 5, 0, 500, -1, -1},
        {"openai", "launch", "levels", 100, 0, 5000, -1, -1},
        {"openai", "grow", "levels", 500, 0, 200000, -1, -1},
        {"anthropic", "1", "tiers 1-4", 5, 0, 500, -1, -1},
        {"anthropic", "4", "tiers 1-4", 400, 0, 200000, -1, -1},
        {"anthropic", "start", "levels", -1, -1, 500, -1, -1},
        {"anthropic", "scale", "levels", -1, -1, 200000, -1, -1},
        {"gemini", "2", "usage tiers", 100, 3, 2000, 250, 30},
        {"gemini", "3", "usage tiers", 1000, 30, -1, -1, -1},
    };
    struct catalogue *c = open_with(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct tier *t =
            catalogue_tier(c, str_of(rows[i].provider), str_of(rows[i].tier));
        assert_non_null(t);
        if (t->paid_usd != rows[i].paid || t->wait_days != rows[i].days ||
            t->monthly_cap_usd != rows[i].cap || t->former_paid_usd != rows[i].former_paid ||
            t->former_wait_days != rows[i].former_days ||
            !str_eq(t->programme, str_of(rows[i].programme)) || !t->date.n || !t->source.n)
            fail_msg("%s %s differs from the facts", rows[i].provider, rows[i].tier);
    }
    assert_null(catalogue_tier(c, STR("openai"), STR("6")));
    assert_null(catalogue_tier(c, STR("azure"), STR("1")));
    catalogue_close(&c);
}

/* Source: facts/providers.md section 6. */
static void what_a_batch_may_hold(void **state)
{
    struct catalogue *c = open_with(NULL);
    const struct batch_rules *r = catalogue_batch_rules(c, STR("openai"));
    assert_non_null(r);
    assert_int_equal(r->requests, 50000);
    assert_int_equal(r->bytes, 200000000);
    assert_int_equal(r->embedding_inputs, 50000);
    assert_int_equal(r->window_s, 86400);
    assert_int_equal(r->cancel_s, 600);
    assert_int_equal(r->endpoint_count, 8);
    assert_true(str_eq(r->endpoints[1], STR("/v1/chat/completions")));
    assert_true(r->date.n > 0);
    r = catalogue_batch_rules(c, STR("anthropic"));
    assert_int_equal(r->requests, 100000);
    assert_int_equal(r->bytes, 256000000);
    assert_int_equal(r->embedding_inputs, -1);
    assert_int_equal(r->cancel_s, -1);
    assert_int_equal(catalogue_batch_queue(c, STR("anthropic"), STR("2")), 200000);
    assert_null(catalogue_batch_rules(c, STR("groq")));
    assert_null(catalogue_batch_rules(c, STR("gemini"))); /* a tier's row is no rule */
    catalogue_close(&c);
    c = open_with("{\"batch\": [{\"provider\": \"openai\", \"requests\": 7, \"endpoints\": "
                  "[\"/v1/embeddings\"]}]}");
    r = catalogue_batch_rules(c, STR("openai"));
    assert_int_equal(r->requests, 7);
    assert_int_equal(r->bytes, -1);
    assert_int_equal(r->window_s, -1);
    catalogue_close(&c);
}

static void the_tier_above_is_of_the_same_programme(void **state)
{
    static const struct {
        const char *provider, *tier, *above;
    } rows[] = {
        {"openai", "free", "1"},         {"openai", "1", "2"},         {"openai", "5", NULL},
        {"openai", "build", "launch"},   {"openai", "grow", NULL},     {"anthropic", "4", NULL},
        {"anthropic", "start", "build"}, {"anthropic", "scale", NULL},
    };
    struct catalogue *c = open_with(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str provider = str_of(rows[i].provider);
        const struct tier *t = catalogue_tier_above(
            c, provider, catalogue_tier(c, provider, str_of(rows[i].tier)));
        if (!t != !rows[i].above || (t && !str_eq(t->name, str_of(rows[i].above))))
            fail_msg("%s %s", rows[i].provider, rows[i].tier);
    }
    const struct tier *list[4];
    assert_int_equal(catalogue_tier_list(c, STR("gemini"), list, 4), 4);
    assert_int_equal(catalogue_tier_list(c, STR("openai"), list, 4), 4);
    assert_int_equal(catalogue_tier_list(c, STR("azure"), list, 4), 0);
    catalogue_close(&c);
}

static void a_tier_is_laid_over_field_by_field(void **state)
{
    struct catalogue *c = open_with(
        "{\"tiers\": [{\"provider\": \"openai\", \"tier\": \"Tier 2\", \"paid_usd\": 60},"
        " {\"provider\": \"openai\", \"tier\": \"house\", \"programme\": \"tiers 1-5\","
        "  \"former\": {\"wait_days\": 90, \"until\": \"2020\"}}]}");
    const struct tier *t = catalogue_tier(c, STR("openai"), STR("2"));
    assert_int_equal(t->paid_usd, 60);
    assert_int_equal(t->monthly_cap_usd, 500);
    t = catalogue_tier_above(c, STR("openai"), catalogue_tier(c, STR("openai"), STR("5")));
    assert_true(str_eq(t->name, STR("house")));
    assert_int_equal(t->paid_usd, -1);
    assert_int_equal(t->former_paid_usd, -1);
    assert_int_equal(t->former_wait_days, 90);
    catalogue_close(&c);
}

static void bad_rows_are_told_by_their_field(void **state)
{
    static const struct {
        const char *text, *where;
    } rows[] = {
        {"{\"tiers\": [{\"provider\": \"x\", \"tier\": \"1\", \"paid\": 5}]}",
         "mine.json: tiers[0].paid"},
        {"{\"tiers\": [{\"provider\": \"x\", \"tier\": \"1\", \"former\": 5}]}",
         "mine.json: tiers[0]."},
        {"{\"tiers\": [{\"provider\": \"x\", \"tier\": \"1\", \"former\": {}}]}",
         "mine.json: tiers[0].until"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct diag diag = {0};
        assert_null(catalogue_open(str_of(rows[i].text), "mine.json", &diag));
        assert_string_equal(diag.where, rows[i].where);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_tiers_ask_for),
        cmocka_unit_test(what_a_batch_may_hold),
        cmocka_unit_test(the_tier_above_is_of_the_same_programme),
        cmocka_unit_test(a_tier_is_laid_over_field_by_field),
        cmocka_unit_test(bad_rows_are_told_by_their_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
