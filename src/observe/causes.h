/* causes.h: what gives reason to alarm in one scene, with the history before it: conditions,
 * their figures in words, and what to do. Pure. alerts.h decides what is told of them, and
 * when. */
#ifndef SLUICE_CAUSES_H
#define SLUICE_CAUSES_H

#include "alerts.h"

struct cause {
    enum alert_kind kind;
    struct str account, model;
    enum dimension dim;
    int64_t hold_us; /* it must hold so long before it is told */
    struct str text, advice;
};

struct causes { /* in the arena they were found in */
    struct cause *list;
    size_t n;
};

/* What has to be remembered between scenes: a wallet is empty until an answer proves it is not,
 * and no traffic proves nothing. */
struct wallets {
    struct {
        char account[64];
        int64_t empty_answers, good_answers;
        bool empty;
    } list[ALERT_ACCOUNTS];
    size_t n;
};

/* `history` has seen the scene. Texts live in the arena. */
void causes_find(const struct alert_rules *r, const struct scene *s, const struct history *h,
                 struct wallets *w, struct arena *arena, struct causes *out);

#endif
