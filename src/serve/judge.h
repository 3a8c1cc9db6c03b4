/* judge.h: `sluice check`. */
#ifndef SLUICE_JUDGE_H
#define SLUICE_JUDGE_H

int verb_check(int argc, char **argv);

#endif
