/* upstream.c: the outside of the pool: what a request looks like on the wire, and the life of
 * an upstream. Requests that cannot be sent, and answers that go on after a pause, are reported
 * by a timer of no length, so that no report comes from within the caller's call. */
#include "upstream.h"
#include "arena.h"
#include "pool.h"
#include "write.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { RTT_SAMPLES = 16 };

/* ---- Calls --------------------------------------------------------------- */

static bool has_header(const struct call_request *r, struct str name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(r->headers[i].name, name))
            return true;
    }
    return false;
}

static void target_of(const struct upstream *u, const struct call_request *r, struct buf *out)
{
    const struct url *url = &u->origin.url;
    if (u->origin.proxy.used && !url->tls)
        buf_printf(out, url->ipv6 ? "http://[%s]:%d" : "http://%s:%d", url->host, url->port);
    buf_puts(out, url->path);
    buf_add(out, r->path);
}

static void host_of(const struct url *url, struct buf *out)
{
    buf_puts(out, url->ipv6 ? "[" : "");
    buf_puts(out, url->host);
    buf_puts(out, url->ipv6 ? "]" : "");
    if (url->port == (url->tls ? 443 : 80))
        return;
    buf_char(out, ':');
    buf_int(out, url->port);
}

static enum sl_err write_call(const struct upstream *u, const struct call_request *r,
                              struct buf *out)
{
    struct buf text = {0};
    struct str method = str_of(r->method);
    target_of(u, r, &text);
    enum sl_err err = write_request_line(out, method, buf_str(&text));
    buf_clear(&text);
    host_of(&u->origin.url, &text);
    if (!err)
        err = write_header(out, STR("host"), buf_str(&text));
    if (!err && !has_header(r, STR("user-agent")))
        err = write_header(out, STR("user-agent"), STR("sluice/" SLUICE_VERSION));
    if (!err)
        err = write_header(out, STR("accept-encoding"), STR("identity"));
    if (!err && u->origin.proxy.used && !u->origin.url.tls && u->origin.proxy.authorization[0])
        err = write_header(out, STR("proxy-authorization"),
                           str_of(u->origin.proxy.authorization));
    if (!err)
        err = write_headers(out, r->headers, r->header_count);
    bool bare = !r->streams && r->body.n == 0 &&
                (str_eq(method, STR("GET")) || str_eq(method, STR("HEAD")));
    if (r->streams && r->length < 0) {
        buf_puts(out, "transfer-encoding: chunked\r\n");
    } else if (!bare) {
        buf_puts(out, "content-length: ");
        buf_int(out, r->streams ? r->length : (int64_t)r->body.n);
        buf_puts(out, "\r\n");
    }
    write_head_end(out);
    buf_free(&text);
    return err;
}

/* Any report may change everything, so each round makes one and looks anew in the next. */
static void on_kick(uv_timer_t *timer)
{
    struct upstream *u = timer->data;
    struct call *k = u->broken.first;
    struct link *l = u->busy;
    while (l && !l->wake)
        l = l->next;
    if (!k && !l)
        return;
    uv_timer_start(&u->kick, on_kick, 0, 0);
    if (k) {
        call_list_remove(&u->broken, k);
        pool_finish(k, SL_SYNTAX, k->broken);
    } else {
        pool_wake(l);
    }
}

struct call *upstream_call(struct upstream *u, const struct call_request *r,
                           struct call_handler h)
{
    struct call *k = mem_zero(sizeof *k);
    k->upstream = u;
    k->handler = h;
    k->body = r->streams ? STR("") : r->body;
    k->streams = r->streams;
    k->chunked = r->streams && r->length < 0;
    k->any_length = r->any_length;
    k->bodiless = str_eq(str_of(r->method), STR("HEAD"));
    k->safe = k->bodiless || str_eq(str_of(r->method), STR("GET"));
    if (write_call(u, r, &k->head) != SL_OK) {
        k->broken = "the request's path or a header holds a byte that cannot be sent";
        call_list_append(&u->broken, k);
        uv_timer_start(&u->kick, on_kick, 0, 0);
    } else {
        pool_place(u, k);
    }
    return k;
}

void call_cancel(struct call **call)
{
    struct call *k = *call;
    if (!k)
        return;
    *call = NULL;
    pool_detach(k);
    pool_forget(k);
}

void call_more(struct call *k)
{
    if (k->link && k->link->ready && k->link->call == k)
        pool_pump(k->link);
}

