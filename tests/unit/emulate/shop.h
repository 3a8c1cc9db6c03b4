/* shop.h: the emulated provider without sockets, as its tests use it: requests in, answers out.
 */
#ifndef SLUICE_TEST_SHOP_H
#define SLUICE_TEST_SHOP_H

#include "check.h"
#include "service.h"

#include <stdio.h>

enum { S = 1000000 };

struct shop {
    struct service *service;
    struct arena arena;
    struct plan plan;
    struct json *body;
};

static inline struct emulate_config plain_config(const char *profile, const char *limits)
{
    struct emulate_config c = emulate_defaults();
    if (profile)
        assert_int_equal(emulate_profile(&c, NULL, str_of(profile), NULL), SL_OK);
    if (limits)
        assert_int_equal(emulate_limits(&c, str_of(limits), NULL), SL_OK);
    c.phase_us = 0;
    return c;
}

static inline struct shop shop_open(const struct emulate_config *c)
{
    return (struct shop){.service = service_new(c)};
}

static inline void shop_close(struct shop *s)
{
    service_done(s->service, &s->plan, true);
    service_free(&s->service);
    arena_free(&s->arena);
}

/* Leaves the plan, and the parsed body where it is JSON. Earlier requests stay in flight. */
static inline void ask_so(struct shop *s, int64_t now_us, const struct service_request *r)
{
    if (!s->plan.admitted)
        service_done(s->service, &s->plan, false);
    service_arrive(s->service, now_us, r, &s->arena, &s->plan);
    struct str text = arena_copy(&s->arena, buf_str(&s->plan.body));
    bool json = !s->plan.streamed && !s->plan.content;
    s->body = json ? json_parse(&s->arena, text, NULL) : NULL;
    if (json && !s->body)
        fail_msg("not JSON: %s", buf_cstr(&s->plan.body));
}

static inline void ask(struct shop *s, int64_t now_us, const char *target, const char *body)
{
    struct service_request r = {.method = STR("POST"), .target = str_of(target)};
    r.body = str_of(body);
    ask_so(s, now_us, &r);
}

/* Another method, without a body; the target is printed. */
static inline void call(struct shop *s, int64_t now_us, const char *method, const char *fmt,
                        ...)
{
    char target[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(target, sizeof target, fmt, args);
    va_end(args);
    struct service_request r = {.method = str_of(method), .target = str_of(target)};
    r.host = STR("127.0.0.1:9");
    ask_so(s, now_us, &r);
}

/* Uploads a file; its id lives in the shop's arena. */
static inline const char *upload(struct shop *s, int64_t now_us, const char *purpose,
                                 struct str text)
{
    struct form f = {.purpose = str_of(purpose), .filename = STR("x.jsonl")};
    struct service_request r = {.method = STR("POST"), .target = STR("/v1/files"), .form = &f};
    f.file = spool_new();
    assert_int_equal(spool_add(f.file, text, NULL), SL_OK);
    ask_so(s, now_us, &r);
    spool_free(&f.file);
    return arena_copy(&s->arena, json_str(json_get(s->body, "id"))).p;
}

/* What the plan's content holds, as text in the shop's arena. */
static inline const char *content(struct shop *s)
{
    struct buf all = {0};
    assert_non_null(s->plan.content);
    size_t n = (size_t)spool_size(s->plan.content);
    assert_int_equal(spool_read(s->plan.content, 0, n, &all, NULL), SL_OK);
    const char *text = arena_copy(&s->arena, buf_str(&all)).p;
    buf_free(&all);
    return text;
}

static inline void expect(const struct json *root, const char *path, const char *text)
{
    struct str got = json_str(json_path(root, path));
    if (!str_eq(got, str_of(text)))
        fail_msg("%s is \"%.*s\", expected \"%s\"", path, STR_ARG(got), text);
}

static inline int64_t number(const struct json *root, const char *path)
{
    int64_t n = -1;
    assert_int_equal(json_int(json_path(root, path), &n), SL_OK);
    return n;
}

static inline const char *header(const struct shop *s, int64_t now_us, int64_t unix_us,
                                 const char *name)
{
    static char value[200];
    struct arena arena = {0};
    struct head h = {.arena = &arena};
    service_head(s->service, &s->plan, now_us, unix_us, &h);
    snprintf(value, sizeof value, "absent");
    for (size_t i = 0; i < h.n; i++) {
        if (str_eq(h.list[i].name, str_of(name)))
            snprintf(value, sizeof value, "%.*s", STR_ARG(h.list[i].value));
    }
    arena_free(&arena);
    return value;
}

/* Lets time pass up to that moment. */
static inline void pass(struct shop *s, int64_t *now_us, int64_t until_us)
{
    for (;;) {
        int64_t next = service_tick(s->service, *now_us);
        assert_true(next >= *now_us);
        if (next > until_us)
            break;
        *now_us = next;
    }
    *now_us = until_us;
}

#define CHAT  "/v1/chat/completions"
#define HELLO "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"12345678\"}]"

#endif
