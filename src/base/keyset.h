/* keyset.h: a set of names that tells a name added before.
 *
 * A crit-bit tree (D. J. Bernstein, "Crit-bit trees", 2004): adding a name costs a walk over
 * its own bytes, however many are in the set and whoever chose them. A hash table would need a
 * secret to promise that. */
#ifndef SLUICE_KEYSET_H
#define SLUICE_KEYSET_H

#include "str.h"

/* Zero-initialise; free with keyset_free. */
struct keyset {
    struct str *keys;          /* lent */
    struct keyset_node *nodes; /* nodes[i] was made for keys[i]; nodes[0] is not used */
    uint32_t root;
    size_t count, room;
    /* Bytes compared and nodes passed so far: at most KEYSET_STEPS for each byte of a name,
     * counting one more for its end. */
    size_t steps;
};
enum { KEYSET_STEPS = 19 };

/* False: the name was there. The bytes are lent for as long as the set is used. */
bool keyset_add(struct keyset *s, struct str key);
void keyset_clear(struct keyset *s); /* keeps its memory */
void keyset_free(struct keyset *s);

#endif
