/* service.c: the emulated provider's decision, in the order providers take it: key, path, limit
 * by request type, body, model, wallet, growth, limits; then fate may still strike.
 *
 * Invariant: every plan that was admitted is given to service_done exactly once. */
#include "service_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole answer grows in so many steps where output is charged as it is produced. */
enum { GROWTH_STEPS = 16 };

static void set_luck(struct service *s)
{
    s->luck = (struct random){s->config.seed};
    if (s->config.phase_us < 0) /* a minute of the provider need not begin with the test */
        s->config.phase_us = (int64_t)random_below(&s->luck, (uint64_t)s->config.minute_us);
}

/* The configuration with texts of its own. */
static void copy_config(struct service *s, const struct emulate_config *c)
{
    s->config = *c;
    for (size_t i = 0; i < c->model_count; i++) {
        s->config.models[i].name = arena_copy(&s->arena, c->models[i].name);
        s->config.models[i].pool = arena_copy(&s->arena, c->models[i].pool);
    }
    for (size_t i = 0; i < c->alias_count; i++) {
        s->config.aliases[i].alias = arena_copy(&s->arena, c->aliases[i].alias);
        s->config.aliases[i].model = arena_copy(&s->arena, c->aliases[i].model);
    }
    for (size_t i = 0; i < c->route_count; i++) {
        struct emulate_route *r = &s->config.routes[i];
        r->name = arena_copy(&s->arena, r->name);
        for (size_t k = 0; k < r->pattern_count; k++)
            r->patterns[k] = arena_copy(&s->arena, r->patterns[k]);
    }
    for (size_t i = 0; i < c->queue_count; i++)
        s->config.queues[i].model = arena_copy(&s->arena, c->queues[i].model);
    if (c->keys)
        s->config.keys = arena_copy(&s->arena, str_of(c->keys)).p;
}

static void open_work(struct service *s)
{
    const struct job_world w = {.config = &s->config,
                                .registry = &s->registry,
                                .store = &s->store,
                                .roster = &s->roster,
                                .luck = &s->luck};
    jobs_open(&s->jobs, &w);
    s->threads = (struct threads){
        .config = &s->config, .registry = &s->registry, .roster = &s->roster, .luck = &s->luck};
}

struct service *service_new(const struct emulate_config *c)
{
    sl_assert(c->minute_us > 0 && c->model_count <= EMULATE_MODELS);
    struct service *s = mem_zero(sizeof *s);
    copy_config(s, c);
    s->roster.config = &s->config;
    set_luck(s);
    route_limits_open(&s->routes, &s->config);
    s->registry =
        (struct registry){.seed = c->seed, .epoch_us = c->epoch_us, .minute_us = c->minute_us};
    open_work(s);
    return s;
}

void service_free(struct service **s)
{
    roster_free(&(*s)->roster);
    route_limits_free(&(*s)->routes);
    jobs_free(&(*s)->jobs);
    threads_free(&(*s)->threads);
    store_free(&(*s)->store);
    seen_free(&(*s)->seen);
    arena_free(&(*s)->arena);
    free(*s);
    *s = NULL;
}

void service_reset(struct service *s)
{
    roster_reset(&s->roster);
    route_limits_reset(&s->routes);
    jobs_free(&s->jobs);
    threads_free(&s->threads);
    store_free(&s->store);
    open_work(s);
    seen_free(&s->seen);
    memset(&s->totals, 0, sizeof s->totals);
    s->luck = (struct random){s->config.seed};
}

/* ---- whose words and headers ---- */

static enum emulate_dialect dialect_of(const struct service *s, const struct target *to)
{
    if (to->api == API_MESSAGES || to->api == API_COUNT_TOKENS ||
        to->api == API_MESSAGE_BATCHES)
        return EMULATE_ANTHROPIC;
    if (to->azure)
        return EMULATE_AZURE;
    if (s->config.dialect == EMULATE_ANTHROPIC && to->api != API_NONE)
        return EMULATE_OPENAI;
    return s->config.dialect;
}

/* The configured headers, but never another family's on a path that tells the family. */
static enum emulate_headers headers_of(const struct service *s, enum emulate_dialect dialect)
{
    enum emulate_headers h = s->config.headers;
    bool anthropic = h == EMULATE_HEADERS_ANTHROPIC;
    if (h == EMULATE_HEADERS_NONE || anthropic == (dialect == EMULATE_ANTHROPIC))
        return dialect == EMULATE_AZURE && h == EMULATE_HEADERS_OPENAI ? EMULATE_HEADERS_AZURE
                                                                       : h;
    return anthropic ? EMULATE_HEADERS_OPENAI : EMULATE_HEADERS_ANTHROPIC;
}

/* ---- one request ---- */

