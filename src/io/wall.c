/* wall.c: see wall.h. */
#include "wall.h"

#include <time.h>

int64_t wall_unix_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
