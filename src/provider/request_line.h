/* request_line.h: what one line of a batch file asks for, in any of the three forms. Pure.
 *
 * OPENAI     {"custom_id": ..., "method": "POST", "url": "/v1/...", "body": {...}}
 * ANTHROPIC  {"custom_id": ..., "params": {...}}     (sent to /v1/messages)
 * PROMPT     a prompt as plain text; custom_id is "prompt-" and the line's number
 * Source: facts/providers.md section 6. */
#ifndef SLUICE_REQUEST_LINE_H
#define SLUICE_REQUEST_LINE_H

#include "provider.h"

struct line_form {
    bool prompts; /* else batch lines; OpenAI's and Anthropic's may stand in one file */
    /* --- of prompts: */
    const char *model;
    int64_t max_tokens; /* 0: not said */
    const struct provider *provider;
};

struct request_line {
    struct str custom_id;
    struct str url;
    struct str body;         /* as written: these bytes are sent */
    const struct json *tree; /* of the body */
    const char *field;       /* under which the line holds the body: "body", "params" or "" */
    enum route route;
};

/* Everything is lent from `text` or lives in the arena. On error *diag names the field; what
 * could be read stands in *out (custom_id for the error file). */
enum sl_err request_line_read(const struct line_form *form, int64_t number, struct str text,
                              struct arena *arena, struct request_line *out,
                              struct diag *diag) SL_CHECK;

/* The request's path below a base URL: where the base has a path of its own ("/v1",
 * "/openai/v1"), that is the version's root and the url's leading "/v1" is not doubled. */
struct str request_line_path(const struct request_line *line, bool base_has_path);

#endif
