/* temporary.h: files without a name: gone with the last descriptor, whatever happens. */
#ifndef SLUICE_TEMPORARY_H
#define SLUICE_TEMPORARY_H

/* In $TMPDIR or /tmp, closed on exec. -1 and errno. */
int temporary_file(void);

#endif
