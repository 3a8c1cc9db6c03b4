/* creation.c: a parcel's way from the plan to a batch that is known to exist.
 *
 * A call that may have been carried out although its answer never came (a lost connection, a
 * death of this process) makes its parcel unsure: nothing is sent again before the provider has
 * been looked through. An upload is known by its file's name, OpenAI's batch by the mark in its
 * metadata. Anthropic's batches bear nothing of ours but the ids of their requests, which show
 * in results alone: one that was made at that time with as many requests is waited for, and its
 * first result tells whose it is.
 *
 * News of a creation may be late: twice looked for in vain, with a pause between, counts as not
 * there. */
#include "shipping.h"

#include "batch.h"
#include "wall.h"

#include <stdlib.h>

enum {
    LOOKS = 2,
    PAGES_MAX = 50,
};

/* Between our clock and the provider's, and from the call to the creation. */
static const int64_t EARLY_US = 15 * INT64_C(60000000), LATE_US = 45 * INT64_C(60000000);

static void write_mark(const struct parcel *p, struct buf *out)
{
    buf_printf(out, "%.*s.%d", MARK_BYTES, p->mark, p->attempt);
}

/* The provider refuses it for good. */
static void refuse(struct shipment *h, const struct api_answer *a)
{
    struct buf message = {0};
    if (a->status == 413 && manifest_split(h, "too large"))
        return;
    buf_puts(&message, a->why);
    shipping_give_up(h, STR("batch_refused"), buf_str(&message));
    buf_free(&message);
}

/* ---- sending ---- */

static struct str on_more(void *ctx)
{
    struct shipment *h = ctx;
    struct str piece;
    struct diag diag;
    if (loading_next(&h->loading, &piece, &diag) != SL_OK) {
        batch_stop(h->shipping->batch, STOP_DISK, input_name(&h->shipping->batch->input.config),
                   diag.what);
        return (struct str){NULL, 0};
    }
    h->sent_bytes += (int64_t)piece.n;
    return piece;
}

/* All requests of the parcel as one stream. */
static void send_all(struct shipment *h, enum batch_verb v,
                     void (*done)(void *ctx, const struct api_answer *a))
{
    struct shipping *s = h->shipping;
    const struct parcel *p = shipping_parcel(h);
    struct buf boundary = {0};
    buf_printf(&boundary, "sluice-%.*s", MARK_BYTES, p->mark);
    h->loading.dialect = s->dialect;
    h->loading.rules = s->rules;
    h->loading.input = &s->batch->input;
    h->loading.parcel = *p;
    loading_begin(&h->loading, buf_str(&boundary));
    h->sent_bytes = 0;
    h->all_bytes = loading_length(&h->loading);
    buf_clear(&h->text);
    batch_frame_type(s->dialect, buf_str(&boundary), &h->text);
    struct api_request r = {
        .type = buf_str(&h->text), .length = h->all_bytes, .more = on_more, .done = done};
    shipping_call(h, v, (struct str){0}, &r);
    buf_free(&boundary);
}

static bool somebody_uploads(const struct shipping *s)
{
    for (size_t i = 0; i < s->cap; i++) {
        if (s->list[i] && s->list[i]->all_bytes)
            return true;
    }
    return false;
}

/* What was made is known: whatever comes next is looked for from the start. */
static void be_sure(struct shipment *h)
{
    h->unsure = h->unread = false;
    h->looks = h->pages = 0;
    buf_clear(&h->cursor);
}

static void take_file(struct shipment *h, struct str id)
{
    struct parcel *p = shipping_parcel(h);
    buf_clear(&p->file);
    buf_add(&p->file, id);
    be_sure(h);
    shipping_enter(h, PARCEL_UPLOADED, NULL);
}

static void on_uploaded(void *ctx, const struct api_answer *a)
{
    struct shipment *h = ctx;
    struct batch_file file;
    struct diag diag;
    h->all_bytes = 0;
    h->unsure |= a->unsure;
    shipping_wake(h->shipping); /* for who waited to upload */
    if (!shipping_heard(h, a))
        return;
    if (a->outcome != API_OK) {
        refuse(h, a);
        return;
    }
    if (batch_file_read(a->root, &file, &diag) != SL_OK) {
        h->unsure = h->unread = true;
        shipping_later(h, -1);
        return;
    }
    take_file(h, file.id);
}

static void take_batch(struct shipment *h, struct str id, int64_t due_us)
{
    struct parcel *p = shipping_parcel(h);
    buf_clear(&p->batch);
    buf_add(&p->batch, id);
    be_sure(h);
    h->due_us = due_us;
    h->shipping->created++;
    shipping_enter(h, PARCEL_CREATED, NULL);
}

