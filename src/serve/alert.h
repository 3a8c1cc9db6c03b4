/* alert.h: the verb `sluice alert`. */
#ifndef SLUICE_ALERT_H
#define SLUICE_ALERT_H

int verb_alert(int argc, char **argv);

#endif
