/* ui.h: the page that --ui asks for: where it is, the token it wants, and how people are told.
 */
#ifndef SLUICE_UI_H
#define SLUICE_UI_H

#include "str.h"

/* Where to listen, for --ui or --ui=ADDRESS:PORT. */
const char *ui_listen(const char *asked);
/* Appends the token: SLUICE_ADMIN_TOKEN, which `sluice status` knows too; else a random one:
 * true. */
bool ui_token(struct buf *token);
/* "http://127.0.0.1:4291", of a listener that is not a file. */
void ui_url(const char *listen, int port, struct buf *url);
/* Tells on standard error where the page is; a random token stands in the address. */
void ui_tell(struct str url, struct str token, bool random);

#endif
