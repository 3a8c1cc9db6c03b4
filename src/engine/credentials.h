/* credentials.h: inside engine/: the header that says who asks, one for each key of an account.
 *
 * Keys are taken in turn. One that the provider refuses is left out as long as another works.
 */
#ifndef SLUICE_CREDENTIALS_H
#define SLUICE_CREDENTIALS_H

#include "provider.h"

enum { CREDENTIALS_MAX = 16 };

struct credential {
    struct buf value;
    bool refused;
};

struct credentials {
    struct credential list[CREDENTIALS_MAX];
    size_t n, next;
    struct str name; /* of the header */
};

/* Replaces those there were; they are wiped. */
void credentials_set(struct credentials *c, const struct provider *p, const struct str *keys,
                     size_t n);
void credentials_wipe(struct credentials *c);
/* Whose turn it is; n > 0. */
size_t credentials_next(struct credentials *c);
struct header credentials_header(const struct credentials *c, size_t i);
/* What the provider said to the i-th. true: it was refused, and another may not be. */
bool credentials_hear(struct credentials *c, size_t i, bool refused);
size_t credentials_refused(const struct credentials *c);

#endif
