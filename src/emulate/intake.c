/* intake.c: see intake.h. */
#include "intake.h"
#include "bounds.h"
#include "multipart.h"

enum { FIELD_BYTES = 1024 }; /* "batch", "3600": nothing known is longer */

static void on_part(void *ctx, enum multipart_event ev, const struct multipart_part *part,
                    struct str bytes);

static size_t bound_of(const struct target *to)
{
    if (to->api == API_MESSAGES || to->api == API_COUNT_TOKENS)
        return INTAKE_MESSAGE_BYTES;
    if (to->api == API_MESSAGE_BATCHES)
        return INTAKE_BATCH_BYTES;
    return to->api == API_FILES ? INTAKE_FILE_BYTES + INTAKE_FORM_BYTES : BOUND_BODY_BYTES;
}

void intake_open(struct intake *i, const struct target *to, struct str content_type)
{
    struct str boundary;
    i->max = bound_of(to);
    if (to->api != API_FILES || to->verb != TARGET_CREATE)
        return;
    i->is_form = true;
    if (multipart_boundary(content_type, &boundary) == SL_OK)
        i->multipart = multipart_new(boundary, (struct multipart_handler){on_part, i});
    else
        i->form.wrong = "expected multipart/form-data with a boundary";
}

static struct str *field_of(struct form *f, struct str name)
{
    if (str_eq(name, STR("purpose")))
        return &f->purpose;
    if (str_eq(name, STR("expires_after[anchor]")))
        return &f->expires_anchor;
    return str_eq(name, STR("expires_after[seconds]")) ? &f->expires_seconds : NULL;
}

static void begin_part(struct intake *i, const struct multipart_part *part)
{
    struct form *f = &i->form;
    i->in_file = part->filename.p && str_eq(part->name, STR("file"));
    i->target = i->in_file ? NULL : field_of(f, part->name);
    buf_clear(&i->field);
    if (!i->in_file)
        return;
    if (f->file)
        f->wrong = "two files";
    else
        f->file = spool_new();
    f->filename = arena_copy(&i->texts, part->filename);
}

static void add_to_file(struct intake *i, struct str bytes)
{
    struct form *f = &i->form;
    struct diag diag;
    if (f->too_large || f->wrong)
        return;
    f->too_large = spool_size(f->file) + (int64_t)bytes.n > INTAKE_FILE_BYTES;
    if (!f->too_large && spool_add(f->file, bytes, &diag) != SL_OK) {
        f->wrong = arena_copy(&i->texts, str_of(diag.what)).p;
        f->storage = true;
    }
}

static void on_part(void *ctx, enum multipart_event ev, const struct multipart_part *part,
                    struct str bytes)
{
    struct intake *i = ctx;
    if (ev == MULTIPART_PART) {
        begin_part(i, part);
    } else if (ev == MULTIPART_DATA && i->in_file) {
        add_to_file(i, bytes);
    } else if (ev == MULTIPART_DATA) {
        if (i->field.n + bytes.n > FIELD_BYTES)
            i->form.wrong = "a field of the form is too long";
        else
            buf_add(&i->field, bytes);
    } else if (i->target) {
        *i->target = arena_copy(&i->texts, buf_str(&i->field));
    }
}

void intake_add(struct intake *i, struct str bytes)
{
    i->bytes += bytes.n;
    if (i->bytes > i->max) {
        i->too_large = true;
        buf_free(&i->body);
    } else if (!i->is_form) {
        buf_add(&i->body, bytes);
    } else if (i->multipart && !i->form.wrong) {
        if (multipart_feed(i->multipart, bytes) != SL_OK)
            i->form.wrong = multipart_why(i->multipart);
    }
}

void intake_end(struct intake *i)
{
    if (i->multipart && !i->form.wrong && multipart_finish(i->multipart) != SL_OK)
        i->form.wrong = multipart_why(i->multipart);
}

void intake_free(struct intake *i)
{
    multipart_free(&i->multipart);
    spool_free(&i->form.file);
    buf_free(&i->body);
    buf_free(&i->field);
    arena_free(&i->texts);
    *i = (struct intake){0};
}
