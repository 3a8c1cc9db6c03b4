/* test_engine.c: actions carried out in order, events for what comes back, refusals sent again,
 * broken connections told as faults. */
#include "stage.h"

static void a_request_is_sent_and_its_answer_handed_over(void **state)
{
    static struct stage s;
    struct peer p;
    stage_init(&s);
    stage_open(&s, 1000);
    assert_int_equal(-1, engine_look(s.engine).first_sent_us);
    struct row *r = stage_submit(&s, 0);
    stage_expect(&s, ""); /* nothing is carried out from within: the loop's turn asks flow */
    peer_accept(&p, &s.loop, s.listener);
    peer_await(&p, "{\"a\"}", 1);
    const char *got = buf_cstr(&p.got);
    assert_non_null(strstr(got, "POST /v1/chat/completions HTTP/1.1\r\n"));
    assert_non_null(strstr(got, "authorization: Bearer secret\r\n"));
    assert_non_null(strstr(got, "content-type: application/json\r\n"));
    assert_non_null(strstr(got, "user-agent: sluice/"));
    assert_int_equal(1, engine_look(s.engine).in_flight);
    assert_int_equal(FLOW_SENDING, r->job.flow.state);
    assert_true(r->job.flow.sent_us > 0);
    const char *answer = "{\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":11}}";
    stage_answer(&p, "200 OK\r\nx-request-id: req_1", "", strlen(answer));
    while (r->job.flow.state != FLOW_RECEIVING)
        uv_run(&s.loop, UV_RUN_ONCE);
    peer_send(&p, str_of(answer));
    stage_await(&s, "over a");
    stage_expect(&s, "body a; release a; over a: ok 200 "
                     "{\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":11}}; ");
    assert_int_equal(7, r->end.usage.input_tokens);
    assert_int_equal(11, r->end.usage.output_tokens);
    struct engine_look look = engine_look(s.engine);
    assert_int_equal(0, look.in_flight);
    assert_true(look.last_answer_us >= look.last_sent_us);
    assert_int_equal(look.last_answer_us - look.last_sent_us, r->end.service_us);
    assert_string_equal("", look.why);
    peer_close(&p);
    stage_close(&s);
}

/* One at a time, first come first served, on one connection. */
static void actions_are_carried_out_in_order(void **state)
{
    static struct stage s;
    struct peer p;
    stage_init(&s);
    s.config.account.concurrency = 1;
    stage_open(&s, 1000);
    for (int i = 0; i < 4; i++)
        stage_submit(&s, i);
    peer_accept(&p, &s.loop, s.listener);
    for (int i = 0; i < 4; i++) {
        char body[16], over[32];
        snprintf(body, sizeof body, "{\"%c\"}", 'a' + i);
        snprintf(over, sizeof over, "over %c", 'a' + i);
        peer_await(&p, body, 1);
        stage_answer(&p, "200 OK", "{}", 0);
        stage_await(&s, over);
    }
    stage_expect(
        &s, "body a; release a; over a: ok 200 {}; body b; release b; over b: ok 200 {}; "
            "body c; release c; over c: ok 200 {}; body d; release d; over d: ok 200 {}; ");
    peer_close(&p);
    stage_close(&s);
}

/* What a driver submits when it is hungry goes in the same turn. */
static void hungry(void *ctx)
{
    struct stage *s = ctx;
    for (int i = 0; i < 2; i++) {
        if (s->rows[i].job.flow.state == FLOW_NEW)
            stage_submit(s, i);
    }
}

static void a_hungry_driver_is_fed(void **state)
{
    static struct stage s;
    struct peer p, q;
    stage_init(&s);
    s.config.driver.hungry = hungry;
    stage_open(&s, 1000);
    peer_accept(&p, &s.loop, s.listener);
    peer_accept(&q, &s.loop, s.listener);
    stage_await(&s, "body b");
    stage_expect(&s, "body a; body b; ");
    peer_close(&p);
    peer_close(&q);
    stage_close(&s);
}

static void a_refused_request_is_sent_again(void **state)
{
    static struct stage s;
    struct peer p;
    stage_init(&s);
    stage_open(&s, 1000);
    struct row *r = stage_submit(&s, 0);
    peer_accept(&p, &s.loop, s.listener);
    peer_await(&p, "{\"a\"}", 1);
    stage_answer(&p, "429 Too Many Requests\r\nretry-after-ms: 1",
                 "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", 0);
    peer_await(&p, "{\"a\"}", 2);
    stage_answer(&p, "200 OK", "{}", 0);
    stage_await(&s, "over a");
    stage_expect(&s,
                 "body a; release a; setback a: 429; body a; release a; over a: ok 200 {}; ");
    assert_int_equal(2, r->attempts);
    assert_int_equal(1, r->job.flow.refusals);
    assert_int_equal(0, r->job.flow.failures);
    peer_close(&p);
    stage_close(&s);
}

