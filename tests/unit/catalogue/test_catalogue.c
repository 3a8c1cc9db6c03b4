/* Lookups, the built-in figures (a sample of each provider against their sources), and
 * overrides. */
#include "catalogue.h"
#include "check.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>

static struct catalogue *open_with(const char *override)
{
    struct diag diag = {0};
    struct catalogue *c = catalogue_open(str_of(override), "mine.json", &diag);
    if (!c)
        fail_msg("%s: %s", diag.where, diag.what);
    return c;
}

static void assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        fail_msg("got \"%.*s\", want \"%s\"", STR_ARG(got), want);
}

static void models_are_found_by_any_of_their_names(void **state)
{
    static const struct {
        const char *name, *found;
    } rows[] = {
        {"gpt-4o", "gpt-4o"},
        {"gpt-4o-2024-08-06", "gpt-4o"},
        {"gpt-4o-2024-05-13", "gpt-4o-2024-05-13"}, /* has a window and a price of its own */
        {"gpt-4o-2029-01-31", "gpt-4o"},
        {"ft:gpt-4o-mini-2024-07-18:acme::abc", "gpt-4o-mini"},
        {"models/gemini-2.5-pro", "gemini-2.5-pro"},
        {"claude-sonnet-4-5", "claude-sonnet-4-5-20250929"},
        {"claude-opus-4-7-20260401", "claude-opus-4-7"},
        {"gpt-oss-20b", "openai/gpt-oss-20b"},
        {"gpt-5.6", "gpt-5.6-sol"},
        {"gpt-4o-", NULL},
        {"gpt-4o-2024-5-13", NULL},
        {"-2024-08-06", NULL},
        {"", NULL},
        {"gpt-7", NULL},
    };
    struct catalogue *c = open_with(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct model *m = catalogue_model(c, str_of(rows[i].name));
        if (!m != !rows[i].found)
            fail_msg("%s: %s", rows[i].name, m ? "found" : "not found");
        if (m)
            assert_str(m->name, rows[i].found);
    }
    catalogue_close(&c);
    assert_null(c);
}

static void figures_are_exact_and_unknown_is_said(void **state)
{
    struct catalogue *c = open_with(NULL);
    const struct model *m = catalogue_model(c, STR("gpt-4o"));
    assert_int_equal(m->context_tokens, 128000);
    assert_int_equal(m->max_output_tokens, 16384);
    assert_int_equal(m->input_pusd, 2500000);
    assert_int_equal(m->cached_input_pusd, 1250000);
    assert_int_equal(m->output_pusd, 10000000);
    assert_int_equal(m->batch_percent, 50);
    assert_str(m->encoding, "o200k_base");
    assert_str(m->shutdown, "2027-01-14");
    assert_str(m->provider, "openai");
    m = catalogue_model(c, STR("deepseek-chat"));
    assert_int_equal(m->cached_input_pusd, 2800);
    assert_int_equal(m->context_tokens, -1);
    assert_int_equal(m->batch_percent, -1);
    assert_int_equal(m->encoding.n, 0);
    assert_int_equal(catalogue_model(c, STR("gpt-4"))->cached_input_pusd, -1);
    assert_int_equal(catalogue_model(c, STR("gemini-2.0-flash-lite"))->cached_input_pusd,
                     18750);
    catalogue_close(&c);
}

struct want_limit {
    const char *provider, *tier, *model;
    int64_t rpm, tpm, itpm, otpm, rpd, tpd, ipm;
};

static int64_t limit_of(const struct tier_limit *limits, size_t n, enum dimension dim)
{
    for (size_t i = 0; i < n; i++) {
        if (limits[i].dim == dim)
            return limits[i].limit;
    }
    return 0;
}

