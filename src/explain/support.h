/* support.h: when it is worth writing to the provider's support, and with what. Most refusals
 * are what the limits promise; these are not:
 *
 * - refused while the headers, or the refusal's own figures, show room;
 * - a wait far beyond what the figures give;
 * - a limit below that of the tier;
 * - a tier earned by what was paid and waited, and not given;
 * - refused for hours with hardly any traffic (only a log shows that). */
#ifndef SLUICE_SUPPORT_H
#define SLUICE_SUPPORT_H

#include "finding.h"
#include "standing.h"

/* Does this refusal come although there was room? By its headers, or by its own figures. */
bool support_has_room(const struct finding *f, int64_t now_us);

/* A line on whether a higher tier would help, where the tier is known; a line for every reason
 * that this refusal gives, each ended; where it gives none but another refusal like it could, a
 * line that says which. */
void support_write(struct buf *out, const struct standing *s, const struct finding *f,
                   int64_t now_us);

/* What the account's payments earn against the tier it is in (NULL: not known): a line, ended,
 * or nothing where nothing was told. Returns whether a tier is owed. */
bool support_write_tier(struct buf *out, const struct standing *s, struct str provider,
                        const struct tier *in);

/* Refusals of one kind without a success between them, as a log shows them. */
struct stretch {
    int64_t from_us, to_us;
    size_t refusals;
};
/* Hours of refusals with hardly any traffic. */
bool support_is_odd(const struct stretch *st);
void support_write_stretch(struct buf *out, const struct stretch *st);

#endif
