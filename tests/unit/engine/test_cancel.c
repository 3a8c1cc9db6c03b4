/* test_cancel.c: how jobs end that nobody waits for any more: cancelled at each stage, drained,
 * halted, dropped; every body that was lent is given back exactly once (stage.h asserts it). */
#include "stage.h"

/* How far row a has come when the test begins. */
enum progress { QUEUED, DISPATCHED, SENT, HEADED, HALF, BACKING_OFF, PROGRESS_COUNT };

/* Row a on its way as far as that; *p is its connection from SENT on. */
static struct row *bring(struct stage *s, struct peer *p, enum progress progress)
{
    struct row *r = stage_submit(s, 0);
    if (progress == QUEUED)
        return r;
    stage_await(s, "body a");
    if (progress == DISPATCHED)
        return r;
    peer_accept(p, &s->loop, s->listener);
    peer_await(p, "{\"a\"}", 1);
    if (progress == HEADED || progress == HALF)
        stage_answer(p, "200 OK\r\nx-request-id: req_a", "", 20);
    while (progress != SENT && progress != BACKING_OFF && r->job.flow.state != FLOW_RECEIVING)
        uv_run(&s->loop, UV_RUN_ONCE);
    if (progress == HALF)
        peer_send(p, STR("{\"half"));
    while (progress == HALF && s->config.tap.piece && !s->pieces.n)
        uv_run(&s->loop, UV_RUN_ONCE);
    if (progress == BACKING_OFF) {
        stage_answer(p, "503 Service Unavailable", "{}", 0);
        stage_await(s, "setback");
    }
    return r;
}

static bool has_peer(enum progress progress)
{
    return progress != QUEUED && progress != DISPATCHED;
}

static void cancelled_at_each_stage(void **state)
{
    for (enum progress k = QUEUED; k < PROGRESS_COUNT; k++) {
        for (int tapped = 0; tapped < 2; tapped++) {
            static struct stage s;
            struct peer p;
            stage_init(&s);
            s.config.account.retries_max = 1;
            if (tapped)
                stage_tap(&s);
            stage_open(&s, 1000);
            struct row *r = bring(&s, &p, k);
            engine_cancel(s.engine, &r->job);
            assert_true(r->over);
            assert_int_equal(OUTCOME_UNSENT, r->end.outcome);
            assert_string_equal(k == HEADED || k == HALF ? "req_a" : "", r->request_id);
            assert_int_equal(k == QUEUED ? 0 : 1, r->lent);
            assert_int_equal(r->lent, r->released); /* at once: its memory may be gone now */
            assert_int_equal(0, engine_look(s.engine).in_flight);
            engine_cancel(s.engine, &r->job); /* too late: nothing happens */
            if (has_peer(k) && k != BACKING_OFF)
                peer_await_eof(&p); /* not to be taken for the next one's answer */
            if (has_peer(k))
                peer_close(&p);
            stage_close(&s);
        }
    }
}

/* What came of the answer is what was used, and the connection is not used again. */
static void cancelled_from_within_a_piece(void **state)
{
    static struct stage s;
    struct peer p, q;
    stage_init(&s);
    s.config.account.concurrency = 1;
    stage_tap(&s);
    stage_open(&s, 1000);
    s.cancel_in_piece = true;
    struct row *r = bring(&s, &p, HALF);
    stage_submit(&s, 1);
    assert_true(r->over);
    assert_int_equal(2, r->end.usage.output_tokens);
    stage_expect(&s, "body a; begun a: 200; judge a; release a; over a: unsent; ");
    s.cancel_in_piece = false;
    peer_await_eof(&p);
    peer_accept(&q, &s.loop, s.listener);
    peer_await(&q, "{\"b\"}", 1);
    stage_answer(&q, "200 OK", "{}", 0);
    stage_await(&s, "over b");
    peer_close(&p);
    peer_close(&q);
    stage_close(&s);
}

/* Closing drops what is in flight at any stage without a word to the driver but for the bodies.
 */
static void closed_at_each_stage(void **state)
{
    for (enum progress k = QUEUED; k < PROGRESS_COUNT; k++) {
        static struct stage s;
        struct peer p;
        stage_init(&s);
        s.config.account.retries_max = 1;
        stage_open(&s, 1000);
        struct row *r = bring(&s, &p, k);
        for (int i = 1; i < STAGE_ROWS; i++)
            stage_submit(&s, i);
        buf_clear(&s.log);
        if (has_peer(k))
            peer_close(&p);
        engine_freeze(s.engine);
        stage_close(&s);
        assert_false(r->over);
        assert_null(r->job.last);
    }
}

