/* scene.c: see scene.h. */
#include "scene.h"

const char *scene_priority(size_t rank)
{
    static const char *const names[SCENE_PRIORITIES] = {"batch", "normal", "interactive"};
    return names[rank];
}