static void limits_by_tier(void **state)
{
    static const struct want_limit rows[] = {
        {"openai", "1", "gpt-4o", 500, 30000, 0, 0, 0, 0, 0},
        {"openai", "tier-1", "gpt-4o-2024-11-20", 500, 30000, 0, 0, 0, 0, 0},
        {"openai", "Tier 5", "gpt-4o", 10000, 30000000, 0, 0, 0, 0, 0},
        {"openai", "free", "gpt-4o-mini", 3, 40000, 0, 0, 200, 0, 0},
        {"openai", "2", "o3-mini", 2000, 200000, 0, 0, 0, 0, 0},
        {"openai", "3", "gpt-5-nano", 5000, 4000000, 0, 0, 0, 0, 0},
        {"openai", "grow", "gpt-6-luna", 30000, 180000000, 0, 0, 0, 0, 0},
        {"openai", "Build", "gpt-6.1-sol", 5000, 1000000, 0, 0, 0, 0, 0},
        {"openai", "1", "gpt-image-2", 0, 100000, 0, 0, 0, 0, 5},
        {"openai", "4", "o1-pro", 10000, 2000000, 0, 0, 0, 0, 0}, /* not in models.json */
        {"anthropic", "2", "claude-sonnet-4-5", 1000, 0, 450000, 90000, 0, 0, 0},
        {"anthropic", "1", "claude-opus-4-8", 50, 0, 500000, 80000, 0, 0, 0},
        {"anthropic", "scale", "claude-fable-5", 4000, 0, 4000000, 800000, 0, 0, 0},
        {"groq", "free", "gpt-oss-120b", 30, 8000, 0, 0, 1000, 200000, 0},
        {"gemini", "1", "gemini-2.5-pro", 150, 2000000, 0, 0, 10000, 0, 0},
    };
    struct catalogue *c = open_with(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct want_limit *w = &rows[i];
        struct tier_limit got[DIM_COUNT];
        struct diag diag = {0};
        size_t n = catalogue_limits(c, str_of(w->provider), str_of(w->tier), str_of(w->model),
                                    got, &diag);
        if (n == 0)
            fail_msg("%s %s %s: %s", w->provider, w->tier, w->model, diag.what);
        const struct {
            enum dimension dim;
            int64_t want;
        } dims[] = {{DIM_RPM, w->rpm},   {DIM_TPM, w->tpm},      {DIM_ITPM, w->itpm},
                    {DIM_OTPM, w->otpm}, {DIM_RPD, w->rpd},      {DIM_TPD, w->tpd},
                    {DIM_IPM, w->ipm},   {DIM_BATCH_ENQUEUED, 0}};
        for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
            if (limit_of(got, n, dims[d].dim) != dims[d].want)
                fail_msg("%s %s %s: %s is %lld", w->provider, w->tier, w->model,
                         dimension_name(dims[d].dim), (long long)limit_of(got, n, dims[d].dim));
        }
    }
    assert_int_equal(catalogue_batch_enqueued(c, STR("openai"), STR("tier-1"), STR("gpt-4o")),
                     90000);
    assert_int_equal(catalogue_batch_enqueued(c, STR("groq"), STR("free"), STR("gpt-oss-20b")),
                     -1);
    catalogue_close(&c);
}

static void no_limits_are_guessed(void **state)
{
    static const struct {
        const char *provider, *tier, *model, *where, *says;
    } rows[] = {
        {"openai", "1", "gpt-5.1", "model", "no published limits of gpt-5.1 on openai tier 1"},
        {"openai", "9", "gpt-4o", "tier", "openai has no tier \"9\"; known: free, 1, 2, 3"},
        {"gemini", "2", "gemini-2.5-pro", "model", "no published limits"},
        {"azure", "1", "gpt-4o", "tier", "no tiers of azure are known"},
    };
    struct catalogue *c = open_with(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tier_limit got[DIM_COUNT];
        struct diag diag = {0};
        assert_int_equal(catalogue_limits(c, str_of(rows[i].provider), str_of(rows[i].tier),
                                          str_of(rows[i].model), got, &diag),
                         0);
        assert_string_equal(diag.where, rows[i].where);
        if (!strstr(diag.what, rows[i].says))
            fail_msg("\"%s\" does not say \"%s\"", diag.what, rows[i].says);
    }
    catalogue_close(&c);
}

