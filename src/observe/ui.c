/* ui.c: see ui.h. */
#include "ui.h"

#include "arena.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_BYTES = 20 };
static const char *const TOKEN_ENV = "SLUICE_ADMIN_TOKEN";

const char *ui_listen(const char *asked)
{
    return *asked ? asked : "127.0.0.1:0";
}

bool ui_token(struct buf *token)
{
    const char *named = getenv(TOKEN_ENV);
    unsigned char bytes[TOKEN_BYTES];
    if (named && *named) {
        buf_puts(token, named);
        return false;
    }
    int rc = RAND_bytes(bytes, sizeof bytes);
    sl_assert(rc == 1);
    for (size_t i = 0; i < sizeof bytes; i++)
        buf_printf(token, "%02x", bytes[i]);
    return true;
}

void ui_url(const char *listen, int port, struct buf *url)
{
    const char *colon = strrchr(listen, ':');
    buf_printf(url, "http://%.*s:%d", (int)(colon ? colon - listen : 0), listen, port);
}

void ui_tell(struct str url, struct str token, bool random)
{
    if (random)
        fprintf(stderr, "ui       %.*s/#token=%.*s\n", STR_ARG(url), STR_ARG(token));
    else
        fprintf(stderr, "ui       %.*s/ (the token is what %s holds)\n", STR_ARG(url),
                TOKEN_ENV);
    if (!str_starts(url, STR("http://127.")) && !str_starts(url, STR("http://[::1]")))
        fprintf(stderr, "warning: --ui: others can reach that, and the token is in the clear "
                        "on the way\n");
}
