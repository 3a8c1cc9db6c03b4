/* serve.h: the door of this room. */
#ifndef SLUICE_SERVE_H
#define SLUICE_SERVE_H

/* `sluice serve`, given the arguments after its name. */
int verb_serve(int argc, char **argv);

#endif
