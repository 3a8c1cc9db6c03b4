/* pool.c: calls on links, and which link a call gets.
 *
 *   pool_place --> queue --> on a link (sent, head, body) --> done
 *                    ^            |
 *                    +-- died on a reused link before the peer had it: once, on a fresh one
 *
 * There is a link being opened for each queued call, as far as connections_max allows; the call
 * may be taken by another link that becomes free before. The most recently used idle link goes
 * first, so that surplus ones grow old and are closed.
 *
 * A report may call anything, even upstream_free. So a link that is dropped while its parser is
 * at work is freed only after it (`feeding`, `dead`), and nothing is touched after a `done`. */
#include "pool.h"
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Providers and balancers close idle connections after 60 s and more: be first, since a
 * connection closed under a request costs a retry. */
static const int64_t POOL_IDLE_US = 50 * INT64_C(1000000);

/* ---- Lists ---------------------------------------------------------------------------- */

void call_list_remove(struct call_list *l, struct call *k)
{
    *(k->prev ? &k->prev->next : &l->first) = k->next;
    *(k->next ? &k->next->prev : &l->last) = k->prev;
    k->prev = k->next = NULL;
    l->n--;
}

void call_list_append(struct call_list *l, struct call *k)
{
    k->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = k;
    l->last = k;
    l->n++;
}

static struct call *queue_take(struct upstream *u)
{
    struct call *k = u->queue.first;
    if (k) {
        call_list_remove(&u->queue, k);
        k->queued = false;
    }
    return k;
}

/* Moves the link to the front of a list; NULL: out of its list. */
static void stand_in(struct link *l, struct link **list)
{
    if (l->home) {
        *(l->prev ? &l->prev->next : l->home) = l->next;
        if (l->next)
            l->next->prev = l->prev;
    }
    l->home = list;
    l->prev = NULL;
    l->next = list ? *list : NULL;
    if (l->next)
        l->next->prev = l;
    if (list)
        *list = l;
}

/* ---- Ends ----------------------------------------------------------------------------- */

static void link_free(struct link *l)
{
    parser_free(&l->parser);
    buf_free(&l->held);
    free(l);
}

/* As many links are being opened as calls are queued, if there may be so many. */
static void refill(struct upstream *u)
{
    while (u->opening < u->queue.n && u->link_count < u->config.connections_max)
        pool_open(u, NULL);
}

/* Its place is another's. */
static void leave(struct link *l)
{
    struct upstream *u = l->upstream;
    sl_assert(!l->call);
    stand_in(l, NULL);
    u->link_count--;
    u->opening -= !l->ready && !l->dedicated;
    channel_close(&l->channel);
}

void pool_drop(struct link *l)
{
    struct upstream *u = l->upstream;
    leave(l);
    l->dead = l->feeding;
    if (!l->dead)
        link_free(l);
    refill(u);
}

static struct call *take_off(struct link *l)
{
    struct call *k = l->call;
    l->call = NULL;
    if (k)
        k->link = NULL;
    return k;
}

void pool_detach(struct call *k)
{
    struct link *l = k->link;
    if (l) {
        take_off(l);
        pool_drop(l);
    } else {
        call_list_remove(k->broken ? &k->upstream->broken : &k->upstream->queue, k);
    }
}

void pool_forget(struct call *k)
{
    if (k->head.p)
        explicit_bzero(k->head.p, k->head.cap); /* it may hold a key */
    buf_free(&k->head);
    buf_free(&k->frame);
    free(k);
}

void pool_finish(struct call *k, enum sl_err err, const char *why)
{
    struct call_handler h = k->handler;
    pool_forget(k);
    h.done(h.ctx, err, why);
}

static void fail(struct link *l, enum sl_err err, const char *why)
{
    char copy[sizeof l->end_why]; /* what it says goes with the link */
    snprintf(copy, sizeof copy, "%s", why);
    struct call *k = take_off(l);
    pool_drop(l);
    if (k)
        pool_finish(k, err, copy);
}

/* ---- A call on its link --------------------------------------------------------------- */

void pool_hold_back(struct link *l)
{
    l->wake = false;
    channel_pause(l->channel);
    channel_expect(l->channel, 0, "");
}