/* Queued ones come back, the one in flight is finished, later ones are turned away. */
static void a_drain_gives_back_what_is_queued(void **state)
{
    static struct stage s;
    struct peer p;
    stage_init(&s);
    s.config.account.concurrency = 1;
    stage_open(&s, 1000);
    bring(&s, &p, SENT);
    stage_submit(&s, 1);
    stage_submit(&s, 2);
    buf_clear(&s.log);
    engine_drain(s.engine);
    stage_expect(&s, "over b: unsent; over c: unsent; ");
    stage_submit(&s, 3);
    stage_expect(&s, "over d: unsent; ");
    stage_answer(&p, "200 OK", "{}", 0);
    stage_await(&s, "over a");
    stage_expect(&s, "release a; over a: ok 200 {}; ");
    peer_close(&p);
    stage_close(&s);
}

/* A refused one is not queued again while the account drains. */
static void a_drain_ends_what_would_be_sent_again(void **state)
{
    static struct stage s;
    struct peer p;
    stage_init(&s);
    stage_open(&s, 1000);
    bring(&s, &p, SENT);
    engine_drain(s.engine);
    stage_answer(&p, "429 Too Many Requests\r\nretry-after-ms: 1", "{}", 0);
    stage_await(&s, "over a");
    stage_expect(&s, "body a; release a; setback a: 429; over a: unsent 429 {}; ");
    peer_close(&p);
    stage_close(&s);
}

/* Three in flight meet the refused key: told once, and everything else comes back unsent. */
static void a_halt_is_told_once(void **state)
{
    static struct stage s;
    struct peer p[3];
    int halts = 0;
    stage_init(&s);
    s.config.account.concurrency = 3;
    stage_open(&s, 1000);
    for (int i = 0; i < STAGE_ROWS; i++)
        stage_submit(&s, i);
    for (int i = 0; i < 3; i++)
        peer_accept(&p[i], &s.loop, s.listener);
    for (int i = 0; i < 3; i++) {
        peer_await(&p[i], "\"}", 1);
        stage_answer(&p[i], "401 Unauthorized", "{\"error\":{\"code\":\"invalid_api_key\"}}",
                     0);
    }
    for (int i = 0; i < STAGE_ROWS; i++) {
        while (!s.rows[i].over)
            uv_run(&s.loop, UV_RUN_ONCE);
        assert_int_equal(OUTCOME_UNSENT, s.rows[i].end.outcome);
        assert_int_equal(i < 3 ? 1 : 0, s.rows[i].lent);
    }
    for (ptrdiff_t at = -1;
         (at = str_find(buf_str(&s.log), STR("halted by "), (size_t)(at + 1))) >= 0;)
        halts++;
    assert_int_equal(1, halts);
    assert_non_null(strstr(buf_cstr(&s.log), ": 401; over")); /* in the words it met */
    for (int i = 0; i < 3; i++)
        peer_close(&p[i]);
    stage_close(&s);
}

/* An answer handed on in pieces, and judged by who took them. */
static void pieces_are_handed_on_and_held_back(void **state)
{
    static struct stage s;
    struct peer p;
    stage_init(&s);
    stage_tap(&s);
    stage_open(&s, 1000);
    struct row *r = bring(&s, &p, HALF);
    assert_int_equal(6, s.pieces.n);
    engine_hold(&r->job, true);
    peer_send(&p, STR("01234567890123"));
    for (int i = 0; i < 20; i++)
        uv_run(&s.loop, UV_RUN_NOWAIT);
    assert_int_equal(6, s.pieces.n);
    assert_false(r->over);
    engine_hold(&r->job, false);
    stage_await(&s, "over a");
    assert_string_equal("{\"half01234567890123", buf_cstr(&s.pieces));
    stage_expect(&s, "body a; begun a: 200; release a; judge a; over a: ok 200 ; ");
    assert_int_equal(2, r->end.usage.output_tokens);
    engine_hold(&r->job, true); /* over: nothing to hold */
    peer_close(&p);
    stage_close(&s);
}

/* Part of the answer has gone where it cannot be taken back: not sent again, whatever is left
 * of its tries. */
static void what_was_passed_on_is_not_sent_again(void **state)
{
    static struct stage s;
    struct peer p;
    stage_init(&s);
    s.config.account.retries_max = 9;
    stage_tap(&s);
    stage_open(&s, 1000);
    s.commit_in_piece = true;
    struct row *r = bring(&s, &p, HALF);
    peer_close(&p);
    stage_await(&s, "over a");
    assert_int_equal(OUTCOME_FAILED, r->end.outcome);
    assert_int_equal(1, r->attempts);
    assert_int_equal(SL_CLOSED, r->end.err);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancelled_at_each_stage),
        cmocka_unit_test(cancelled_from_within_a_piece),
        cmocka_unit_test(closed_at_each_stage),
        cmocka_unit_test(a_drain_gives_back_what_is_queued),
        cmocka_unit_test(a_drain_ends_what_would_be_sent_again),
        cmocka_unit_test(a_halt_is_told_once),
        cmocka_unit_test(pieces_are_handed_on_and_held_back),
        cmocka_unit_test(what_was_passed_on_is_not_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
