/* By which names a model is known, and whose budget it draws on. */
#include "check.h"
#include "roster.h"

#include <stdlib.h>

static void add_model(struct emulate_config *c, const char *name, const char *pool)
{
    struct emulate_model *m = &c->models[c->model_count++];
    *m = (struct emulate_model){.name = str_of(name), .pool = str_of(pool)};
    m->limits[m->limit_count++] = (struct gauge_limit){DIM_RPM, 1};
}

static void a_model_has_many_names(void **state)
{
    static const struct {
        const char *asked, *pool;
    } rows[] = {
        {"gpt-4o", "gpt-4o"},
        {"gpt-4o-2024-11-20", "gpt-4o"},     /* a snapshot */
        {"gpt-4o-2024-05-13", "own budget"}, /* listed itself */
        {"gpt-4o-mini", NULL},
        {"gpt-4o-20", NULL},
        {"gpt-4o-2024-11", NULL},
        {"gpt-4o-2024-11-20x", NULL},
        {"claude-sonnet-4-5-20250929", "claude-sonnet-4.x"},
        {"claude-sonnet-4-5", "claude-sonnet-4.x"}, /* without its date */
        {"claude-sonnet-4-5-latest", NULL},
        {"claude-sonnet-4-5-20260101", NULL}, /* another date of it is another model */
        {"claude-sonnet-4", NULL},
        {"claude-opus-4", "opus, the younger"}, /* of two dates */
        {"sonnet", "claude-sonnet-4.x"},        /* another name */
        {"lost", NULL},                         /* another name of a model not listed */
    };
    struct emulate_config *c = mem_zero(sizeof *c);
    *c = emulate_defaults();
    add_model(c, "claude-opus-4-20250514", NULL);
    add_model(c, "claude-opus-4-20250805", "opus, the younger");
    add_model(c, "claude-opus-4-20250601", NULL);
    add_model(c, "gpt-4o", NULL);
    add_model(c, "gpt-4o-2024-05-13", "own budget");
    add_model(c, "claude-sonnet-4-5-20250929", "claude-sonnet-4.x");
    c->aliases[c->alias_count++] =
        (struct emulate_alias){STR("sonnet"), STR("claude-sonnet-4-5-20250929")};
    c->aliases[c->alias_count++] = (struct emulate_alias){STR("lost"), STR("nowhere")};
    struct roster r = {.config = c};
    for (int all = 0; all < 2; all++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            const struct roster_pool *p = roster_find(&r, str_of(rows[i].asked));
            const char *want = rows[i].pool || !all ? rows[i].pool : rows[i].asked;
            if (!p != !want || (p && !str_eq(p->name, str_of(want))))
                fail_msg("%s: %.*s", rows[i].asked, STR_ARG(p ? p->name : STR("none")));
        }
        add_model(c, "*", NULL);
    }
    roster_free(&r);
    free(c);
}

static void a_profile_knows_the_names_of_its_catalogue(void **state)
{
    static const struct {
        const char *profile, *asked, *pool;
    } rows[] = {{"anthropic/tier-2", "claude-sonnet-4-5", "claude-sonnet-4.x"},
                {"anthropic/tier-2", "claude-sonnet-4-5-20250929", "claude-sonnet-4.x"},
                {"anthropic/tier-2", "claude-3-5-haiku-latest", "claude-3-5-haiku-20241022"},
                {"openai/tier-1", "gpt-4o-2024-08-06", "gpt-4o"},
                {"groq/free", "gpt-oss-20b", "openai/gpt-oss-20b"},
                {"openai/tier-1", "gpt-9", NULL}};
    struct catalogue *catalogue = catalogue_open((struct str){0}, NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config *c = mem_zero(sizeof *c);
        *c = emulate_defaults();
        assert_int_equal(emulate_profile(c, catalogue, str_of(rows[i].profile), NULL), SL_OK);
        struct roster r = {.config = c};
        const struct roster_pool *p = roster_find(&r, str_of(rows[i].asked));
        if (!p != !rows[i].pool || (p && !str_eq(p->name, str_of(rows[i].pool))))
            fail_msg("%s: %.*s", rows[i].asked, STR_ARG(p ? p->name : STR("none")));
        roster_free(&r);
        free(c);
    }
    catalogue_close(&catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_has_many_names),
        cmocka_unit_test(a_profile_knows_the_names_of_its_catalogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
