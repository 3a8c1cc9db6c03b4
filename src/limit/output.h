/* output.h: how long answers turn out, learned, for accounts that charge output as it is
 * produced.
 *
 * Reserving max_tokens would leave most of such a quota unused. Until OUTPUT_ENOUGH answers
 * have been seen it is all that is known. Then: the mean of requests that ask for about as
 * much, and one margin for all that is in flight together, because their errors cancel out.
 * Integers. */
#ifndef SLUICE_OUTPUT_H
#define SLUICE_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

enum { OUTPUT_CLASSES = 24, OUTPUT_ENOUGH = 30 };

struct output {
    struct output_class {
        int64_t n, sum;
    } classes[OUTPUT_CLASSES]; /* by the power of two that holds max_tokens */
    int64_t n, sum, asked;     /* of all */
    bool hopeful;              /* until ENOUGH are known: half of max_tokens, else all of it */
    __int128 squares;          /* of what each was off its expectation, `checked` of them */
    int64_t checked;
};

void output_learn(struct output *o, int64_t max_tokens, int64_t tokens);
int64_t output_expect(const struct output *o, int64_t max_tokens);
/* What `in_flight` answers together may exceed their expectations by: three standard
 * deviations.
 */
int64_t output_margin(const struct output *o, int64_t in_flight);

#endif
