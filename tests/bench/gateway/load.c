/* load.c: the load generator of the gateway benchmark.
 *
 *     load --port N --text FILE [options]
 *
 *   closed   (default)  every connection asks anew as soon as it has its answer
 *   open     (--rate)   requests start at random instants of that rate (Poisson), whether or
 *                       not earlier ones are answered, and latency counts from that instant
 *   once     (--once)   every connection asks once and waits for as long as it takes
 *
 * The first two run for --warm-ms and then --ms; what was still under way is then finished,
 * so that it too is known to be whole. Says on its standard output, a JSON object a line:
 *   {"at":"warm"}   the measured time begins        {"at":"over"}   it ends
 *   {"at":"sent"}   once: every request is out; of streams: each has brought --before events
 *   {"at":"end", ...}  the figures: of the measured time, but failures of the whole run
 * Exit code 1 if anything failed. */
#include "caller.h"
#include "histogram.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    EVENTS = 256,
    VARIANTS = 64, /* of the request: no cache shall know its text as a whole */
    /* Connections being opened at once with --once: a listener's backlog is not the point. */
    OPENING = 100,
    BACKLOG = 1 << 20,
    DRAIN_US = 60 * 1000000,
};

struct load {
    struct target target; /* first: its reports hand it back */
    int64_t connections, rate, warm_us, measured_us, body_bytes, answer_bytes, chunks, every_us,
        before;
    bool once, hold;
    char *text, *headers;
    size_t text_bytes;
    char *requests[VARIANTS];
    size_t request_bytes[VARIANTS];
    struct caller *callers, *idle;
    uint64_t random;
    /* open loop: instants that no connection was free for */
    int64_t *backlog;
    size_t backlog_first, backlog_n, backlog_most;
    int64_t next_us; /* the next instant */
    int64_t asked, started, sent, under_way, finished;
    int64_t ready; /* streams with `before` events */
    bool measuring, told_sent;
    int64_t completed, failed, events, bytes, least_body, most_body;
    struct histogram latency;
};

/* ---- Requests ------------------------------------------------------------------------- */

static void read_text(struct load *l, const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        wire_die(path);
    l->text = malloc(1 << 20);
    if (!l->text)
        wire_die("memory");
    for (int c; (c = fgetc(f)) != EOF && l->text_bytes < 1 << 20;) {
        if (c != '"' && c != '\\' && c >= ' ')
            l->text[l->text_bytes++] = (char)c;
        else if (c == '\n')
            l->text[l->text_bytes++] = ' ';
    }
    fclose(f);
    if (l->text_bytes == 0)
        wire_die(path);
}

/* A body of the asked size, its prompt a stretch of the text that begins elsewhere for each. */
static void make_request(struct load *l, int i)
{
    struct wire body = {0}, all = {0};
    char start[400], head[1000];
    static const char end[] = "\"}]}";
    int n =
        snprintf(start, sizeof start,
                 "{\"model\":\"gpt-4o\",\"max_tokens\":200,%s\"user\":\"bench answer=%lld "
                 "chunks=%lld every=%lld before=%lld hold=%d\",\"messages\":[{\"role\":"
                 "\"user\",\"content\":\"",
                 l->chunks ? "\"stream\":true," : "", (long long)l->answer_bytes,
                 (long long)l->chunks, (long long)l->every_us, (long long)l->before, l->hold);
    wire_add(&body, start, (size_t)n);
    for (size_t at = (size_t)i * 997; body.n + sizeof end - 1 < (size_t)l->body_bytes; at++)
        wire_add(&body, &l->text[at % l->text_bytes], 1);
    wire_add(&body, end, sizeof end - 1);
    n = snprintf(head, sizeof head,
                 "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n"
                 "accept: application/json\r\ncontent-type: application/json\r\n"
                 "user-agent: OpenAI/JS 4.104.0\r\nx-stainless-lang: js\r\n"
                 "x-stainless-package-version: 4.104.0\r\nx-stainless-os: Linux\r\n"
                 "x-stainless-arch: x64\r\nx-stainless-runtime: node\r\n"
                 "x-stainless-runtime-version: v18.20.4\r\nx-stainless-retry-count: 0\r\n"
                 "%scontent-length: %zu\r\n\r\n",
                 l->target.port, l->headers, body.n);
    wire_add(&all, head, (size_t)n);
    wire_add(&all, body.p, body.n);
    wire_free(&body);
    l->requests[i] = all.p;
    l->request_bytes[i] = all.n;
}

static void ask(struct load *l, struct caller *c, int64_t at_us)
{
    int i = (int)(l->asked++ % VARIANTS);
    c->asked_us = at_us;
    l->under_way++;
    caller_ask(c, l->requests[i], l->request_bytes[i]);
}

