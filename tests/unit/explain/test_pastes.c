/* Refusals as programs print them, in pastes.jsonl: the official SDKs of seven languages, HTTP
 * clients, loggers, gateways, curl, and bare words with other models, figures and gaps. Each is
 * one piece with the verdict written beside it; cut anywhere, it still is no more than that. */
#include "check.h"
#include "diagnosis.h"

#include <stdio.h>

static const struct origin nobody = {NULL, "The provider", NULL};

/* What the verb counts: bare findings where nothing tells more. */
struct heard {
    struct buf json;
    size_t telling, bare;
};

static size_t findings(const struct heard *h)
{
    return h->telling ? h->telling : h->bare;
}

static void take(void *ctx, const struct evidence *e)
{
    struct heard *h = ctx;
    struct arena arena = {0};
    struct finding f = finding_of(e, &nobody, 1795683600000000, &arena);
    if (f.verdict.kind != VERDICT_OK && (!f.bare || !h->telling)) {
        buf_clear(&h->json);
        diagnosis_json(&h->json, &f);
    }
    if (f.verdict.kind != VERDICT_OK)
        (*(f.bare ? &h->bare : &h->telling))++;
    arena_free(&arena);
}

static struct buf read_file(const char *path)
{
    struct buf text = {0};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t n = 1; n; text.n += n) {
        buf_reserve(&text, 1 << 16);
        n = fread(text.p + text.n, 1, 1 << 16, f);
    }
    fclose(f);
    return text;
}

/* Both as JSON texts: equal as written. */
static bool same(const struct json *want, const struct json *got)
{
    return got && str_eq(want->raw, got->raw);
}

static int compare(const struct json *row, const struct heard *h)
{
    struct arena arena = {0};
    const struct json *expected = json_get(row, "expected");
    const struct json *got = json_parse(&arena, str_trim(buf_str(&h->json)), NULL);
    int wrong = findings(h) != 1;
    for (const struct json *want = expected->first; want; want = want->next) {
        char key[32];
        snprintf(key, sizeof key, "%.*s", STR_ARG(want->key));
        if (same(want, json_get(got, key)))
            continue;
        print_error("  %s: want %.*s\n", key, STR_ARG(want->raw));
        wrong++;
    }
    if (wrong)
        print_error("%.*s: %zu findings: %.*s\n", STR_ARG(json_str(json_get(row, "form"))),
                    findings(h), STR_ARG(buf_str(&h->json)));
    arena_free(&arena);
    return wrong > 0;
}

static void every_paste_has_its_verdict(void **state)
{
    struct buf file = read_file("tests/unit/explain/pastes.jsonl");
    struct str rest = buf_str(&file);
    int rows = 0, wrong = 0;
    while (rest.n) {
        struct arena arena = {0};
        struct heard h = {0};
        const struct json *row = json_parse(&arena, str_split(&rest, '\n'), NULL);
        assert_non_null(row);
        evidence_each(json_str(json_get(row, "text")), take, &h);
        wrong += compare(row, &h);
        rows++;
        buf_free(&h.json);
        arena_free(&arena);
    }
    assert_true(rows >= 80);
    if (wrong)
        fail_msg("%d of %d pastes have another verdict", wrong, rows);
    buf_free(&file);
}

/* One text torn at every place is at most one refusal, whole ones and halves alike. */
static void a_torn_paste_is_one_refusal_at_most(void **state)
{
    struct buf file = read_file("tests/unit/explain/pastes.jsonl");
    struct str rest = buf_str(&file);
    while (rest.n) {
        struct arena arena = {0};
        const struct json *row = json_parse(&arena, str_split(&rest, '\n'), NULL);
        struct str text = json_str(json_get(row, "text"));
        for (size_t n = 0; n < text.n; n += 7) {
            struct heard h = {0};
            evidence_each(str_cut(text, n), take, &h);
            if (findings(&h) > 1)
                fail_msg("%.*s cut at %zu: %zu findings",
                         STR_ARG(json_str(json_get(row, "form"))), n, findings(&h));
            buf_free(&h.json);
        }
        arena_free(&arena);
    }
    buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_paste_has_its_verdict),
        cmocka_unit_test(a_torn_paste_is_one_refusal_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