static void on_created(void *ctx, const struct api_answer *a)
{
    struct shipment *h = ctx;
    struct shipping *s = h->shipping;
    struct batch_object b;
    struct diag diag;
    h->all_bytes = 0;
    h->unsure |= a->unsure;
    if (!shipping_heard(h, a))
        return;
    if (a->outcome != API_OK) {
        refuse(h, a);
        return;
    }
    if (batch_object_read(s->dialect, a->root, &b, &diag) != SL_OK) {
        h->unsure = h->unread = true;
        shipping_later(h, -1);
        return;
    }
    take_batch(h, b.id, shipping_now(s) + shipping_poll_us(s, 0));
}

static void send_creation(struct shipment *h)
{
    struct shipping *s = h->shipping;
    const struct parcel *p = shipping_parcel(h);
    s->next_create_us = shipping_now(s) + s->create_gap_us;
    if (s->dialect == BATCH_ANTHROPIC) {
        send_all(h, BATCH_CREATE, on_created);
        return;
    }
    struct buf mark = {0};
    write_mark(p, &mark);
    buf_clear(&h->text);
    batch_create_body(buf_str(&p->file), s->rules->endpoints[p->endpoint], buf_str(&mark),
                      &h->text);
    buf_free(&mark);
    struct api_request r = {
        .type = STR("application/json"), .body = buf_str(&h->text), .done = on_created};
    shipping_call(h, BATCH_CREATE, (struct str){0}, &r);
}

/* The journal says it first. */
static void create(struct shipment *h)
{
    struct shipping *s = h->shipping;
    struct parcel *p = shipping_parcel(h);
    if (shipping_now(s) < s->next_create_us) {
        h->due_us = s->next_create_us;
        return;
    }
    if (p->state != PARCEL_CREATING) {
        p->attempt++;
        p->creating_us = wall_unix_us();
        if (!shipping_enter(h, PARCEL_CREATING, NULL))
            return;
    }
    send_creation(h);
}

/* ---- looking for what may be there ---- */

/* Where batches are not listed, or in words that cannot be read, whether there is one cannot be
 * told: nobody is to pay for it twice, so a person has to look. A file costs nothing. */
static void cannot_tell(struct shipment *h)
{
    struct batch *b = h->shipping->batch;
    if (shipping_parcel(h)->state == PARCEL_UPLOADING)
        shipping_give_up(h, STR("batch_refused"),
                         STR("the answer to its upload cannot be read"));
    else if (b->settings->cancel)
        shipping_give_up(h, STR("batch_unknown"), STR("whether it was created is not known"));
    else
        batch_stop(b, STOP_LOST, "",
                   "whether a batch was created can not be told: the provider lists none, or "
                   "none that can be read");
}

/* It is not there, as far as can be told. */
static void not_found(struct shipment *h)
{
    struct shipping *s = h->shipping;
    buf_clear(&h->cursor);
    h->pages = 0;
    h->unsure = ++h->looks < LOOKS;
    if (!h->unsure)
        h->looks = 0;
    if (!h->unsure && h->unread) {
        cannot_tell(h);
        return;
    }
    if (!h->unsure && h->cancel) {
        shipping_give_up(h, STR("batch_cancelled"), STR("the batch was never created"));
        return;
    }
    h->due_us = shipping_now(s) + (h->unsure ? shipping_poll_us(s, 0) : 0);
}

static void turn_page(struct shipment *h, const struct batch_page *page, bool enough)
{
    if (enough || !page->more || !page->last.n || ++h->pages == PAGES_MAX) {
        not_found(h);
        return;
    }
    buf_clear(&h->cursor);
    buf_add(&h->cursor, page->last);
    h->due_us = 0;
}

static bool is_page(const struct api_answer *a, struct batch_page *page)
{
    struct diag diag;
    return a->outcome == API_OK && batch_page_read(a->root, page, &diag) == SL_OK;
}

static void on_files(void *ctx, const struct api_answer *a)
{
    struct shipment *h = ctx;
    struct batch_page page;
    struct batch_file file;
    struct buf name = {0};
    struct diag diag;
    if (!shipping_heard(h, a))
        return;
    if (!is_page(a, &page)) {
        not_found(h); /* a file too many costs nothing */
        return;
    }
    loading_filename(shipping_parcel(h), &name);
    bool found = false;
    for (const struct json *v = page.first; v && !found; v = v->next)
        found =
            batch_file_read(v, &file, &diag) == SL_OK && str_eq(file.filename, buf_str(&name));
    buf_free(&name);
    if (!found) {
        turn_page(h, &page, false);
        return;
    }
    take_file(h, file.id);
}

static bool is_rejected(const struct shipment *h, struct str id)
{
    struct str ids = buf_str(&h->rejects);
    while (ids.p) {
        if (str_eq(str_split(&ids, '\n'), id))
            return true;
    }
    return false;
}

static bool is_anothers(const struct shipping *s, struct str id)
{
    for (size_t i = 0; i < s->parcels.n; i++) {
        if (str_eq(buf_str(&s->parcels.list[i].batch), id))
            return true;
    }
    return false;
}

