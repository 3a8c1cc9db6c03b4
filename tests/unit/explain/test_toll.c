/* Refusals counted once however often a log tells them, stretches of refusals, and the busiest
 * minute of each kind of request. */
#include "check.h"
#include "toll.h"
#include "traffic.h"

#include <stdio.h>

enum { S = 1000000 };
static const int64_t start = 1795683600000000;
static const struct origin nobody = {NULL, "The provider", NULL};

struct seen {
    struct toll toll;
    struct traffic traffic;
    struct catalogue *catalogue;
};

static void take(void *ctx, const struct evidence *e)
{
    struct seen *s = ctx;
    struct arena arena = {0};
    if (logged_is_request(&e->logged))
        traffic_add(&s->traffic, s->catalogue, STR("openai"), &e->logged);
    if (e->logged.status / 100 == 2)
        toll_success(&s->toll, e->logged.at_us);
    struct finding f = finding_of(e, &nobody, start, &arena);
    bool fresh;
    if (f.verdict.kind != VERDICT_OK)
        (void)toll_add(&s->toll, &f, STR("a label"), start, &fresh);
    arena_free(&arena);
}

static struct seen look(struct str log)
{
    struct seen s = {0};
    struct diag diag;
    toll_init(&s.toll);
    traffic_init(&s.traffic);
    s.catalogue = catalogue_open((struct str){0}, NULL, &diag);
    evidence_each(log, take, &s);
    toll_settle(&s.toll);
    return s;
}

static void look_free(struct seen *s)
{
    toll_free(&s->toll);
    traffic_free(&s->traffic);
    catalogue_close(&s->catalogue);
}

#define LIMITED                                                                                \
    "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit "      \
    "30000, "                                                                                  \
    "Used 29937, Requested 385. Please try again in 644ms.\n"

static void a_status_and_its_exception_are_one(void **state)
{
    struct seen s = look(STR("2026-11-26 09:00:01 POST /v1/chat/completions 429\n"
                             "2026-11-26 09:00:01 ERROR " LIMITED
                             "2026-11-26 09:00:02 POST /v1/chat/completions 429\n"
                             "2026-11-26 09:00:03 POST /v1/chat/completions 429\n"
                             "2026-11-26 09:00:04 POST /v1/chat/completions 200\n"
                             "2026-11-26 09:00:05 GET /favicon.ico 404\n"));
    assert_int_equal(s.toll.refusals, 3);
    assert_int_equal(s.toll.n, 2);
    assert_true(s.toll.groups[0].bare);
    assert_int_equal(s.toll.groups[0].count, 2);
    assert_true(str_eq(s.toll.groups[0].model, STR("a label")));
    assert_int_equal(s.toll.groups[1].count, 1);
    assert_int_equal(s.toll.groups[1].dim, DIM_TPM);
    assert_int_equal(s.toll.groups[1].limit, 30000);
    assert_true(str_eq(s.toll.groups[1].model, STR("gpt-4o")));
    assert_int_equal(s.traffic.total, 4);
    look_free(&s);
}

static void what_tells_more_takes_the_place_of_what_tells_less(void **state)
{
    struct seen s = look(STR("POST /v1/chat/completions 429\n" LIMITED "x\n" LIMITED
                             "POST /v1/chat/completions 503\n"));
    assert_int_equal(s.toll.n, 2);
    assert_int_equal(s.toll.refusals, 3);
    assert_int_equal(s.toll.groups[0].count, 2);
    assert_int_equal(s.toll.groups[0].first_line, 2);
    assert_int_equal(s.toll.groups[0].last_line, 4);
    assert_int_equal(s.toll.groups[1].kind, VERDICT_OVERLOADED);
    look_free(&s);
}

