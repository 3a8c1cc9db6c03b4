/* detour_rules.h: what is to become of rows over a limit: rules by model, from a configuration
 * (over_limit.h has its words) and from the command line, which goes first:
 *
 *   --over-limit [MODEL=]wait|downgrade|fail[,after=TIME]
 *   --fallback MODEL=OTHER[,on=wait|length][,after=TIME]
 */
#ifndef SLUICE_DETOUR_RULES_H
#define SLUICE_DETOUR_RULES_H

#include "option.h"
#include "over_limit.h"

enum { DETOUR_RULES = 128, DETOUR_NAMES = 16 };

struct detour_rule {
    const char *models[DETOUR_NAMES]; /* patterns */
    size_t model_count;
    struct over_limit over;
};

struct detour_rules {
    struct detour_rule list[DETOUR_RULES]; /* the first that matches holds */
    size_t n;
    struct arena arena; /* all texts */
};

/* SL_SYNTAX, SL_UNKNOWN, SL_MISSING, SL_TOO_LARGE with *diag: where = "--over-limit". */
enum sl_err detour_rules_add(struct detour_rules *r, const struct option_list *over_limits,
                             const struct option_list *fallbacks, struct diag *diag) SL_CHECK;
/* The routes of a configuration, which may be a gateway's: its other parts are passed over. All
 * that is wrong stands in `complaints`. */
enum sl_err detour_rules_parse(struct detour_rules *r, struct str text,
                               struct complaints *complaints) SL_CHECK;
void detour_rules_free(struct detour_rules *r);

/* NULL: no rule speaks of it, so it waits. */
const struct over_limit *detour_rules_find(const struct detour_rules *r, struct str model);

#endif
