/* mock.c: the provider behind every gateway of the benchmark: chat completions, plain and
 * streamed, as cheap to make as can be.
 *
 *     mock [--port N]            prints "listening on PORT", runs until it is killed
 *
 * How a request is answered stands in the request itself, which every gateway passes on:
 * "user":"bench answer=1000 chunks=0 every=20000 before=3 hold=0", in any order, each with the
 * default shown (answer: bytes of the whole JSON body; every: microseconds between two events;
 * hold=1: the answer waits for a release, a stream once `before` events have gone out).
 *
 * GET /bench/state says how many requests came, are held and are streaming; /bench/release lets
 * go of all that is held and of whatever comes later; /bench/hold ends that.
 *
 * Every client stands in at most one list: `due`, in the order of its next event (all streams
 * of a run go at one pace, so a new one belongs at the end), or `held`. */
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, EVENTS = 256, MOST_ANSWER_BYTES = 1 << 20 };

struct client {
    struct client *prev, *next, **home; /* the list it stands in */
    int fd;
    struct wire in, out;
    bool wants_write;
    bool streams;
    int64_t answer_bytes, chunks, every_us, before;
    bool hold;
    int64_t sent_chunks, due_us;
};

static struct client *due, *due_last, *held, *held_last;
static int64_t held_count, streaming_count, request_count, client_count;
static bool released;
static int epoll_fd;

/* ---- Lists ---------------------------------------------------------------------------- */

static struct client **last_of(struct client *const *list)
{
    return list == &due ? &due_last : &held_last;
}

static void stand(struct client *c, struct client **list)
{
    if (c->home) {
        *(c->prev ? &c->prev->next : c->home) = c->next;
        *(c->next ? &c->next->prev : last_of(c->home)) = c->prev;
        *(c->home == &due ? &streaming_count : &held_count) -= 1;
    }
    c->home = list;
    c->prev = c->next = NULL;
    if (!list)
        return;
    struct client **last = last_of(list);
    c->prev = *last;
    *(*last ? &(*last)->next : list) = c;
    *last = c;
    *(list == &due ? &streaming_count : &held_count) += 1;
}

/* ---- Sending -------------------------------------------------------------------------- */

static void leave(struct client *c)
{
    stand(c, NULL);
    close(c->fd);
    wire_free(&c->in);
    wire_free(&c->out);
    free(c);
    client_count--;
}

static void watch_writing(struct client *c, bool on)
{
    struct epoll_event e = {.events = EPOLLIN | (on ? EPOLLOUT : 0), .data.ptr = c};
    if (c->wants_write == on)
        return;
    c->wants_write = on;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

/* What the socket does not take waits; a broken one shows when it is read. */
static void send_bytes(struct client *c, const char *p, size_t n)
{
    ssize_t sent = c->out.n ? 0 : send(c->fd, p, n, MSG_NOSIGNAL);
    if (sent < 0)
        sent = 0;
    wire_add(&c->out, p + sent, n - (size_t)sent);
    watch_writing(c, c->out.n > 0);
}

static void send_rest(struct client *c)
{
    ssize_t sent = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);
    if (sent > 0)
        wire_drop(&c->out, (size_t)sent);
    watch_writing(c, c->out.n > 0);
}

/* ---- Answers -------------------------------------------------------------------------- */

static const char head[] = "HTTP/1.1 200 OK\r\n"
                           "date: Wed, 26 Nov 2025 09:00:00 GMT\r\n"
                           "content-type: %s\r\n"
                           "x-request-id: req_00000000000000000000000000000001\r\n"
                           "openai-organization: org-bench\r\n"
                           "openai-processing-ms: 5\r\n"
                           "openai-version: 2020-10-01\r\n"
                           "x-ratelimit-limit-requests: 100000000\r\n"
                           "x-ratelimit-limit-tokens: 2000000000\r\n"
                           "x-ratelimit-remaining-requests: 99999999\r\n"
                           "x-ratelimit-remaining-tokens: 1999999000\r\n"
                           "x-ratelimit-reset-requests: 1ms\r\n"
                           "x-ratelimit-reset-tokens: 1ms\r\n"
                           "%s\r\n\r\n";

