/* status_view.h: a status document (observe/status_json.h) as lines for a terminal. Pure. */
#ifndef SLUICE_STATUS_VIEW_H
#define SLUICE_STATUS_VIEW_H

#include "json.h"

struct status_style {
    int width;  /* columns: no line is wider */
    int height; /* lines at most, the last one tells how many are not shown; 0: all */
    bool utf8, color;
};

/* `url`: where it came from. */
void status_view(const struct json *status, struct str url, const struct status_style *style,
                 struct buf *out);

#endif