static void groups_are_told_apart_and_bounded(void **state)
{
    struct buf log = {0};
    for (int i = 0; i < TOLL_GROUPS + 40; i++)
        buf_printf(&log, "Rate limit reached for m%d on requests per min (RPM): Limit 3.\n", i);
    buf_puts(&log, "Rate limit reached for m7 on tokens per min (TPM): Limit 3.\n");
    struct seen s = look(buf_str(&log));
    assert_int_equal(s.toll.n, TOLL_GROUPS);
    assert_int_equal(s.toll.overflowed, 41);
    assert_int_equal(s.toll.refusals, TOLL_GROUPS + 41);
    look_free(&s);
    buf_free(&log);
}

/* A refusal every three minutes, and a success where `success` says. */
static struct stretch stretch_of(int refusals, int success)
{
    struct buf log = {0};
    for (int i = 0; i < refusals; i++) {
        buf_printf(&log,
                   "%lld Rate limit reached for gpt-4o on requests per min (RPM): Limit 3.\n",
                   (long long)(start / S) + i * 180);
        if (i == success)
            buf_printf(&log, "%lld POST /v1/chat/completions 200\n",
                       (long long)(start / S) + i * 180 + 1);
    }
    struct seen s = look(buf_str(&log));
    struct stretch longest = s.toll.groups[0].longest;
    look_free(&s);
    buf_free(&log);
    return longest;
}

static void hours_of_refusals_without_a_success(void **state)
{
    struct stretch s = stretch_of(40, -1);
    assert_int_equal(s.refusals, 40);
    assert_int_equal((s.to_us - s.from_us) / S, 39 * 180);
    assert_true(support_is_odd(&s));
    s = stretch_of(40, 20); /* the longer half begins after the success */
    assert_int_equal(s.refusals, 21);
    assert_true(support_is_odd(&s));
    s = stretch_of(12, -1);
    assert_false(support_is_odd(&s)); /* half an hour */
    s = (struct stretch){0, 7200LL * S, 4000};
    assert_false(support_is_odd(&s)); /* that is traffic */
}

static void a_limit_of_a_day_may_refuse_for_hours(void **state)
{
    struct seen s = look(STR("2026-11-26 09:00:01 Rate limit reached for m on requests per day "
                             "(RPD): Limit 3.\n2026-11-26 15:00:01 Rate limit reached for m on "
                             "requests per day (RPD): Limit 3.\n"));
    assert_int_equal(s.toll.groups[0].longest.refusals, 0);
    look_free(&s);
}

/* The gateway tells how often the provider refused a request that ended well in the end, and
 * what it refused itself. */
static void our_own_log(void **state)
{
    struct seen s = look(STR(
        "{\"tenant\":\"a\",\"model\":\"m\",\"status\":200,\"verdict\":\"ok\",\"refused\":3,"
        "\"waited_for\":\"rpm\"}\n"
        "{\"tenant\":\"b\",\"model\":\"m\",\"status\":429,\"verdict\":\"wait\",\"refused\":0}\n"
        "{\"tenant\":\"b\",\"model\":\"m\",\"status\":200,\"verdict\":\"ok\",\"refused\":0}\n"
        "{\"tenant\":\"b\",\"model\":\"m\",\"status\":0,\"verdict\":\"left\",\"refused\":0}\n"
        "{\"tenant\":\"b\",\"model\":\"m\",\"status\":400,\"verdict\":\"context_length\"}\n"));
    assert_int_equal(s.toll.refusals, 5);
    assert_int_equal(s.toll.n, 3);
    assert_int_equal(s.toll.groups[0].count, 3);
    assert_int_equal(s.toll.groups[0].dim, DIM_RPM);
    assert_false(s.toll.groups[0].own);
    assert_true(s.toll.groups[1].own);
    assert_int_equal(s.toll.groups[1].kind, VERDICT_RATE_LIMIT);
    assert_int_equal(s.toll.groups[2].kind, VERDICT_CONTEXT_LENGTH);
    assert_int_equal(s.toll.tenant_count, 2);
    assert_int_equal(s.toll.tenants[0].refusals, 3);
    assert_int_equal(s.traffic.total, 5);
    assert_int_equal(s.traffic.n, 1);
    assert_true(s.traffic.classes[0].model);
    look_free(&s);
}

/* ---- traffic ---- */

