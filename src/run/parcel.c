/* parcel.c: see parcel.h. Rows stand in the input in the order of their lines, so the numbers
 * of a parcel's lines are found by one walk. */
#include "parcel.h"

#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000000 };

const char *parcel_state_name(enum parcel_state s)
{
    static const char *const names[] = {
#define X(name, text) text,
        PARCEL_STATES(X)
#undef X
    };
    return names[s];
}

void parcels_free(struct parcels *p)
{
    for (size_t i = 0; i < p->n; i++) {
        buf_free(&p->list[i].file);
        buf_free(&p->list[i].batch);
    }
    free(p->list);
    *p = (struct parcels){0};
}

struct parcel *parcels_add(struct parcels *p)
{
    if (p->n == PARCELS_MAX)
        return NULL;
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->list = mem_grow(p->list, p->cap * sizeof *p->list);
    }
    struct parcel *new = &p->list[p->n++];
    *new = (struct parcel){.number = (uint16_t)p->n, .creating_us = -1};
    return new;
}

struct parcel *parcels_get(const struct parcels *p, uint16_t number)
{
    return number >= 1 && number <= p->n ? &p->list[number - 1] : NULL;
}

bool parcel_is_live(const struct parcel *p)
{
    return p->state != PARCEL_FETCHED && p->state != PARCEL_VOID;
}

bool parcel_is_idle(const struct parcel *p)
{
    return p->state == PARCEL_PLANNED || p->state == PARCEL_UPLOADING ||
           p->state == PARCEL_UPLOADED;
}

/* ---- writing ---- */

void parcels_write_header(const struct parcels_header *h, struct buf *out)
{
    buf_puts(out, "{\"sluice\":\"batches\",\"account\":");
    buf_json(out, h->account);
    buf_char(out, '}');
}

static void write_count(struct buf *out, const char *key, int64_t n)
{
    buf_printf(out, ",\"%s\":", key);
    if (n < 0)
        buf_puts(out, "null");
    else
        buf_int(out, n);
}

void parcels_write_choice(const struct parcels_choice *c, struct buf *out)
{
    buf_printf(out, "{\"choice\":\"%s\"", c->made ? "made" : "begun");
    if (!c->made) {
        write_count(out, "deadline_us", c->deadline_us);
        write_count(out, "until_us", c->until_us);
        write_count(out, "budget_pusd", c->budget_pusd);
    }
    buf_char(out, '}');
}

static void write_range(struct buf *out, bool begun, uint32_t from, uint32_t to)
{
    buf_puts(out, begun ? "," : "");
    buf_int(out, from);
    if (to > from) {
        buf_char(out, '-');
        buf_int(out, to);
    }
}

/* The next row of the parcel from index i on; the rows' count if there is none. */
static size_t next_row(const struct parcel *p, const struct rows *rows, size_t i)
{
    size_t end = p->last < rows->n ? p->last + 1 : rows->n;
    while (i < end && rows->list[i].parcel != p->number)
        i++;
    return i < end ? i : rows->n;
}

/* A range is of rows that follow one another, whatever empty lines lie between them. */
static void write_rows(const struct parcel *p, const struct rows *rows, struct buf *out)
{
    bool begun = false;
    for (size_t i = next_row(p, rows, p->first); i < rows->n; i = next_row(p, rows, i)) {
        size_t end = i + 1;
        while (end < rows->n && rows->list[end].parcel == p->number)
            end++;
        write_range(out, begun, rows->list[i].number, rows->list[end - 1].number);
        begun = true;
        i = end;
    }
}

/* 32 hex digits. */
static void write_digest(const struct parcel *p, const struct rows *rows, char out[MARK_BYTES])
{
    char id[ID_BYTES];
    struct buf ids = {0};
    for (size_t i = next_row(p, rows, p->first); i < rows->n; i = next_row(p, rows, i + 1))
        buf_add(&ids, (struct str){(const char *)&rows->list[i].id, sizeof rows->list[i].id});
    struct str all = buf_str(&ids);
    id_write(hash128_of(&all, 1), id);
    memcpy(out, id + ID_BYTES - MARK_BYTES, MARK_BYTES);
    buf_free(&ids);
}

static void write_plan(const struct parcel *p, const struct input *in,
                       const struct batch_rules *rules, struct buf *out)
{
    char digest[MARK_BYTES];
    write_digest(p, &in->rows, digest);
    buf_puts(out, ",\"mark\":");
    buf_json(out, (struct str){p->mark, MARK_BYTES});
    buf_puts(out, ",\"model\":");
    buf_json(out, in->models.list[p->model].name);
    buf_puts(out, ",\"endpoint\":");
    buf_json(out, rules->endpoints[p->endpoint]);
    buf_puts(out, ",\"rows\":\"");
    write_rows(p, &in->rows, out);
    buf_puts(out, "\",\"digest\":");
    buf_json(out, (struct str){digest, MARK_BYTES});
    buf_printf(out,
               ",\"requests\":%lld,\"bytes\":%lld,\"tokens\":%lld,\"inputs\":%lld,"
               "\"halvings\":%lld",
               (long long)p->load.requests, (long long)p->load.bytes, (long long)p->load.tokens,
               (long long)p->load.inputs, (long long)p->halvings);
}

