/* prometheus.h: a scene as Prometheus reads it: text format 0.0.4, names and units by
 * https://prometheus.io/docs/practices/naming. */
#ifndef SLUICE_PROMETHEUS_H
#define SLUICE_PROMETHEUS_H

#include "scene.h"

/* CPU and memory of this process are read from /proc where it is. */
void prometheus_write(struct buf *out, const struct scene *s);

#endif
