/* test_batch.c: a whole run inside one loop, against a provider of our own that answers by
 * script: every row ends as its answer says, and every kind of stop leaves what can go on. */
#include "batch.h"
#include "desk.h"
#include "server.h"

enum { ROWS = 8 };

struct shop;

/* What the provider does with the nth request of all, which is of `row`. */
typedef void script_fn(struct shop *s, struct exchange *x, int row, int nth);

struct shop {
    struct desk desk;
    struct settings settings;
    struct batch batch;
    struct server *server;
    script_fn *script;
    char url[64];
    int arrivals, asked[ROWS];
    struct exchange *held[ROWS]; /* kept waiting by the script */
    int held_count;
};

/* ---- the provider -------------------------------------------------------------------- */

static void on_start(void *ctx, struct exchange *x, const struct message *m)
{
    exchange_set(x, mem_zero(sizeof(struct buf)));
}

static void on_bytes(void *ctx, struct exchange *x, struct str bytes)
{
    buf_add(exchange_user(x), bytes);
}

static void on_end(void *ctx, struct exchange *x)
{
    struct shop *s = ctx;
    ptrdiff_t at = str_find(buf_str(exchange_user(x)), STR("say "), 0);
    assert_true(at >= 0);
    int row = ((struct buf *)exchange_user(x))->p[at + 4] - '0';
    s->asked[row]++;
    s->script(s, x, row, ++s->arrivals);
}

static void on_gone(void *ctx, struct exchange *x, bool complete)
{
    buf_free(exchange_user(x));
    free(exchange_user(x));
}

static void answer(struct exchange *x, int status, const char *body)
{
    struct header soon = {STR("retry-after-ms"), STR("1")};
    server_answer(x, status, &soon, status == 429 || status == 503, str_of(body));
}

static void answer_well(struct exchange *x)
{
    answer(x, 200, "{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":3}}");
}

static void good(struct shop *s, struct exchange *x, int row, int nth)
{
    answer_well(x);
}

/* ---- the run ------------------------------------------------------------------------- */

static void write_requests(struct shop *s, const char *tag)
{
    struct buf text = {0};
    for (int i = 0; i < ROWS; i++)
        buf_printf(
            &text,
            "{\"custom_id\":\"row-%d\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
            "\"body\":{\"model\":\"gpt-4o\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
            "\"content\":\"say %d%s\"}]}}\n",
            i, i, tag);
    desk_write(s->desk.requests, buf_cstr(&text));
    buf_free(&text);
}

static void shop_init(struct shop *s)
{
    *s = (struct shop){0};
    desk_init(&s->desk);
    write_requests(s, "");
}

static void look_at_nothing(void *ctx, int64_t number, const struct diag *diag)
{
    fail_msg("line %d: %s", (int)number, diag->what);
}

static void begin(struct shop *s, const char *concurrency)
{
    struct diag d;
    bool help;
    struct batch *b = &s->batch;
    *b = (struct batch){.settings = &s->settings};
    s->arrivals = 0;
    memset(s->asked, 0, sizeof s->asked);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    struct server_config c = server_defaults();
    struct server_handler h = {
        .start = on_start, .body = on_bytes, .end = on_end, .gone = on_gone, .ctx = s};
    c.listen = "127.0.0.1:0";
    assert_int_equal(server_new(&b->loop, &c, h, &s->server, &d), SL_OK);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/v1", server_port(s->server));
    char *args[] = {s->desk.requests, "-o",
                    s->desk.output,   "-q",
                    "--base-url",     s->url,
                    "--concurrency",  (char *)concurrency,
                    "--retries",      "1",
                    "--minute",       "1s",
                    "--limits",       "gpt-4o:rpm=1000",
                    "--window",       "sliding"};
    assert_int_equal(settings_read(&s->settings, sizeof args / sizeof *args, args, &help, &d),
                     SL_OK);
    totals_init(&b->totals);
    struct input_listener listener = {look_at_nothing, NULL, NULL};
    struct account_options *a = &s->settings.account;
    struct input_config in = {.path = s->desk.requests,
                              .form = s->settings.form,
                              .provider = a->provider,
                              .catalogue = a->catalogue,
                              .limits = &a->limits,
                              .charge = CHARGE_MAX,
                              .use_percent = 100};
    assert_int_equal(input_open(&b->input, &in, &listener, &d), SL_OK);
    struct results_config r = {s->desk.output, NULL};
    assert_int_equal(results_open(&b->loop, &r, &b->input, &b->results, &b->found, &d), SL_OK);
}

static void run(struct shop *s, const char *concurrency, script_fn *script)
{
    struct diag d;
    begin(s, concurrency);
    s->script = script;
    assert_int_equal(batch_run(&s->batch, &d), SL_OK);
    server_free(&s->server);
}

