/* input.h: the batch file: checked whole before anything is sent, indexed, read again by row.
 */
#ifndef SLUICE_INPUT_H
#define SLUICE_INPUT_H

#include "lines.h"
#include "models.h"
#include "request_line.h"
#include "rows.h"

/* What becomes of lines that are too long for their model, or for its limits. */
struct input_detour {
    /* The n-th model that one of those may go to instead; NULL: there are no more. */
    const char *(*longer)(void *ctx, struct str model, size_t n);
    /* Is it enough that such a line fails for itself? */
    bool (*excused)(void *ctx, struct str model);
    void *ctx;
};

struct input_config {
    const char *path; /* "-": standard input */
    struct line_form form;
    const struct provider *provider; /* NULL: of each line's model, as the catalogue has it */
    const char *model;               /* as if every line named it; NULL: as they do */
    const struct catalogue *catalogue;
    const struct limit_source *limits;
    enum charge_rule charge;
    int use_percent;
    const struct input_detour *detour; /* NULL: they are invalid */
};

/* Who hears of the check while it goes on. */
struct input_listener {
    /* One line that can not be sent, in the file's order. */
    void (*complaint)(void *ctx, int64_t number, const struct diag *diag);
    /* After every few thousand lines. */
    void (*progress)(void *ctx, int64_t lines, int64_t bytes, int64_t bytes_total);
    void *ctx;
};

struct input {
    struct input_config config;
    struct lines *lines;
    struct rows rows;
    struct models models;
    size_t invalid;   /* rows in ROW_INVALID, */
    size_t excused;   /* ... of which these are no reason to stop */
    size_t estimated; /* rows whose input could not be counted exactly */
};

/* How the file is called in messages: its path, or "standard input". */
const char *input_name(const struct input_config *c);

/* Opens and reads the whole file. Lines that can never be sent become rows in ROW_INVALID.
 * Errors are those of the whole: unreadable file (SL_IO, SL_FULL), a model without known limits
 * (SL_UNKNOWN); diag->where then begins with the line's number, if it has one. */
enum sl_err input_open(struct input *in, const struct input_config *c,
                       const struct input_listener *listener, struct diag *diag) SL_CHECK;
void input_close(struct input *in);

/* One row's line, read again. Everything is lent from `bytes` and `arena`. */
struct input_request {
    struct buf bytes;
    struct arena arena;
    struct request_line line;
};
void input_request_free(struct input_request *r);
/* A row that goes to another model than its line names has that name in its body. SL_IO:
 * unreadable; SL_RANGE: the file is not what it was when it was checked. */
enum sl_err input_read(struct input *in, const struct row *row, struct input_request *out,
                       struct diag *diag) SL_CHECK;
/* A pending row goes to that model from now on, if it fits it and its limits; else false, and
 * nothing has changed. */
bool input_redirect(struct input *in, struct row *row, size_t model);
/* What is wrong with a row in ROW_INVALID, told again; *out has its custom_id, if it has one.
 */
void input_complaint(struct input *in, const struct row *row, struct input_request *out,
                     struct diag *diag);

#endif