/* ---- Answers -------------------------------------------------------------------------- */

static struct caller *take_idle(struct load *l)
{
    struct caller *c = l->idle;
    if (c)
        l->idle = c->next;
    return c;
}

static void say(const char *at)
{
    printf("{\"at\":\"%s\"}\n", at);
    fflush(stdout);
}

static void on_event(struct target *t, struct caller *c)
{
    struct load *l = (struct load *)t;
    l->events += l->measuring;
    l->ready += c->events == l->before;
}

static void on_sent(struct target *t, struct caller *c)
{
    (void)c;
    ((struct load *)t)->sent++;
}

static void record(struct load *l, const struct caller *c, int64_t now_us)
{
    l->completed++;
    l->bytes += c->body_bytes;
    if (l->least_body == 0 || c->body_bytes < l->least_body)
        l->least_body = c->body_bytes;
    if (c->body_bytes > l->most_body)
        l->most_body = c->body_bytes;
    histogram_add(&l->latency, now_us - c->asked_us);
}

static void on_done(struct target *t, struct caller *c, bool good)
{
    struct load *l = (struct load *)t;
    l->under_way--;
    l->finished++;
    l->sent += c->sent_bytes < c->request_bytes; /* never will be */
    l->failed += !good;
    if (good && (l->measuring || l->once))
        record(l, c, wire_now_us());
    if (l->once)
        return;
    c->next = l->idle;
    l->idle = c;
}

/* ---- What is to be asked now ---------------------------------------------------------- */

static int64_t random_gap_us(struct load *l)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    double unit = (double)((l->random >> 11) + 1) / (double)(UINT64_C(1) << 53);
    return (int64_t)(-log(unit) * 1e6 / (double)l->rate);
}

static void ask_at_instants(struct load *l, int64_t now_us)
{
    for (; l->next_us <= now_us; l->next_us += random_gap_us(l)) {
        if (l->backlog_n == BACKLOG) {
            errno = EOVERFLOW;
            wire_die("the load is more than the gateway takes");
        }
        l->backlog[(l->backlog_first + l->backlog_n++) % BACKLOG] = l->next_us;
    }
    while (l->backlog_n && l->idle) {
        int64_t at_us = l->backlog[l->backlog_first];
        l->backlog_first = (l->backlog_first + 1) % BACKLOG;
        l->backlog_n--;
        ask(l, take_idle(l), at_us);
    }
    if (l->backlog_n > l->backlog_most)
        l->backlog_most = l->backlog_n;
}

static void ask_once(struct load *l, int64_t now_us)
{
    if (l->told_sent)
        return;
    while (l->started < l->connections && l->started - l->sent < OPENING)
        ask(l, &l->callers[l->started++], now_us);
    if (l->sent < l->connections || (l->chunks && l->ready + l->failed < l->connections))
        return;
    l->told_sent = true;
    say("sent");
}

static void ask_more(struct load *l, int64_t now_us, bool over)
{
    if (over)
        return;
    if (l->once)
        ask_once(l, now_us);
    else if (l->rate)
        ask_at_instants(l, now_us);
    else
        while (l->idle)
            ask(l, take_idle(l), now_us);
}

/* ---- The run -------------------------------------------------------------------------- */

static void wait_for_events(struct load *l, int64_t until_us)
{
    struct epoll_event events[EVENTS];
    int64_t left_us = until_us - wire_now_us();
    if (left_us < 0)
        left_us = 0;
    struct timespec wait = {.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};
    int n = epoll_pwait2(l->target.epoll, events, EVENTS, &wait, NULL);
    for (int i = 0; i < n; i++)
        caller_on(events[i].data.ptr, events[i].events);
}

/* Runs until that instant; `over`: nothing more is asked, and it ends with the last answer. */
static void run_until(struct load *l, int64_t end_us, bool over)
{
    for (;;) {
        int64_t now_us = wire_now_us();
        if (now_us >= end_us || (over && l->under_way == 0) ||
            (l->once && l->finished == l->connections))
            return;
        ask_more(l, now_us, over);
        int64_t wake_us = l->rate && !over && l->next_us < end_us ? l->next_us : end_us;
        wait_for_events(l, l->once && !l->told_sent ? now_us + 1000 : wake_us);
    }
}

static void run(struct load *l)
{
    int64_t start_us = wire_now_us(), warm_us = start_us + l->warm_us;
    l->next_us = start_us;
    if (l->once) {
        run_until(l, INT64_MAX / 2, false);
        l->measured_us = wire_now_us() - start_us;
        return;
    }
    run_until(l, warm_us, false);
    say("warm");
    l->measuring = true;
    int64_t begun_us = wire_now_us();
    run_until(l, begun_us + l->measured_us, false);
    l->measuring = false;
    l->measured_us = wire_now_us() - begun_us;
    say("over");
    run_until(l, wire_now_us() + DRAIN_US, true);
    l->failed += l->under_way;
}

