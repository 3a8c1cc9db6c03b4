/* parcel.h: a set of rows that goes to the provider as one batch, and its lines in the journal.
 *
 *   PLANNED -> UPLOADING -> UPLOADED -> CREATING -> CREATED -> FETCHED
 *                              ^                       |
 *                              +---- refused: the queue was full
 *   any but FETCHED -> VOID: given up; its rows are free
 *
 * (Anthropic's have no file: PLANNED -> CREATING.) Each state stands in the journal before
 * what it names is done, so that a process that dies leaves a trace of all that may exist at
 * the provider: UPLOADING and CREATING say "look first whether it is there". The journal is a
 * file of JSON lines beside the output:
 *
 *   {"sluice": "batches", "account": "https://api.openai.com/v1"}
 *   {"choice": "begun", "deadline_us": 21600000000, "until_us": <since 1970>,
 *    "budget_pusd": null}
 *   {"parcel": 1, "state": "planned", "mark": <32 hex>, "model": ..., "endpoint": ...,
 *    "rows": "1-500,503", "digest": <32 hex>, "requests": ..., "bytes": ..., "tokens": ...,
 *    "inputs": ..., "halvings": 0}
 *   {"choice": "made"}
 *   {"parcel": 1, "state": "uploading"}
 *   {"parcel": 1, "state": "uploaded", "file": "file-..."}
 *   {"parcel": 1, "state": "creating", "attempt": 1, "at": <seconds since 1970>}
 *   {"parcel": 1, "state": "created", "batch": "batch_..."}
 *   {"parcel": 1, "state": "fetched"} | "refused" | {..., "state": "void", "why": ...}
 *
 * `rows` are the numbers of lines, `digest` a hash of their ids: an input that was changed
 * under a batch is noticed. A choice is --mode auto's: once it is made, what it packed goes as
 * batches and all else live, in every run that asks for the same. Pure. */
#ifndef SLUICE_PARCEL_H
#define SLUICE_PARCEL_H

#include "batch_call.h"
#include "input.h"
#include "packing.h"

#define PARCEL_STATES(X)                                                                       \
    X(PLANNED, "planned")                                                                      \
    X(UPLOADING, "uploading")                                                                  \
    X(UPLOADED, "uploaded")                                                                    \
    X(CREATING, "creating")                                                                    \
    X(CREATED, "created")                                                                      \
    X(FETCHED, "fetched")                                                                      \
    X(VOID, "void")

enum parcel_state {
#define X(name, text) PARCEL_##name,
    PARCEL_STATES(X)
#undef X
};
const char *parcel_state_name(enum parcel_state s);

enum { PARCELS_MAX = UINT16_MAX, MARK_BYTES = 32 };

struct parcel {
    uint16_t number; /* from 1 */
    enum parcel_state state;
    char mark[MARK_BYTES]; /* drawn at random */
    size_t model;          /* index into the run's models */
    int endpoint;          /* ... into the rules' endpoints */
    struct load load;
    int64_t halvings;       /* of the parcel that it was a part of */
    size_t first, last;     /* the rows between which all of its rows lie */
    int attempt;            /* of its creation */
    int64_t creating_us;    /* when that was begun, since 1970 */
    struct buf file, batch; /* ids; empty until they are known */
};

struct parcels {
    struct parcel *list;
    size_t n, cap;
};
void parcels_free(struct parcels *p);
/* A new one in PLANNED, of the next number; NULL over PARCELS_MAX. Invalidates pointers. */
struct parcel *parcels_add(struct parcels *p);
/* NULL: none of that number. */
struct parcel *parcels_get(const struct parcels *p, uint16_t number);
/* May something of it exist at the provider, or be about to? */
bool parcel_is_live(const struct parcel *p);
/* Nothing of it was ordered yet: it can be given up without asking anybody. */
bool parcel_is_idle(const struct parcel *p);

/* ---- the journal's lines: without newlines ---- */

struct parcels_header {
    struct str account; /* whom it is at: a base URL */
};
void parcels_write_header(const struct parcels_header *h, struct buf *out);

struct parcels_choice {
    bool begun, made;                           /* the last one */
    int64_t deadline_us, until_us, budget_pusd; /* -1: none */
};
/* What it says now: that it is begun, or that it is made. */
void parcels_write_choice(const struct parcels_choice *c, struct buf *out);
/* The line that announces the state it is in now; PLANNED also tells its rows. `why`: of VOID.
 */
void parcel_write(const struct parcel *p, const struct input *in,
                  const struct batch_rules *rules, const char *why, struct buf *out);
/* The batch that was made of it is no more: it is UPLOADED again (CREATING without a file). */
void parcel_write_refused(const struct parcel *p, struct buf *out);

/* Takes in one line, in their order. Rows of planned parcels get their number. SL_SYNTAX,
 * SL_TYPE and so on for what is no line of a journal; SL_RANGE where the input is not what it
 * was, or where there is no such model or endpoint any more. *header is filled by the first
 * line; its text is lent from the arena. */
struct parcels_reader {
    struct parcels *parcels;
    struct input *input;
    const struct batch_rules *rules;
    struct parcels_header header;
    struct parcels_choice choice;
    bool begun;
    struct arena arena; /* of the header */
    struct arena tree;  /* of the line at hand */
};
enum sl_err parcels_read_line(struct parcels_reader *r, struct str text,
                              struct diag *diag) SL_CHECK;
void parcels_reader_free(struct parcels_reader *r);

#endif
