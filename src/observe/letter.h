/* letter.h: what is written to people and machines of alerts that start and end: several in one
 * letter, so that a storm of them is one. Pure. */
#ifndef SLUICE_LETTER_H
#define SLUICE_LETTER_H

#include "alerts.h"

/* One change, kept until it has been delivered. */
struct note {
    const char *kind, *severity;
    bool starts;
    enum dimension dim;
    int64_t unix_us, since_unix_us; /* of the change, and of the alert's start */
    char account[64], model[128], text[320], advice[320];
};

struct note note_of(const struct alert_change *c, int64_t unix_us);

struct letter {
    const char *host; /* which installation */
    int64_t unix_us;
    const struct note *notes;
    size_t note_count;
    int64_t left_out; /* changes that there was no room for */
};

/* The body of a Slack incoming webhook: {"text": ...} in its mrkdwn. */
void letter_slack(const struct letter *l, struct buf *out);
/* {"sluice": version, "host", "time", "alerts": [{"state": "started" or "ended", "alert",
 * "severity", "account", "model", "dimension", "since", "time", "text", "advice"}],
 * "left_out"}. Empty texts are null. */
void letter_json(const struct letter *l, struct buf *out);

#endif
