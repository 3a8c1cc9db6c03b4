/* OpenAI's batches in virtual time: what a file is refused for, how a batch comes to its end,
 * and what its files say then. */
#include "shop.h"

static const struct spread life = {.low = 10 * S, .high = 10 * S};

static struct emulate_config config(const char *limits)
{
    struct emulate_config c = plain_config("openai", limits);
    c.batch_latency_us = life;
    c.batch_cancel_us = (struct spread){.low = 2 * S, .high = 2 * S};
    return c;
}

/* A line of a good file. */
static void add_line(struct buf *file, int id)
{
    buf_printf(file,
               "{\"custom_id\":\"r%d\",\"method\":\"POST\",\"url\":\"" CHAT "\",\"body\":{"
               "\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
               "\"content\":\"12345678\"}],\"user\":\"u%d\"}}\n",
               id, id);
}

/* Makes a batch of a file of that id; its own id lives in the shop's arena. */
static const char *create(struct shop *s, int64_t now_us, const char *file,
                          const char *endpoint)
{
    char body[300];
    snprintf(body, sizeof body,
             "{\"input_file_id\":\"%s\",\"endpoint\":\"%s\",\"completion_window\":\"24h\","
             "\"metadata\":{\"job\":\"7\"}}",
             file, endpoint);
    ask(s, now_us, "/v1/batches", body);
    assert_int_equal(s->plan.status, 200);
    expect(s->body, "status", "validating");
    return arena_copy(&s->arena, json_str(json_get(s->body, "id"))).p;
}

static const char *create_of(struct shop *s, int64_t now_us, struct str text,
                             const char *endpoint)
{
    const char *file = upload(s, now_us, "batch", text);
    assert_int_equal(s->plan.status, 200);
    return create(s, now_us, file, endpoint);
}

static const char *create_good(struct shop *s, int64_t now_us, int lines)
{
    struct buf text = {0};
    for (int i = 0; i < lines; i++)
        add_line(&text, i);
    const char *id = create_of(s, now_us, buf_str(&text), CHAT);
    buf_free(&text);
    return id;
}

static const char *status_at(struct shop *s, int64_t *now_us, int64_t until_us, const char *id)
{
    pass(s, now_us, until_us);
    call(s, *now_us, "GET", "/v1/batches/%s", id);
    assert_int_equal(s->plan.status, 200);
    return arena_copy(&s->arena, json_str(json_get(s->body, "status"))).p;
}

/* The file that a batch names, as text in the shop's arena; NULL where it names none. */
static const char *file_of(struct shop *s, int64_t now_us, const char *field)
{
    struct str id = json_str(json_get(s->body, field));
    const struct json *batch = s->body;
    if (!id.n)
        return NULL;
    call(s, now_us, "GET", "/v1/files/%.*s/content", STR_ARG(id));
    const char *text = content(s);
    s->body = (struct json *)(uintptr_t)batch;
    return text;
}

/* ---- validation ---- */

#define TEXT(url, body)                                                                        \
    "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"" url "\",\"body\":" body "}\n"
#define GOOD  TEXT(CHAT, "{\"model\":\"m\",\"messages\":[]}")
#define BODY  "\"body\":{\"model\":\"m\",\"messages\":[]}"
#define FRONT "\"custom_id\":\"b\",\"method\":\"POST\",\"url\":\"" CHAT "\""

