/* A URL that is taken, written out from its parts, is taken again as the same. */
#include "url.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct url u, again;
    struct diag d = {0};
    struct buf text = {0};
    if (url_parse((struct str){(const char *)data, size}, &u, &d) != SL_OK) {
        sl_assert(d.what[0]);
        return 0;
    }
    buf_printf(&text, u.ipv6 ? "%s://[%s]:%d%s" : "%s://%s:%d%s", u.tls ? "https" : "http",
               u.host, u.port, u.path);
    enum sl_err err = url_parse(buf_str(&text), &again, &d);
    sl_assert(!err && again.tls == u.tls && again.port == u.port && again.ipv6 == u.ipv6);
    sl_assert(strcmp(again.host, u.host) == 0 && strcmp(again.path, u.path) == 0);
    for (const char *p = u.host; *p; p++)
        sl_assert(*p > ' ' && *p < 0x7F);
    buf_free(&text);
    return 0;
}
