/* polls.c: see polls.h.
 *
 * Invariants: a poll in the table has a key of its own. One that was forgotten has left the
 * table and lives on for its leader and those it holds, whom the answer is still good for: they
 * asked before. A relay is in at most one poll, as its leader or among the held. */
#include "polls.h"
#include "relay.h"

#include "kind.h"
#include "poll.h"

#include <stdlib.h>

enum {
    POLLS_MAX = 8192,          /* things asked about; more are asked for one by one */
    KEPT_BYTES = 64 << 10,     /* of an answer */
    KEPT_ALL_BYTES = 32 << 20, /* of all answers */
    SHARE_PERCENT = 50,        /* of a limit, for polls */
};

struct kept {
    int status; /* 0: none is */
    struct header *headers;
    size_t header_count;
    struct str body;
    int64_t sent_us; /* when it was asked for */
    int64_t until_us;
    struct arena arena;
};

struct poll {
    struct poll *next; /* in the table */
    uint64_t hash;
    bool listed;     /* in the table */
    struct buf key;  /* who asks what where */
    struct buf stem; /* of its path: what is below it may change its answer */
    struct outlet *outlet;
    struct pool *pool; /* it draws on */
    int64_t used_us;   /* asked for last */
    struct relay *leader, *held, *last;
    struct kept kept;
};

/* ---- the table ----------------------------------------------------------------------- */

static void add_number(struct buf *b, uint64_t n)
{
    buf_printf(b, "%llu\n", (unsigned long long)n);
}

/* Headers that tell of the client, its library and its tracing, not of what it wants. */
static bool of_client(struct str name)
{
    static const struct str names[] = {STR_INIT("user-agent"),   STR_INIT("traceparent"),
                                       STR_INIT("tracestate"),   STR_INIT("baggage"),
                                       STR_INIT("x-request-id"), STR_INIT("connection")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq_nocase(name, names[i]))
            return true;
    }
    return str_starts_nocase(name, STR("x-stainless-"));
}

static bool wants_events(const struct relay *r)
{
    for (size_t i = 0; i < r->job.header_count; i++) {
        if (str_eq_nocase(r->job.headers[i].name, STR("accept")) &&
            str_find_nocase(r->job.headers[i].value, STR("text/event-stream"), 0) >= 0)
            return true;
    }
    return false;
}

/* The client's key is among the headers where the provider is to see it. */
static void write_key(const struct relay *r, struct buf *key)
{
    add_number(key, r->tenant->index);
    add_number(key, (uint64_t)(uintptr_t)r->outlet);
    buf_add(key, r->target);
    for (size_t i = 0; i < r->job.header_count; i++) {
        const struct header *h = &r->job.headers[i];
        if (of_client(h->name))
            continue;
        buf_char(key, '\n');
        for (size_t k = 0; k < h->name.n; k++)
            buf_char(key, h->name.p[k] >= 'A' && h->name.p[k] <= 'Z'
                              ? (char)(h->name.p[k] - 'A' + 'a')
                              : h->name.p[k]);
        buf_puts(key, ": ");
        buf_add(key, h->value);
    }
}

/* "/v1/threads/T" of all that is below it. */
static void write_stem(struct str target, struct buf *stem)
{
    enum { PARTS = 3 };
    struct buf text = {0};
    struct str path = kind_path(target, &text);
    size_t end = 0;
    for (int slashes = 0; end < path.n; end++) {
        slashes += path.p[end] == '/';
        if (slashes > PARTS)
            break;
    }
    buf_add(stem, str_cut(path, end));
    buf_free(&text);
}

/* FNV-1a, 64 bits. */
static uint64_t hash_of(struct str text)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    return h;
}

static void drop_kept(struct polls *all, struct kept *k)
{
    all->kept_bytes -= k->body.n;
    arena_free(&k->arena);
    *k = (struct kept){.status = 0};
}

static void poll_free(struct polls *all, struct poll *p)
{
    drop_kept(all, &p->kept);
    buf_free(&p->key);
    buf_free(&p->stem);
    free(p);
}

static void unlist(struct polls *all, struct poll *p)
{
    struct poll **at = &all->table[p->hash % POLLS_TABLE];
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->listed = false;
    all->n--;
}

/* Nobody points to it any more. */
static void free_if_done(struct polls *all, struct poll *p)
{
    if (!p->listed && !p->leader && !p->held)
        poll_free(all, p);
}

static void visit(struct polls *all, bool (*is_gone)(const struct poll *p, const void *ctx),
                  const void *ctx)
{
    for (size_t i = 0; i < POLLS_TABLE; i++) {
        for (struct poll *p = all->table[i], *next; p; p = next) {
            next = p->next;
            if (!is_gone(p, ctx))
                continue;
            unlist(all, p);
            free_if_done(all, p);
        }
    }
}

