/* beacon.h: how `sluice status` finds what runs on this machine: a small file in the state
 * directory says where the admin listener is, as long as the process lives. Nothing in it is
 * secret. */
#ifndef SLUICE_BEACON_H
#define SLUICE_BEACON_H

#include "arena.h"

struct beacon;

struct beacon_word {
    struct str verb, url; /* "serve", "http://127.0.0.1:4291" */
    int64_t pid;
    int64_t started_unix_us;
};

/* Makes the directory if need be. SL_IO with *diag; *out is then NULL. */
enum sl_err beacon_light(const char *directory, const struct beacon_word *w,
                         struct beacon **out, struct diag *diag) SL_CHECK;
/* Removes it. NULL is nothing. */
void beacon_douse(struct beacon **b);

enum { BEACONS_MAX = 32 };
/* Those of processes that live; what the dead have left is removed. Texts live in the arena. */
size_t beacon_find(const char *directory, struct arena *arena,
                   struct beacon_word out[BEACONS_MAX]);

#endif
