/* store.h: the files of an emulated account. Pure but for the spools that hold their bytes. */
#ifndef SLUICE_STORE_H
#define SLUICE_STORE_H

#include "registry.h"
#include "spool.h"

/* All files together. OpenAI's own bound for an organisation is 100 GB; a test is not meant to
 * fill a disk. */
#define STORE_BYTES_MAX (INT64_C(8) << 30)

struct store_file {
    struct str id, filename, purpose;
    struct spool *bytes;
    int64_t created_us;
    int64_t expires_us; /* -1: never */
    bool gone;          /* deleted */
};

/* Zero-initialise; free with store_free. */
struct store {
    struct arena texts;
    struct store_file **files; /* oldest first */
    size_t count, room;
    int64_t bytes;   /* of files that are there */
    int64_t uploads; /* by clients, so far */
};

void store_free(struct store *s);
/* Takes a share of the bytes. `lives_s` seconds of the provider's, -1: for ever. The texts are
 * copied. NULL, and no share, when the store is full. */
struct store_file *store_add(struct store *s, struct registry *r, const struct store_file *like,
                             int64_t now_us, int64_t lives_s);
/* NULL: none of that id, or deleted, or expired. */
struct store_file *store_find(struct store *s, struct str id, int64_t now_us);
void store_delete(struct store *s, struct store_file *f);

#endif
