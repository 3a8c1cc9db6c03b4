/* outlets.c: see outlets.h. */
#include "outlets.h"

#include "daybook.h"
#include "gateway.h"
#include "kind.h"
#include "relay.h"

#include <stdlib.h>
#include <string.h>

/* ---- of a setting ------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* What makes an account what it is; limits, keys and deployments may change under it. */
static bool is_same(const struct account_options *a, const struct account_options *b)
{
    return same_text(a->provider_name, b->provider_name) &&
           same_text(a->base_url, b->base_url) && same_text(a->emulate, b->emulate) &&
           same_text(a->window, b->window) && same_text(a->charge, b->charge) &&
           same_text(a->ca_file, b->ca_file) && same_text(a->latency, b->latency) &&
           same_text(a->outputs, b->outputs) && same_text(a->faults, b->faults) &&
           a->minute_us == b->minute_us && a->retries == b->retries &&
           a->concurrency == b->concurrency && a->connect_timeout_us == b->connect_timeout_us &&
           a->first_byte_timeout_us == b->first_byte_timeout_us &&
           a->idle_timeout_us == b->idle_timeout_us;
}

static enum tongue tongue_of(enum provider_id id)
{
    return id == PROVIDER_ANTHROPIC ? TONGUE_ANTHROPIC
           : id == PROVIDER_AZURE   ? TONGUE_AZURE
                                    : TONGUE_OPENAI;
}

static struct outlet *open_outlet(struct gateway *g, struct setting *s,
                                  struct account_setting *a, struct diag *diag)
{
    struct outlet *o = mem_zero(sizeof *o);
    struct engine_config wiring = relay_wiring(o);
    o->gateway = g;
    o->name = a->name;
    o->setting = setting_hold(s);
    o->account = a;
    o->tongue = tongue_of(a->options.provider->id);
    memory_account(&a->options, &o->known_as);
    a->options.config.resends = s->resend;
    a->options.config.halts = false;
    /* A first burst that is too large is refused, waits, and its client never knows; a slow
     * start all clients would feel. */
    a->options.config.idle = true;
    if (door_open(&o->door, &a->options, g->loop, &wiring, diag) == SL_OK)
        return o;
    door_close(&o->door);
    o->retired = true;
    return o;
}

/* ---- pools ------------------------------------------------------------------------------- */

/* The pool of an entry of its models, which stands from now on. */
static struct pool *pool_at(struct outlet *o, size_t index)
{
    const struct gateway *g = o->gateway;
    struct account *account = engine_account(o->door.engine);
    struct batch_pool *p = &o->models.pools[index];
    if (!p->pool) {
        p->pool = account_pool(account, p->name, p->limits, p->limit_count);
        daybook_tell_pool(g->book, o->name, account, p->pool, gateway_now(g), gateway_unix(g));
        if (!o->account->options.emulator)
            memory_recall(g->memory, buf_str(&o->known_as), p->pool, gateway_now(g),
                          gateway_unix(g));
    }
    return p->pool;
}

/* Names that nobody knows must not take all places from those that somebody does. */
static bool is_one_too_many(const struct outlet *o, struct str model)
{
    enum { STRANGERS_MAX = MODELS_MAX / 2 };
    const struct limit_source *limits = &o->account->options.limits;
    if (o->models.n < STRANGERS_MAX || str_starts(model, STR("(")) ||
        limit_source_names(limits, model, false) || catalogue_model(limits->catalogue, model))
        return false;
    for (size_t i = 0; i < o->models.n; i++) {
        if (str_eq(o->models.list[i].name, model))
            return false;
    }
    return true;
}

static struct pool *pool_of_model(struct outlet *o, struct str model)
{
    size_t index;
    struct diag diag = {{0}, {0}};
    const struct limit_source *limits = &o->account->options.limits;
    if (is_one_too_many(o, model))
        model = STR("(other models)");
    enum sl_err err = models_index(&o->models, limits, model, &index, &diag);
    if (err == SL_UNKNOWN) {
        struct limit_source untold = *limits;
        untold.tier = (struct str){0};
        err = models_index(&o->models, &untold, model, &index, &diag);
    }
    if (err != SL_OK)
        return account_pool(engine_account(o->door.engine), STR("(other models)"), NULL, 0);
    return pool_at(o, o->models.list[index].pool);
}

