/* setting_check.c: see setting_check.h. */
#include "setting_check.h"

#include <string.h>

static bool is_private(const char *listen)
{
    struct str address = str_of(listen);
    return str_starts(address, STR("127.")) || str_starts(address, STR("[::1]:")) ||
           str_starts(address, STR("unix:"));
}

const char *setting_exposed(const struct setting *s)
{
    for (size_t i = 0; i < s->listen_count; i++) {
        if (!is_private(s->listen[i]))
            return s->listen[i];
    }
    return NULL;
}

const struct account_setting *setting_account(const struct setting *s, const char *name)
{
    for (size_t i = 0; i < s->account_count; i++) {
        if (strcmp(s->accounts[i].name, name) == 0)
            return &s->accounts[i];
    }
    return NULL;
}

static bool of_one_owner(const struct account_setting *a, const struct account_setting *b)
{
    return a->organization && b->organization && strcmp(a->organization, b->organization) == 0;
}

void setting_check_route(const struct setting *s, const struct route_setting *route,
                         struct reader *r, const struct yaml *node)
{
    const struct account_setting *first = NULL;
    if (!route->model_count)
        complain_about(r->complaints, node, r->path, "a route needs models");
    if (!route->account_count && route->over.kind == OVER_WAIT)
        complain_about(r->complaints, node, r->path,
                       "a route needs accounts, a fallback, or over_limit");
    for (size_t i = 0; i < route->account_count; i++) {
        const struct account_setting *a = setting_account(s, route->accounts[i]);
        if (!a) {
            complain_about(r->complaints, node, r->path, "there is no account \"%s\" above",
                           route->accounts[i]);
            continue;
        }
        if (first && !of_one_owner(first, a) && !s->several_organizations)
            complain_about(
                r->complaints, node, r->path,
                "%s and %s are not said to be of one organization. Providers forbid spreading "
                "load over accounts to get round limits; where it is allowed, say so: "
                "several_organizations: yes",
                first->name, a->name);
        first = first ? first : a;
    }
}

/* What holds for a file and a command line alike. */
static enum sl_err check_reach(const struct setting *s, struct diag *diag)
{
    const char *exposed = setting_exposed(s);
    if (s->log_format && strcmp(s->log_format, "text") != 0 &&
        strcmp(s->log_format, "json") != 0)
        return diag_set(diag, SL_UNKNOWN, "log_format", "\"%s\" is neither text nor json",
                        s->log_format);
    if (s->pass_keys && s->tenant_count)
        return diag_set(diag, SL_RANGE, "client_keys",
                        "pass: then clients show the provider's keys, and tenants could not be "
                        "told apart");
    if (exposed && !s->tenant_count)
        return diag_set(diag, SL_RANGE, "listen",
                        "%s can be reached from elsewhere, and whoever reaches it spends the "
                        "account: without tenants only loopback is served, as in "
                        "127.0.0.1:4290",
                        exposed);
    return SL_OK;
}

enum sl_err setting_check(const struct setting *s, struct diag *diag)
{
    return check_reach(s, diag);
}

void setting_check_file(const struct setting *s, const struct yaml *root, struct reader *r)
{
    struct diag diag = {{0}, {0}};
    if (!s->account_count)
        complain_about(r->complaints, root, "accounts", "at least one is needed");
    if (check_reach(s, &diag) == SL_OK)
        return;
    const struct yaml *place = yaml_get(root, diag.where);
    complain_about(r->complaints, place ? place : root, diag.where, "%s", diag.what);
}

static bool in_a_route(const struct setting *s, const char *account)
{
    for (size_t i = 0; i < s->route_count; i++) {
        for (size_t k = 0; k < s->routes[i].account_count; k++) {
            if (strcmp(s->routes[i].accounts[k], account) == 0)
                return true;
        }
    }
    return false;
}

void setting_warn(const struct setting *s, const char *path, struct buf *out)
{
    const char *exposed = setting_exposed(s);
    if (s->several_organizations)
        buf_printf(out,
                   "warning: %s: several_organizations: providers forbid spreading load over "
                   "accounts to get round limits; make sure that yours allows it\n",
                   path);
    if (exposed && !s->certificate)
        buf_printf(out,
                   "warning: %s: listen: %s is in the clear: keys and prompts can be read on "
                   "the way; give tls\n",
                   path, exposed);
    if (s->admin_listen && !is_private(s->admin_listen))
        buf_printf(out,
                   "warning: %s: admin: %s can be reached from elsewhere, and its token is in "
                   "the clear on the way\n",
                   path, s->admin_listen);
    for (size_t i = 0; i < s->account_count; i++) {
        const struct account_setting *a = &s->accounts[i];
        if (s->route_count && !in_a_route(s, a->name))
            buf_printf(out, "warning: %s:%d: accounts.%s: no route leads there\n", path,
                       a->line, a->name);
        if (!a->options.keys.n && !a->options.emulator && !s->pass_keys)
            buf_printf(out, "warning: %s:%d: accounts.%s: has no key\n", path, a->line,
                       a->name);
    }
}