static bool is_idle(const struct poll *p, const void *now_us)
{
    int64_t idle_us = *(const int64_t *)now_us - p->used_us;
    int64_t lasts_us = p->outlet->account->options.minute_us;
    return !p->leader && !p->held && idle_us > lasts_us &&
           p->kept.until_us <= *(const int64_t *)now_us;
}

static struct poll *poll_named(struct polls *all, struct str key, uint64_t hash)
{
    struct poll *p = all->table[hash % POLLS_TABLE];
    while (p && (p->hash != hash || !str_eq(buf_str(&p->key), key)))
        p = p->next;
    return p;
}

/* NULL: there are too many. */
static struct poll *poll_of_relay(struct relay *r, int64_t now_us)
{
    struct polls *all = &r->gateway->polls;
    struct buf key = {0};
    write_key(r, &key);
    uint64_t hash = hash_of(buf_str(&key));
    struct poll *p = poll_named(all, buf_str(&key), hash);
    if (!p && all->n == POLLS_MAX)
        visit(all, is_idle, &now_us);
    if (p || all->n == POLLS_MAX) {
        buf_free(&key);
        return p;
    }
    p = mem_zero(sizeof *p);
    p->hash = hash;
    p->key = key;
    p->outlet = r->outlet;
    p->pool = r->job.flow.pool;
    p->listed = true;
    p->next = all->table[hash % POLLS_TABLE];
    write_stem(r->target, &p->stem);
    all->table[hash % POLLS_TABLE] = p;
    all->n++;
    return p;
}

/* ---- answers ------------------------------------------------------------------------- */

/* How long an answer may be handed on: of the limits that these polls draw on, all things that
 * are asked about together take no more than their share. */
static int64_t pace_us(const struct relay *r, const struct poll *p, int64_t now_us)
{
    struct pool_view view;
    int64_t things = 0, pace_us = r->setting->poll_pace_us;
    const struct polls *all = &r->gateway->polls;
    for (size_t i = 0; i < POLLS_TABLE; i++) {
        for (const struct poll *q = all->table[i]; q; q = q->next)
            things += q->pool == p->pool && !is_idle(q, &now_us);
    }
    pool_look(engine_account(p->outlet->door.engine), p->pool, now_us, &view);
    for (size_t i = 0; i < view.budget_count; i++) {
        const struct budget_view *b = &view.budgets[i];
        if (b->dim != DIM_RPM || b->limit <= 0)
            continue;
        int64_t fair_us =
            (int64_t)((__int128)things * b->period_us * 100 / SHARE_PERCENT / b->limit);
        pace_us = fair_us > pace_us ? fair_us : pace_us;
    }
    return pace_us;
}

static const struct poll_class *class_of(const struct relay *r)
{
    const struct account_options *o = &r->outlet->account->options;
    return poll_of(o->catalogue, o->provider, str_of(r->job.method), r->target);
}

static void keep(struct poll *p, const struct relay *r, const struct ending *end)
{
    struct polls *all = &r->gateway->polls;
    int64_t now_us = gateway_now(r->gateway);
    const struct poll_class *class = class_of(r);
    struct kept *k = &p->kept;
    drop_kept(all, k);
    k->status = end->status;
    k->header_count = end->head->header_count;
    k->headers = arena_alloc(&k->arena, (k->header_count + 1) * sizeof *k->headers);
    for (size_t i = 0; i < k->header_count; i++) {
        const struct header *h = &end->head->headers[i];
        k->headers[i] =
            (struct header){arena_copy(&k->arena, h->name), arena_copy(&k->arena, h->value)};
    }
    k->body = arena_copy(&k->arena, end->body);
    k->sent_us = r->job.flow.sent_us;
    bool again = class && poll_pending(class, end->body);
    k->until_us = k->sent_us + (again ? pace_us(r, p, now_us) : r->setting->poll_pace_us);
    all->kept_bytes += k->body.n;
}

static void answer_kept(struct relay *r, const struct kept *k)
{
    struct message m = {.status = k->status, .header_count = k->header_count};
    for (size_t i = 0; i < k->header_count; i++)
        m.headers[i] = k->headers[i];
    relay_share(r, &m, k->body, k->sent_us);
}

/* ---- held ---------------------------------------------------------------------------- */

static void hold(struct poll *p, struct relay *r, int64_t now_us)
{
    r->poll = p;
    r->state = RELAY_WAITING;
    r->deadline_us = now_us + r->max_wait_us + RELAY_LATE_US;
    r->poll_prev = p->last;
    r->poll_next = NULL;
    *(p->last ? &p->last->poll_next : &p->held) = r;
    p->last = r;
    gateway_deadline(r->gateway, now_us, r->deadline_us);
}

