/* keyring.c: see keyring.h. */
#include "keyring.h"

#include "file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_BYTES_MAX = 4096 };

static void wipe(struct buf *b)
{
    if (b->p)
        explicit_bzero(b->p, b->cap);
    buf_free(b);
}

/* Takes the bytes, trimmed; wipes what it does not take. */
static enum sl_err add(struct keyring *k, struct buf *bytes, const char *where,
                       struct diag *diag)
{
    struct str text = str_trim(buf_str(bytes));
    enum sl_err err = SL_OK;
    if (k->n == KEYRING_MAX)
        err = diag_set(diag, SL_TOO_LARGE, where, "more than %d keys", KEYRING_MAX);
    else if (!text.n)
        err = diag_set(diag, SL_MISSING, where, "holds no key");
    for (size_t i = 0; i < text.n && err == SL_OK; i++) {
        if ((unsigned char)text.p[i] <= ' ' || (unsigned char)text.p[i] >= 127)
            err = diag_set(diag, SL_SYNTAX, where,
                           "holds bytes that no API key has; is it one line?");
    }
    if (err == SL_OK) {
        memmove(bytes->p, text.p, text.n);
        bytes->n = text.n;
        k->keys[k->n] = *bytes;
        k->lent[k->n++] = buf_str(bytes);
        *bytes = (struct buf){0};
    }
    wipe(bytes);
    return err;
}

/* Long, of letters and digits, and unlike any name or path. */
static bool looks_like_a_key(const char *text)
{
    size_t n = strlen(text), digits = strcspn(text, "0123456789");
    return n >= 20 && digits < n && !strpbrk(text, "/.") &&
           (strchr(text, '-') || !strchr(text, '_'));
}

/* Somebody has put the key where its place is wanted: it is not repeated to the log. */
static enum sl_err is_a_key(struct diag *diag)
{
    return diag_set(diag, SL_SYNTAX, "",
                    "looks like a key itself; what is wanted here is the name of the "
                    "environment variable, or of the file, that holds it");
}

enum sl_err keyring_add_env(struct keyring *k, const char *name, struct diag *diag)
{
    struct buf bytes = {0};
    const char *value = getenv(name);
    if (!value && looks_like_a_key(name))
        return is_a_key(diag);
    if (!value || !*value)
        return diag_set(diag, SL_MISSING, name,
                        "not set; it has to hold the key (or name a file that does)");
    buf_puts(&bytes, value);
    return add(k, &bytes, name, diag);
}

enum sl_err keyring_add_file(struct keyring *k, const char *path, struct diag *diag)
{
    struct buf bytes = {0};
    if (access(path, F_OK) != 0 && looks_like_a_key(path))
        return is_a_key(diag);
    enum sl_err err = file_read(path, KEY_BYTES_MAX, &bytes, diag);
    if (err == SL_OK)
        return add(k, &bytes, path, diag);
    wipe(&bytes);
    return err;
}

void keyring_wipe(struct keyring *k)
{
    for (size_t i = 0; i < k->n; i++)
        wipe(&k->keys[i]);
    *k = (struct keyring){.n = 0};
}
