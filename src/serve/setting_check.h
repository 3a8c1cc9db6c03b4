/* setting_check.h: what must hold between the parts of a setting, and what is doubtful. */
#ifndef SLUICE_SETTING_CHECK_H
#define SLUICE_SETTING_CHECK_H

#include "setting.h"

/* Ranks of the queue, by the words that a setting and x-sluice-priority use. */
enum { PRIORITY_BATCH, PRIORITY_NORMAL, PRIORITY_INTERACTIVE };
bool setting_priority(struct str word, uint8_t *out);

/* The accounts that a route names stand before it, are there, and are of one organisation. */
void setting_check_route(const struct setting *s, const struct route_setting *route,
                         struct reader *r, const struct yaml *node);
void setting_check_file(const struct setting *s, const struct yaml *root, struct reader *r);
void setting_warn(const struct setting *s, const char *path, struct buf *out);
/* NULL: nobody but this machine can reach it. Else the address that somebody can. */
const char *setting_exposed(const struct setting *s);
const struct account_setting *setting_account(const struct setting *s, const char *name);

#endif