void parcel_write(const struct parcel *p, const struct input *in,
                  const struct batch_rules *rules, const char *why, struct buf *out)
{
    buf_printf(out, "{\"parcel\":%u,\"state\":\"%s\"", p->number, parcel_state_name(p->state));
    if (p->state == PARCEL_PLANNED)
        write_plan(p, in, rules, out);
    if (p->state == PARCEL_UPLOADED) {
        buf_puts(out, ",\"file\":");
        buf_json(out, buf_str(&p->file));
    }
    if (p->state == PARCEL_CREATING)
        buf_printf(out, ",\"attempt\":%d,\"at\":%lld", p->attempt,
                   (long long)(p->creating_us / SECOND));
    if (p->state == PARCEL_CREATED) {
        buf_puts(out, ",\"batch\":");
        buf_json(out, buf_str(&p->batch));
    }
    if (p->state == PARCEL_VOID) {
        buf_puts(out, ",\"why\":");
        buf_json(out, str_of(why));
    }
    buf_char(out, '}');
}

void parcel_write_refused(const struct parcel *p, struct buf *out)
{
    buf_printf(out, "{\"parcel\":%u,\"state\":\"refused\"}", p->number);
}

/* ---- reading ---- */

static enum sl_err no_line(struct diag *diag, const char *field)
{
    return diag_set(diag, SL_TYPE, field, "is not what a journal of batches holds");
}

static enum sl_err changed(const struct parcel *p, struct diag *diag)
{
    return diag_set(diag, SL_RANGE, "",
                    "the input is not what it was when batch %u was made of it; undo the "
                    "change, or name another output with -o",
                    p->number);
}

static enum sl_err read_count(const struct json *line, const char *key, int64_t *out,
                              struct diag *diag)
{
    if (json_int(json_get(line, key), out) != SL_OK || *out < 0)
        return no_line(diag, key);
    return SL_OK;
}

/* "500-503" or "7". */
static bool read_range(struct str text, int64_t *from, int64_t *to)
{
    struct str end = text, begin = str_split(&end, '-');
    if (str_int(begin, false, from) != SL_OK)
        return false;
    *to = *from;
    return !end.p || str_int(end, false, to) == SL_OK;
}

/* Marks the rows of the parcel; false if a line is not there, or is of another live parcel. */
static bool take_rows(struct parcels_reader *r, struct parcel *p, struct str text)
{
    struct rows *rows = &r->input->rows;
    size_t i = 0;
    int64_t from, to;
    p->first = rows->n;
    while (text.p) {
        if (!read_range(str_split(&text, ','), &from, &to))
            return false;
        while (i < rows->n && rows->list[i].number < from)
            i++;
        if (i == rows->n || rows->list[i].number != from)
            return false;
        p->first = i < p->first ? i : p->first;
        for (; i < rows->n && rows->list[i].number <= to; i++) {
            const struct parcel *other = parcels_get(r->parcels, rows->list[i].parcel);
            if (other && parcel_is_live(other))
                return false;
            rows->list[i].parcel = p->number;
            p->last = i;
        }
    }
    return p->first < rows->n;
}

static enum sl_err find_model(struct parcels_reader *r, struct parcel *p,
                              const struct json *line, struct diag *diag)
{
    const struct models *m = &r->input->models;
    struct str name = json_str(json_get(line, "model"));
    struct str endpoint = json_str(json_get(line, "endpoint"));
    for (p->model = 0; p->model < m->n; p->model++) {
        if (str_eq(m->list[p->model].name, name))
            break;
    }
    p->endpoint = batch_endpoint(r->rules, endpoint);
    return p->model == m->n || p->endpoint < 0 ? changed(p, diag) : SL_OK;
}

static enum sl_err read_plan(struct parcels_reader *r, struct parcel *p,
                             const struct json *line, struct diag *diag)
{
    char digest[MARK_BYTES];
    struct str mark = json_str(json_get(line, "mark"));
    if (mark.n != MARK_BYTES || !batch_id_is_plain(mark))
        return no_line(diag, "mark");
    memcpy(p->mark, mark.p, MARK_BYTES);
    enum sl_err err = find_model(r, p, line, diag);
    if (err == SL_OK)
        err = read_count(line, "requests", &p->load.requests, diag);
    if (err == SL_OK)
        err = read_count(line, "bytes", &p->load.bytes, diag);
    if (err == SL_OK)
        err = read_count(line, "tokens", &p->load.tokens, diag);
    if (err == SL_OK)
        err = read_count(line, "inputs", &p->load.inputs, diag);
    if (err == SL_OK)
        err = read_count(line, "halvings", &p->halvings, diag);
    if (err != SL_OK)
        return err;
    if (!take_rows(r, p, json_str(json_get(line, "rows"))))
        return changed(p, diag);
    write_digest(p, &r->input->rows, digest);
    bool same = str_eq(json_str(json_get(line, "digest")), (struct str){digest, MARK_BYTES});
    return same ? SL_OK : changed(p, diag);
}