/* How long the next sign of life may take. */
static void expect_next(struct link *l)
{
    const struct upstream_config *config = &l->upstream->config;
    /* Of a streamed body, its source is waited for. */
    bool unborn = !l->answered && !l->sent && !l->writing;
    if (l->call->paused || unborn)
        channel_expect(l->channel, 0, "");
    else if (l->answered)
        channel_expect(l->channel, config->idle_timeout_us, "the answer stopped in the middle");
    else if (l->sent)
        channel_expect(l->channel, config->first_byte_timeout_us,
                       "no answer within the first-byte timeout");
    else
        channel_expect(l->channel, config->idle_timeout_us,
                       "the request could not be sent in time");
}

/* The frame of a chunk: what ends the one before it, and the size of this one; 0 ends all. */
static struct str frame_of(struct call *k, size_t size)
{
    if (!k->chunked)
        return STR("");
    buf_clear(&k->frame);
    buf_printf(&k->frame, "%s%zx\r\n%s", k->taken ? "\r\n" : "", size, size ? "" : "\r\n");
    return buf_str(&k->frame);
}

/* One more piece of a streamed body. false: it has none now. */
static bool write_piece(struct link *l)
{
    struct call *k = l->call;
    struct str piece = k->handler.more(k->handler.ctx);
    if (!piece.p)
        return false;
    struct str frame = frame_of(k, piece.n);
    k->taken = true;
    l->given = piece.n == 0;
    l->writing = frame.n + piece.n > 0 && !channel_write(l->channel, frame, piece);
    return true;
}

/* What was written has left: more of the body follows, or all of it is sent. */
static void go_on(struct link *l)
{
    struct call *k = l->call;
    while (!l->given && !l->writing && write_piece(l))
        ;
    l->sent = l->given && !l->writing;
    expect_next(l);
    if (l->sent)
        k->handler.sent(k->handler.ctx);
}

void pool_pump(struct link *l)
{
    if (!l->writing && !l->sent)
        go_on(l);
}

/* Reports as the last thing it does. */
static void assign(struct link *l, struct call *k)
{
    sl_assert(l->ready && !l->call && !k->queued);
    stand_in(l, &l->upstream->busy);
    l->call = k;
    k->link = l;
    l->keep = l->answered = l->complete = l->wake = false;
    l->answer_bytes = 0;
    if (k->bodiless)
        parser_expect_no_body(l->parser);
    l->sent = false;
    l->given = !k->streams;
    l->writing = !channel_write(l->channel, buf_str(&k->head), k->body);
    if (k->paused)
        pool_hold_back(l);
    go_on(l);
}

static void on_written(void *ctx)
{
    struct link *l = ctx;
    l->writing = false;
    if (l->call && !l->sent)
        go_on(l);
}

static int on_event(void *ctx, enum parse_event ev, const struct message *m, struct str body)
{
    struct link *l = ctx;
    const struct call_handler *h = &l->call->handler;
    if (m->status < 200)
        return 0;
    switch (ev) {
    case PARSE_HEAD:
        h->head(h->ctx, m);
        break;
    case PARSE_BODY:
        l->answer_bytes += body.n;
        l->too_large = l->answer_bytes > BOUND_RESPONSE_BYTES && !l->call->any_length;
        if (l->too_large)
            return 1;
        h->body(h->ctx, body);
        break;
    case PARSE_END:
        l->complete = true;
        l->keep = m->keep_alive;
        return 1;
    }
    return l->dead || l->call->paused;
}

/* The link is free: for the next call in the queue, or to idle. */
static void release(struct link *l)
{
    struct call *k = queue_take(l->upstream);
    if (k) {
        assign(l, k);
    } else {
        l->reused = true;
        stand_in(l, &l->upstream->idle);
        channel_expect(l->channel, POOL_IDLE_US, "idle");
    }
}

/* The answer is complete. Bytes after it make the link useless: they answer nothing. Its head
 * is lent until `done`, so the parser goes last. */
static void complete(struct link *l, size_t surplus)
{
    struct call *k = take_off(l);
    bool keep = l->keep && l->sent && surplus == 0 && l->held.n == 0 && !l->ended;
    if (keep) {
        l->reused = true;
        release(l);
        pool_finish(k, SL_OK, "");
        return;
    }
    leave(l);
    refill(l->upstream);
    pool_finish(k, SL_OK, "");
    link_free(l);
}

