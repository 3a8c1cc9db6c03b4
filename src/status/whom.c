/* whom.c: see whom.h. */
#include "whom.h"

#include "beacon.h"
#include "file.h"
#include "keyring.h"
#include "state.h"
#include "yaml.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 4 << 20 };
static const char *const TOKEN_ENV = "SLUICE_ADMIN_TOKEN";

/* What of the configuration matters here; whether the rest is right is `sluice check`'s to say.
 */
struct words {
    const char *state, *listen, *token_env, *token_file; /* NULL: not said */
};

static const char *scalar(const struct yaml *map, const char *key)
{
    const struct yaml *v = yaml_get(map, key);
    return v && v->kind == YAML_TEXT && v->text.n ? v->text.p : NULL;
}

static enum sl_err read_config(const char *path, struct arena *arena, struct words *out,
                               struct diag *diag)
{
    struct buf text = {0};
    enum sl_err err = file_read(path, CONFIG_BYTES_MAX, &text, diag);
    struct str kept = arena_copy(arena, buf_str(&text));
    buf_free(&text);
    if (err != SL_OK)
        return err;
    const struct yaml *root = yaml_parse(arena, kept, diag);
    if (!root)
        return SL_SYNTAX;
    const struct yaml *admin = yaml_get(root, "admin");
    *out = (struct words){.state = scalar(root, "state"),
                          .listen = scalar(admin, "listen"),
                          .token_env = scalar(admin, "token_env"),
                          .token_file = scalar(admin, "token_file")};
    return SL_OK;
}

/* ---- the token --------------------------------------------------------------------------- */

static enum sl_err read_token(struct whom *w, const struct words *words, struct diag *diag)
{
    const char *env = w->token_env, *file = w->token_file, *usual = getenv(TOKEN_ENV);
    struct keyring ring = {.n = 0};
    enum sl_err err = SL_OK;
    if (!env && !file) {
        env = words->token_env;
        file = words->token_file;
    }
    if (!env && !file && usual && *usual)
        env = TOKEN_ENV;
    if (!env && !file)
        return SL_OK;
    err = env ? keyring_add_env(&ring, env, diag) : keyring_add_file(&ring, file, diag);
    if (err == SL_MISSING || err == SL_SYNTAX)
        diag_set(diag, err, env ? env : file, "%s",
                 "not set, empty, or not one line of printable characters");
    if (err == SL_OK)
        buf_add(&w->token, ring.lent[0]);
    keyring_wipe(&ring);
    return err;
}

/* ---- the place --------------------------------------------------------------------------- */

static void take_url(struct whom *w)
{
    const struct str mark = STR("#token=");
    struct str url = str_of(w->url);
    ptrdiff_t at = str_find(url, mark, 0);
    if (at >= 0) {
        buf_add(&w->token, str_from(url, (size_t)at + mark.n));
        url = str_cut(url, (size_t)at);
    }
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    if (str_find(url, STR("://"), 0) < 0)
        buf_puts(&w->origin, "http://");
    buf_add(&w->origin, url);
}

static void list(const struct beacon_word *found, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s--pid %lld (%.*s, %.*s)", i ? ", " : "", (long long)found[i].pid,
                   STR_ARG(found[i].verb), STR_ARG(found[i].url));
}

static enum sl_err take_found(struct whom *w, const struct beacon_word *found, size_t n,
                              struct diag *diag)
{
    struct buf names = {0};
    if (n == 1) {
        buf_add(&w->origin, found[0].url);
        return SL_OK;
    }
    list(found, n, &names);
    diag_set(diag, SL_MISSING, "", "several run here, which one? %s", buf_cstr(&names));
    buf_free(&names);
    return SL_MISSING;
}

static enum sl_err look_around(struct whom *w, const struct words *words, struct arena *arena,
                               struct diag *diag)
{
    struct beacon_word found[BEACONS_MAX];
    const char *directory = words->state ? words->state : state_directory(arena);
    size_t all = beacon_find(directory, arena, found), n = 0;
    for (size_t i = 0; i < all; i++) {
        if (!w->pid || found[i].pid == w->pid)
            found[n++] = found[i];
    }
    if (n > 0)
        return take_found(w, found, n, diag);
    if (w->pid)
        return diag_set(diag, SL_MISSING, "--pid", "no such gateway or batch shows itself");
    if (words->listen && strncmp(words->listen, "unix:", 5) != 0) {
        buf_printf(&w->origin, "http://%s", words->listen);
        return SL_OK;
    }
    return diag_set(diag, SL_MISSING, "",
                    "nothing that runs here shows itself: a gateway does with `admin` in its "
                    "configuration or with --ui, a batch with --ui");
}

enum sl_err whom_find(struct whom *w, struct diag *diag)
{
    struct arena arena = {0};
    struct words words = {0};
    enum sl_err err = SL_OK;
    if (w->config)
        err = read_config(w->config, &arena, &words, diag);
    if (err == SL_OK && w->url)
        take_url(w);
    else if (err == SL_OK)
        err = look_around(w, &words, &arena, diag);
    if (err == SL_OK && !w->token.n)
        err = read_token(w, &words, diag);
    arena_free(&arena);
    return err;
}

void whom_free(struct whom *w)
{
    if (w->token.p)
        explicit_bzero(w->token.p, w->token.cap);
    buf_free(&w->token);
    buf_free(&w->origin);
}
