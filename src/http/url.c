/* url.c: see url.h. Stricter than the grammar: what an operator writes by mistake (credentials,
 * a query, a typo in the port) is refused with advice, since a key will be sent there. */
#include "url.h"

#include <string.h>

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool all_in(struct str s, bool alnum, const char *others)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!(alnum && is_alnum(s.p[i])) && (!s.p[i] || !strchr(others, s.p[i])))
            return false;
    }
    return true;
}

/* Copies into a field of `size` bytes with its NUL; false if it does not fit. */
static bool copy(char *to, size_t size, struct str s)
{
    if (s.n >= size)
        return false;
    if (s.n)
        memcpy(to, s.p, s.n);
    to[s.n] = 0;
    return true;
}

static enum sl_err parse_port(struct str s, struct url *out, struct diag *diag)
{
    int64_t port;
    if (!all_in(s, false, "0123456789") || str_int(s, false, &port) != SL_OK || port < 1 ||
        port > 65535)
        return diag_set(diag, SL_SYNTAX, "", "the port is not a number from 1 to 65535");
    out->port = (int)port;
    return SL_OK;
}

static enum sl_err parse_host(struct str host, struct url *out, struct diag *diag)
{
    static const char hex[] = "0123456789abcdefABCDEF:.";
    bool valid = out->ipv6 ? str_find(host, STR(":"), 0) >= 0 && all_in(host, false, hex)
                           : all_in(host, true, "-._");
    if (host.n == 0 || !valid || !copy(out->host, sizeof out->host, host))
        return diag_set(diag, SL_SYNTAX, "", "the host name is empty, too long or malformed");
    return SL_OK;
}

static enum sl_err parse_authority(struct str s, struct url *out, struct diag *diag)
{
    if (str_find(s, STR("@"), 0) >= 0)
        return diag_set(diag, SL_SYNTAX, "",
                        "a user name does not belong into the URL; keys have their own option");
    struct str host = s;
    struct str port = {0};
    out->ipv6 = str_starts(s, STR("["));
    if (out->ipv6) {
        struct str rest = str_from(s, 1);
        host = str_split(&rest, ']');
        if (!rest.p || (rest.n && rest.p[0] != ':'))
            return diag_set(diag, SL_SYNTAX, "", "an IPv6 address is written [::1]:8080");
        port = rest.n ? str_from(rest, 1) : (struct str){0};
        if (rest.n && !port.n)
            return diag_set(diag, SL_SYNTAX, "", "the port is missing after the colon");
    } else if (str_find(s, STR(":"), 0) >= 0) {
        port = s;
        host = str_split(&port, ':');
        if (!port.n)
            return diag_set(diag, SL_SYNTAX, "", "the port is missing after the colon");
    }
    out->port = out->tls ? 443 : 80;
    enum sl_err err = port.n ? parse_port(port, out, diag) : SL_OK;
    return err ? err : parse_host(host, out, diag);
}

static enum sl_err parse_path(struct str path, struct url *out, struct diag *diag)
{
    while (str_ends(path, STR("/")))
        path.n--;
    if (str_find(path, STR("?"), 0) >= 0 || str_find(path, STR("#"), 0) >= 0)
        return diag_set(diag, SL_SYNTAX, "",
                        "a query or fragment does not belong into a base URL");
    if (!all_in(path, true, "-._~!$&'()*+,;=:@%/"))
        return diag_set(diag, SL_SYNTAX, "",
                        "the path holds a character that must be %%-encoded");
    if (!copy(out->path, sizeof out->path, path))
        return diag_set(diag, SL_TOO_LARGE, "", "the path is over %zu bytes",
                        sizeof out->path - 1);
    return SL_OK;
}

enum sl_err url_parse(struct str s, struct url *out, struct diag *diag)
{
    *out = (struct url){0};
    ptrdiff_t colon = str_find(s, STR("://"), 0);
    struct str scheme = str_cut(s, colon < 0 ? 0 : (size_t)colon);
    out->tls = str_eq_nocase(scheme, STR("https"));
    if (!out->tls && !str_eq_nocase(scheme, STR("http")))
        return diag_set(diag, SL_SYNTAX, "", "the URL must start with http:// or https://");
    struct str rest = str_from(s, (size_t)colon + 3);
    size_t end = 0;
    while (end < rest.n && !strchr("/?#", rest.p[end]))
        end++;
    enum sl_err err = parse_authority(str_cut(rest, end), out, diag);
    return err ? err : parse_path(str_from(rest, end), out, diag);
}
