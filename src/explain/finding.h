/* finding.h: a piece of evidence into a finding: who refused, what, of which model. */
#ifndef SLUICE_FINDING_H
#define SLUICE_FINDING_H

#include "detect.h"
#include "kind.h"

struct finding {
    struct origin origin;
    struct verdict verdict; /* VERDICT_OK: no refusal */
    struct str model;       /* as the refusal or the log names it, or empty */
    bool bare;              /* a log's line that says no more than that something was refused */
    bool own;               /* the gateway refused it itself, the provider was not asked */
    int64_t times; /* how many refusals this is: a request may be refused several times */
    /* The kind of the request, where kinds have limits of their own: the caller's to fill. */
    const struct route_class *type;
    const struct evidence *evidence;
};

/* Judges every claim and keeps the one that tells most. `told` is who refused where the caller
 * knows (.name NULL: found out). Strings live as long as the evidence and the arena. */
struct finding finding_of(const struct evidence *e, const struct origin *told, int64_t now_us,
                          struct arena *arena);

#endif
