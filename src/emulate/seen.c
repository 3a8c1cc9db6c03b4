/* seen.c: a table of 64-bit names, open addressing, never more than half full. */
#include "seen.h"
#include "arena.h"

#include <stdlib.h>

struct seen_entry {
    uint64_t request; /* 0: free */
    uint32_t admitted, answered;
};

static struct seen_entry *seen_slot(struct seen *s, uint64_t request)
{
    if (s->count * 2 >= s->room) {
        struct seen bigger = {.room = s->room ? s->room * 2 : 1024};
        bigger.slots = mem_zero(bigger.room * sizeof *bigger.slots);
        for (size_t i = 0; i < s->room; i++) {
            if (s->slots[i].request)
                *seen_slot(&bigger, s->slots[i].request) = s->slots[i];
        }
        free(s->slots);
        s->slots = bigger.slots;
        s->room = bigger.room;
    }
    request += request == 0;
    size_t at = request & (s->room - 1);
    while (s->slots[at].request && s->slots[at].request != request)
        at = (at + 1) & (s->room - 1);
    if (!s->slots[at].request) {
        s->slots[at].request = request;
        s->count++;
    }
    return &s->slots[at];
}

void seen_admitted(struct seen *s, uint64_t request)
{
    s->admitted_again += seen_slot(s, request)->admitted++ > 0;
}

void seen_answered(struct seen *s, uint64_t request)
{
    s->answered_again += seen_slot(s, request)->answered++ > 0;
}

void seen_free(struct seen *s)
{
    free(s->slots);
    *s = (struct seen){0};
}
