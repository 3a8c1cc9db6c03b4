/* status_view: a status document in lines that fit, in the order in which it matters. */
#include "check.h"
#include "sheet.h"
#include "status_view.h"

static const char document[] =
    "{\"verb\":\"serve\",\"version\":\"0.1.0\",\"time\":1000.5,\"started\":400.5,"
    "\"connections\":3,\"held\":6,\"held_max\":10000,"
    "\"totals\":{\"queued\":4,\"in_flight\":2,\"requests\":1203,\"refused_there\":1,"
    "\"refused_here\":12,\"input_tokens\":1200000,\"output_tokens\":300},"
    "\"alerts\":[{\"alert\":\"saturation\",\"severity\":\"warning\",\"account\":\"main\","
    "\"model\":\"gpt-4o\",\"dimension\":\"tpm\",\"since\":940.5,\"text\":\"main gpt-4o: 29,000 "
    "used of 30,000 tokens per minute (tpm): above 80 % for 10 min\",\"advice\":\"Tier 2 has "
    "450,000 tokens per minute: the same use would be 6 % of it.\"}],"
    "\"accounts\":[{\"name\":\"main\",\"provider\":\"openai\",\"tier\":\"1\",\"paused\":false,"
    "\"retired\":false,\"keys\":1,\"keys_refused\":0,\"trouble\":\"\"}],"
    "\"pools\":[{\"account\":\"main\",\"model\":\"gpt-4o\\u001b[2J\",\"queued\":4,"
    "\"in_flight\":2,\"budgets\":["
    "{\"dimension\":\"rpm\",\"unit\":\"requests per minute\",\"limit\":500,\"used\":5,"
    "\"binds\":false},"
    "{\"dimension\":\"tpm\",\"unit\":\"tokens per minute\",\"limit\":30000,\"used\":29000,"
    "\"binds\":true}],"
    "\"outcomes\":{\"ok\":1190},\"refusals\":[{\"cause\":\"wait\",\"dimension\":\"tpm\","
    "\"count\":12}],"
    "\"queue_wait\":{\"count\":1190,\"p50\":0.0005,\"p95\":1.5}},"
    "{\"account\":\"main\",\"model\":\"never-asked\",\"queued\":0,\"in_flight\":0,"
    "\"budgets\":[],\"outcomes\":{\"ok\":0},\"refusals\":[]}],"
    "\"tenants\":[{\"name\":\"shop\",\"priority\":\"normal\",\"held\":6,"
    "\"waiting\":{\"batch\":0,\"normal\":4,\"interactive\":0},\"gone\":false,"
    "\"requests\":1209,\"refused\":12,\"spent_usd\":1.234567}],"
    "\"requests\":[{\"time\":988.5,\"status\":429,\"model\":\"gpt-4o\",\"what\":\"would wait "
    "11m, longer than it may\",\"refused\":true}]}";

static struct buf view(const char *text, struct status_style style)
{
    struct arena arena = {0};
    struct buf out = {0};
    const struct json *status = json_parse(&arena, str_of(text), NULL);
    assert_non_null(status);
    status_view(status, STR("http://127.0.0.1:4291"), &style, &out);
    arena_free(&arena);
    return out;
}

static const char page[] =
    "sluice serve 0.1.0  http://127.0.0.1:4291  up 10m 00s  holds 6 of 10,000\n"
    "gpt-4o?[2J is held back by tokens per minute: 4 wait\n"
    "4 waiting   2 in flight   1,203 ended   refused 1 there, 12 here\n"
    "tokens 1,200,000 in, 300 out\n"
    "\n"
    "alert saturation  for 1m 00s\n"
    "  main gpt-4o: 29,000 used of 30,000 tokens per minute (tpm): above 80 % for\n"
    "  10 min\n"
    "  Tier 2 has 450,000 tokens per minute: the same use would be 6 % of it.\n"
    "\n"
    "main  openai 1, 1 key\n"
    "  gpt-4o?[2J                              2 in flight       4 waiting\n"
    "    rpm    ------------------    1 %  5 of 500 requests per minute\n"
    "    tpm    #################-   96 %  29,000 of 30,000 tokens per minute, binds\n"
    "    wait 0 ms / 1.5 s\n"
    "    refused: 12 tpm (wait)\n"
    "\n"
    "tenant               priority     waiting in flight   requests  refused   spent\n"
    "shop                 normal             4         2      1,209       12    1.23\n"
    "\n"
    "refused or failed lately\n"
    "   12.0 s ago  429  gpt-4o  would wait 11m, longer than it may\n";