static int in_state(const struct shop *s, enum row_state state)
{
    int n = 0;
    for (size_t i = 0; i < s->batch.input.rows.n; i++)
        n += s->batch.input.rows.list[i].state == state;
    return n;
}

static void end(struct shop *s)
{
    batch_free(&s->batch);
    settings_free(&s->settings);
}

/* Run once more, everything is answered, and each row was written exactly once in all. */
static void finish_the_rest(struct shop *s, int left)
{
    struct buf text = {0};
    end(s);
    run(s, "4", good);
    assert_int_equal(STOP_NONE, s->batch.stop);
    assert_int_equal(left, s->arrivals);
    assert_int_equal(ROWS, in_state(s, ROW_DONE));
    end(s);
    desk_read(s->desk.output, &text);
    for (int i = 0; i < ROWS; i++) {
        char name[16];
        snprintf(name, sizeof name, "\"row-%d\"", i);
        ptrdiff_t at = str_find(buf_str(&text), str_of(name), 0);
        assert_true(at >= 0 && str_find(buf_str(&text), str_of(name), (size_t)at + 1) < 0);
    }
    buf_free(&text);
    desk_free(&s->desk);
}

/* ---- rows ---------------------------------------------------------------------------- */

static void every_row_is_answered_once(void **state)
{
    static struct shop s;
    shop_init(&s);
    run(&s, "3", good);
    const struct model *m = s.batch.input.models.list[0].known;
    assert_int_equal(STOP_NONE, s.batch.stop);
    assert_int_equal(ROWS, s.batch.totals.ok);
    assert_int_equal(10 * ROWS, s.batch.totals.input_tokens);
    assert_int_equal(3 * ROWS, s.batch.totals.output_tokens);
    assert_int_equal(ROWS * (10 * m->input_pusd + 3 * m->output_pusd),
                     s.batch.totals.cost_pusd);
    for (int d = 0; d < DIM_COUNT; d++)
        assert_int_equal(0, s.batch.pools[0].remaining[d]);
    finish_the_rest(&s, 0);
}

/* Row 0 is at fault, row 1 meets a passing fault once, row 2 twice: once more than it is tried,
 * row 3 is refused. */
static void mixed(struct shop *s, struct exchange *x, int row, int nth)
{
    int asked = s->asked[row];
    if (row == 0)
        answer(x, 400, "{\"error\":{\"code\":\"bad_voice\",\"message\":\"no such voice\"}}");
    else if ((row == 1 && asked == 1) || row == 2)
        answer(x, 500, "{\"error\":{\"message\":\"try later\"}}");
    else if (row == 3 && asked == 1)
        answer(
            x, 429,
            "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Rate limit reached for "
            "gpt-4o on requests per min (RPM): Limit 1000, Used 1000, Requested 1.\"}}");
    else
        answer_well(x);
}

static void rows_end_as_their_answers_say(void **state)
{
    static struct shop s;
    struct buf errors = {0}, kinds = {0};
    shop_init(&s);
    run(&s, "8", mixed);
    assert_int_equal(STOP_NONE, s.batch.stop);
    assert_int_equal(ROWS - 2, in_state(&s, ROW_DONE));
    assert_int_equal(2, in_state(&s, ROW_FAILED));
    kinds_write(&s.batch.totals.failures, &kinds);
    assert_non_null(strstr(buf_cstr(&kinds), "bad_voice x1"));
    assert_non_null(strstr(buf_cstr(&kinds), "server_error x1"));
    buf_clear(&kinds);
    kinds_write(&s.batch.totals.retries, &kinds);
    assert_string_equal("500 x2", buf_cstr(&kinds));
    assert_int_equal(1, s.batch.totals.refused);
    assert_int_equal(DIM_RPM, s.batch.totals.refusals[0].dim);
    batch_settle(&s.batch);
    desk_read(s.desk.errors, &errors);
    assert_non_null(strstr(buf_cstr(&errors), "\"message\":\"no such voice\""));
    assert_non_null(strstr(buf_cstr(&errors), "\"message\":\"try later (after 2 attempts)\""));
    end(&s);
    run(&s, "8", good); /* row 2's failure was a passing one, row 0's is not */
    assert_int_equal(1, s.arrivals);
    assert_int_equal(1, s.asked[2]);
    assert_int_equal(1, in_state(&s, ROW_FAILED));
    end(&s);
    buf_free(&errors);
    buf_free(&kinds);
    desk_free(&s.desk);
}

/* ---- stops --------------------------------------------------------------------------- */

/* The third one meets an account that cannot go on, while two others are in flight, which are
 * answered only then. */
static void wallet(struct shop *s, struct exchange *x, int row, int nth)
{
    if (nth < 3) {
        s->held[s->held_count++] = x;
        return;
    }
    answer(x, 429,
           "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"no credit left\"}}");
    while (s->held_count > 0)
        answer_well(s->held[--s->held_count]);
}