static void pools(void **state)
{
    struct catalogue *c = open_with(NULL);
    struct str anthropic = STR("anthropic");
    assert_str(catalogue_pool(c, anthropic, STR("claude-opus-4-5")), "claude-opus-4.x");
    assert_str(catalogue_pool(c, anthropic, STR("claude-opus-4-8")), "claude-opus-4.x");
    assert_str(catalogue_pool(c, anthropic, STR("claude-sonnet-4-6")), "claude-sonnet-4.x");
    assert_str(catalogue_pool(c, anthropic, STR("claude-opus-5")), "claude-opus-5");
    assert_str(catalogue_pool(c, STR("openai"), STR("gpt-4o-2024-08-06")), "gpt-4o");
    assert_str(catalogue_pool(c, STR("openai"), STR("my-model")), "my-model");
    catalogue_close(&c);
}

struct seen {
    size_t rows, gpt4o;
    int64_t gpt4o_tpm;
};

static void see(void *ctx, struct str model, const struct tier_limit *limits, size_t n)
{
    struct seen *s = ctx;
    s->rows++;
    assert_true(n > 0);
    if (str_eq(model, STR("gpt-4o"))) {
        s->gpt4o++;
        s->gpt4o_tpm = limit_of(limits, n, DIM_TPM);
    }
}

static void overrides_are_laid_over_by_name(void **state)
{
    struct catalogue *c = open_with(
        "{\"models\": [{\"model\": \"gpt-4o\", \"context_tokens\": 64000},"
        " {\"model\": \"house-7b\", \"provider\": \"mine\", \"aliases\": [\"h7\", \"gpt-4\"],"
        "  \"usd_per_mtok\": {\"input\": 0.000001, \"output\": null}}],"
        " \"tiers\": [{\"provider\": \"mine\", \"tier\": \"gold\"}],"
        " \"limits\": [{\"provider\": \"openai\", \"tier\": \"1\", \"models\": [\"gpt-4o\"],"
        "   \"rpm\": 7, \"tpm\": 77},"
        "  {\"provider\": \"mine\", \"tier\": \"gold\", \"models\": [\"h7\"], \"rpm\": 9}],"
        " \"pools\": [{\"provider\": \"mine\", \"pool\": \"p\", \"models\": [\"h7\"]}]}");
    const struct model *m = catalogue_model(c, STR("gpt-4o"));
    assert_int_equal(m->context_tokens, 64000);
    assert_int_equal(m->max_output_tokens, 16384); /* what is not given stays */
    m = catalogue_model(c, STR("h7"));
    assert_str(m->name, "house-7b");
    assert_int_equal(m->input_pusd, 1);
    assert_int_equal(m->output_pusd, -1);
    assert_str(catalogue_model(c, STR("gpt-4"))->name, "house-7b");

    struct tier_limit got[DIM_COUNT];
    size_t n = catalogue_limits(c, STR("mine"), STR("gold"), STR("house-7b"), got, NULL);
    assert_int_equal(limit_of(got, n, DIM_RPM), 9);
    assert_str(catalogue_pool(c, STR("mine"), STR("house-7b")), "p");
    struct seen seen = {0};
    catalogue_each_limit(c, STR("openai"), STR("tier-1"), see, &seen);
    assert_int_equal(seen.gpt4o, 1);
    assert_int_equal(seen.gpt4o_tpm, 77);
    assert_true(seen.rows > 20);
    struct str tiers[16];
    assert_int_equal(catalogue_tiers(c, STR("openai"), tiers, 16), 9);
    assert_str(tiers[0], "free");
    assert_str(tiers[8], "grow");
    catalogue_close(&c);
}

