/* memory.c: see memory.h. Invariant: no two entries are of the same pool of one account. */
#include "memory.h"

#include "file.h"
#include "json.h"
#include "replace.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 4 << 20,
    ENTRIES_MAX = 4096, /* beyond them the oldest goes */
    FINGERPRINT_BYTES = 8,
    MINUTE_US = 60000000
};

struct memory {
    struct buf directory, path;
    struct arena arena;
    struct memory_entry *list;
    size_t n, cap;
    bool news;
};

void memory_account(const struct account_options *a, struct buf *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    buf_puts(out, a->base_url ? a->base_url : "");
    if (a->keys.n && EVP_Digest(a->keys.lent[0].p, a->keys.lent[0].n, digest, NULL,
                                EVP_sha256(), NULL) == 1) {
        buf_char(out, ' ');
        for (size_t i = 0; i < FINGERPRINT_BYTES; i++)
            buf_printf(out, "%02x", digest[i]);
    }
    if (a->minute_us != MINUTE_US)
        buf_printf(out, " %lldus", (long long)a->minute_us);
}

/* ---- entries ------------------------------------------------------------------------------
 */

static struct memory_entry *find(const struct memory *m, struct str account, struct str pool)
{
    for (size_t i = 0; i < m->n; i++) {
        if (str_eq(m->list[i].account, account) && str_eq(m->list[i].pool, pool))
            return &m->list[i];
    }
    return NULL;
}

static struct memory_entry *oldest(struct memory *m)
{
    struct memory_entry *e = &m->list[0];
    for (size_t i = 1; i < m->n; i++) {
        if (m->list[i].at_us < e->at_us)
            e = &m->list[i];
    }
    return e;
}

/* Lays it over what is known of the same pool. */
static void put(struct memory *m, const struct memory_entry *e)
{
    struct memory_entry *at = find(m, e->account, e->pool);
    if (!at && m->n == ENTRIES_MAX) {
        at = oldest(m);
    } else if (!at) {
        if (m->n == m->cap) {
            m->cap = m->cap ? 2 * m->cap : 16;
            m->list = mem_grow(m->list, m->cap * sizeof *m->list);
        }
        at = &m->list[m->n++];
        *at = (struct memory_entry){.at_us = 0};
    }
    bool same = str_eq(at->account, e->account) && str_eq(at->pool, e->pool);
    struct str account = same ? at->account : arena_copy(&m->arena, e->account);
    struct str pool = same ? at->pool : arena_copy(&m->arena, e->pool);
    *at = *e;
    at->account = account;
    at->pool = pool;
}

const struct memory_entry *memory_entry_of(const struct memory *m, struct str account, size_t i)
{
    for (size_t k = 0; m && k < m->n; k++) {
        if (str_eq(m->list[k].account, account) && i-- == 0)
            return &m->list[k];
    }
    return NULL;
}

/* ---- the file -----------------------------------------------------------------------------
 */

static int64_t number(const struct json *line, const char *key)
{
    int64_t n;
    return json_int(json_get(line, key), &n) == SL_OK ? n : -1;
}

/* Is it a lesson that could have been learned? */
static bool is_sound(const struct memory_entry *e)
{
    const struct lesson *l = &e->lesson;
    bool slices = l->window == WINDOW_SLICES;
    return e->account.p && e->pool.p && l->window != WINDOW_AUTO && l->limit > 0 &&
           slices == (l->slice_us > 0) && l->slice_us >= 0 && l->zone_us >= 0 &&
           l->edge_us >= 0 && e->lately >= 0 && e->at_us > 0;
}

static bool read_line(struct arena *arena, struct str text, struct memory_entry *e)
{
    const struct json *line = json_parse(arena, text, NULL);
    int64_t none;
    *e = (struct memory_entry){.account = json_str(json_get(line, "account")),
                               .pool = json_str(json_get(line, "pool")),
                               .lately = number(line, "lately"),
                               .at_us = number(line, "at")};
    if (window_parse(json_str(json_get(line, "window")), &e->lesson.window, &none) != SL_OK)
        return false;
    e->lesson.limit = number(line, "limit");
    e->lesson.slice_us = number(line, "slice_us");
    e->lesson.edge_us = number(line, "edge");
    e->lesson.zone_us = number(line, "zone_us");
    return is_sound(e);
}

