/* intake.c: a request from its head to the queue. */
#include "relay.h"

#include "duration.h"
#include "held.h"
#include "naming.h"
#include "pass.h"
#include "setting_check.h"

#include <string.h>

enum {
    /* A body above this is counted off the loop: below it that takes less than a millisecond.
     */
    COUNTED_HERE_BYTES = 64 << 10,
    /* What is not counted goes on as it comes if it is larger than this, or a form. */
    HELD_WHOLE_BYTES = 1 << 20,
    /* Of a stream's body, what may wait here for the provider to take it. */
    STREAM_BYTES = 256 << 10,
};

/* ---- who ----------------------------------------------------------------------------- */

/* The key that a client shows, in whichever header its SDK puts it. */
static struct str shown_key(const struct message *m)
{
    const struct str bearer = STR("Bearer ");
    struct str key = message_header(m, "authorization");
    if (str_eq_nocase(str_cut(key, bearer.n), bearer))
        return str_trim(str_from(key, bearer.n));
    key = message_header(m, "x-api-key");
    return key.p ? key : message_header(m, "api-key");
}

/* It may ask for less urgency than its tenant has, not for more. */
static uint8_t priority_of(const struct tenant_setting *t, const struct message *m)
{
    uint8_t asked;
    struct str word = message_header(m, "x-sluice-priority");
    bool less = word.n && setting_priority(word, &asked) && asked < t->priority;
    return less ? asked : t->priority;
}

/* What a client asks of us in words that we do not know; NULL: nothing. It would wait for ten
 * minutes that asked for five seconds. */
static const char *misunderstood(const struct message *m)
{
    int64_t us;
    uint8_t rank;
    struct str wait = message_header(m, "x-sluice-max-wait");
    struct str priority = message_header(m, "x-sluice-priority");
    if (wait.p && (duration_parse(wait, &us) != SL_OK || us < 0))
        return "x-sluice-max-wait: seconds are wanted here, or a duration like 1m30s";
    if (priority.p && !setting_priority(priority, &rank))
        return "x-sluice-priority: interactive, normal or batch";
    return NULL;
}

static int64_t max_wait_of(const struct relay *r, const struct message *m)
{
    int64_t asked_us;
    struct str text = message_header(m, "x-sluice-max-wait");
    if (text.n && duration_parse(text, &asked_us) == SL_OK && asked_us >= 0)
        return asked_us;
    int64_t own_us = r->terms->max_wait_us;
    return own_us >= 0 ? own_us : r->setting->max_wait_us;
}

/* ---- in ---------------------------------------------------------------------------------- */

/* Only where the paths of both providers are the same do the client's headers decide. */
static enum tongue tongue_of(enum route route, const struct message *m)
{
    bool openai = route != ROUTE_OTHER && route != ROUTE_MESSAGES;
    if (!openai && pass_to_anthropic(m))
        return TONGUE_ANTHROPIC;
    return pass_is_for_azure(m) ? TONGUE_AZURE : TONGUE_OPENAI;
}

/* What is counted by its body: a request of a known route, which is JSON whatever it calls
 * itself; but edits of images are forms. */
static bool is_metered(enum route route, const struct message *m)
{
    struct str type = message_header(m, "content-type");
    bool form = route == ROUTE_IMAGES && str_starts_nocase(type, STR("multipart/"));
    return route != ROUTE_OTHER && str_eq(m->method, STR("POST")) && !form;
}

bool relay_streams(const struct message *m)
{
    if (is_metered(route_of(m->target), m))
        return false;
    struct str type = message_find(m, STR("content-type"));
    bool form = str_find_nocase(type, STR("multipart/"), 0) == 0;
    return (m->chunked || m->content_length > 0) &&
           (form || m->chunked || m->content_length > HELD_WHOLE_BYTES);
}

static bool is_full(const struct relay *r)
{
    const struct tenant_setting *own = r->terms;
    return r->gateway->relay_count > (size_t)r->setting->queue_requests ||
           (own->held_requests && r->tenant->held > (size_t)own->held_requests);
}