/* Made once for all answers of one size. */
static void answer_plain(struct client *c)
{
    static char text[MOST_ANSWER_BYTES + sizeof head + 200];
    static size_t n;
    static int64_t made_bytes = -1;
    static const char start[] =
        "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1764147600,"
        "\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        "\"content\":\"",
                      words[] = "the water runs as fast as the gate is open, ",
                      end[] =
                          "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
                          "\"usage\":{\"prompt_tokens\":420,\"completion_tokens\":150,"
                          "\"total_tokens\":570,\"prompt_tokens_details\":{"
                          "\"cached_tokens\":0}},\"system_fingerprint\":\"fp_bench\"}";
    char length[48];
    if (made_bytes == c->answer_bytes) {
        send_bytes(c, text, n);
        return;
    }
    made_bytes = c->answer_bytes;
    size_t fixed = sizeof start + sizeof end - 2, body = (size_t)c->answer_bytes;
    if (body < fixed)
        body = fixed;
    snprintf(length, sizeof length, "content-length: %zu", body);
    n = (size_t)sprintf(text, head, "application/json", length);
    n += (size_t)sprintf(text + n, "%s", start);
    for (size_t i = 0; i < body - fixed; i++)
        text[n++] = words[i % (sizeof words - 1)];
    n += (size_t)sprintf(text + n, "%s", end);
    send_bytes(c, text, n);
}

/* One event in a chunk of its own, as providers send them; the last one with the stream's end.
 * Its number stands where OpenAI puts padding, so that a lost one shows. */
static void send_chunk(struct client *c)
{
    static const char *const words[] = {" the",  " water", " runs", " as",
                                        " fast", " it",    " can"};
    char event[512], text[600];
    bool last = c->sent_chunks == c->chunks - 1;
    const char *word = last ? "" : words[c->sent_chunks % 7];
    int n = snprintf(event, sizeof event,
                     "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
                     "\"created\":1764147600,\"model\":\"gpt-4o\",\"system_fingerprint\":"
                     "\"fp_bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},"
                     "\"logprobs\":null,\"finish_reason\":%s}],\"obfuscation\":\"%07lld\"}\n\n",
                     word, last ? "\"stop\"" : "null", (long long)c->sent_chunks);
    n = snprintf(text, sizeof text, "%x\r\n%s\r\n%s", (unsigned)n, event,
                 last ? "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n" : "");
    c->sent_chunks++;
    send_bytes(c, text, (size_t)n);
}

/* Where the client's next event is to be waited for. */
static void stand_anew(struct client *c)
{
    bool waits = c->hold && !released && c->sent_chunks >= c->before;
    if (c->sent_chunks == c->chunks)
        stand(c, NULL);
    else
        stand(c, waits ? &held : &due);
}

static void begin_stream(struct client *c, int64_t now_us)
{
    char text[sizeof head + 100];
    size_t n = (size_t)sprintf(text, head, "text/event-stream; charset=utf-8",
                               "transfer-encoding: chunked");
    c->sent_chunks = 0;
    c->due_us = now_us + c->every_us;
    send_bytes(c, text, n);
    stand_anew(c);
}

static void release(void)
{
    released = true;
    while (held) {
        struct client *c = held;
        stand(c, NULL);
        if (c->streams)
            stand_anew(c);
        else
            answer_plain(c);
    }
}

static void answer_state(struct client *c)
{
    char body[160], text[300];
    int n = snprintf(body, sizeof body,
                     "{\"requests\":%lld,\"held\":%lld,\"streaming\":%lld,\"clients\":%lld}",
                     (long long)request_count, (long long)held_count,
                     (long long)streaming_count, (long long)client_count);
    n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s", n, body);
    send_bytes(c, text, (size_t)n);
}

