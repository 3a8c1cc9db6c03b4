/* pass.c: see pass.h. Source of what belongs to one hop: RFC 9110, section 7.6.1. */
#include "pass.h"

#include <string.h>

static bool among(struct str name, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(name, names[i]))
            return true;
    }
    return false;
}

/* What belongs to one connection, and what the other side is told afresh. */
static bool of_one_hop(struct str name)
{
    static const struct str names[] = {STR_INIT("connection"),
                                       STR_INIT("keep-alive"),
                                       STR_INIT("proxy-connection"),
                                       STR_INIT("proxy-authorization"),
                                       STR_INIT("proxy-authenticate"),
                                       STR_INIT("te"),
                                       STR_INIT("trailer"),
                                       STR_INIT("transfer-encoding"),
                                       STR_INIT("upgrade"),
                                       STR_INIT("host"),
                                       STR_INIT("content-length"),
                                       STR_INIT("date")};
    return among(name, names, sizeof names / sizeof *names);
}

static bool is_key(struct str name)
{
    static const struct str names[] = {STR_INIT("authorization"), STR_INIT("x-api-key"),
                                       STR_INIT("api-key"), STR_INIT("x-goog-api-key")};
    return among(name, names, sizeof names / sizeof *names);
}

static bool is_account(struct str name)
{
    return str_eq_nocase(name, STR("openai-organization")) ||
           str_eq_nocase(name, STR("openai-project"));
}

static bool is_ours(struct str name)
{
    return str_eq_nocase(name, STR("expect")) || str_eq_nocase(name, STR("accept-encoding")) ||
           str_starts_nocase(name, STR("x-sluice-"));
}

/* Any header that a Connection header names belongs to that connection too. */
static bool in_list(struct str list, struct str name)
{
    while (list.p) {
        if (str_eq_nocase(str_trim(str_split(&list, ',')), name))
            return true;
    }
    return false;
}

size_t pass_request(const struct message *m, struct pass_rights may, struct header *out)
{
    struct str connection = message_header(m, "connection");
    size_t n = 0;
    for (size_t i = 0; i < m->header_count; i++) {
        struct str name = m->headers[i].name;
        if (!of_one_hop(name) && !is_ours(name) && (may.keys || !is_key(name)) &&
            (may.accounts || !is_account(name)) && !in_list(connection, name))
            out[n++] = m->headers[i];
    }
    return n;
}

size_t pass_answer(const struct message *m, struct header *out)
{
    struct str connection = message_header(m, "connection");
    size_t n = 0;
    for (size_t i = 0; i < m->header_count; i++) {
        struct str name = m->headers[i].name;
        if (!of_one_hop(name) && !in_list(connection, name) &&
            !str_starts_nocase(name, STR("x-sluice-")))
            out[n++] = m->headers[i];
    }
    return n;
}

struct str pass_path(struct str target, const char *base_path)
{
    struct str base = str_of(base_path), rest = str_from(target, base.n);
    if (base.n && str_starts(target, base) && str_starts(rest, STR("/")))
        return rest;
    if (base.n && str_starts(target, STR("/v1/")))
        return str_from(target, strlen("/v1"));
    return target;
}

struct str pass_to_deployment(struct str target, const char *base_path, const char *deployment,
                              const char *version, struct arena *arena)
{
    const struct str named = STR("/deployments/");
    struct str query = target, path = str_split(&query, '?');
    path = pass_path(path, base_path);
    ptrdiff_t at = str_find_nocase(path, named, 0);
    struct str rest = path;
    if (at >= 0) {
        rest = str_from(path, (size_t)at + named.n);
        (void)str_split(&rest, '/');
        rest = (struct str){rest.p ? rest.p - 1 : path.p, rest.p ? rest.n + 1 : 0};
    } else if (str_starts(path, STR("/openai/v1/"))) {
        rest = str_from(path, strlen("/openai/v1"));
    } else if (str_starts(path, STR("/v1/"))) {
        rest = str_from(path, strlen("/v1"));
    }
    bool versioned = str_find(query, STR("api-version="), 0) >= 0 || !version;
    bool rooted = str_ends(str_of(base_path), STR("/openai"));
    return arena_printf(arena, "%s/deployments/%s%.*s%s%.*s%s%s%s", rooted ? "" : "/openai",
                        deployment, STR_ARG(rest), query.n || !versioned ? "?" : "",
                        STR_ARG(query), query.n && !versioned ? "&" : "",
                        versioned ? "" : "api-version=", versioned ? "" : version);
}

bool pass_is_plain(struct str target)
{
    target = str_split(&target, '?');
    return str_find(target, STR("%"), 0) < 0 && str_find(target, STR("//"), 0) < 0 &&
           str_find(target, STR("/."), 0) < 0;
}

struct str pass_deployment(struct str target)
{
    const struct str marker = STR("/openai/deployments/");
    ptrdiff_t at = str_find_nocase(target, marker, 0);
    if (at < 0)
        return (struct str){0};
    struct str rest = str_from(target, (size_t)at + marker.n);
    return str_split(&rest, '/');
}

bool pass_to_anthropic(const struct message *m)
{
    struct str path = m->target;
    path = str_split(&path, '?');
    return str_starts(path, STR("/v1/messages")) ||
           message_header(m, "anthropic-version").p != NULL ||
           message_header(m, "x-api-key").p != NULL;
}

bool pass_deployment_in_body(enum route route, const char *base_path)
{
    return route == ROUTE_RESPONSES || str_ends(str_of(base_path), STR("/openai/v1"));
}

struct str pass_to_azure(struct str target, const char *base_path, const char *version,
                         struct arena *arena)
{
    struct str query = target, path = str_split(&query, '?'), rest = path;
    bool asks = str_find(query, STR("api-version="), 0) >= 0;
    bool dated = str_starts(path, STR("/openai/")) && !str_starts(path, STR("/openai/v1/"));
    if (str_starts(path, STR("/openai/")))
        rest = str_from(path, strlen("/openai"));
    if (str_starts(rest, STR("/v1/")))
        rest = str_from(rest, strlen("/v1"));
    bool adds = dated && !asks && version;
    struct str whole =
        arena_printf(arena, "/openai%s%.*s%s%.*s%s%s%s", dated ? "" : "/v1", STR_ARG(rest),
                     query.n || adds ? "?" : "", STR_ARG(query), query.n && adds ? "&" : "",
                     adds ? "api-version=" : "", adds ? version : "");
    return pass_path(whole, base_path);
}

bool pass_is_for_azure(const struct message *m)
{
    return str_starts(m->target, STR("/openai/")) || message_header(m, "api-key").p != NULL;
}

struct str pass_kind(struct str target)
{
    static const char *const kinds[] = {"files", "batches", "count_tokens", "audio"};
    static const struct str names[] = {STR("(files)"), STR("(batches)"), STR("(count_tokens)"),
                                       STR("(audio)")};
    struct str path = str_split(&target, '?');
    while (path.p) {
        struct str part = str_split(&path, '/');
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            if (str_eq(part, str_of(kinds[i])))
                return names[i];
        }
    }
    return STR("(other requests)");
}
