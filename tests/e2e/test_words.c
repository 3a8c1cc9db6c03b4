/* What the emulator says, the provider room must understand: every refusal keeps its kind,
 * dimension, figures and wait on the way through headers and prose, and headers their figures.
 */
#include "check.h"
#include "provider.h"
#include "service.h"

#include <stdio.h>

enum { MS = 1000, S = 1000000 };
static const int64_t unix_us = 1711483200000000;

struct talk {
    struct service *service;
    struct arena arena;
    struct plan plan;
    struct message message;
};

static void say(struct talk *t, const char *path, const char *body)
{
    struct service_request r = {.method = STR("POST"), .target = str_of(path)};
    r.body = str_of(body);
    service_arrive(t->service, 0, &r, &t->arena, &t->plan);
    struct head head = {.arena = &t->arena};
    service_head(t->service, &t->plan, 0, unix_us, &head);
    t->message = (struct message){.status = t->plan.status, .header_count = head.n};
    for (size_t i = 0; i < head.n; i++)
        t->message.headers[i] = head.list[i];
}

static const char *path_of(const char *provider)
{
    if (strcmp(provider, "anthropic") == 0)
        return "/v1/messages";
    return strcmp(provider, "azure") == 0 ? "/openai/deployments/m/chat/completions"
                                          : "/v1/chat/completions";
}

static struct talk talk_open(const char *provider, const char *limits, int64_t wallet_after)
{
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_profile(&c, NULL, str_of(provider), NULL), SL_OK);
    assert_int_equal(emulate_limits(&c, str_of(limits), NULL), SL_OK);
    c.phase_us = 0;
    c.wallet_after = wallet_after;
    return (struct talk){.service = service_new(&c)};
}

static void talk_close(struct talk *t)
{
    service_done(t->service, &t->plan, true);
    service_free(&t->service);
    arena_free(&t->arena);
}

#define BODY                                                                                   \
    "{\"model\":\"m\",\"max_tokens\":60,\"messages\":[{\"role\":\"user\",\"content\":"         \
    "\"forty characters are ten tokens of input\"}]}"

static struct verdict verdict_on(struct talk *t, const char *provider)
{
    const struct provider *p = provider_named(str_of(provider));
    assert_non_null(p);
    return verdict_of(p, t->plan.status, &t->message, buf_str(&t->plan.body), unix_us,
                      &t->arena);
}

