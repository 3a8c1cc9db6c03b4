/* memory.h: what was learned of limits that nobody tells, kept across restarts, by account.
 *
 * `lessons.jsonl` in the state directory, a line a pool; times are microseconds since 1970:
 *
 *   {"account": "https://api.example.com/v1 5e884898da280471", "pool": "(GET /v1/things)",
 *    "window": "sliding", "limit": 300, "slice_us": 0, "edge": 0, "zone_us": 0,
 *    "lately": 280, "at": 1764158400000000}
 *
 * An account is its base URL with the first eight bytes of its first key's SHA-256, and a
 * shortened minute: another key has to learn anew, and nobody can tell the key from the file.
 * Several processes may keep to one file: each writes its own lessons over what is there. */
#ifndef SLUICE_MEMORY_H
#define SLUICE_MEMORY_H

#include "account_options.h"

struct memory;

struct memory_entry {
    struct str account, pool;
    struct lesson lesson; /* its edge is of the wall clock */
    int64_t lately;       /* so many had gone within a minute */
    int64_t at_us;        /* ... then, and it was so */
    bool own;             /* noted by this process */
};

/* What was written before, nothing where no such file is. SL_IO, SL_SYNTAX with *diag. */
enum sl_err memory_open(const char *directory, struct memory **out, struct diag *diag) SL_CHECK;
void memory_close(struct memory **m);
/* Appends how an account is called here. */
void memory_account(const struct account_options *a, struct buf *out);

/* Tells a new pool what is remembered of it. No memory (NULL) has nothing to tell. */
void memory_recall(const struct memory *m, struct str account, struct pool *p, int64_t now_us,
                   int64_t unix_us);
/* Takes down what the pool has learned. */
void memory_note(struct memory *m, struct str account, const struct pool *p, int64_t now_us,
                 int64_t unix_us);
/* Writes what was noted, if that is news, or at the `last` time. */
enum sl_err memory_write(struct memory *m, bool last, struct diag *diag) SL_CHECK;

/* What is remembered of an account, the i-th; NULL: there is no more. */
const struct memory_entry *memory_entry_of(const struct memory *m, struct str account,
                                           size_t i);

#endif