static void a_bad_file_fails_with_its_line(void **state)
{
    static const struct {
        const char *text, *code;
        int line;
        const char *param, *message;
    } rows[] = {
        {GOOD "{bad\n", "invalid_json_line", 2, "",
         "This line is not parseable as valid JSON."},
        {GOOD "[]\n", "invalid_json_line", 2, "", "This line is not parseable as valid JSON."},
        {GOOD "\n", "invalid_json_line", 2, "", "This line is not parseable as valid JSON."},
        {"{\"method\":\"POST\",\"url\":\"" CHAT "\"," BODY "}", "missing_required_parameter", 1,
         "custom_id", "Missing required parameter: 'custom_id'."},
        {"{\"custom_id\":\"a\",\"url\":\"" CHAT "\"," BODY "}", "missing_required_parameter", 1,
         "method", "Missing required parameter: 'method'."},
        {"{\"custom_id\":\"a\",\"method\":\"POST\"," BODY "}", "missing_required_parameter", 1,
         "url", "Missing required parameter: 'url'."},
        {GOOD "{" FRONT "}", "missing_required_parameter", 2, "body",
         "Missing required parameter: 'body'."},
        {"{\"custom_id\":7,\"method\":\"POST\",\"url\":\"" CHAT "\"," BODY "}", "invalid_type",
         1, "custom_id", "Invalid type for 'custom_id': expected a string."},
        {"{\"custom_id\":\"a\",\"method\":\"GET\",\"url\":\"" CHAT "\"," BODY "}",
         "invalid_value", 1, "method", "Invalid value: 'GET'. Supported values are: 'POST'."},
        {TEXT("/v1/embeddings", "{}"), "invalid_url", 1, "url",
         "The URL provided for this request does not match the batch endpoint."},
        {GOOD GOOD, "duplicate_custom_id", 2, "custom_id",
         "The custom_id 'a' for this request is a duplicate of another request. The custom_id "
         "parameter must be unique for each request in a batch."},
        {TEXT(CHAT, "{\"messages\":[]}"), "invalid_request", 1, "body.model",
         "Model parameter is required."},
        {TEXT(CHAT, "{\"model\":\"m\"}"), "invalid_request", 1, "body.messages",
         "Messages parameter is required."},
        {TEXT(CHAT, "{\"model\":\"x\",\"messages\":[]}"), "model_not_found", 1, "body.model",
         "The provided model 'x' is not supported by the Batch API."},
        {TEXT(CHAT, "{\"model\":\"m\",\"messages\":[],\"stream\":true}"),
         "streaming_unsupported", 1, "body.stream",
         "Chat Completions: Streaming is not supported in the Batch API."},
        {GOOD "{" FRONT ",\"body\":{\"model\":\"m2\",\"messages\":[]}}", "mismatched_model", 2,
         "body.model",
         "The model 'm2' for this request does not match the rest of the batch. Each batch "
         "must "
         "contain requests for a single model."},
        {TEXT(CHAT, "[]"), "invalid_type", 1, "body",
         "Invalid type for 'body': expected an object."},
    };
    struct emulate_config c = config("m:rpm=1");
    assert_int_equal(emulate_limits(&c, STR("m2:rpm=1"), NULL), SL_OK);
    struct shop s = shop_open(&c);
    int64_t now = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *id = create_of(&s, now, str_of(rows[i].text), CHAT);
        assert_string_equal(status_at(&s, &now, now + S - 1, id), "validating");
        assert_string_equal(status_at(&s, &now, now + 1, id), "failed");
        const struct json *error = json_path(s.body, "errors.data")->first;
        expect(error, "code", rows[i].code);
        expect(error, "message", rows[i].message);
        expect(error, "param", rows[i].param);
        assert_int_equal(number(error, "line"), rows[i].line);
        assert_null(error->next);
        assert_int_equal(number(s.body, "request_counts.total"), 0);
        assert_true(number(s.body, "failed_at") > 0);
        assert_int_equal(json_get(s.body, "output_file_id")->type, JSON_NULL);
    }
    shop_close(&s);
}

static void every_bad_line_is_told(void **state)
{
    struct emulate_config c = config(NULL);
    struct shop s = shop_open(&c);
    int64_t now = 0;
    const char *id = create_of(&s, 0, STR(GOOD "{\n{}\n" GOOD "\"\n"), CHAT);
    assert_string_equal(status_at(&s, &now, 2 * S, id), "failed");
    int64_t lines[4], n = 0;
    for (const struct json *v = json_path(s.body, "errors.data")->first; v; v = v->next)
        lines[n++] = number(v, "line");
    assert_int_equal(n, 4);
    assert_true(lines[0] == 2 && lines[1] == 3 && lines[2] == 4 && lines[3] == 5);
    shop_close(&s);
}

static void files_have_bounds(void **state)
{
    struct emulate_config c = config(NULL);
    struct shop s = shop_open(&c);
    int64_t now = 0;
    for (int over = 0; over < 2; over++) {
        const char *id = create_good(&s, now, 50000 + over);
        bool fails = strcmp(status_at(&s, &now, now + 2 * S, id), "failed") == 0;
        assert_int_equal(fails, over);
        if (over)
            expect(json_path(s.body, "errors.data")->first, "code", "too_many_tasks");
        call(&s, now, "POST", "/v1/batches/%s/cancel", id);
    }
    /* embeddings: 50,000 inputs in all */
    for (int over = 0; over < 2; over++) {
        struct buf text = {0};
        for (int line = 0; line < 25; line++) {
            buf_printf(&text,
                       "{\"custom_id\":\"%d\",\"method\":\"POST\",\"url\":\"/v1/embeddings\","
                       "\"body\":{\"model\":\"m\",\"input\":[",
                       line);
            for (int i = 0; i < 2000 + over; i++)
                buf_puts(&text, i ? ",\"\"" : "\"\"");
            buf_puts(&text, "]}}\n");
        }
        const char *id = create_of(&s, now, buf_str(&text), "/v1/embeddings");
        buf_free(&text);
        bool fails = strcmp(status_at(&s, &now, now + S, id), "failed") == 0;
        assert_int_equal(fails, over);
        call(&s, now, "POST", "/v1/batches/%s/cancel", id);
    }
    shop_close(&s);
}

