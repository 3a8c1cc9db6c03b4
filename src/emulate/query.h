/* query.h: what a client asks of the emulated provider, out of its request's body. Pure.
 *
 * Tokens are the house rule of this room: characters / 4, rounded up. */
#ifndef SLUICE_QUERY_H
#define SLUICE_QUERY_H

#include "json.h"
#include "target.h"

struct query {
    enum target_api api;
    struct str model;     /* lent from the body or the path */
    int64_t input_tokens; /* characters / 4; token arrays of embeddings count exactly */
    int64_t max_tokens;   /* 0: not given */
    int64_t choices;      /* n, 1 by default */
    bool stream, include_usage;
    int64_t vectors;    /* embeddings: how many inputs */
    int64_t dimensions; /* embeddings */
    bool base64;        /* embeddings: encoding_format */
};

/* Reads a body. SL_SYNTAX (not JSON), SL_MISSING (a required field; its name in `where`),
 * SL_TYPE, SL_RANGE. */
enum sl_err query_read(struct arena *arena, const struct target *to, struct str body,
                       struct query *out, struct diag *diag) SL_CHECK;

/* The same of a body that is parsed already. */
enum sl_err query_of(const struct target *to, const struct json *root, struct query *out,
                     struct diag *diag) SL_CHECK;

#endif
