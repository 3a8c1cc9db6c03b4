/* keys.c: see keys.h.
 *
 * Writers take turns by a lock on the directory's secret; readers need none, since a line is
 * appended by one write and a changed file replaces the old one. */
#include "keys.h"

#include "arena.h"
#include "duration.h"
#include "file.h"
#include "json.h"
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SECRET_BYTES = 32,
    KEY_RANDOM_BYTES = 20,
    FILE_BYTES_MAX = 64 << 20,
    PATH_BYTES = 1024,
};

static const char PREFIX[] = "sluice-";
/* 32 letters that are not mistaken for one another: five bits each. */
static const char LETTERS[] = "abcdefghijkmnpqrstuvwxyz23456789";

struct keys {
    struct arena arena;
    struct key_entry *list;
    size_t n;
    uint32_t *table; /* index + 1 by id; a power of two, never full */
    size_t table_size;
    EVP_MAC_CTX *mac; /* begun with the installation's secret; NULL before there is one */
};

/* ---- what a key is ----------------------------------------------------------------------- */

static void random_bytes(unsigned char *out, size_t n)
{
    ssize_t got = getrandom(out, n, 0);
    sl_assert(got == (ssize_t)n); /* up to 256 bytes it is never less */
}

/* For every request: what HMAC does of the secret alone is done once. */
static EVP_MAC_CTX *mac_new(const unsigned char secret[SECRET_BYTES])
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac); /* of NULL: NULL */
    EVP_MAC_free(hmac);
    int good = mac && EVP_MAC_init(mac, secret, SECRET_BYTES, params);
    sl_assert(good);
    return mac;
}

static void mac_of(const struct keys *k, struct str key, unsigned char out[KEY_MAC_BYTES])
{
    size_t length = 0;
    int good = EVP_MAC_init(k->mac, NULL, 0, NULL) && /* the secret as before */
               EVP_MAC_update(k->mac, (const unsigned char *)key.p, key.n) &&
               EVP_MAC_final(k->mac, out, &length, KEY_MAC_BYTES);
    sl_assert(good && length == KEY_MAC_BYTES);
}