static void a_bad_creation_is_refused_at_once(void **state)
{
    static const struct {
        const char *body, *param, *code, *words;
    } rows[] = {
        {"{", "", "", "We could not parse the JSON body"},
        {"", "input_file_id", "missing_required_parameter",
         "Missing required parameter: 'input_file_id'."},
        {"{\"input_file_id\":\"f\"}", "endpoint", "missing_required_parameter",
         "Missing required parameter: 'endpoint'."},
        {"{\"input_file_id\":\"f\",\"endpoint\":\"/v1/invalid/endpoint\"}", "endpoint",
         "invalid_value",
         "Invalid value: '/v1/invalid/endpoint'. Supported values are: '/v1/chat/completions', "
         "'/v1/completions', '/v1/embeddings', and '/v1/responses'."},
        {"{\"input_file_id\":\"f\",\"endpoint\":\"" CHAT "\"}", "completion_window",
         "missing_required_parameter", "Missing required parameter: 'completion_window'."},
        {"{\"input_file_id\":\"f\",\"endpoint\":\"" CHAT "\",\"completion_window\":\"1h\"}",
         "completion_window", "invalid_value", "Invalid value: '1h'."},
        {"{\"input_file_id\":\"f\",\"endpoint\":\"" CHAT "\",\"completion_window\":\"24h\","
         "\"metadata\":{\"tags\":[\"a\"]}}",
         "metadata.tags", "invalid_type",
         "Invalid type for 'metadata.tags': expected a string, but got an array instead."},
        {"{\"input_file_id\":\"f\",\"endpoint\":\"" CHAT "\",\"completion_window\":\"24h\","
         "\"output_expires_after\":{\"anchor\":\"created_at\",\"seconds\":3599}}",
         "output_expires_after", "invalid_value", "Invalid 'output_expires_after'"},
    };
    struct emulate_config c = config(NULL);
    struct shop s = shop_open(&c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ask(&s, 0, "/v1/batches", rows[i].body);
        assert_int_equal(s.plan.status, 400);
        expect(s.body, "error.param", rows[i].param);
        expect(s.body, "error.code", rows[i].code);
        if (!str_starts(json_str(json_path(s.body, "error.message")), str_of(rows[i].words)))
            fail_msg("%s", buf_cstr(&s.plan.body));
    }
    static const char *const paths[] = {"", "/cancel"};
    for (size_t i = 0; i < 2; i++) {
        call(&s, 0, i ? "POST" : "GET", "/v1/batches/batch_x%s", paths[i]);
        assert_int_equal(s.plan.status, 404);
        expect(s.body, "error.message", "No batch found with id 'batch_x'.");
    }
    /* a file that is not there is found out later */
    int64_t now = 0;
    const char *id = create(&s, 0, "file-none", CHAT);
    assert_string_equal(status_at(&s, &now, 2 * S, id), "failed");
    const struct json *error = json_path(s.body, "errors.data")->first;
    expect(error, "code", "invalid_request");
    expect(error, "param", "file_id");
    assert_int_equal(json_get(error, "line")->type, JSON_NULL);
    shop_close(&s);
}

/* ---- the run ---- */

