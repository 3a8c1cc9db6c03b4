/* lookout.h: looks at the scene once a second: remembers ten minutes of it, and raises alerts.
 *
 * Every view of the scene goes through here, so that all of them show the same: use, alerts and
 * channels are filled in. */
#ifndef SLUICE_LOOKOUT_H
#define SLUICE_LOOKOUT_H

#include "courier.h"

struct lookout;

struct lookout_config {
    struct scene_view view;
    struct alert_rules rules;
};

void lookout_open(uv_loop_t *loop, const struct lookout_config *c, struct lookout **out);
/* Memory is freed as the loop runs on. NULL is nothing. */
void lookout_close(struct lookout **l);

/* Other rules, another courier (lent; NULL: none) from now on. */
void lookout_rule(struct lookout *l, const struct alert_rules *rules);
void lookout_courier(struct lookout *l, struct courier *courier);
/* Whom to call after each look, with the scene, which is theirs to cut; NULL: nobody. */
typedef void lookout_seen(void *ctx, struct scene *s, struct arena *arena);
void lookout_tell(struct lookout *l, lookout_seen *seen, void *ctx);

/* Looks now, out of turn: for the end. */
void lookout_now(struct lookout *l);
/* The scene as it is now. */
void lookout_draw(struct lookout *l, struct scene *out, struct arena *arena);
const struct history *lookout_history(const struct lookout *l);

#endif
