/* member.h: members of JSON objects that may be null. Each begins with a comma. */
#ifndef SLUICE_MEMBER_H
#define SLUICE_MEMBER_H

#include "str.h"

void member_text(struct buf *out, const char *key, struct str text); /* empty: null */
void member_count(struct buf *out, const char *key, int64_t n);      /* negative: null */

#endif