static bool has_no_room(const struct relay *r, size_t bytes)
{
    const struct tenant_setting *own = r->terms;
    return r->gateway->held_bytes + bytes > (size_t)r->setting->queue_bytes ||
           (own->held_bytes && r->tenant->held_bytes + bytes > (size_t)own->held_bytes);
}

static struct relay *relay_new(struct gateway *g, struct exchange *x, struct tenant *t)
{
    struct relay *r = mem_zero(sizeof *r);
    r->gateway = g;
    r->setting = setting_hold(g->setting);
    r->tenant = t;
    r->terms = t->setting;
    r->x = x;
    r->next = g->relays;
    if (r->next)
        r->next->prev = r;
    g->relays = r;
    g->relay_count++;
    t->held++;
    t->totals.requests++;
    exchange_set(x, r);
    return r;
}

static void take_head(struct relay *r, const struct message *m)
{
    const struct setting *s = r->setting;
    struct header *headers = arena_alloc(&r->arena, (m->header_count + 1) * sizeof *headers);
    r->target = arena_copy(&r->arena, m->target); /* counting may outlive the client */
    r->route = route_of(m->target);
    r->tongue = tongue_of(r->route, m);
    r->anthropic = r->tongue == TONGUE_ANTHROPIC;
    r->metered = is_metered(r->route, m);
    r->max_wait_us = max_wait_of(r, m);
    r->job.flow.id = ++r->gateway->requests;
    r->job.flow.tenant = r->tenant->index;
    r->job.flow.priority = priority_of(r->terms, m);
    r->job.method = arena_copy(&r->arena, m->method).p;
    r->job.flow.safe = str_eq(m->method, STR("GET")) || str_eq(m->method, STR("HEAD"));
    r->job.headers = headers;
    struct pass_rights may = {.keys = s->pass_keys, .accounts = !s->tenant_count};
    r->job.header_count = pass_request(m, may, headers);
    r->job.own_key = s->pass_keys && shown_key(m).n > 0;
}

static void hold_bytes(struct relay *r, size_t more, size_t less)
{
    r->gateway->held_bytes += more - less;
    r->tenant->held_bytes += more - less;
}

void relay_body(struct relay *r, struct str bytes)
{
    bool wanted = r->streams ? r->in_flow : r->state == RELAY_READING;
    if (!wanted)
        return;
    if (!r->streams && has_no_room(r, bytes.n)) {
        decline(r, TURN_AWAY_FULL, RELAY_LATE_US, STR("sluice holds as many bytes as it may"));
        return;
    }
    hold_bytes(r, bytes.n, 0);
    buf_add(&r->body, bytes);
    if (!r->streams)
        return;
    if (r->body.n > STREAM_BYTES)
        exchange_hold(r->x, true);
    engine_more(&r->job);
}

struct str relay_more(struct relay *r)
{
    struct buf sent = r->lent;
    hold_bytes(r, 0, sent.n);
    r->lent = r->body;
    r->body = sent;
    buf_clear(&r->body);
    if (r->x && !r->received)
        exchange_hold(r->x, false);
    if (r->lent.n)
        return buf_str(&r->lent);
    return r->received ? STR("") : (struct str){0};
}

/* ---- counted ------------------------------------------------------------------------- */

/* The first account of the client's language tells how a body is to be read; to which of them
 * it goes makes no difference there. */
static const struct account_options *reader_of(const struct relay *r)
{
    const struct setting *s = r->setting;
    for (size_t i = 0; i < s->account_count; i++) {
        const struct account_options *o = &s->accounts[i].options;
        if ((o->provider->id == PROVIDER_ANTHROPIC) == r->anthropic)
            return o;
    }
    return &s->accounts[0].options;
}

/* Runs on a thread of the pool for large bodies: touches this relay, and what never changes.
 * The tree can be larger than the body, and is not kept. */
