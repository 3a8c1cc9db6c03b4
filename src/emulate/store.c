/* store.c: see store.h. An expired file is deleted when it is next asked for. */
#include "store.h"

#include <stdlib.h>

void store_free(struct store *s)
{
    for (size_t i = 0; i < s->count; i++) {
        spool_free(&s->files[i]->bytes);
        free(s->files[i]);
    }
    free(s->files);
    arena_free(&s->texts);
    *s = (struct store){0};
}

struct store_file *store_add(struct store *s, struct registry *r, const struct store_file *like,
                             int64_t now_us, int64_t lives_s)
{
    if (s->bytes + spool_size(like->bytes) > STORE_BYTES_MAX)
        return NULL;
    struct store_file *f = mem_zero(sizeof *f);
    f->id = registry_id(r, &s->texts, "file-");
    f->filename = arena_copy(&s->texts, like->filename);
    f->purpose = arena_copy(&s->texts, like->purpose);
    f->bytes = spool_share(like->bytes);
    f->created_us = now_us;
    f->expires_us = lives_s < 0 ? -1 : now_us + registry_span_us(r, lives_s);
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 16;
        s->files = mem_grow(s->files, s->room * sizeof(void *));
    }
    s->files[s->count++] = f;
    s->bytes += spool_size(f->bytes);
    return f;
}

struct store_file *store_find(struct store *s, struct str id, int64_t now_us)
{
    for (size_t i = 0; i < s->count; i++) {
        struct store_file *f = s->files[i];
        if (f->gone || !str_eq(f->id, id))
            continue;
        if (f->expires_us < 0 || f->expires_us > now_us)
            return f;
        store_delete(s, f);
        return NULL;
    }
    return NULL;
}

void store_delete(struct store *s, struct store_file *f)
{
    s->bytes -= spool_size(f->bytes);
    f->gone = true;
    spool_free(&f->bytes);
}
