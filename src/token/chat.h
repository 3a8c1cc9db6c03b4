/* chat.h: what a request costs beyond its plain texts: message framing, tools, images, and the
 * estimate for Claude. Pure functions over strings and numbers; provider/ walks the JSON.
 *
 * Sources: facts/providers.md 7.5 to 7.7. Message framing is exact for plain chats; tools,
 * images and Claude are estimates. All results are tokens. */
#ifndef SLUICE_CHAT_H
#define SLUICE_CHAT_H

#include "token.h"

/* Fixed tokens by model. A chat of plain texts costs
 *     reply + sum over messages of (message + count(role) + count(content) + [name +
 * count(name)]) and its tools cost tools_end (once, if there is any) + sum over tools of
 * chat_tool
 *     + for each tool with properties: properties + sum of chat_property
 *     + for each property with an enum: enums + sum of chat_enum_item. */
struct chat_cost {
    int64_t message; /* framing of one message */
    int64_t name;    /* extra for a message with `name`; -1 for gpt-3.5-turbo-0301 */
    int64_t reply;   /* priming of the reply, once per request */
    int64_t tool;
    int64_t properties;
    int64_t property;
    int64_t enums; /* negative */
    int64_t enum_item;
    int64_t tools_end;
};

/* Never NULL: unknown models cost what gpt-4o costs. */
const struct chat_cost *chat_cost_of(struct str model);

/* "name:description", a closing full stop dropped, plus the fixed part of one tool. */
int64_t chat_tool(const struct encoding *e, const struct chat_cost *c, struct str name,
                  struct str description);
/* "name:type:description", a closing full stop dropped, plus the fixed part of one property. */
int64_t chat_property(const struct encoding *e, const struct chat_cost *c, struct str name,
                      struct str type, struct str description);
int64_t chat_enum_item(const struct encoding *e, const struct chat_cost *c, struct str item);

enum image_detail {
    IMAGE_AUTO, /* counted as high: the larger of the two */
    IMAGE_LOW,
    IMAGE_HIGH,
};

/* "low", "high", "auto" or empty; anything else counts as auto. */
enum image_detail image_detail_named(struct str name);

/* Tokens of one image of that many pixels. A width or height of 0 means unknown: the largest
 * that the model can charge. Models whose names begin with "claude" follow Anthropic's rule. */
int64_t image_tokens(struct str model, enum image_detail detail, int64_t width_px,
                     int64_t height_px);
/* Size from the head of a PNG, JPEG, GIF or WebP file written in base64; false if it is none of
 * these or torn. Reads no further than the size stands. */
bool image_size(struct str base64, int64_t *width_px, int64_t *height_px);

/* Claude has no public tokenizer: 3.5 characters a token, 30 % more from Claude 4.7 on. */
int64_t claude_tokens(struct str model, struct str text);
enum {
    CLAUDE_MESSAGE_TOKENS = 7 /* framing of one message */
};

#endif