/* False if the link's call has ended, or the link is gone. */
static bool feed(struct link *l, struct str bytes)
{
    size_t used = 0;
    l->feeding = true;
    enum sl_err err = parser_feed(l->parser, bytes, &used);
    l->feeding = false;
    if (l->dead) {
        link_free(l);
        return false;
    }
    if (err || l->too_large) {
        fail(l, err ? err : SL_TOO_LARGE,
             err ? parser_why(l->parser) : "the answer is too large");
        return false;
    }
    if (l->complete) {
        complete(l, bytes.n - used);
        return false;
    }
    /* less than all is used only if the call was paused */
    buf_add(&l->held, str_from(bytes, used));
    expect_next(l);
    return true;
}

static void on_bytes(void *ctx, struct str bytes)
{
    struct link *l = ctx;
    if (!l->call) {
        pool_drop(l); /* idle, and not asked */
        return;
    }
    l->answered = true;
    if (l->call->paused || l->wake)
        buf_add(&l->held, bytes);
    else
        feed(l, bytes);
}

/* ---- Links come and go ---------------------------------------------------------------- */

static void on_ready(void *ctx)
{
    struct link *l = ctx;
    struct call *k = take_off(l);
    l->ready = true;
    l->upstream->opening -= !l->dedicated;
    if (k)
        assign(l, k);
    else
        release(l);
}

/* Sends the call again on a link that nobody has used. */
static void again(struct link *l)
{
    pool_open(l->upstream, take_off(l));
    pool_drop(l);
}

/* A link that could not be opened ends the call it was meant for. */
static void fail_opening(struct link *l, enum sl_err err, const char *why)
{
    struct upstream *u = l->upstream;
    if (!l->dedicated && u->queue.n >= u->opening)
        l->call = queue_take(u);
    fail(l, err, why);
}

/* A link that idled may have been closed by the peer as a request was put on it. Then it may go
 * again, unless the peer may have read it: what was carried out must not be asked for twice. */
static bool met_the_race(const struct link *l)
{
    const struct call *k = l->call;
    return l->reused && !l->answered && !k->taken && !l->upstream->config.sends_once &&
           (k->safe || !channel_delivered(l->channel));
}

/* The channel has ended before the answer has. */
static void cut_short(struct link *l, enum sl_err err, const char *why)
{
    if (err != SL_OK) {
        fail(l, err, why);
        return;
    }
    l->feeding = true;
    err = parser_eof(l->parser);
    l->feeding = false;
    if (l->dead)
        link_free(l);
    else if (l->complete)
        complete(l, 1);
    else
        fail(l, SL_CLOSED, err ? parser_why(l->parser) : "closed before an answer");
}

static void on_ended(void *ctx, enum sl_err err, const char *why)
{
    struct link *l = ctx;
    bool died = err == SL_OK || err == SL_CLOSED || err == SL_TLS;
    if (!l->ready) {
        fail_opening(l, err, why);
    } else if (!l->call) {
        pool_drop(l);
    } else if (l->call->paused || l->wake) {
        l->ended = true;
        l->end_err = err;
        snprintf(l->end_why, sizeof l->end_why, "%s", why);
    } else if (died && met_the_race(l)) {
        again(l);
    } else {
        cut_short(l, err, why);
    }
}

void pool_wake(struct link *l)
{
    struct buf held = l->held;
    l->held = (struct buf){0};
    l->wake = false;
    channel_resume(l->channel);
    if (feed(l, buf_str(&held)) && l->ended && !l->call->paused)
        cut_short(l, l->end_err, l->end_why);
    buf_free(&held);
}

struct link *pool_open(struct upstream *u, struct call *k)
{
    struct link *l = mem_zero(sizeof *l);
    l->upstream = u;
    l->parser = parser_new(MESSAGE_RESPONSE, (struct parser_handler){on_event, l});
    l->channel = channel_open(
        &u->origin, (struct channel_handler){on_ready, on_bytes, on_written, on_ended, l});
    l->call = k;
    l->dedicated = k != NULL;
    if (k)
        k->link = l;
    stand_in(l, &u->busy);
    u->link_count++;
    u->opening += !l->dedicated;
    return l;
}

void pool_place(struct upstream *u, struct call *k)
{
    if (u->idle) {
        assign(u->idle, k);
        return;
    }
    k->queued = true;
    call_list_append(&u->queue, k);
    refill(u);
}