static void a_page_of_eighty_columns(void **state)
{
    (void)state;
    struct buf out = view(document, (struct status_style){.width = 80});
    assert_string_equal(buf_cstr(&out), page);
    buf_free(&out);
}

static void check_widths(struct str page_text, int width)
{
    while (page_text.n) {
        ptrdiff_t end = str_find(page_text, STR("\n"), 0);
        size_t n = end < 0 ? page_text.n : (size_t)end;
        assert_true(sheet_columns(str_cut(page_text, n)) < width);
        page_text = str_from(page_text, n + 1);
    }
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    for (int width = 20; width < 130; width++) {
        struct buf out = view(
            document, (struct status_style){.width = width, .height = width, .utf8 = true});
        check_widths(buf_str(&out), width);
        buf_free(&out);
    }
}

static int lines_of(struct str s)
{
    int n = 1;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

static void no_page_is_higher_than_the_terminal(void **state)
{
    (void)state;
    for (int height = 5; height < 22; height++) {
        struct buf out = view(document, (struct status_style){.width = 80, .height = height});
        assert_int_equal(lines_of(buf_str(&out)), height);
        struct buf last = {0};
        buf_printf(&last, "... %d lines more: a higher window, or --once", 23 - height);
        assert_true(str_ends(buf_str(&out), buf_str(&last)));
        buf_free(&last);
        buf_free(&out);
    }
}

static void colours_only_where_asked_for(void **state)
{
    (void)state;
    struct buf plain = view(document, (struct status_style){.width = 80});
    struct buf colored = view(document, (struct status_style){.width = 80, .color = true});
    assert_true(str_find(buf_str(&plain), STR("\033"), 0) < 0);
    assert_true(str_find(buf_str(&colored), STR("\033[33mgpt-4o?"), 0) >= 0);
    buf_free(&plain);
    buf_free(&colored);
}

static const struct {
    const char *text, *says;
} states[] = {
    {"{\"accounts\":[{\"name\":\"main\",\"paused\":true}]}", "\nProvider out: main\n"},
    {"{\"alerts\":[{\"severity\":\"critical\",\"text\":\"main: no credit\"}]}",
     "\nmain: no credit\n"},
    {"{\"totals\":{\"queued\":1}}", "\n1 request waits\n"},
    {"{\"totals\":{\"in_flight\":1}}", "\nNothing waits\n"},
    {"{\"totals\":{\"requests\":1}}", "\nQuiet: nothing is asked for\n"},
    {"{}", "\nReady: nothing has been asked for yet\n"},
    {"{\"batch\":{\"total\":10,\"done\":10,\"eta\":0}}", "\nDone\n"},
    {"{\"batch\":{\"total\":10,\"done\":5,\"failed\":2,\"eta\":null}}",
     "\n#########--------- 5 of 10   2 failed   ETA not known yet\n"},
    {"{\"batch\":{\"total\":10,\"done\":5,\"eta\":90.0,\"state\":\"stopping\"}}",
     "5 of 10   ETA 1m 30s\nstopping\n"},
    {"{\"accounts\":[{\"name\":\"main\",\"provider\":\"groq\",\"tier\":\"\",\"keys\":2,"
     "\"keys_refused\":1}]}",
     "\nmain  groq, 2 keys, of which refused: 1\n"},
    {"[]", "Ready"},
};

static void one_sentence_says_how_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        struct buf out = view(states[i].text, (struct status_style){.width = 80});
        if (str_find(buf_str(&out), str_of(states[i].says), 0) < 0)
            fail_msg("%s: %s", states[i].text, buf_cstr(&out));
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_eighty_columns),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(no_page_is_higher_than_the_terminal),
        cmocka_unit_test(colours_only_where_asked_for),
        cmocka_unit_test(one_sentence_says_how_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