/* "name=limit/period paths;" of every class, in order. */
static void note_route(void *ctx, const struct route_class *route)
{
    buf_printf(ctx, "%.*s=%lld/%lld %zu;", STR_ARG(route->name), (long long)route->limit,
               (long long)route->period_s, route->pattern_count);
}

static void note_name(void *ctx, struct str name)
{
    buf_printf(ctx, "%.*s;", STR_ARG(name));
}

static void limits_by_request_type(void **state)
{
    static const struct {
        const char *provider, *tier, *routes;
        int64_t queued_requests;
    } rows[] = {
        {"openai", "tier-1",
         "assistants-get=1000/60 3;assistants-post=300/60 4;assistants-runs=200/60 2;"
         "assistants-delete=300/60 2;batch-creations=2000/3600 1;",
         -1},
        {"anthropic", "2", "message-batches=1000/60 2;count-tokens=2000/60 1;", 200000},
        {"anthropic", "tier-4", "message-batches=4000/60 2;count-tokens=8000/60 1;", 500000},
        {"anthropic", "Start", "message-batches=1000/60 2;count-tokens=5000/60 1;", 200000},
        {"anthropic", "", "", -1}, /* none holds for all tiers */
        {"groq", "free", "", -1},
    };
    struct catalogue *c = open_with(NULL);
    struct buf text = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str provider = str_of(rows[i].provider), tier = str_of(rows[i].tier);
        buf_clear(&text);
        catalogue_each_route(c, provider, tier, note_route, &text);
        assert_string_equal(buf_cstr(&text), rows[i].routes);
        assert_int_equal(catalogue_batch_queue(c, provider, tier), rows[i].queued_requests);
    }
    catalogue_close(&c);

    /* a user's class of the same name replaces, another one joins */
    c = open_with("{\"routes\": [{\"provider\": \"openai\", \"class\": \"assistants-get\","
                  " \"paths\": [\"GET /v1/threads/*\"], \"rpm\": 7},"
                  " {\"provider\": \"openai\", \"tier\": \"1\", \"class\": \"videos\","
                  " \"paths\": [\"POST /v1/videos\"], \"rph\": 9}]}");
    buf_clear(&text);
    catalogue_each_route(c, STR("openai"), STR("1"), note_route, &text);
    assert_true(str_ends(buf_str(&text), STR("assistants-get=7/60 1;videos=9/3600 1;")));
    assert_int_equal(str_find(buf_str(&text), STR("1000/60"), 0), -1);
    buf_clear(&text);
    catalogue_each_route(c, STR("openai"), STR("2"), note_route, &text);
    assert_int_equal(str_find(buf_str(&text), STR("videos"), 0), -1);
    buf_free(&text);
    catalogue_close(&c);
}

static void all_names_of_a_model(void **state)
{
    struct catalogue *c = open_with(NULL);
    struct buf text = {0};
    catalogue_each_name(c, STR("claude-sonnet-4-5"), note_name, &text);
    assert_string_equal(buf_cstr(&text), "claude-sonnet-4-5-20250929;claude-sonnet-4-5;");
    catalogue_each_name(c, STR("no-such-model"), note_name, &text);
    assert_string_equal(buf_cstr(&text), "claude-sonnet-4-5-20250929;claude-sonnet-4-5;");
    buf_free(&text);
    catalogue_close(&c);
}

