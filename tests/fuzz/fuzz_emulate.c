/* Whatever is sent to the emulated provider is answered: with JSON or with a stream, and
 * nothing is admitted that is not charged. The first byte chooses the provider; the first line
 * is the target, the rest the body. The same bytes are read as limits, faults and spreads. */
#include "service.h"

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
        sl_assert(json_parse(&arena, buf_str(&p.body), NULL));
    struct head head = {.arena = &arena};
    service_head(s, &p, now_us, 1711483200000000, &head);
    service_produced(s, &p, now_us, p.output_tokens);
    service_done(s, &p, true);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const profiles[] = {"openai", "anthropic", "azure", "groq", "gemini"};
    if (size == 0)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1};
    read_words(rest);
    struct emulate_config c = emulate_defaults();
    struct str profile = str_of(profiles[data[0] % 5]);
    sl_assert(emulate_profile(&c, NULL, profile, NULL) == SL_OK);
    sl_assert(emulate_limits(&c, STR("*:rpm=2,tpm=1000,itpm=800,otpm=900"), NULL) == SL_OK);
    struct service *s = service_new(&c);
    struct service_request r = {.method = data[0] & 128 ? STR("GET") : STR("POST")};
    r.target = str_split(&rest, '\n');
    r.body = rest.p ? rest : STR("");
    for (int64_t now_us = 1; now_us < 4; now_us++)
        ask(s, &r, now_us);
    service_free(&s);
    return 0;
}
