/* help.h: what `--help` prints. */
#ifndef SLUICE_HELP_H
#define SLUICE_HELP_H

#include "option.h"

/* A verb's help, or its man page where --man asked for it, on standard output. Returns the
 * verb's exit code, by which --help ends. */
int help_print(const struct verb *v, const struct option *options, size_t n);

#endif
