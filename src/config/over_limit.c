/* over_limit.c: see over_limit.h. */
#include "over_limit.h"

enum over_kind over_limit_kind(struct str word)
{
    static const char *const words[] = {
        [OVER_WAIT] = "wait", [OVER_DOWNGRADE] = "downgrade", [OVER_FAIL] = "fail"};
    for (enum over_kind k = OVER_WAIT; k <= OVER_FAIL; k++) {
        if (str_eq(word, str_of(words[k])))
            return k;
    }
    return OVER_UNSAID;
}

void over_limit_read_kind(struct reader *r, const struct yaml *node, void *out)
{
    enum over_kind kind = over_limit_kind(node->text);
    if (kind == OVER_UNSAID)
        complain_about(r->complaints, node, r->path,
                       "wait, downgrade (to a fallback) or fail (after a while)");
    *(enum over_kind *)out = kind;
}

static void read_occasion(struct reader *r, const struct yaml *node, void *out)
{
    bool length = str_eq(node->text, STR("length"));
    if (!length && !str_eq(node->text, STR("wait")))
        complain_about(r->complaints, node, r->path,
                       "wait (the wait is too long) or length (the prompt is)");
    *(bool *)out = length;
}

void over_limit_read_fallbacks(struct reader *r, const struct yaml *node, void *out)
{
    struct over_limit *o = out;
    const struct yaml *item = node->kind == YAML_LIST ? node->first : node;
    for (; item; item = node->kind == YAML_LIST ? item->next : NULL) {
        if (o->fallback_count == OVER_FALLBACKS) {
            complain_about(r->complaints, item, r->path, "more than %d", OVER_FALLBACKS);
            return;
        }
        struct fallback *f = &o->fallbacks[o->fallback_count++];
        const struct option rows[] = {
            {"model", 0, OPTION_TEXT, "NAME", NULL, &f->model},
            {"after", 0, OPTION_DURATION, "TIME", NULL, &f->after_us}};
        const struct field fields[] = {{"on", read_occasion, &f->on_length}};
        fields_read(r, item, rows, 2, fields, 1);
        if (!f->model)
            complain_about(r->complaints, item, r->path, "needs a model");
    }
}

void over_limit_settle(struct over_limit *o, struct reader *r, const struct yaml *node)
{
    if (o->kind == OVER_DOWNGRADE && !o->fallback_count)
        complain_about(r->complaints, node, r->path,
                       "over_limit: downgrade needs a fallback: which model?");
    if ((o->kind == OVER_WAIT || o->kind == OVER_FAIL) && o->fallback_count)
        complain_about(r->complaints, node, r->path,
                       "a fallback goes with over_limit: downgrade");
    if (o->kind == OVER_UNSAID)
        o->kind = o->fallback_count ? OVER_DOWNGRADE : OVER_WAIT;
}

bool over_limit_matches(const char *pattern, struct str model)
{
    struct str p = str_of(pattern);
    return str_ends(p, STR("*")) ? str_starts(model, str_cut(p, p.n - 1)) : str_eq(p, model);
}
