/* count.h: the verb `sluice count`: tokens of texts, or of the requests of batch files. */
#ifndef SLUICE_COUNT_H
#define SLUICE_COUNT_H

#include "str.h"

struct count_options {
    const char *model;    /* NULL: not given */
    const char *encoding; /* NULL: the model's own */
    bool requests;
    bool json;
    bool ids;
};

int verb_count(int argc, char **argv);

/* texts.c and requests.c: the files in order, "-" for standard input, to standard output.
 * Complaints go to standard error; the result is an enum exit_code. */
int count_texts(const struct count_options *options, char **paths, int n);
int count_requests(const struct count_options *options, char **paths, int n);

/* Writes to standard output; false after a complaint. */
bool count_write(const struct buf *out);

#endif
