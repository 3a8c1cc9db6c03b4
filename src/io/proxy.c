/* proxy.c: see proxy.h. There is no standard; this follows what curl and Go agree on. */
#include "proxy.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct str variable(const char *lower, const char *upper)
{
    struct str value = str_of(getenv(lower));
    return value.n ? value : str_of(getenv(upper));
}

static bool is_loopback(const struct url *u)
{
    struct str host = str_of(u->host);
    return str_eq_nocase(host, STR("localhost")) || str_starts(host, STR("127.")) ||
           str_eq(host, STR("::1"));
}

/* Whether one entry of NO_PROXY covers the origin. */
static bool covers(struct str entry, const struct url *origin)
{
    struct str host = str_of(origin->host);
    if (str_eq(entry, STR("*")) || str_eq_nocase(entry, host))
        return true;
    char with_port[sizeof origin->host + 16];
    snprintf(with_port, sizeof with_port, origin->ipv6 ? "[%s]:%d" : "%s:%d", origin->host,
             origin->port);
    if (str_eq_nocase(entry, str_of(with_port)))
        return true;
    if (str_starts(entry, STR(".")))
        entry = str_from(entry, 1);
    if (entry.n == 0 || entry.n > host.n)
        return false;
    struct str tail = str_from(host, host.n - entry.n);
    bool whole_labels = tail.n == host.n || host.p[host.n - tail.n - 1] == '.';
    return whole_labels && str_eq_nocase(tail, entry);
}

static bool is_excepted(const struct url *origin)
{
    struct str list = variable("no_proxy", "NO_PROXY");
    while (list.n) {
        if (covers(str_trim(str_split(&list, ',')), origin))
            return true;
    }
    return false;
}

static int hex(char c)
{
    const char *digits = "0123456789abcdef";
    const char *hit = c ? strchr(digits, c | 0x20) : NULL;
    return hit ? (int)(hit - digits) : -1;
}

/* "user:p%40ss" into "Basic ..."; false if it does not fit. */
static bool authorize(struct proxy *p, struct str user)
{
    char plain[512];
    size_t n = 0;
    for (size_t i = 0; i < user.n; i++) {
        bool escape = user.p[i] == '%' && i + 2 < user.n && hex(user.p[i + 1]) >= 0 &&
                      hex(user.p[i + 2]) >= 0;
        if (n == sizeof plain)
            return false;
        plain[n++] = escape ? (char)(hex(user.p[i + 1]) * 16 + hex(user.p[i + 2])) : user.p[i];
        i += escape ? 2 : 0;
    }
    unsigned char base64[sizeof plain / 3 * 4 + 8];
    EVP_EncodeBlock(base64, (const unsigned char *)plain, (int)n);
    snprintf(p->authorization, sizeof p->authorization, "Basic %s", (const char *)base64);
    explicit_bzero(plain, sizeof plain);
    explicit_bzero(base64, sizeof base64);
    return true;
}

enum sl_err proxy_choose(const struct url *origin, struct proxy *out, struct diag *diag)
{
    const char *name = origin->tls ? "HTTPS_PROXY" : "HTTP_PROXY";
    struct str value = variable(origin->tls ? "https_proxy" : "http_proxy", name);
    *out = (struct proxy){0};
    if (value.n == 0 || is_loopback(origin) || is_excepted(origin))
        return SL_OK;
    struct buf text = {0};
    ptrdiff_t scheme = str_find(value, STR("://"), 0);
    struct str rest = scheme < 0 ? value : str_from(value, (size_t)scheme + 3);
    size_t user = rest.n;
    while (user && rest.p[user - 1] != '@')
        user--;
    buf_add(&text, scheme < 0 ? STR("http://") : str_cut(value, (size_t)scheme + 3));
    buf_add(&text, str_from(rest, user));
    enum sl_err err = url_parse(buf_str(&text), &out->url, diag);
    buf_free(&text);
    if (err || out->url.tls || out->url.path[0] ||
        (user && !authorize(out, str_cut(rest, user - 1))))
        return diag_set(diag, SL_SYNTAX, name, "must be http://[USER:PASSWORD@]HOST:PORT");
    out->used = true;
    return SL_OK;
}
