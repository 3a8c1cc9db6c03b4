/* landing.h: connections whose bytes the system took at once: each is told so at the end of the
 * loop's turn. Shared by server.c and connection.c only.
 *
 * libuv would tell in the next turn, and would ask the kernel anew what it watches. */
#ifndef SLUICE_LANDING_H
#define SLUICE_LANDING_H

#include <uv.h>

struct connection;

struct landing {
    uv_check_t check;
    uv_idle_t idle; /* at work while `first` is set, so that the loop does not sleep over it */
    struct connection *first;
};

enum { LANDING_HANDLES = 2 };

void landing_open(struct landing *l, uv_loop_t *loop);
/* Not twice before it was told, which connection_landed does. */
void landing_add(struct landing *l, struct connection *c);
/* The connection goes, told or not: what is added while some are told may be closed before the
 * next turn. */
void landing_forget(struct connection *c);
/* Tells all that have landed now, in the middle of a turn: before an end. */
void landing_tell(struct landing *l);
/* Tells nothing any more; `closed` comes for each handle, whose data is `data`. */
void landing_close(struct landing *l, uv_close_cb closed, void *data);

#endif