static void a_batch_comes_to_its_end(void **state)
{
    struct emulate_config c = config("m:rpm=1");
    struct shop s = shop_open(&c);
    int64_t now = 0;
    const char *id = create_good(&s, 0, 100);
    expect(s.body, "object", "batch");
    expect(s.body, "endpoint", CHAT);
    expect(s.body, "metadata.job", "7");
    assert_int_equal(number(s.body, "created_at"), 1767225600);
    assert_int_equal(number(s.body, "expires_at"), 1767225600 + 86400);
    assert_string_equal(status_at(&s, &now, 2 * S, id), "in_progress");
    expect(s.body, "model", "m");
    assert_int_equal(number(s.body, "in_progress_at"), 1767225601);
    assert_int_equal(number(s.body, "request_counts.total"), 100);
    assert_int_equal(number(s.body, "request_counts.completed"), 12); /* an eighth of the run */
    assert_string_equal(status_at(&s, &now, 5 * S, id), "in_progress");
    assert_int_equal(number(s.body, "request_counts.completed"), 50);
    assert_null(file_of(&s, now, "output_file_id"));
    assert_string_equal(status_at(&s, &now, 9 * S + S / 2, id), "finalizing");
    assert_string_equal(status_at(&s, &now, 10 * S, id), "completed");
    assert_int_equal(number(s.body, "completed_at"), 1767225610);
    assert_int_equal(number(s.body, "request_counts.completed"), 100);
    assert_int_equal(number(s.body, "usage.input_tokens"), 200);
    assert_int_equal(number(s.body, "usage.output_tokens"), 900);
    assert_null(file_of(&s, now, "error_file_id"));

    /* every request once, not in order, answered as it is live */
    struct str rest = str_of(file_of(&s, now, "output_file_id"));
    bool seen[100] = {false}, in_order = true;
    int64_t last = -1;
    for (int n = 0; n < 100; n++) {
        const struct json *line = json_parse(&s.arena, str_split(&rest, '\n'), NULL);
        int64_t k;
        assert_int_equal(str_int(str_from(json_str(json_get(line, "custom_id")), 1), false, &k),
                         SL_OK);
        assert_false(seen[k]);
        seen[k] = true;
        in_order &= k > last;
        last = k;
        assert_true(str_starts(json_str(json_get(line, "id")), STR("batch_req_")));
        assert_int_equal(json_get(line, "error")->type, JSON_NULL);
        assert_int_equal(number(line, "response.status_code"), 200);
        expect(line, "response.body.object", "chat.completion");
        if (n == 0) {
            char body[200];
            snprintf(body, sizeof body,
                     "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
                     "\"content\":\"12345678\"}],\"user\":\"u%d\"}",
                     (int)k);
            ask(&s, now, CHAT, body);
            assert_true(str_eq(json_path(line, "response.body")->raw, buf_str(&s.plan.body)));
            service_done(s.service, &s.plan, true);
        }
    }
    assert_int_equal(rest.n, 0);
    assert_false(in_order);
    call(&s, now, "POST", "/v1/batches/%s/cancel", id);
    assert_int_equal(s.plan.status, 409);
    expect(s.body, "error.message", "Cannot cancel a batch with status 'completed'.");
    shop_close(&s);
}

/* Every line of a text, by the code of its error or the status of its response. */
static size_t lines_with(struct shop *s, const char *text, const char *code, int64_t status)
{
    size_t n = 0;
    struct str rest = str_of(text);
    while (rest.n) {
        const struct json *line = json_parse(&s->arena, str_split(&rest, '\n'), NULL);
        bool response = json_get(line, "response")->type != JSON_NULL;
        if (code && json_is(json_path(line, "error.code"), code) && !response)
            n++;
        if (!code && response && number(line, "response.status_code") == status)
            n++;
    }
    return n;
}

static void what_does_not_end_in_time_expires(void **state)
{
    struct emulate_config c = config(NULL);
    assert_int_equal(snag_parse(STR("expire=100%"), &c.snags, NULL), SL_OK);
    c.minute_us = 60000; /* a day lasts 86.4 s */
    struct shop s = shop_open(&c);
    int64_t now = 0;
    const char *id = create_good(&s, 0, 200);
    assert_string_equal(status_at(&s, &now, 86399999, id), "in_progress");
    int64_t done = number(s.body, "request_counts.completed");
    assert_true(done < 200);
    assert_string_equal(status_at(&s, &now, 86400000, id), "expired");
    assert_int_equal(number(s.body, "expired_at"), number(s.body, "expires_at"));
    assert_int_equal(number(s.body, "request_counts.completed"), done);
    assert_int_equal(number(s.body, "request_counts.failed"), 0);
    const char *errors = file_of(&s, now, "error_file_id");
    assert_int_equal(lines_with(&s, errors, "batch_expired", 0), 200 - done);
    const char *output = file_of(&s, now, "output_file_id");
    assert_int_equal(output ? lines_with(&s, output, NULL, 200) : 0, done);
    shop_close(&s);
}

