/* wall.h: the clock on the wall, which people set. What is to be measured is measured by the
 * loop's. */
#ifndef SLUICE_WALL_H
#define SLUICE_WALL_H

#include <stdint.h>

int64_t wall_unix_us(void); /* since 1970 */

#endif
