/* alerts.h: what somebody should look at. Pure: scenes in, in order of time; alerts that start
 * and end out.
 *
 *   (nothing) --holds as long as it must--> ON --does not hold, for `calm`--> RESTING
 *                                            ^------------- holds again --------+
 *
 * One that starts again within the hour of its end has to be calm for twice as long the next
 * time, up to an hour, so that what flaps is told a few times instead of every few minutes.
 * ALERTS_MAX are kept at most; what does not fit is counted and not told. */
#ifndef SLUICE_ALERTS_H
#define SLUICE_ALERTS_H

#include "history.h"

enum { ALERTS_MAX = 128, ALERT_ACCOUNTS = 64 };

/* name, severity, what it means */
#define ALERT_KINDS(X)                                                                         \
    X(REFUSALS, "refusals", "warning", "too many requests refused by one limit")               \
    X(SATURATION, "saturation", "warning", "a budget is nearly used up, for long")             \
    X(HEADROOM, "headroom", "warning", "refused although headers showed room")                 \
    X(WALLET, "wallet", "critical", "the provider says that the wallet is empty")              \
    X(KEY, "key", "critical", "the provider refuses a key")                                    \
    X(QUEUE, "queue", "warning", "requests would wait longer than they may")                   \
    X(OUTAGE, "outage", "critical", "the provider is out")

#define X(id, name, severity, text) ALERT_##id,
enum alert_kind { ALERT_KINDS(X) ALERT_KIND_COUNT };
#undef X
const char *alert_kind_name(enum alert_kind k);

struct alert_rules {
    int64_t refusals_percent; /* more than this of the requests ... */
    int64_t refusals_over_us; /* ... that ended in so long; at most ALERT_OVER_US_MAX */
    int64_t refusals_least;   /* ... and so many of them at least */
    int64_t saturation_percent, saturation_for_us;
    int64_t headroom_over_us, queue_over_us;
    int64_t outage_for_us;
    int64_t calm_us;
    bool off[ALERT_KIND_COUNT];
};
enum { ALERT_OVER_US_MIN = 10000000, ALERT_OVER_US_MAX = 590000000 };
/* 1 % in 5 minutes, one at least; 80 % for 10 minutes; 5 minutes, 1 minute, at once; calm for 2
 * minutes. */
struct alert_rules alert_rules_defaults(void);

struct alerts;

struct alerts *alerts_new(const struct alert_rules *r);
void alerts_free(struct alerts **a);
void alerts_rule(struct alerts *a, const struct alert_rules *r);

/* `history` has seen the same scene. Tells of every alert that starts or ends; what it tells is
 * lent for the call. */
void alerts_see(struct alerts *a, const struct scene *s, const struct history *h,
                int64_t now_us);
struct alert_change {
    const struct scene_alert *alert;
    bool starts;
};
/* What the last scene has changed, in order; NULL beyond the last. Lent until the next one. */
const struct alert_change *alerts_change(const struct alerts *a, size_t i);

/* Those that are on into the scene, the oldest first; lent until the next scene is seen. */
void alerts_draw(struct alerts *a, struct scene *s);

#endif
