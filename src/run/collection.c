/* collection.c: a batch's way from its creation to the results: looked at now and then,
 * cancelled if that is wanted, fetched when it is over. Results are a stream; a fetch that
 * breaks off is begun anew, and rows that have their result already are passed over. */
#include "shipping.h"

#include "batch.h"
#include "wall.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ABSENCES_MAX = 10, /* one that was created a moment ago may not be known everywhere */
    SPLIT_AFTER = 3,   /* refusals of its queue while nothing else of ours is in it */
    PAUSES_MAX = 10,   /* intervals of polling between two of them, growing up to that */
    REPLANS_MAX = 10,  /* of files that are found wrong line by line */
};

static int64_t age_us(const struct parcel *p)
{
    int64_t age = wall_unix_us() - p->creating_us;
    return age > 0 ? age : 0;
}

static void poll_later(struct shipment *h)
{
    struct shipping *s = h->shipping;
    h->due_us = shipping_now(s) + shipping_poll_us(s, age_us(shipping_parcel(h)));
}

/* ---- the end ---- */

static struct str code_of(const struct shipment *h)
{
    if (strcmp(h->status, "expired") == 0)
        return STR("batch_expired");
    if (h->cancel || strcmp(h->status, "cancelled") == 0)
        return STR("batch_cancelled");
    return STR("batch_incomplete");
}

/* All that there is has been read: it stands on the disk before the journal says so. */
static void close_parcel(struct shipment *h)
{
    struct shipping *s = h->shipping;
    struct diag diag;
    if (results_sync(s->batch->results, &diag) != SL_OK) {
        batch_stop(s->batch, STOP_DISK, diag.where, diag.what);
        return;
    }
    if (shipping_enter(h, PARCEL_FETCHED, NULL))
        shipping_give_up(h, code_of(h), STR("the batch ended without a result of this line"));
}

/* ---- results ---- */

static void take_line(struct shipment *h, struct str text)
{
    struct batch_result r;
    struct diag diag;
    struct arena arena = {0};
    if (str_trim(text).n == 0)
        return;
    if (batch_result_read(h->shipping->dialect, text, &arena, &r, &diag) == SL_OK)
        delivery_result(h, &r);
    else
        h->strange++;
    arena_free(&arena);
}

static bool on_results(void *ctx, struct str bytes)
{
    struct shipment *h = ctx;
    struct shipping *s = h->shipping;
    while (bytes.p && !s->stopping) {
        struct str head = str_split(&bytes, '\n');
        if (h->line.n + head.n > BOUND_RESPONSE_BYTES) {
            h->strange++; /* no answer is that long: the rest of it will be strange too */
            buf_clear(&h->line);
            continue;
        }
        if (!bytes.p || h->line.n)
            buf_add(&h->line, head);
        if (!bytes.p)
            break;
        take_line(h, h->line.n ? buf_str(&h->line) : head);
        buf_clear(&h->line);
    }
    return true;
}

static void on_fetched(void *ctx, const struct api_answer *a)
{
    struct shipment *h = ctx;
    if (!shipping_heard(h, a))
        return;
    if (a->outcome != API_OK && ++h->absent < ABSENCES_MAX) {
        poll_later(h);
        return;
    }
    if (a->outcome == API_OK)
        take_line(h, buf_str(&h->line));
    h->absent = 0;
    h->result_next++;
    h->due_us = 0;
}

static void fetch(struct shipment *h)
{
    struct api_request r = {.piece = on_results, .done = on_fetched};
    buf_clear(&h->line);
    if (h->result_next == h->result_count)
        close_parcel(h);
    else
        shipping_call(h, BATCH_CONTENT, buf_str(&h->results[h->result_next]), &r);
}

/* ---- one that was found wrong ---- */

/* Is another of ours in the same queue? */
static bool has_company(const struct shipment *h)
{
    const struct shipping *s = h->shipping;
    const struct models *m = &s->batch->input.models;
    const struct parcel *own = shipping_parcel(h);
    for (size_t i = 0; i < s->cap; i++) {
        const struct parcel *p = s->list[i] ? shipping_parcel(s->list[i]) : NULL;
        if (p && p != own && p->state == PARCEL_CREATED && !s->list[i]->over &&
            m->list[p->model].pool == m->list[own->model].pool)
            return true;
    }
    return false;
}

/* The refusal tells the limit. Where the parcel can never keep it, or should but is refused
 * with nothing of ours before it, for providers count in their own way, it is halved; not for
 * ever, since others may have filled the queue. */
static bool wants_halving(struct shipment *h, const struct batch_object *b)
{
    enum { MISCOUNT = 4, HALVINGS_MAX = 6 };
    struct shipping *s = h->shipping;
    const struct parcel *p = shipping_parcel(h);
    struct arena arena = {0};
    struct verdict v =
        verdict_of(s->batch->settings->account.provider, 200, NULL, b->text, 0, &arena);
    int64_t limit = v.dim == DIM_BATCH_ENQUEUED ? v.limit : -1;
    arena_free(&arena);
    h->alone += !has_company(h);
    bool again = h->alone >= SPLIT_AFTER;
    if (limit < 0)
        return again && p->halvings < HALVINGS_MAX;
    s->queue_tokens[s->batch->input.models.list[p->model].pool] = limit;
    return p->load.tokens > limit || (again && p->load.tokens > limit / MISCOUNT);
}

