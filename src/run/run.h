/* run.h: the verb `sluice run`. */
#ifndef SLUICE_RUN_H
#define SLUICE_RUN_H

/* Given the arguments after the verb's name; returns an exit code (exits.h). */
int verb_run(int argc, char **argv);

#endif
