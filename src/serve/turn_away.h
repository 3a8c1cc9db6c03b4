/* turn_away.h: the gateway's own refusals, in the words and the shape of the provider that the
 * client speaks to, so that its SDK raises the exception it would have raised. Pure. */
#ifndef SLUICE_TURN_AWAY_H
#define SLUICE_TURN_AWAY_H

#include "quota.h"

/* kind, status for OpenAI and its type and code, status for Anthropic and its type, whether
 * another attempt may do better */
#define TURN_AWAYS(X)                                                                          \
    X(WAIT, 429, "rate_limit", "rate_limit_exceeded", 429, "rate_limit_error", true)           \
    X(TOO_LARGE, 429, "rate_limit", "rate_limit_exceeded", 429, "rate_limit_error", false)     \
    X(SPEND, 429, "insufficient_quota", "project_spend_limit_exceeded", 400,                   \
      "invalid_request_error", false)                                                          \
    X(CONTEXT, 400, "invalid_request_error", "context_length_exceeded", 400,                   \
      "invalid_request_error", false)                                                          \
    X(BAD_REQUEST, 400, "invalid_request_error", "invalid_request", 400,                       \
      "invalid_request_error", false)                                                          \
    X(KEY, 401, "invalid_request_error", "invalid_api_key", 401, "authentication_error",       \
      false)                                                                                   \
    X(FORBIDDEN, 403, "invalid_request_error", "model_not_allowed", 403, "permission_error",   \
      false)                                                                                   \
    X(FULL, 503, "service_unavailable_error", "server_is_overloaded", 529, "overloaded_error", \
      true)                                                                                    \
    X(ENDING, 503, "service_unavailable_error", "server_is_overloaded", 529,                   \
      "overloaded_error", true)                                                                \
    X(UNREACHED, 502, "server_error", "provider_unreachable", 502, "api_error", true)          \
    X(TIMEOUT, 504, "server_error", "provider_timeout", 504, "timeout_error", true)            \
    X(UPGRADE, 501, "invalid_request_error", "websocket_not_supported", 501,                   \
      "invalid_request_error", false)

enum turn_away_kind {
#define X(kind, status, type, code, a_status, a_type, again) TURN_AWAY_##kind,
    TURN_AWAYS(X)
#undef X
};

/* For the log: "wait", "too_large", ... */
const char *turn_away_name(enum turn_away_kind kind);

struct refusal_words {
    enum turn_away_kind kind;
    bool anthropic;
    const char *type; /* OpenAI's, of the limit: "tokens"; NULL: that of the kind */
    struct str what;  /* the message */
    int64_t wait_us;  /* < 0: none is known */
    const struct quota *quotas;
    size_t quota_count;
    int64_t unix_us;
};

enum { TURN_AWAY_HEADERS = 5 + QUOTA_HEADERS };

struct turn_away {
    int status;
    struct header headers[TURN_AWAY_HEADERS];
    size_t header_count;
    struct str body;
};

/* All strings of *out live in the arena. */
void turn_away_write(struct turn_away *out, const struct refusal_words *words,
                     struct arena *arena);
/* The body alone, for refusals that have their status already. */
struct str turn_away_body(bool anthropic, const char *type, const char *code, struct str what,
                          struct arena *arena);

#endif
