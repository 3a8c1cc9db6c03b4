/* input.c: see input.h.
 *
 * One function judges a line (`examine`), both at the check and when the complaint about a
 * skipped line is written to the error file, so that complaints need not be kept in memory. */
#include "input.h"

#include <stdio.h>
#include <string.h>

enum { INPUT_PROGRESS_LINES = 4096 };

const char *input_name(const struct input_config *c)
{
    return strcmp(c->path, "-") == 0 ? "standard input" : c->path;
}

/* "body.messages[3].content" is what the body itself knows of: in an Anthropic line it stands
 * under "params". */
static void place_in_line(const struct request_line *line, struct diag *diag)
{
    struct str where = str_of(diag->where), field = str_of(line->field);
    if (!field.n || !where.n || str_eq(where, field))
        return;
    bool of_body = str_starts(where, STR("body")) && (where.n == 4 || strchr(".[", where.p[4]));
    struct buf b = {0};
    if (of_body)
        buf_printf(&b, "%.*s%.*s", STR_ARG(field), STR_ARG(str_from(where, 4)));
    else
        buf_printf(&b, "%.*s.%.*s", STR_ARG(field), STR_ARG(where));
    snprintf(diag->where, sizeof diag->where, "%s", buf_cstr(&b));
    buf_free(&b);
}

static const struct provider *provider_for(const struct input_config *c,
                                           const struct json *body)
{
    if (c->provider)
        return c->provider;
    const struct json *name = json_get(body, "model");
    bool named = name && name->type == JSON_STRING;
    const struct model *known = named ? catalogue_model(c->catalogue, name->text) : NULL;
    const struct provider *p = known ? provider_named(known->provider) : NULL;
    return p ? p : provider_get(PROVIDER_COMPATIBLE);
}

static void rename_model(const struct input_config *c, const struct json *body)
{
    struct json *name = json_get(body, "model");
    if (c->model && name && name->type == JSON_STRING)
        name->text = str_of(c->model);
}

/* Fills the row's model and demand. SL_UNKNOWN with *fatal: the model has no known limits,
 * nothing can be run. SL_TOO_LARGE: for the model, or for its limits. */
static enum sl_err weigh(struct input *in, struct input_request *req, struct row *row,
                         bool *fatal, struct diag *diag)
{
    const struct input_config *c = &in->config;
    struct ask ask;
    size_t model;
    enum sl_err err = ask_parse(provider_for(c, req->line.tree), c->catalogue, req->line.route,
                                req->line.tree, &ask, diag);
    if (err != SL_OK)
        return err;
    row_set_demand(row, &ask.demand);
    in->estimated += !ask.input_exact;
    err = models_index(&in->models, c->limits, ask.model, &model, diag);
    *fatal = err != SL_OK;
    if (err != SL_OK)
        return err;
    row->model = (uint16_t)model;
    err = ask_check(&ask, diag);
    if (err == SL_OK)
        err = pool_fits(&in->models.pools[in->models.list[model].pool], &ask.demand, c->charge,
                        c->use_percent, diag);
    return err;
}

/* Too long for its model: the first of others that takes it. */
static enum sl_err take_detour(struct input *in, struct input_request *req, struct row *row,
                               enum sl_err err, bool *fatal)
{
    const struct input_detour *d = in->config.detour;
    struct json *name = json_get(req->line.tree, "model");
    struct str asked = name->text;
    struct row first = *row;
    struct diag ignored;
    const char *other;
    for (size_t n = 0; err != SL_OK && (other = d->longer(d->ctx, asked, n)); n++) {
        name->text = str_of(other);
        err = weigh(in, req, row, fatal, &ignored);
        row->downgraded = true;
    }
    name->text = asked;
    if (err == SL_OK)
        return SL_OK;
    *row = first;
    *fatal = false;
    row->excused = d->excused(d->ctx, asked);
    return SL_TOO_LARGE;
}

/* What of a line can be told without the others. */
static enum sl_err examine(struct input *in, const struct line *text, struct input_request *req,
                           struct row *row, bool *fatal, struct diag *diag)
{
    const struct input_config *c = &in->config;
    *fatal = false;
    enum sl_err err =
        request_line_read(&c->form, text->number, text->text, &req->arena, &req->line, diag);
    if (err == SL_OK) {
        rename_model(c, req->line.tree);
        err = weigh(in, req, row, fatal, diag);
    }
    if (err == SL_TOO_LARGE && !*fatal && c->detour)
        err = take_detour(in, req, row, err, fatal);
    if (err != SL_OK)
        place_in_line(&req->line, diag);
    return err;
}

static void identify(const struct request_line *line, struct row *row)
{
    if (!line->custom_id.n)
        return;
    struct str parts[] = {line->custom_id, line->body};
    row->name = hash128_of(parts, 1);
    row->id = hash128_of(parts, 2);
}