static void a_bad_override_is_told_by_its_field(void **state)
{
    static const struct {
        const char *text, *where, *what;
    } rows[] = {
        {"[1]", "mine.json", "not an object"},
        {"{\"models\": [", "mine.json", ""},
        {"{\"model\": []}", "mine.json", "no such section"},
        {"{\"models\": {}}", "mine.json: models[0].", "not a list"},
        {"{\"models\": [{}]}", "mine.json: models[0].model", "missing"},
        {"{\"models\": [{\"model\": \"a\"}, 3]}", "mine.json: models[1].", "not an object"},
        {"{\"models\": [{\"model\": \"a\", \"context\": 1}]}", "mine.json: models[0].context",
         "no such field"},
        {"{\"models\": [{\"model\": \"a\", \"model\": \"b\"}]}", "mine.json: models[0].model",
         "given twice"},
        {"{\"models\": [{\"model\": \"a\", \"context_tokens\": 1.5}]}",
         "mine.json: models[0].context_tokens", "not a plain number"},
        {"{\"models\": [{\"model\": \"a\", \"context_tokens\": -1}]}",
         "mine.json: models[0].context_tokens", "not a plain number"},
        {"{\"models\": [{\"model\": \"a\", \"usd_per_mtok\": {\"input\": 0.0000001}}]}",
         "mine.json: models[0].input", "not a plain number"},
        {"{\"limits\": [{\"provider\": \"x\", \"tier\": \"1\", \"rpm\": 5}]}",
         "mine.json: limits[0].models", "not a list of names"},
        {"{\"limits\": [{\"provider\": \"x\", \"models\": [\"a\"]}]}",
         "mine.json: limits[0].tier", "missing"},
        {"{\"limits\": [{\"provider\": \"x\", \"tier\": \"1\", \"models\": [\"a\"],"
         " \"rpm\": 99999999999999999999}]}",
         "mine.json: limits[0].rpm", "not a plain number"},
        {"{\"routes\": [{\"provider\": \"x\", \"class\": \"a\", \"rpm\": 5}]}",
         "mine.json: routes[0].paths", "not a list of texts"},
        {"{\"routes\": [{\"provider\": \"x\", \"class\": \"a\", \"paths\": [\"GET /a\"]}]}",
         "mine.json: routes[0].rpm", "either rpm or rph"},
        {"{\"routes\": [{\"provider\": \"x\", \"class\": \"a\", \"paths\": [\"GET /a\"],"
         " \"rpm\": 1, \"rph\": 2}]}",
         "mine.json: routes[0].rpm", "either rpm or rph"},
        {"{\"batch\": [{\"provider\": \"x\"}]}", "mine.json: batch[0].endpoints",
         "not a list of texts"},
        {"{\"batch\": [{\"provider\": \"x\", \"tier\": \"1\", \"rpm\": 5}]}",
         "mine.json: batch[0].rpm", "no such field"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct diag diag = {0};
        assert_null(catalogue_open(str_of(rows[i].text), "mine.json", &diag));
        assert_string_equal(diag.where, rows[i].where);
        if (!strstr(diag.what, rows[i].what))
            fail_msg("\"%s\" does not say \"%s\"", diag.what, rows[i].what);
    }
}

/* A price in the facts, to compare with ours in micro-USD per million tokens. */
static int64_t price_of(const struct json *row, const char *path)
{
    const struct json *v = json_path(row, path);
    char text[32];
    if (!v || v->type != JSON_NUMBER)
        return -1;
    snprintf(text, sizeof text, "%.*s", STR_ARG(v->text));
    return (int64_t)(strtod(text, NULL) * 1e6 + 0.5);
}

static int64_t count_of(const struct json *row, const char *field)
{
    int64_t n;
    return json_int(json_get(row, field), &n) == SL_OK ? n : -1;
}

static void compare_with_fact(const struct catalogue *c, const struct json *row)
{
    struct str name = json_str(json_get(row, "model"));
    const struct model *m = catalogue_model(c, name);
    if (!m || !str_eq(m->name, name))
        fail_msg("%.*s is not in the catalogue", STR_ARG(name));
    if (m->context_tokens != count_of(row, "context_tokens") ||
        m->max_output_tokens != count_of(row, "max_output_tokens") ||
        m->input_pusd != price_of(row, "usd_per_mtok.input") ||
        m->cached_input_pusd != price_of(row, "usd_per_mtok.cached_input") ||
        m->output_pusd != price_of(row, "usd_per_mtok.output") ||
        !str_eq(m->shutdown, json_str(json_get(row, "shutdown"))))
        fail_msg("%.*s differs from the facts", STR_ARG(name));
    for (const struct json *a = json_get(row, "aliases")->first; a; a = a->next)
        assert_ptr_equal(catalogue_model(c, a->text), m);
}

static void every_model_of_the_facts(void **state)
{
    static char text[1 << 20];
    FILE *f = fopen("../shared/facts/models.json", "rb");
    if (!f && getenv("CI"))
        fail_msg("no shared data in CI");
    if (!f) {
        print_message("skipped: no shared data\n");
        skip();
    }
    size_t n = fread(text, 1, sizeof text, f), rows = 0;
    fclose(f);
    struct arena arena = {0};
    const struct json *facts = json_parse(&arena, (struct str){text, n}, NULL);
    struct catalogue *c = open_with(NULL);
    for (const struct json *row = facts->first; row; row = row->next, rows++)
        compare_with_fact(c, row);
    assert_int_equal(rows, 79);
    catalogue_close(&c);
    arena_free(&arena);
}

static void assert_next(const struct catalogue *c, const char *name, const char *today,
                        const char *want)
{
    const struct model *m = catalogue_model(c, str_of(name));
    const struct model *next = catalogue_next_down(c, m, str_of(today));
    assert_str(next ? next->name : STR("none"), want);
}

static void limits_have_dates(void **state)
{
    struct catalogue *c = open_with(NULL);
    assert_str(catalogue_limits_date(c, STR("openai"), STR("tier-1"), STR("gpt-4o")), "2026");
    assert_str(catalogue_limits_date(c, STR("openai"), STR("tier-1"), STR("gpt-5.1")), "");
    catalogue_close(&c);
}

static void the_next_model_down(void **state)
{
    struct catalogue *c = open_with(NULL);
    assert_next(c, "gpt-4o-2024-11-20", "2026-11-26", "gpt-4o-mini");
    assert_next(c, "gpt-4.1-mini", "2026-10-22", "gpt-4.1-nano");
    assert_next(c, "gpt-4.1-mini", "2026-10-23", "none"); /* shut down that day */
    assert_next(c, "claude-opus-4-8", "2026-11-26", "claude-sonnet-4-6");
    assert_next(c, "claude-opus-4-5", "2026-12-01", "claude-haiku-4-5-20251001");
    assert_next(c, "gpt-5.1", "2026-11-26", "none");
    catalogue_close(&c);
    c = open_with("{\"models\": [{\"model\": \"a\", \"next_down\": \"b\"},"
                  " {\"model\": \"b\", \"next_down\": \"a\", \"shutdown\": \"2026-01-01\"},"
                  " {\"model\": \"c\", \"next_down\": \"c\", \"shutdown\": \"2026-01-01\"},"
                  " {\"model\": \"d\", \"next_down\": \"nobody\"}]}");
    assert_next(c, "a", "2026-11-26", "none"); /* but itself, by way of one that is gone */
    assert_next(c, "c", "2026-11-26", "none");
    assert_next(c, "d", "2026-11-26", "none");
    catalogue_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_model_down),
        cmocka_unit_test(limits_have_dates),
        cmocka_unit_test(models_are_found_by_any_of_their_names),
        cmocka_unit_test(figures_are_exact_and_unknown_is_said),
        cmocka_unit_test(limits_by_tier),
        cmocka_unit_test(no_limits_are_guessed),
        cmocka_unit_test(pools),
        cmocka_unit_test(overrides_are_laid_over_by_name),
        cmocka_unit_test(limits_by_request_type),
        cmocka_unit_test(all_names_of_a_model),
        cmocka_unit_test(a_bad_override_is_told_by_its_field),
        cmocka_unit_test(every_model_of_the_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