/* Requests of one shape, as far as there are not too many shapes. */
static struct pool *pool_of_shape(struct outlet *o, const struct wanted *w)
{
    enum { SHAPES_MAX = 64 };
    struct buf name = {0};
    struct pool *p = NULL;
    buf_puts(&name, "(");
    kind_shape(w->method, w->target, &name);
    buf_puts(&name, ")");
    for (size_t i = 0; i < o->models.n && !p; i++) {
        if (str_eq(o->models.list[i].name, buf_str(&name)))
            p = pool_at(o, o->models.list[i].pool);
    }
    bool more = !p && o->shape_count < SHAPES_MAX;
    if (more)
        p = pool_of_model(o, buf_str(&name));
    o->shape_count += more;
    buf_free(&name);
    return p ? p : pool_of_model(o, w->model);
}

struct pool *outlet_pool(struct outlet *o, const struct wanted *w)
{
    const struct limit_source *limits = &o->account->options.limits;
    if (!w->method.n || limit_source_names(limits, w->model, false))
        return pool_of_model(o, w->model);
    const struct route_class *class = kind_on_tier(
        limits->catalogue, str_of(limits->provider->name), limits->tier, w->method, w->target);
    if (class)
        return pool_at(o, models_class(&o->models, limits, class));
    bool learned = str_eq(w->model, STR("(other requests)")) &&
                   !limit_source_names(limits, w->model, true);
    return learned ? pool_of_shape(o, w) : pool_of_model(o, w->model);
}

/* ---- renewed ----------------------------------------------------------------------------- */

static void relimit(struct outlet *o, struct pool *p, int64_t now_us)
{
    const struct batch_pool *told = p ? models_pool(&o->models, p) : NULL;
    if (told)
        pool_relimit(p, now_us, told->limits, told->limit_count);
}

struct class_search {
    struct str name;
    const struct route_class *found;
};

static void look_for_class(void *ctx, const struct route_class *class)
{
    struct class_search *s = ctx;
    if (str_eq(class->name, s->name))
        s->found = class;
}

/* NULL: the catalogue has no such class any more. */
static struct pool *pool_of_class_named(struct outlet *o, struct str name)
{
    const struct limit_source *limits = &o->account->options.limits;
    struct class_search s = {.name = name};
    catalogue_each_route(limits->catalogue, str_of(limits->provider->name), limits->tier,
                         look_for_class, &s);
    return s.found ? pool_at(o, models_class(&o->models, limits, s.found)) : NULL;
}

/* The limits that hold for the models it has met, and its keys. */
static void renew(struct outlet *o, struct setting *s, struct account_setting *a)
{
    struct models before = o->models;
    int64_t now_us = engine_now(o->door.engine);
    o->models = (struct models){.n = 0};
    setting_drop(&o->setting);
    o->setting = setting_hold(s);
    o->account = a;
    o->name = a->name;
    o->retired = false;
    buf_clear(&o->known_as);
    memory_account(&a->options, &o->known_as);
    account_use(engine_account(o->door.engine), now_us, a->options.config.use_percent);
    for (size_t i = 0; i < before.n; i++)
        relimit(o, pool_of_model(o, before.list[i].name), now_us);
    for (size_t i = 0; i < before.pool_count; i++) {
        if (before.pools[i].class.n)
            relimit(o, pool_of_class_named(o, before.pools[i].class), now_us);
    }
    models_free(&before);
    engine_rekey(o->door.engine, a->options.keys.lent, a->options.keys.n);
}

static void add(struct outlets *o, struct outlet *one)
{
    o->list = mem_grow(o->list, (o->n + 1) * sizeof(struct outlet *));
    o->list[o->n++] = one;
}

enum sl_err outlets_apply(struct outlets *o, struct gateway *g, struct setting *s,
                          struct diag *diag)
{
    size_t before = o->n;
    struct outlet *kept[SETTING_ACCOUNTS] = {0};
    for (size_t i = 0; i < s->account_count; i++) {
        struct account_setting *a = &s->accounts[i];
        struct outlet *old = outlets_find(o, a->name);
        if (old && is_same(&old->account->options, &a->options)) {
            kept[i] = old;
            continue;
        }
        add(o, open_outlet(g, s, a, diag));
        if (!o->list[o->n - 1]->retired)
            continue;
        for (size_t k = before; k < o->n; k++)
            o->list[k]->retired = true;
        return SL_IO;
    }
    for (size_t i = 0; i < before; i++)
        o->list[i]->retired = true;
    for (size_t i = 0; i < s->account_count; i++) {
        if (kept[i])
            renew(kept[i], s, &s->accounts[i]);
    }
    return SL_OK;
}

