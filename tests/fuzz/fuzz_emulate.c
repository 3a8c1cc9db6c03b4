/* Whatever is sent to the emulated provider is answered: with JSON, a stream or a file, and
 * nothing is admitted that is not charged. The first byte chooses the provider and the method;
 * the first line is the target, the rest the body. The body is also a batch file, of which a
 * batch is made and followed to its end. The same bytes are read as limits, faults and spreads.
 */
#include "service.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_words(struct str text)
{
    struct diag diag = {{0}, {0}};
    struct emulate_config c = emulate_defaults();
    struct spread spread;
    if (emulate_limits(&c, text, &diag) == SL_OK)
        sl_assert(c.model_count == 1 && c.models[0].limit_count > 0);
    else
        sl_assert(diag.what[0]);
    if (mishap_parse(text, &c.mishaps, &diag) == SL_OK) {
        struct random r = {1};
        sl_assert(mishap_draw(&c.mishaps, &r) < MISHAP_WALLET);
    }
    for (int unit = SPREAD_COUNT; unit <= SPREAD_DURATION; unit++) {
        struct random r = {1};
        if (spread_parse(text, (enum spread_unit)unit, &spread, &diag) == SL_OK)
            sl_assert(spread_draw(&spread, &r) >= 0);
    }
}

static void ask(struct service *s, const struct service_request *r, int64_t now_us)
{
    struct arena arena = {0};
    struct plan p;
    service_arrive(s, now_us, r, &arena, &p);
    sl_assert(p.status >= 200 && p.status < 600);
    sl_assert(!p.admitted || (p.steps > 0 && p.output_tokens >= 0));
    if (p.streamed)
        sl_assert(p.script.count > 1 &&
                  p.script.steps[p.script.count - 1].end == p.script.bytes.n);
    else
        sl_assert(p.content || json_parse(&arena, buf_str(&p.body), NULL));
    struct head head = {.arena = &arena};
    service_head(s, &p, now_us, 1711483200000000, &head);
    service_produced(s, &p, now_us, p.output_tokens);
    service_done(s, &p, true);
    arena_free(&arena);
}

static void let_pass(struct service *s, int64_t *now_us, int64_t until_us)
{
    int64_t next;
    while ((next = service_tick(s, *now_us)) <= until_us) {
        sl_assert(next >= *now_us);
        *now_us = next;
    }
    *now_us = until_us;
}

/* Counted lines are all in the report; what came of them is JSON. */
static void follow_batch(struct service *s, struct str file, int64_t *now_us)
{
    struct arena arena = {0};
    struct form form = {.purpose = STR("batch"), .filename = STR("x.jsonl")};
    struct service_request r = {
        .method = STR("POST"), .target = STR("/v1/files"), .form = &form};
    struct plan p;
    form.file = spool_new();
    sl_assert(spool_add(form.file, file, NULL) == SL_OK);
    service_arrive(s, *now_us, &r, &arena, &p);
    struct str id = json_str(json_get(json_parse(&arena, buf_str(&p.body), NULL), "id"));
    bool good = p.status == 200;
    r.body = arena_printf(&arena,
                          "{\"input_file_id\":\"%.*s\",\"endpoint\":\"/v1/chat/completions\","
                          "\"completion_window\":\"24h\"}",
                          STR_ARG(id));
    service_done(s, &p, true);
    spool_free(&form.file);
    r.target = STR("/v1/batches");
    r.form = NULL;
    if (good)
        ask(s, &r, *now_us);
    let_pass(s, now_us, *now_us + 90000000);
    r = (struct service_request){.method = STR("GET"), .target = STR("/v1/batches")};
    ask(s, &r, *now_us);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const profiles[] = {"openai", "anthropic", "azure", "groq", "gemini"};
    static const char *const methods[] = {"DELETE", "POST", "PUT", "GET"};
    if (size == 0)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1};
    read_words(rest);
    struct emulate_config c = emulate_defaults();
    struct str profile = str_of(profiles[data[0] % 5]);
    sl_assert(emulate_profile(&c, NULL, profile, NULL) == SL_OK);
    sl_assert(emulate_limits(&c, STR("*:rpm=2,tpm=1000,itpm=800,otpm=900"), NULL) == SL_OK);
    sl_assert(emulate_add_route(&c, STR("POST /v1/threads/*=2"), false, NULL) == SL_OK);
    c.minute_us = 60000;
    struct service *s = service_new(&c);
    struct service_request r = {.method = str_of(methods[data[0] >> 6])};
    r.target = str_split(&rest, '\n');
    r.body = rest.p ? rest : STR("");
    r.host = str_cut(r.body, 20); /* whatever a client calls us */
    int64_t now_us = 1;
    for (; now_us < 4; now_us++)
        ask(s, &r, now_us);
    let_pass(s, &now_us, 100000000);
    follow_batch(s, r.body, &now_us);
    struct service_request report = {.method = STR("GET"), .target = STR("/_emulator/report")};
    ask(s, &report, now_us);
    service_free(&s);
    return 0;
}