/* Out of those held; what that leaves is its caller's. */
static void take_out(struct poll *p, struct relay *r)
{
    *(r->poll_prev ? &r->poll_prev->poll_next : &p->held) = r->poll_next;
    *(r->poll_next ? &r->poll_next->poll_prev : &p->last) = r->poll_prev;
    r->poll_prev = r->poll_next = NULL;
    r->poll = NULL;
}

void polls_leave(struct relay *r)
{
    struct poll *p = r->poll;
    take_out(p, r);
    struct relay *leader = p->leader;
    if (leader && !leader->x && !p->held) /* nobody waits for its answer any more */
        engine_cancel(p->outlet->door.engine, &leader->job);
    else
        free_if_done(&r->gateway->polls, p);
}

bool polls_serves(const struct relay *r)
{
    return r->poll && r->poll->leader == r && r->poll->held;
}

bool polls_take(struct relay *r)
{
    int64_t now_us = gateway_now(r->gateway);
    if (r->setting->poll_pace_us <= 0 || r->streams || wants_events(r) || !class_of(r))
        return false;
    struct poll *p = poll_of_relay(r, now_us);
    if (!p)
        return false;
    p->used_us = r->poll_since_us = now_us;
    r->tally = outlet_tally(r->outlet, p->pool);
    if (p->kept.status && now_us < p->kept.until_us) {
        answer_kept(r, &p->kept);
        return true;
    }
    if (p->leader) {
        hold(p, r, now_us);
        return true;
    }
    drop_kept(&r->gateway->polls, &p->kept);
    p->leader = r;
    r->poll = p;
    return false;
}

/* ---- the leader's end ---------------------------------------------------------------- */

static struct poll *step_down(struct relay *r)
{
    struct poll *p = r->poll;
    sl_assert(p->leader == r);
    p->leader = NULL;
    r->poll = NULL;
    return p;
}

/* The next of those held asks, and the others go on waiting for it. */
static void ask_again(struct polls *all, struct poll *p)
{
    while (p->held && !p->leader) {
        struct relay *r = p->held;
        take_out(p, r);
        p->leader = r;
        r->poll = p;
        if (!relay_send(r))
            (void)step_down(r);
    }
    free_if_done(all, p);
}

static void share(struct poll *p, const struct relay *r, const struct ending *end)
{
    while (p->held) {
        struct relay *one = p->held;
        take_out(p, one);
        relay_share(one, end->head, end->body, r->job.flow.sent_us);
    }
}

static bool is_kept(const struct poll *p, const struct relay *r, const struct ending *end)
{
    enum { GOOD = 200 };
    return p->listed && end->status == GOOD && end->body.n <= KEPT_BYTES &&
           r->gateway->polls.kept_bytes + end->body.n <= KEPT_ALL_BYTES;
}

void polls_over(struct relay *r, const struct ending *end)
{
    struct poll *p = step_down(r);
    bool said = end->answered && (end->outcome == OUTCOME_OK || end->outcome == OUTCOME_FAILED);
    if (said) {
        if (is_kept(p, r, end))
            keep(p, r, end);
        share(p, r, end);
    }
    ask_again(&r->gateway->polls, p);
}

void polls_refused(struct relay *r)
{
    struct poll *p = step_down(r);
    ask_again(&r->gateway->polls, p);
}

void polls_part(struct relay *r)
{
    struct poll *p = step_down(r);
    if (p->listed)
        unlist(&r->gateway->polls, p);
    while (p->held) {
        struct relay *one = p->held;
        take_out(p, one);
        (void)relay_send(one);
    }
    free_if_done(&r->gateway->polls, p);
}

/* ---- forgotten ----------------------------------------------------------------------- */

struct change {
    const struct outlet *outlet;
    struct str stem;
};

static bool is_changed(const struct poll *p, const void *ctx)
{
    const struct change *c = ctx;
    return p->outlet == c->outlet && str_eq(buf_str(&p->stem), c->stem);
}

void polls_forget(struct gateway *g, const struct relay *r)
{
    struct buf stem = {0};
    if (g->polls.n == 0)
        return;
    write_stem(r->target, &stem);
    const struct change c = {r->outlet, buf_str(&stem)};
    visit(&g->polls, is_changed, &c);
    buf_free(&stem);
}

static bool is_any(const struct poll *p, const void *ctx)
{
    return true;
}

void polls_free(struct polls *all)
{
    visit(all, is_any, NULL);
    sl_assert(all->n == 0);
}
