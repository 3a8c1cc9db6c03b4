/* Ids and counts against the reference: a committed file of cases made with tiktoken 0.14.0,
 * and the 2,400 of the shared facts where they are at hand. */
#include "check.h"

#include "arena.h"
#include "json.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const names[] = {"r50k_base", "p50k_base", "cl100k_base", "o200k_base"};

struct ids {
    uint32_t *p;
    size_t n, cap;
};

static void keep(void *ctx, uint32_t id)
{
    struct ids *ids = ctx;
    if (ids->n == ids->cap) {
        ids->cap = ids->cap * 2 + 64;
        ids->p = mem_grow(ids->p, ids->cap * sizeof *ids->p);
    }
    ids->p[ids->n++] = id;
}

static struct buf read_all(const char *path)
{
    struct buf b = {0};
    FILE *f = fopen(path, "rb");
    if (!f)
        return b;
    do {
        buf_reserve(&b, 1 << 16);
        b.n += fread(b.p + b.n, 1, 1 << 16, f);
    } while (!feof(f) && !ferror(f));
    fclose(f);
    return b;
}

static int sextet(char c)
{
    const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(digits, c);
    return at ? (int)(at - digits) : 0;
}

static struct str base64(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);
    struct str text = {out, 0};
    for (size_t i = 0; i + 4 <= s.n; i += 4) {
        int bits = sextet(s.p[i]) << 18 | sextet(s.p[i + 1]) << 12 | sextet(s.p[i + 2]) << 6 |
                   sextet(s.p[i + 3]);
        out[text.n++] = (char)(bits >> 16);
        if (s.p[i + 2] != '=')
            out[text.n++] = (char)(bits >> 8);
        if (s.p[i + 3] != '=')
            out[text.n++] = (char)bits;
    }
    return text;
}

static void check_ids(const char *where, const char *name, struct str text,
                      const struct json *want)
{
    const struct encoding *e = encoding_named(str_of(name));
    struct ids got = {0};
    size_t count = token_ids(e, text, keep, &got);
    size_t i = 0;
    for (const struct json *id = want->first; id; id = id->next, i++) {
        int64_t value;
        assert_int_equal(json_int(id, &value), SL_OK);
        if (i >= got.n || got.p[i] != value)
            fail_msg("%s: %s: id %zu differs", where, name, i);
    }
    if (i != got.n || i != count || token_count(e, text) != count)
        fail_msg("%s: %s: %zu ids, count %zu; %zu expected", where, name, got.n,
                 token_count(e, text), i);
    for (size_t limit = 0; limit <= count; limit += count / 7 + 1) {
        size_t till = token_count_till(e, text, limit);
        assert_true(limit < count ? till > limit : till == count);
    }
    free(got.p);
}

static size_t check_file(const char *path)
{
    struct buf file = read_all(path);
    struct str rest = buf_str(&file);
    struct arena arena = {0};
    size_t cases = 0;
    while (rest.n > 0) {
        struct str line = str_split(&rest, '\n');
        char where[200];
        if (line.n == 0)
            continue;
        snprintf(where, sizeof where, "%s:%zu", path, ++cases);
        struct json *c = json_parse(&arena, line, NULL);
        assert_non_null(c);
        struct str text = base64(&arena, json_str(json_get(c, "text_b64")));
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            check_ids(where, names[i], text, json_get(c, names[i]));
        check_ids(where, "o200k_harmony", text, json_get(c, "o200k_base"));
        arena_reset(&arena);
    }
    arena_free(&arena);
    buf_free(&file);
    return cases;
}

static void ids_equal_reference_on_committed_cases(void **state)
{
    assert_true(check_file("tests/unit/token/cases.jsonl") > 100);
}

static void ids_equal_reference_on_shared_facts(void **state)
{
    size_t cases = check_file("../shared/facts/token-ids.jsonl");
    if (cases == 0 && !getenv("CI")) {
        printf("# skipped: no shared data\n");
        skip();
    }
    assert_int_equal(cases, 2400);
}

static void names_are_known_with_and_without_base(void **state)
{
    assert_ptr_equal(encoding_named(STR("o200k")), encoding_named(STR("o200k_base")));
    assert_string_equal(encoding_name(encoding_named(STR("cl100k"))), "cl100k_base");
    assert_non_null(encoding_named(STR("gpt2")));
    assert_non_null(encoding_named(STR("o200k_harmony")));
    assert_null(encoding_named(STR("")));
    assert_null(encoding_named(STR("o300k_base")));
}

static void models_map_exactly_then_by_prefix(void **state)
{
    static const struct {
        const char *model, *encoding;
    } cases[] = {
        {"gpt-4o", "o200k_base"},
        {"gpt-4o-2024-05-13", "o200k_base"},
        {"gpt-4.1-mini", "o200k_base"},
        {"gpt-4", "cl100k_base"},
        {"gpt-4-32k", "cl100k_base"},
        {"gpt-3.5-turbo-0301", "cl100k_base"},
        {"gpt-35-turbo-16k", "cl100k_base"},
        {"gpt-5-nano", "o200k_base"},
        {"gpt-5.2", "o200k_base"},
        {"o1-mini", "o200k_base"},
        {"o3", "o200k_base"},
        {"gpt-oss-120b", "o200k_harmony"},
        {"ft:gpt-4o-mini:acme", "o200k_base"},
        {"ft:gpt-4.1:acme", "cl100k_base"},
        {"text-embedding-3-large", "cl100k_base"},
        {"code-davinci-edit-001", "p50k_edit"},
        {"text-davinci-003", "p50k_base"},
        {"davinci", "r50k_base"},
        {"gpt-2", "gpt2"},
    };
    static const char *const unknown[] = {"",         "gpt-4omni", "gpt-6",  "claude-opus-4",
                                          "davinci2", "o1x",       "gpt-4oo"};
    bool known;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct encoding *e = encoding_of_model(str_of(cases[i].model), &known);
        assert_true(known);
        assert_string_equal(encoding_name(e), cases[i].encoding);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        const struct encoding *e = encoding_of_model(str_of(unknown[i]), &known);
        assert_false(known);
        assert_string_equal(encoding_name(e), "o200k_base");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_equal_reference_on_committed_cases),
        cmocka_unit_test(ids_equal_reference_on_shared_facts),
        cmocka_unit_test(names_are_known_with_and_without_base),
        cmocka_unit_test(models_map_exactly_then_by_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
