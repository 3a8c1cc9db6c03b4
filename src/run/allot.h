/* allot.h: which rows go live and which as batches, under --mode auto: the figures for
 * mode_choice.h, its choice carried out, said and written into the journal before anything is
 * sent. A run that goes on with the same wishes keeps to the choice that stands there.
 *
 * Costs are those of answers as long as requests allow, or as told; times are the plan's, and
 * 5 % more. */
#ifndef SLUICE_ALLOT_H
#define SLUICE_ALLOT_H

#include "mode_choice.h"
#include "parcel.h"
#include "savings.h"

struct batch;

struct allot {
    struct parcels_choice choice;  /* as it stands in the journal; not begun: no --mode auto */
    bool stands;                   /* it is an earlier run's; there are no figures then */
    struct choice figures;         /* groups by pool */
    int64_t live_pusd, batch_pusd; /* all of it live; all that may as batches; -1 not known */
    struct savings savings;
    unsigned routes;         /* that batches reach, a bit each */
    uint16_t parcels_before; /* how many there were already */
};

/* Chooses, packs what goes as batches. SL_RANGE, SL_MISSING with what is wrong with the wishes
 * and what to do; SL_FULL, SL_IO. */
enum sl_err allot_rows(struct batch *b, struct diag *diag) SL_CHECK;
void allot_free(struct allot *a);
/* How long a cancelled batch may take to end. */
int64_t allot_cancel_us(const struct batch *b);
/* A row that was to go as a batch is to be asked live; false: the budget does not pay for it.
 */
bool allot_raise(struct batch *b, const struct row *row);
/* Of a row that has its answer, for so much (-1: not known). */
void allot_settle(struct batch *b, const struct row *row, bool batch, int64_t paid_pusd);

/* allot_tell.c: what was chosen and why, for people; as JSON. */
void allot_tell(const struct batch *b, struct buf *out);
void allot_json(const struct batch *b, struct buf *out);

#endif
