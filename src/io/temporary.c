/* temporary.c: see temporary.h. */
#include "temporary.h"
#include "str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int temporary_file(void)
{
    const char *folder = getenv("TMPDIR");
    struct buf path = {0};
    buf_printf(&path, "%s/sluice-XXXXXX", folder && *folder ? folder : "/tmp");
    buf_cstr(&path);
    int fd = mkostemp(path.p, O_CLOEXEC);
    if (fd >= 0)
        unlink(path.p);
    buf_free(&path);
    return fd;
}