static void hex_write(struct buf *b, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%02x", bytes[i]);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_read(struct str s, unsigned char *out, size_t n)
{
    if (s.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(s.p[2 * i]), low = hex_digit(s.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* Letters of five bits each. */
static void spell(struct buf *b, const unsigned char *bytes, size_t n)
{
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | bytes[i];
        for (have += 8; have >= 5; have -= 5)
            buf_add(b, (struct str){&LETTERS[bits >> (have - 5) & 31], 1});
    }
}

/* The id that a presented key names; empty if it has not the form of one. */
static struct str id_of(struct str presented)
{
    struct str rest = str_from(presented, sizeof PREFIX - 1);
    if (!str_starts(presented, STR("sluice-")) || rest.n <= KEY_ID_LETTERS ||
        rest.p[KEY_ID_LETTERS] != '-')
        return (struct str){0};
    return str_cut(rest, KEY_ID_LETTERS);
}

/* ---- reading ----------------------------------------------------------------------------- */

static size_t slot_of(const struct keys *k, struct str id)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a; ids are ours and random */
    for (size_t i = 0; i < id.n; i++)
        hash = (hash ^ (unsigned char)id.p[i]) * 1099511628211u;
    return hash & (k->table_size - 1);
}

static const struct key_entry *find_id(const struct keys *k, struct str id)
{
    if (!id.n || !k->table_size)
        return NULL;
    for (size_t at = slot_of(k, id); k->table[at]; at = (at + 1) & (k->table_size - 1)) {
        const struct key_entry *e = &k->list[k->table[at] - 1];
        if (str_eq(str_of(e->id), id))
            return e;
    }
    return NULL;
}

static void index_all(struct keys *k)
{
    k->table_size = 16;
    while (k->table_size < 2 * k->n + 1)
        k->table_size *= 2;
    k->table = mem_zero(k->table_size * sizeof *k->table);
    for (size_t i = 0; i < k->n; i++) {
        size_t at = slot_of(k, str_of(k->list[i].id));
        while (k->table[at])
            at = (at + 1) & (k->table_size - 1);
        k->table[at] = (uint32_t)i + 1;
    }
}

static bool read_entry(struct keys *k, struct str line, struct key_entry *e)
{
    struct json *root = json_parse(&k->arena, line, NULL);
    struct str id = json_str(json_get(root, "id"));
    if (id.n != KEY_ID_LETTERS || !json_str(json_get(root, "tenant")).n ||
        !hex_read(json_str(json_get(root, "hmac")), e->mac, KEY_MAC_BYTES))
        return false;
    memcpy(e->id, id.p, id.n);
    e->tenant = arena_copy(&k->arena, json_str(json_get(root, "tenant")));
    e->note = arena_copy(&k->arena, json_str(json_get(root, "note")));
    e->created = arena_copy(&k->arena, json_str(json_get(root, "created")));
    e->revoked = arena_copy(&k->arena, json_str(json_get(root, "revoked")));
    return true;
}

static enum sl_err read_lines(struct keys *k, struct str text, const char *path,
                              struct diag *diag)
{
    char where[PATH_BYTES + 16];
    for (int line = 1; text.n; line++) {
        struct str one = str_split(&text, '\n');
        if (!str_trim(one).n)
            continue;
        k->list = mem_grow(k->list, (k->n + 1) * sizeof *k->list);
        k->list[k->n] = (struct key_entry){.id = ""};
        snprintf(where, sizeof where, "%s:%d", path, line);
        if (k->n == KEYS_MAX)
            return diag_set(diag, SL_TOO_LARGE, where, "more than %d keys", KEYS_MAX);
        if (!read_entry(k, one, &k->list[k->n]))
            return diag_set(diag, SL_SYNTAX, where,
                            "is no entry of a key (id, tenant, hmac); make keys with "
                            "`sluice key create`");
        k->n++;
    }
    return SL_OK;
}

static void path_of(char out[PATH_BYTES], const char *directory, const char *name)
{
    snprintf(out, PATH_BYTES, "%s/%s", directory, name);
}

/* A file that need not be there. */
static enum sl_err read_if_there(const char *path, struct buf *out, struct diag *diag)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return SL_OK;
    return file_read(path, FILE_BYTES_MAX, out, diag);
}

static enum sl_err read_secret(struct keys *k, const char *directory, struct diag *diag)
{
    char path[PATH_BYTES];
    struct buf text = {0};
    unsigned char secret[SECRET_BYTES];
    path_of(path, directory, "keys.secret");
    enum sl_err err = read_if_there(path, &text, diag);
    if (err == SL_OK && k->n && !text.n)
        err = diag_set(diag, SL_MISSING, path,
                       "not there: without it no key can be told from another");
    if (err == SL_OK && text.n && !hex_read(str_trim(buf_str(&text)), secret, SECRET_BYTES))
        err = diag_set(diag, SL_SYNTAX, path, "does not hold a secret of ours");
    if (err == SL_OK && text.n)
        k->mac = mac_new(secret);
    explicit_bzero(secret, sizeof secret);
    if (text.p)
        explicit_bzero(text.p, text.cap);
    buf_free(&text);
    return err;
}

enum sl_err keys_open(const char *directory, struct keys **out, struct diag *diag)
{
    char path[PATH_BYTES];
    struct buf text = {0};
    struct keys *k = mem_zero(sizeof *k);
    path_of(path, directory, "keys.jsonl");
    enum sl_err err = read_if_there(path, &text, diag);
    if (err == SL_OK)
        err = read_lines(k, buf_str(&text), path, diag);
    if (err == SL_OK)
        err = read_secret(k, directory, diag);
    buf_free(&text);
    index_all(k);
    *out = k;
    if (err != SL_OK)
        keys_close(out);
    return err;
}

void keys_close(struct keys **pk)
{
    struct keys *k = *pk;
    *pk = NULL;
    if (!k)
        return;
    EVP_MAC_CTX_free(k->mac); /* wipes it */
    free(k->list);
    free(k->table);
    arena_free(&k->arena);
    free(k);
}

const struct key_entry *keys_find(const struct keys *k, struct str presented)
{
    static const struct key_entry nobody = {.id = ""};
    unsigned char mac[KEY_MAC_BYTES];
    const struct key_entry *e = find_id(k, id_of(presented));
    if (!k->mac)
        return NULL;           /* there is no key yet */
    mac_of(k, presented, mac); /* for unknown ids too */
    bool same = CRYPTO_memcmp(mac, e ? e->mac : nobody.mac, KEY_MAC_BYTES) == 0;
    return e && same && !e->revoked.n ? e : NULL;
}

const struct key_entry *keys_at(const struct keys *k, size_t i)
{
    return i < k->n ? &k->list[i] : NULL;
}

/* ---- writing ----------------------------------------------------------------------------- */

static enum sl_err io_error(const char *path, struct diag *diag)
{
    return diag_set(diag, SL_IO, path, "%s", strerror(errno));
}

static enum sl_err write_all(int fd, struct str bytes, const char *path, struct diag *diag)
{
    ssize_t written = write(fd, bytes.p, bytes.n);
    if (written == (ssize_t)bytes.n && fsync(fd) == 0)
        return SL_OK;
    return written >= 0 && written < (ssize_t)bytes.n
               ? diag_set(diag, SL_FULL, path, "no space left")
               : io_error(path, diag);
}

static enum sl_err make_secret(int fd, const char *path, struct diag *diag)
{
    unsigned char secret[SECRET_BYTES];
    struct buf text = {0};
    random_bytes(secret, sizeof secret);
    hex_write(&text, secret, sizeof secret);
    buf_puts(&text, "\n");
    enum sl_err err = write_all(fd, buf_str(&text), path, diag);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(text.p, text.cap);
    buf_free(&text);
    return err;
}

/* The secret's file, locked, made if it is not there. Closing it unlocks. */
static enum sl_err lock_secret(const char *directory, int *lock, struct diag *diag)
{
    char path[PATH_BYTES];
    struct stat st;
    path_of(path, directory, "keys.secret");
    enum sl_err err = file_make_directory(directory, diag);
    if (err != SL_OK)
        return err;
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0)
        return io_error(path, diag);
    if (flock(*lock, LOCK_EX) != 0 || fstat(*lock, &st) != 0)
        err = io_error(path, diag);
    else if (st.st_size == 0)
        err = make_secret(*lock, path, diag);
    if (err != SL_OK)
        close(*lock);
    return err;
}