static void a_cancelled_batch_keeps_what_was_done(void **state)
{
    struct emulate_config c = config(NULL);
    struct shop s = shop_open(&c);
    int64_t now = 0;
    const char *id = create_good(&s, 0, 100);
    pass(&s, &now, 5 * S);
    call(&s, now, "POST", "/v1/batches/%s/cancel", id);
    expect(s.body, "status", "cancelling");
    assert_int_equal(number(s.body, "cancelling_at"), 1767225605);
    assert_string_equal(status_at(&s, &now, 7 * S - 1, id), "cancelling");
    assert_string_equal(status_at(&s, &now, 7 * S, id), "cancelled");
    assert_int_equal(number(s.body, "request_counts.completed"), 50);
    assert_int_equal(lines_with(&s, file_of(&s, now, "output_file_id"), NULL, 200), 50);
    assert_int_equal(lines_with(&s, file_of(&s, now, "error_file_id"), "batch_cancelled", 0),
                     50);
    call(&s, now, "POST", "/v1/batches/%s/cancel", id); /* may be said again */
    expect(s.body, "status", "cancelled");

    /* before it was validated: nothing is known of it */
    id = create_good(&s, now, 10);
    call(&s, now, "POST", "/v1/batches/%s/cancel", id);
    assert_string_equal(status_at(&s, &now, now + 2 * S, id), "cancelled");
    assert_int_equal(number(s.body, "request_counts.total"), 0);
    assert_null(file_of(&s, now, "error_file_id"));
    shop_close(&s);
}

static void requests_fail_one_by_one(void **state)
{
    struct emulate_config c = config("m:rpm=1");
    assert_int_equal(snag_parse(STR("fail=30%,zero=20%"), &c.snags, NULL), SL_OK);
    struct shop s = shop_open(&c);
    struct buf text = {0};
    for (int i = 0; i < 300; i++)
        add_line(&text, i);
    /* what a model refuses is no matter of the file */
    buf_puts(&text, "{" FRONT ",\"body\":{\"model\":\"m\",\"messages\":[],\"max_tokens\":0}}");
    int64_t now = 0;
    const char *id = create_of(&s, 0, buf_str(&text), CHAT);
    buf_free(&text);
    assert_string_equal(status_at(&s, &now, 10 * S, id), "completed");
    const char *errors = file_of(&s, now, "error_file_id");
    size_t broken = lines_with(&s, errors, NULL, 500), none = lines_with(&s, errors, NULL, 0);
    assert_in_range(broken, 50, 100);
    assert_in_range(none, 40, 90);
    assert_int_equal(number(s.body, "request_counts.total"), 301);
    /* status 0 is in the error file, and yet it counts as completed */
    assert_int_equal(number(s.body, "request_counts.failed"),
                     broken + lines_with(&s, errors, NULL, 400));
    assert_int_equal(number(s.body, "request_counts.completed") +
                         number(s.body, "request_counts.failed"),
                     301);
    assert_int_equal(lines_with(&s, file_of(&s, now, "output_file_id"), NULL, 200),
                     number(s.body, "request_counts.completed") - (int64_t)none);
    shop_close(&s);
}

static void a_batch_of_failures_has_no_output(void **state)
{
    struct emulate_config c = config("m:rpm=1");
    assert_int_equal(snag_parse(STR("fail=100%"), &c.snags, NULL), SL_OK);
    struct shop s = shop_open(&c);
    int64_t now = 0;
    const char *id = create_good(&s, 0, 5);
    assert_string_equal(status_at(&s, &now, 10 * S, id), "completed");
    assert_null(file_of(&s, now, "output_file_id"));
    assert_int_equal(lines_with(&s, file_of(&s, now, "error_file_id"), NULL, 500), 5);
    shop_close(&s);
}

/* ---- the queue ---- */

