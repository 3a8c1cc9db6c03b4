/* verb_limits.h: the verb `sluice limits`: the account's limits as they are now. */
#ifndef SLUICE_VERB_LIMITS_H
#define SLUICE_VERB_LIMITS_H

/* Given the arguments after the verb's name; returns an exit code (exits.h). */
int verb_limits(int argc, char **argv);

#endif
