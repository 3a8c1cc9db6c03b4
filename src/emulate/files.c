/* files.c: see files.h. What is checked of a batch file on upload is its size and its first
 * line; the rest is found when a batch is made of it. */
#include "files.h"
#include "member.h"
#include "paging.h"

enum {
    BATCH_FILE_BYTES = 200 * 1000 * 1000,
    MONTH_S = 30 * 86400, /* how long batch files are kept: seen, BerriAI/litellm#37527 */
    EXPIRES_LEAST_S = 3600,
    FIRST_LINE_BYTES = 1 << 20,
};

static void write_file(const struct store_file *f, const struct registry *r, struct buf *out)
{
    buf_puts(out, "{\"object\":\"file\"");
    member_text(out, "id", f->id);
    member_count(out, "bytes", spool_size(f->bytes));
    registry_write_time(r, out, "created_at", f->created_us);
    registry_write_time(r, out, "expires_at", f->expires_us);
    member_text(out, "filename", f->filename);
    member_text(out, "purpose", f->purpose);
    buf_puts(out, ",\"status\":\"processed\",\"status_details\":null}");
}

/* ---- creating ---- */

static bool is_known(struct str purpose)
{
    static const char *const purposes[] = {"assistants", "batch",     "fine-tune",
                                           "vision",     "user_data", "evals"};
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++) {
        if (str_eq(purpose, str_of(purposes[i])))
            return true;
    }
    return false;
}

/* A batch file begins with a line that is an object. One longer than is looked at passes. */
static bool begins_well(struct errand *e, const struct spool *file)
{
    struct buf head = {0};
    if (spool_read(file, 0, FIRST_LINE_BYTES, &head, NULL) != SL_OK)
        head.n = 0;
    struct str rest = buf_str(&head), line = str_split(&rest, '\n');
    bool cut = line.n == FIRST_LINE_BYTES;
    const struct json *v = cut ? NULL : json_parse(e->arena, line, NULL);
    bool well = cut || (v && v->type == JSON_OBJECT);
    buf_free(&head);
    return well;
}

/* How long the file lives; false with a refusal. */
static bool read_lifetime(struct errand *e, const struct form *f, int64_t *lives_s)
{
    *lives_s = str_eq(f->purpose, STR("batch")) ? MONTH_S : -1;
    if (!f->expires_anchor.n && !f->expires_seconds.n)
        return true;
    if (str_eq(f->expires_anchor, STR("created_at")) &&
        str_int(f->expires_seconds, false, lives_s) == SL_OK && *lives_s >= EXPIRES_LEAST_S &&
        *lives_s <= MONTH_S)
        return true;
    errand_refuse(e, 400, "expires_after", "invalid_value",
                  "Invalid 'expires_after': expected anchor created_at and %d to %d seconds.",
                  EXPIRES_LEAST_S, MONTH_S);
    return false;
}

static bool form_is_good(struct errand *e, const struct form *f)
{
    bool batch = str_eq(f->purpose, STR("batch"));
    if (f->wrong) {
        errand_refuse(e, f->storage ? 500 : 400, NULL, NULL, "%s", f->wrong);
    } else if (!f->file || !f->purpose.n) {
        const char *field = f->file ? "purpose" : "file";
        errand_refuse(e, 400, field, "missing_required_parameter",
                      "Missing required parameter: '%s'.", field);
    } else if (!is_known(f->purpose)) {
        errand_refuse(e, 400, "purpose", "invalid_value",
                      "Invalid value: '%.*s'. Supported values are: 'assistants', 'batch', "
                      "'fine-tune', 'vision', 'user_data', and 'evals'.",
                      STR_ARG(str_cut(f->purpose, 100)));
    } else if (f->too_large || (batch && spool_size(f->file) > BATCH_FILE_BYTES)) {
        errand_refuse(e, 400, NULL, NULL, "File is too large.");
    } else if (batch && !begins_well(e, f->file)) {
        errand_refuse(e, 400, NULL, NULL, "Invalid file format for Batch API. Must be .jsonl");
    } else {
        return true;
    }
    return false;
}

static void create(struct store *s, struct registry *r, struct errand *e)
{
    const struct form *f = e->form;
    int64_t lives_s;
    if (!f) {
        errand_refuse(e, 400, NULL, NULL, "expected multipart/form-data with a boundary");
        return;
    }
    if (!form_is_good(e, f) || !read_lifetime(e, f, &lives_s))
        return;
    const struct store_file like = {
        .filename = f->filename, .purpose = f->purpose, .bytes = f->file};
    struct store_file *made = store_add(s, r, &like, e->now_us, lives_s);
    if (!made) {
        errand_refuse(e, 400, NULL, NULL, "The account has no room for more files.");
        return;
    }
    s->uploads++;
    write_file(made, r, e->out);
    e->status = 200;
}

/* ---- listing ---- */

struct listing {
    const struct store *store;
    const struct registry *registry;
    struct str purpose; /* empty: all */
    int64_t now_us;
};

static struct str listed_id(const void *ctx, size_t item)
{
    const struct listing *l = ctx;
    const struct store_file *f = l->store->files[item];
    bool there = !f->gone && (f->expires_us < 0 || f->expires_us > l->now_us);
    bool wanted = !l->purpose.n || str_eq(l->purpose, f->purpose);
    return there && wanted ? f->id : (struct str){0};
}

static void write_listed(const void *ctx, size_t item, struct buf *out)
{
    const struct listing *l = ctx;
    write_file(l->store->files[item], l->registry, out);
}

static void list(const struct store *s, const struct registry *r, struct errand *e)
{
    const struct listing l = {s, r, target_value(e->to, "purpose"), e->now_us};
    const struct paging_source from = {&l, s->count, listed_id, write_listed};
    paging_serve(e, &paging_files, &from);
}

/* ---- one file ---- */

static void serve_one(struct store *s, struct registry *r, struct errand *e)
{
    struct store_file *f = store_find(s, e->to->ids[0], e->now_us);
    if (!f) {
        errand_refuse(e, 404, "id", NULL, "No such File object: %.*s",
                      STR_ARG(str_cut(e->to->ids[0], 100)));
        return;
    }
    e->status = 200;
    if (e->to->verb == TARGET_CONTENT) {
        e->content = spool_share(f->bytes);
    } else if (e->to->verb == TARGET_DELETE) {
        buf_puts(e->out, "{\"object\":\"file\",\"deleted\":true");
        member_text(e->out, "id", f->id);
        buf_char(e->out, '}');
        store_delete(s, f);
    } else {
        write_file(f, r, e->out);
    }
}

void files_serve(struct store *s, struct registry *r, struct errand *e)
{
    if (e->to->verb == TARGET_CREATE)
        create(s, r, e);
    else if (e->to->verb == TARGET_LIST)
        list(s, r, e);
    else
        serve_one(s, r, e);
}
