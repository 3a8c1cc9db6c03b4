/* page.h: the dashboard's page, built from web/ into the binary. */
#ifndef SLUICE_PAGE_H
#define SLUICE_PAGE_H

#include "str.h"

struct str page_html(void);

#endif
