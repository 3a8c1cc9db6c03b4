/* api_call.h: one call to an API that is no model's (files, batches), with the account's key:
 * the answer whole, or handed on piece by piece. Nothing is sent twice; what became of a call
 * is judged here, what to do about it by the caller. */
#ifndef SLUICE_API_CALL_H
#define SLUICE_API_CALL_H

#include "provider.h"
#include "upstream.h"

struct api {
    struct upstream *upstream;
    const struct provider *provider;
    struct buf key; /* the header's value; empty: none is sent. Wiped by api_close */
};
/* The upstream is handed over. `key`: the account's, or an empty str. */
void api_open(struct api *a, struct upstream *u, const struct provider *p, struct str key);
void api_close(struct api *a);

enum api_outcome {
    API_OK,
    API_LATER,   /* a passing fault: try again */
    API_ABSENT,  /* 404 */
    API_REFUSED, /* for good */
    API_ACCOUNT, /* wallet, key: nothing can go on */
};

struct api_answer {
    enum api_outcome outcome;
    bool unsure;             /* not API_OK, and yet it may have been carried out */
    int status;              /* 0: no whole answer came */
    const struct json *root; /* of API_OK, unless it was handed on */
    struct verdict verdict;  /* of a whole answer that refuses */
    const char *why;         /* of all but API_OK, in words */
};

struct api_request {
    const char *method;
    struct str path;
    struct str type;               /* Content-Type; empty: there is no body */
    struct str body;               /* lent until done */
    int64_t length;                /* of a body that comes from `more` */
    struct str (*more)(void *ctx); /* as call_handler's; NULL: `body` is all */
    /* A good answer is handed on, of any length; false: that was enough, it ends as API_OK.
     * NULL: collected. */
    bool (*piece)(void *ctx, struct str bytes);
    void (*done)(void *ctx, const struct api_answer *a); /* lent for the call */
    void *ctx;
};

struct api_call;
struct api_call *api_start(struct api *a, const struct api_request *r);
/* Without a report. May be called from `piece` and `more`, not from `done`: there it is gone.
 */
void api_cancel(struct api_call **c);

#endif
