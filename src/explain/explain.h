/* explain.h: `sluice explain`: a refusal in, a diagnosis out. */
#ifndef SLUICE_EXPLAIN_H
#define SLUICE_EXPLAIN_H

int verb_explain(int argc, char **argv);

#endif