/* A fault that passes: tried again, and told as a setback. */
static void a_broken_request_is_sent_again(void **state)
{
    static struct stage s;
    struct peer p, q;
    stage_init(&s);
    s.config.account.retries_max = 1;
    stage_open(&s, 1000);
    stage_submit(&s, 0);
    peer_accept(&p, &s.loop, s.listener);
    peer_await(&p, "{\"a\"}", 1);
    peer_close(&p);
    stage_await(&s, "setback");
    assert_int_equal(SL_CLOSED, engine_look(s.engine).trouble);
    peer_accept(&q, &s.loop, s.listener);
    peer_await(&q, "{\"a\"}", 1);
    stage_answer(&q, "200 OK", "{}", 0);
    stage_await(&s, "over a");
    stage_expect(&s, "body a; release a; setback a: closed by the peer; "
                     "body a; release a; over a: ok 200 {}; ");
    assert_int_equal(SL_OK, engine_look(s.engine).trouble);
    assert_string_equal("", engine_look(s.engine).why);
    peer_close(&q);
    stage_close(&s);
}

/* Each way in which an answer can fail to be one. */
static void broken_connections_become_faults(void **state)
{
    static const struct {
        const char *answer, *log;
        enum sl_err err;
    } rows[] = {
        {"", "closed by the peer", SL_CLOSED},
        {"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", "closed by the peer", SL_CLOSED},
        {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "malformed input", SL_SYNTAX},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "malformed input", SL_SYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct stage s;
        struct peer p;
        char log[200];
        stage_init(&s);
        stage_open(&s, 1000);
        struct row *r = stage_submit(&s, 0);
        peer_accept(&p, &s.loop, s.listener);
        peer_await(&p, "{\"a\"}", 1);
        peer_send(&p, str_of(rows[i].answer));
        peer_close(&p);
        stage_await(&s, "over a");
        snprintf(log, sizeof log, "body a; release a; setback a: %s; over a: failed, ",
                 rows[i].log);
        assert_int_equal(0, str_find(buf_str(&s.log), str_of(log), 0));
        assert_int_equal(rows[i].err, r->end.err);
        assert_false(r->end.answered);
        assert_int_equal(0, engine_look(s.engine).in_flight);
        assert_true(engine_look(s.engine).why[0] != '\0');
        stage_close(&s);
    }
}

/* Nobody there, or nothing to send: in both cases nothing was charged. */
static void what_never_left_was_not_charged(void **state)
{
    for (int i = 0; i < 2; i++) {
        static struct stage s;
        struct pool_view view;
        stage_init(&s);
        stage_open(&s, 1000);
        s.unreadable = i;
        if (!i)
            close(s.listener);
        s.listener = i ? s.listener : -1;
        struct row *r = stage_submit(&s, 0);
        stage_await(&s, "over a");
        assert_int_equal(i ? SL_IO : SL_CONNECT, r->end.err);
        assert_int_equal(i ? 0 : 1, r->lent);
        pool_look(engine_account(s.engine), s.pool, engine_now(s.engine), &view);
        assert_int_equal(0, view.budgets[0].charged);
        stage_close(&s);
    }
}

/* The server has closed a connection when the next request goes out on it: sent again on a
 * fresh one, of which flow need not know. */
static void the_keep_alive_race_is_no_fault(void **state)
{
    static struct stage s;
    struct peer p, q;
    stage_init(&s);
    s.config.account.concurrency = 1;
    stage_open(&s, 1000);
    stage_submit(&s, 0);
    struct row *r = stage_submit(&s, 1);
    peer_accept(&p, &s.loop, s.listener);
    peer_await(&p, "{\"a\"}", 1);
    stage_answer(&p, "200 OK", "{}", 0);
    peer_close(&p); /* and the loop does not know yet: b goes where nobody reads */
    peer_accept(&q, &s.loop, s.listener);
    peer_await(&q, "{\"b\"}", 1);
    stage_answer(&q, "200 OK", "{}", 0);
    stage_await(&s, "over b");
    stage_expect(
        &s, "body a; release a; over a: ok 200 {}; body b; release b; over b: ok 200 {}; ");
    assert_int_equal(1, r->attempts);
    peer_close(&q);
    stage_close(&s);
}

/* One that has read it and closes may have carried it out: that is a fault, and flow decides.
 */
