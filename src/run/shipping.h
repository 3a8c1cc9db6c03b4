/* shipping.h: the parcels of a run on their way through the provider's Batch API: which rows
 * go, when what of them is sent, and what comes back.
 *
 *   shipping_open.c  reads the journal of what is under way
 *   shipping.c       writes it, keeps time, ends
 *   manifest.c       packs rows into parcels
 *   creation.c       from the plan to a batch that is known to exist
 *   collection.c     from the batch to its results
 *   delivery.c       from a result to the run's row
 *
 * Guarantee: whatever kills the process, no row is in two batches that are carried out, and
 * none is answered both by a batch and live, as far as the provider lets a batch be known
 * again: OpenAI's by its metadata, Anthropic's by the ids in its results. */
#ifndef SLUICE_SHIPPING_H
#define SLUICE_SHIPPING_H

#include "api_call.h"
#include "batch_line.h"
#include "batch_object.h"
#include "journal.h"
#include "loading.h"
#include "parcel.h"
#include "progress.h"
#include "random.h"

struct batch;

/* A parcel that is not over, in this process. */
struct shipment {
    struct shipping *shipping;
    uint16_t number;
    struct api_call *call; /* at most one */
    int64_t due_us;        /* nothing is done before */
    int tries;             /* that failed, in a row */
    struct loading loading;
    int64_t sent_bytes, all_bytes; /* of the upload at hand; 0, 0: none */
    struct buf text;               /* of the call at hand: its path, its body */

    /* creation */
    bool unsure;        /* what it is about to make may be there already */
    bool unread;        /* it was made, says an answer that tells nothing else */
    int looks;          /* how often that was looked for in vain */
    int pages;          /* of the look at hand */
    int refused, alone; /* how often the queue was full; and with nothing else of ours in it */
    struct buf cursor;  /* where the next page begins */
    struct buf candidate; /* a batch that may be its own: Anthropic's */
    struct buf rejects;   /* those that are not: their ids, each on a line */

    /* collection */
    char status[24]; /* the provider's word */
    int64_t total, done, expires_us;
    bool over, cancel, cancel_sent;
    int absent;            /* how often it was not there */
    struct buf results[2]; /* where they lie: files, or the batch itself */
    size_t result_count, result_next;
    struct buf line;  /* of the results, as far as it has come */
    int64_t strange;  /* lines that are no results */
    int64_t returned; /* rows that its results gave back */
};

struct shipping {
    struct batch *batch;
    enum batch_dialect dialect;
    const struct batch_rules *rules;
    struct journal *journal; /* NULL: there is none yet */
    struct buf path;
    struct parcels parcels;
    struct parcels_header header;
    struct arena arena;     /* its text */
    struct shipment **list; /* by number - 1; NULL: over */
    size_t cap;
    struct api api;
    uv_timer_t timer;
    bool started;                 /* the timer stands */
    bool stopping;                /* only what must not be broken off goes on */
    bool ending;                  /* --cancel: no new batches, all are cancelled */
    struct parcels_choice choice; /* --mode auto's, as the journal has it; */
    bool stands;                  /* ... it is made, and this run wishes the same */
    struct random random;
    int64_t next_call_us, next_create_us; /* politeness */
    int64_t call_gap_us, create_gap_us;
    int64_t queue_requests; /* that may wait in all; -1 not known */
    int64_t *queue_tokens;  /* by pool; -1 not known */
    int64_t alive_us;       /* of the last sensible answer */
    bool troubled;
    bool sound;    /* the journal was read, and is this run's */
    char why[200]; /* in words */
    /* figures */
    int64_t created, carried, returned; /* batches; rows answered; rows given back */
    int64_t rows;                       /* in ROW_SHIPPED now */
    int64_t unreached, too_large; /* rows that no batch takes: their endpoint, their size */
    int replans;                  /* of files that were found wrong */
};

/* Reads the journal beside the output, if there is one, and marks the rows of what is under
 * way. *out is NULL where nothing is to be shipped and nothing is under way. */
