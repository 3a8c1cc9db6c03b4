/* test_world.c: a cell is its words, the same cell is the same run, and the world keeps the
 * rules that its header states. */
#include "baseline.h"
#include "check.h"
#include "trial.h"
#include "world.h"

static struct cell cell_of(const char *words)
{
    struct cell c = cell_default();
    struct diag diag;
    if (cell_parse(str_of(words), &c, &diag))
        fail_msg("%s", diag.what);
    return c;
}

static void words_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "mode=known window=fixed bound=rpm charge=max jitter=60 service=3 seed=4",
        "mode=blind window=sliding bound=mixed charge=actual jitter=0.25 service=0.2 seed=7",
        "mode=stranger window=slices bound=tpm charge=sum jitter=10 service=30 seed=1 "
        "client=even "
        "work=arrivals phase=5000 headers=answer drain=0 round=ms sabotage=blunt",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct cell c = cell_of(texts[i]);
        struct buf out = {0};
        cell_write(&out, &c);
        assert_string_equal(buf_cstr(&out), texts[i]);
        buf_free(&out);
    }
}

static void wrong_words(void **state)
{
    (void)state;
    static const char *const texts[] = {"mode=unknown", "colour=red",  "seed",
                                        "jitter=x",     "service=1.x", "seed="};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct cell c = cell_default();
        struct diag diag;
        assert_int_not_equal(cell_parse(str_of(texts[i]), &c, &diag), SL_OK);
    }
}

/* Runs the even client and lends its world to `look` before all is freed. */
static void with_world(const struct cell *c,
                       void (*look)(const struct cell *, const struct work *,
                                    const struct world_result *, const struct oracle_log *))
{
    struct work work;
    assert_int_equal(work_make(c, (struct str){0}, &work), SL_OK);
    struct world *w = world_new(c, &work);
    struct baseline *b = baseline_new(c, &work, w);
    struct client face = baseline_face(b);
    struct world_result r = world_run(w, &face, INT64_MAX - 1);
    look(c, &work, &r, world_log(w));
    baseline_free(&b);
    world_free(&w);
    work_free(&work);
}

static void look_at_sums(const struct cell *c, const struct work *work,
                         const struct world_result *r, const struct oracle_log *log)
{
    int64_t charged = 0, wanted = 0, arrivals = 0;
    for (size_t i = 0; i < work->n; i++)
        wanted += job_tokens(&work->jobs[i], c->charge);
    for (size_t i = 0; i < log->n; i++) {
        charged += log->list[i].kind == ORACLE_REFUSED ? 0 : log->list[i].charge[1];
        arrivals += log->list[i].kind != ORACLE_PRODUCED;
    }
    assert_int_equal(charged, wanted);
    assert_int_equal(arrivals, r->sends);
    assert_int_equal(r->answered, work->n);
    assert_true(r->first_admit_us - r->first_send_us >= SIM_DELAY_US);
    assert_true(r->first_admit_us - r->first_send_us <= SIM_DELAY_US + c->jitter_us);
}

static void everything_is_charged_once(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "window=bucket bound=tpm charge=max client=even",
        "window=bucket bound=tpm charge=sum client=even",
        "window=bucket bound=tpm charge=actual client=even service=30",
        "window=slices bound=rpm charge=actual client=even jitter=200",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct cell c = cell_of(texts[i]);
        with_world(&c, look_at_sums);
    }
}

static void same_cell_same_run(void **state)
{
    (void)state;
    struct cell c = cell_of("mode=known window=fixed bound=mixed charge=actual service=3");
    struct trial a = trial_run(&c, (struct str){0}, false);
    struct trial b = trial_run(&c, (struct str){0}, false);
    assert_int_equal(a.span_us, b.span_us);
    assert_int_equal(a.events, b.events);
    c.seed++;
    b = trial_run(&c, (struct str){0}, false);
    assert_int_not_equal(a.span_us, b.span_us);
}

static void trace_is_read(void **state)
{
    (void)state;
    struct cell c = cell_of("work=arrivals charge=sum");
    struct work work;
    struct str csv = STR("TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
                         "2023-11-16 18:15:46.6805900,374,44\r\n"
                         "2023-11-16 18:15:50.9951690,396,109");
    assert_int_equal(work_make(&c, csv, &work), SL_OK);
    assert_int_equal(work.n, 2);
    assert_int_equal(work.jobs[1].arrives_us, 4314579);
    assert_int_equal(work.jobs[1].input_tokens, 396);
    assert_int_equal(work.jobs[1].output_tokens, 109);
    work_free(&work);
    assert_int_equal(work_make(&c, STR("TIMESTAMP\n18:15,1,x\n"), &work), SL_SYNTAX);
    work_free(&work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_round_trip),
        cmocka_unit_test(wrong_words),
        cmocka_unit_test(everything_is_charged_once),
        cmocka_unit_test(same_cell_same_run),
        cmocka_unit_test(trace_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
