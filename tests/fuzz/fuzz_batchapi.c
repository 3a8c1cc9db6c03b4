/* Whatever a Batch API answers, what is read of it keeps its own rules: ids lead nowhere else,
 * figures are figures. The first byte chooses provider and kind of answer. */
#include "batch_line.h"
#include "batch_object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool fine_id(struct str id)
{
    return id.n == 0 || batch_id_is_plain(id);
}

static void look_at_object(enum batch_dialect d, const struct json *v)
{
    struct batch_object b;
    struct diag diag = {"", ""};
    if (batch_object_read(d, v, &b, &diag) != SL_OK) {
        sl_assert(diag.what[0]);
        return;
    }
    sl_assert(b.id.n && fine_id(b.id) && fine_id(b.output_file) && fine_id(b.error_file));
    sl_assert(b.status.n && b.total >= -1 && b.done >= -1);
    sl_assert(b.created_us >= -1 && b.expires_us >= -1);
    sl_assert(!batch_queue_was_full(&b) || b.phase == BATCH_FAILED);
    for (const struct json *c = b.complaints; c; c = c->next)
        sl_assert(batch_complaint_read(c).line >= 0);
}

static void look_at_page(enum batch_dialect d, const struct json *v)
{
    struct batch_page page;
    struct batch_file file;
    struct diag diag;
    if (batch_page_read(v, &page, &diag) != SL_OK)
        return;
    sl_assert(fine_id(page.last));
    for (const struct json *item = page.first; item; item = item->next) {
        look_at_object(d, item);
        if (batch_file_read(item, &file, &diag) == SL_OK)
            sl_assert(file.id.n && fine_id(file.id));
    }
}

static void look_at_result(enum batch_dialect d, struct str text, struct arena *arena)
{
    struct batch_result r;
    struct diag diag = {"", ""};
    if (batch_result_read(d, text, arena, &r, &diag) != SL_OK) {
        sl_assert(diag.what[0]);
        return;
    }
    sl_assert(r.custom_id.p && r.status >= 0 && r.status <= 999);
    sl_assert(r.fate != FATE_ANSWERED || (r.body.p && r.tree && r.status / 100 == 2));
    sl_assert((r.body.p != NULL) == (r.tree != NULL));
    sl_assert(batch_id_read(r.custom_id, STR("0123")) >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum batch_dialect d = data[0] & 1 ? BATCH_ANTHROPIC : BATCH_OPENAI;
    struct str text = {(const char *)data + 1, size - 1};
    struct arena arena = {0};
    if (data[0] & 2)
        look_at_result(d, text, &arena);
    const struct json *v = data[0] & 2 ? NULL : json_parse(&arena, text, NULL);
    if (v) {
        look_at_object(d, v);
        look_at_page(d, v);
    }
    arena_free(&arena);
    return 0;
}
