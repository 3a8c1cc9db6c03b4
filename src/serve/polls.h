/* polls.h: many callers ask how one thing stands; one request asks for them all.
 *
 *   nobody asks      ---> this one leads: its request goes as any other
 *   somebody is asking --> this one is held, and gets the same answer
 *   it was just answered, and the answer says "not yet" ---> that answer, from memory
 *
 * Shared is only what any of them would have got: the same tenant, account, path and query, and
 * the same headers but for those that tell of the client alone; a GET that the catalogue knows
 * for a poll; and an answer whole and in JSON. A stream is left alone. Any answer goes to all
 * who are held, errors too; where none came, the next of them asks. Who leaves takes nothing
 * from the others: a leader's request goes on as long as somebody is held for its answer.
 *
 * Only a good answer is kept, for the pace: --poll-pace, and if it says that one must ask
 * again, longer where there are so many things asked about that one request for each would take
 * more than half of the limit they draw on. Nothing is kept that was asked before something
 * under the same path was changed through here.
 *
 * Those who got another's answer are told how old it is, counted from when it was asked for:
 * x-sluice-shared-ms, and age as RFC 9111, section 5.1, has it. */
#ifndef SLUICE_POLLS_H
#define SLUICE_POLLS_H

#include "engine.h"

struct gateway;
struct relay;
struct poll; /* one thing that is asked about */

enum { POLLS_TABLE = 1024 };

struct polls {
    struct poll *table[POLLS_TABLE];
    size_t n, kept_bytes;
};

/* A request whose account is chosen. true: it is held, or has its answer; false: it goes on,
 * and if it leads (relay.poll) polls_over must come. */
bool polls_take(struct relay *r);
/* The leader's job is over. */
void polls_over(struct relay *r, const struct ending *end);
/* The leader was refused here, unsent. */
void polls_refused(struct relay *r);
/* The leader's answer cannot be shared: the others ask for themselves. */
void polls_part(struct relay *r);
/* Held, and waits no more. */
void polls_leave(struct relay *r);
/* Do others wait for the answer to this one's request? */
bool polls_serves(const struct relay *r);
/* This request may change something, or has. */
void polls_forget(struct gateway *g, const struct relay *r);
void polls_free(struct polls *p);

#endif
