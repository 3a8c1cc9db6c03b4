/* Any configuration is taken or complained about, each complaint with the file and a line of
 * it; a tree keeps its order and never leaves its text. */
#include "setting.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct yaml *node, int depth)
{
    sl_assert(node->line >= 1 && node->column >= 1 && depth < 1000);
    if (node->kind == YAML_TEXT)
        sl_assert(!node->count && !node->text.p[node->text.n]);
    size_t n = 0;
    for (const struct yaml *child = node->first; child; child = child->next, n++)
        walk(child, depth + 1);
    sl_assert(n == node->count);
}

static void check_complaints(const struct complaints *c)
{
    struct str rest = buf_str(&c->text);
    for (size_t n = 0; rest.n; n++) {
        sl_assert(str_starts(rest, STR("f.yaml:")) && rest.p[7] >= '0' && rest.p[7] <= '9');
        const char *end = memchr(rest.p, '\n', rest.n);
        sl_assert(end);
        rest.n -= (size_t)(end + 1 - rest.p);
        rest.p = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct complaints complaints = {"f.yaml", {0}, 0};
    struct buf warnings = {0};
    struct diag diag = {0};
    struct arena arena = {0};
    const struct yaml *root = yaml_parse(&arena, text, &diag);
    if (root)
        walk(root, 0);
    else
        sl_assert(diag.what[0] && diag.where[0]);
    arena_free(&arena);
    struct setting *s = setting_new();
    enum sl_err err = setting_parse(s, text, "f.yaml", &complaints, &warnings);
    sl_assert((err != SL_OK) == (complaints.n > 0));
    check_complaints(&complaints);
    setting_drop(&s);
    buf_free(&complaints.text);
    buf_free(&warnings);
    return 0;
}