static struct denial denial_for(const struct plan *p, enum denial_kind kind)
{
    return (struct denial){.kind = kind,
                           .dialect = p->dialect,
                           .api = p->query.api,
                           .model = p->query.model,
                           .pool = p->pool ? p->pool->name : (struct str){0},
                           .why = p->figures.why,
                           .retry_us = p->retry_us,
                           .id = p->id.text};
}

void service_refuse(struct plan *p, const struct denial *no)
{
    p->status = denial_status(no);
    buf_clear(&p->body);
    denial_body(no, &p->body);
}

static void plan_refuse(struct plan *p, struct denial r)
{
    service_refuse(p, &r);
}

static bool key_accepted(const struct service *s, struct str key)
{
    struct str keys = str_of(s->config.keys);
    bool found = keys.p == NULL;
    while (keys.p) {
        struct str one = str_split(&keys, ',');
        found |= one.n && str_eq(one, key);
    }
    return found;
}

static bool is_about_models(enum target_api api)
{
    return api == API_MODELS || api == API_MODEL;
}

static bool is_errand(enum target_api api)
{
    return api == API_FILES || api == API_BATCHES || api == API_MESSAGE_BATCHES ||
           api == API_THREADS || api == API_THREAD_MESSAGES || api == API_RUNS;
}

/* The request as the plan's refusals name it. */
static const char *asked_text(const struct service_request *r, struct arena *arena)
{
    return arena_printf(arena, "%.*s %.*s", STR_ARG(str_cut(r->method, 16)),
                        STR_ARG(str_cut(r->target, 200)))
        .p;
}

/* Wrong key, or nothing here: refused before any limiter is asked. */
static bool refused_at_the_door(struct service *s, const struct service_request *r,
                                const struct target *to, struct arena *arena, struct plan *p)
{
    struct denial no = denial_for(p, DENIAL_BAD_KEY);
    no.text = asked_text(r, arena);
    if (!key_accepted(s, r->key)) {
        s->totals.unauthorised++;
        plan_refuse(p, no);
        return true;
    }
    if (to->api != API_NONE && to->api != API_BAD_METHOD)
        return false;
    no.kind = to->api == API_NONE ? DENIAL_NO_ROUTE : DENIAL_BAD_METHOD;
    s->totals.bad++;
    plan_refuse(p, no);
    return true;
}

/* Asks the limits by request type. */
static bool refused_by_type(struct service *s, int64_t now_us, struct str method,
                            struct str path, struct plan *p)
{
    struct route_answer a = route_limits_arrive(&s->routes, method, path, now_us);
    if (!a.refused_by)
        return false;
    p->retry_us = a.retry_us;
    struct denial no = denial_for(p, DENIAL_CLASS);
    no.why = a.why;
    no.hidden = a.refused_by->hidden;
    plan_refuse(p, no);
    return true;
}

static bool refused_for_its_size(struct service *s, const struct service_request *r,
                                 struct plan *p)
{
    if (!r->too_large)
        return false;
    struct denial no = denial_for(p, DENIAL_OTHER);
    no.status = 413;
    no.text = "Request exceeds the maximum size";
    s->totals.bad++;
    plan_refuse(p, no);
    return true;
}

/* A wrong body or model. */
static bool refused_for_its_body(struct service *s, const struct service_request *r,
                                 const struct target *to, struct arena *arena, struct plan *p)
{
    struct diag diag = {{0}, {0}};
    struct denial no = denial_for(p, DENIAL_BAD_REQUEST);
    enum sl_err err = SL_OK;
    if (!is_about_models(to->api)) {
        err = query_read(arena, to, r->body, &p->query, &diag);
        no.kind = err == SL_SYNTAX ? DENIAL_BAD_JSON : DENIAL_BAD_REQUEST;
        no.field = err == SL_SYNTAX ? NULL : diag.where;
        no.text = diag.what;
    }
    if (!err && to->api != API_MODELS && !(p->pool = roster_find(&s->roster, p->query.model))) {
        no.kind = DENIAL_NO_MODEL;
        no.model = p->query.model;
        err = SL_UNKNOWN;
    }
    if (!err)
        return false;
    s->totals.bad++;
    plan_refuse(p, no);
    return true;
}

