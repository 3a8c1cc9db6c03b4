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
static inline void ask(struct shop *s, int64_t now_us, const char *target, const char *body)
{
    struct service_request r = {.method = STR("POST"), .target = str_of(target)};
    r.body = str_of(body);
    if (!s->plan.admitted)
        service_done(s->service, &s->plan, false);
    service_arrive(s->service, now_us, &r, &s->arena, &s->plan);
    s->body = s->plan.streamed ? NULL : json_parse(&s->arena, buf_str(&s->plan.body), NULL);
    if (!s->plan.streamed && !s->body)
        fail_msg("not JSON: %s", buf_cstr(&s->plan.body));
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

#define CHAT  "/v1/chat/completions"
#define HELLO "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"12345678\"}]"

#endif
