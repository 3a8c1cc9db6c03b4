/* proxy.h: which proxy the environment asks for: HTTPS_PROXY, HTTP_PROXY, NO_PROXY, the
 * lower-case names first.
 *
 * Loopback is never asked for through a proxy. NO_PROXY: "*", host names and their sub-domains
 * ("example.com", ".example.com"), addresses, each with an optional ":port"; no ranges. */
#ifndef SLUICE_PROXY_H
#define SLUICE_PROXY_H

#include "url.h"

struct proxy {
    bool used;
    struct url url;           /* of the proxy; http only */
    char authorization[1024]; /* the value of Proxy-Authorization, "" for none */
};

/* SL_SYNTAX if the variable is no URL that can be used; its value, which may hold a password,
 * is never in *diag. */
enum sl_err proxy_choose(const struct url *origin, struct proxy *out,
                         struct diag *diag) SL_CHECK;

#endif
