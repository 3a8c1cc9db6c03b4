/* setting_check.c: see setting_check.h. */
#include "setting_check.h"

#include "listener.h"
#include "tls.h"

#include <stdio.h>
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

bool setting_has_tls(const struct setting *s, size_t place)
{
    return s->certificate && !str_starts(str_of(s->listen[place]), STR("unix:"));
}

struct str setting_deployed(const struct setting *s, struct str deployment)
{
    for (size_t i = 0; i < s->account_count; i++) {
        const struct option_list *pairs = &s->accounts[i].deployments;
        for (size_t k = 0; k + 1 < pairs->n; k += 2) {
            if (str_eq(deployment, str_of(pairs->items[k + 1])))
                return str_of(pairs->items[k]);
        }
    }
    return (struct str){0};
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

static enum sl_err check_log(const struct setting *s, struct diag *diag)
{
    if (!s->log_format || strcmp(s->log_format, "text") == 0 ||
        strcmp(s->log_format, "json") == 0)
        return SL_OK;
    return diag_set(diag, SL_UNKNOWN, "log_format", "\"%s\" is neither text nor json",
                    s->log_format);
}

static enum sl_err check_client_keys(const struct setting *s, struct diag *diag)
{
    if (!s->pass_keys || !s->tenant_count)
        return SL_OK;
    return diag_set(diag, SL_RANGE, "client_keys",
                    "pass: then clients show the provider's keys, and tenants could not be "
                    "told apart");
}

static enum sl_err check_place(const char *listen, const char *where, struct diag *diag)
{
    struct sockaddr_storage address;
    socklen_t n;
    enum sl_err err = listener_parse(str_of(listen), &address, &n, diag);
    if (err != SL_OK)
        snprintf(diag->where, sizeof diag->where, "%s", where);
    return err;
}

static enum sl_err check_listen(const struct setting *s, struct diag *diag)
{
    const char *exposed = setting_exposed(s);
    for (size_t i = 0; i < s->listen_count; i++) {
        enum sl_err err = check_place(s->listen[i], "listen", diag);
        if (err != SL_OK)
            return err;
    }
    if (!exposed || s->tenant_count)
        return SL_OK;
    return diag_set(diag, SL_RANGE, "listen",
                    "%s can be reached from elsewhere, and whoever reaches it spends the "
                    "account: without tenants only loopback is served, as in "
                    "127.0.0.1:4290",
                    exposed);
}

/* "file: what" becomes "tls: file: what": it is told by the part of the setting. */
static enum sl_err said_of(struct diag *diag, enum sl_err err, const char *where)
{
    struct diag inner = *diag;
    return diag_set(diag, err, where, "%s%s%s", inner.where, inner.where[0] ? ": " : "",
                    inner.what);
}

/* Half of it is complained of where it is read. */
static enum sl_err check_tls(const struct setting *s, struct diag *diag)
{
    const struct tls_files files = {s->certificate, s->certificate_key};
    struct tls_context *tls = NULL;
    if (!s->certificate || !s->certificate_key)
        return SL_OK;
    enum sl_err err = tls_context_new_server(&files, &tls, diag);
    tls_context_free(&tls);
    return err == SL_OK ? SL_OK : said_of(diag, err, "tls");
}

static enum sl_err check_admin(const struct setting *s, struct diag *diag)
{
    struct keyring token = {.n = 0};
    if (!s->admin_listen || (!s->admin_token_env && !s->admin_token_file))
        return SL_OK;
    enum sl_err err = check_place(s->admin_listen, "admin", diag);
    if (err != SL_OK)
        return err;
    err = setting_admin_token(s, &token, diag);
    keyring_wipe(&token);
    return err == SL_OK ? SL_OK : said_of(diag, err, "admin");
}

enum sl_err setting_admin_token(const struct setting *s, struct keyring *token,
                                struct diag *diag)
{
    return s->admin_token_env ? keyring_add_env(token, s->admin_token_env, diag)
                              : keyring_add_file(token, s->admin_token_file, diag);
}

static enum sl_err (*const checks[])(const struct setting *s, struct diag *diag) = {
    check_log, check_client_keys, check_listen, check_tls, check_admin};
enum { CHECKS = sizeof checks / sizeof *checks };

enum sl_err setting_check(const struct setting *s, struct diag *diag)
{
    enum sl_err err = SL_OK;
    for (size_t i = 0; i < CHECKS && err == SL_OK; i++)
        err = checks[i](s, diag);
    return err;
}

void setting_check_file(const struct setting *s, const struct yaml *root, struct reader *r)
{
    if (!s->account_count)
        complain_about(r->complaints, root, "accounts", "at least one is needed");
    for (size_t i = 0; i < CHECKS; i++) {
        struct diag diag = {{0}, {0}};
        if (checks[i](s, &diag) == SL_OK)
            continue;
        const struct yaml *place = yaml_get(root, diag.where);
        complain_about(r->complaints, place ? place : root, diag.where, "%s", diag.what);
    }
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
