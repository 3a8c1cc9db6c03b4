/* pilot.h: a driver of the machine in virtual time: answers of simulate's remote go in as
 * events, actions come out. What engine.c is to sockets; nothing else of flow is imitated. */
#ifndef SLUICE_PILOT_H
#define SLUICE_PILOT_H

#include "flow.h"
#include "remote.h"

struct pilot_driver {
    /* There may be room for candidates: submit them. */
    void (*hungry)(void *ctx, int64_t now_us);
    /* The request's bytes leave now. */
    void (*send)(void *ctx, int64_t now_us, struct flow *f);
    /* The flow is the driver's again. */
    void (*over)(void *ctx, int64_t now_us, struct flow *f, enum outcome outcome);
    void *ctx;
};

/* Zero but for the first three. */
struct pilot {
    struct account *account; /* lent */
    enum header_form headers;
    struct pilot_driver driver;
    struct actions actions;
    int64_t submitted;
};
void pilot_free(struct pilot *p); /* not the account */

void pilot_submit(struct pilot *p, int64_t now_us, struct flow *f);
/* The answer to a request that was sent: its head, then its end. */
void pilot_answer(struct pilot *p, int64_t now_us, struct flow *f,
                  const struct remote_answer *a, const struct usage *usage);
/* As remote_client's `due`. */
int64_t pilot_due(struct pilot *p, int64_t now_us);

#endif