static void count(struct relay *r)
{
    const struct account_options *o = reader_of(r);
    struct arena scratch = {0};
    struct json *root =
        json_parse_within(&scratch, buf_str(&r->body), BOUND_REQUEST_VALUES, &r->diag);
    if (root)
        naming_fill(r, &scratch, root);
    r->err = root ? ask_parse(o->provider, o->catalogue, r->route, root, &r->ask, &r->diag)
                  : SL_SYNTAX;
    r->ask.model = arena_copy(&r->arena, r->ask.model);
    arena_free(&scratch);
}

/* ---- another model ------------------------------------------------------------------- */

/* The body names it from now on; false: it names none. */
static bool put_model(struct relay *r, const char *name)
{
    struct arena scratch = {0};
    struct str all = buf_str(&r->body);
    const struct json *model = json_get(json_parse(&scratch, all, NULL), "model");
    struct str old = model ? model->raw : (struct str){0};
    bool same = json_is(model, name);
    arena_free(&scratch);
    if (!old.p || same)
        return same;
    size_t at = (size_t)(old.p - all.p);
    struct buf changed = {0};
    buf_add(&changed, str_cut(all, at));
    buf_json(&changed, str_of(name));
    buf_add(&changed, str_from(all, at + old.n));
    hold_bytes(r, changed.n, r->body.n);
    buf_free(&r->body);
    r->body = changed;
    return true;
}

/* The configuration says that another model may answer: the body is counted as its. */
static bool become_model(struct relay *r, const char *name)
{
    if (!put_model(r, name))
        return false;
    r->asked_model = arena_copy(&r->arena, r->asked_model.n ? r->asked_model : r->ask.model);
    count(r);
    return r->err == SL_OK;
}

/* The model that a route falls back to where its own takes too little, if that takes it. */
static bool becomes_longer(struct relay *r)
{
    const struct route_setting *route = route_find(r->setting, r->ask.model);
    struct diag diag = r->diag;
    for (size_t i = 0; route && i < route->over.fallback_count; i++) {
        if (route->over.fallbacks[i].on_length &&
            become_model(r, route->over.fallbacks[i].model) &&
            ask_check(&r->ask, &r->diag) == SL_OK)
            return true;
    }
    r->diag = diag; /* the first one's words */
    return false;
}

/* ---- where to ------------------------------------------------------------------------ */

static void set_stake(struct relay *r)
{
    const struct model *known = r->ask.known;
    r->stake = (struct stake){.allowance = &r->tenant->allowance, .price = {-1, -1}};
    if (known)
        r->stake.price = (struct price){known->input_pusd, known->output_pusd};
    r->job.flow.stake = &r->stake;
}

static struct wanted wanted_by(const struct relay *r, struct str model)
{
    struct wanted w = {.model = model};
    if (!r->metered) {
        w.method = str_of(r->job.method);
        w.target = r->target;
    }
    return w;
}

static struct outlet *choose(const struct relay *r, struct str model)
{
    const struct gateway *g = r->gateway;
    const struct wanted w = wanted_by(r, model);
    return outlets_choose(&g->outlets, g->setting, &w, r->tongue, &r->job.flow);
}

/* How long it would wait there: exactly, where that may be longer than `most_us`. */
static struct promise look_ahead(struct relay *r, struct outlet *o, struct str model,
                                 int64_t most_us)
{
    struct account *a = engine_account(o->door.engine);
    int64_t now_us = engine_now(o->door.engine);
    struct flow asked = r->job.flow;
    const struct wanted w = wanted_by(r, model);
    asked.pool = outlet_pool(o, &w);
    if (pool_wait_most_us(a, asked.pool, now_us, &asked) <= most_us)
        return (struct promise){.dim = DIM_UNKNOWN};
    return pool_promise(a, asked.pool, now_us, &asked);
}

/* A route may say that another model answers where this one's wait is long, and the other's is
 * not. */
static void becomes_quicker(struct relay *r)
{
    const struct route_setting *route = route_find(r->setting, r->ask.model);
    for (size_t i = 0; route && i < route->over.fallback_count; i++) {
        const struct fallback *f = &route->over.fallbacks[i];
        struct str other = str_of(f->model);
        if (f->on_length || r->promise.wait_us <= f->after_us)
            continue;
        struct outlet *o = choose(r, other);
        struct promise promise = look_ahead(r, o, other, f->after_us);
        if (promise.wait_us >= r->promise.wait_us || !become_model(r, f->model))
            continue;
        r->outlet = o;
        r->promise = promise;
        return;
    }
}