/* Adds what the file says of pools that are not our own. */
static enum sl_err read_file(struct memory *m, struct diag *diag)
{
    struct buf text = {0};
    struct arena arena = {0};
    enum sl_err err = SL_OK;
    if (access(buf_cstr(&m->path), F_OK) == 0 || errno != ENOENT)
        err = file_read(m->path.p, FILE_BYTES_MAX, &text, diag);
    struct str rest = buf_str(&text);
    for (int i = 1; err == SL_OK && rest.n; i++) {
        struct memory_entry e;
        if (!read_line(&arena, str_split(&rest, '\n'), &e)) {
            err = diag_set(diag, SL_SYNTAX, m->path.p,
                           "line %d is none of ours; move the file away to learn anew", i);
            break;
        }
        const struct memory_entry *known = find(m, e.account, e.pool);
        if (!known || !known->own)
            put(m, &e);
    }
    buf_free(&text);
    arena_free(&arena);
    return err;
}

static void write_line(struct buf *b, const struct memory_entry *e)
{
    buf_puts(b, "{\"account\":");
    buf_json(b, e->account);
    buf_puts(b, ",\"pool\":");
    buf_json(b, e->pool);
    buf_printf(b, ",\"window\":\"%s\",\"limit\":%lld,\"slice_us\":%lld",
               window_name(e->lesson.window), (long long)e->lesson.limit,
               (long long)e->lesson.slice_us);
    buf_printf(b, ",\"edge\":%lld,\"zone_us\":%lld,\"lately\":%lld,\"at\":%lld}\n",
               (long long)e->lesson.edge_us, (long long)e->lesson.zone_us, (long long)e->lately,
               (long long)e->at_us);
}

enum sl_err memory_open(const char *directory, struct memory **out, struct diag *diag)
{
    struct memory *m = mem_zero(sizeof *m);
    buf_puts(&m->directory, directory);
    buf_printf(&m->path, "%s/lessons.jsonl", directory);
    buf_cstr(&m->path);
    *out = m;
    enum sl_err err = read_file(m, diag);
    if (err != SL_OK)
        memory_close(out);
    return err;
}

void memory_close(struct memory **pm)
{
    struct memory *m = *pm;
    *pm = NULL;
    if (!m)
        return;
    buf_free(&m->directory);
    buf_free(&m->path);
    arena_free(&m->arena);
    free(m->list);
    free(m);
}

enum sl_err memory_write(struct memory *m, bool last, struct diag *diag)
{
    struct buf text = {0};
    bool own = false;
    for (size_t i = 0; m && i < m->n; i++)
        own |= m->list[i].own;
    if (!own || !(m->news || last))
        return SL_OK;
    enum sl_err err = file_make_directory(buf_cstr(&m->directory), diag);
    if (err == SL_OK)
        err = read_file(m, diag);
    if (err != SL_OK)
        return err;
    for (size_t i = 0; i < m->n; i++)
        write_line(&text, &m->list[i]);
    err = replacement_write(m->path.p, buf_str(&text), diag);
    m->news = m->news && err != SL_OK;
    buf_free(&text);
    return err;
}

/* ---- pools --------------------------------------------------------------------------------
 */

void memory_recall(const struct memory *m, struct str account, struct pool *p, int64_t now_us,
                   int64_t unix_us)
{
    const struct memory_entry *e = m ? find(m, account, pool_name(p)) : NULL;
    if (!e)
        return;
    struct lesson lesson = e->lesson;
    if (lesson.edge_us > 0)
        lesson.edge_us += now_us - unix_us;
    int64_t ago_us =
        unix_us > e->at_us ? unix_us - e->at_us : 0; /* or the clock was set back */
    pool_recall(p, now_us, &lesson, now_us - ago_us, e->lately);
}

static bool is_same(const struct lesson *a, const struct lesson *b)
{
    return a->window == b->window && a->limit == b->limit && a->slice_us == b->slice_us &&
           a->zone_us == b->zone_us;
}

void memory_note(struct memory *m, struct str account, const struct pool *p, int64_t now_us,
                 int64_t unix_us)
{
    struct memory_entry e = {.account = account, .at_us = unix_us, .own = true};
    if (!m || !pool_lesson(p, now_us, &e.lesson, &e.lately))
        return;
    e.pool = pool_name(p);
    if (e.lesson.zone_us > 0)
        e.lesson.edge_us += unix_us - now_us;
    else
        e.lesson.edge_us = 0;
    const struct memory_entry *known = find(m, account, e.pool);
    m->news |= !known || !is_same(&known->lesson, &e.lesson);
    put(m, &e);
}
