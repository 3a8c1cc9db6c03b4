/* Whatever is pasted comes apart into pieces within it, and each has a diagnosis in words and
 * in JSON that parses. */
#include "diagnosis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(void *ctx, const struct evidence *e)
{
    size_t *last_line = ctx;
    struct arena arena = {0};
    struct buf words = {0}, json = {0};
    struct origin o = origin_detect(e);
    sl_assert(e->line >= 1 && e->line >= *last_line);
    *last_line = e->line;
    struct verdict v = verdict_of(o.provider, e->status, &e->head, e->body, 0, &arena);
    diagnosis_write(&words, &o, &v);
    diagnosis_json(&json, &o, &v);
    sl_assert(words.n && json_parse(&arena, buf_str(&json), NULL));
    buf_free(&words);
    buf_free(&json);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t line = 0;
    evidence_each((struct str){(const char *)data, size}, judge, &line);
    return 0;
}
