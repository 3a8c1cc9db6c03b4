/* intake.h: a request's body as it arrives: whole in memory, or a form whose file goes into a
 * spool. Never refuses early: a client that is answered while it still sends may not hear it.
 */
#ifndef SLUICE_INTAKE_H
#define SLUICE_INTAKE_H

#include "arena.h"
#include "form.h"
#include "target.h"

enum {
    /* Anthropic: 32 MB for messages, 256 MB for batches. facts/providers.md section 5. */
    INTAKE_MESSAGE_BYTES = 32 << 20,
    INTAKE_BATCH_BYTES = 256 << 20,
    /* OpenAI: "individual files can be up to 512 MB". */
    INTAKE_FILE_BYTES = 512 << 20,
    /* What a form adds to its file, more than enough. */
    INTAKE_FORM_BYTES = 1 << 20,
};

/* Zero-initialise; free with intake_free. Stays where it is between the two. */
struct intake {
    struct buf body;
    size_t bytes, max;
    bool too_large; /* more than max came; the body holds none of it */
    struct multipart *multipart;
    bool is_form;
    struct form form;
    struct buf field;   /* the part being read, if it is not the file */
    struct str *target; /* where that text goes */
    bool in_file;
    struct arena texts;
};

void intake_open(struct intake *i, const struct target *to, struct str content_type);
void intake_add(struct intake *i, struct str bytes);
void intake_end(struct intake *i);
void intake_free(struct intake *i);

#endif