/* The batch is no more; its file may serve again, when there is room. */
static void wait_for_queue(struct shipment *h, const struct batch_object *b)
{
    struct shipping *s = h->shipping;
    struct parcel *p = shipping_parcel(h);
    struct buf line = {0};
    p->state = p->file.n ? PARCEL_UPLOADED : PARCEL_PLANNED;
    parcel_write_refused(p, &line);
    bool noted = shipping_note(s, buf_str(&line));
    buf_free(&line);
    if (!noted)
        return;
    if (wants_halving(h, b) && manifest_split(h, "the queue has no room for it"))
        return;
    h->refused += h->refused < PAUSES_MAX;
    h->due_us = shipping_now(s) + s->batch->settings->poll_us * h->refused;
}

/* The row whose request is the n-th of the parcel, from 1; the rows' count if there is none. */
static size_t nth_row(const struct rows *rows, const struct parcel *p, int64_t n)
{
    for (size_t i = p->first; i <= p->last; i++) {
        if (rows->list[i].parcel == p->number && --n == 0)
            return i;
    }
    return rows->n;
}

/* Lines that are complained about are given back; true if there were any. Rows leave the parcel
 * as they are given back, so all are found first. */
static bool return_bad_lines(struct shipment *h, const struct batch_object *b)
{
    enum { MOST = 1000 };
    struct shipping *s = h->shipping;
    const struct rows *rows = &s->batch->input.rows;
    size_t *bad = mem_alloc(MOST * sizeof *bad), n = 0;
    const struct json *v = b->complaints;
    for (size_t k = 0; v && k < MOST; v = v->next, k++)
        bad[n++] = nth_row(rows, shipping_parcel(h), batch_complaint_read(v).line);
    bool any = false;
    v = b->complaints;
    for (size_t k = 0; k < n; k++, v = v->next) {
        struct batch_complaint c = batch_complaint_read(v);
        if (c.line < 1 || bad[k] == rows->n || rows->list[bad[k]].parcel != h->number)
            continue;
        delivery_return(s, bad[k], c.code.n ? c.code : STR("batch_failed"), c.message);
        any = true;
    }
    free(bad);
    return any;
}

static void handle_failure(struct shipment *h, const struct batch_object *b)
{
    struct shipping *s = h->shipping;
    struct buf code = {0}, message = {0};
    if (batch_queue_was_full(b) && !h->cancel) {
        wait_for_queue(h, b);
        return;
    }
    if (!h->cancel && s->replans < REPLANS_MAX && return_bad_lines(h, b)) {
        s->replans++;
        manifest_again(h, "lines were found wrong");
        return;
    }
    struct batch_complaint c = batch_complaint_read(b->complaints);
    buf_add(&code, c.code.n ? str_cut(c.code, 60) : STR("batch_failed"));
    buf_add(&message, c.message.n ? c.message : STR("the provider did not accept the batch"));
    shipping_give_up(h, buf_str(&code), buf_str(&message));
    buf_free(&code);
    buf_free(&message);
}

/* ---- looking ---- */

static void add_results(struct shipment *h, struct str where)
{
    if (!where.n)
        return;
    struct buf *b = &h->results[h->result_count++];
    buf_clear(b);
    buf_add(b, where);
}

static void handle_object(struct shipment *h, const struct batch_object *b)
{
    struct shipping *s = h->shipping;
    snprintf(h->status, sizeof h->status, "%.*s", STR_ARG(str_cut(b->status, 20)));
    h->total = b->total;
    h->done = b->done;
    h->expires_us = b->expires_us;
    if (b->phase == BATCH_AT_WORK) {
        poll_later(h);
        return;
    }
    h->over = true;
    shipping_wake(s); /* its place in the queue is free */
    if (b->phase == BATCH_FAILED) {
        h->over = false;
        handle_failure(h, b);
        return;
    }
    if (s->dialect == BATCH_ANTHROPIC) {
        add_results(h, b->id);
    } else {
        add_results(h, b->output_file);
        add_results(h, b->error_file);
    }
    h->due_us = 0;
}

/* It is not known there, again and again. */
static void handle_absence(struct shipment *h)
{
    struct shipping *s = h->shipping;
    struct buf why = {0};
    if (++h->absent < ABSENCES_MAX) {
        poll_later(h);
        return;
    }
    if (s->batch->settings->cancel) {
        shipping_give_up(h, STR("batch_unknown"), STR("the provider does not know the batch"));
        return;
    }
    buf_printf(&why, "batch %.*s is not known to the provider",
               STR_ARG(buf_str(&shipping_parcel(h)->batch)));
    batch_stop(s->batch, STOP_LOST, "", buf_cstr(&why));
    buf_free(&why);
}

static void on_looked(void *ctx, const struct api_answer *a)
{
    struct shipment *h = ctx;
    struct batch_object b;
    struct diag diag;
    if (!shipping_heard(h, a))
        return;
    if (a->outcome == API_ABSENT) {
        handle_absence(h);
        return;
    }
    h->absent = 0;
    if (a->outcome == API_OK &&
        batch_object_read(h->shipping->dialect, a->root, &b, &diag) == SL_OK)
        handle_object(h, &b);
    else
        shipping_later(h, -1);
}

/* That it is over already, or unknown, shows when it is looked at. */
static void on_cancelled(void *ctx, const struct api_answer *a)
{
    struct shipment *h = ctx;
    if (!shipping_heard(h, a))
        return;
    h->cancel_sent = true;
    h->due_us = 0;
}

void collection_step(struct shipment *h)
{
    struct api_request look = {.done = on_looked}, cancel = {.done = on_cancelled};
    struct str id = buf_str(&shipping_parcel(h)->batch);
    if (h->over)
        fetch(h);
    else if (h->cancel && !h->cancel_sent)
        shipping_call(h, BATCH_CANCEL, id, &cancel);
    else
        shipping_call(h, BATCH_LOOK, id, &look);
}
