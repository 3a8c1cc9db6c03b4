/* keys.h: the keys that tenants show us, kept so that whoever reads the file cannot use them.
 *
 * A key is "sluice-ID-SECRET". ID finds its entry; what is stored is HMAC-SHA-256 of the whole
 * key under a secret of this installation (RFC 2104), compared in constant time. A state
 * directory holds `keys.jsonl`, a line a key, and `keys.secret`; both are its owner's alone. A
 * key can be shown once, when it is made, and is 160 bits of the system's randomness. */
#ifndef SLUICE_KEYS_H
#define SLUICE_KEYS_H

#include "str.h"

enum {
    KEY_ID_LETTERS = 8,
    KEY_MAC_BYTES = 32,
    KEYS_MAX = 100000,
    KEY_TENANT_BYTES = 64,
    KEY_NOTE_BYTES = 500,
};

struct key_entry {
    char id[KEY_ID_LETTERS + 1];
    struct str tenant, note;
    struct str created, revoked; /* RFC 3339; revoked is empty while it is good */
    unsigned char mac[KEY_MAC_BYTES];
};

struct keys;

/* What the directory holds; a directory without keys gives none. SL_IO, SL_SYNTAX with *diag,
 * whose `where` has file and line. */
enum sl_err keys_open(const char *directory, struct keys **out, struct diag *diag) SL_CHECK;
void keys_close(struct keys **k);
/* The entry of a key that is good, or NULL. Takes as long for a wrong key as for a right one.
 */
const struct key_entry *keys_find(const struct keys *k, struct str presented);
/* All entries in order; NULL beyond the last. */
const struct key_entry *keys_at(const struct keys *k, size_t i);

/* Whether a tenant can be called so. */
bool key_tenant_fits(struct str name);

/* Makes a key and appends it; *key is for its bearer alone, and to be wiped. The directory is
 * made if it is not there. SL_RANGE: no name, or one (or a note) that is too long or holds
 * control characters. */
enum sl_err keys_create(const char *directory, struct str tenant, struct str note,
                        struct buf *key, struct diag *diag) SL_CHECK;
/* SL_UNKNOWN if no good key has that id. */
enum sl_err keys_revoke(const char *directory, struct str id, struct diag *diag) SL_CHECK;

#endif
