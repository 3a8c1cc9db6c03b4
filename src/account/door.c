/* door.c: see door.h. */
#include "door.h"

#include <stdio.h>
#include <string.h>

/* Where requests go: the emulator once it listens, or what was given. */
static enum sl_err find_base_url(struct door *d, const struct account_options *a,
                                 uv_loop_t *loop, struct buf *out, struct diag *diag)
{
    struct url url;
    if (a->emulator) {
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
    c.upstream = upstream_defaults();
    c.upstream.sends_once = a->config.resends; /* then flow sends again, and charges both */
    c.upstream.base_url = buf_cstr(&url);
    c.upstream.connect_timeout_us = a->connect_timeout_us;
    c.upstream.first_byte_timeout_us = a->first_byte_timeout_us;
    c.upstream.idle_timeout_us = a->idle_timeout_us;
    c.upstream.ca_file = a->ca_file;
    err = engine_new(loop, &c, &d->engine, diag);
free_url:
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