static enum sl_err read_id(const struct json *line, const char *key, struct buf *out,
                           struct diag *diag)
{
    struct str id = json_str(json_get(line, key));
    if (!batch_id_is_plain(id))
        return no_line(diag, key);
    buf_clear(out);
    buf_add(out, id);
    return SL_OK;
}

static enum sl_err read_creating(struct parcel *p, const struct json *line, struct diag *diag)
{
    int64_t attempt, at;
    enum sl_err err = read_count(line, "attempt", &attempt, diag);
    if (err == SL_OK)
        err = read_count(line, "at", &at, diag);
    if (err != SL_OK)
        return err;
    if (attempt > INT32_MAX || at > INT64_MAX / SECOND)
        return no_line(diag, "at");
    p->attempt = (int)attempt;
    p->creating_us = at * SECOND;
    return SL_OK;
}

/* What a state says besides its name. */
static enum sl_err enter(struct parcels_reader *r, struct parcel *p, enum parcel_state s,
                         const struct json *line, struct diag *diag)
{
    enum sl_err err = SL_OK;
    bool again = s <= p->state && s != PARCEL_CREATING;
    if (s == PARCEL_PLANNED ? p->load.requests > 0 : !parcel_is_live(p) || again)
        return no_line(diag, "state");
    switch (s) {
    case PARCEL_PLANNED:
        err = read_plan(r, p, line, diag);
        break;
    case PARCEL_UPLOADED:
        err = read_id(line, "file", &p->file, diag);
        break;
    case PARCEL_CREATING:
        err = read_creating(p, line, diag);
        break;
    case PARCEL_CREATED:
        err = read_id(line, "batch", &p->batch, diag);
        break;
    case PARCEL_UPLOADING:
    case PARCEL_FETCHED:
    case PARCEL_VOID:
        break;
    }
    if (err == SL_OK)
        p->state = s;
    return err;
}

static bool state_named(struct str name, enum parcel_state *out)
{
    for (enum parcel_state s = PARCEL_PLANNED; s <= PARCEL_VOID; s++) {
        *out = s;
        if (str_eq(name, str_of(parcel_state_name(s))))
            return true;
    }
    return false;
}

static enum sl_err read_header(struct parcels_reader *r, const struct json *line,
                               struct diag *diag)
{
    struct str account = json_str(json_get(line, "account"));
    if (!json_is(json_get(line, "sluice"), "batches") || !account.p)
        return no_line(diag, "sluice");
    r->begun = true;
    r->header.account = arena_copy(&r->arena, account);
    return SL_OK;
}

/* null: -1. */
static enum sl_err read_wish(const struct json *line, const char *key, int64_t *out,
                             struct diag *diag)
{
    const struct json *v = json_get(line, key);
    *out = -1;
    return v && v->type == JSON_NULL ? SL_OK : read_count(line, key, out, diag);
}

static enum sl_err read_choice(struct parcels_choice *c, const struct json *line,
                               struct diag *diag)
{
    if (json_is(json_get(line, "choice"), "made") && c->begun) {
        c->made = true;
        return SL_OK;
    }
    if (!json_is(json_get(line, "choice"), "begun"))
        return no_line(diag, "choice");
    *c = (struct parcels_choice){.begun = true};
    enum sl_err err = read_wish(line, "deadline_us", &c->deadline_us, diag);
    if (err == SL_OK)
        err = read_wish(line, "until_us", &c->until_us, diag);
    if (err == SL_OK)
        err = read_wish(line, "budget_pusd", &c->budget_pusd, diag);
    return err;
}

enum sl_err parcels_read_line(struct parcels_reader *r, struct str text, struct diag *diag)
{
    int64_t number;
    enum parcel_state s;
    arena_reset(&r->tree);
    const struct json *line = json_parse(&r->tree, text, diag);
    if (!line)
        return SL_SYNTAX;
    if (!r->begun)
        return read_header(r, line, diag);
    if (json_get(line, "choice"))
        return read_choice(&r->choice, line, diag);
    enum sl_err err = read_count(line, "parcel", &number, diag);
    if (err != SL_OK)
        return err;
    bool new = number == (int64_t)r->parcels->n + 1;
    struct parcel *p = number > PARCELS_MAX ? NULL
                       : new                ? parcels_add(r->parcels)
                                            : parcels_get(r->parcels, (uint16_t)number);
    if (!p)
        return no_line(diag, "parcel");
    struct str name = json_str(json_get(line, "state"));
    if (!new &&str_eq(name, STR("refused")) && p->state == PARCEL_CREATED) {
        p->state = p->file.n ? PARCEL_UPLOADED : PARCEL_PLANNED;
        return SL_OK;
    }
    if (!state_named(name, &s) || new != (s == PARCEL_PLANNED))
        return no_line(diag, "state");
    return enter(r, p, s, line, diag);
}

void parcels_reader_free(struct parcels_reader *r)
{
    arena_free(&r->arena);
    arena_free(&r->tree);
}
