/* Whatever is pasted comes apart into pieces in order, cut into portions anywhere alike, and
 * each has a diagnosis in words and in JSON that parses; so has the summary of all. */
#include "diagnosis.h"
#include "summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    const struct catalogue *catalogue;
    struct standing standing;
    struct toll toll;
    struct traffic traffic;
    struct buf told;
    size_t last_line;
};

static void take(void *ctx, const struct evidence *e)
{
    static const struct origin nobody = {NULL, "The provider", NULL};
    struct run *r = ctx;
    struct arena arena = {0};
    struct buf words = {0}, json = {0};
    sl_assert(e->line >= 1 && e->line >= r->last_line);
    r->last_line = e->line;
    traffic_date(&r->traffic, e->logged.at_us);
    if (logged_is_request(&e->logged))
        traffic_add(&r->traffic, r->catalogue, STR("openai"), &e->logged);
    struct finding f = finding_of(e, &nobody, 0, &arena);
    diagnosis_write(&words, &f, &r->standing, 0);
    diagnosis_json(&json, &f);
    sl_assert(words.n && json_parse(&arena, buf_str(&json), NULL));
    bool fresh;
    if (f.verdict.kind != VERDICT_OK)
        (void)toll_add(&r->toll, &f, (struct str){0}, 0, &fresh);
    buf_add(&r->told, buf_str(&json));
    buf_free(&words);
    buf_free(&json);
    arena_free(&arena);
}

static void run(struct run *r, struct str text, size_t portion)
{
    struct evidence_reader *reader = evidence_new(1795683600000000, take, r);
    for (; text.n; text = str_from(text, portion))
        evidence_feed(reader, str_cut(text, portion));
    struct summary s = {.toll = &r->toll,
                        .traffic = &r->traffic,
                        .standing = &r->standing,
                        .provider = STR("openai"),
                        .lines = evidence_end(&reader)};
    struct buf words = {0}, json = {0};
    struct arena arena = {0};
    toll_settle(&r->toll);
    summary_write(&words, &s);
    summary_json(&json, &s);
    sl_assert(json_parse(&arena, buf_str(&json), NULL));
    arena_free(&arena);
    buf_free(&words);
    buf_free(&json);
}

static struct run run_new(const struct catalogue *c)
{
    struct run r = {.catalogue = c};
    r.standing = (struct standing){c, STR("2"), 6000, 10};
    toll_init(&r.toll);
    traffic_init(&r.traffic);
    return r;
}

static void run_free(struct run *r)
{
    toll_free(&r->toll);
    traffic_free(&r->traffic);
    buf_free(&r->told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalogue *catalogue;
    struct diag diag;
    if (!catalogue)
        catalogue = catalogue_open((struct str){0}, NULL, &diag);
    struct str text = {(const char *)data, size};
    struct run whole = run_new(catalogue), torn = run_new(catalogue);
    run(&whole, text, size ? size : 1);
    run(&torn, text, 7);
    sl_assert(str_eq(buf_str(&whole.told), buf_str(&torn.told)));
    run_free(&whole);
    run_free(&torn);
    return 0;
}
