/* detour_rules.c: see detour_rules.h. */
#include "detour_rules.h"

#include "duration.h"

static const char *keep(struct detour_rules *r, struct str text)
{
    return arena_copy(&r->arena, text).p;
}

const struct over_limit *detour_rules_find(const struct detour_rules *r, struct str model)
{
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; k < r->list[i].model_count; k++) {
            if (over_limit_matches(r->list[i].models[k], model))
                return &r->list[i].over;
        }
    }
    return NULL;
}

void detour_rules_free(struct detour_rules *r)
{
    arena_free(&r->arena);
    r->n = 0;
}

/* ---- the command line ---- */

/* The rule of exactly that pattern, or a new one; NULL: there is no room. */
static struct detour_rule *rule_of(struct detour_rules *r, struct str pattern)
{
    for (size_t i = 0; i < r->n; i++) {
        if (str_eq(str_of(r->list[i].models[0]), pattern))
            return &r->list[i];
    }
    if (r->n == DETOUR_RULES)
        return NULL;
    struct detour_rule *new = &r->list[r->n++];
    *new = (struct detour_rule){.model_count = 1};
    new->models[0] = keep(r, pattern);
    return new;
}

/* "after=5m" */
static bool read_after(struct str part, int64_t *after_us)
{
    const struct str key = STR("after=");
    return str_starts(part, key) && duration_parse(str_from(part, key.n), after_us) == SL_OK &&
           *after_us >= 0;
}

static bool read_over_limit(struct detour_rules *r, struct str text)
{
    struct str rest = text, head = str_split(&rest, ','), word = head, model = STR("*");
    if (str_find(head, STR("="), 0) >= 0)
        model = str_split(&word, '=');
    enum over_kind kind = over_limit_kind(word);
    int64_t after_us = 0;
    while (rest.p) {
        if (!read_after(str_split(&rest, ','), &after_us))
            return false;
    }
    struct detour_rule *rule = model.n && kind != OVER_UNSAID ? rule_of(r, model) : NULL;
    if (!rule)
        return false;
    rule->over.kind = kind;
    rule->over.after_us = after_us;
    return true;
}

static bool read_fallback(struct detour_rules *r, struct str text)
{
    struct fallback f = {.model = NULL};
    struct str rest = text, other = str_split(&rest, ','), model = str_split(&other, '=');
    while (rest.p) {
        struct str part = str_split(&rest, ',');
        if (str_eq(part, STR("on=length")))
            f.on_length = true;
        else if (!str_eq(part, STR("on=wait")) && !read_after(part, &f.after_us))
            return false;
    }
    struct detour_rule *rule = model.n && other.n ? rule_of(r, model) : NULL;
    if (!rule || rule->over.fallback_count == OVER_FALLBACKS)
        return false;
    f.model = keep(r, other);
    rule->over.fallbacks[rule->over.fallback_count++] = f;
    return true;
}

static enum sl_err settle(struct detour_rule *rule, struct diag *diag)
{
    struct over_limit *o = &rule->over;
    if (o->kind == OVER_DOWNGRADE && !o->fallback_count)
        return diag_set(diag, SL_MISSING, "--over-limit",
                        "downgrade needs a model to go to: --fallback %s=MODEL",
                        rule->models[0]);
    if ((o->kind == OVER_WAIT || o->kind == OVER_FAIL) && o->fallback_count)
        return diag_set(diag, SL_RANGE, "--fallback",
                        "goes with --over-limit %s=downgrade, which is also what holds without "
                        "a word",
                        rule->models[0]);
    if (o->kind == OVER_UNSAID)
        o->kind = OVER_DOWNGRADE;
    return SL_OK;
}

enum sl_err detour_rules_add(struct detour_rules *r, const struct option_list *over_limits,
                             const struct option_list *fallbacks, struct diag *diag)
{
    for (size_t i = 0; i < over_limits->n; i++) {
        if (!read_over_limit(r, str_of(over_limits->items[i])))
            return diag_set(diag, SL_SYNTAX, "--over-limit",
                            "\"%s\" is not of the form [MODEL=]wait|downgrade|fail[,after=10m]",
                            over_limits->items[i]);
    }
    for (size_t i = 0; i < fallbacks->n; i++) {
        if (!read_fallback(r, str_of(fallbacks->items[i])))
            return diag_set(diag, SL_SYNTAX, "--fallback",
                            "\"%s\" is not of the form "
                            "gpt-4o=gpt-4o-mini[,on=wait|length][,after=10m], four a model",
                            fallbacks->items[i]);
    }
    enum sl_err err = SL_OK;
    for (size_t i = 0; i < r->n && err == SL_OK; i++)
        err = settle(&r->list[i], diag);
    return err;
}

/* ---- the configuration ---- */

static void read_models(struct reader *r, const struct yaml *node, void *out)
{
    struct detour_rule *rule = out;
    rule->model_count = fields_texts(r, node, rule->models, DETOUR_NAMES);
}

static void read_accounts(struct reader *r, const struct yaml *node, void *out)
{
    (void)r; /* a gateway's: a run has one account */
    (void)node;
    (void)out;
}

static void read_route(struct detour_rules *rules, struct reader *r, const struct yaml *item)
{
    struct detour_rule *rule = &rules->list[rules->n++];
    *rule = (struct detour_rule){.model_count = 0};
    const struct option rows[] = {
        {"after", 0, OPTION_DURATION, "TIME", NULL, &rule->over.after_us}};
    const struct field fields[] = {{"models", read_models, rule},
                                   {"accounts", read_accounts, rule},
                                   {"over_limit", over_limit_read_kind, &rule->over.kind},
                                   {"fallback", over_limit_read_fallbacks, &rule->over}};
    fields_read(r, item, rows, 1, fields, 4);
    over_limit_settle(&rule->over, r, item);
    if (!rule->model_count)
        complain_about(r->complaints, item, r->path, "a route needs models");
}

enum sl_err detour_rules_parse(struct detour_rules *rules, struct str text,
                               struct complaints *complaints)
{
    struct diag diag = {"", ""};
    struct reader r = {.complaints = complaints, .path = "routes"};
    const struct yaml *root = yaml_parse(&rules->arena, arena_copy(&rules->arena, text), &diag);
    const struct yaml *routes = yaml_get(root, "routes");
    if (!root) {
        buf_printf(&complaints->text, "%s:%s: %s\n", complaints->file, diag.where, diag.what);
        complaints->n++;
    } else if (!routes || routes->kind != YAML_LIST) {
        complain_about(complaints, routes ? routes : root, "routes",
                       "a list is wanted here (- models: ...)");
    }
    for (const struct yaml *item = routes && routes->kind == YAML_LIST ? routes->first : NULL;
         item; item = item->next) {
        if (rules->n == DETOUR_RULES) {
            complain_about(complaints, item, r.path, "more than %d", DETOUR_RULES);
            break;
        }
        read_route(rules, &r, item);
    }
    return complaints->n ? SL_SYNTAX : SL_OK;
}