/* Might it be the one that was about to be made? */
static bool is_likely(const struct shipment *h, const struct batch_object *b)
{
    const struct parcel *p = shipping_parcel(h);
    if (h->shipping->dialect == BATCH_OPENAI) {
        struct buf mark = {0};
        write_mark(p, &mark);
        bool same = str_eq(b->mark, buf_str(&mark));
        buf_free(&mark);
        return same;
    }
    bool in_time = b->created_us < 0 || (b->created_us >= p->creating_us - EARLY_US &&
                                         b->created_us <= p->creating_us + LATE_US);
    return in_time && b->total == p->load.requests && !is_anothers(h->shipping, b->id) &&
           !is_rejected(h, b->id);
}

static void on_batches(void *ctx, const struct api_answer *a)
{
    struct shipment *h = ctx;
    struct shipping *s = h->shipping;
    struct batch_page page;
    struct batch_object b;
    struct diag diag;
    if (!shipping_heard(h, a))
        return;
    if (!is_page(a, &page)) {
        cannot_tell(h);
        return;
    }
    bool likely = false, older = page.first != NULL, strange = false;
    for (const struct json *v = page.first; v && !likely; v = v->next) {
        bool known = batch_object_read(s->dialect, v, &b, &diag) == SL_OK;
        bool before =
            b.created_us >= 0 && b.created_us < shipping_parcel(h)->creating_us - EARLY_US;
        older &= before;
        strange |= !known && !before;
        likely = known && is_likely(h, &b);
    }
    if (!likely && strange) {
        cannot_tell(h);
    } else if (!likely) {
        turn_page(h, &page, older);
    } else if (s->dialect == BATCH_OPENAI) {
        take_batch(h, b.id, 0);
    } else {
        buf_clear(&h->candidate);
        buf_add(&h->candidate, b.id);
        buf_clear(&h->cursor);
        h->pages = 0;
        h->due_us = b.phase == BATCH_OVER
                        ? 0
                        : shipping_now(s) + s->batch->settings->poll_us; /* waits for its end */
        h->over = b.phase == BATCH_OVER;
    }
}

/* Of its results no more than the first line is needed. */
static bool on_first_result(void *ctx, struct str bytes)
{
    struct shipment *h = ctx;
    buf_add(&h->line, bytes);
    return str_find(bytes, STR("\n"), 0) < 0 && h->line.n < BOUND_RESPONSE_BYTES;
}

static bool is_own_result(const struct shipment *h, struct str line)
{
    const struct parcel *p = shipping_parcel(h);
    struct arena arena = {0};
    struct batch_result r;
    struct diag diag;
    bool own = batch_result_read(BATCH_ANTHROPIC, line, &arena, &r, &diag) == SL_OK &&
               batch_id_read(r.custom_id, (struct str){p->mark, MARK_BYTES}) >= 0;
    arena_free(&arena);
    return own;
}

static void on_peeked(void *ctx, const struct api_answer *a)
{
    struct shipment *h = ctx;
    if (!shipping_heard(h, a))
        return;
    h->over = false;
    struct str rest = buf_str(&h->line);
    bool own = is_own_result(h, str_split(&rest, '\n'));
    buf_clear(&h->line);
    if (own) {
        take_batch(h, buf_str(&h->candidate), 0);
        return;
    }
    buf_add(&h->rejects, buf_str(&h->candidate));
    buf_char(&h->rejects, '\n');
    buf_clear(&h->candidate);
    h->due_us = 0;
}

/* A candidate that is over is asked whose it is; else all are listed again. */
static void look_for_batch(struct shipment *h)
{
    if (h->candidate.n && h->over) {
        struct api_request r = {.piece = on_first_result, .done = on_peeked};
        buf_clear(&h->line);
        shipping_call(h, BATCH_CONTENT, buf_str(&h->candidate), &r);
        return;
    }
    struct api_request r = {.done = on_batches};
    buf_clear(&h->candidate);
    shipping_call(h, BATCH_LIST, buf_str(&h->cursor), &r);
}

/* ---- steps ---- */

static void step_upload(struct shipment *h)
{
    struct api_request r = {.done = on_files};
    if (h->unsure)
        shipping_call(h, BATCH_FILES, buf_str(&h->cursor), &r);
    else if (somebody_uploads(h->shipping))
        h->due_us = INT64_MAX;
    else if (shipping_parcel(h)->state == PARCEL_UPLOADING ||
             shipping_enter(h, PARCEL_UPLOADING, NULL))
        send_all(h, BATCH_UPLOAD, on_uploaded);
}

void creation_step(struct shipment *h)
{
    const struct parcel *p = shipping_parcel(h);
    bool creating = p->state == PARCEL_CREATING;
    if (creating && h->unsure)
        look_for_batch(h);
    else if (h->cancel)
        shipping_give_up(h, STR("batch_cancelled"), STR("the batch was never created"));
    else if (!creating && !shipping_has_room(h))
        h->due_us = INT64_MAX;
    else if (h->shipping->dialect == BATCH_OPENAI && p->state < PARCEL_UPLOADED)
        step_upload(h);
    else
        create(h);
}
