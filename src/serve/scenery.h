/* scenery.h: the gateway as observe/ sees it. */
#ifndef SLUICE_SCENERY_H
#define SLUICE_SCENERY_H

#include "gateway.h"

/* ctx is the gateway; see scene.h. */
void scenery_draw(void *ctx, struct scene *out, struct arena *arena);

#endif
