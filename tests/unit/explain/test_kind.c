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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assistants_by_method_and_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
