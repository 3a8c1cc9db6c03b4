/* An address to listen on that is taken, written out from what it became, is taken again as the
 * same. */
#include "listener.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_out(const struct sockaddr_storage *a, struct buf *out)
{
    char host[INET6_ADDRSTRLEN];
    const struct sockaddr_in *four = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;
    if (a->ss_family == AF_UNIX) {
        buf_printf(out, "unix:%s", ((const struct sockaddr_un *)a)->sun_path);
    } else if (a->ss_family == AF_INET) {
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        buf_printf(out, "%s:%d", host, ntohs(four->sin_port));
    } else {
        sl_assert(a->ss_family == AF_INET6);
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        buf_printf(out, "[%s]:%d", host, ntohs(six->sin6_port));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_storage a, again;
    struct diag d = {0};
    struct buf text = {0};
    socklen_t n, again_n;
    if (listener_parse((struct str){(const char *)data, size}, &a, &n, &d) != SL_OK) {
        sl_assert(d.what[0]);
        return 0;
    }
    write_out(&a, &text);
    enum sl_err err = listener_parse(buf_str(&text), &again, &again_n, &d);
    if (a.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&a)->sin6_scope_id = 0; /* "%lo" is not written out */
    sl_assert(!err && n == again_n);
    sl_assert(memcmp(&a, &again, n) == 0);
    buf_free(&text);
    return 0;
}