void call_pause(struct call *k)
{
    k->paused = true;
    if (k->link && k->link->ready)
        pool_hold_back(k->link);
}

void call_resume(struct call *k)
{
    struct link *l = k->link;
    if (k->paused && l && l->ready) {
        l->wake = true;
        uv_timer_start(&k->upstream->kick, on_kick, 0, 0);
    }
    k->paused = false;
}

/* ---- The upstream -------------------------------------------------------- */

struct upstream_config upstream_defaults(void)
{
    return (struct upstream_config){
        .connect_timeout_us = 10 * INT64_C(1000000),
        .first_byte_timeout_us = 600 * INT64_C(1000000),
        .idle_timeout_us = 120 * INT64_C(1000000),
        .connections_max = 1024,
    };
}

static enum sl_err prepare(struct origin *o, const struct upstream_config *c, struct diag *diag)
{
    enum sl_err err = url_parse(str_of(c->base_url), &o->url, diag);
    if (!err)
        err = proxy_choose(&o->url, &o->proxy, diag);
    if (!err && o->url.tls)
        err = tls_context_new(c->ca_file, &o->tls, diag);
    if (err)
        return err;
    const struct url *near = o->proxy.used ? &o->proxy.url : &o->url;
    o->resolver = resolver_new(o->loop, near->host, near->port);
    o->connect_timeout_us = c->connect_timeout_us;
    return SL_OK;
}

enum sl_err upstream_new(uv_loop_t *loop, const struct upstream_config *c,
                         struct upstream **out, struct diag *diag)
{
    signal(SIGPIPE, SIG_IGN); /* a peer that left shows as an error of the write */
    struct upstream *u = mem_zero(sizeof *u);
    u->origin.loop = loop;
    u->config = *c;
    enum sl_err err = prepare(&u->origin, c, diag);
    if (err) {
        free(u);
        return err;
    }
    uv_timer_init(loop, &u->kick);
    u->kick.data = u;
    *out = u;
    return SL_OK;
}

static void on_kick_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct call *any_call(struct upstream *u)
{
    for (struct link *l = u->busy; l; l = l->next) {
        if (l->call)
            return l->call;
    }
    return u->queue.first ? u->queue.first : u->broken.first;
}

void upstream_free(struct upstream **upstream)
{
    struct upstream *u = *upstream;
    if (!u)
        return;
    *upstream = NULL;
    /* A call that a report starts now is only queued, and ended with the others. */
    u->config.connections_max = 0;
    for (struct call *k; (k = any_call(u));) {
        pool_detach(k);
        pool_finish(k, SL_CANCELLED, "cancelled");
    }
    while (u->busy)
        pool_drop(u->busy);
    while (u->idle)
        pool_drop(u->idle);
    resolver_free(&u->origin.resolver);
    tls_context_free(&u->origin.tls);
    explicit_bzero(u->origin.proxy.authorization, sizeof u->origin.proxy.authorization);
    uv_close((uv_handle_t *)&u->kick, on_kick_closed);
}

void upstream_warm(struct upstream *u, size_t connections)
{
    while (u->link_count < connections && u->link_count < u->config.connections_max)
        pool_open(u, NULL);
}

size_t upstream_connections(const struct upstream *u)
{
    return u->link_count;
}

static void add_rtts(const struct link *l, int64_t *n, int64_t *rtt_sum, int64_t *rttvar_sum)
{
    int64_t rtt, rttvar;
    for (; l && *n < RTT_SAMPLES; l = l->next) {
        if (!l->ready || !channel_rtt(l->channel, &rtt, &rttvar))
            continue;
        *rtt_sum += rtt;
        *rttvar_sum += rttvar;
        *n += 1;
    }
}

int64_t upstream_rttvar_us(const struct upstream *u)
{
    int64_t n = 0, rtt = 0, rttvar = 0;
    add_rtts(u->busy, &n, &rtt, &rttvar);
    add_rtts(u->idle, &n, &rtt, &rttvar);
    return n ? rttvar / n : -1;
}

int64_t upstream_rtt_us(const struct upstream *u)
{
    int64_t n = 0, rtt = 0, rttvar = 0;
    add_rtts(u->busy, &n, &rtt, &rttvar);
    add_rtts(u->idle, &n, &rtt, &rttvar);
    return n ? rtt / n : -1;
}
