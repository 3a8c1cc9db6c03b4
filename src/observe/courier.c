/* courier.c: see courier.h. A channel:
 *
 *   IDLE --something pends--> OUT --taken--> PAUSING --> IDLE
 *                              |  ^--waited--+
 *                              +--not taken--> WAITING (up to COURIER_ATTEMPTS), else dropped
 */
#include "courier.h"

#include "program.h"
#include "upstream.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PAUSE_MS = 5000,
    FIRST_WAIT_MS = 1000,
    WAIT_MAX_MS = 300000,
    TIMEOUT_US = 10000000,
    ERRAND_US = 30000000,
    ANSWER_BYTES_MAX = 64 << 10, /* nobody reads it */
};

enum state { IDLE, OUT, WAITING, PAUSING };
enum kind { SLACK, WEBHOOK, COMMAND };

struct channel {
    struct courier *courier;
    enum kind kind;
    enum state state;
    struct note notes[COURIER_PENDING];
    size_t n, sending;
    int64_t left_out, sending_left_out;
    int attempts;
    uv_timer_t timer;
    struct upstream *upstream;
    struct call *call;
    struct program *program;
    struct str path; /* of the address; in the courier's arena */
    struct buf body, secret;
    int status;
    size_t answer_bytes;
    int64_t retry_ms; /* as the answer asked; -1: it did not */
    int64_t delivered, retried, failed, lost;
    char trouble[120];
};

struct courier {
    uv_loop_t *loop;
    struct courier_config config;
    struct arena arena;
    struct channel *channels[SCENE_CHANNELS];
    size_t n, open;
    char host[64];
};

static const char *const names[] = {
    [SLACK] = "slack", [WEBHOOK] = "webhook", [COMMAND] = "command"};

static void send_letter(struct channel *c);

/* ---- after an attempt -------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct channel *c = timer->data;
    c->state = IDLE;
    if (c->n || c->left_out)
        send_letter(c);
}

static void rest(struct channel *c, enum state state, int64_t ms)
{
    c->state = state;
    uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
}

static void forget_letter(struct channel *c)
{
    memmove(c->notes, c->notes + c->sending, (c->n - c->sending) * sizeof *c->notes);
    c->n -= c->sending;
    c->left_out -= c->sending_left_out;
    c->sending = 0;
    c->attempts = 0;
}

static void on_taken(struct channel *c)
{
    c->delivered++;
    c->trouble[0] = '\0';
    forget_letter(c);
    rest(c, PAUSING, PAUSE_MS);
    if (c->courier->config.tried)
        c->courier->config.tried(c->courier->config.ctx, names[c->kind], true, "");
}

/* `hopeless`: another attempt would end alike. */
static void on_not_taken(struct channel *c, bool hopeless, const char *why)
{
    int64_t wait_ms = FIRST_WAIT_MS << (c->attempts - 1);
    snprintf(c->trouble, sizeof c->trouble, "%s", why);
    if (hopeless || c->attempts == COURIER_ATTEMPTS || c->courier->config.once) {
        c->failed++;
        forget_letter(c);
        rest(c, PAUSING, PAUSE_MS);
    } else {
        c->retried++;
        wait_ms = c->retry_ms > wait_ms ? c->retry_ms : wait_ms;
        rest(c, WAITING, wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
    }
    if (c->courier->config.tried)
        c->courier->config.tried(c->courier->config.ctx, names[c->kind], false, c->trouble);
}

/* ---- by HTTP ----------------------------------------------------------------------------- */

static void judge(struct channel *c)
{
    char why[64];
    snprintf(why, sizeof why, "it was answered with status %d", c->status);
    if (c->status >= 200 && c->status < 300)
        on_taken(c);
    else
        on_not_taken(c, c->status < 500 && c->status != 429 && c->status != 408, why);
}

static void on_sent(void *ctx)
{
    (void)ctx; /* only its answer counts */
}

static void on_head(void *ctx, const struct message *m)
{
    struct channel *c = ctx;
    int64_t seconds;
    c->status = m->status;
    if (str_int(message_header(m, "retry-after"), false, &seconds) == SL_OK && seconds >= 0 &&
        seconds <= WAIT_MAX_MS / 1000)
        c->retry_ms = seconds * 1000;
}

static void on_body(void *ctx, struct str bytes)
{
    struct channel *c = ctx;
    c->answer_bytes += bytes.n;
    if (c->answer_bytes <= ANSWER_BYTES_MAX)
        return;
    call_cancel(&c->call);
    judge(c);
}

/* What went wrong, without what an address could be told from. */
static void on_done(void *ctx, enum sl_err err, const char *why)
{
    struct channel *c = ctx;
    c->call = NULL;
    if (err == SL_CANCELLED)
        return;
    if (err == SL_OK)
        judge(c);
    else
        on_not_taken(c, err == SL_SYNTAX, sl_err_text(err));
}

/* "x-sluice-signature: sha256=..." of the body. */
static struct str signature(struct channel *c, char out[80])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct str body = buf_str(&c->body);
    HMAC(EVP_sha256(), c->secret.p, (int)c->secret.n, (const unsigned char *)body.p, body.n,
         mac, &n);
    int length = snprintf(out, 80, "sha256=");
    for (unsigned i = 0; i < n; i++)
        length += snprintf(out + length, 80 - (size_t)length, "%02x", mac[i]);
    return (struct str){out, (size_t)length};
}

