/* YAML as a tree with lines, and what is not taken. */
#include "check.h"
#include "yaml.h"

static struct arena arena;

static struct yaml *parse(const char *text, struct diag *diag)
{
    arena_free(&arena);
    return yaml_parse(&arena, str_of(text), diag);
}

static void a_tree_with_lines(void **state)
{
    struct diag d;
    struct yaml *root = parse("listen: 127.0.0.1:4290   # where\n"
                              "tenants:\n"
                              "  web:\n"
                              "    weight: 3\n"
                              "  \"no\": {weight: 1}\n"
                              "list: [a, 'b', \"c\\u0041\"]\n",
                              &d);
    assert_non_null(root);
    assert_int_equal(3, root->count);
    assert_string_equal("127.0.0.1:4290", yaml_get(root, "listen")->text.p);
    const struct yaml *web = yaml_get(yaml_get(root, "tenants"), "web");
    assert_int_equal(3, web->line);
    assert_int_equal(4, yaml_get(web, "weight")->line);
    const struct yaml *list = yaml_get(root, "list");
    assert_int_equal(YAML_LIST, list->kind);
    assert_int_equal(3, list->count);
    assert_false(list->first->quoted);
    assert_true(list->first->next->quoted);
    assert_string_equal("cA", list->first->next->next->text.p);
    assert_null(yaml_get(root, "nothing"));
    assert_null(yaml_get(list, "a"));
}

static void nothing_is_an_empty_map(void **state)
{
    struct diag d;
    struct yaml *root = parse("# only a comment\n", &d);
    assert_int_equal(YAML_MAP, root->kind);
    assert_int_equal(0, root->count);
}

static void anchors_stand_for_their_nodes(void **state)
{
    struct diag d;
    struct yaml *root = parse("a: &limits {rpm: 10}\nb: *limits\nc: &c x\nd: *c\n", &d);
    assert_string_equal("10", yaml_get(yaml_get(root, "b"), "rpm")->text.p);
    assert_string_equal("x", yaml_get(root, "d")->text.p);
    assert_int_equal(2, yaml_get(root, "b")->line);
}

static void what_is_not_taken(void **state)
{
    static const struct {
        const char *text, *line, *words;
    } cases[] = {
        {"a: 1\nb: [1, 2\nc: 3\n", "3", "not YAML"},
        {"a: 1\n---\nb: 2\n", "2", "second document"},
        {"a: !!int 3\n", "1", "tags"},
        {"a: 1\nb: *none\n", "2", "anchor"},
        {"? [a, b]\n: 1\n", "1", "key"},
        {"a: \x01\n", "1", "not YAML"},
        {"a: \"\xff\"\n", "1", "not YAML"},
        {"a:\n\tb: 1\n", "2", "not YAML"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diag d = {{0}, {0}};
        if (parse(cases[i].text, &d) || !strstr(d.what, cases[i].words) ||
            strcmp(d.where, cases[i].line) != 0)
            fail_msg("case %zu: line %s: %s", i, d.where, d.what);
    }
}

/* Ten aliases of ten aliases of ...: memory and reading stay bounded. */
static void laughs_are_counted(void **state)
{
    struct buf text = {0};
    struct diag d;
    buf_puts(&text, "l0: &l0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i <= 9; i++) {
        buf_printf(&text, "l%d: &l%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_printf(&text, "%s*l%d", k ? "," : "", i - 1);
        buf_puts(&text, "]\n");
    }
    assert_null(parse(buf_cstr(&text), &d));
    assert_non_null(strstr(d.what, "too large"));
    assert_true(arena.allocated < 1 << 20);
    buf_clear(&text);
    for (int i = 0; i < 2000; i++)
        buf_puts(&text, "[");
    assert_null(parse(buf_cstr(&text), &d));
    assert_non_null(strstr(d.what, "deeply"));
    buf_free(&text);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_with_lines),
        cmocka_unit_test(nothing_is_an_empty_map),
        cmocka_unit_test(anchors_stand_for_their_nodes),
        cmocka_unit_test(what_is_not_taken),
        cmocka_unit_test(laughs_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
