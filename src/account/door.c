/* door.c: see door.h. */
#include "door.h"

#include "inflight.h"

#include <stdio.h>
#include <string.h>

/* Where requests go: the emulator once it listens, or what was given. */
static enum sl_err find_base_url(struct door *d, const struct account_options *a,
                                 uv_loop_t *loop, struct buf *out, struct diag *diag)
{
    struct url url;
    if (a->emulator) {
        if (!d->emulator)
            d->emulator = emulator_start(loop, a->emulator, diag);
        if (!d->emulator)
            return SL_IO;
        buf_printf(out, "http://127.0.0.1:%d/v1", emulator_port(d->emulator));
    } else {
        buf_puts(out, a->base_url);
    }
    enum sl_err err = url_parse(buf_str(out), &url, diag);
    if (err == SL_OK)
        snprintf(d->base_path, sizeof d->base_path, "%s", url.path);
    return err;
}

/* `url` is lent to the result. */
static struct upstream_config upstream_of(const struct account_options *a, const char *url)
{
    struct upstream_config u = upstream_defaults();
    u.sends_once = a->config.resends; /* then flow sends again, and charges both */
    u.base_url = url;
    u.connect_timeout_us = a->connect_timeout_us;
    u.first_byte_timeout_us = a->first_byte_timeout_us;
    u.idle_timeout_us = a->idle_timeout_us;
    u.ca_file = a->ca_file;
    u.connections_max =
        a->config.concurrency > 0 ? (size_t)a->config.concurrency : INFLIGHT_CEILING;
    return u;
}

enum sl_err door_open(struct door *d, const struct account_options *a, uv_loop_t *loop,
                      const struct engine_config *wiring, struct diag *diag)
{
    struct buf url = {0};
    struct engine_config c = *wiring;
    enum sl_err err = find_base_url(d, a, loop, &url, diag);
    if (err != SL_OK)
        goto free_url;
    c.provider = a->provider;
    c.account = a->config;
    c.keys = a->keys.lent;
    c.key_count = a->keys.n;
    c.upstream = upstream_of(a, buf_cstr(&url));
    err = engine_new(loop, &c, &d->engine, diag);
free_url:
    buf_free(&url);
    return err;
}

enum sl_err door_upstream(struct door *d, const struct account_options *a, uv_loop_t *loop,
                          struct upstream **out, struct diag *diag)
{
    struct buf url = {0};
    enum sl_err err = find_base_url(d, a, loop, &url, diag);
    if (err == SL_OK) {
        struct upstream_config c = upstream_of(a, buf_cstr(&url));
        c.sends_once = true; /* nobody paces these calls, and some make what costs money */
        err = upstream_new(loop, &c, out, diag);
    }
    buf_free(&url);
    return err;
}

void door_close(struct door *d)
{
    if (d->engine)
        engine_close(d->engine);
    if (d->emulator)
        emulator_stop(&d->emulator);
}

void door_free(struct door *d)
{
    engine_free(&d->engine);
}
