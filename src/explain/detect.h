/* detect.h: whose refusal is it? By headers, wording and shape, in that order of weight. */
#ifndef SLUICE_DETECT_H
#define SLUICE_DETECT_H

#include "evidence.h"
#include "provider.h"

struct origin {
    const char *name;  /* "openai", "mistral"; NULL if not known */
    const char *title; /* "OpenAI"; "The provider" if not known */
    const struct provider
        *provider; /* never NULL: who speaks like nobody else speaks compatible */
};

/* By name, as --provider and recorded refusals give it; .name NULL if nobody is called so. */
struct origin origin_named(struct str name);
struct origin origin_detect(const struct evidence *e);
/* All names, for a message. */
void origin_list(struct buf *out);

#endif