/* The least wait that somebody would have us know of. */
static int64_t patience_us(const struct relay *r)
{
    const struct route_setting *route = route_find(r->setting, r->ask.model);
    int64_t least_us = r->max_wait_us;
    for (size_t i = 0; route && i < route->over.fallback_count; i++) {
        if (!route->over.fallbacks[i].on_length && route->over.fallbacks[i].after_us < least_us)
            least_us = route->over.fallbacks[i].after_us;
    }
    return least_us;
}

static const char *deployment_of(const struct outlet *o, struct str model)
{
    const struct option_list *pairs = &o->account->deployments;
    for (size_t i = 0; i + 1 < pairs->n; i += 2) {
        if (str_eq(model, str_of(pairs->items[i])))
            return pairs->items[i + 1];
    }
    return NULL;
}

/* Below the account's base URL; on Azure the deployment of the model stands in the path, or in
 * the body. */
static void set_path(struct relay *r)
{
    const struct outlet *o = r->outlet;
    const char *base = o->door.base_path, *version = o->account->api_version;
    const char *deployment = r->metered ? deployment_of(o, r->ask.model) : NULL;
    r->job.path = pass_path(r->target, base);
    if (!deployment)
        return;
    if (pass_deployment_in_body(r->route, base) && put_model(r, deployment))
        r->job.path = pass_to_azure(r->target, base, version, &r->arena);
    else
        r->job.path = pass_to_deployment(r->target, base, deployment, version, &r->arena);
}

/* More than a look: what was known of what stands below its path may not hold any more. */
static bool changes(const struct relay *r)
{
    return !r->metered && !str_eq(str_of(r->job.method), STR("GET"));
}

static void submit(struct relay *r)
{
    struct flow *f = &r->job.flow;
    int64_t now_us = gateway_now(r->gateway);
    const struct wanted w = wanted_by(r, r->ask.model);
    f->pool = outlet_pool(r->outlet, &w);
    f->demand = r->ask.demand;
    if (changes(r))
        polls_forget(r->gateway, r);
    r->tally = outlet_tally(r->outlet, f->pool);
    pool_weight(f->pool, f->tenant, r->terms->weight);
    if (r->promise.wait_us != INT64_MAX && r->promise.wait_us > r->max_wait_us) {
        decline_waiting(r);
        return;
    }
    set_path(r);
    r->deadline_us = now_us + r->max_wait_us + RELAY_LATE_US;
    r->state = RELAY_WAITING;
    r->in_flow = r->in_flow_since = true;
    gateway_deadline(r->gateway, now_us, r->deadline_us);
    engine_submit(r->outlet->door.engine, &r->job);
}

/* A route may say that waiting for long is failing. */
static void lose_patience(struct relay *r)
{
    const struct route_setting *route = route_find(r->setting, r->ask.model);
    if (route && route->over.kind == OVER_FAIL && route->over.after_us < r->max_wait_us)
        r->max_wait_us = route->over.after_us;
}

bool relay_send(struct relay *r)
{
    r->promise = look_ahead(r, r->outlet, r->ask.model, patience_us(r));
    if (r->metered)
        becomes_quicker(r);
    submit(r);
    return r->in_flow;
}

static void choose_account(struct relay *r)
{
    lose_patience(r);
    set_stake(r);
    r->job.flow.demand = r->ask.demand;
    r->outlet = choose(r, r->ask.model);
}

/* A request alone: it draws on no tokens. */
static void queue_up_uncounted(struct relay *r)
{
    struct str model = naming_of_speech(r);
    if (held_by_form(r)) { /* a batch names its models in a file, a form late */
        decline(r, TURN_AWAY_FORBIDDEN, -1,
                STR("This key may use some models only, or has a limit on spending, and what "
                    "this request would use and spend cannot be known beforehand"));
        return;
    }
    r->ask.model = model.n ? model : pass_kind(r->target);
    if (r->route == ROUTE_IMAGES)
        r->ask.demand.images = 1;
    choose_account(r);
    const struct wanted w = wanted_by(r, r->ask.model);
    r->job.flow.pool = outlet_pool(r->outlet, &w);
    if (polls_take(r))
        return;
    if (!relay_send(r) && r->poll)
        polls_refused(r);
}