static void what_may_have_been_carried_out_is_a_fault(void **state)
{
    static struct stage s;
    struct peer p;
    stage_init(&s);
    s.config.account.concurrency = 1;
    s.config.account.resends = false;
    stage_open(&s, 1000);
    stage_submit(&s, 0);
    struct row *r = stage_submit(&s, 1);
    peer_accept(&p, &s.loop, s.listener);
    peer_await(&p, "{\"a\"}", 1);
    stage_answer(&p, "200 OK", "{}", 0);
    peer_await(&p, "{\"b\"}", 1);
    peer_close(&p);
    stage_await(&s, "over b");
    assert_int_equal(SL_CLOSED, r->end.err);
    assert_false(r->end.answered);
    stage_close(&s);
}

/* A server that answers before it has all of a long request, and takes the rest of it or does
 * not. */
static void an_answer_may_begin_before_the_request_is_out(void **state)
{
    enum { BODY = 16 << 20 };
    for (int takes_it = 0; takes_it < 2; takes_it++) {
        static struct stage s;
        struct peer p;
        stage_init(&s);
        stage_open(&s, 1000);
        while (s.rows[0].large.n < BODY)
            buf_puts(&s.rows[0].large, "0123456789abcdef");
        struct row *r = stage_submit(&s, 0);
        peer_accept(&p, &s.loop, s.listener);
        uv_poll_stop(p.poll); /* reads nothing */
        stage_await(&s, "body a");
        stage_answer(&p, "413 Content Too Large", "{\"error\":", 3);
        while (r->job.flow.state != FLOW_RECEIVING)
            uv_run(&s.loop, UV_RUN_ONCE);
        assert_int_equal(-1, engine_look(s.engine).first_sent_us);
        if (takes_it)
            uv_poll_start(p.poll, UV_READABLE, peer_on_readable);
        while (takes_it && engine_look(s.engine).first_sent_us < 0)
            uv_run(&s.loop, UV_RUN_ONCE);
        peer_send(&p, STR("{}}"));
        stage_await(&s, "over a");
        assert_int_equal(413, r->end.status);
        assert_int_equal(OUTCOME_FAILED, r->end.outcome);
        assert_true((r->end.service_us > 0) == takes_it); /* from when it was out */
        peer_close(&p);
        stage_close(&s);
    }
}

/* A job may bring its own headers; the key is the engine's all the same. */
static void a_jobs_own_headers_keep_the_key(void **state)
{
    static struct stage s;
    struct peer p;
    struct header own[] = {{STR("content-type"), STR("text/plain")}};
    stage_init(&s);
    stage_open(&s, 1000);
    s.rows[0].job.headers = own;
    s.rows[0].job.header_count = 1;
    s.rows[0].job.method = "PUT";
    stage_submit(&s, 0);
    peer_accept(&p, &s.loop, s.listener);
    peer_await(&p, "{\"a\"}", 1);
    assert_non_null(strstr(buf_cstr(&p.got), "PUT /v1/chat/completions HTTP/1.1\r\n"));
    assert_non_null(strstr(buf_cstr(&p.got), "content-type: text/plain\r\n"));
    assert_non_null(strstr(buf_cstr(&p.got), "authorization: Bearer secret\r\n"));
    assert_null(strstr(buf_cstr(&p.got), "application/json"));
    peer_close(&p);
    stage_close(&s);
}

static void a_base_url_that_is_none_is_told(void **state)
{
    static struct stage s;
    struct diag d = {0};
    stage_init(&s);
    s.config.upstream.base_url = "nowhere";
    assert_int_equal(SL_SYNTAX, engine_new(&s.loop, &s.config, &s.engine, &d));
    assert_true(d.what[0] != '\0');
    close(s.listener);
    assert_int_equal(0, uv_loop_close(&s.loop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_sent_and_its_answer_handed_over),
        cmocka_unit_test(actions_are_carried_out_in_order),
        cmocka_unit_test(a_hungry_driver_is_fed),
        cmocka_unit_test(a_refused_request_is_sent_again),
        cmocka_unit_test(a_broken_request_is_sent_again),
        cmocka_unit_test(broken_connections_become_faults),
        cmocka_unit_test(what_never_left_was_not_charged),
        cmocka_unit_test(the_keep_alive_race_is_no_fault),
        cmocka_unit_test(what_may_have_been_carried_out_is_a_fault),
        cmocka_unit_test(an_answer_may_begin_before_the_request_is_out),
        cmocka_unit_test(a_jobs_own_headers_keep_the_key),
        cmocka_unit_test(a_base_url_that_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