static void refusals_keep_their_meaning(void **state)
{
    static const struct {
        const char *provider, *limits;
        enum verdict_kind kind;
        enum dimension dim;
        int64_t limit, used, requested; /* -1: that provider's words do not say it */
        int64_t wait_s;                 /* -1: not said */
    } rows[] = {
        {"openai", "m:tpm=100", VERDICT_RATE_LIMIT, DIM_TPM, 100, 60, 60, 12},
        {"openai", "m:rpm=1", VERDICT_RATE_LIMIT, DIM_RPM, 1, 1, 1, 60},
        {"openai", "m:rpd=1", VERDICT_RATE_LIMIT, DIM_RPD, 1, 1, 1, 86400},
        {"openai", "m:tpd=100", VERDICT_RATE_LIMIT, DIM_TPD, 100, 60, 60, 17280},
        {"openai", "m:itpm=15", VERDICT_RATE_LIMIT, DIM_ITPM, 15, 10, 10, 20},
        {"openai", "m:otpm=100", VERDICT_RATE_LIMIT, DIM_OTPM, 100, 60, 60, 12},
        {"openai", "m:tpm=50", VERDICT_TOO_LARGE, DIM_TPM, 50, -1, 60, -1},
        {"openai", "m:concurrency=1", VERDICT_RATE_LIMIT, DIM_CONCURRENCY, 1, 1, -1, -1},
        {"groq", "m:tpm=100", VERDICT_RATE_LIMIT, DIM_TPM, 100, 60, 60, 12},
        {"groq", "m:rpm=1", VERDICT_RATE_LIMIT, DIM_RPM, 1, 1, 1, 60},
        {"groq", "m:rpd=1", VERDICT_RATE_LIMIT, DIM_RPD, 1, 1, 1, 86400},
        {"groq", "m:tpd=100", VERDICT_RATE_LIMIT, DIM_TPD, 100, 60, 60, 17280},
        {"groq", "m:tpm=50", VERDICT_TOO_LARGE, DIM_TPM, 50, -1, 60, -1},
        {"azure", "m:tpm=100", VERDICT_RATE_LIMIT, DIM_TPM, -1, -1, -1, 60},
        {"azure", "m:rpm=60", VERDICT_RATE_LIMIT, DIM_RPM, -1, -1, -1, 1},
        {"anthropic", "m:itpm=15", VERDICT_RATE_LIMIT, DIM_ITPM, 15, -1, -1, 20},
        {"anthropic", "m:otpm=1", VERDICT_RATE_LIMIT, DIM_OTPM, 1, -1, -1, 60},
        {"anthropic", "m:rpm=1", VERDICT_RATE_LIMIT, DIM_RPM, 1, -1, -1, 60},
        {"anthropic", "m:concurrency=1", VERDICT_RATE_LIMIT, DIM_CONCURRENCY, -1, -1, -1, -1},
        {"gemini", "m:rpm=1", VERDICT_RATE_LIMIT, DIM_RPM, 1, -1, -1, 60},
        {"gemini", "m:rpd=1", VERDICT_RATE_LIMIT, DIM_RPD, 1, -1, -1, 86400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct talk t = talk_open(rows[i].provider, rows[i].limits, -1);
        say(&t, path_of(rows[i].provider), BODY);
        struct plan first = t.plan;
        if (first.admitted)
            say(&t, path_of(rows[i].provider), BODY);
        struct verdict v = verdict_on(&t, rows[i].provider);
        int64_t wait = rows[i].wait_s < 0 ? -1 : rows[i].wait_s * S;
        bool waits =
            wait < 0 ? v.retry_us < 0 : v.retry_us >= wait - MS && v.retry_us <= wait + S;
        if (v.kind != rows[i].kind || v.dim != rows[i].dim ||
            (rows[i].limit >= 0 && v.limit != rows[i].limit) ||
            (rows[i].used >= 0 && v.used != rows[i].used) ||
            (rows[i].requested >= 0 && v.requested != rows[i].requested) ||
            v.retryable != (v.kind == VERDICT_RATE_LIMIT) || !waits)
            fail_msg(
                "%s %s: %s of %s, limit %lld, used %lld, requested %lld, retry %lld us: %s",
                rows[i].provider, rows[i].limits, verdict_name(v.kind), dimension_name(v.dim),
                (long long)v.limit, (long long)v.used, (long long)v.requested,
                (long long)v.retry_us, buf_cstr(&t.plan.body));
        if (first.admitted)
            service_done(t.service, &first, true);
        talk_close(&t);
    }
}

/* Refusals by request type count requests, whatever their words say of types. */
static void refusals_by_type_keep_their_meaning(void **state)
{
    static const struct {
        const char *provider;
        bool hidden;
        enum dimension dim;
        int64_t limit, wait_s; /* -1: not said */
    } rows[] = {
        {"openai", false, DIM_RPM, -1, 60},    {"openai", true, DIM_RPM, -1, -1},
        {"anthropic", false, DIM_RPM, 1, 60},  {"anthropic", true, DIM_UNKNOWN, -1, -1},
        {"azure", false, DIM_UNKNOWN, -1, 60},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = emulate_defaults();
        assert_int_equal(emulate_profile(&c, NULL, str_of(rows[i].provider), NULL), SL_OK);
        assert_int_equal(emulate_add_route(&c, STR("POST /v1/*=1"), rows[i].hidden, NULL),
                         SL_OK);
        c.window = GAUGE_BUCKET;
        struct talk t = {.service = service_new(&c)};
        say(&t, path_of(rows[i].provider), BODY);
        struct plan first = t.plan;
        say(&t, path_of(rows[i].provider), BODY);
        struct verdict v = verdict_on(&t, rows[i].provider);
        bool waits = rows[i].wait_s < 0 ? v.retry_us < 0 : v.retry_us == rows[i].wait_s * S;
        if (v.kind != VERDICT_RATE_LIMIT || !v.retryable || v.dim != rows[i].dim ||
            (rows[i].limit >= 0 && v.limit != rows[i].limit) || !waits)
            fail_msg("%s: %s of %s, limit %lld, retry %lld us: %s", rows[i].provider,
                     verdict_name(v.kind), dimension_name(v.dim), (long long)v.limit,
                     (long long)v.retry_us, buf_cstr(&t.plan.body));
        service_done(t.service, &first, true);
        talk_close(&t);
    }
}

/* A batch that failed is read on an answer 200: for want of room in the queue, which passes, or
 * for its file, which does not. */
static void failed_batches_keep_their_meaning(void **state)
{
    static const struct {
        const char *text;
        enum verdict_kind kind;
        enum dimension dim;
        int64_t limit;
    } rows[] = {
        {"{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/"
         "completions\",\"body\":" BODY "}",
         VERDICT_RATE_LIMIT, DIM_BATCH_ENQUEUED, 9},
        {"{\"custom_id\":\"a\"}", VERDICT_OTHER, DIM_UNKNOWN, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = emulate_defaults();
        assert_int_equal(emulate_add_queue(&c, STR("m=9"), NULL), SL_OK);
        struct talk t = {.service = service_new(&c)};
        struct form f = {.purpose = STR("batch"), .file = spool_new()};
        assert_int_equal(spool_add(f.file, str_of(rows[i].text), NULL), SL_OK);
        struct service_request r = {
            .method = STR("POST"), .target = STR("/v1/files"), .form = &f};
        service_arrive(t.service, 0, &r, &t.arena, &t.plan);
        spool_free(&f.file);
        struct str file =
            json_str(json_get(json_parse(&t.arena, buf_str(&t.plan.body), NULL), "id"));
        struct str order = arena_printf(&t.arena,
                                        "{\"input_file_id\":\"%.*s\",\"endpoint\":"
                                        "\"/v1/chat/completions\",\"completion_window\":"
                                        "\"24h\"}",
                                        STR_ARG(file));
        service_done(t.service, &t.plan, true);
        say(&t, "/v1/batches", order.p);
        struct str id =
            json_str(json_get(json_parse(&t.arena, buf_str(&t.plan.body), NULL), "id"));
        id = arena_copy(&t.arena, id);
        service_done(t.service, &t.plan, true);
        for (int64_t now = 0; now != INT64_MAX;)
            now = service_tick(t.service, now);
        r = (struct service_request){.method = STR("GET")};
        r.target = arena_printf(&t.arena, "/v1/batches/%.*s", STR_ARG(id));
        service_arrive(t.service, 9 * S, &r, &t.arena, &t.plan);
        assert_int_equal(t.plan.status, 200);
        struct verdict v = verdict_on(&t, "openai");
        if (v.kind != rows[i].kind || v.dim != rows[i].dim ||
            (rows[i].limit >= 0 && v.limit != rows[i].limit) ||
            v.retryable != (v.kind == VERDICT_RATE_LIMIT))
            fail_msg("%s of %s, limit %lld: %s", verdict_name(v.kind), dimension_name(v.dim),
                     (long long)v.limit, buf_cstr(&t.plan.body));
        talk_close(&t);
    }
}

static void an_empty_wallet_is_no_rate_limit(void **state)
{
    static const char *const providers[] = {"openai", "azure", "groq", "anthropic", "gemini"};
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        struct talk t = talk_open(providers[i], "m:rpm=9", 0);
        say(&t, path_of(providers[i]), BODY);
        struct verdict v = verdict_on(&t, providers[i]);
        if (v.kind != VERDICT_QUOTA || v.retryable)
            fail_msg("%s: %s", providers[i], verdict_name(v.kind));
        talk_close(&t);
    }
}

static void headers_keep_their_figures(void **state)
{
    static const struct {
        const char *provider, *limits;
        enum dimension dim;
        int64_t limit, remaining, reset_us;
    } rows[] = {
        {"openai", "m:rpm=500,tpm=30000", DIM_TPM, 30000, 29940, 120 * MS},
        {"openai", "m:rpm=500,tpm=30000", DIM_RPM, 500, 499, 120 * MS},
        {"groq", "m:rpd=1000,tpm=30000", DIM_RPD, 1000, 999, 86400LL * MS},
        {"azure", "m:rpm=600,tpm=30000", DIM_TPM, 30000, 29930, 60 * S},
        {"azure", "m:rpm=600,tpm=30000", DIM_RPM, 600, 9, 1 * S},
        {"anthropic", "m:rpm=50,itpm=20,otpm=8000", DIM_RPM, 50, 49, 2 * S},
        {"anthropic", "m:rpm=50,itpm=20,otpm=8000", DIM_ITPM, 20, 0, 30 * S},
        {"anthropic", "m:rpm=50,itpm=20,otpm=8000", DIM_OTPM, 8000, 8000, 1 * S},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct talk t = talk_open(rows[i].provider, rows[i].limits, -1);
        say(&t, path_of(rows[i].provider), BODY);
        assert_int_equal(t.plan.status, 200);
        struct reading readings[16];
        size_t n = headers_read(provider_named(str_of(rows[i].provider)), &t.message, unix_us,
                                readings, 16);
        const struct reading *r = NULL;
        for (size_t k = 0; k < n; k++) {
            if (readings[k].dim == rows[i].dim)
                r = &readings[k];
        }
        if (!r || r->limit != rows[i].limit || !r->has_remaining ||
            r->remaining != rows[i].remaining || r->reset_us != rows[i].reset_us)
            fail_msg("%s %s: %s of %zu readings: limit %lld, remaining %lld, reset %lld us",
                     rows[i].provider, rows[i].limits, dimension_name(rows[i].dim), n,
                     r ? (long long)r->limit : -9, r ? (long long)r->remaining : -9,
                     r ? (long long)r->reset_us : -9);
        talk_close(&t);
    }
}

static void answers_tell_their_usage(void **state)
{
    static const char *const providers[] = {"openai", "anthropic", "gemini"};
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        struct talk t = talk_open(providers[i], "m:rpm=9", -1);
        say(&t, path_of(providers[i]), BODY);
        struct usage u = usage_of(json_parse(&t.arena, buf_str(&t.plan.body), NULL));
        assert_int_equal(u.input_tokens, 10);
        assert_int_equal(u.output_tokens, t.plan.output_tokens);
        talk_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_keep_their_meaning),
        cmocka_unit_test(refusals_by_type_keep_their_meaning),
        cmocka_unit_test(failed_batches_keep_their_meaning),
        cmocka_unit_test(an_empty_wallet_is_no_rate_limit),
        cmocka_unit_test(headers_keep_their_figures),
        cmocka_unit_test(answers_tell_their_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
