/* paging.h: lists in pages, as both providers give them: a limit, a cursor that is the id of an
 * item, first_id, last_id, has_more. Pure. */
#ifndef SLUICE_PAGING_H
#define SLUICE_PAGING_H

#include "errand.h"

/* What is listed, oldest first. */
struct paging_source {
    const void *ctx;
    size_t count;
    /* The item's id, or an empty str where it is not to be listed. */
    struct str (*id)(const void *ctx, size_t item);
    void (*write)(const void *ctx, size_t item, struct buf *out);
};

struct paging_rules {
    int64_t usual, most;        /* how many items */
    const char *after, *before; /* names of the cursors: "after", "after_id" */
    bool object;                /* OpenAI's lists say that they are lists */
};
extern const struct paging_rules paging_openai, paging_files, paging_anthropic;

/* The page that the errand's query asks for, newest first unless it says order=asc. */
void paging_serve(struct errand *e, const struct paging_rules *rules,
                  const struct paging_source *from);

#endif
