/* key.h: the door of this room. */
#ifndef SLUICE_KEY_H
#define SLUICE_KEY_H

/* `sluice key`, given the arguments after its name. */
int verb_key(int argc, char **argv);

#endif
