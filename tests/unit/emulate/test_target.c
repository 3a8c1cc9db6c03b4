/* Which API a request speaks to, whatever base its path has. */
#include "check.h"
#include "target.h"

static void a_path_is_known_by_its_end(void **state)
{
    static const struct {
        const char *method, *target;
        enum target_api api;
        const char *name, *tail;
    } rows[] = {
        {"POST", "/v1/chat/completions", API_CHAT, "", "chat/completions"},
        {"POST", "/openai/v1/chat/completions", API_CHAT, "", "chat/completions"},
        {"POST", "/v1beta/openai/chat/completions", API_CHAT, "", "chat/completions"},
        {"POST", "/chat/completions", API_CHAT, "", "chat/completions"},
        {"POST", "/v1/completions", API_COMPLETIONS, "", "completions"},
        {"POST", "/v1/messages", API_MESSAGES, "", "messages"},
        {"POST", "/v1/messages/count_tokens", API_COUNT_TOKENS, "", "messages/count_tokens"},
        {"GET", "/v1/chat/completions", API_BAD_METHOD, "", "chat/completions"},
        {"GET", "/v1/models", API_MODELS, "", "models"},
        {"GET", "/v1/models/gpt-4o", API_MODEL, "gpt-4o", "models/gpt-4o"},
        {"GET", "/openai/v1/models/openai/gpt-oss-20b", API_MODEL, "openai/gpt-oss-20b",
         "models/openai/gpt-oss-20b"},
        {"DELETE", "/v1/models/gpt-4o", API_BAD_METHOD, "gpt-4o", "models/gpt-4o"},
        {"POST", "/openai/deployments/m/embeddings?api-version=2024-10-21", API_EMBEDDINGS, "m",
         "embeddings"},
        {"GET", "/_emulator/report", API_REPORT, "", "_emulator/report"},
        {"POST", "/v1/nothing", API_NONE, "", ""},
        {"POST", "/", API_NONE, "", ""},
        {"POST", "", API_NONE, "", ""},
        {"POST", "completions", API_COMPLETIONS, "", "completions"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target t = target_read(str_of(rows[i].method), str_of(rows[i].target));
        if (t.api != rows[i].api || !str_eq(t.name, str_of(rows[i].name)) ||
            !str_eq(t.tail, str_of(rows[i].tail)))
            fail_msg("%s %s: %d \"%.*s\" \"%.*s\"", rows[i].method, rows[i].target, t.api,
                     STR_ARG(t.name), STR_ARG(t.tail));
    }
}

static void things_are_known_by_their_ids(void **state)
{
    static const struct {
        const char *method, *target;
        enum target_api api;
        enum target_verb verb;
        const char *id, *base, *second;
    } rows[] = {
        {"POST", "/v1/files", API_FILES, TARGET_CREATE, "", "/v1/", ""},
        {"GET", "/v1/files/f1", API_FILES, TARGET_READ, "f1", "/v1/", ""},
        {"GET", "/openai/v1/files/f1/content", API_FILES, TARGET_CONTENT, "f1", "/openai/v1/",
         ""},
        {"PUT", "/v1/files/f1", API_BAD_METHOD, TARGET_CREATE, "f1", "/v1/", ""},
        {"POST", "/v1/batches/b1/cancel", API_BATCHES, TARGET_CANCEL, "b1", "/v1/", ""},
        {"POST", "/v1/messages/batches", API_MESSAGE_BATCHES, TARGET_CREATE, "", "/v1/", ""},
        {"GET", "/v1/messages/batches/m1", API_MESSAGE_BATCHES, TARGET_READ, "m1", "/v1/", ""},
        {"GET", "/v1/messages/batches/m1/results", API_MESSAGE_BATCHES, TARGET_CONTENT, "m1",
         "/v1/", ""},
        {"GET", "/v1/files//content", API_NONE, TARGET_CREATE, "", "", ""},
        {"POST", "/v1/threads/t1/messages", API_THREAD_MESSAGES, TARGET_CREATE, "t1", "/v1/",
         ""},
        {"DELETE", "/v1/threads/t1/messages/m1", API_THREAD_MESSAGES, TARGET_DELETE, "t1",
         "/v1/", "m1"},
        {"POST", "/v1/threads/runs", API_RUNS, TARGET_CREATE, "", "/v1/", ""},
        {"POST", "/v1/threads/t1", API_THREADS, TARGET_CHANGE, "t1", "/v1/", ""},
        {"POST", "/openai/threads/t1/runs/r1/cancel?api-version=1", API_RUNS, TARGET_CANCEL,
         "t1", "/openai/", "r1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target t = target_read(str_of(rows[i].method), str_of(rows[i].target));
        if (t.api != rows[i].api || t.verb != rows[i].verb ||
            !str_eq(t.ids[0], str_of(rows[i].id)) || !str_eq(t.base, str_of(rows[i].base)) ||
            !str_eq(t.ids[1], str_of(rows[i].second)))
            fail_msg("%s %s: %d %d \"%.*s\" \"%.*s\"", rows[i].method, rows[i].target, t.api,
                     t.verb, STR_ARG(t.ids[0]), STR_ARG(t.base));
    }
}

static void a_query_gives_its_values(void **state)
{
    struct target t = target_read(STR("GET"), STR("/v1/models?limit=5&after=&b&c=a=b"));
    assert_true(str_eq(target_value(&t, "limit"), STR("5")));
    assert_true(str_eq(target_value(&t, "after"), STR("")));
    assert_non_null(target_value(&t, "after").p);
    assert_null(target_value(&t, "b").p);
    assert_true(str_eq(target_value(&t, "c"), STR("a=b")));
    assert_null(target_value(&t, "lim").p);
    t = target_read(STR("GET"), STR("/v1/models"));
    assert_null(target_value(&t, "limit").p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_known_by_its_end),
        cmocka_unit_test(things_are_known_by_their_ids),
        cmocka_unit_test(a_query_gives_its_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