enum sl_err shipping_open(struct batch *b, struct shipping **out, struct diag *diag) SL_CHECK;
/* Goes on with all that is under way; the engine and the decks stand. */
enum sl_err shipping_start(struct shipping *s, struct diag *diag) SL_CHECK;
/* Is anything under way still to be waited for? */
bool shipping_is_busy(const struct shipping *s);
/* For people; returns how many rows are in ROW_SHIPPED. */
int64_t shipping_look(const struct shipping *s, struct progress_batches *out);
/* How many parcels the provider may be working on. */
size_t shipping_at_provider(const struct shipping *s);
/* No more calls but those that must not be broken off. */
void shipping_stop(struct shipping *s);
/* Cancels one, or drops it where nothing of it was ordered yet, for that reason; what was done
 * until then is fetched. */
void shipping_end(struct shipment *h, const char *why);
/* Cancels all. */
void shipping_end_all(struct shipping *s);
/* Drops calls, closes handles; the loop must run once more before shipping_free. */
void shipping_close(struct shipping *s);
/* Closes the journal, and removes it where nothing is under way any more. */
void shipping_free(struct shipping **s);

/* ---- between the files of this module ---- */

struct parcel *shipping_parcel(const struct shipment *h);
/* Whose batches the journal tells of. */
struct str shipping_account(const struct batch *b);
int64_t shipping_now(const struct shipping *s);
/* Looks at all parcels anew in the loop's next turn. */
void shipping_wake(struct shipping *s);
/* Enters a state: its line is on the disk before this returns. false: it could not be written;
 * the run stops. */
bool shipping_enter(struct shipment *h, enum parcel_state state, const char *why);
bool shipping_note(struct shipping *s, struct str line);
/* Makes shipments of the live parcels that have none. */
void shipping_add(struct shipping *s);
/* Sends one of the Batch API's requests; `r` has all but method and path. */
void shipping_call(struct shipment *h, enum batch_verb v, struct str id, struct api_request *r);
/* What every answer means for the whole: true if it is to be read. Else the shipment tries
 * again later, or the run stops. API_ABSENT and API_REFUSED are the caller's. */
bool shipping_heard(struct shipment *h, const struct api_answer *a);
void shipping_later(struct shipment *h, int64_t asked_us);
/* Is there room at the provider for it? */
bool shipping_has_room(const struct shipment *h);
/* It is over: its rows without a result are given back, each with this code. */
void shipping_give_up(struct shipment *h, struct str code, struct str message);
void shipping_drop(struct shipment *h);
/* The interval of looking at a batch of that age. */
int64_t shipping_poll_us(const struct shipping *s, int64_t age_us);

/* manifest.c: packs rows into parcels of at most so many requests (0: what the rules allow);
 * they are in ROW_SHIPPED then. Rows in ROW_PENDING that are wanted (NULL: all), or those of a
 * parcel that is void. SL_FULL, SL_IO, SL_TOO_LARGE. */
struct manifest_filter {
    uint16_t from; /* a parcel's number; 0: pending rows */
    bool (*wanted)(void *ctx, size_t row);
    void *ctx;
    int64_t requests_max, halvings;
};
enum sl_err manifest_pack(struct shipping *s, const struct manifest_filter *f,
                          struct diag *diag) SL_CHECK;
/* What is about to be sent, in words, for people. */
void manifest_tell(const struct shipping *s, struct buf *out);
/* Packs the rows of one anew, in halves where it did not fit as a whole; the shipment is over.
 * manifest_split is false, and nothing done, for a single request. */
bool manifest_split(struct shipment *h, const char *why);
void manifest_again(struct shipment *h, const char *why);

/* creation.c, collection.c: the next step of a parcel whose time has come. */
void creation_step(struct shipment *h);
void collection_step(struct shipment *h);

/* delivery.c */
void delivery_result(struct shipment *h, const struct batch_result *r);
/* A row that comes back unanswered. */
void delivery_return(struct shipping *s, size_t row, struct str code, struct str message);

#endif
