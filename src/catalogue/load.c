/* load.c: a catalogue document into rows.
 *
 * A document is one object with any of "models", "tiers", "limits", "pools", "batch",
 * "routes", "polls"; a model, a tier, a pool or a class names itself. Fields that only people
 * read (date, source, note, ...) may stand anywhere and must be known ones: a misspelt figure
 * is an error, not silence. null says "not known". Invariant: nothing of the parsed text is
 * kept, every str is copied. */
#include "bounds.h"
#include "catalogue_data.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_S = 60, HOUR_S = 3600 };

struct loader {
    struct catalogue *c;
    const char *file;
    struct diag *diag;
    const char *section;
    size_t row;
};

static enum sl_err complain(const struct loader *l, enum sl_err err, const char *field,
                            const char *what)
{
    char where[160];
    snprintf(where, sizeof where, "%s: %s[%zu].%s", l->file, l->section, l->row, field);
    return diag_set(l->diag, err, where, "%s", what);
}

static void *append(void *list_of_rows, size_t *count, size_t size)
{
    void **list = list_of_rows;
    /* powers of two: grown when the count reaches one */
    if ((*count & (*count - 1)) == 0)
        *list = mem_grow(*list, (*count ? *count * 2 : 1) * size);
    void *row = (char *)*list + (*count)++ * size;
    memset(row, 0, size);
    return row;
}

