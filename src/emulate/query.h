/* query.h: what a client asks of the emulated provider: route and request body. Pure.
 *
 * Tokens are the house rule of this room: characters / 4, rounded up. */
#ifndef SLUICE_QUERY_H
#define SLUICE_QUERY_H

#include "json.h"

enum query_api {
    API_CHAT,         /* POST /v1/chat/completions, also Azure's deployment paths */
    API_COMPLETIONS,  /* POST /v1/completions */
    API_RESPONSES,    /* POST /v1/responses */
    API_EMBEDDINGS,   /* POST /v1/embeddings */
    API_MESSAGES,     /* POST /v1/messages */
    API_COUNT_TOKENS, /* POST /v1/messages/count_tokens */
    API_MODELS,       /* GET /v1/models */
    API_MODEL,        /* GET /v1/models/NAME */
    API_REPORT,       /* GET /_emulator/report */
    API_RESET,        /* POST /_emulator/reset */
    API_NONE,         /* no such path */
    API_BAD_METHOD,   /* the path exists, the method does not */
};

struct query_route {
    enum query_api api;
    struct str name;        /* the model, where the path names it; else empty */
    bool azure;             /* by a deployment's path */
    struct str api_version; /* Azure: of the query */
};

/* Base paths do not matter: /v1/..., /openai/v1/..., /v1beta/openai/... all lead here. */
struct query_route query_route(struct str method, struct str target);

struct query {
    enum query_api api;
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
enum sl_err query_read(struct arena *arena, const struct query_route *route, struct str body,
                       struct query *out, struct diag *diag) SL_CHECK;

#endif
