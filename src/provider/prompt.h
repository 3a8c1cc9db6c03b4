/* prompt.h: walks the parts of a request body that a model reads, and counts them. Known to the
 * provider room alone.
 *
 * Errors stick: after the first one every call is a no-op, and *diag holds it with the field's
 * path. A key given twice is an error wherever it is read, for JSON readers differ in which of
 * the two they take, and so would the count. */
#ifndef SLUICE_PROMPT_H
#define SLUICE_PROMPT_H

#include "chat.h"
#include "json.h"

struct prompt {
    struct str model;
    bool claude; /* counted by Anthropic's rules, else with: */
    const struct encoding *encoding;
    const struct chat_cost *cost;
    int64_t tokens;
    int64_t characters; /* Unicode code points of the texts counted */
    int64_t images;
    bool estimated; /* something was met whose exact cost is not known */
    char path[128]; /* "body.messages[3]"; cut when longer */
    size_t path_n;
    enum sl_err err;
    struct diag *diag;
};

void prompt_fail(struct prompt *p, enum sl_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The path goes one member or element deeper; give the result to prompt_leave. */
size_t prompt_enter(struct prompt *p, const char *key);
size_t prompt_enter_index(struct prompt *p, size_t i);
void prompt_leave(struct prompt *p, size_t mark);

/* The member of that name, NULL if absent or null. Fails if it is given twice. */
const struct json *prompt_member(struct prompt *p, const struct json *object, const char *key);
/* The same, but it must be a string. Empty if absent. */
struct str prompt_member_text(struct prompt *p, const struct json *object, const char *key);
/* The same, but it must be a whole number, 0 to 10^12; `absent` if absent. */
int64_t prompt_member_count(struct prompt *p, const struct json *object, const char *key,
                            int64_t absent);

void prompt_text(struct prompt *p, struct str text);
/* A string, null, or a list of content parts (text, images, audio, files, tool use). */
void prompt_content(struct prompt *p, const struct json *content);
/* The messages of a chat, or the items of a Responses input. */
void prompt_messages(struct prompt *p, const struct json *list);
/* Tool definitions in the form of any of the APIs, and what else constrains the answer. */
void prompt_tools(struct prompt *p, const struct json *body);

#endif
