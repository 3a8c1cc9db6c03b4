/* provider.h: the only room that knows a provider's name. A table of what is known of each.
 *
 * Everything here is pure: bytes in, structs out. */
#ifndef SLUICE_PROVIDER_H
#define SLUICE_PROVIDER_H

#include "arena.h"
#include "catalogue.h"
#include "json.h"
#include "message.h"
#include "pace.h"

enum provider_id {
    PROVIDER_COMPATIBLE, /* a base URL without a provider: speaks as OpenAI, charge max */
    PROVIDER_OPENAI,
    PROVIDER_ANTHROPIC,
    PROVIDER_AZURE,
    PROVIDER_GEMINI,
    PROVIDER_GROQ,
    PROVIDER_COUNT
};

/* How its answers tell what is left of a budget and when that is whole again. */
enum header_form {
    HEADERS_NONE,      /* they do not */
    HEADERS_DURATIONS, /* "6m0.012s": milliseconds */
    HEADERS_SECONDS,   /* whole seconds */
    HEADERS_INSTANTS,  /* whole seconds of the wall clock; tokens left in thousands */
};

struct provider {
    enum provider_id id;
    const char *name;       /* "openai" */
    const char *base_url;   /* default, with version path; NULL if there is none (Azure) */
    const char *key_env;    /* "OPENAI_API_KEY" */
    const char *key_header; /* "authorization" (value "Bearer KEY"), "x-api-key", "api-key" */
    const char *key_prefix; /* "Bearer " or "" */
    /* A header that every request must carry ("anthropic-version"), and its value; NULL: none.
     */
    const char *version_header, *version;
    enum window_kind window; /* how it is known to enforce; AUTO if not */
    int64_t slice_us;
    enum charge_rule charge;
    bool refusals_drain; /* refused requests count against the quota */
    enum header_form headers;
};

const struct provider *provider_get(enum provider_id id);
/* By name; NULL if unknown. */
const struct provider *provider_named(struct str name);

/* ---- request.c: what a request asks for -------------------------------------------------- */

enum route {
    ROUTE_CHAT,        /* /v1/chat/completions */
    ROUTE_RESPONSES,   /* /v1/responses */
    ROUTE_COMPLETIONS, /* /v1/completions */
    ROUTE_EMBEDDINGS,  /* /v1/embeddings */
    ROUTE_MESSAGES,    /* /v1/messages */
    ROUTE_MODERATIONS,
    ROUTE_IMAGES,
    ROUTE_OTHER
};

/* The route of a request path as a batch line or a client writes it (with or without /v1, an
 * Azure deployment path, a query, dots and percent signs that a server may undo). */
enum route route_of(struct str path);

struct ask {
    enum route route;
    struct str model; /* lent from the body */
    /* Input counted as the model's tokenizer sees it, or estimated (see input_exact); output
     * for all choices (n, best_of, several prompts) together. */
    struct demand demand;  /* Gemini counts input alone: there max_output_given is never set */
    bool input_exact;      /* counted with the model's own tokenizer; else an estimate: Claude,
                              Gemini,      an unknown model, images, tools, audio, files */
    int64_t choices;       /* answers asked for: demand.max_output_tokens is for all of them */
    int64_t window_tokens; /* what must fit the model's window at once: the whole input, or the
                              largest of several embedding inputs or prompts */
    bool stream;
    bool stream_usage;         /* the client asked for usage in the stream */
    const struct model *known; /* catalogue entry or NULL */
};

/* Reads a request body. Errors (missing model, wrong types, a key given twice where that would
 * change the count, not an object) go to *diag with the field in `where`
 * ("body.messages[3].content"). Over the context window is NOT an error here: see ask_check. */
enum sl_err ask_parse(const struct provider *p, const struct catalogue *c, enum route route,
                      const struct json *body, struct ask *out, struct diag *diag) SL_CHECK;
/* Does it fit the model's context window and largest output? SL_TOO_LARGE with *diag, e.g.
 * "131,402 tokens and max_tokens 4,096 exceed gpt-4o's window of 128,000". */
enum sl_err ask_check(const struct ask *ask, struct diag *diag) SL_CHECK;
/* The units a request is charged in one dimension under a rule. With input = the larger of
 * input_tokens and char_tokens, and asked = max_output_tokens if the request named it, else 0:
 *     MAX max(asked, input)   SUM input + asked   ACTUAL input_tokens + max_output_tokens
 * (flow replaces max_output_tokens by what it learned where the rule is ACTUAL). ITPM is
 * input_tokens, OTPM max_output_tokens, requests and concurrency 1, under every rule. */
int64_t demand_charge(const struct demand *d, enum charge_rule rule, enum dimension dim);

/* ---- headers.c: what an answer says of the budgets ----------------------------------- */

/* Reads rate-limit headers of any known form into out[max]; returns how many. `now_unix_us` is
 * the wall clock, needed for Anthropic's absolute reset times (the answer's own Date header is
 * preferred). */
size_t headers_read(const struct provider *p, const struct message *m, int64_t now_unix_us,
                    struct reading *out, size_t max);
/* retry-after-ms, retry-after in seconds or as an HTTP date; -1 if absent. Not capped. */
int64_t headers_retry_us(const struct message *m, int64_t now_unix_us);

/* ---- verdict.c: what an answer means ------------------------------------------------- */

#define VERDICT_KINDS(X)                                                                       \
    X(OK, "ok")                                                                                \
    X(RATE_LIMIT, "rate_limit")                                                                \
    X(QUOTA, "quota")                                                                          \
    X(CONTEXT_LENGTH, "context_length")                                                        \
    X(TOO_LARGE, "too_large")                                                                  \
    X(OVERLOADED, "overloaded")                                                                \
    X(AUTH, "auth")                                                                            \
    X(OTHER, "other")

enum verdict_kind {
#define X(id, text) VERDICT_##id,
    VERDICT_KINDS(X)
#undef X
};
const char *verdict_name(enum verdict_kind k);

struct verdict {
    enum verdict_kind kind;
    enum dimension dim; /* DIM_UNKNOWN if not said */
    int64_t limit;      /* -1 if not said, likewise below */
    int64_t used;
    int64_t requested;
    int64_t retry_us; /* truncated to ms where it comes from a message */
    bool retryable;
    int status;         /* HTTP status */
    struct str code;    /* provider's own code or type, lent */
    struct str message; /* provider's own words, lent */
    struct str bucket;  /* "(for limit gpt-4.1)": the shared limit's name, or empty */
};

/* Of an answer that is one, and says nothing of limits. */
struct verdict verdict_good(int status);
/* Judges a whole answer, or one error event out of a 200 stream, or a failed batch or run
 * object (status 200). Status 0: not known, judged by the words alone. `m` may be NULL (no
 * headers). `body` is the text as received: JSON object, JSON array around it (Gemini), or
 * plain text (an edge network). The arena holds the parse. The retry time is the body's, which
 * is finer, unless the headers ask for more; it is not capped. */
struct verdict verdict_of(const struct provider *p, int status, const struct message *m,
                          struct str body, int64_t now_unix_us, struct arena *arena);

/* ---- usage.c: what an answer used ---------------------------------------------------- */

struct usage {
    int64_t input_tokens; /* -1 if not said; for Anthropic without cached reads */
    int64_t output_tokens;
    int64_t cached_tokens;
};
/* From a whole JSON answer of any known API. */
struct usage usage_of(const struct json *answer);

#endif