/* Asks the limits. Fills the plan's refusal, if it is one. */
static bool refused_by_limits(struct service *s, int64_t now_us, struct plan *p,
                              struct str api_version)
{
    struct roster_pool *pool = p->pool;
    struct gauge_ask ask = {.input_tokens = p->query.input_tokens,
                            .max_tokens = p->query.max_tokens};
    int64_t charge[DIM_COUNT];
    p->generation = pool->generation;
    gauge_cost(s->config.charge, &ask, charge);
    if (!ramp_take(&pool->ramp, now_us, ask.input_tokens, &p->retry_us)) {
        pool->book.arrivals++;
        pool->book.ramp++;
        p->figures = gauge_look(pool->gauge, now_us);
        plan_refuse(p, denial_for(p, DENIAL_RAMP));
        return true;
    }
    p->figures = gauge_arrive(pool->gauge, now_us, charge);
    logbook_arrival(&pool->book, now_us, charge, &p->figures);
    if (p->figures.admitted)
        return false;
    p->retry_us = p->figures.too_large ? -1 : p->figures.retry_us;
    struct denial no = denial_for(p, p->figures.too_large ? DENIAL_TOO_LARGE : DENIAL_RATE);
    no.api_version = api_version;
    plan_refuse(p, no);
    return true;
}

static void plan_answer(struct service *s, const struct service_request *r, struct plan *p)
{
    struct answer a =
        answer_draw(&p->query, answer_hash(s->config.seed, r->body), &s->config.output_tokens);
    p->status = 200;
    p->steps = 1;
    p->output_tokens = answer_output_tokens(&a);
    p->latency_us = spread_draw(&s->config.latency_us, &s->luck);
    p->mishap = mishap_draw(&s->config.mishaps, &s->luck);
    s->totals.mishaps[p->mishap]++;
    struct denial fault =
        denial_for(p, p->mishap == MISHAP_500 ? DENIAL_SERVER_ERROR : DENIAL_OVERLOADED);
    if (p->mishap == MISHAP_500 || p->mishap == MISHAP_503 || p->mishap == MISHAP_529) {
        plan_refuse(p, fault);
        p->status = p->mishap == MISHAP_500 ? 500 : p->mishap == MISHAP_503 ? 503 : 529;
        p->output_tokens = 0;
        return;
    }
    p->streamed = p->query.stream && p->query.api != API_EMBEDDINGS;
    if (!p->streamed) {
        answer_body(&a, &p->body);
        if (s->config.charge == GAUGE_ACTUAL)
            p->steps = GROWTH_STEPS;
        else if (p->mishap != MISHAP_NONE)
            p->steps = 2; /* it strikes half-way */
        return;
    }
    answer_script(&a, &p->script);
    p->steps = p->script.count;
    fault.sequence = ANSWER_OPENING + p->steps / 2 - 1;
    if (p->mishap == MISHAP_MIDSTREAM)
        denial_event(&fault, &p->fault);
}

static void model_object(struct str name, struct buf *out)
{
    buf_puts(out, "{\"id\":");
    buf_json(out, name);
    buf_puts(out, ",\"object\":\"model\",\"created\":1767225600,\"owned_by\":\"sluice\"}");
}

static void models_body(const struct service *s, struct buf *out)
{
    buf_puts(out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0, n = 0; i < s->config.model_count; i++) {
        if (str_eq(s->config.models[i].name, STR("*")))
            continue;
        buf_puts(out, n++ ? "," : "");
        model_object(s->config.models[i].name, out);
    }
    buf_puts(out, "]}");
}

/* Roads that lead past the limiter. */
static bool served_freely(struct service *s, const struct target *to, struct plan *p)
{
    p->status = 200;
    if (to->api == API_MODELS) {
        models_body(s, &p->body);
    } else if (to->api == API_MODEL) {
        model_object(to->name, &p->body);
    } else if (to->api == API_COUNT_TOKENS) {
        buf_printf(&p->body, "{\"input_tokens\":%lld}", (long long)p->query.input_tokens);
    } else {
        return false;
    }
    p->pool = NULL;
    return true;
}

/* A path that is no API but has a limit: whatever it is, it is done. */
static void plan_thing(struct service *s, const struct service_request *r, struct plan *p)
{
    p->status = 200;
    p->admitted = true;
    p->steps = 1;
    p->latency_us = spread_draw(&s->config.latency_us, &s->luck);
    buf_printf(&p->body, "{\"object\":\"thing\",\"id\":\"thing_%016llx\"}",
               (unsigned long long)answer_hash(s->config.seed, r->target));
    p->request = answer_hash(0, r->id.n ? r->id : r->body);
}

static bool refused_for_lack_of_money(struct service *s, struct plan *p)
{
    if (s->config.wallet_after < 0 || s->totals.arrivals <= s->config.wallet_after)
        return false;
    s->totals.wallet++;
    s->totals.mishaps[MISHAP_WALLET]++;
    p->pool = NULL;
    plan_refuse(p, denial_for(p, DENIAL_WALLET));
    return true;
}

/* Whether it lets a model work, sooner or later. */
static bool costs_money(const struct target *to)
{
    return to->verb == TARGET_CREATE &&
           (to->api == API_BATCHES || to->api == API_MESSAGE_BATCHES || to->api == API_RUNS);
}

