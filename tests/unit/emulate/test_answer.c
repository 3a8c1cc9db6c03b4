/* What the emulated provider answers: bodies, streams, lengths and the figures in them. */
#include "shop.h"
#include "sse.h"

/* ---- answers ---- */

static void answers_repeat_and_their_figures_agree(void **state)
{
    struct emulate_config c = plain_config(NULL, NULL);
    struct shop a = shop_open(&c), b = shop_open(&c);
    ask(&a, 0, CHAT, HELLO "}");
    ask(&b, 99, CHAT, HELLO "}");
    assert_true(str_eq(buf_str(&a.plan.body), buf_str(&b.plan.body)));
    expect(a.body, "object", "chat.completion");
    expect(a.body, "model", "m");
    int64_t out = number(a.body, "usage.completion_tokens");
    assert_int_equal(number(a.body, "usage.prompt_tokens"), 2);
    assert_int_equal(number(a.body, "usage.total_tokens"), 2 + out);
    assert_in_range(out, 50, 300);
    const struct json *choice = json_get(a.body, "choices")->first;
    assert_int_equal(json_str(json_path(choice, "message.content")).n, out * 4);
    expect(choice, "finish_reason", "stop");
    shop_close(&a);
    shop_close(&b);
}

static void max_tokens_cuts_an_answer(void **state)
{
    static const struct {
        const char *path, *body, *where, *word;
    } rows[] = {
        {CHAT, HELLO ",\"max_tokens\":9}", "usage.completion_tokens", "length"},
        {CHAT, HELLO ",\"max_completion_tokens\":9}", "usage.completion_tokens", "length"},
        {"/v1/completions", "{\"model\":\"m\",\"prompt\":\"x\",\"max_tokens\":9}",
         "usage.completion_tokens", "length"},
        {"/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"max_output_tokens\":9}",
         "usage.output_tokens", "max_output_tokens"},
        {"/v1/messages", HELLO ",\"max_tokens\":9}", "usage.output_tokens", "max_tokens"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(NULL, NULL);
        struct shop s = shop_open(&c);
        ask(&s, 0, rows[i].path, rows[i].body);
        assert_int_equal(s.plan.status, 200);
        assert_int_equal(number(s.body, rows[i].where), 9);
        assert_true(str_find(buf_str(&s.plan.body), str_of(rows[i].word), 0) > 0);
        shop_close(&s);
    }
}

static void embeddings_come_as_numbers_or_base64(void **state)
{
    struct emulate_config c = plain_config(NULL, NULL);
    struct shop s = shop_open(&c);
    ask(&s, 0, "/v1/embeddings",
        "{\"model\":\"text-embedding-3-small\",\"input\":[\"a\",\"b\"],\"dimensions\":8}");
    const struct json *data = json_get(s.body, "data");
    assert_int_equal(data->count, 2);
    assert_int_equal(json_get(data->first, "embedding")->count, 8);
    service_done(s.service, &s.plan, true);
    ask(&s, 0, "/v1/embeddings",
        "{\"model\":\"m\",\"input\":[[1,2,3],[4]],\"dimensions\":9,"
        "\"encoding_format\":\"base64\"}");
    data = json_get(s.body, "data");
    assert_int_equal(number(s.body, "usage.prompt_tokens"), 4); /* tokens as given */
    assert_int_equal(json_str(json_get(data->first, "embedding")).n, 48);
    shop_close(&s);
}

/* ---- streams ---- */

struct heard {
    struct buf types; /* event types, or "data" */
    struct buf text;
    struct arena arena;
    int64_t usage;
};

static void hear(void *ctx, struct sse_event ev)
{
    struct heard *h = ctx;
    buf_add(&h->types, ev.type.n ? ev.type : STR("data"));
    buf_char(&h->types, ' ');
    if (str_eq(ev.data, STR("[DONE]")))
        return;
    struct json *v = json_parse(&h->arena, ev.data, NULL);
    assert_non_null(v);
    if (ev.type.n)
        expect(v, "type", arena_copy(&h->arena, ev.type).p);
    const struct json *delta = json_get(v, "delta"), *choices = json_get(v, "choices");
    if (choices && choices->first)
        buf_add(&h->text, json_str(json_path(choices->first, "delta.content")));
    buf_add(&h->text, delta && delta->type == JSON_STRING ? json_str(delta)
                                                          : json_str(json_get(delta, "text")));
    const struct json *usage = json_get(v, "usage");
    if (!usage)
        usage = json_path(v, "response.usage");
    const char *const names[] = {"completion_tokens", "output_tokens"};
    for (size_t i = 0; i < 2; i++) {
        if (json_get(usage, names[i]))
            h->usage = number(usage, names[i]);
    }
}

static struct heard listen_to(const struct plan *p)
{
    struct heard h = {.usage = -1};
    struct sse sse = {.started = false};
    assert_int_equal(sse_feed(&sse, buf_str(&p->script.bytes), hear, &h), SL_OK);
    sse_free(&sse);
    return h;
}

static void heard_free(struct heard *h)
{
    buf_free(&h->types);
    buf_free(&h->text);
    arena_free(&h->arena);
}

static void streams_have_the_events_of_their_api(void **state)
{
    static const struct {
        const char *path, *body, *types;
        bool usage;
    } rows[] = {
        {CHAT, HELLO ",\"stream\":true,\"max_tokens\":2}", "data data data data data ", false},
        {CHAT,
         HELLO ",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_tokens\":2}",
         "data data data data data data ", true},
        {"/v1/responses",
         "{\"model\":\"m\",\"input\":\"x\",\"stream\":true,\"max_output_tokens\":2}",
         "response.created response.in_progress response.output_item.added "
         "response.content_part.added response.output_text.delta response.output_text.delta "
         "response.output_text.done response.content_part.done response.output_item.done "
         "response.incomplete ",
         true},
        {"/v1/messages", HELLO ",\"stream\":true,\"max_tokens\":2}",
         "message_start content_block_start ping content_block_delta content_block_delta "
         "content_block_stop message_delta message_stop ",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(NULL, NULL);
        struct shop s = shop_open(&c);
        ask(&s, 0, rows[i].path, rows[i].body);
        assert_true(s.plan.streamed);
        struct heard h = listen_to(&s.plan);
        assert_string_equal(buf_cstr(&h.types), rows[i].types);
        assert_int_equal(h.text.n, 2 * 4);
        assert_int_equal(h.usage, rows[i].usage ? 2 : -1);
        heard_free(&h);
        shop_close(&s);
    }
}

static void the_steps_of_a_stream_bring_all_its_tokens(void **state)
{
    struct emulate_config c = plain_config(NULL, NULL);
    c.output_tokens = (struct spread){.low = 1000, .high = 1000};
    struct shop s = shop_open(&c);
    ask(&s, 0, CHAT, HELLO ",\"stream\":true,\"n\":2}");
    int64_t tokens = 0;
    for (size_t i = 0; i < s.plan.script.count; i++)
        tokens += s.plan.script.steps[i].tokens;
    assert_int_equal(tokens, 2000);
    assert_int_equal(s.plan.output_tokens, 2000);
    assert_int_equal(s.plan.script.steps[s.plan.script.count - 1].end, s.plan.script.bytes.n);
    shop_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_repeat_and_their_figures_agree),
        cmocka_unit_test(max_tokens_cuts_an_answer),
        cmocka_unit_test(embeddings_come_as_numbers_or_base64),
        cmocka_unit_test(streams_have_the_events_of_their_api),
        cmocka_unit_test(the_steps_of_a_stream_bring_all_its_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