static void report(const struct load *l)
{
    printf("{\"at\":\"end\",\"seconds\":%.6f,\"completed\":%lld,\"failed\":%lld,"
           "\"events\":%lld,\"bytes\":%lld,\"least_body\":%lld,\"most_body\":%lld,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"backlog_most\":%zu}\n",
           (double)l->measured_us / 1e6, (long long)l->completed, (long long)l->failed,
           (long long)l->events, (long long)l->bytes, (long long)l->least_body,
           (long long)l->most_body, histogram_at(&l->latency, 0.50),
           histogram_at(&l->latency, 0.99), l->backlog_most);
}

/* ---- Options -------------------------------------------------------------------------- */

static void add_header(struct load *l, const char *text)
{
    size_t before = strlen(l->headers), n = before + strlen(text) + 3;
    char *longer = realloc(l->headers, n);
    if (!longer)
        wire_die("memory");
    l->headers = longer;
    snprintf(longer + before, n - before, "%s\r\n", text);
}

static void usage(const char *what)
{
    fprintf(
        stderr,
        "load: %s? --port N --text FILE [--connections N] [--rate N] [--warm-ms N] [--ms N]\n"
        "    [--body BYTES] [--answer BYTES] [--chunks N] [--every-us N] [--before N]\n"
        "    [--sources N] [--once 1] [--hold 1] [--tls 1] [--header LINE]...\n",
        what);
    exit(2);
}

static SSL_CTX *tls_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        wire_die("TLS");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL); /* it is our own, and this machine's */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_ENABLE_PARTIAL_WRITE);
    return ctx;
}

/* Every option is a number but --text and --header. */
static void take_options(struct load *l, int argc, char **argv)
{
    int64_t port = 0, sources = 1, once = 0, hold = 0, tls = 0, warm_ms = 1000,
            measured_ms = 3000;
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {
        {"--port", &port},
        {"--connections", &l->connections},
        {"--rate", &l->rate},
        {"--warm-ms", &warm_ms},
        {"--ms", &measured_ms},
        {"--body", &l->body_bytes},
        {"--answer", &l->answer_bytes},
        {"--chunks", &l->chunks},
        {"--every-us", &l->every_us},
        {"--before", &l->before},
        {"--sources", &sources},
        {"--once", &once},
        {"--hold", &hold},
        {"--tls", &tls},
    };
    for (int i = 1; i + 1 < argc; i += 2) {
        size_t k = 0, n = sizeof numbers / sizeof *numbers;
        while (k < n && strcmp(argv[i], numbers[k].name) != 0)
            k++;
        if (k < n)
            *numbers[k].value = atoll(argv[i + 1]);
        else if (strcmp(argv[i], "--text") == 0)
            read_text(l, argv[i + 1]);
        else if (strcmp(argv[i], "--header") == 0)
            add_header(l, argv[i + 1]);
        else
            usage(argv[i]);
    }
    if (!port || !l->text || sources < 1 || l->connections < 1)
        usage("--port, --text");
    l->target.port = (int)port;
    l->target.sources = (int)sources;
    l->target.chunks = l->chunks;
    l->target.tls = tls ? tls_context() : NULL;
    l->once = once;
    l->hold = hold;
    l->warm_us = warm_ms * 1000;
    l->measured_us = measured_ms * 1000;
}

int main(int argc, char **argv)
{
    static struct load l = {.connections = 64,
                            .body_bytes = 2048,
                            .answer_bytes = 1000,
                            .every_us = 20000,
                            .before = 3,
                            .random = UINT64_C(0x9E3779B97F4A7C15)};
    l.target.event = on_event;
    l.target.sent = on_sent;
    l.target.done = on_done;
    l.headers = calloc(1, 1);
    take_options(&l, argc, argv);
    for (int i = 0; i < VARIANTS; i++)
        make_request(&l, i);
    l.target.epoll = epoll_create1(EPOLL_CLOEXEC);
    prctl(PR_SET_TIMERSLACK, 1); /* requests start to the microsecond */
    l.backlog = malloc(BACKLOG * sizeof *l.backlog);
    l.callers = calloc((size_t)l.connections, sizeof *l.callers);
    if (l.target.epoll < 0 || !l.backlog || !l.callers)
        wire_die("memory");
    for (int64_t i = l.connections - 1; i >= 0; i--) {
        caller_init(&l.callers[i], &l.target);
        l.callers[i].next = l.idle;
        l.idle = &l.callers[i];
    }
    run(&l);
    report(&l);
    return l.failed ? 1 : 0;
}
