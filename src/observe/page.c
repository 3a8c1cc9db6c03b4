/* page.c: see page.h. */
#include "page.h"

struct str page_html(void)
{
    return STR(
        "<!doctype html><meta charset=\"utf-8\"><title>sluice</title><p>/metrics, /status "
        "and /events are here.");
}
