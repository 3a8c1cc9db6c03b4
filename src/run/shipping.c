/* shipping.c: see shipping.h. One timer drives all parcels: whichever is due and has no call in
 * flight takes its next step. A step that waits for room at the provider is due again when
 * something has ended (shipping_wake).
 *
 * Invariants: a parcel has one call at most; a state's line is on the disk before anything is
 * done in its name; after shipping_stop nothing is begun. */
#include "shipping.h"

#include "backoff.h"
#include "batch.h"
#include "replace.h"
#include "wall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SECOND = 1000000,
    POLL_LEAST_US = 2 * SECOND,
    /* A batch is looked at eight times in the time that it has already taken, so that short
     * ones end soon and long ones are left alone. */
    POLL_PART = 8,
};

struct parcel *shipping_parcel(const struct shipment *h)
{
    return parcels_get(&h->shipping->parcels, h->number);
}

int64_t shipping_now(const struct shipping *s)
{
    return engine_now(s->batch->door.engine);
}

int64_t wall_unix_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec / 1000;
}

int64_t shipping_poll_us(const struct shipping *s, int64_t age_us)
{
    int64_t most = s->batch->settings->poll_us;
    int64_t us = age_us / POLL_PART > POLL_LEAST_US ? age_us / POLL_PART : POLL_LEAST_US;
    return us < most ? us : most;
}

/* ---- the journal ---- */

/* An emulator of our own is another one in each process. */
struct str shipping_account(const struct batch *b)
{
    const struct account_options *a = &b->settings->account;
    return a->emulate ? STR("emulated") : str_of(a->base_url);
}

static void disk_failed(struct shipping *s, const struct diag *diag)
{
    batch_stop(s->batch, STOP_DISK, diag->where, diag->what);
}

static enum sl_err begin_journal(struct shipping *s, struct diag *diag)
{
    struct buf line = {0};
    struct journal_reader silent = {NULL, NULL};
    enum sl_err err = journal_open(&s->batch->loop, s->path.p, silent, &s->journal, diag);
    if (err != SL_OK)
        return err;
    s->header.account = shipping_account(s->batch);
    parcels_write_header(&s->header, &line);
    err = journal_append(s->journal, buf_str(&line), diag);
    buf_free(&line);
    return err;
}

bool shipping_note(struct shipping *s, struct str line)
{
    struct diag diag;
    enum sl_err err = s->journal ? SL_OK : begin_journal(s, &diag);
    if (err == SL_OK)
        err = journal_append(s->journal, line, &diag);
    if (err == SL_OK)
        err = journal_sync(s->journal, &diag);
    if (err != SL_OK)
        disk_failed(s, &diag);
    return err == SL_OK;
}

bool shipping_enter(struct shipment *h, enum parcel_state state, const char *why)
{
    struct buf line = {0};
    struct parcel *p = shipping_parcel(h);
    p->state = state;
    parcel_write(p, &h->shipping->batch->input, h->shipping->rules, why, &line);
    bool noted = shipping_note(h->shipping, buf_str(&line));
    buf_free(&line);
    return noted;
}

static void add_shipment(struct shipping *s, const struct parcel *p)
{
    if (p->number > s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        cap = cap < p->number ? p->number : cap;
        s->list = mem_grow(s->list, cap * sizeof(void *));
        memset(s->list + s->cap, 0, (cap - s->cap) * sizeof(void *));
        s->cap = cap;
    }
    struct shipment *h = mem_zero(sizeof *h);
    h->shipping = s;
    h->number = p->number;
    h->total = h->done = h->expires_us = -1;
    h->unsure = p->state == PARCEL_UPLOADING || p->state == PARCEL_CREATING;
    s->list[p->number - 1] = h;
}

void shipping_add(struct shipping *s)
{
    for (size_t i = 0; i < s->parcels.n; i++) {
        const struct parcel *p = &s->parcels.list[i];
        if (parcel_is_live(p) && (i >= s->cap || !s->list[i]))
            add_shipment(s, p);
    }
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer);

static void set_timer(struct shipping *s, int64_t due_us)
{
    if (!s->started || s->stopping)
        return;
    int64_t wait_us = due_us - shipping_now(s);
    uint64_t wait_ms = wait_us <= 0 ? 0 : (uint64_t)(wait_us + 999) / 1000;
    uv_update_time(&s->batch->loop);
    uv_timer_start(&s->timer, on_timer, wait_ms, 0);
}

