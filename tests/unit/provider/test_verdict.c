/* Every refusal on file gives the verdict written beside it: ours in refusals.jsonl, and the 75
 * captured ones of the shared facts where they are at hand. */
#include "check.h"
#include "provider.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t now = 1711483190 * (int64_t)1000000;

static struct buf read_lines(const char *path)
{
    struct buf text = {0};
    FILE *f = fopen(path, "rb");
    size_t n = 1;
    while (f && n) {
        buf_reserve(&text, 1 << 16);
        n = fread(text.p + text.n, 1, 1 << 16, f);
        text.n += n;
    }
    if (f)
        fclose(f);
    return text;
}

static struct message head_of(const struct json *headers)
{
    struct message m = {.content_length = -1};
    for (const struct json *h = headers ? headers->first : NULL; h; h = h->next)
        m.headers[m.header_count++] = (struct header){h->key, json_str(h)};
    return m;
}

static int64_t figure(const struct json *expected, const char *name)
{
    int64_t n = -1;
    const struct json *v = json_get(expected, name);
    if (v && v->type != JSON_NULL)
        assert_int_equal(json_int(v, &n), SL_OK);
    return n;
}

/* Prints what differs; returns how many fields do. */
static int compare(const struct json *expected, const struct verdict *v)
{
    const struct {
        const char *name;
        int64_t got, want;
    } figures[] = {
        {"limit", v->limit, figure(expected, "limit")},
        {"used", v->used, figure(expected, "used")},
        {"requested", v->requested, figure(expected, "requested")},
        {"retry_after_ms", v->retry_us < 0 ? -1 : v->retry_us / 1000,
         figure(expected, "retry_after_ms")},
        {"retryable", v->retryable, json_true(json_get(expected, "retryable"))},
    };
    int wrong = 0;
    if (!json_is(json_get(expected, "kind"), verdict_name(v->kind)))
        print_error("  kind %s\n", verdict_name(v->kind)), wrong++;
    if (!json_is(json_get(expected, "dimension"), dimension_name(v->dim)))
        print_error("  dimension %s\n", dimension_name(v->dim)), wrong++;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (figures[i].got != figures[i].want)
            print_error("  %s %lld\n", figures[i].name, (long long)figures[i].got), wrong++;
    }
    return wrong;
}

static int check_line(const char *path, size_t line, struct str text)
{
    struct arena arena = {0};
    struct diag diag;
    const struct json *row = json_parse(&arena, text, &diag);
    if (!row)
        fail_msg("%s:%zu: %s", path, line, diag.what);
    const struct provider *p = provider_named(json_str(json_get(row, "provider")));
    const struct json *body = json_get(row, "body");
    int64_t status = figure(row, "http_status");
    struct message m = head_of(json_get(row, "headers"));
    struct str bytes = body->type == JSON_STRING ? body->text : body->raw;
    struct verdict v = verdict_of(p ? p : provider_get(PROVIDER_COMPATIBLE), (int)status, &m,
                                  bytes, now, &arena);
    int wrong = compare(json_get(row, "expected"), &v);
    if (wrong)
        print_error("%s:%zu: %.*s\n", path, line, STR_ARG(text));
    arena_free(&arena);
    return wrong;
}

static size_t check_file(const char *path)
{
    struct buf text = read_lines(path);
    struct str rest = buf_str(&text);
    size_t line = 0;
    int wrong = 0;
    while (rest.n) {
        struct str row = str_split(&rest, '\n');
        line++;
        if (str_trim(row).n)
            wrong += check_line(path, line, row) ? 1 : 0;
    }
    buf_free(&text);
    if (wrong)
        fail_msg("%s: %d of %zu lines have another verdict", path, wrong, line);
    return line;
}

static void our_refusals(void **state)
{
    assert_true(check_file("tests/unit/provider/refusals.jsonl") >= 60);
}

static void captured_refusals(void **state)
{
    size_t lines = check_file("../shared/facts/errors.jsonl");
    if (lines == 0 && getenv("CI"))
        fail_msg("no shared data in CI");
    if (lines == 0) {
        print_message("skipped: no shared data\n");
        skip();
    }
    assert_int_equal(lines, 75);
}

static void the_words_and_the_bucket_are_lent(void **state)
{
    struct arena arena = {0};
    struct str body =
        STR("{\"error\": {\"message\": \"Rate limit reached for gpt-image-2-codex (for limit "
            "gpt-image) in organization org-x on input-images per min: Limit 4000, Used 4000, "
            "Requested 1. Please try again in 15ms.\", \"type\": \"input-images\", \"code\": "
            "\"rate_limit_exceeded\"}}");
    struct verdict v = verdict_of(provider_get(PROVIDER_OPENAI), 429, NULL, body, now, &arena);
    assert_true(str_eq(v.bucket, STR("gpt-image")));
    assert_true(str_eq(v.code, STR("rate_limit_exceeded")));
    assert_true(str_starts(v.message, STR("Rate limit reached for gpt-image-2-codex")));
    assert_int_equal(v.status, 429);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_refusals),
        cmocka_unit_test(captured_refusals),
        cmocka_unit_test(the_words_and_the_bucket_are_lent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