static void post(struct channel *c)
{
    char hex[80];
    struct header headers[2] = {{STR("content-type"), STR("application/json")}};
    struct call_request r = {.method = "POST",
                             .path = c->path,
                             .headers = headers,
                             .header_count = 1,
                             .body = buf_str(&c->body)};
    if (c->secret.n)
        headers[r.header_count++] =
            (struct header){STR("x-sluice-signature"), signature(c, hex)};
    c->status = 0;
    c->answer_bytes = 0;
    c->call = upstream_call(c->upstream, &r,
                            (struct call_handler){on_sent, on_head, on_body, on_done, c, NULL});
}

/* ---- by a command ------------------------------------------------------------------------ */

static void on_program(void *ctx, bool well, const char *why)
{
    struct channel *c = ctx;
    c->program = NULL;
    if (well)
        on_taken(c);
    else
        on_not_taken(c, false, why);
}

static void run(struct channel *c)
{
    struct diag diag;
    const struct program_config e = {.argv = c->courier->config.command,
                                     .input = buf_str(&c->body),
                                     .timeout_us = ERRAND_US,
                                     .shows_errors = c->courier->config.once,
                                     .over = on_program,
                                     .ctx = c};
    if (program_run(c->courier->loop, &e, &c->program, &diag) != SL_OK)
        on_not_taken(c, false, diag.what);
}

/* ---- a letter ---------------------------------------------------------------------------- */

static int64_t unix_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void send_letter(struct channel *c)
{
    const struct letter letter = {.host = c->courier->host,
                                  .unix_us = unix_now(),
                                  .notes = c->notes,
                                  .note_count = c->n,
                                  .left_out = c->left_out};
    buf_clear(&c->body);
    (c->kind == SLACK ? letter_slack : letter_json)(&letter, &c->body);
    c->state = OUT;
    c->sending = c->n;
    c->sending_left_out = c->left_out;
    c->retry_ms = -1;
    c->attempts++;
    if (c->kind == COMMAND)
        run(c);
    else
        post(c);
}

void courier_take(struct courier *courier, const struct alert_change *change, int64_t unix_us)
{
    for (size_t i = 0; i < courier->n; i++) {
        struct channel *c = courier->channels[i];
        if (c->n < COURIER_PENDING)
            c->notes[c->n++] = note_of(change, unix_us);
        else
            c->left_out++, c->lost++;
        /* What changes with the same scene goes with the same letter: not before the next turn
         * of the loop. */
        if (c->state == IDLE)
            rest(c, PAUSING, 0);
    }
}

