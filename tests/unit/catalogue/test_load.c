/* test_load.c: a document that is wrong anywhere is refused, by file, section, row and field.
 */
#include "catalogue_data.h"
#include "check.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

/* Loads a document over nothing. */
static enum sl_err load(struct str text, struct diag *diag)
{
    struct catalogue *c = mem_zero(sizeof *c);
    *diag = (struct diag){"", ""};
    enum sl_err err = catalogue_load(c, text, "mine.json", diag);
    catalogue_close(&c);
    return err;
}

#define MODEL(fields) "{\"models\":[{\"model\":\"a\"},{\"model\":\"b\"," fields "}]}"
#define LIMIT(fields) "{\"limits\":[{\"provider\":\"p\",\"tier\":\"1\"," fields "}]}"

static void each_fault_is_told_by_its_place(void **state)
{
    static const struct {
        const char *text;
        enum sl_err err;
        const char *where, *what;
    } rows[] = {
        {"", SL_SYNTAX, "mine.json", ""},
        {"{\"models\":[]} {}", SL_SYNTAX, "mine.json", ""},
        {"7", SL_TYPE, "mine.json", "not an object"},
        {"{\"modles\":[]}", SL_UNKNOWN, "mine.json", "\"modles\": no such section"},
        {"{\"tiers\":{}}", SL_TYPE, "mine.json: tiers[0].", "not a list"},
        {"{\"batch\":[{\"rpmm\":1}]}", SL_UNKNOWN, "mine.json: batch[0].rpmm", "no such field"},
        {MODEL("\"model\":\"c\""), SL_SYNTAX, "mine.json: models[1].model", "given twice"},
        {"{\"models\":[{\"model\":null}]}", SL_MISSING, "mine.json: models[0].model",
         "missing"},
        {"{\"models\":[{\"model\":\"\"}]}", SL_MISSING, "mine.json: models[0].model",
         "missing"},
        {"{\"models\":[{\"model\":7}]}", SL_TYPE, "mine.json: models[0].model", "not a string"},
        {MODEL("\"encoding\":[]"), SL_TYPE, "mine.json: models[1].encoding", "not a string"},
        {MODEL("\"aliases\":\"c\""), SL_TYPE, "mine.json: models[1].aliases", "not a list"},
        {MODEL("\"aliases\":[\"c\",7]"), SL_TYPE, "mine.json: models[1].aliases",
         "not a list of strings"},
        {MODEL("\"context_tokens\":\"1000\""), SL_TYPE, "mine.json: models[1].context_tokens",
         "not a plain number"},
        {MODEL("\"context_tokens\":1e3"), SL_RANGE, "mine.json: models[1].context_tokens",
         "not a plain number"},
        {MODEL("\"max_output_tokens\":9223372036854775808"), SL_RANGE,
         "mine.json: models[1].max_output_tokens", "not a plain number"},
        {MODEL("\"batch_discount\":0.125"), SL_RANGE, "mine.json: models[1].batch_discount",
         "not a plain number"},
        {MODEL("\"usd_per_mtok\":3"), SL_TYPE, "mine.json: models[1].usd_per_mtok",
         "not an object"},
        {MODEL("\"usd_per_mtok\":{\"output\":99999999999999999}"), SL_RANGE,
         "mine.json: models[1].output", "not a plain number"},
        {MODEL("\"usd_per_mtok\":{\"imput\":3}"), SL_UNKNOWN, "mine.json: models[1].imput",
         "no such field"},
        {MODEL("\"usd_per_mtok\":{\"input\":3,\"input\":4}"), SL_SYNTAX,
         "mine.json: models[1].input", "given twice"},
        {"{\"tiers\":[{\"tier\":\"1\"}]}", SL_MISSING, "mine.json: tiers[0].provider",
         "missing"},
        {"{\"tiers\":[{\"provider\":\"p\"}]}", SL_MISSING, "mine.json: tiers[0].tier",
         "missing"},
        {"{\"pools\":[{\"provider\":\"p\",\"models\":[\"a\"]}]}", SL_MISSING,
         "mine.json: pools[0].pool", "missing"},
        {"{\"pools\":[{\"provider\":\"p\",\"pool\":\"x\"}]}", SL_TYPE,
         "mine.json: pools[0].models", "not a list of names"},
        {LIMIT("\"models\":[]"), SL_TYPE, "mine.json: limits[0].models", "not a list of names"},
        {LIMIT("\"models\":[\"\"]"), SL_TYPE, "mine.json: limits[0].models",
         "not a list of names"},
        {LIMIT("\"models\":[7]"), SL_TYPE, "mine.json: limits[0].models",
         "not a list of names"},
        {LIMIT("\"models\":[\"a\"],\"rpm\":-5"), SL_RANGE, "mine.json: limits[0].rpm",
         "not a plain number"},
        {LIMIT("\"models\":[\"a\"],\"rpm\":[]"), SL_TYPE, "mine.json: limits[0].rpm",
         "not a plain number"},
        {LIMIT("\"models\":[\"a\"],\"wpm\":5"), SL_UNKNOWN, "mine.json: limits[0].wpm",
         "no such field"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct diag d;
        enum sl_err err = load(str_of(rows[i].text), &d);
        if (err != rows[i].err || strcmp(d.where, rows[i].where) != 0 ||
            !strstr(d.what, rows[i].what))
            fail_msg("%s\n%s: %s: %s", rows[i].text, sl_err_text(err), d.where, d.what);
    }
}

/* A field's name longer than the place for it is cut, and still no field. */
static void a_long_name_is_cut(void **state)
{
    struct buf text = {0};
    struct diag d;
    buf_puts(&text, "{\"models\":[{\"model\":\"a\",\"");
    for (int i = 0; i < 500; i++)
        buf_char(&text, 'x');
    buf_puts(&text, "\":1}]}");
    assert_int_equal(SL_UNKNOWN, load(buf_str(&text), &d));
    assert_true(str_starts(str_of(d.where), STR("mine.json: models[0].xxx")));
    buf_free(&text);
}

static const char whole[] =
    "{\"about\":\"x\",\"models\":[{\"model\":\"a\",\"aliases\":[\"b\"],\"context_tokens\":1000,"
    "\"usd_per_mtok\":{\"input\":0.5,\"output\":null},\"batch_discount\":0.5}],"
    "\"tiers\":[{\"provider\":\"p\",\"tier\":\"Tier 1\",\"paid_usd\":5}],"
    "\"limits\":[{\"provider\":\"p\",\"tier\":\"1\",\"models\":[\"b\",\"c\"],\"rpm\":3,\"tpm\":"
    "null}],"
    "\"pools\":[{\"provider\":\"p\",\"pool\":\"x\",\"models\":[\"a\"]}],\"batch\":[{"
    "\"provider\":\"p\",\"tier\":"
    "\"1\"}]}";

/* Cut off or damaged anywhere: refused or not, but never half loaded into a crash or a leak. */
static void damage_is_survived(void **state)
{
    struct diag d;
    assert_int_equal(SL_OK, load(str_of(whole), &d));
    for (size_t n = 0; n + 1 < sizeof whole; n++)
        assert_true(load((struct str){whole, n}, &d) != SL_OK);
    struct random r = {1};
    for (int i = 0; i < 20000; i++) {
        char text[sizeof whole];
        memcpy(text, whole, sizeof whole);
        text[random_below(&r, sizeof whole - 1)] = "0\"{}[]:,x-.\n"[random_below(&r, 12)];
        enum sl_err err = load(str_of(text), &d);
        assert_true((err != SL_OK) == (d.what[0] != '\0'));
    }
}

static void nothing_of_the_text_is_kept(void **state)
{
    struct diag d;
    struct catalogue *c = mem_zero(sizeof *c);
    char *text = mem_alloc(sizeof whole);
    memcpy(text, whole, sizeof whole);
    assert_int_equal(SL_OK, catalogue_load(c, (struct str){text, sizeof whole - 1}, "f", &d));
    memset(text, '#', sizeof whole);
    free(text);
    const struct model *m = catalogue_model(c, STR("b"));
    assert_non_null(m);
    assert_true(str_eq(m->name, STR("a")));
    assert_int_equal(500000, m->input_pusd);
    assert_int_equal(-1, m->output_pusd);
    assert_int_equal(50, m->batch_percent);
    assert_true(str_eq(c->tiers[0].tier.name, STR("1")));
    assert_true(str_eq(c->limits[0].model, STR("a"))); /* b is another name of it */
    assert_true(str_eq(c->limits[1].model, STR("c")));
    assert_int_equal(-1, c->limits[1].limit[DIM_TPM]);
    assert_true(str_eq(c->pools[0].pool, STR("x")));
    catalogue_close(&c);
}

/* Prices are read exactly, digit by digit: never through a float. */
static void prices_are_exact(void **state)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct random r = {seed};
        struct diag d;
        char text[160];
        int digits = (int)random_below(&r, 8);
        int64_t scale = 1, whole_usd = (int64_t)random_below(&r, 1000000);
        for (int i = 0; i < digits; i++)
            scale *= 10;
        int64_t part = (int64_t)random_below(&r, (uint64_t)scale);
        int n = snprintf(
            text, sizeof text,
            "{\"models\":[{\"model\":\"a\",\"usd_per_mtok\":{\"input\":%lld%s%0*lld}}]}",
            (long long)whole_usd, digits ? "." : "", digits, (long long)part);
        if (!digits)
            n = snprintf(text, sizeof text,
                         "{\"models\":[{\"model\":\"a\",\"usd_per_mtok\":{\"input\":%lld}}]}",
                         (long long)whole_usd);
        struct catalogue *c = mem_zero(sizeof *c);
        enum sl_err err = catalogue_load(c, (struct str){text, (size_t)n}, "f", &d);
        assert_seeded(seed, (err == SL_OK) == (digits <= 6));
        if (err == SL_OK)
            assert_seeded(seed, c->models[0].input_pusd ==
                                    whole_usd * 1000000 + part * (1000000 / scale));
        catalogue_close(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_told_by_its_place),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(nothing_of_the_text_is_kept),
        cmocka_unit_test(prices_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
