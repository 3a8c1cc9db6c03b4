/* pattern.h: which requests a pattern means, as in "* /v1/threads".
 *
 * A pattern is a method (or * for any), a space and a path. In a path * stands for one segment,
 * and as the last one for one or more. A query is no part of the path. Limits by request type
 * are written so (data/limits.json). */
#ifndef SLUICE_PATTERN_H
#define SLUICE_PATTERN_H

#include "str.h"

/* SL_SYNTAX with *diag (may be NULL): no method, a path that does not begin with "/", a "*"
 * that is only part of a segment, an empty segment. */
enum sl_err pattern_check(struct str pattern, struct diag *diag) SL_CHECK;
/* Whether it means this request. False for what pattern_check refuses. */
bool pattern_matches(struct str pattern, struct str method, struct str target);
/* Of several that match, the one of the greatest weight is meant: the most segments spelt
 * out, the method among them, then the longest. */
int pattern_weight(struct str pattern);

#endif