static const struct traffic_class *class_of(const struct traffic *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++) {
        if (str_eq(t->classes[i].name, str_of(name)))
            return &t->classes[i];
    }
    return NULL;
}

static void add(struct traffic *t, const struct catalogue *c, const char *method,
                const char *path, int64_t at_us)
{
    struct logged l = {.at_us = at_us, .method = str_of(method), .path = str_of(path)};
    traffic_add(t, c, STR("openai"), &l);
}

static void the_busiest_minute_is_any_60_seconds(void **state)
{
    struct traffic t;
    struct diag diag;
    struct catalogue *c = catalogue_open((struct str){0}, NULL, &diag);
    traffic_init(&t);
    /* 700 before the full minute and 700 after it: no calendar minute has more than 700 */
    for (int i = 0; i < 1400; i++)
        add(&t, c, "GET", "/v1/threads/thread_1/runs/run_1", start + 40 * S + i * 25000LL);
    for (int i = 0; i < 250; i++) /* a run each 300 ms: 200 in any minute */
        add(&t, c, "POST", "/v1/threads/thread_1/runs", start + i * 300000LL);
    add(&t, c, "POST", "/v1/threads/runs", start);
    add(&t, c, "DELETE", "/v1/threads/thread_1", -1);
    const struct traffic_class *get = class_of(&t, "assistants-get");
    assert_int_equal(get->total, 1400);
    assert_int_equal(get->peak, 1400);
    assert_int_equal(traffic_limit(get), 1000);
    assert_in_range(get->peak_us, start, start + 40 * S);
    const struct traffic_class *runs = class_of(&t, "assistants-runs");
    assert_int_equal(runs->total, 251); /* of both paths */
    assert_in_range(runs->peak, 200, 202);
    assert_int_equal(traffic_limit(runs), 200);
    assert_int_equal(class_of(&t, "assistants-delete")->peak_us, -1);
    assert_true(str_eq(traffic_busiest(&t)->name, STR("GET /threads/*/runs/*")));
    traffic_free(&t);
    catalogue_close(&c);
}

/* Lines a little out of order count in their own second; a day's silence is no trouble. */
static void late_lines_and_gaps(void **state)
{
    struct traffic t;
    struct diag diag;
    struct catalogue *c = catalogue_open((struct str){0}, NULL, &diag);
    traffic_init(&t);
    for (int i = 0; i < 100; i++)
        add(&t, c, "GET", "/v1/threads", start + (i % 2 ? 10 : 0) * S);
    add(&t, c, "GET", "/v1/threads", start + 86400LL * S);
    add(&t, c, "GET", "/v1/threads", start); /* far too late: of no minute any more */
    assert_int_equal(t.classes[0].peak, 100);
    assert_int_equal(t.classes[0].total, 102);
    assert_int_equal(t.classes[0].sum, 1);
    traffic_free(&t);
    catalogue_close(&c);
}

static void classes_are_bounded(void **state)
{
    struct traffic t;
    struct diag diag;
    struct catalogue *c = catalogue_open((struct str){0}, NULL, &diag);
    traffic_init(&t);
    for (int i = 0; i < 500; i++) {
        char path[32];
        snprintf(path, sizeof path, "/v1/%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'z');
        add(&t, c, "GET", path, start);
    }
    assert_int_equal(t.n, TRAFFIC_CLASSES);
    assert_int_equal(t.route_count, TRAFFIC_ROUTES);
    assert_int_equal(t.others, 500 - TRAFFIC_CLASSES);
    traffic_free(&t);
    catalogue_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_and_its_exception_are_one),
        cmocka_unit_test(what_tells_more_takes_the_place_of_what_tells_less),
        cmocka_unit_test(groups_are_told_apart_and_bounded),
        cmocka_unit_test(hours_of_refusals_without_a_success),
        cmocka_unit_test(a_limit_of_a_day_may_refuse_for_hours),
        cmocka_unit_test(our_own_log),
        cmocka_unit_test(the_busiest_minute_is_any_60_seconds),
        cmocka_unit_test(late_lines_and_gaps),
        cmocka_unit_test(classes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