/* ---- Requests ------------------------------------------------------------------------- */

static void take_order(struct client *c, const char *body, size_t n, int64_t now_us)
{
    const char *order = n ? memmem(body, n, "\"bench ", 7) : NULL;
    size_t left = order ? n - (size_t)(order - body) : 0;
    c->answer_bytes = wire_number(order, left, "answer=", 1000);
    if (c->answer_bytes > MOST_ANSWER_BYTES)
        c->answer_bytes = MOST_ANSWER_BYTES;
    c->chunks = wire_number(order, left, "chunks=", 0);
    c->every_us = wire_number(order, left, "every=", 20000);
    c->before = wire_number(order, left, "before=", 3);
    c->hold = wire_number(order, left, "hold=", 0) != 0;
    c->streams = c->chunks > 0;
    request_count++;
    if (c->streams)
        begin_stream(c, now_us);
    else if (c->hold && !released)
        stand(c, &held);
    else
        answer_plain(c);
}

static void take_control(struct client *c)
{
    static const char let_go[] = "GET /bench/release", keep[] = "GET /bench/hold";
    if (c->in.n >= sizeof let_go && memcmp(c->in.p, let_go, sizeof let_go - 1) == 0)
        release();
    if (c->in.n >= sizeof keep && memcmp(c->in.p, keep, sizeof keep - 1) == 0)
        released = false;
    answer_state(c);
}

/* Requests do not come before their predecessor is answered: no gateway pipelines. */
static void take_bytes(struct client *c, const char *p, size_t n, int64_t now_us)
{
    wire_add(&c->in, p, n);
    struct wire_head h = wire_head(c->in.p, c->in.n);
    size_t body = h.length > 0 ? (size_t)h.length : 0;
    if (!h.bytes || c->in.n < h.bytes + body)
        return;
    if (memcmp(c->in.p, "GET /bench/", 11) == 0)
        take_control(c);
    else
        take_order(c, c->in.p + h.bytes, body, now_us);
    wire_drop(&c->in, h.bytes + body);
}

static void on_client(struct client *c, uint32_t events, int64_t now_us)
{
    static char bytes[READ_BYTES];
    if (events & EPOLLOUT)
        send_rest(c);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
    if (n > 0)
        take_bytes(c, bytes, (size_t)n, now_us);
    else if (n == 0 || errno != EAGAIN)
        leave(c);
}

static void accept_clients(int listener)
{
    int on = 1;
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct client *c = calloc(1, sizeof *c);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        if (!c || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
            wire_die("client");
        c->fd = fd;
        client_count++;
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        wire_die("accept");
}

/* ---- The loop ------------------------------------------------------------------------- */

static void send_due(int64_t now_us)
{
    while (due && due->due_us <= now_us) {
        struct client *c = due;
        send_chunk(c);
        c->due_us += c->every_us;
        stand_anew(c);
    }
}

static void run(int listener)
{
    struct epoll_event events[EVENTS], e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int64_t wait_us = due ? due->due_us - wire_now_us() : 0;
        if (wait_us < 0)
            wait_us = 0;
        struct timespec wait = {.tv_sec = wait_us / 1000000,
                                .tv_nsec = wait_us % 1000000 * 1000};
        int n = epoll_pwait2(epoll_fd, events, EVENTS, due ? &wait : NULL, NULL);
        int64_t now_us = wire_now_us();
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                on_client(events[i].data.ptr, events[i].events, now_us);
            else
                accept_clients(listener);
        }
        send_due(now_us);
    }
}

int main(int argc, char **argv)
{
    int port = argc == 3 && strcmp(argv[1], "--port") == 0 ? atoi(argv[2]) : 0;
    int listener = wire_listen(port);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    prctl(PR_SET_TIMERSLACK, 1); /* events are due to the microsecond */
    printf("listening on %d\n", wire_port(listener));
    fflush(stdout);
    run(listener);
}
