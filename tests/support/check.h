/* check.h: cmocka with its required headers, once. */
#ifndef SLUICE_CHECK_H
#define SLUICE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#endif
