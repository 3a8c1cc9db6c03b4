/* alert_setting.h: the part `alerts` of a configuration: thresholds, and where alerts go. Names
 * of variables and files stand in it, no secret does. */
#ifndef SLUICE_ALERT_SETTING_H
#define SLUICE_ALERT_SETTING_H

#include "alerts.h"
#include "fields.h"

enum { ALERT_WORDS = 16 /* of a command */ };

/* A secret by where it stands: in a variable, or a file. Both NULL: not given. */
struct secret_place {
    const char *env, *file;
};

struct alert_setting {
    bool given;
    struct alert_rules rules;
    struct secret_place slack, webhook, signing;
    char *command[ALERT_WORDS + 1]; /* NULL ends it */
    const char *ca_file;
};

struct alert_setting alert_setting_defaults(void);
/* Reads the map; `out` is a struct alert_setting, texts are the document's. */
void alert_setting_read(struct reader *r, const struct yaml *node, void *out);

#endif
