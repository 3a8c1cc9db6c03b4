/* progress: the block fits its terminal and says what design/experience.md says it says. */
#include "check.h"
#include "progress.h"

#include <stdio.h>

static const struct kinds retries = {.list = {{"503", 2}}, .n = 1};

static struct progress sample(void)
{
    struct progress p = {.input = "gsm8k.batch.jsonl",
                         .output = "results.jsonl",
                         .account = "openai/tier-1",
                         .done = 812,
                         .total = 1319,
                         .eta_us = 281000000,
                         .eta_at = "14:32:07",
                         .pool_count = 1,
                         .in_flight = 9,
                         .waiting = 498,
                         .retries = &retries,
                         .state = ""};
    p.pools[0] = (struct progress_pool){.name = STR("gpt-4o"),
                                        .tokens = {DIM_TPM, 29870, 30000, true},
                                        .requests = {DIM_RPM, 71, 500, false}};
    return p;
}

static void block_is_the_sketch(void **state)
{
    (void)state;
    struct progress p = sample();
    struct progress_style style = {100, false, false};
    struct buf out = {0};
    int lines;
    progress_block(&p, &style, &out, &lines);
    assert_int_equal(lines, 4);
    assert_string_equal(
        buf_cstr(&out),
        "gsm8k.batch.jsonl -> results.jsonl                              openai/tier-1\n"
        "  812 / 1,319  ###################------------  61.5 %   ETA 4m 41s (at 14:32:07)\n"
        "  tokens   29,870 / 30,000 per min #########- binds     requests   71 / 500 per min\n"
        "  in flight 9   waiting 498   retried 2 (503 x2)   refused 0\n");
    buf_free(&out);
}

/* Two parts, each with its own time; for a deadline also when they become one. */
static void batches_are_a_part_of_their_own(void **state)
{
    struct progress p = sample();
    struct progress_style style = {80, false, false};
    struct progress_batches b = {.at_work = 1,
                                 .waiting = 1,
                                 .over = 2,
                                 .done = 812,
                                 .total = 1000,
                                 .upload_percent = -1,
                                 .status = "in_progress",
                                 .eta_us = 4200 * INT64_C(1000000),
                                 .due_us = -1,
                                 .ends_us = 75780 * INT64_C(1000000)};
    struct buf out = {0};
    int lines;
    p.batches = &b;
    p.eta_live = true;
    progress_block(&p, &style, &out, &lines);
    assert_int_equal(lines, 6);
    assert_non_null(strstr(buf_cstr(&out), "   live ETA 4m 41s (at 14:32:07)\n"));
    assert_non_null(
        strstr(buf_cstr(&out),
               "  batches   1 at work (in_progress, 812 / 1,000)   1 waiting   2 done\n"
               "            done in about 1h 10m   end within 21h 03m\n"));
    buf_clear(&out);
    b.due_us = 7380 * INT64_C(1000000);
    progress_line(&p, &out);
    assert_non_null(strstr(buf_cstr(&out),
                           "2 done   done in about 1h 10m   asked live in 2h 03m unless "
                           "done   in flight"));
    buf_clear(&out);
    b.eta_us = b.due_us = b.ends_us = -1; /* nothing is known */
    progress_block(&p, &style, &out, &lines);
    assert_int_equal(lines, 5);
    buf_clear(&out);
    p.eta_live = false;
    p.eta_rough = true;
    progress_line(&p, &out);
    assert_non_null(strstr(buf_cstr(&out), "ETA about 4m 41s"));
    buf_free(&out);
}

static int widest(struct str text)
{
    int most = 0;
    while (text.n) {
        int n = 0;
        struct str line = str_split(&text, '\n');
        for (size_t i = 0; i < line.n; i++)
            n += ((unsigned char)line.p[i] & 0xc0) != 0x80;
        most = n > most ? n : most;
    }
    return most;
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    struct progress p = sample();
    p.state = "provider out, probing: connection refused by 127.0.0.1, port 4291, and so on";
    for (int width = 1; width < 120; width++) {
        struct progress_style style = {width, true, false};
        struct buf out = {0};
        int lines;
        progress_block(&p, &style, &out, &lines);
        if (widest(buf_str(&out)) >= width && width > 1)
            fail_msg("width %d: a line of %d columns", width, widest(buf_str(&out)));
        assert_int_equal(lines, 5);
        buf_free(&out);
    }
}

static void bars_end_full(void **state)
{
    (void)state;
    struct progress p = sample();
    struct progress_style style = {100, true, false};
    struct buf out = {0};
    int lines;
    p.done = p.total;
    progress_block(&p, &style, &out, &lines);
    assert_true(str_find(buf_str(&out), STR("100.0 %"), 0) > 0);
    buf_free(&out);
}

static void line_is_plain(void **state)
{
    (void)state;
    struct progress p = sample();
    struct buf out = {0};
    progress_line(&p, &out);
    assert_string_equal(buf_cstr(&out),
                        "812 / 1,319  61.5 %   ETA 4m 41s (at 14:32:07)   "
                        "tokens 29,870 / 30,000 per min (binds)   "
                        "in flight 9   waiting 498   retried 2 (503 x2)   refused 0");
    buf_free(&out);
}

/* Nothing binds at this instant: the line does not swing to the other budget for it. */
static void line_shows_what_is_nearer_to_its_limit(void **state)
{
    (void)state;
    struct progress p = sample();
    struct buf out = {0};
    p.pools[0].tokens.binds = false;
    p.pools[0].tokens.used = 100;
    progress_line(&p, &out);
    assert_true(str_find(buf_str(&out), STR("   requests "), 0) > 0);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_is_the_sketch),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(bars_end_full),
        cmocka_unit_test(batches_are_a_part_of_their_own),
        cmocka_unit_test(line_is_plain),
        cmocka_unit_test(line_shows_what_is_nearer_to_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
