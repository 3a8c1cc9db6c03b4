/* verb_status.h: the verb `sluice status`. */
#ifndef SLUICE_VERB_STATUS_H
#define SLUICE_VERB_STATUS_H

int verb_status(int argc, char **argv);

#endif
