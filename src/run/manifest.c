/* manifest.c: which rows go into which parcel. See shipping.h.
 *
 * Every pending row is read once more, for its size as it will be sent; what is read is not
 * kept. Rows whose endpoint batches do not reach, and those that no batch could hold, stay
 * pending. */
#include "shipping.h"

#include "batch.h"
#include "duration.h"

#include <stdlib.h>

/* ---- packing ---- */

struct packer {
    struct shipping *s;
    const struct manifest_filter *filter;
    struct packing packing;
    size_t base; /* parcels that there were before */
    struct input_request request;
};

static bool is_wanted(const struct packer *k, size_t i)
{
    const struct row *row = &k->s->batch->input.rows.list[i];
    const struct manifest_filter *f = k->filter;
    if (f->from)
        return row->parcel == f->from && row->state == ROW_SHIPPED;
    return row->state == ROW_PENDING && (!f->wanted || f->wanted(f->ctx, i));
}

static struct parcel *parcel_for(struct packer *k, size_t packed, size_t row)
{
    struct parcels *list = &k->s->parcels;
    if (list->n == k->base + packed) {
        struct parcel *new = parcels_add(list);
        if (!new)
            return NULL;
        new->first = row;
    }
    return parcels_get(list, (uint16_t)(k->base + packed + 1));
}

static enum sl_err pack_row(struct packer *k, size_t i, struct diag *diag)
{
    struct shipping *s = k->s;
    struct row *row = &s->batch->input.rows.list[i];
    size_t packed;
    enum sl_err err = input_read(&s->batch->input, row, &k->request, diag);
    if (err != SL_OK)
        return err;
    int endpoint = batch_endpoint(s->rules, k->request.line.url);
    if (endpoint < 0) {
        s->unreached++;
        return SL_OK;
    }
    struct load load =
        loading_of(s->dialect, s->rules->endpoints[endpoint], row, &k->request.line);
    struct packing_kind kind = {row->model, (size_t)endpoint,
                                s->queue_tokens[s->batch->input.models.list[row->model].pool]};
    if (!packing_add(&k->packing, &kind, &load, &packed)) {
        s->too_large++;
        return SL_OK;
    }
    struct parcel *p = parcel_for(k, packed, i);
    if (!p)
        return diag_set(diag, SL_TOO_LARGE, "--mode", "more than %d batches", PARCELS_MAX);
    p->model = row->model;
    p->endpoint = endpoint;
    p->last = i;
    row->parcel = p->number;
    s->rows += row->state != ROW_SHIPPED;
    row->state = ROW_SHIPPED;
    return SL_OK;
}

static void draw_mark(struct parcel *p)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[MARK_BYTES / 2];
    int rc = uv_random(NULL, NULL, bytes, sizeof bytes, 0, NULL);
    sl_assert(rc == 0);
    for (size_t i = 0; i < sizeof bytes; i++) {
        p->mark[2 * i] = hex[bytes[i] >> 4];
        p->mark[2 * i + 1] = hex[bytes[i] & 15];
    }
}

/* The plan stands in the journal, all of it. */
static bool announce(struct packer *k)
{
    struct shipping *s = k->s;
    struct buf line = {0};
    bool noted = true;
    for (size_t i = 0; i < k->packing.n && noted; i++) {
        struct parcel *p = &s->parcels.list[k->base + i];
        p->load = k->packing.list[i].load;
        p->halvings = k->filter->halvings;
        draw_mark(p);
        buf_clear(&line);
        parcel_write(p, &s->batch->input, s->rules, NULL, &line);
        noted = shipping_note(s, buf_str(&line));
    }
    buf_free(&line);
    return noted;
}

enum sl_err manifest_pack(struct shipping *s, const struct manifest_filter *f,
                          struct diag *diag)
{
    struct packer k = {.s = s, .filter = f, .base = s->parcels.n};
    struct buf boundary = {0};
    struct diag said = {"", ""};
    enum sl_err err = SL_OK;
    buf_printf(&boundary, "sluice-%*s", MARK_BYTES, "");
    packing_init(&k.packing, s->rules, loading_frame_bytes(s->dialect, buf_str(&boundary)),
                 loading_gap_bytes(s->dialect));
    buf_free(&boundary);
    if (f->requests_max && f->requests_max < k.packing.most.requests)
        k.packing.most.requests = f->requests_max;
    for (size_t i = 0; i < s->batch->input.rows.n && err == SL_OK; i++) {
        if (is_wanted(&k, i))
            err = pack_row(&k, i, &said);
    }
    if (err != SL_OK)
        *diag = said;
    else if (!announce(&k))
        err = diag_set(diag, SL_IO, s->batch->why.where, "%s", s->batch->why.what);
    packing_free(&k.packing);
    input_request_free(&k.request);
    shipping_add(s);
    return err;
}