void shipping_wake(struct shipping *s)
{
    int64_t now_us = s->started ? shipping_now(s) : 0;
    for (size_t i = 0; i < s->cap; i++) {
        struct shipment *h = s->list[i];
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list */
        if (h && h->due_us == INT64_MAX)
            h->due_us = now_us;
    }
    set_timer(s, now_us);
}

static void step(struct shipment *h)
{
    const struct parcel *p = shipping_parcel(h);
    if (p->state == PARCEL_CREATED)
        collection_step(h);
    else
        creation_step(h);
}

/* When the next step is due of any that has no call in flight. */
static int64_t next_due_us(const struct shipping *s)
{
    int64_t next_us = INT64_MAX;
    for (size_t i = 0; i < s->cap; i++) {
        const struct shipment *h = s->list[i];
        if (h && !h->call && h->due_us < next_us)
            next_us = h->due_us;
    }
    return next_us;
}

static void on_timer(uv_timer_t *timer)
{
    struct shipping *s = timer->data;
    int64_t now_us = shipping_now(s);
    for (size_t i = 0; i < s->cap && !s->stopping; i++) {
        struct shipment *h = s->list[i];
        if (!h || h->call)
            continue;
        if (h->due_us <= now_us && s->next_call_us > now_us)
            h->due_us = s->next_call_us;
        if (h->due_us <= now_us)
            step(h);
    }
    int64_t next_us = next_due_us(s); /* a step may have woken those before it */
    if (next_us != INT64_MAX)
        set_timer(s, next_us);
    batch_end_when_done(s->batch);
}

enum sl_err shipping_start(struct shipping *s, struct diag *diag)
{
    struct batch *b = s->batch;
    struct upstream *u;
    const struct account_options *a = &b->settings->account;
    enum sl_err err = door_upstream(&b->door, a, &b->loop, &u, diag);
    if (err != SL_OK)
        return err;
    /* The same key each time: files and batches may belong to its project. */
    api_open(&s->api, u, a->provider, a->keys.n ? a->keys.lent[0] : (struct str){0});
    uv_timer_init(&b->loop, &s->timer);
    s->timer.data = s;
    s->started = true;
    shipping_wake(s);
    if (s->ending)
        shipping_end_all(s);
    set_timer(s, 0);
    return SL_OK;
}

/* ---- calls ---- */

void shipping_call(struct shipment *h, enum batch_verb v, struct str id, struct api_request *r)
{
    struct shipping *s = h->shipping;
    struct buf path = {0};
    batch_path(s->dialect, v, id, s->batch->door.base_path[0] != 0, &path);
    r->method = batch_method(v);
    r->path = buf_str(&path);
    r->ctx = h;
    s->next_call_us = shipping_now(s) + s->call_gap_us;
    h->call = api_start(&s->api, r);
    buf_free(&path);
}

void shipping_later(struct shipment *h, int64_t asked_us)
{
    h->due_us =
        shipping_now(h->shipping) + backoff_us(h->tries, asked_us, &h->shipping->random);
    h->tries++;
}

bool shipping_heard(struct shipment *h, const struct api_answer *a)
{
    struct shipping *s = h->shipping;
    struct batch *b = s->batch;
    h->call = NULL;
    set_timer(s, 0);
    if (s->stopping)
        batch_end_when_done(b);
    if (a->status) {
        b->reached = true;
        s->troubled = false;
    }
    if (a->outcome == API_LATER) {
        s->troubled = a->status == 0 || a->status >= 500;
        snprintf(s->why, sizeof s->why, "%s", a->why);
        shipping_later(h, a->verdict.retry_us > 0 ? a->verdict.retry_us : -1);
        return false;
    }
    b->alive_us = shipping_now(s);
    if (a->outcome == API_ACCOUNT) {
        const char *where = a->verdict.kind == VERDICT_AUTH ? "key" : "wallet";
        batch_stop(b, STOP_ACCOUNT, where, a->why);
        return false;
    }
    if (a->outcome == API_OK)
        h->tries = 0;
    return true;
}