/* One of the models' APIs. */
static void arrive_at_model(struct service *s, int64_t now_us, const struct service_request *r,
                            const struct target *to, struct plan *p)
{
    if (served_freely(s, to, p))
        return;
    if (refused_for_lack_of_money(s, p))
        return;
    if (refused_by_limits(s, now_us, p, to->api_version))
        return;
    p->admitted = true;
    p->request = answer_hash(0, r->id.n ? r->id : r->body);
    seen_admitted(&s->seen, p->request);
    plan_answer(s, r, p);
}

/* The path as a provider writes it, whatever base this one has. */
static struct str provider_path(const struct service_request *r, const struct target *to,
                                struct arena *arena)
{
    struct str path = r->target;
    path = str_split(&path, '?');
    return to->tail.n ? arena_printf(arena, "/v1/%.*s", STR_ARG(to->tail)) : path;
}

void service_arrive(struct service *s, int64_t now_us, const struct service_request *r,
                    struct arena *arena, struct plan *out)
{
    struct target to = target_read(r->method, r->target);
    struct str path = provider_path(r, &to, arena);
    if (to.api == API_NONE && route_limits_know(&s->routes, r->method, path))
        to.api = API_THING;
    *out = (struct plan){.retry_us = -1, .arena = arena};
    out->dialect = dialect_of(s, &to);
    out->headers = headers_of(s, out->dialect);
    out->id = head_request_id(out->dialect, s->config.seed ^ ++s->requests);
    out->query.api = to.api;
    out->query.model = to.name;
    if (to.api == API_REPORT || to.api == API_RESET) {
        out->status = 200;
        if (to.api == API_RESET)
            service_reset(s);
        service_report(s, &out->body);
        return;
    }
    s->totals.arrivals += !is_about_models(to.api);
    if (refused_at_the_door(s, r, &to, arena, out) ||
        refused_by_type(s, now_us, r->method, path, out))
        return;
    if (refused_for_its_size(s, r, out) ||
        (costs_money(&to) && refused_for_lack_of_money(s, out)))
        return;
    if (to.api == API_THING)
        plan_thing(s, r, out);
    else if (is_errand(to.api))
        service_errand(s, now_us, r, &to, out);
    else if (!refused_for_its_body(s, r, &to, arena, out))
        arrive_at_model(s, now_us, r, &to, out);
}

void service_head(const struct service *s, const struct plan *p, int64_t now_us,
                  int64_t now_unix_us, struct head *out)
{
    bool event_stream = p->streamed && p->status == 200;
    head_add(out, "content-type",
             event_stream ? "text/event-stream"
             : p->content ? "application/octet-stream"
                          : "application/json");
    head_identity(out, p->dialect, &p->id, p->latency_us);
    /* refusals by request type: Assistants' tell nothing in headers, Anthropic's when to come
     */
    if (!p->pool && p->retry_us >= 0 && p->dialect == EMULATE_ANTHROPIC)
        head_retry(out, p->headers, p->retry_us);
    if (!p->pool)
        return;
    bool late = s->config.headers_at_answer && p->generation == p->pool->generation;
    struct gauge_answer now = late ? gauge_look(p->pool->gauge, now_us) : p->figures;
    head_rates(out, p->headers, &now, now_unix_us);
    if (p->status == 429 || p->status == 413)
        head_retry(out, p->headers, p->retry_us);
}

static bool still_counts(const struct plan *p)
{
    return p->admitted && p->pool && p->generation == p->pool->generation;
}

void service_produced(struct service *s, struct plan *p, int64_t now_us, int64_t produced)
{
    /* one token of output was charged on arrival */
    int64_t before = p->produced > 1 ? p->produced : 1;
    p->produced = produced;
    if (produced <= before || s->config.charge != GAUGE_ACTUAL || !still_counts(p))
        return;
    static const enum dimension drawn[] = {DIM_TPM, DIM_OTPM, DIM_TPD};
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++) {
        gauge_produce(p->pool->gauge, now_us, drawn[i], produced - before);
        logbook_produced(&p->pool->book, drawn[i], produced - before);
    }
}

void service_done(struct service *s, struct plan *p, bool answered)
{
    if (still_counts(p)) {
        gauge_release(p->pool->gauge);
        logbook_done(&p->pool->book);
    }
    if (p->admitted && answered && p->status == 200) {
        s->totals.answered++;
        seen_answered(&s->seen, p->request);
    }
    p->admitted = false;
    spool_free(&p->content);
    buf_free(&p->body);
    buf_free(&p->fault);
    script_free(&p->script);
}

int64_t service_tick(struct service *s, int64_t now_us)
{
    int64_t batches = jobs_work(&s->jobs, now_us), runs = threads_work(&s->threads, now_us);
    return batches < runs ? batches : runs;
}