static void key(struct shop *s, struct exchange *x, int row, int nth)
{
    answer(x, 401, "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"not yours\"}}");
}

static void an_account_that_cannot_go_on_stops_it(void **state)
{
    static struct shop s;
    shop_init(&s);
    run(&s, "3", wallet);
    assert_int_equal(STOP_ACCOUNT, s.batch.stop);
    assert_string_equal("wallet", s.batch.why.where);
    assert_string_equal("insufficient_quota: no credit left", s.batch.why.what);
    assert_int_equal(3, s.arrivals);
    assert_int_equal(2, in_state(&s, ROW_DONE));
    assert_int_equal(ROWS - 2, in_state(&s, ROW_PENDING)); /* not its fault: asked again */
    assert_int_equal(0, s.batch.totals.failed);
    end(&s);
    run(&s, "1", key);
    assert_int_equal(STOP_ACCOUNT, s.batch.stop);
    assert_string_equal("key", s.batch.why.where);
    assert_int_equal(1, s.arrivals);
    finish_the_rest(&s, ROWS - 2);
}

/* Told to stop once: what is in flight is finished. Twice: at once. */
static void interrupted(struct shop *s, struct exchange *x, int row, int nth)
{
    if (nth == 1) {
        s->held[0] = x;
        return;
    }
    batch_stop(&s->batch, STOP_INTERRUPT, "", "interrupted");
    batch_stop(&s->batch, STOP_ACCOUNT, "key", "heavier");
    batch_stop(&s->batch, STOP_INTERRUPT, "", "lighter: not heard");
    answer_well(s->held[0]);
    answer_well(x);
}

static void interrupted_twice(struct shop *s, struct exchange *x, int row, int nth)
{
    if (nth == 1) {
        answer_well(x);
        return;
    }
    batch_stop(&s->batch, STOP_INTERRUPT, "", "interrupted");
    batch_stop(&s->batch, STOP_NOW, "", "interrupted");
}

static void an_interrupt_finishes_what_is_in_flight(void **state)
{
    static struct shop s;
    shop_init(&s);
    run(&s, "2", interrupted);
    assert_int_equal(STOP_ACCOUNT, s.batch.stop);
    assert_string_equal("heavier", s.batch.why.what);
    assert_int_equal(2, in_state(&s, ROW_DONE));
    finish_the_rest(&s, ROWS - 2);
}

static void a_second_interrupt_drops_it(void **state)
{
    static struct shop s;
    shop_init(&s);
    run(&s, "1", interrupted_twice);
    assert_int_equal(STOP_NOW, s.batch.stop);
    assert_int_equal(1, in_state(&s, ROW_DONE));
    assert_int_equal(2, s.arrivals);
    finish_the_rest(&s, ROWS - 1);
}

/* The batch file is changed under the run's feet: what is read again is not what was checked.
 */
static void change_file(struct shop *s, struct exchange *x, int row, int nth)
{
    write_requests(s, "!");
    answer_well(x);
}

static void a_changed_file_stops_it(void **state)
{
    static struct shop s;
    shop_init(&s);
    run(&s, "1", change_file);
    assert_int_equal(STOP_DISK, s.batch.stop);
    assert_string_equal(s.desk.requests, s.batch.why.where);
    assert_non_null(strstr(s.batch.why.what, "has changed since the file was checked"));
    assert_int_equal(1, s.arrivals);
    assert_int_equal(0, in_state(&s, ROW_FAILED)); /* nobody is blamed for what was not sent */
    write_requests(&s, "");
    finish_the_rest(&s, ROWS - 1);
}

/* An answer that cannot be kept must not be followed by another. */
static void a_full_disk_stops_it(void **state)
{
    static struct shop s;
    shop_init(&s);
    snprintf(s.desk.output, sizeof s.desk.output, "/dev/full");
    run(&s, "1", good);
    assert_int_equal(STOP_DISK, s.batch.stop);
    assert_string_equal("/dev/full", s.batch.why.where);
    assert_int_equal(1, s.arrivals);
    assert_int_equal(0, in_state(&s, ROW_DONE) + in_state(&s, ROW_FAILED));
    snprintf(s.desk.output, sizeof s.desk.output, "%s/results.jsonl", s.desk.folder);
    finish_the_rest(&s, ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_answered_once),
        cmocka_unit_test(rows_end_as_their_answers_say),
        cmocka_unit_test(an_account_that_cannot_go_on_stops_it),
        cmocka_unit_test(an_interrupt_finishes_what_is_in_flight),
        cmocka_unit_test(a_second_interrupt_drops_it),
        cmocka_unit_test(a_changed_file_stops_it),
        cmocka_unit_test(a_full_disk_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
