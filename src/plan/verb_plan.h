/* verb_plan.h: the verb `sluice plan`. */
#ifndef SLUICE_VERB_PLAN_H
#define SLUICE_VERB_PLAN_H

/* Given the arguments after the verb's name; returns an exit code (exits.h). */
int verb_plan(int argc, char **argv);

#endif