static void entry_line(struct buf *b, const struct key_entry *e)
{
    buf_printf(b, "{\"id\":\"%s\",\"tenant\":", e->id);
    buf_json(b, e->tenant);
    buf_puts(b, ",\"note\":");
    buf_json(b, e->note);
    buf_puts(b, ",\"created\":");
    buf_json(b, e->created);
    buf_puts(b, ",\"revoked\":");
    buf_json(b, e->revoked);
    buf_puts(b, ",\"hmac\":\"");
    hex_write(b, e->mac, KEY_MAC_BYTES);
    buf_puts(b, "\"}");
}

static struct str now_text(struct arena *a)
{
    struct buf b = {0};
    instant_write_rfc3339(&b, (int64_t)time(NULL) * 1000000);
    struct str text = arena_copy(a, buf_str(&b));
    buf_free(&b);
    return text;
}

static bool has_controls(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
            return true;
    }
    return false;
}

/* A new id that no other key has, and the key. */
static void spell_key(const struct keys *k, struct key_entry *e, struct buf *key)
{
    unsigned char id[KEY_ID_LETTERS], secret[KEY_RANDOM_BYTES];
    struct buf letters = {0};
    do {
        buf_clear(&letters);
        random_bytes(id, sizeof id);
        spell(&letters, id, sizeof id);
    } while (find_id(k, str_cut(buf_str(&letters), KEY_ID_LETTERS)));
    memcpy(e->id, letters.p, KEY_ID_LETTERS);
    buf_free(&letters);
    random_bytes(secret, sizeof secret);
    buf_printf(key, "%s%s-", PREFIX, e->id);
    spell(key, secret, sizeof secret);
    explicit_bzero(secret, sizeof secret);
    mac_of(k, buf_str(key), e->mac);
}