/* ---- anew ---- */

/* Rows of the parcel that found no other one are given back. */
static void repack(struct shipment *h, struct manifest_filter f, const char *why)
{
    struct shipping *s = h->shipping;
    struct diag diag;
    f.from = h->number;
    if (!shipping_enter(h, PARCEL_VOID, why))
        return;
    if (manifest_pack(s, &f, &diag) != SL_OK)
        batch_stop(s->batch, STOP_DISK, diag.where, diag.what);
    else
        shipping_give_up(h, STR("batch_refused"), STR("no batch can hold this line"));
}

bool manifest_split(struct shipment *h, const char *why)
{
    const struct parcel *p = shipping_parcel(h);
    if (p->load.requests < 2)
        return false;
    const struct manifest_filter halves = {.requests_max = (p->load.requests + 1) / 2,
                                           .halvings = p->halvings + 1};
    repack(h, halves, why);
    return true;
}

void manifest_again(struct shipment *h, const char *why)
{
    const struct manifest_filter all = {.halvings = shipping_parcel(h)->halvings};
    repack(h, all, why);
}

/* ---- for people ---- */

#define MARGIN "\n                  "

struct group { /* parcels of one model */
    int64_t requests, tokens, batches;
};

/* "gpt-4o   1,319 requests, 158,214 tokens in, as 2 batches", and below it
 * "90,000 tokens may wait at once; 50 % of the live price (2026-07-24)". */
static void tell_model(const struct shipping *s, size_t model, const struct group *g,
                       struct buf *out)
{
    const struct batch_model *m = &s->batch->input.models.list[model];
    int64_t most = s->queue_tokens[m->pool], percent = m->known ? m->known->batch_percent : -1;
    buf_printf(out, "  %-14.*s  ", STR_ARG(str_cut(m->name, 40)));
    buf_thousands(out, g->requests);
    buf_puts(out, g->requests == 1 ? " request, " : " requests, ");
    buf_thousands(out, g->tokens);
    buf_puts(out, " tokens in, as ");
    buf_thousands(out, g->batches);
    buf_puts(out, g->batches == 1 ? " batch" : " batches");
    buf_puts(out, MARGIN);
    if (s->dialect == BATCH_OPENAI && most >= 0) {
        buf_thousands(out, most);
        buf_puts(out, " tokens may wait at once; ");
    } else if (s->dialect == BATCH_OPENAI) {
        buf_puts(out, "how many tokens may wait at once is not known (--tier, "
                      "--batch-queue)" MARGIN);
    }
    if (percent > 0)
        buf_printf(out, "%lld %% of the live price (%.*s)", (long long)percent,
                   STR_ARG(m->known->source_date));
    else
        buf_puts(out, "its price is not known");
    buf_char(out, '\n');
}

static void tell_lines(int64_t n, const char *what, struct buf *out)
{
    if (!n)
        return;
    buf_puts(out, "  ");
    buf_thousands(out, n);
    buf_printf(out, " %s %s: asked live\n", n == 1 ? "line is" : "lines are", what);
}

void manifest_tell(const struct shipping *s, struct buf *out)
{
    const struct models *m = &s->batch->input.models;
    struct group *groups = mem_zero((m->n + 1) * sizeof *groups);
    size_t under_way = 0, planned = 0;
    for (size_t i = 0; i < s->parcels.n; i++) {
        const struct parcel *p = &s->parcels.list[i];
        under_way += parcel_is_live(p) && p->state >= PARCEL_CREATING;
        if (!parcel_is_live(p) || p->state >= PARCEL_CREATING)
            continue;
        planned++;
        groups[p->model].requests += p->load.requests;
        groups[p->model].tokens += p->load.tokens;
        groups[p->model].batches++;
    }
    if (under_way)
        buf_printf(out, "%zu batch%s of an earlier run %s under way, to be %s\n", under_way,
                   under_way == 1 ? "" : "es", under_way == 1 ? "is" : "are",
                   s->batch->settings->cancel ? "cancelled" : "fetched");
    if (planned) {
        buf_puts(out, "through the Batch API");
        if (s->rules->window_s > 0) {
            buf_puts(out, ", each batch within ");
            duration_human(out, s->rules->window_s * 1000000);
        }
        if (s->rules->date.n)
            buf_printf(out, " (limits of %.*s)", STR_ARG(s->rules->date));
        buf_puts(out, ":\n");
    }
    for (size_t i = 0; i < m->n; i++) {
        if (groups[i].batches)
            tell_model(s, i, &groups[i], out);
    }
    tell_lines(s->unreached, "of a kind that batches do not take", out);
    tell_lines(s->too_large, "larger than a batch may be", out);
    free(groups);
}
