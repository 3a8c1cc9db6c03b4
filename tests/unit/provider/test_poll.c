/* test_poll.c: which requests are polls, and which answers say "not yet". */
#include "check.h"
#include "poll.h"

static struct catalogue *open_with(const char *own)
{
    struct diag diag;
    struct catalogue *c = catalogue_open(str_of(own), "mine.json", &diag);
    if (!c)
        fail_msg("%s: %s", diag.where, diag.what);
    return c;
}

static const struct poll_class *found(const struct catalogue *c, const char *provider,
                                      const char *method, const char *target)
{
    const struct provider *p = provider_named(str_of(provider));
    assert_non_null(p);
    return poll_of(c, p, str_of(method), str_of(target));
}

static void part_by_part(void **state)
{
    static const struct {
        const char *provider, *method, *target, *field;
    } rows[] = {
        {"openai", "GET", "/v1/threads/t/runs/r", "status"},
        {"openai", "GET", "/openai/threads/t/runs/r?api-version=2", "status"},
        {"openai", "GET", "/v1/batches/b", "status"},
        {"openai", "GET", "/v1/threads/t", ""},
        {"groq", "GET", "/v1/batches/b", "status"}, /* OpenAI's shapes */
        {"anthropic", "GET", "/v1/messages/batches/b", "processing_status"},
        {"openai", "GET", "/v1/threads/t/runs/r/steps", NULL},
        {"openai", "GET", "/v1/threads/t/runs", NULL},
        {"openai", "GET", "/v1/threads/t/messages", NULL},
        {"openai", "GET", "/v1/batches", NULL},
        {"openai", "GET", "/v1/messages/batches/b", NULL},
        {"openai", "GET", "/v1/models", NULL},
        {"openai", "POST", "/v1/threads/t/runs/r", NULL},
        {"openai", "HEAD", "/v1/threads/t/runs/r", NULL},
        {"anthropic", "GET", "/v1/messages/batches/b/results", NULL},
        {"anthropic", "GET", "/v1/batches/b", NULL},
    };
    struct catalogue *c = open_with("");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct poll_class *poll =
            found(c, rows[i].provider, rows[i].method, rows[i].target);
        if (!poll != !rows[i].field || (poll && !str_eq(poll->field, str_of(rows[i].field))))
            fail_msg("%s %s of %s", rows[i].method, rows[i].target, rows[i].provider);
    }
    catalogue_close(&c);
}

static void not_yet(void **state)
{
    static const struct {
        const char *answer;
        bool pending;
    } rows[] = {
        {"{\"status\":\"queued\"}", true},
        {"{\"object\":\"thread.run\", \"status\": \"in_progress\"}", true},
        {"{\"status\":\"cancelling\"}", true},
        {"{\"status\":\"completed\"}", false},
        {"{\"status\":\"requires_action\"}", false},
        {"{\"status\":\"of_the_future\"}", false},
        {"{\"status\":null}", false},
        {"{\"status\":[\"queued\"]}", false},
        {"{\"inner\":{\"status\":\"queued\"}}", false},
        {"{\"status\":\"queued\"", false},
        {"", false},
    };
    struct catalogue *c = open_with("");
    const struct poll_class *run = found(c, "openai", "GET", "/v1/threads/t/runs/r");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (poll_pending(run, str_of(rows[i].answer)) != rows[i].pending)
            fail_msg("%s", rows[i].answer);
    }
    const struct poll_class *thread = found(c, "openai", "GET", "/v1/threads/t");
    assert_true(poll_pending(thread, STR("{}")));
    catalogue_close(&c);
}

static void ones_own(void **state)
{
    struct catalogue *c = open_with(
        "{\"polls\": [{\"provider\": \"openai\", \"paths\": [\"GET /v1/jobs/*\"], "
        "\"field\": \"state\", \"pending\": [\"on\"]}, {\"provider\": \"openai\", \"paths\": "
        "[\"GET /v1/batches/*\"], \"field\": \"stage\", \"pending\": [\"early\"]}]}");
    const struct poll_class *job = found(c, "openai", "GET", "/v1/jobs/7");
    assert_non_null(job);
    assert_true(poll_pending(job, STR("{\"state\":\"on\"}")));
    assert_true(
        str_eq(found(c, "openai", "GET", "/v1/batches/7")->field, STR("stage"))); /* instead */
    catalogue_close(&c);
}

static void what_cannot_be_is_refused(void **state)
{
    static const char *const rows[][2] = {
        {"{\"polls\": [{\"provider\": \"x\"}]}", "mine.json: polls[0].paths"},
        {"{\"polls\": [{\"provider\": \"x\", \"paths\": [\"GET /a\"], \"field\": \"f\"}]}",
         "mine.json: polls[0].pending"},
        {"{\"polls\": [{\"provider\": \"x\", \"paths\": [\"GET /a\"], \"feild\": \"f\"}]}",
         "mine.json: polls[0].feild"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct diag diag;
        assert_null(catalogue_open(str_of(rows[i][0]), "mine.json", &diag));
        assert_string_equal(diag.where, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(part_by_part),
        cmocka_unit_test(not_yet),
        cmocka_unit_test(ones_own),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