static void a_full_queue_fails_the_batch(void **state)
{
    struct emulate_config c = config("m:rpm=1");
    assert_int_equal(emulate_add_queue(&c, STR("m=2,000"), NULL), SL_OK);
    struct shop s = shop_open(&c);
    int64_t now = 0;
    const char *first = create_good(&s, 0, 600); /* two tokens each */
    const char *second = create_good(&s, 0, 401);
    const char *third = create_good(&s, 0, 400);
    assert_string_equal(status_at(&s, &now, 2 * S, first), "in_progress");
    assert_string_equal(status_at(&s, &now, 2 * S, third), "in_progress"); /* just fits */
    assert_string_equal(status_at(&s, &now, 2 * S, second), "failed");
    const struct json *error = json_path(s.body, "errors.data")->first;
    expect(error, "code", "token_limit_exceeded");
    expect(error, "message",
           "Enqueued token limit reached for m in organization org-emulated. Limit: 2,000 "
           "enqueued tokens. Please try again once some in_progress batches have been "
           "completed.");
    assert_int_equal(json_get(error, "line")->type, JSON_NULL);
    assert_int_equal(json_get(error, "param")->type, JSON_NULL);
    assert_string_equal(status_at(&s, &now, 9 * S + S / 2, first), "finalizing");
    const char *fourth = create_good(&s, now, 1);
    assert_string_equal(status_at(&s, &now, 12 * S, first), "completed");
    assert_string_equal(status_at(&s, &now, 12 * S, fourth), "in_progress");
    const char *fifth = create_good(&s, now, 999);
    assert_string_equal(status_at(&s, &now, 14 * S, fifth), "in_progress");

    call(&s, now, "GET", "/_emulator/report");
    const struct json *queue = json_path(s.body, "batches.queues")->first;
    expect(queue, "model", "m");
    assert_int_equal(number(queue, "limit"), 2000);
    assert_int_equal(number(queue, "enqueued"), 2000);
    assert_int_equal(number(queue, "most"), 2000);
    assert_int_equal(number(s.body, "batches.failed"), 1);
    assert_int_equal(number(s.body, "batches.in_progress"), 2);
    shop_close(&s);
}

static void what_is_sent_twice_is_noticed(void **state)
{
    struct emulate_config c = config(NULL);
    struct shop s = shop_open(&c);
    int64_t now = 0;
    create_good(&s, 0, 20);
    create_good(&s, 0, 30);
    pass(&s, &now, 10 * S);
    call(&s, now, "GET", "/_emulator/report");
    assert_int_equal(number(s.body, "batches.requests.distinct"), 30);
    assert_int_equal(number(s.body, "batches.requests.carried_out_again"), 20);
    assert_int_equal(number(s.body, "batches.requests.succeeded"), 50);
    call(&s, now, "POST", "/_emulator/reset");
    assert_int_equal(number(s.body, "batches.created"), 0);
    shop_close(&s);
}

static void an_empty_account_makes_no_batches(void **state)
{
    struct emulate_config c = config(NULL);
    c.wallet_after = 1;
    struct shop s = shop_open(&c);
    upload(&s, 0, "batch", STR(GOOD));
    assert_int_equal(s.plan.status, 200);
    upload(&s, 0, "batch", STR(GOOD)); /* files cost nothing */
    assert_int_equal(s.plan.status, 200);
    ask(&s, 0, "/v1/batches", "{}");
    assert_int_equal(s.plan.status, 429);
    expect(s.body, "error.code", "insufficient_quota");
    shop_close(&s);
}

static void creations_are_limited_by_the_hour(void **state)
{
    struct catalogue *catalogue = catalogue_open((struct str){0}, NULL, NULL);
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_profile(&c, catalogue, STR("openai/tier-1"), NULL), SL_OK);
    struct shop s = shop_open(&c);
    catalogue_close(&catalogue);
    for (int i = 0; i < 2000; i++)
        create(&s, 0, "file-none", CHAT);
    ask(&s, 0, "/v1/batches", "{}");
    assert_int_equal(s.plan.status, 429);
    call(&s, 0, "GET", "/v1/batches?limit=3");
    assert_int_equal(s.plan.status, 200);
    assert_int_equal(json_get(s.body, "data")->count, 3);
    assert_true(json_true(json_get(s.body, "has_more")));
    create(&s, 1800000, "file-none", CHAT); /* 2,000 an hour is one in 1.8 s */
    shop_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_file_fails_with_its_line),
        cmocka_unit_test(every_bad_line_is_told),
        cmocka_unit_test(files_have_bounds),
        cmocka_unit_test(a_bad_creation_is_refused_at_once),
        cmocka_unit_test(a_batch_comes_to_its_end),
        cmocka_unit_test(what_does_not_end_in_time_expires),
        cmocka_unit_test(a_cancelled_batch_keeps_what_was_done),
        cmocka_unit_test(requests_fail_one_by_one),
        cmocka_unit_test(a_batch_of_failures_has_no_output),
        cmocka_unit_test(a_full_queue_fails_the_batch),
        cmocka_unit_test(what_is_sent_twice_is_noticed),
        cmocka_unit_test(an_empty_account_makes_no_batches),
        cmocka_unit_test(creations_are_limited_by_the_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
