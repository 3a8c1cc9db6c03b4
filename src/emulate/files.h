/* files.h: OpenAI's files API, as far as batches need it. */
#ifndef SLUICE_FILES_H
#define SLUICE_FILES_H

#include "errand.h"
#include "store.h"

/* POST /v1/files, GET /v1/files, GET and DELETE /v1/files/ID, GET /v1/files/ID/content. */
void files_serve(struct store *s, struct registry *r, struct errand *e);

#endif
