/* help.c: see help.h. */
#include "help.h"

#include "exits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int help_print(const struct verb *v, const struct option *options, size_t n)
{
    struct buf text = {0};
    options_help(&text, v, options, n);
    bool written = fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0;
    buf_free(&text);
    if (written)
        return EXIT_ALL_DONE;
    fprintf(stderr, "sluice %s: standard output: %s\n", v->name, strerror(errno));
    return EXIT_IO;
}