void outlets_note(const struct outlets *o, struct memory *m, int64_t now_us, int64_t unix_us)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct outlet *one = o->list[i];
        bool lasts = !one->retired && !one->account->options.emulator;
        for (size_t k = 0; lasts && k < one->models.pool_count; k++) {
            if (one->models.pools[k].pool)
                memory_note(m, buf_str(&one->known_as), one->models.pools[k].pool, now_us,
                            unix_us);
        }
    }
}

void outlets_close(struct outlets *o)
{
    for (size_t i = 0; i < o->n; i++) {
        if (o->list[i]->door.engine)
            door_close(&o->list[i]->door);
    }
}

void outlets_free(struct outlets *o)
{
    for (size_t i = 0; i < o->n; i++) {
        door_free(&o->list[i]->door);
        models_free(&o->list[i]->models);
        setting_drop(&o->list[i]->setting);
        for (size_t k = 0; k < o->list[i]->seen_count; k++)
            free(o->list[i]->seen[k].tally);
        free(o->list[i]->seen);
        buf_free(&o->list[i]->known_as);
        free(o->list[i]);
    }
    free(o->list);
    *o = (struct outlets){.n = 0};
}

/* ---- which one --------------------------------------------------------------------------- */

struct tally *outlet_tally(struct outlet *o, struct pool *p)
{
    for (size_t i = 0; i < o->seen_count; i++) {
        if (o->seen[i].pool == p)
            return o->seen[i].tally;
    }
    o->seen = mem_grow(o->seen, (o->seen_count + 1) * sizeof *o->seen);
    o->seen[o->seen_count] = (struct seen){p, mem_zero(sizeof(struct tally))};
    return o->seen[o->seen_count++].tally;
}

const struct route_setting *route_find(const struct setting *s, struct str model)
{
    for (size_t i = 0; i < s->route_count; i++) {
        for (size_t k = 0; k < s->routes[i].model_count; k++) {
            if (over_limit_matches(s->routes[i].models[k], model))
                return &s->routes[i];
        }
    }
    return NULL;
}

struct outlet *outlets_find(const struct outlets *o, const char *name)
{
    for (size_t i = 0; i < o->n; i++) {
        if (!o->list[i]->retired && strcmp(o->list[i]->name, name) == 0)
            return o->list[i];
    }
    return NULL;
}

static bool understands(const struct outlet *o, enum tongue tongue)
{
    return o->tongue == tongue || (o->tongue == TONGUE_AZURE && tongue == TONGUE_OPENAI);
}

/* The first that speaks the client's language; Azure's where nobody does, OpenAI's: Groq and
 * others have paths below /openai too; or the first of all. */
static struct outlet *by_language(const struct outlets *o, const struct setting *s,
                                  enum tongue tongue)
{
    for (size_t i = 0; i < s->account_count; i++) {
        struct outlet *one = outlets_find(o, s->accounts[i].name);
        if (one && understands(one, tongue))
            return one;
    }
    return tongue == TONGUE_AZURE ? by_language(o, s, TONGUE_OPENAI)
                                  : outlets_find(o, s->accounts[0].name);
}

/* How long f would wait there, and how much is there already. */
static void weigh(struct outlet *o, const struct wanted *w, const struct flow *f,
                  int64_t *wait_us, size_t *load)
{
    struct pool *p = outlet_pool(o, w);
    struct account *a = engine_account(o->door.engine);
    int64_t now_us = engine_now(o->door.engine);
    struct flow asked = *f;
    asked.pool = p;
    *wait_us = pool_wait_most_us(a, p, now_us, &asked);
    *load = pool_load(p);
}

struct outlet *outlets_choose(const struct outlets *o, const struct setting *s,
                              const struct wanted *w, enum tongue tongue, const struct flow *f)
{
    const struct route_setting *route = route_find(s, w->model);
    struct outlet *best = NULL;
    int64_t best_us = 0, wait_us;
    size_t best_load = 0, load;
    for (size_t i = 0; route && i < route->account_count; i++) {
        struct outlet *one = outlets_find(o, route->accounts[i]);
        if (!one || !understands(one, tongue))
            continue;
        weigh(one, w, f, &wait_us, &load);
        if (best && (wait_us > best_us || (wait_us == best_us && load >= best_load)))
            continue;
        best = one;
        best_us = wait_us;
        best_load = load;
    }
    return best ? best : by_language(o, s, tongue);
}