/* A number times 10^digits, exactly: "0.0028" with 6 digits is 2800. */
static enum sl_err read_scaled(const struct json *v, int digits, int64_t *out)
{
    if (v->type != JSON_NUMBER)
        return SL_TYPE;
    int64_t n = 0;
    bool fraction = false;
    for (size_t i = 0; i < v->text.n; i++) {
        char ch = v->text.p[i];
        if (ch == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (ch < '0' || ch > '9' || (fraction && digits-- == 0) || n > INT64_MAX / 100)
            return SL_RANGE;
        n = n * 10 + (ch - '0');
    }
    for (; digits > 0; digits--) {
        if (__builtin_mul_overflow(n, 10, &n))
            return SL_RANGE;
    }
    *out = n;
    return SL_OK;
}

/* The readers below leave *out alone where the field is absent, and write "unknown" on null. */
static enum sl_err take_scaled(const struct loader *l, const struct json *object,
                               const char *field, int digits, int64_t *out)
{
    const struct json *v = json_get(object, field);
    if (v && v->type == JSON_NULL)
        *out = -1;
    if (!v || v->type == JSON_NULL)
        return SL_OK;
    enum sl_err err = read_scaled(v, digits, out);
    return err ? complain(l, err, field, "not a plain number of the right size") : SL_OK;
}

static enum sl_err take_count(const struct loader *l, const struct json *object,
                              const char *field, int64_t *out)
{
    return take_scaled(l, object, field, 0, out);
}

static enum sl_err take_str(const struct loader *l, const struct json *object,
                            const char *field, struct str *out)
{
    const struct json *v = json_get(object, field);
    if (v && v->type == JSON_NULL)
        *out = (struct str){0};
    if (!v || v->type == JSON_NULL)
        return SL_OK;
    if (v->type != JSON_STRING)
        return complain(l, SL_TYPE, field, "not a string");
    *out = arena_copy(&l->c->arena, v->text);
    return SL_OK;
}

static enum sl_err take_name(const struct loader *l, const struct json *object,
                             const char *field, struct str *out)
{
    enum sl_err err = take_str(l, object, field, out);
    if (!err && out->n == 0)
        err = complain(l, SL_MISSING, field, "missing");
    return err;
}

static bool is_listed(struct str word, const char *const *list)
{
    for (; *list; list++) {
        if (str_eq(word, str_of(*list)))
            return true;
    }
    return false;
}

static enum sl_err check_fields(const struct loader *l, const struct json *row,
                                const char *const *known)
{
    static const char *const everywhere[] = {"provider", "date", "source", "note", NULL};
    if (row->type != JSON_OBJECT)
        return complain(l, SL_TYPE, "", "not an object");
    for (const struct json *v = row->first; v; v = v->next) {
        char field[64];
        snprintf(field, sizeof field, "%.*s", STR_ARG(str_cut(v->key, sizeof field - 1)));
        if (!is_listed(v->key, known) && !is_listed(v->key, everywhere))
            return complain(l, SL_UNKNOWN, field, "no such field");
        if (json_get(row, field) != v)
            return complain(l, SL_SYNTAX, field, "given twice");
    }
    return SL_OK;
}

static void add_name(struct catalogue *c, struct str name, size_t model)
{
    struct name_row *row = append(&c->names, &c->name_count, sizeof *row);
    *row = (struct name_row){name, model};
}

static size_t model_named(struct catalogue *c, struct str name)
{
    for (size_t i = 0; i < c->model_count; i++) {
        if (str_eq(c->models[i].name, name))
            return i;
    }
    struct model *m = append(&c->models, &c->model_count, sizeof *m);
    *m = (struct model){.name = name,
                        .context_tokens = -1,
                        .max_output_tokens = -1,
                        .input_pusd = -1,
                        .cached_input_pusd = -1,
                        .output_pusd = -1,
                        .batch_percent = -1};
    add_name(c, name, c->model_count - 1);
    return c->model_count - 1;
}

static enum sl_err load_aliases(const struct loader *l, const struct json *list, size_t model)
{
    if (!list || list->type == JSON_NULL)
        return SL_OK;
    if (list->type != JSON_ARRAY)
        return complain(l, SL_TYPE, "aliases", "not a list");
    for (const struct json *v = list->first; v; v = v->next) {
        if (v->type != JSON_STRING)
            return complain(l, SL_TYPE, "aliases", "not a list of strings");
        add_name(l->c, arena_copy(&l->c->arena, v->text), model);
    }
    return SL_OK;
}

static enum sl_err load_prices(const struct loader *l, const struct json *price,
                               struct model *m)
{
    static const char *const fields[] = {"input", "cached_input", "output", NULL};
    enum { USD_DIGITS = 6 };
    if (!price || price->type == JSON_NULL)
        return SL_OK;
    if (price->type != JSON_OBJECT)
        return complain(l, SL_TYPE, "usd_per_mtok", "not an object");
    enum sl_err err = check_fields(l, price, fields);
    if (!err)
        err = take_scaled(l, price, "input", USD_DIGITS, &m->input_pusd);
    if (!err)
        err = take_scaled(l, price, "cached_input", USD_DIGITS, &m->cached_input_pusd);
    if (!err)
        err = take_scaled(l, price, "output", USD_DIGITS, &m->output_pusd);
    return err;
}

static enum sl_err load_model(const struct loader *l, const struct json *row)
{
    static const char *const fields[] = {"model",          "aliases",
                                         "context_tokens", "usd_per_mtok",
                                         "batch_discount", "max_output_tokens",
                                         "shutdown",       "encoding",
                                         "next_down",      NULL};
    struct str name = {0};
    enum sl_err err = check_fields(l, row, fields);
    if (!err)
        err = take_name(l, row, "model", &name);
    if (err)
        return err;
    size_t index = model_named(l->c, name);
    struct model m = l->c->models[index];
    struct {
        const char *field;
        struct str *out;
    } texts[] = {{"provider", &m.provider},
                 {"shutdown", &m.shutdown},
                 {"encoding", &m.encoding},
                 {"next_down", &m.next_down},
                 {"date", &m.source_date}};
    for (size_t i = 0; !err && i < sizeof texts / sizeof *texts; i++)
        err = take_str(l, row, texts[i].field, texts[i].out);
    if (!err)
        err = take_count(l, row, "context_tokens", &m.context_tokens);
    if (!err)
        err = take_count(l, row, "max_output_tokens", &m.max_output_tokens);
    if (!err)
        err = take_scaled(l, row, "batch_discount", 2, &m.batch_percent);
    if (!err)
        err = load_prices(l, json_get(row, "usd_per_mtok"), &m);
    if (!err)
        err = load_aliases(l, json_get(row, "aliases"), index);
    l->c->models[index] = m;
    return err;
}

/* The row of that tier, new if there is none: an override's fields replace those known. */
static struct tier_row *tier_row_named(struct catalogue *c, struct str provider,
                                       struct str name)
{
    for (size_t i = 0; i < c->tier_count; i++) {
        struct tier_row *have = &c->tiers[i];
        if (str_eq(have->provider, provider) && str_eq_nocase(have->tier.name, name))
            return have;
    }
    struct tier_row *row = append(&c->tiers, &c->tier_count, sizeof *row);
    *row = (struct tier_row){provider,
                             {.name = name,
                              .paid_usd = -1,
                              .wait_days = -1,
                              .monthly_cap_usd = -1,
                              .former_paid_usd = -1,
                              .former_wait_days = -1}};
    return row;
}

/* What a tier asked for before: {"paid_usd", "wait_days", "until"}. */
static enum sl_err load_former(const struct loader *l, const struct json *former,
                               struct tier *t)
{
    static const char *const fields[] = {"paid_usd", "wait_days", "until", NULL};
    if (!former || former->type == JSON_NULL)
        return SL_OK;
    enum sl_err err = check_fields(l, former, fields);
    if (!err)
        err = take_count(l, former, "paid_usd", &t->former_paid_usd);
    if (!err)
        err = take_count(l, former, "wait_days", &t->former_wait_days);
    return err ? err : take_name(l, former, "until", &t->former_until);
}

static enum sl_err load_tier(const struct loader *l, const struct json *row)
{
    static const char *const fields[] = {
        "tier", "programme", "paid_usd", "wait_days", "monthly_cap_usd", "former", NULL};
    struct str provider = {0}, name = {0};
    enum sl_err err = check_fields(l, row, fields);
    if (!err)
        err = take_name(l, row, "provider", &provider);
    if (!err)
        err = take_name(l, row, "tier", &name);
    if (err)
        return err;
    struct tier *t = &tier_row_named(l->c, provider, catalogue_tier_name(name))->tier;
    const struct {
        const char *field;
        struct str *out;
    } texts[] = {{"programme", &t->programme},
                 {"date", &t->date},
                 {"source", &t->source},
                 {"note", &t->note}};
    for (size_t i = 0; !err && i < sizeof texts / sizeof *texts; i++)
        err = take_str(l, row, texts[i].field, texts[i].out);
    if (!err)
        err = take_count(l, row, "paid_usd", &t->paid_usd);
    if (!err)
        err = take_count(l, row, "wait_days", &t->wait_days);
    if (!err)
        err = take_count(l, row, "monthly_cap_usd", &t->monthly_cap_usd);
    return err ? err : load_former(l, json_get(row, "former"), t);
}

/* Limits and pools name several models in one row: `add` is called for each. */
static enum sl_err each_model(const struct loader *l, const struct json *row,
                              void (*add)(struct catalogue *c, struct str model,
                                          const void *base),
                              const void *base)
{
    const struct json *list = json_get(row, "models");
    if (!list || list->type != JSON_ARRAY || list->count == 0)
        return complain(l, SL_TYPE, "models", "not a list of names");
    for (const struct json *v = list->first; v; v = v->next) {
        if (v->type != JSON_STRING || v->text.n == 0)
            return complain(l, SL_TYPE, "models", "not a list of names");
        const struct model *m = catalogue_model(l->c, v->text);
        add(l->c, m ? m->name : arena_copy(&l->c->arena, v->text), base);
    }
    return SL_OK;
}

static void add_limit(struct catalogue *c, struct str model, const void *base)
{
    struct limit_row *r = append(&c->limits, &c->limit_count, sizeof *r);
    *r = *(const struct limit_row *)base;
    r->model = model;
}

static enum sl_err load_limit(const struct loader *l, const struct json *row)
{
    static const char *const fields[] = {"tier",
                                         "models",
                                         "input_tokens_above",
                                         "cache_reads_count",
                                         "rpm",
                                         "tpm",
                                         "itpm",
                                         "otpm",
                                         "ipm",
                                         "rpd",
                                         "tpd",
                                         "concurrency",
                                         "batch_enqueued",
                                         NULL};
    struct limit_row r = {0};
    enum sl_err err = check_fields(l, row, fields);
    if (!err)
        err = take_name(l, row, "provider", &r.provider);
    if (!err)
        err = take_name(l, row, "tier", &r.tier);
    if (!err)
        err = take_str(l, row, "date", &r.date);
    if (!err)
        err = take_count(l, row, "input_tokens_above", &r.input_tokens_above);
    for (int d = 0; !err && d < DIM_COUNT; d++) {
        r.limit[d] = -1;
        err = take_count(l, row, dimension_name((enum dimension)d), &r.limit[d]);
    }
    r.tier = catalogue_tier_name(r.tier);
    return err ? err : each_model(l, row, add_limit, &r);
}

static void add_pool(struct catalogue *c, struct str model, const void *base)
{
    struct pool_row *p = append(&c->pools, &c->pool_count, sizeof *p);
    *p = *(const struct pool_row *)base;
    p->model = model;
}

static enum sl_err load_pool(const struct loader *l, const struct json *row)
{
    static const char *const fields[] = {"pool", "models", NULL};
    struct pool_row p = {0};
    enum sl_err err = check_fields(l, row, fields);
    if (!err)
        err = take_name(l, row, "provider", &p.provider);
    if (!err)
        err = take_name(l, row, "pool", &p.pool);
    return err ? err : each_model(l, row, add_pool, &p);
}

/* A list of texts that is not empty. */
static enum sl_err take_texts(const struct loader *l, const struct json *row, const char *field,
                              const struct str **out, size_t *n)
{
    const struct json *list = json_get(row, field);
    if (!list || list->type != JSON_ARRAY || list->count == 0)
        return complain(l, SL_TYPE, field, "not a list of texts");
    struct str *texts = arena_alloc(&l->c->arena, list->count * sizeof *texts);
    for (const struct json *v = list->first; v; v = v->next) {
        if (v->type != JSON_STRING)
            return complain(l, SL_TYPE, field, "not a list of texts");
        texts[(*n)++] = arena_copy(&l->c->arena, v->text);
    }
    *out = texts;
    return SL_OK;
}

/* What a batch may hold, whatever the tier: stands in a row that names none. */
static enum sl_err load_batch_rules(const struct loader *l, const struct json *row,
                                    struct batch_rules *out)
{
    int64_t hours = -1, minutes = -1;
    *out = (struct batch_rules){.requests = -1, .bytes = -1, .embedding_inputs = -1};
    enum sl_err err = take_count(l, row, "requests", &out->requests);
    if (!err)
        err = take_count(l, row, "bytes", &out->bytes);
    if (!err)
        err = take_count(l, row, "embedding_inputs", &out->embedding_inputs);
    if (!err)
        err = take_count(l, row, "window_hours", &hours);
    if (!err)
        err = take_count(l, row, "cancel_minutes", &minutes);
    if (!err)
        err = take_texts(l, row, "endpoints", &out->endpoints, &out->endpoint_count);
    if (!err)
        err = take_str(l, row, "date", &out->date);
    out->window_s = hours < 0 ? -1 : hours * HOUR_S;
    out->cancel_s = minutes < 0 ? -1 : minutes * MINUTE_S;
    return err;
}

/* How many batches may be under way is for people: it is checked for form alone. */
static enum sl_err load_batch(const struct loader *l, const struct json *row)
{
    static const char *const fields[] = {"tier",
                                         "queued_requests",
                                         "concurrent_batches",
                                         "requests",
                                         "bytes",
                                         "embedding_inputs",
                                         "window_hours",
                                         "cancel_minutes",
                                         "endpoints",
                                         NULL};
    struct batch_row b = {.queued_requests = -1};
    enum sl_err err = check_fields(l, row, fields);
    if (!err)
        err = take_name(l, row, "provider", &b.provider);
    if (!err)
        err = take_str(l, row, "tier", &b.tier);
    if (!err)
        err = take_count(l, row, "queued_requests", &b.queued_requests);
    if (!err && b.tier.n == 0)
        err = load_batch_rules(l, row, &b.rules);
    if (err)
        return err;
    b.tier = catalogue_tier_name(b.tier);
    *(struct batch_row *)append(&l->c->batches, &l->c->batch_count, sizeof b) = b;
    return SL_OK;
}

static enum sl_err load_route(const struct loader *l, const struct json *row)
{
    static const char *const fields[] = {"tier", "class", "paths", "rpm", "rph", NULL};
    struct route_row r = {0};
    int64_t minute = -1, hour = -1;
    enum sl_err err = check_fields(l, row, fields);
    if (!err)
        err = take_name(l, row, "provider", &r.provider);
    if (!err)
        err = take_str(l, row, "tier", &r.tier);
    if (!err)
        err = take_name(l, row, "class", &r.class.name);
    if (!err)
        err = take_texts(l, row, "paths", &r.class.patterns, &r.class.pattern_count);
    if (!err)
        err = take_count(l, row, "rpm", &minute);
    if (!err)
        err = take_count(l, row, "rph", &hour);
    bool said = json_get(row, "rpm") || json_get(row, "rph"); /* null: it is not known */
    if (!err && (!said || (minute >= 0 && hour >= 0)))
        err = complain(l, SL_MISSING, "rpm", "either rpm or rph");
    if (err)
        return err;
    r.tier = catalogue_tier_name(r.tier);
    r.class.limit = hour < 0 ? minute : hour;
    r.class.period_s = hour < 0 ? MINUTE_S : HOUR_S;
    *(struct route_row *)append(&l->c->routes, &l->c->route_count, sizeof r) = r;
    return SL_OK;
}

static enum sl_err load_poll(const struct loader *l, const struct json *row)
{
    static const char *const fields[] = {"paths", "field", "pending", NULL};
    struct poll_row p = {0};
    struct poll_class *class = &p.class;
    enum sl_err err = check_fields(l, row, fields);
    if (!err)
        err = take_name(l, row, "provider", &p.provider);
    if (!err)
        err = take_texts(l, row, "paths", &class->patterns, &class->pattern_count);
    if (!err)
        err = take_str(l, row, "field", &class->field);
    if (!err && class->field.n)
        err = take_texts(l, row, "pending", &class->pending, &class->pending_count);
    if (!err)
        *(struct poll_row *)append(&l->c->polls, &l->c->poll_count, sizeof p) = p;
    return err;
}

static enum sl_err load_section(struct loader *l, const struct json *list,
                                enum sl_err (*load)(const struct loader *, const struct json *))
{
    if (list->type != JSON_ARRAY)
        return complain(l, SL_TYPE, "", "not a list");
    for (const struct json *row = list->first; row; row = row->next, l->row++) {
        enum sl_err err = load(l, row);
        if (err)
            return err;
    }
    return SL_OK;
}

static enum sl_err load_document(struct loader *l, const struct json *root)
{
    static const struct {
        const char *name;
        enum sl_err (*load)(const struct loader *, const struct json *);
    } sections[] = {{"models", load_model}, {"tiers", load_tier},  {"limits", load_limit},
                    {"pools", load_pool},   {"batch", load_batch}, {"routes", load_route},
                    {"polls", load_poll}};
    enum { SECTIONS = sizeof sections / sizeof *sections };
    if (root->type != JSON_OBJECT)
        return diag_set(l->diag, SL_TYPE, l->file,
                        "not an object with \"models\" or \"limits\"");
    for (const struct json *v = root->first; v; v = v->next) {
        size_t s = 0;
        while (s < SECTIONS && !str_eq(v->key, str_of(sections[s].name)))
            s++;
        if (s == SECTIONS && str_eq(v->key, STR("about")))
            continue;
        if (s == SECTIONS)
            return diag_set(l->diag, SL_UNKNOWN, l->file, "\"%.*s\": no such section",
                            STR_ARG(v->key));
        l->section = sections[s].name;
        l->row = 0;
        enum sl_err err = load_section(l, v, sections[s].load);
        if (err)
            return err;
    }
    return SL_OK;
}

enum sl_err catalogue_load(struct catalogue *c, struct str text, const char *file,
                           struct diag *diag)
{
    struct arena tree = {0};
    struct loader l = {.c = c, .file = file, .diag = diag};
    struct diag why = {0};
    const struct json *root = json_parse(&tree, text, &why);
    enum sl_err err =
        root ? load_document(&l, root) : diag_set(diag, SL_SYNTAX, file, "%s", why.what);
    arena_free(&tree);
    return err;
}
