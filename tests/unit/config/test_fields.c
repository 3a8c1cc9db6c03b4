/* A map read through a table; every complaint has its line and its advice. */
#include "check.h"
#include "fields.h"

struct plan {
    const char *listen;
    int64_t max_wait_us, queue, bytes, use;
    bool resend;
    struct option_list models;
    int64_t weights[4];
    size_t tenants;
};

static void read_tenant(struct reader *r, const struct yaml *node, void *out)
{
    struct plan *p = out;
    const struct option rows[] = {
        {"weight", 0, OPTION_COUNT, "N", NULL, &p->weights[p->tenants++ % 4]}};
    fields_read(r, node, rows, 1, NULL, 0);
}

static void read_tenants(struct reader *r, const struct yaml *node, void *out)
{
    fields_each(r, node, read_tenant, out);
}

/* All complaints, or "" ; lent until the next call. */
static const char *read_plan(const char *text, struct plan *p)
{
    static struct arena arena;
    static struct complaints c;
    struct diag d = {{0}, {0}};
    arena_free(&arena);
    buf_free(&c.text);
    c = (struct complaints){.file = "s.yaml"};
    *p = (struct plan){0};
    const struct option rows[] = {
        {"Serving", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"listen", 0, OPTION_TEXT, "ADDRESS:PORT", NULL, &p->listen},
        {"max-wait", 0, OPTION_DURATION, "TIME", NULL, &p->max_wait_us},
        {"queue", 0, OPTION_COUNT, "N", NULL, &p->queue},
        {"bytes", 0, OPTION_SIZE, "BYTES", NULL, &p->bytes},
        {"use", 0, OPTION_PERCENT, "PERCENT", NULL, &p->use},
        {"resend", 0, OPTION_FLAG, NULL, NULL, &p->resend},
        {"models", 0, OPTION_LIST, "NAME", NULL, &p->models},
    };
    const struct field fields[] = {{"tenants", read_tenants, p}};
    struct yaml *root = yaml_parse(&arena, str_of(text), &d);
    struct reader r = {.complaints = &c};
    assert_non_null(root);
    fields_read(&r, root, rows, sizeof rows / sizeof *rows, fields, 1);
    return buf_cstr(&c.text);
}

static void values_of_every_kind(void **state)
{
    struct plan p;
    const char *said = read_plan("listen: 127.0.0.1:1\nmax_wait: 1m30s\nqueue: 10k\n"
                                 "bytes: 64 MB\nuse: 90%\nresend: yes\nmodels: [a, b]\n"
                                 "tenants: {web: {weight: 3}, batch: {weight: 1}}\n",
                                 &p);
    assert_string_equal("", said);
    assert_string_equal("127.0.0.1:1", p.listen);
    assert_int_equal(90000000, p.max_wait_us);
    assert_int_equal(10000, p.queue);
    assert_int_equal(64 << 20, p.bytes);
    assert_int_equal(90, p.use);
    assert_true(p.resend);
    assert_int_equal(2, p.models.n);
    assert_string_equal("b", p.models.items[1]);
    assert_int_equal(2, p.tenants);
    assert_int_equal(3, p.weights[0]);
}

static void complaints_have_line_path_and_advice(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"lisen: x\n", "s.yaml:1: lisen: not known here; did you mean listen?\n"},
        {"max-wait: 3s\n", "s.yaml:1: max-wait: not known here; did you mean max_wait?\n"},
        {"\nqueue: many\n", "s.yaml:2: queue: \"many\" is not a whole number\n"},
        {"bytes: 1 XB\n",
         "s.yaml:1: bytes: \"1 XB\" is not a number of bytes like 4096, 64 KB or 256 MB\n"},
        {"use: 120%\n", "s.yaml:1: use: \"120%\" is not a percentage from 1% to 100%\n"},
        {"resend: maybe\n", "s.yaml:1: resend: \"maybe\" is neither yes nor no\n"},
        {"queue:\n", "s.yaml:1: queue: a plain value is wanted here: N\n"},
        {"queue: [1]\n", "s.yaml:1: queue: a plain value is wanted here: N\n"},
        {"queue: 1\nqueue: 2\n", "s.yaml:2: queue: stands here twice\n"},
        {"\"a\\n\\e[2Jb\": 1\n",
         "s.yaml:1: a\\x0a\\x1b[2Jb: not known here; known are listen, max_wait, queue, bytes, "
         "use, resend, models, tenants\n"},
        {"tenants: [a]\n", "s.yaml:1: tenants: a map of names is wanted here\n"},
        {"tenants:\n  web:\n    wait: 1\n",
         "s.yaml:3: tenants.web.wait: not known here; did you mean weight?\n"},
        {"tenants:\n  web: 3\n", "s.yaml:2: tenants.web: a map is wanted here (name: value)\n"},
        {"queue: -1\nuse: 0%\n", "s.yaml:1: queue: \"-1\" is not a whole number\n"
                                 "s.yaml:2: use: \"0%\" is not a percentage from 1% to 100%\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan p;
        assert_string_equal(cases[i].said, read_plan(cases[i].text, &p));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_kind),
        cmocka_unit_test(complaints_have_line_path_and_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