/* ---- room ---- */

/* May the provider have it in its queue? */
static bool is_queued(const struct shipment *h, const struct parcel *p)
{
    return p->state == PARCEL_CREATING || (p->state == PARCEL_CREATED && !h->over);
}

bool shipping_has_room(const struct shipment *h)
{
    const struct shipping *s = h->shipping;
    const struct models *m = &s->batch->input.models;
    const struct parcel *own = shipping_parcel(h);
    size_t pool = m->list[own->model].pool;
    int64_t requests = 0, tokens = 0;
    for (size_t i = 0; i < s->cap; i++) {
        const struct parcel *p = s->list[i] ? shipping_parcel(s->list[i]) : NULL;
        if (!p || p == own || !is_queued(s->list[i], p))
            continue;
        requests += p->load.requests;
        tokens += m->list[p->model].pool == pool ? p->load.tokens : 0;
    }
    if (s->dialect == BATCH_ANTHROPIC)
        return requests == 0 || s->queue_requests < 0 ||
               requests + own->load.requests <= s->queue_requests;
    return tokens == 0 || s->queue_tokens[pool] < 0 ||
           tokens + own->load.tokens <= s->queue_tokens[pool];
}

size_t shipping_at_provider(const struct shipping *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->cap; i++)
        n += s->list[i] && is_queued(s->list[i], shipping_parcel(s->list[i]));
    return n;
}

/* At the pace so far; -1 where it has shown none. */
static int64_t eta_us(const struct shipment *h)
{
    if (h->over)
        return 0;
    if (h->done <= 0 || h->total < h->done)
        return -1;
    int64_t age_us = wall_unix_us() - shipping_parcel(h)->creating_us;
    return (int64_t)((__int128)(age_us > 0 ? age_us : 0) * (h->total - h->done) / h->done);
}

static void look_at(const struct shipment *h, struct progress_batches *out)
{
    const struct parcel *p = shipping_parcel(h);
    if (h->all_bytes)
        out->upload_percent = (int)(h->sent_bytes * 100 / h->all_bytes);
    if (!is_queued(h, p) && !h->over) {
        out->waiting++;
        out->eta_us = -1;
        return;
    }
    int64_t ahead_us = eta_us(h);
    if (out->eta_us >= 0 && (ahead_us < 0 || ahead_us > out->eta_us))
        out->eta_us = ahead_us;
    int64_t left_us = h->expires_us - wall_unix_us();
    out->at_work++;
    out->status = h->over ? "fetching" : h->status;
    out->done += h->done > 0 ? h->done : 0;
    out->total += h->total > 0 ? h->total : p->load.requests;
    if (h->expires_us >= 0 && left_us > out->ends_us)
        out->ends_us = left_us;
}

int64_t shipping_look(const struct shipping *s, struct progress_batches *out)
{
    *out = (struct progress_batches){
        .upload_percent = -1, .ends_us = -1, .due_us = -1, .status = ""};
    for (size_t i = 0; i < s->parcels.n; i++) {
        if (i < s->cap && s->list[i])
            look_at(s->list[i], out);
        out->over += s->parcels.list[i].state == PARCEL_FETCHED;
    }
    return s->rows;
}

/* ---- ends ---- */

static void shipment_free(struct shipment *h)
{
    api_cancel(&h->call);
    loading_free(&h->loading);
    buf_free(&h->rejects);
    buf_free(&h->results[0]);
    buf_free(&h->results[1]);
    buf_free(&h->candidate);
    buf_free(&h->cursor);
    buf_free(&h->text);
    buf_free(&h->line);
    free(h);
}

void shipping_drop(struct shipment *h)
{
    struct shipping *s = h->shipping;
    s->list[h->number - 1] = NULL;
    shipment_free(h);
    shipping_wake(s);
}

static void tell_return(const struct shipment *h, int64_t rows, struct str code,
                        struct str message)
{
    const struct settings *set = h->shipping->batch->settings;
    struct buf text = {0};
    buf_printf(&text, "batch %u: %.*s", h->number, STR_ARG(str_cut(code, 60)));
    if (shipping_parcel(h)->state != PARCEL_FETCHED) /* else it is of single lines */
        buf_printf(&text, ": %.*s", STR_ARG(str_cut(message, 200)));
    buf_puts(&text, ": ");
    buf_thousands(&text, rows);
    buf_printf(&text, " %s %s", rows == 1 ? "row" : "rows",
               set->cancel              ? "left"
               : set->rest == REST_LIVE ? "to be asked live"
                                        : "into the error file");
    watch_note(h->shipping->batch, buf_cstr(&text));
    buf_free(&text);
}

