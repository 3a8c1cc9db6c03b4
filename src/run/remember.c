/* remember.c: see remember.h. An emulator of our own begins anew with each run, and so does
 * what is known of it. */
#include "remember.h"

#include "state.h"

#include <stdio.h>
#include <time.h>

static int64_t unix_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void remember_open(struct batch *b)
{
    const struct settings *s = b->settings;
    const struct models *models = &b->input.models;
    struct arena arena = {0};
    struct diag diag;
    if (s->account.emulator)
        return;
    memory_account(&s->account, &b->known_as);
    const char *directory = s->state ? s->state : state_directory(&arena);
    if (memory_open(directory, &b->memory, &diag) != SL_OK)
        fprintf(stderr, "warning: %s: %s\n", diag.where, diag.what);
    arena_free(&arena);
    for (size_t p = 0; p < models->pool_count; p++)
        memory_recall(b->memory, buf_str(&b->known_as), models->pools[p].pool,
                      engine_now(b->door.engine), unix_now_us());
}

void remember_note(struct batch *b, bool last)
{
    const struct models *models = &b->input.models;
    struct diag diag;
    if (!b->memory)
        return;
    for (size_t p = 0; p < models->pool_count; p++)
        memory_note(b->memory, buf_str(&b->known_as), models->pools[p].pool,
                    engine_now(b->door.engine), unix_now_us());
    if (memory_write(b->memory, last, &diag) == SL_OK)
        return;
    fprintf(stderr, "warning: %s: %s\n", diag.where, diag.what);
    memory_close(&b->memory); /* said once */
}

void remember_say(const struct batch *b, struct buf *out)
{
    const struct memory_entry *e;
    for (size_t i = 0; (e = memory_entry_of(b->memory, buf_str(&b->known_as), i)); i++) {
        if (!e->own)
            continue;
        buf_printf(out, "learned         %.*s: ", STR_ARG(e->pool));
        buf_thousands(out, e->lesson.limit);
        buf_printf(out, " requests per minute (%s), which nobody told\n",
                   window_name(e->lesson.window));
    }
}

void remember_close(struct batch *b)
{
    memory_close(&b->memory);
    buf_free(&b->known_as);
}
