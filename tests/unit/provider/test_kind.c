/* test_kind.c: which requests have a limit by their type, as logs write their paths. */
#include "check.h"
#include "kind.h"

static void assistants_by_method_and_path(void **state)
{
    static const struct {
        const char *method, *path, *name;
        int64_t rpm;
    } rows[] = {
        {"GET", "/v1/threads/thread_1/runs/run_1", "assistants-get", 1000},
        {"get", "https://api.openai.com/v1/threads/thread_1/messages?limit=2", "assistants-get",
         1000},
        {"GET", "/v1/assistants", "assistants-get", 1000},
        {"GET", "/openai/assistants/", "assistants-get", 1000},
        {"POST", "/v1/threads", "assistants-post", 300},
        {"POST", "/threads/thread_1/messages", "assistants-post", 300},
        {"POST", "/v1/threads/thread_1/runs", "assistants-runs", 200},
        {"POST", "/v1/threads/runs", "assistants-runs", 200},
        {"POST", "/v1/threads/thread_1/runs/run_1/cancel", "assistants-post", 300},
        {"DELETE", "/v1/threads/thread_1", "assistants-delete", 300},
        {"POST", "/v1/batches", "batch-creations", 33}, /* 2,000 an hour */
        {"PUT", "/v1/threads/thread_1", NULL, 0},
        {"POST", "/v1/chat/completions", NULL, 0},
        {"GET", "/v1/threadsafe", NULL, 0},
        {"GET", "", NULL, 0},
        {"GET", "https://api.openai.com", NULL, 0},
    };
    struct diag diag;
    struct catalogue *c = catalogue_open((struct str){0}, NULL, &diag);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct route_class *k =
            kind_of(c, STR("openai"), str_of(rows[i].method), str_of(rows[i].path));
        if (!k != !rows[i].name ||
            (k && (!str_eq(k->name, str_of(rows[i].name)) || kind_rpm(k) != rows[i].rpm)))
            fail_msg("%s %s: %.*s", rows[i].method, rows[i].path, k ? (int)k->name.n : 4,
                     k ? k->name.p : "none");
    }
    assert_null(kind_of(c, STR("groq"), STR("GET"), STR("/v1/threads")));
    catalogue_close(&c);
}

static void shapes_of_what_nobody_knows(void **state)
{
    static const struct {
        const char *method, *path, *shape;
    } rows[] = {
        {"GET", "/v1/things", "GET /v1/things"},
        {"GET", "/v1/things/", "GET /v1/things"},
        {"GET", "/v1/things/thing_1a?limit=3", "GET /v1/things/*"},
        {"POST", "/v1/things/thing_1a/cancel", "POST /v1/things/*/cancel"},
        {"GET", "/v1/things/abcdefghijklmnopqrstuvwxyz/parts", "GET /v1/things/*/parts"},
        {"GET", "/v2beta/things", "GET /v2beta/things"},
        {"GET", "/things/v1", "GET /things/*"},
        {"DELETE", "/things", "DELETE /things"},
        {"GET", "/", "GET "},
        {"GET", "", "GET "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf shape = {0};
        kind_shape(str_of(rows[i].method), str_of(rows[i].path), &shape);
        assert_string_equal(buf_cstr(&shape), rows[i].shape);
        buf_free(&shape);
    }
}

/* A class may be known to be one without its limit's being known; a tier may have its own. */
static void classes_by_tier_and_without_a_limit(void **state)
{
    static const char mine[] =
        "{\"routes\": [{\"provider\": \"openai\", \"class\": \"things\","
        " \"paths\": [\"* /v1/things\", \"* /v1/things/*\"], \"rpm\": null},"
        " {\"provider\": \"openai\", \"tier\": \"2\", \"class\": \"videos\","
        " \"paths\": [\"POST /v1/videos\"], \"rpm\": 9}]}";
    struct diag diag;
    struct catalogue *c = catalogue_open(str_of(mine), "mine", &diag);
    assert_non_null(c);
    const struct route_class *k =
        kind_of(c, STR("openai"), STR("GET"), STR("/v1/things/thing_1"));
    assert_true(k && k->limit == -1 && kind_rpm(k) == -1);
    assert_null(kind_of(c, STR("openai"), STR("POST"), STR("/v1/videos")));
    assert_null(kind_on_tier(c, STR("openai"), STR("1"), STR("POST"), STR("/v1/videos")));
    k = kind_on_tier(c, STR("openai"), STR("tier-2"), STR("POST"), STR("/v1/videos"));
    assert_true(k && kind_rpm(k) == 9);
    const struct route_class *list[16];
    size_t n = kinds_list(c, STR("openai"), list, 16);
    for (size_t i = 0; i < n; i++)
        assert_true(list[i]->limit >= 0);
    catalogue_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assistants_by_method_and_path),
        cmocka_unit_test(shapes_of_what_nobody_knows),
        cmocka_unit_test(classes_by_tier_and_without_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
