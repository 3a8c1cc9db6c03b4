/* seen.h: which requests were carried out more than once. Pure. */
#ifndef SLUICE_SEEN_H
#define SLUICE_SEEN_H

#include "str.h"

struct seen {
    struct seen_entry *slots;
    size_t room, count;
    int64_t admitted_again, answered_again;
};
void seen_admitted(struct seen *s, uint64_t request);
void seen_answered(struct seen *s, uint64_t request);
void seen_free(struct seen *s);

#endif
