/* herald.h: the alerts of a setting at work: its secrets are read, a courier stands ready. */
#ifndef SLUICE_HERALD_H
#define SLUICE_HERALD_H

#include "alert_setting.h"
#include "courier.h"

/* How the courier is to be beside what the setting says: `once`, `tried`, `ctx`. */
struct herald_manner {
    bool once;
    void (*tried)(void *ctx, const char *channel, bool delivered, const char *why);
    void *ctx;
};

/* The setting is lent as long as the courier is. *out is NULL where no channel is given. SL_...
 * with *diag, whose `where` is the variable, the file or the channel at fault. */
enum sl_err herald_open(uv_loop_t *loop, const struct alert_setting *s,
                        const struct herald_manner *m, struct courier **out,
                        struct diag *diag) SL_CHECK;

#endif