/* Half a line, where the disk is full, would spoil the file for all. */
static enum sl_err append(const char *directory, const struct key_entry *e, struct diag *diag)
{
    char path[PATH_BYTES];
    struct buf line = {0};
    struct stat before = {0};
    path_of(path, directory, "keys.jsonl");
    entry_line(&line, e);
    buf_puts(&line, "\n");
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    enum sl_err err = fd < 0 || fstat(fd, &before) != 0
                          ? io_error(path, diag)
                          : write_all(fd, buf_str(&line), path, diag);
    if (err == SL_FULL && ftruncate(fd, before.st_size) != 0)
        err = io_error(path, diag);
    if (fd >= 0)
        close(fd);
    buf_free(&line);
    return err;
}

bool key_tenant_fits(struct str name)
{
    return name.n && name.n <= KEY_TENANT_BYTES && !has_controls(name);
}

/* What can be read again, and stands in a line of a table. */
static enum sl_err check_words(struct str tenant, struct str note, struct diag *diag)
{
    if (!key_tenant_fits(tenant))
        return diag_set(diag, SL_RANGE, "--tenant",
                        "a name has 1 to %d bytes and no control characters", KEY_TENANT_BYTES);
    if (note.n > KEY_NOTE_BYTES || has_controls(note))
        return diag_set(diag, SL_RANGE, "--note", "at most %d bytes and no control characters",
                        KEY_NOTE_BYTES);
    return SL_OK;
}

enum sl_err keys_create(const char *directory, struct str tenant, struct str note,
                        struct buf *key, struct diag *diag)
{
    struct keys *k = NULL;
    int lock;
    enum sl_err err = check_words(tenant, note, diag);
    if (err != SL_OK)
        return err;
    err = lock_secret(directory, &lock, diag);
    if (err != SL_OK)
        return err;
    err = keys_open(directory, &k, diag);
    if (err == SL_OK) {
        struct key_entry e = {.tenant = tenant, .note = note, .created = now_text(&k->arena)};
        spell_key(k, &e, key);
        err = append(directory, &e, diag);
    }
    keys_close(&k);
    close(lock);
    return err;
}

static enum sl_err rewrite(const struct keys *k, const char *directory, struct diag *diag)
{
    char path[PATH_BYTES];
    struct replacement *r;
    path_of(path, directory, "keys.jsonl");
    enum sl_err err = replacement_begin(path, &r, diag);
    if (err != SL_OK)
        return err;
    for (size_t i = 0; i < k->n && err == SL_OK; i++) {
        struct buf line = {0};
        entry_line(&line, &k->list[i]);
        err = replacement_add(r, buf_str(&line), diag);
        buf_free(&line);
    }
    if (err == SL_OK)
        return replacement_commit(&r, diag);
    replacement_drop(&r);
    return err;
}

static enum sl_err mark_revoked(struct keys *k, struct str id, struct diag *diag)
{
    struct key_entry *e = (struct key_entry *)find_id(k, id);
    if (!e || e->revoked.n)
        return diag_set(diag, SL_UNKNOWN, "",
                        "no good key has the id \"%.*s\"; `sluice key list` shows them",
                        STR_ARG(str_cut(id, 40)));
    e->revoked = now_text(&k->arena);
    return SL_OK;
}

enum sl_err keys_revoke(const char *directory, struct str id, struct diag *diag)
{
    struct keys *k = NULL;
    int lock;
    enum sl_err err = lock_secret(directory, &lock, diag);
    if (err != SL_OK)
        return err;
    err = keys_open(directory, &k, diag);
    if (err == SL_OK)
        err = mark_revoked(k, id, diag);
    if (err == SL_OK)
        err = rewrite(k, directory, diag);
    keys_close(&k);
    close(lock);
    return err;
}
