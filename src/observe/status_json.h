/* status_json.h: a scene as JSON: what `sluice status`, the dashboard and scripts read. Amounts
 * are whole units, times are seconds. The form is docs/status.md's. */
#ifndef SLUICE_STATUS_JSON_H
#define SLUICE_STATUS_JSON_H

#include "scene.h"

void status_json(struct buf *out, const struct scene *s);

#endif