void shipping_give_up(struct shipment *h, struct str code, struct str message)
{
    struct shipping *s = h->shipping;
    struct rows *rows = &s->batch->input.rows;
    const struct parcel *p = shipping_parcel(h);
    size_t first = p->first, last = p->last;
    char why[100];
    snprintf(why, sizeof why, "%.*s", STR_ARG(code));
    if (parcel_is_live(p) && !shipping_enter(h, PARCEL_VOID, why))
        return;
    int64_t before = s->rows;
    for (size_t i = first; i <= last; i++) {
        if (rows->list[i].parcel == h->number)
            delivery_return(s, i, code, message);
    }
    int64_t back = before - s->rows + h->returned;
    if (back)
        tell_return(h, back, code, message);
    shipping_drop(h);
}

bool shipping_is_busy(const struct shipping *s)
{
    for (size_t i = 0; i < s->cap; i++) {
        if (s->list[i] && (!s->stopping || s->list[i]->call))
            return true;
    }
    return false;
}

void shipping_stop(struct shipping *s)
{
    s->stopping = true;
    if (s->started)
        uv_timer_stop(&s->timer);
    for (size_t i = 0; i < s->cap; i++) {
        struct shipment *h = s->list[i];
        bool creates = h && shipping_parcel(h)->state == PARCEL_CREATING && !h->unsure;
        if (h && h->call && (!creates || h->sent_bytes < h->all_bytes))
            api_cancel(&h->call); /* of a creation its answer is waited for, once it is sent */
    }
}

void shipping_end(struct shipment *h, const char *why)
{
    struct shipping *s = h->shipping;
    h->cancel = true;
    h->due_us = 0;
    if (!parcel_is_idle(shipping_parcel(h))) {
        shipping_wake(s);
        return;
    }
    api_cancel(&h->call);
    shipping_give_up(h, STR("batch_cancelled"), str_of(why));
}

void shipping_end_all(struct shipping *s)
{
    s->ending = true;
    for (size_t i = 0; i < s->cap && !s->stopping; i++) {
        if (s->list[i])
            shipping_end(s->list[i], "the batch was given up before it was created");
    }
}

void shipping_close(struct shipping *s)
{
    if (!s->started)
        return;
    s->stopping = true;
    for (size_t i = 0; i < s->cap; i++) {
        if (s->list[i])
            api_cancel(&s->list[i]->call);
    }
    api_close(&s->api);
    uv_close((uv_handle_t *)&s->timer, NULL);
}

/* Then the choice is still to be kept to. */
static bool rows_are_left(const struct batch *b)
{
    bool left = false;
    for (size_t i = 0; i < b->input.rows.n; i++) {
        enum row_state state = b->input.rows.list[i].state;
        left |= state == ROW_PENDING || state == ROW_OUT;
    }
    return left;
}

void shipping_free(struct shipping **ps)
{
    struct shipping *s = *ps;
    struct diag diag;
    *ps = NULL;
    if (!s)
        return;
    bool live = s->batch->allot.choice.made && rows_are_left(s->batch);
    for (size_t i = 0; i < s->parcels.n; i++)
        live |= parcel_is_live(&s->parcels.list[i]);
    for (size_t i = 0; i < s->cap; i++) {
        if (s->list[i])
            shipment_free(s->list[i]);
    }
    /* Gone before its lock is: nobody finds one that is about to go. */
    if (s->journal && s->sound && !live && journal_sync(s->journal, &diag) == SL_OK)
        unlink(s->path.p);
    enum sl_err err = s->journal ? journal_close(&s->journal, &diag) : SL_OK;
    (void)err; /* what counts was synced when it was written */
    parcels_free(&s->parcels);
    arena_free(&s->arena);
    buf_free(&s->path);
    free(s->queue_tokens);
    free(s->list);
    free(s);
}
