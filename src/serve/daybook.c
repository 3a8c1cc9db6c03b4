/* daybook.c: see daybook.h. */
#include "daybook.h"

#include "duration.h"
#include "file.h"
#include "json.h"
#include "replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 << 20, HOUR_S = 3600 };

struct daybook {
    const char *directory;
    struct buf path; /* in it */
    struct arena arena;
    const struct json **lines; /* as they were read at the start; NULL once told */
    size_t n;
    struct buf written; /* the last text, without its instants */
};

static const char *const purse_names[PURSES] = {"day", "month"};

/* ---- reading ------------------------------------------------------------------------- */

static enum sl_err read_lines(struct daybook *b, struct str text, struct diag *diag)
{
    char where[1200];
    for (int number = 1; text.n; number++) {
        struct str line = str_split(&text, '\n');
        const struct json *entry = json_parse(&b->arena, line, NULL);
        snprintf(where, sizeof where, "%s:%d", buf_cstr(&b->path), number);
        if (!entry)
            return diag_set(diag, SL_SYNTAX, where,
                            "is not a line of ours; move the file "
                            "away to begin anew");
        b->lines = mem_grow(b->lines, (b->n + 1) * sizeof(struct json *));
        b->lines[b->n++] = entry;
    }
    return SL_OK;
}

enum sl_err daybook_open(const char *directory, struct daybook **out, struct diag *diag)
{
    struct daybook *b = mem_zero(sizeof *b);
    struct buf text = {0};
    enum sl_err err = SL_OK;
    b->directory = arena_copy(&b->arena, str_of(directory)).p;
    buf_printf(&b->path, "%s/budgets.jsonl", directory);
    if (access(buf_cstr(&b->path), F_OK) == 0 || errno != ENOENT)
        err = file_read(b->path.p, FILE_BYTES_MAX, &text, diag);
    if (err == SL_OK)
        err = read_lines(b, arena_copy(&b->arena, buf_str(&text)), diag);
    buf_free(&text);
    *out = b;
    if (err != SL_OK)
        daybook_close(out);
    return err;
}

void daybook_close(struct daybook **pb)
{
    struct daybook *b = *pb;
    *pb = NULL;
    if (!b)
        return;
    buf_free(&b->path);
    buf_free(&b->written);
    arena_free(&b->arena);
    free(b->lines);
    free(b);
}

static int64_t number(const struct json *entry, const char *key)
{
    int64_t n;
    return json_int(json_get(entry, key), &n) == SL_OK ? n : -1;
}

static bool is_of(const struct json *entry, const char *key, const char *name)
{
    return json_is(json_get(entry, key), name);
}

/* What a refilled bucket holds now of what was left then. */
static int64_t left_now(const struct json *entry, int64_t limit, int64_t period_us,
                        int64_t unix_us)
{
    int64_t since_us = unix_us - number(entry, "at");
    if (since_us < 0) /* the wall clock was set back */
        since_us = 0;
    __int128 left = number(entry, "left") + (__int128)since_us * limit / period_us;
    return left < limit ? (int64_t)left : limit;
}

static void tell_purse(struct purse *p, const struct json *entry, int64_t now_us,
                       int64_t unix_us)
{
    int64_t used = number(entry, "used"), ends_us = number(entry, "ends");
    if (used <= 0 || ends_us <= unix_us) /* of a day that is over */
        return;
    p->used = used;
    p->ends_us = now_us + (ends_us - unix_us);
}

void daybook_tell_tenant(struct daybook *b, struct tenant *t, int64_t now_us, int64_t unix_us)
{
    for (size_t i = 0; b && i < b->n; i++) {
        const struct json *entry = b->lines[i];
        if (!is_of(entry, "tenant", t->name))
            continue;
        b->lines[i] = NULL;
        for (int p = 0; p < PURSES; p++) {
            if (is_of(entry, "purse", purse_names[p]))
                tell_purse(&t->allowance.purses[p], entry, now_us, unix_us);
        }
        int64_t limit, left, reset_us;
        enum dimension dim = dimension_of(json_str(json_get(entry, "limit")));
        if ((int)dim < DIM_RATES && dimension_period_s(dim) > HOUR_S &&
            allowance_look(&t->allowance, now_us, dim, &limit, &left, &reset_us))
            allowance_restore(
                &t->allowance, now_us, dim,
                left_now(entry, limit, t->allowance.buckets[dim].period_us, unix_us));
    }
}

void daybook_tell_pool(struct daybook *b, const char *account, struct account *a,
                       struct pool *p, int64_t now_us, int64_t unix_us)
{
    struct pool_view view;
    pool_look(a, p, now_us, &view);
    for (size_t i = 0; b && i < b->n; i++) {
        const struct json *entry = b->lines[i];
        enum dimension dim = dimension_of(json_str(json_get(entry, "limit")));
        if (!is_of(entry, "account", account) ||
            !str_eq(json_str(json_get(entry, "pool")), view.name))
            continue;
        b->lines[i] = NULL;
        for (size_t k = 0; k < view.budget_count; k++) {
            const struct budget_view *v = &view.budgets[k];
            if (v->dim == dim)
                pool_remember(p, now_us, dim, left_now(entry, v->limit, v->period_us, unix_us));
        }
    }
}

