/* answer.h: what the emulated provider answers when it admits a request. Pure.
 *
 * An answer depends on the seed and the request alone: ids, dates, text and length repeat.
 * Every token of output is a word of three letters and a separator, so that characters / 4
 * holds for what comes out as for what went in. Bodies and events: facts/providers.md
 * section 9. */
#ifndef SLUICE_ANSWER_H
#define SLUICE_ANSWER_H

#include "query.h"
#include "spread.h"

struct answer {
    const struct query *query;
    uint64_t hash;         /* of the seed and the request */
    int64_t output_tokens; /* of each choice; never above max_tokens */
    bool cut;              /* max_tokens ended it */
};

/* 64 bits of a request's bytes under a seed. */
uint64_t answer_hash(uint64_t seed, struct str body);
struct answer answer_draw(const struct query *p, uint64_t hash, const struct spread *length);
/* Output of all choices. */
int64_t answer_output_tokens(const struct answer *a);

/* The answer as one JSON body. */
void answer_body(const struct answer *a, struct buf *out);

/* The answer as a stream: bytes in steps, each with the tokens it brings. The first step opens
 * the stream, the last one closes it; what lies between are the deltas. */
struct script_step {
    size_t end; /* offset in bytes */
    int64_t tokens;
};
struct script {
    struct buf bytes;
    struct script_step *steps;
    size_t count;
};
enum { ANSWER_OPENING = 4 }; /* events of a Responses stream before its first delta */
void answer_script(const struct answer *a, struct script *out);
void script_free(struct script *s);

/* Pieces shared by both forms. */
long long answer_created(const struct answer *a);
void answer_id(const struct answer *a, const char *prefix, struct buf *out);
/* Tokens [from, to) of a choice. */
void answer_text(const struct answer *a, int64_t choice, int64_t from, int64_t to,
                 struct buf *out);
void answer_usage(const struct answer *a, struct buf *out);
/* A Responses object: "in_progress" while it has no output, else as it ended. */
void answer_response(const struct answer *a, bool ended, struct buf *out);
void answer_response_item(const struct answer *a, bool ended, struct buf *out);
/* An Anthropic message: empty at the start of a stream. */
void answer_message(const struct answer *a, bool ended, struct buf *out);

#endif
