/* target.h: which API a request speaks to. Pure.
 *
 * Base paths do not matter: /v1/..., /openai/v1/..., /v1beta/openai/... all lead here. */
#ifndef SLUICE_TARGET_H
#define SLUICE_TARGET_H

#include "str.h"

enum target_api {
    API_CHAT,            /* POST /v1/chat/completions, also Azure's deployment paths */
    API_COMPLETIONS,     /* POST /v1/completions */
    API_RESPONSES,       /* POST /v1/responses */
    API_EMBEDDINGS,      /* POST /v1/embeddings */
    API_MESSAGES,        /* POST /v1/messages */
    API_COUNT_TOKENS,    /* POST /v1/messages/count_tokens */
    API_MODELS,          /* GET /v1/models */
    API_MODEL,           /* GET /v1/models/NAME */
    API_REPORT,          /* GET /_emulator/report */
    API_RESET,           /* POST /_emulator/reset */
    API_FILES,           /* OpenAI's /v1/files */
    API_BATCHES,         /* OpenAI's /v1/batches */
    API_MESSAGE_BATCHES, /* Anthropic's /v1/messages/batches */
    API_THREADS,         /* /v1/threads, as OpenAI's Assistants API had them */
    API_THREAD_MESSAGES, /* /v1/threads/ID/messages */
    API_RUNS,            /* /v1/threads/ID/runs and /v1/threads/runs */
    API_THING,           /* a path that is no API, but has a limit (--hidden, --route) */
    API_NONE,            /* no such path */
    API_BAD_METHOD,      /* the path exists, the method does not */
};

/* What is to be done with a thing that has an id. */
enum target_verb {
    TARGET_CREATE,
    TARGET_LIST,
    TARGET_READ,
    TARGET_CHANGE,
    TARGET_DELETE,
    TARGET_CANCEL,
    TARGET_CONTENT, /* a file's, a batch's results */
};

struct target {
    enum target_api api;
    enum target_verb verb;  /* of APIs of things with ids */
    struct str ids[2];      /* that the path names, outermost first */
    struct str base;        /* the path before its tail: "/v1/" */
    struct str name;        /* the model, where the path names it; else empty */
    struct str tail;        /* the path behind its base: "chat/completions"; empty for NONE */
    struct str query;       /* behind the question mark */
    bool azure;             /* by a deployment's path */
    struct str api_version; /* Azure: of the query */
};

/* All lent from the arguments. */
struct target target_read(struct str method, struct str target);
/* One of a query's values, as written; empty with p == NULL where it has none. */
struct str target_value(const struct target *t, const char *name);

#endif
