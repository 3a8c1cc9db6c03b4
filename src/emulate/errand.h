/* errand.h: a request to an API that is no model's (files, batches, threads), and what is
 * answered. Pure. */
#ifndef SLUICE_ERRAND_H
#define SLUICE_ERRAND_H

#include "form.h"
#include "json.h"
#include "registry.h"
#include "target.h"

struct errand {
    const struct target *to;
    struct str body;
    const struct form *form; /* what was uploaded; NULL: the body was no form */
    struct str base_url;     /* "http://127.0.0.1:4291/v1/" */
    int64_t now_us;
    struct arena *arena; /* lives as long as the answer */
    /* The answer: a status, and either a body or what a spool holds (a share of its own). */
    int status;
    struct buf *out;
    struct spool *content;
    /* A refusal: status >= 400 and no body. */
    const char *message, *param, *code;
};

void errand_refuse(struct errand *e, int status, const char *param, const char *code,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The body as an object; NULL with a refusal. An empty body is an empty object. */
const struct json *errand_object(struct errand *e);
/* A required string of an object; empty with a refusal that names it. */
struct str errand_string(struct errand *e, const struct json *object, const char *field);
/* OpenAI's metadata: at most 16 short strings. False with a refusal; else *out is its JSON
 * text, lent from the body, "null" where there is none. */
bool errand_metadata(struct errand *e, const struct json *object, struct str *out);

#endif
