/* held.c: see held.h. */
#include "held.h"

#include "pass.h"

/* What is asked for without being a use of a model: it costs nothing. */
static bool is_free(const struct relay *r)
{
    static const char *const paths[] = {"/files", "/v1/files", "/openai/files",
                                        "/openai/v1/files", "/v1/messages/count_tokens"};
    static const char *const methods[] = {"GET", "HEAD", "DELETE", "OPTIONS"};
    struct str rest = r->target, path = str_split(&rest, '?');
    bool is = pass_is_plain(path) && str_ends(path, STR("/cancel"));
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        is |= str_eq(path, str_of(paths[i]));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        is |= str_eq(str_of(r->job.method), str_of(methods[i]));
    return is;
}

/* It may spend so much, or on some models only: then it may do nothing of which nobody knows
 * what it spends on which. */
static bool is_held(const struct relay *r)
{
    const struct tenant_setting *s = r->terms;
    return s->models.n > 0 || s->limits.spend_day > 0 || s->limits.spend_month > 0;
}

bool held_by_form(const struct relay *r)
{
    return is_held(r) && !is_free(r);
}

bool held_by_path(const struct relay *r)
{
    struct str name = pass_deployment(r->target);
    if (is_held(r) && r->tongue == TONGUE_AZURE && !pass_is_plain(r->target))
        return true;
    return is_held(r) && name.n && !setting_deployed(r->setting, name).n &&
           !str_eq(name, r->ask.model);
}

bool held_by_price(const struct relay *r)
{
    const struct allowance_limits *l = &r->terms->limits;
    const struct model *known = r->ask.known;
    return (l->spend_day > 0 || l->spend_month > 0) &&
           (!known || known->input_pusd < 0 || known->output_pusd < 0);
}
