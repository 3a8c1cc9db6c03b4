/* notables.h: the few requests that somebody will want to look at: those refused or failed
 * lately, and the slowest of ten minutes. Texts are copied, and cut. Bounded. */
#ifndef SLUICE_NOTABLES_H
#define SLUICE_NOTABLES_H

#include "scene.h"

enum {
    NOTABLES_REFUSED = 32,
    NOTABLES_SLOWEST = 16,
    NOTABLES_MAX = NOTABLES_REFUSED + NOTABLES_SLOWEST
};

struct notable {
    struct scene_request request; /* its texts are those below */
    char tenant[40], model[64], account[40], what[160];
};

struct notables {
    struct notable refused[NOTABLES_REFUSED]; /* a ring */
    size_t refused_count;
    struct notable slowest[NOTABLES_SLOWEST];
};

void notables_refused(struct notables *k, const struct scene_request *r);
/* It ended well: kept if it is among the slowest. */
void notables_ended(struct notables *k, const struct scene_request *r);
/* Refused ones first, newest first. */
size_t notables_list(const struct notables *k, int64_t unix_us,
                     struct scene_request out[NOTABLES_MAX]);

#endif