/* ---- writing ------------------------------------------------------------------------- */

static void write_left(struct buf *b, struct buf *compared, enum dimension dim, int64_t left,
                       int64_t unix_us)
{
    struct buf tail = {0};
    buf_printf(&tail, "\"limit\":\"%s\",\"left\":%lld", dimension_name(dim), (long long)left);
    buf_add(b, buf_str(&tail));
    buf_add(compared, buf_str(&tail));
    buf_printf(b, ",\"at\":%lld}\n", (long long)unix_us);
    buf_free(&tail);
}

static void write_tenant(struct buf *b, struct buf *compared, const struct tenant *t,
                         int64_t now_us, int64_t unix_us)
{
    static const enum dimension dims[] = {DIM_RPD, DIM_TPD};
    int64_t limit, left, reset_us;
    for (size_t i = 0; i < 2; i++) {
        if (!allowance_look(&t->allowance, now_us, dims[i], &limit, &left, &reset_us) ||
            left >= limit)
            continue;
        buf_puts(b, "{\"tenant\":");
        buf_json(b, str_of(t->name));
        buf_puts(b, ",");
        buf_puts(compared, t->name);
        write_left(b, compared, dims[i], left, unix_us);
    }
    for (int p = 0; p < PURSES; p++) {
        const struct purse *purse = &t->allowance.purses[p];
        if (purse->limit <= 0 || purse->used - purse->held <= 0)
            continue;
        buf_puts(b, "{\"tenant\":");
        buf_json(b, str_of(t->name));
        buf_printf(b, ",\"purse\":\"%s\",\"used\":%lld,\"ends\":%lld}\n", purse_names[p],
                   (long long)(purse->used - purse->held),
                   (long long)(unix_us + purse->ends_us - now_us));
        buf_printf(compared, "%s%lld", t->name, (long long)(purse->used - purse->held));
    }
}

static void write_pool(struct buf *b, struct buf *compared, const struct outlet *o,
                       const struct pool_view *view, int64_t unix_us)
{
    for (size_t i = 0; i < view->budget_count; i++) {
        const struct budget_view *v = &view->budgets[i];
        if (dimension_period_s(v->dim) <= HOUR_S || v->level >= v->limit)
            continue;
        buf_puts(b, "{\"account\":");
        buf_json(b, str_of(o->name));
        buf_puts(b, ",\"pool\":");
        buf_json(b, view->name);
        buf_puts(b, ",");
        buf_printf(compared, "%s%.*s", o->name, STR_ARG(view->name));
        write_left(b, compared, v->dim, v->level, unix_us);
    }
}

static void write_outlet(struct buf *b, struct buf *compared, const struct outlet *o,
                         int64_t now_us, int64_t unix_us)
{
    struct pool_view view;
    if (o->retired || o->account->options.emulator) /* which begins anew itself */
        return;
    for (size_t i = 0; i < o->models.pool_count; i++) {
        if (!o->models.pools[i].pool)
            continue;
        pool_look(engine_account(o->door.engine), o->models.pools[i].pool, now_us, &view);
        write_pool(b, compared, o, &view, unix_us);
    }
}

static enum sl_err put(const struct daybook *b, struct str text, struct diag *diag)
{
    struct replacement *r = NULL;
    enum sl_err err = file_make_directory(b->directory, diag);
    if (err == SL_OK)
        err = replacement_begin(b->path.p, &r, diag);
    while (err == SL_OK && text.n)
        err = replacement_add(r, str_split(&text, '\n'), diag);
    if (err == SL_OK)
        return replacement_commit(&r, diag);
    if (r)
        replacement_drop(&r);
    return err;
}

enum sl_err daybook_write(struct daybook *b, const struct outlets *o, const struct tenants *t,
                          int64_t now_us, int64_t unix_us, struct diag *diag)
{
    struct buf text = {0}, compared = {0};
    enum sl_err err = SL_OK;
    for (uint32_t i = 0; i < t->n; i++)
        write_tenant(&text, &compared, t->list[i], now_us, unix_us);
    for (size_t i = 0; i < o->n; i++)
        write_outlet(&text, &compared, o->list[i], now_us, unix_us);
    if (!str_eq(buf_str(&compared), buf_str(&b->written)))
        err = put(b, buf_str(&text), diag);
    if (err == SL_OK) {
        struct buf before = b->written;
        b->written = compared;
        compared = before;
    }
    buf_free(&text);
    buf_free(&compared);
    return err;
}