static enum sl_err add_line(struct input *in, const struct line *text,
                            struct input_request *req, const struct input_listener *listener,
                            struct diag *diag)
{
    struct row row = {.offset = (uint64_t)text->offset,
                      .length = (uint32_t)text->text.n,
                      .number = (uint32_t)text->number};
    bool fatal;
    struct diag complaint;
    enum sl_err err = examine(in, text, req, &row, &fatal, &complaint);
    if (fatal) {
        struct buf where = {0};
        buf_printf(&where, "%lld: %s", (long long)text->number, complaint.where);
        diag_set(diag, err, buf_cstr(&where), "%s", complaint.what);
        buf_free(&where);
        return err;
    }
    identify(&req->line, &row);
    row.route = (uint8_t)req->line.route;
    row.state = err == SL_OK ? ROW_PENDING : ROW_INVALID;
    const struct row *earlier = rows_add(&in->rows, &row);
    if (earlier && err == SL_OK) {
        in->rows.list[in->rows.n - 1].state = ROW_INVALID;
        err =
            diag_set(&complaint, SL_RANGE, "", "custom_id \"%.*s\" was already used on line %u",
                     STR_ARG(str_cut(req->line.custom_id, 80)), earlier->number);
    }
    if (err != SL_OK) {
        in->invalid++;
        in->excused += row.excused;
    }
    if (err != SL_OK && !row.excused)
        listener->complaint(listener->ctx, text->number, &complaint);
    return SL_OK;
}

static enum sl_err read_all(struct input *in, const struct input_listener *listener,
                            struct diag *diag)
{
    struct input_request req = {0};
    struct line text;
    bool more;
    enum sl_err err;
    while ((err = lines_next(in->lines, &text, &more, diag)) == SL_OK && more) {
        if (text.number >= UINT32_MAX) {
            err = diag_set(diag, SL_TOO_LARGE, "", "more than four thousand million lines");
            break;
        }
        if (text.number % INPUT_PROGRESS_LINES == 0)
            listener->progress(listener->ctx, text.number, text.offset, lines_size(in->lines));
        if (str_trim(text.text).n == 0)
            continue;
        arena_reset(&req.arena);
        err = add_line(in, &text, &req, listener, diag);
        if (err != SL_OK)
            break;
    }
    input_request_free(&req);
    return err;
}

enum sl_err input_open(struct input *in, const struct input_config *c,
                       const struct input_listener *listener, struct diag *diag)
{
    *in = (struct input){.config = *c};
    enum sl_err err = lines_open(c->path, BOUND_BODY_BYTES, &in->lines, diag);
    if (err == SL_OK)
        err = read_all(in, listener, diag);
    if (err != SL_OK)
        input_close(in);
    return err;
}

void input_close(struct input *in)
{
    lines_close(&in->lines);
    rows_free(&in->rows);
    models_free(&in->models);
}

void input_request_free(struct input_request *r)
{
    buf_free(&r->bytes);
    arena_free(&r->arena);
}

static enum sl_err read_again(struct input *in, const struct row *row,
                              struct input_request *out, struct diag *diag)
{
    arena_reset(&out->arena);
    return lines_again(in->lines, (int64_t)row->offset, row->length, &out->bytes, diag);
}

/* The body with another model's name in it. */
static void replace_model(struct input_request *r, struct str model)
{
    const struct json *name = json_get(r->line.tree, "model");
    struct str body = r->line.body;
    struct buf changed = {0};
    size_t at = (size_t)(name->raw.p - body.p);
    buf_add(&changed, str_cut(body, at));
    buf_json(&changed, model);
    buf_add(&changed, str_from(body, at + name->raw.n));
    r->line.body = arena_copy(&r->arena, buf_str(&changed));
    buf_free(&changed);
}

enum sl_err input_read(struct input *in, const struct row *row, struct input_request *out,
                       struct diag *diag)
{
    enum sl_err err = read_again(in, row, out, diag);
    if (err != SL_OK)
        return err;
    struct diag ignored;
    err = request_line_read(&in->config.form, row->number, buf_str(&out->bytes), &out->arena,
                            &out->line, &ignored);
    struct row now = {0};
    if (err == SL_OK)
        identify(&out->line, &now);
    if (err != SL_OK || !hash128_eq(now.id, row->id))
        return diag_set(diag, SL_RANGE, "", "line %u has changed since the file was checked",
                        row->number);
    if (row->downgraded)
        replace_model(out, in->models.list[row->model].name);
    return SL_OK;
}

bool input_redirect(struct input *in, struct row *row, size_t model)
{
    struct input_request req = {0};
    struct row other = *row;
    struct diag ignored;
    bool fatal = false, fits = false;
    if (input_read(in, row, &req, &ignored) == SL_OK) {
        struct json *name = json_get(req.line.tree, "model");
        name->text = in->models.list[model].name;
        fits = weigh(in, &req, &other, &fatal, &ignored) == SL_OK && other.model == model;
    }
    input_request_free(&req);
    if (!fits)
        return false;
    *row = other;
    row->downgraded = true;
    return true;
}

void input_complaint(struct input *in, const struct row *row, struct input_request *out,
                     struct diag *diag)
{
    if (read_again(in, row, out, diag) != SL_OK)
        return;
    struct line text = {.text = buf_str(&out->bytes), .number = row->number};
    struct row again = {0};
    bool fatal;
    if (examine(in, &text, out, &again, &fatal, diag) != SL_OK)
        return;
    const struct row *earlier = rows_find(&in->rows, row->name);
    diag_set(diag, SL_RANGE, "", "custom_id was already used on line %u",
             earlier ? earlier->number : 0);
}
