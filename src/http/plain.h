/* plain.h: bytes that may stand in a line of a head. Source: RFC 9110, section 5.5. */
#ifndef SLUICE_PLAIN_H
#define SLUICE_PLAIN_H

#include "str.h"

/* How many bytes at the start of s are neither control bytes (but a tab may stand there) nor
 * DEL. */
size_t plain_ahead(struct str s);

#endif
