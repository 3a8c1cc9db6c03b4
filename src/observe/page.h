/* page.h: the dashboard: one page, built from web/ into the binary by embed_page.py. */
#ifndef SLUICE_PAGE_H
#define SLUICE_PAGE_H

#include <stddef.h>

extern const char page_bytes[];
extern const size_t page_size;
/* The content-security-policy it is sent with: its own script and style, its own origin. */
extern const char page_policy[];

#endif