void courier_draw(const struct courier *courier, struct scene *s)
{
    s->channel_count = courier->n;
    for (size_t i = 0; i < courier->n; i++) {
        const struct channel *c = courier->channels[i];
        s->channels[i] = (struct scene_channel){.name = names[c->kind],
                                                .delivered = c->delivered,
                                                .retried = c->retried,
                                                .failed = c->failed,
                                                .left_out = c->lost,
                                                .pending = c->n,
                                                .trouble = c->trouble};
    }
}

/* ---- life -------------------------------------------------------------------------------- */

static void drop_channel(uv_handle_t *timer)
{
    struct channel *c = timer->data;
    struct courier *courier = c->courier;
    if (c->secret.p)
        explicit_bzero(c->secret.p, c->secret.cap);
    buf_free(&c->secret);
    buf_free(&c->body);
    free(c);
    if (--courier->open > 0)
        return;
    arena_free(&courier->arena);
    free(courier);
}

static struct channel *add_channel(struct courier *courier, enum kind kind)
{
    struct channel *c = mem_zero(sizeof *c);
    c->courier = courier;
    c->kind = kind;
    uv_timer_init(courier->loop, &c->timer);
    c->timer.data = c;
    courier->channels[courier->n++] = c;
    courier->open++;
    return c;
}

/* An address is an origin, which upstream is bound to, and the rest, which is the secret. */
static enum sl_err connect_to(struct channel *c, struct str url, struct diag *diag)
{
    struct arena *arena = &c->courier->arena;
    struct upstream_config u = upstream_defaults();
    ptrdiff_t scheme = str_find(url, STR("://"), 0);
    size_t end = scheme < 0 ? url.n : (size_t)scheme + 3;
    while (end < url.n && url.p[end] != '/' && url.p[end] != '?')
        end++;
    struct str rest_of_it = str_from(url, end);
    bool slash = str_starts(rest_of_it, STR("/"));
    c->path = arena_printf(arena, "%s%.*s", slash ? "" : "/", STR_ARG(rest_of_it));
    u.base_url = arena_copy(arena, str_cut(url, end)).p;
    u.ca_file = c->courier->config.ca_file;
    u.connect_timeout_us = u.first_byte_timeout_us = u.idle_timeout_us = TIMEOUT_US;
    u.connections_max = 1;
    enum sl_err err = upstream_new(c->courier->loop, &u, &c->upstream, diag);
    if (err == SL_OK)
        return SL_OK;
    return diag_set(diag, err, names[c->kind], "%s",
                    err == SL_TLS ? "certificates cannot be loaded (ca_file)"
                                  : "its address is not of the form https://host/path, or the "
                                    "proxy's is not");
}

enum sl_err courier_open(uv_loop_t *loop, const struct courier_config *config,
                         struct courier **out, struct diag *diag)
{
    struct courier *courier = mem_zero(sizeof *courier);
    enum sl_err err = SL_OK;
    size_t host_size = sizeof courier->host;
    courier->loop = loop;
    courier->config = *config;
    if (uv_os_gethostname(courier->host, &host_size) != 0)
        snprintf(courier->host, sizeof courier->host, "an unnamed host");
    if (config->slack_url.n)
        err = connect_to(add_channel(courier, SLACK), config->slack_url, diag);
    if (err == SL_OK && config->webhook_url.n) {
        struct channel *c = add_channel(courier, WEBHOOK);
        buf_add(&c->secret, config->webhook_secret);
        err = connect_to(c, config->webhook_url, diag);
    }
    if (err == SL_OK && config->command && config->command[0])
        add_channel(courier, COMMAND);
    *out = courier;
    if (err != SL_OK)
        courier_close(out);
    return err;
}

void courier_close(struct courier **pc)
{
    struct courier *courier = *pc;
    size_t n = courier ? courier->n : 0;
    *pc = NULL;
    if (!courier)
        return;
    for (size_t i = 0; i < n; i++) {
        struct channel *c = courier->channels[i];
        if (c->call)
            call_cancel(&c->call);
        if (c->upstream)
            upstream_free(&c->upstream);
        program_drop(&c->program);
        uv_close((uv_handle_t *)&c->timer, drop_channel);
    }
    if (n > 0)
        return;
    arena_free(&courier->arena);
    free(courier);
}
