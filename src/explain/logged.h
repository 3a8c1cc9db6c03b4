/* logged.h: what one line of a log tells of a request: when, which, of which model, how it
 * ended. Plain access logs, logfmt, HTTP clients' own lines, JSON lines. Pure. */
#ifndef SLUICE_LOGGED_H
#define SLUICE_LOGGED_H

#include "json.h"

struct logged {
    int64_t at_us;           /* -1: not said */
    struct str method, path; /* empty: it tells of no request. The path as logged, or a URL */
    int status;              /* 0: not said */
    struct str model;        /* these where JSON names them, else empty */
    struct str tenant;
    /* sluice's own request log, JSON or text: */
    struct str verdict;   /* how it ended: "ok", "rate_limit", "wait", ... */
    struct str dimension; /* the limit that refused or was waited for: "tpm", or empty */
    int64_t refused;      /* how often the provider refused it before it ended so */
};

/* `line` is the first line of a block, `tree` its JSON or NULL. Everything is lent from them.
 */
struct logged logged_read(struct str line, const struct json *tree, int64_t now_us);
/* Is it a line of sluice's own request log? */
bool logged_is_own(const struct logged *l);
/* Is it a request, and one to a provider's API, as far as its path tells? */
bool logged_is_request(const struct logged *l);
/* Does the path belong to an LLM API: a version in it, or a provider's host? */
bool logged_is_api(struct str path);
/* The path's kind: without host and query, and with a star for what names one thing only
 * ("thread_abc"). */
void logged_route(struct str path, struct buf *out);

/* Can this text tell of a refusal? Cheap and generous: most lines of a log cannot. */
bool logged_suspect(struct str text);

#endif
