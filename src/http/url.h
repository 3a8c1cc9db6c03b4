/* url.h: absolute http and https URLs, as configuration gives them. Source: RFC 3986. */
#ifndef SLUICE_URL_H
#define SLUICE_URL_H

#include "str.h"

struct url {
    bool tls;
    char host[256]; /* without brackets */
    bool ipv6;      /* the host was written as an IPv6 address */
    int port;
    char path[512]; /* no trailing slash; "" for none */
};

/* Refuses user names in URLs, fragments, queries, and anything but http(s). SL_SYNTAX or
 * SL_TOO_LARGE with the advice in *diag (may be NULL); *out is then of no use. */
enum sl_err url_parse(struct str s, struct url *out, struct diag *diag) SL_CHECK;

#endif
