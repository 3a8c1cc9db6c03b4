/* output.h: how long answers turn out, learned, for accounts that charge output as it is
 * produced.
 *
 * Reserving max_tokens would leave most of such a quota unused. What is expected instead is the
 * mean of requests that ask for about as much, and one margin for all that is in flight
 * together, because their errors cancel out. Integers.
 *
 * The first answers to come back are the short ones, so answers are not taken as they come: a
 * cohort of OUTPUT_COHORT requests in a row is followed until seven in eight are back; each of
 * the rest counts as half as long again as the longest of those, at most max_tokens. Until a
 * cohort is complete max_tokens is all that is known (or half of it, where a wrong guess is not
 * refused because `landed` of budget.h watches). */
#ifndef SLUICE_OUTPUT_H
#define SLUICE_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

enum { OUTPUT_CLASSES = 24, OUTPUT_COHORT = 32 };

struct output_class {
    int64_t n, sum;  /* of complete cohorts; halved as it grows, so that old ones fade */
    uint32_t cohort; /* the one under way, from 1 */
    int sent, back;  /* of it */
    int64_t tokens, longest; /* of those back */
    int64_t missing;         /* max_tokens of those that are not */
};

struct output {
    struct output_class classes[OUTPUT_CLASSES]; /* by the power of two that holds max_tokens */
    int64_t sum, asked;                          /* of all complete cohorts */
    int64_t cohorts;                             /* how many */
    bool hopeful;     /* before the first: half of max_tokens, else all of it */
    __int128 squares; /* of what each was off its expectation, `checked` of them */
    int64_t checked;
};

int64_t output_expect(const struct output *o, int64_t max_tokens);
/* A request is sent: the cohort it belongs to, 0 for none. */
uint32_t output_follow(struct output *o, int64_t max_tokens);
/* Its answer: `tokens` long, or what is known of it (a failure: lost). `expected` is what
 * output_expect said when it was sent. */
void output_learn(struct output *o, uint32_t cohort, int64_t max_tokens, int64_t tokens,
                  int64_t expected);
void output_lose(struct output *o, uint32_t cohort, int64_t max_tokens);
/* What `in_flight` answers together may exceed their expectations by: three standard
 * deviations.
 */
int64_t output_margin(const struct output *o, int64_t in_flight);

#endif