static void counted(struct relay *r)
{
    struct str model = str_cut(r->ask.model, 80);
    if (r->err != SL_OK)
        decline(r, TURN_AWAY_BAD_REQUEST, -1,
                arena_printf(&r->arena, "%s%s%s", r->diag.where, r->diag.where[0] ? ": " : "",
                             r->diag.what));
    else if (!tenant_may_use(r->terms, r->ask.model))
        decline(r, TURN_AWAY_FORBIDDEN, -1,
                arena_printf(&r->arena, "This key may not use the model %.*s", STR_ARG(model)));
    else if (held_by_path(r))
        decline(r, TURN_AWAY_FORBIDDEN, -1,
                STR("This key may use some models only, or has a limit on spending, and the "
                    "path names a deployment that is not known to be of the body's model; give "
                    "it with `deployments`"));
    else if (held_by_price(r))
        decline(r, TURN_AWAY_FORBIDDEN, -1,
                arena_printf(&r->arena,
                             "This key has a limit on spending, and the price of %.*s is not "
                             "known; give it with `catalogue`",
                             STR_ARG(model)));
    else if (ask_check(&r->ask, &r->diag) != SL_OK && !becomes_longer(r))
        decline(r, TURN_AWAY_CONTEXT, -1,
                arena_printf(&r->arena, "This request is too long: %s", r->diag.what));
    else {
        choose_account(r);
        (void)relay_send(r);
    }
}

static void on_count(uv_work_t *work)
{
    count(work->data);
}

static void on_counted(uv_work_t *work, int status)
{
    struct relay *r = work->data;
    r->counting = false;
    if (r->x)
        counted(r);
    else
        relay_drop(r);
}

/* Queued before its body has come: what it waits for is known without. */
static void start_upload(struct relay *r, const struct message *m)
{
    r->streams = r->job.streams = true;
    r->job.length = m->chunked ? -1 : m->content_length;
    queue_up_uncounted(r);
}

void relay_start(struct gateway *g, struct exchange *x, const struct message *m)
{
    struct tenant *t = gateway_tenant(g, shown_key(m));
    struct relay *r = relay_new(g, x, t ? t : &g->stranger);
    take_head(r, m);
    if (!t)
        decline(r, TURN_AWAY_KEY, -1,
                STR("Incorrect API key provided: it is none of this gateway's. Make one with "
                    "`sluice key create`"));
    else if (m->upgrade && message_header(m, "upgrade").p)
        decline(r, TURN_AWAY_UPGRADE, -1,
                STR("WebSocket and other upgrades are not passed on; use HTTP streaming"));
    else if (misunderstood(m))
        decline(r, TURN_AWAY_BAD_REQUEST, -1, str_of(misunderstood(m)));
    else if (g->ending)
        decline(r, TURN_AWAY_ENDING, -1, STR("sluice is shutting down"));
    else if (is_full(r))
        decline(r, TURN_AWAY_FULL, RELAY_LATE_US,
                STR("sluice holds as many requests as it may"));
    else if (relay_streams(m))
        start_upload(r, m);
}

void relay_end(struct relay *r)
{
    r->received = true;
    if (r->streams && r->in_flow)
        engine_more(&r->job);
    if (r->state != RELAY_READING)
        return;
    if (!r->metered) {
        queue_up_uncounted(r);
        return;
    }
    r->state = RELAY_COUNTING;
    if (r->body.n <= COUNTED_HERE_BYTES) {
        count(r);
        counted(r);
        return;
    }
    r->work.data = r;
    r->counting = true;
    int rc = uv_queue_work(r->gateway->loop, &r->work, on_count, on_counted);
    sl_assert(rc == 0);
}
