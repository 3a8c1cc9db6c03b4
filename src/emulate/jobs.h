/* jobs.h: all batches of an emulated account, of both providers. */
#ifndef SLUICE_JOBS_H
#define SLUICE_JOBS_H

#include "errand.h"
#include "job.h"

struct jobs {
    struct job_world world;
    struct job **items; /* oldest first */
    size_t count, room;
};

/* All that jobs work with is lent for their life; `world.seen` and `world.snags` are theirs. */
void jobs_open(struct jobs *s, const struct job_world *w);
/* Forgets all; they can be opened again. */
void jobs_free(struct jobs *s);
/* Keeps it from now on. */
void jobs_add(struct jobs *s, struct job **j);
/* NULL: none of that id, of the other provider, or deleted. */
struct job *jobs_find(const struct jobs *s, bool anthropic, struct str id);
/* Requests of Anthropic's batches that were not processed yet. */
int64_t jobs_waiting(const struct jobs *s);
/* A slice of each batch's work. When to call again: now, later, or INT64_MAX for never. */
int64_t jobs_work(struct jobs *s, int64_t now_us);
/* As the report has them: an object. */
void jobs_report(const struct jobs *s, struct buf *out);

/* batches.c: OpenAI's /v1/batches. */
void batches_serve(struct jobs *s, struct errand *e);
/* message_batches.c: Anthropic's /v1/messages/batches. */
void message_batches_serve(struct jobs *s, struct errand *e);

#endif
